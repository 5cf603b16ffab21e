#include "bridge/directory/directory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/base/loop.h"
#include "bridge/directory/entry.h"
#include "bridge/directory/kept.h"

enum { FLIGHT_BUCKETS = 1024 };

/* Somebody who waits for a worker's answer. */
struct waiter {
	directory_found_cb *cb;
	void *arg;
	struct waiter *next;
};
/* A question that a worker has, and all who asked it. */
struct flight {
	struct directory *owner; /* NULL once that is gone: the reply then only ends the flight */
	enum directory_kind kind;
	struct waiter *waiters, **last;
	struct flight *next, **link; /* in its bucket; link NULL once it has landed and nobody may join it */
	char text[];
};
struct directory {
	const struct conf *c;
	directory_submit_fn *submit;
	void *pool;
	struct entry_maker *maker;
	struct kept *kept;
	struct flight *flights[FLIGHT_BUCKETS];
};

struct directory *directory_new(const struct conf *c, directory_submit_fn *submit, void *pool)
{
	struct directory *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->c = c;
	d->submit = submit;
	d->pool = pool;
	d->kept = kept_new(DIRECTORY_KEPT_MAX);
	d->maker = entry_maker_new(c);
	if (!d->kept || !d->maker) {
		directory_free(d);
		return NULL;
	}
	return d;
}

/* Reads the reply of ${f}; NULL if it is none. ${passing}: it is not to be kept for long. */
static struct fb_entry *read_reply(const struct directory *d, const struct flight *f, const uint8_t *data, size_t len, bool *passing)
{
	enum fb_fact groups[DIRECTORY_GROUPS_MAX];
	struct directory_answer a = {.groups = groups};

	if (!directory_answer_unpack(data, len, &a, entry_maker_dns(d->maker)->n))
		return NULL;
	*passing = a.passing;
	return entry_from_answer(d->maker, &a, f->kind, f->text);
}

/* ---- one question to the workers, for all who ask it ---- */

/* What a flight is filed and kept under: no address begins with these. */
static void key_of(enum directory_kind kind, const char *text, char *out, size_t size)
{
	snprintf(out, size, "%s%s", kind == DIRECTORY_ADDRESS ? "" : kind == DIRECTORY_SID ? "sid " : "name ", text);
}

static struct flight **bucket_of(struct directory *d, enum directory_kind kind, const char *text)
{
	uint32_t h = 2166136261u + (uint32_t)kind; /* FNV-1a */

	for (const char *p = text; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &d->flights[h % FLIGHT_BUCKETS];
}

/* Out of its bucket: nobody joins it any more. */
static void flight_unlink(struct flight *f)
{
	if ((*f->link = f->next))
		f->next->link = f->link;
	f->link = NULL;
}

static void flight_free(struct flight *f)
{
	for (struct waiter *w = f->waiters, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	free(f);
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < FLIGHT_BUCKETS; i++)
		while (d->flights[i]) {
			d->flights[i]->owner = NULL; /* each is freed when its reply comes */
			flight_unlink(d->flights[i]);
		}
	kept_free(d->kept);
	entry_maker_free(d->maker);
	free(d);
}

static void keep(struct directory *d, const struct flight *f, const struct fb_entry *e, bool passing)
{
	char key[DIRECTORY_TEXT_MAX + 8];
	int64_t ms = d->c->directory->cache_ms;

	if (passing)
		ms = DIRECTORY_FAILED_MS;
	key_of(f->kind, f->text, key, sizeof(key));
	if (ms > 0)
		kept_put(d->kept, key, e, loop_ms() + ms);
}

static void land(void *arg, const uint8_t *data, size_t len, const char *why)
{
	struct flight *f = arg;
	struct directory *d = f->owner;
	struct fb_entry *e = NULL;
	bool passing = true;

	if (!d) {
		flight_free(f);
		return;
	}
	flight_unlink(f);
	if (data)
		e = read_reply(d, f, data, len, &passing);
	else
		log_event(LOG_LEVEL_ERROR, "directory-failed", LS("asked", f->text), LS("why", why));
	if (!e)
		e = entry_from_settings(d->maker, f->kind == DIRECTORY_ADDRESS ? f->text : "");
	if (e)
		keep(d, f, e, passing);
	/* Whoever is called may free the directory: nothing of it is touched any more. */
	for (struct waiter *w = f->waiters; w; w = w->next)
		w->cb(w->arg, e ? fb_entry_hold(e) : NULL);
	fb_entry_release(e);
	flight_free(f);
}

static bool join(struct flight *f, directory_found_cb *cb, void *arg)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		return false;
	*w = (struct waiter){cb, arg, NULL};
	*f->last = w;
	f->last = &w->next;
	return true;
}

static struct flight *find_flight(struct directory *d, enum directory_kind kind, const char *text)
{
	struct flight *f = *bucket_of(d, kind, text);

	while (f && (f->kind != kind || strcmp(f->text, text) != 0))
		f = f->next;
	return f;
}

/*
 * An answer that comes late is an error of the directory, and not of the whole query: so it comes a while before the query's
 * end.
 */
static int64_t deadline_of(const struct directory *d)
{
	return d->c->query_deadline_ms > 2000 ? d->c->query_deadline_ms - 1000 : d->c->query_deadline_ms / 2;
}

static void launch(struct directory *d, struct flight *f)
{
	struct flight **bucket = bucket_of(d, f->kind, f->text);
	struct buf job;

	if ((f->next = *bucket))
		f->next->link = &f->next;
	f->link = bucket;
	*bucket = f;
	buf_init(&job, DIRECTORY_JOB_MAX);
	directory_job_pack(&job, f->kind, f->text);
	if (job.failed)
		abort(); /* a short text, and no memory even for that */
	d->submit(d->pool, buf_ptr(&job), job.len, deadline_of(d), land, f);
	buf_free(&job);
}

static void ask(struct directory *d, enum directory_kind kind, const char *text, directory_found_cb *cb, void *arg)
{
	struct flight *f = find_flight(d, kind, text);

	if (f) {
		if (!join(f, cb, arg))
			cb(arg, NULL);
		return;
	}
	f = calloc(1, sizeof(*f) + strlen(text) + 1);
	if (f) {
		*f = (struct flight){.owner = d, .kind = kind};
		f->last = &f->waiters;
		strcpy(f->text, text);
	}
	if (!f || !join(f, cb, arg)) {
		free(f);
		cb(arg, NULL);
		return;
	}
	launch(d, f);
}

/* ---- looking up ---- */

static void ask_or_recall(struct directory *d, enum directory_kind kind, const char *text, directory_found_cb *cb, void *arg)
{
	char key[DIRECTORY_TEXT_MAX + 8];
	const struct fb_entry *e;

	key_of(kind, text, key, sizeof(key));
	e = kept_find(d->kept, key, loop_ms());
	if (e)
		cb(arg, fb_entry_hold(e));
	else
		ask(d, kind, text, cb, arg);
}

void directory_look_up(struct directory *d, const char *address, directory_found_cb *cb, void *arg)
{
	if (d->submit && entry_needs_server(d->maker, address))
		ask_or_recall(d, DIRECTORY_ADDRESS, address, cb, arg);
	else
		cb(arg, entry_from_settings(d->maker, address));
}

void directory_identify(struct directory *d, const char *name, directory_found_cb *cb, void *arg)
{
	enum directory_kind kind = strncmp(name, "S-1-", 4) == 0 ? DIRECTORY_SID : DIRECTORY_NAME;
	struct fb_entry *e;

	if (d->c->directory && d->submit && strlen(name) <= DIRECTORY_TEXT_MAX) {
		ask_or_recall(d, kind, name, cb, arg);
		return;
	}
	e = entry_from_settings(d->maker, "");
	if (e && (!d->c->directory || d->submit))
		e->exists = FB_NO;
	cb(arg, e);
}
