#include <stdio.h>
#include <string.h>
#include "bridge/ctl/args.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/process/process.h"

/* The verbs that start the daemon or talk to it. */

enum { STATUS_MS = 10000 };

int ctl_serve(int argc, char **argv, const char *conf_path)
{
	const char *trace = NULL;
	const struct ctl_option options[] = {{"trace", .value = &trace}, {0}};
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("serve");
	return process_supervise(conf_path, trace);
}

/* Peers that pairing wrote after the daemon read its files, and that wait to be confirmed: ${shown} does not name them. */
static void say_unconfirmed(const char *conf_path, const char *shown)
{
	struct conf_problems problems = {0};
	struct conf *c = conf_load(conf_path, &problems);
	char known[96];

	for (size_t i = 1; c && i < c->n_peers; i++) {
		snprintf(known, sizeof(known), "peer %s: ", c->peers[i].name);
		if (c->peers[i].unconfirmed && !strstr(shown, known))
			printf("%sjust paired\n  ! not confirmed: compare the words \"%s\" by voice, then run `availbridge peer confirm %s`\n", known,
			       c->peers[i].unconfirmed, c->peers[i].name);
	}
	conf_problems_free(&problems);
	conf_free(c);
}

/* Prints what came of a call. Returns the verb's exit code. */
static int print(enum ctl_daemon came, int code, struct buf *reply, const char *conf_path)
{
	switch (came) {
	case CTL_DAEMON_ANSWERED:
		fputs(buf_cstr(reply), code == CTL_DONE ? stdout : stderr);
		if (reply->len && buf_ptr(reply)[reply->len - 1] != '\n')
			fputc('\n', code == CTL_DONE ? stdout : stderr);
		break;
	case CTL_DAEMON_ABSENT:
		ctl_say("no daemon is running with %s; start it with `availbridge serve`", conf_path);
		code = CTL_NO;
		break;
	case CTL_DAEMON_SILENT:
		ctl_say("the daemon did not answer: %s", buf_cstr(reply));
		code = CTL_NO;
	}
	return code;
}

int ctl_reload(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;
	enum ctl_daemon came;
	struct buf reply;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("reload");
	buf_init(&reply, 16 << 20);
	came = ctl_daemon_reload(conf_path, &code, &reply);
	code = print(came, code, &reply, conf_path);
	buf_free(&reply);
	return code;
}

int ctl_status(int argc, char **argv, const char *conf_path)
{
	bool json = false;
	const struct ctl_option options[] = {{"json", .flag = &json}, {0}};
	struct ctl_words words;
	enum ctl_daemon came;
	struct buf reply;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("status");
	buf_init(&reply, 16 << 20);
	came = ctl_daemon_call(conf_path, json ? "status json" : "status text", STATUS_MS, &code, &reply);
	code = print(came, code, &reply, conf_path);
	if (came == CTL_DAEMON_ANSWERED && !json)
		say_unconfirmed(conf_path, buf_cstr(&reply));
	buf_free(&reply);
	return code;
}
