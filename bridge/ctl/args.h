#ifndef BRIDGE_CTL_ARGS_H
#define BRIDGE_CTL_ARGS_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/ctl/ctl.h"

/* Reading a verb's command line. Options may stand anywhere, as --name VALUE or --name=VALUE; "--" ends them. */
enum { CTL_MAX_WORDS = 128, CTL_MAX_FORMS = 32 };
struct ctl_words {
	size_t n;
	const char *list[CTL_MAX_WORDS]; /* borrowed from argv */
};
/* One option: exactly one of ${flag}, ${value} and ${many} is set. The table ends with a NULL name. */
struct ctl_option {
	const char *name;       /* without its dashes */
	bool *flag;             /* takes no value */
	const char **value;     /* takes one value, given at most once; NULL stays what it was */
	struct ctl_words *many; /* takes one value each time it is given */
};

/*
 * Sorts argv[1..] into ${options} and ${words} (what is no option). 0, or -1 after a sentence on standard error (the caller
 * then returns ctl_usage()).
 */
int ctl_args(int argc, char **argv, const struct ctl_option *options, struct ctl_words *words);
/* One form of a verb that has several: `peer add`. The table ends with a NULL name. */
struct ctl_form {
	const char *name;
	ctl_verb_fn *run; /* its argv starts at the form's name */
};
/* Runs the form of ${verb} that argv[1] names, or says what forms there are. Returns an exit code. */
int ctl_form_run(const char *verb, const struct ctl_form *forms, int argc, char **argv, const char *conf_path);
/* Prints the lines of the form of ${verb} that runs, or all of its forms, on standard error and returns CTL_USAGE. */
int ctl_usage(const char *verb);
/*
 * The exit code ${code}, but CTL_NO in the place of CTL_DONE, with a sentence, if not all could be written to standard output: its reader lacks
 * the rest.
 */
int ctl_written(int code);
/* Prints "availbridge: " and a printf text on standard error. */
void ctl_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
