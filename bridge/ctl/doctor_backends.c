#include <stdio.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/backend/fetcher.h"
#include "bridge/base/loop.h"
#include "bridge/ctl/doctor.h"

/* Each configured calendar server is asked one question, over a connection of our own: a daemon that leaves it alone hides nothing. */

struct trying {
	struct loop *loop;
	enum fb_reason reason;
	char why[FETCHER_WHY_MAX + 1];
};

static void tried(void *arg, enum fb_reason reason, const char *why)
{
	struct trying *t = arg;

	t->reason = reason;
	snprintf(t->why, sizeof t->why, "%s", why ? why : fb_reason_row(reason)->sentence);
	loop_stop(t->loop);
}

/* Somebody whom it serves: the one address it has, or nobody in particular at the domain. */
static void choose(const struct doctor *d, const struct conf_backend *b, char out[DOCTOR_MAILBOX])
{
	const char *word = b->serves[0];

	if (strcmp(word, "*") == 0 || strncmp(word, "group:", 6) == 0)
		doctor_mailbox(d->conf, out);
	else
		snprintf(out, DOCTOR_MAILBOX, "%s%s", strchr(word, '@') ? "" : "availbridge-doctor@", word);
}

static void try_backend(struct doctor *d, const struct conf_backend *b)
{
	struct trying t = {.loop = loop_new()};
	char hop[80], mailbox[DOCTOR_MAILBOX];
	struct fetcher *f;
	struct buf error;

	snprintf(hop, sizeof hop, "backend %s", b->name);
	choose(d, b, mailbox);
	buf_init(&error, 8192);
	if (!(f = fetcher_new(t.loop, d->conf, b, &error))) {
		doctor_failed(d, NULL, hop, DOCTOR_HERE, buf_cstr(&error), "run this as root or as the daemon's user, and see the files that %s names.", b->file);
	} else {
		fetcher_try(f, mailbox, tried, &t);
		loop_run(t.loop);
		if (t.reason == FB_OK || t.reason == FB_NO_ACCESS)
			doctor_ok(d, hop, "it lets us in, and answers about %s%s", mailbox, t.reason == FB_OK ? "" : ", who need not exist");
		else
			doctor_failed(d, NULL, hop, DOCTOR_HERE, t.why, "see in %s that the server, its certificate, the account and the password are right.", b->file);
	}
	fetcher_free(f);
	loop_free(t.loop);
	buf_free(&error);
}

void doctor_backends(struct doctor *d)
{
	for (size_t i = 0; i < d->conf->n_backends; i++)
		try_backend(d, &d->conf->backends[i]);
}
