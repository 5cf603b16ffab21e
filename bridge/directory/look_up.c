#include "bridge/directory/look_up.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/base/loop.h"
#include "bridge/directory/person.h"
#include "bridge/directory/requester.h"

static void find_address(struct directory_session *s, const char *address, struct directory_answer *a, struct groups_entry *e)
{
	struct buf filter;

	buf_init(&filter, PERSON_FILTER_MAX);
	person_address_filter(s, address, &filter);
	const struct person_search what = {"mailbox", s->d->base, buf_cstr(&filter), address, NULL, address, false};

	person_find(s, &what, a, e);
	buf_free(&filter);
	if (a->exists != FB_YES)
		snprintf(a->address, sizeof a->address, "%s", address);
}

/* What could not be told of the entry leaves nothing known of it: neither who it is nor what it is in. */
static void forget_entry(struct directory_answer *a)
{
	a->hidden = a->disabled = false;
	a->moved_to[0] = 0;
}

void directory_session_look_up(struct directory_session *s, enum directory_kind kind, const char *text, struct directory_answer *a)
{
	char normal[FB_ADDRESS_MAX + 1];
	enum fb_fact *groups = a->groups;
	struct groups_entry e;

	*a = (struct directory_answer){.groups = groups, .n_groups = s->groups.n};
	groups_entry_init(&e);
	session_begin(s);
	if (kind == DIRECTORY_ADDRESS && fb_address_normal(text, normal))
		find_address(s, normal, a, &e);
	else if (kind == DIRECTORY_ADDRESS)
		a->exists = FB_NO;
	else
		requester_find(s, kind, text, a, &e);
	if (a->exists == FB_COULD_NOT_TELL) {
		forget_entry(a);
		for (size_t i = 0; i < s->groups.n; i++)
			groups[i] = FB_COULD_NOT_TELL;
	} else {
		a->passing = groups_of(s, &e, groups) != 0;
	}
	a->passing |= a->exists == FB_COULD_NOT_TELL;
	snprintf(a->why, sizeof a->why, "%s", buf_cstr(&s->why));
	groups_entry_free(&e);
}

/* ---- as a job ---- */

enum { SAY_AGAIN_MS = 10000 };

/* A directory that is down says so with each question; the log hears of it now and then. */
static void say(struct directory_session *s, const struct directory_answer *a)
{
	int64_t now = loop_ms();

	if (now < s->say_again && strcmp(a->why, s->said) == 0)
		return;
	snprintf(s->said, sizeof s->said, "%s", a->why);
	s->say_again = now + SAY_AGAIN_MS;
	log_event(LOG_LEVEL_ERROR, "directory-failed", LS("why", a->why));
}

static void say_oddity(struct directory_session *s)
{
	const char *odd = s->told_oddity ? NULL : directory_session_oddity(s);

	if (odd)
		log_event(LOG_LEVEL_WARN, "directory-odd", LS("server", s->d->servers[s->server]), LS("why", odd));
	s->told_oddity |= odd != NULL;
}

int directory_work(struct directory_session *s, const uint8_t *job, size_t len, struct buf *reply)
{
	enum directory_kind kind;
	const char *text;
	struct directory_answer a = {.groups = calloc(s->groups.n + 1, sizeof *a.groups)};

	if (!a.groups)
		abort();
	if (!directory_job_unpack(job, len, &kind, &text)) {
		free(a.groups);
		return -1;
	}
	directory_session_look_up(s, kind, text, &a);
	if (*a.why)
		say(s, &a);
	say_oddity(s);
	directory_answer_pack(reply, &a);
	free(a.groups);
	return reply->failed ? -1 : 0;
}
