#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/ews_own.h"

/* The engine's doors, and the life of one question. */

static void *ews_open(const struct fetch_site *site, struct buf *error)
{
	struct ews *e = calloc(1, sizeof *e);

	if (!e)
		abort();
	e->site = site;
	e->last = &e->batches;
	return e;
}

static void parts_free(struct ews_question *q)
{
	for (size_t i = 0; i < q->n; i++)
		fb_answer_free(q->parts[i].answer);
	if (q->parts != &q->only)
		free(q->parts);
}

static void question_free(struct ews_question *q)
{
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	parts_free(q);
	free(q->why);
	free(q);
}

static void ews_close(void *engine)
{
	struct ews *e = engine;

	ews_batches_free(e);
	while (e->questions)
		question_free(e->questions);
	free(e);
}

/* Days of one call. */
static int longest(const struct ews *e)
{
	int days = e->site->backend->window_days;

	return e->short_windows && days > EWS_SHORT_DAYS ? EWS_SHORT_DAYS : days;
}

/* Cuts ${q} into its parts, which go out. */
static void cut(struct ews_question *q)
{
	struct fb_window windows[EWS_PARTS_MAX];

	q->n = q->pending = ews_split(q->window, q->interval, longest(q->engine), windows);
	q->parts = q->n == 1 ? &q->only : calloc(q->n, sizeof *q->parts);
	if (!q->parts)
		abort();
	for (size_t i = 0; i < q->n; i++) {
		q->parts[i] = (struct ews_part){.question = q, .window = windows[i]};
		ews_batch_add(q->engine, &q->parts[i]);
	}
}

static void *ews_ask(void *engine, const struct fetch_question *asked, fetch_done_cb *cb, void *arg)
{
	struct ews *e = engine;
	size_t n = strlen(asked->address) + 1;
	struct ews_question *q = malloc(sizeof *q + n);

	if (!q)
		abort();
	*q = (struct ews_question){.engine = e, .next = e->questions, .at = &e->questions, .cb = cb, .arg = arg, .window = asked->window,
	                           .interval = asked->interval, .hops = asked->hops};
	if (q->next)
		q->next->at = &q->next;
	e->questions = q;
	memcpy(q->address, asked->address, n);
	cut(q);
	return q;
}

static void leave_all(struct ews_question *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->parts[i].batch)
			ews_batch_leave(&q->parts[i]);
}

static void ews_drop(void *ticket)
{
	struct ews_question *q = ticket;

	leave_all(q);
	question_free(q);
}

void ews_ask_again(struct ews_part *p)
{
	struct ews_question *q = p->question;

	p->batch = NULL;
	leave_all(q);
	parts_free(q);
	free(q->why);
	q->why = NULL;
	cut(q);
}

void ews_part_done(struct ews_part *p, struct fb_answer *a, const char *why)
{
	struct ews_question *q = p->question;
	struct fb_answer *joined;

	p->batch = NULL;
	p->answer = a;
	ews_tidy(&p->answer, p->window, q->interval);
	if (p->answer->reason != FB_OK && !q->why)
		q->why = strdup(why && *why ? why : "its answer made no sense"); /* without memory for it there is none */
	if (--q->pending > 0)
		return;
	joined = q->n > 1 ? ews_join(q->parts, q->n) : NULL;
	if (q->n > 1 && !joined)
		abort();
	q->cb(q->arg, joined ? joined : q->parts[0].answer, q->why);
	fb_answer_free(joined);
	question_free(q);
}

const struct fetch_engine ews_engine = {ews_open, ews_close, ews_ask, ews_drop};
