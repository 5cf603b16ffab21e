#include "bridge/ctl/args.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"

void ctl_say(const char *fmt, ...)
{
	va_list ap;

	fputs("availbridge: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The form of a verb that runs, whose lines of the usage are wanted; NULL = all. */
static const char *running;

/* Is the line ${s} of a synopsis one of the form that runs? */
static bool is_wanted(const char *s)
{
	size_t verb = strcspn(s, " \n"), n = running ? strlen(running) : 0;

	return !running || (s[verb] == ' ' && strncmp(s + verb + 1, running, n) == 0 && strchr(" \n", s[verb + 1 + n]));
}

int ctl_usage(const char *verb)
{
	const struct ctl_verb *v = ctl_verbs;

	while (v->name && strcmp(v->name, verb) != 0)
		v++;
	fputs("Usage:\n", stderr);
	for (const char *s = v->synopsis; s && *s; s += strcspn(s, "\n"), s += *s == '\n')
		if (is_wanted(s))
			fprintf(stderr, "  availbridge %.*s\n", (int)strcspn(s, "\n"), s);
	return CTL_USAGE;
}

int ctl_form_run(const char *verb, const struct ctl_form *forms, int argc, char **argv, const char *conf_path)
{
	const char *names[CTL_MAX_FORMS], *near;
	size_t n = 0;

	for (; argc > 1 && forms->name; forms++) {
		running = names[n++] = forms->name;
		if (strcmp(argv[1], running) == 0)
			return forms->run(argc - 1, argv + 1, conf_path);
	}
	running = NULL;
	if (argc > 1) {
		near = text_nearest(argv[1], names, n);
		ctl_say("there is no %s %s%s%s%s", verb, argv[1], near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	return ctl_usage(verb);
}

static int add_word(struct ctl_words *w, const char *s)
{
	if (w->n == CTL_MAX_WORDS) {
		ctl_say("there are too many words");
		return -1;
	}
	w->list[w->n++] = s;
	return 0;
}

/* The option that ${arg} names, and what stands behind its '=' in ${value}. NULL after a sentence. */
static const struct ctl_option *find(const struct ctl_option *options, const char *arg, const char **value)
{
	size_t n = strcspn(arg, "=");
	const struct ctl_option *o = options;
	const char *names[16];
	size_t count = 0;

	*value = arg[n] ? arg + n + 1 : NULL;
	for (; o->name; o++) {
		if (strlen(o->name) == n && strncmp(o->name, arg, n) == 0)
			return o;
		if (count < 16)
			names[count++] = o->name;
	}
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)n, arg);
	const char *near = text_nearest(name, names, count);

	ctl_say("there is no option --%s%s%s%s", name, near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
	return NULL;
}

static int take_value(const struct ctl_option *o, const char *value)
{
	if (o->many)
		return add_word(o->many, value);
	if (*o->value) {
		ctl_say("--%s is given twice", o->name);
		return -1;
	}
	*o->value = value;
	return 0;
}

int ctl_args(int argc, char **argv, const struct ctl_option *options, struct ctl_words *words)
{
	bool ended = false;

	words->n = 0;
	for (int i = 1; i < argc; i++) {
		const struct ctl_option *o;
		const char *value;

		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
			continue;
		}
		if (ended || strncmp(argv[i], "--", 2) != 0) {
			if (!ended && argv[i][0] == '-' && argv[i][1]) {
				ctl_say("there is no option %s", argv[i]);
				return -1;
			}
			if (add_word(words, argv[i]) < 0)
				return -1;
			continue;
		}
		if (!(o = find(options, argv[i] + 2, &value)))
			return -1;
		if (o->flag && !value) {
			*o->flag = true;
			continue;
		}
		if (o->flag || (!value && i + 1 == argc)) {
			ctl_say(o->flag ? "--%s takes no value" : "--%s needs a value", o->name);
			return -1;
		}
		if (take_value(o, value ? value : argv[++i]) < 0)
			return -1;
	}
	return 0;
}
