#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/json.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/look_up.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/directory/groups.h"

/* `directory test`: the same look-ups as a directory worker's, with each step told. */

enum { STEPS_MAX = 64 };
struct testing {
	const char *who, *password_file;
	bool json, requester;
	struct conf *c;
	struct directory_session *session;
	struct directory_groups groups;
	struct directory_answer answer;
	enum fb_fact login;
	char login_address[FB_ADDRESS_MAX + 1], login_why[DIRECTORY_WHY_MAX];
	size_t n_steps;
	struct step {
		char name[64], outcome[512];
		int64_t us;
	} steps[STEPS_MAX];
};

static const char *fact_word(enum fb_fact f)
{
	return f == FB_YES ? "yes" : f == FB_NO ? "no" : "could not tell";
}

static void keep_step(void *arg, const char *step, int64_t us, const char *outcome)
{
	struct testing *t = arg;

	if (t->n_steps == STEPS_MAX)
		return;
	struct step *s = &t->steps[t->n_steps++];

	snprintf(s->name, sizeof s->name, "%s", step);
	snprintf(s->outcome, sizeof s->outcome, "%s", outcome);
	s->us = us;
}

static const char *last_step(const struct testing *t)
{
	return t->n_steps ? t->steps[t->n_steps - 1].name : "";
}

static void put_text(const struct testing *t)
{
	const struct conf_directory *d = t->c->directory;
	const struct directory_answer *a = &t->answer;

	for (size_t i = 0; i < t->n_steps; i++)
		printf("%8.1f ms  %-14s %s\n", (double)t->steps[i].us / 1000, t->steps[i].name, t->steps[i].outcome);
	printf("\nasked      %s\nserver     %s\nexists     %s\n", t->who, *a->server ? a->server : "-", fact_word(a->exists));
	if (a->exists == FB_YES)
		printf("entry      %s\naddress    %s\nhidden     %s\ndisabled   %s\nmoved to   %s\n", a->dn,
		       *a->address ? a->address : "-", a->hidden ? "yes" : "no", a->disabled ? "yes" : "no", *a->moved_to ? a->moved_to : "-");
	for (size_t i = 0; i < a->n_groups; i++)
		printf("group      %-14s %s\n", fact_word(a->groups[i]), t->groups.list[i]);
	if (t->password_file)
		printf("password   %s%s%s%s%s\n", fact_word(t->login), *t->login_address ? ", who is " : "", t->login_address, *t->login_why ? ": " : "",
		       t->login_why);
	if (*a->why)
		printf("why        %s.\nnext       %s\n", a->why, ctl_directory_remedy(last_step(t)));
	else if (a->exists == FB_NO)
		printf("next       Nobody below \"%s\" is called so. If that is wrong: the address has to be there as %s or among %s; see base and "
		       "attribute in directory.conf, and that the account may read these.\n", d->base, d->attributes[CONF_ATTRIBUTE_MAIL],
		       d->attributes[CONF_ATTRIBUTE_ALIASES]);
	if (directory_session_oddity(t->session))
		printf("odd        %s.\n", directory_session_oddity(t->session));
}

static void put_json(const struct testing *t)
{
	const struct directory_answer *a = &t->answer;
	struct buf b;

	buf_init(&b, 1 << 20);
	json_open(&b, NULL, '{');
	json_str(&b, "asked", t->who);
	json_str(&b, "server", *a->server ? a->server : NULL);
	json_str(&b, "exists", fact_word(a->exists));
	json_str(&b, "entry", *a->dn ? a->dn : NULL);
	json_str(&b, "address", *a->address ? a->address : NULL);
	json_bool(&b, "hidden", a->hidden);
	json_bool(&b, "disabled", a->disabled);
	json_str(&b, "moved_to", *a->moved_to ? a->moved_to : NULL);
	json_open(&b, "groups", '{');
	for (size_t i = 0; i < a->n_groups; i++)
		json_str(&b, t->groups.list[i], fact_word(a->groups[i]));
	json_close(&b, '}');
	if (t->password_file) {
		json_str(&b, "password", fact_word(t->login));
		json_str(&b, "login_address", *t->login_address ? t->login_address : NULL);
		json_str(&b, "login_why", *t->login_why ? t->login_why : NULL);
	}
	json_str(&b, "why", *a->why ? a->why : NULL);
	json_str(&b, "odd", directory_session_oddity(t->session));
	json_open(&b, "steps", '[');
	for (size_t i = 0; i < t->n_steps; i++) {
		json_open(&b, NULL, '{');
		json_str(&b, "step", t->steps[i].name);
		json_int(&b, "us", t->steps[i].us);
		json_str(&b, "outcome", t->steps[i].outcome);
		json_close(&b, '}');
	}
	json_close(&b, ']');
	json_close(&b, '}');
	json_print(&b);
}

/* A UPN looks like an address: only the one who asks knows which it is meant for. */
static enum directory_kind kind_of(const struct testing *t)
{
	char normal[FB_ADDRESS_MAX + 1];

	if (strncmp(t->who, "S-1-", 4) == 0)
		return DIRECTORY_SID;
	return !t->requester && fb_address_normal(t->who, normal) ? DIRECTORY_ADDRESS : DIRECTORY_NAME;
}

/* -1 after a sentence. */
static int try_login(struct testing *t)
{
	const struct conf_secret secret = {.file = (char *)(uintptr_t)t->password_file};
	struct buf password, error;
	int r;

	buf_init(&password, 1024);
	buf_init(&error, 8192);
	r = conf_secret_read(t->c, &secret, &password, &error);
	if (r == 0) {
		t->login = directory_login(t->session, t->who, buf_cstr(&password), t->login_address, &error);
		snprintf(t->login_why, sizeof t->login_why, "%s", buf_cstr(&error));
	} else {
		ctl_say("%s", buf_cstr(&error));
	}
	buf_wipe(&password);
	buf_free(&error);
	return r;
}

static int run(struct testing *t)
{
	enum fb_fact groups[DIRECTORY_GROUPS_MAX];

	t->answer.groups = groups;
	directory_groups_collect(t->c, &t->groups);
	directory_session_trace(t->session, keep_step, t);
	directory_session_look_up(t->session, kind_of(t), t->who, &t->answer);
	if (t->password_file && try_login(t) != 0)
		return CTL_NO;
	(t->json ? put_json : put_text)(t);
	return t->answer.exists == FB_YES && (!t->password_file || t->login == FB_YES) ? CTL_DONE : CTL_NO;
}

static int test(int argc, char **argv, const char *conf_path)
{
	struct testing t = {0};
	const struct ctl_option options[] = {
		{"json", .flag = &t.json}, {"requester", .flag = &t.requester}, {"password-file", .value = &t.password_file}, {0}};
	struct ctl_words words;
	struct buf error;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1 || strlen(words.list[0]) > DIRECTORY_TEXT_MAX)
		return ctl_usage("directory");
	t.who = words.list[0];
	if (!(t.c = ctl_load(conf_path)))
		return CTL_NO;
	buf_init(&error, 8192);
	if (!t.c->directory)
		ctl_say("there is no directory.conf beside %s: no directory is asked", t.c->file);
	else if (!(t.session = directory_session_new(t.c, &error)))
		ctl_say("%s", buf_cstr(&error));
	else
		code = run(&t);
	directory_session_free(t.session);
	directory_groups_free(&t.groups);
	conf_free(t.c);
	buf_free(&error);
	return code;
}

int ctl_directory(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"test", test}, {0}};

	return ctl_form_run("directory", forms, argc, argv, conf_path);
}
