#ifndef BRIDGE_CTL_CTL_H
#define BRIDGE_CTL_CTL_H

/* One row a verb: `availbridge VERB ...`. Exit codes: 0 done, 1 the answer is no or a check failed, 2 usage. */
enum { CTL_DONE = 0, CTL_NO = 1, CTL_USAGE = 2 };
/* ${argc} and ${argv} start at the verb itself; ${conf_path} is what -c gave, or the default. Returns an exit code. */
typedef int ctl_verb_fn(int argc, char **argv, const char *conf_path);
struct ctl_verb {
	const char *name;     /* "peer" */
	const char *synopsis; /* "peer add NAME --endpoint HOST:PORT --pin PIN [--domain D ...]", one line a form */
	const char *about;    /* one sentence */
	ctl_verb_fn *run;
};
/* The table of verbs; ends with a NULL name. */
extern const struct ctl_verb ctl_verbs[];
/* Picks the verb (options -c FILE and --help may come first) and runs it. Returns an exit code. */
int ctl_main(int argc, char **argv);
#endif
