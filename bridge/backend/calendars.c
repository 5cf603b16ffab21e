#include "bridge/backend/calendars.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/calendars_job.h"
#include "bridge/backend/looks.h"
#include "bridge/base/arena.h"
#include "bridge/base/log.h"

enum { BUCKETS = 16384, DAY = 86400, JOB_MAX = 4096 };

/* A calendar as a worker made it. In its bucket's chain and in the list of all, most recently used first. */
struct kept {
	struct calendars_result r;
	size_t bytes;
	unsigned lent; /* callbacks that read it at this moment: it must outlive them even if it is forgotten meanwhile */
	bool forgotten;
	struct kept *chain, *newer, *older;
	char address[];
};
/* Somebody who waits for a flight to land. */
struct waiter {
	struct fb_window w;
	calendars_done_cb *cb;
	void *arg;
	bool late; /* came when the worker may have read the calendar already */
	struct waiter *next;
};
/* A job that a worker has, and all who asked for what it will bring. */
struct flight {
	struct calendars *owner; /* NULL once that is gone: the reply then only ends the flight */
	char *address;
	struct fb_window wide, asked;
	struct waiter *waiters, **last;
	bool begun;  /* a worker has it or will; until then it waits for the one before it of the same address */
	bool landed; /* nobody may join it any more */
	struct flight *next;
};
struct calendars {
	int dir_fd;
	struct looks *looks;
	calendars_submit_fn *submit;
	void *pool;
	size_t max_bytes, bytes;
	struct kept *buckets[BUCKETS], *newest, *oldest;
	struct flight *flights;
};

struct calendars *calendars_new(const struct conf *c, int dir_fd, calendars_submit_fn *submit, void *pool)
{
	struct calendars *k = calloc(1, sizeof *k);
	if (!k || !(k->looks = looks_new(dir_fd))) {
		free(k);
		return NULL;
	}
	k->dir_fd = dir_fd;
	k->submit = submit;
	k->pool = pool;
	k->max_bytes = (size_t)c->cache_mib << 20;
	return k;
}

static struct kept **bucket_of(struct calendars *c, const char *address)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	for (const char *p = address; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &c->buckets[h % BUCKETS];
}

static void unlist(struct calendars *c, struct kept *k)
{
	*(k->newer ? &k->newer->older : &c->newest) = k->older;
	*(k->older ? &k->older->newer : &c->oldest) = k->newer;
}

static void list_first(struct calendars *c, struct kept *k)
{
	k->newer = NULL;
	k->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = k;
	c->newest = k;
}

static void kept_free(struct kept *k)
{
	fb_answer_free(k->r.answer);
	ics_stamps_free(&k->r.stamps);
	free(k);
}

static void forget(struct calendars *c, struct kept *k)
{
	struct kept **p = bucket_of(c, k->address);
	while (*p != k)
		p = &(*p)->chain;
	*p = k->chain;
	unlist(c, k);
	c->bytes -= k->bytes;
	k->forgotten = true;
	if (!k->lent)
		kept_free(k);
}

static struct kept *find(struct calendars *c, const char *address)
{
	struct kept *k = *bucket_of(c, address);
	while (k && strcmp(k->address, address))
		k = k->chain;
	return k;
}

static void flight_free(struct flight *f)
{
	for (struct waiter *w = f->waiters, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	free(f->address);
	free(f);
}

void calendars_free(struct calendars *c)
{
	if (!c)
		return;
	while (c->newest)
		forget(c, c->newest);
	for (struct flight *f = c->flights, *next; f; f = next) {
		next = f->next;
		f->owner = NULL; /* each is freed when its reply comes */
		if (!f->begun)
			flight_free(f);
	}
	looks_free(c->looks);
	free(c);
}

void calendars_watch(struct calendars *c, struct loop *l)
{
	looks_watch(c->looks, l);
}

enum fb_fact calendars_exists(struct calendars *c, const char *address)
{
	return looks_exists(c->looks, address);
}

static bool covers(struct fb_window a, struct fb_window b)
{
	return a.start <= b.start && a.end >= b.end;
}

/* Does ${r} answer who asks about ${w}? A failure may be that it was asked about too long a time: it is one of any longer, and none of a shorter. */
static bool answers(const struct calendars_result *r, struct fb_window w)
{
	return r->answer->reason == FB_CALENDAR_FAILED ? covers(w, r->window) : covers(r->window, w);
}

/* Keeps ${r} (taking it over) in place of what was kept before; false if it is not to be kept, and then still the caller's. */
static bool keep(struct calendars *c, const char *address, const struct calendars_result *r)
{
	struct kept *old = find(c, address), *k;
	size_t n = strlen(address), bytes = sizeof *k + 4096 + arena_used(r->answer->arena) + r->stamps.n * sizeof *r->stamps.list;
	if (old)
		forget(c, old);
	if (!r->keep || bytes > c->max_bytes || !(k = calloc(1, sizeof *k + n + 1)))
		return false;
	memcpy(k->address, address, n);
	k->bytes = bytes;
	k->r = *r;
	while (c->oldest && c->bytes + k->bytes > c->max_bytes)
		forget(c, c->oldest);
	struct kept **bucket = bucket_of(c, address);
	k->chain = *bucket;
	*bucket = k;
	c->bytes += k->bytes;
	list_first(c, k);
	return true;
}

static void fail(enum fb_reason reason, calendars_done_cb *cb, void *arg)
{
	struct fb_answer *none = fb_answer_new(reason);
	static const struct fb_answer no_memory = {.reason = FB_CALENDAR_FAILED};
	cb(arg, none ? none : &no_memory);
	fb_answer_free(none);
}

static struct flight *start(struct calendars *c, const char *address, struct fb_window wide, struct fb_window asked,
                            calendars_done_cb *cb, void *arg);
static bool join(struct flight *f, struct fb_window w, calendars_done_cb *cb, void *arg, bool late);

/* Is the calendar still the one that was read? If it changed just before the reading, its stamps cannot tell. */
static bool is_current(const struct calendars *c, const struct calendars_result *r)
{
	return (r->keep || r->answer->reason == FB_NO_ACCESS) && ics_stamps_hold(&r->stamps, c->dir_fd);
}

/* Those who came after the reading began, and so maybe after a change: one new flight for all of them. */
static void ask_anew(struct calendars **alive, struct flight *f)
{
	struct flight *anew = NULL;
	for (struct waiter *w = f->waiters; w && *alive; w = w->next) {
		if (!w->late)
			continue;
		if (!anew || !covers(anew->wide, w->w))
			anew = start(*alive, f->address, f->wide, w->w, w->cb, w->arg);
		else if (!join(anew, w->w, w->cb, w->arg, false))
			fail(FB_CALENDAR_FAILED, w->cb, w->arg);
	}
}

static void fail_all(struct calendars **alive, struct flight *f, enum fb_reason reason)
{
	for (struct waiter *w = f->waiters; w && *alive; w = w->next)
		fail(reason, w->cb, w->arg);
}

/* Gives the landed result to all who waited; one whose window it does not hold (the wide one was too much) is asked for alone. */
static void hand_out(struct calendars **alive, struct flight *f, const struct calendars_result *r)
{
	bool current = is_current(*alive, r);
	if (!current)
		ask_anew(alive, f);
	for (struct waiter *w = f->waiters; w && *alive; w = w->next) {
		if (w->late && !current)
			continue;
		if (answers(r, w->w))
			w->cb(w->arg, r->answer);
		else
			start(*alive, f->address, w->w, w->w, w->cb, w->arg);
	}
}

static void take_out(struct calendars *c, struct flight *f)
{
	struct flight **p = &c->flights;
	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
}

/* The flight of ${address} that a worker has, if ${begun}, or the one that waits longest for its turn. */
static struct flight *flight_of(struct calendars *c, const char *address, bool begun)
{
	struct flight *found = NULL;
	for (struct flight *f = c->flights; f; f = f->next)
		if (f->begun == begun && !f->landed && !strcmp(f->address, address))
			found = f;
	return found;
}

static void launch(struct flight *f);

/* The worker that had ${f} is lost: those of the same calendar that wait for their turn would cost a worker each. */
static void drop_queue(struct flight *f)
{
	struct flight *next;
	while (f->owner && (next = flight_of(f->owner, f->address, false))) {
		next->begun = next->landed = true; /* in the list while its callbacks run, as any that landed */
		fail_all(&next->owner, next, FB_CALENDAR_FAILED);
		if (next->owner)
			take_out(next->owner, next);
		flight_free(next);
	}
}

static void land(void *arg, const uint8_t *data, size_t len, const char *why)
{
	struct flight *f = arg, *next;
	struct calendars_result r;
	if (!f->owner) {
		flight_free(f);
		return;
	}
	bool ok = data && calendars_result_unpack(data, len, &r), busy = !data && len == CALENDARS_NO_WORKER;
	if (!ok)
		log_event(LOG_LEVEL_ERROR, "calendar-failed", LS("mailbox", f->address),
		          LS("why", data ? "the worker's reply could not be read" : why));
	/* It stays in the list with nobody able to join it, so that calendars_free() inside a callback is seen through its owner. */
	f->landed = true;
	if (ok)
		hand_out(&f->owner, f, &r);
	else
		fail_all(&f->owner, f, busy ? FB_BUSY : FB_CALENDAR_FAILED);
	if (!ok && !busy)
		drop_queue(f);
	if (f->owner)
		take_out(f->owner, f);
	if (ok && !(f->owner && keep(f->owner, f->address, &r))) {
		fb_answer_free(r.answer);
		ics_stamps_free(&r.stamps);
	}
	if (f->owner && !flight_of(f->owner, f->address, true) && (next = flight_of(f->owner, f->address, false)))
		launch(next);
	flight_free(f);
}

static bool join(struct flight *f, struct fb_window w, calendars_done_cb *cb, void *arg, bool late)
{
	struct waiter *n = calloc(1, sizeof *n);
	if (!n)
		return false;
	*n = (struct waiter){w, cb, arg, late, NULL};
	*f->last = n;
	f->last = &n->next;
	return true;
}

static void launch(struct flight *f)
{
	struct buf job;
	buf_init(&job, JOB_MAX);
	calendars_job_pack(&job, &(struct calendars_job){f->address, f->wide, f->asked});
	if (job.failed)
		abort(); /* an address and four numbers, and no memory even for that */
	f->begun = true;
	f->owner->submit(f->owner->pool, buf_ptr(&job), job.len, land, f);
	buf_free(&job);
}

/*
 * NULL if it failed, which the caller's callback has then been told. One calendar has one worker at a time: one that keeps killing
 * workers leaves the others to everybody else.
 */
static struct flight *start(struct calendars *c, const char *address, struct fb_window wide, struct fb_window asked,
                            calendars_done_cb *cb, void *arg)
{
	struct flight *f = calloc(1, sizeof *f);
	if (f) {
		*f = (struct flight){.owner = c, .address = strdup(address), .wide = wide, .asked = asked};
		f->last = &f->waiters;
	}
	if (!f || !f->address || !join(f, asked, cb, arg, false)) {
		if (f)
			flight_free(f);
		fail(FB_CALENDAR_FAILED, cb, arg);
		return NULL;
	}
	bool alone = !flight_of(c, address, true);
	f->next = c->flights;
	c->flights = f;
	if (alone)
		launch(f);
	return f;
}

void calendars_fetch(struct calendars *c, const char *address, struct fb_window w, calendars_done_cb *cb, void *arg)
{
	struct kept *k = find(c, address);
	if (k && answers(&k->r, w)) {
		if (looks_hold(c->looks, address, &k->r.stamps)) {
			unlist(c, k);
			list_first(c, k);
			k->lent++;
			cb(arg, k->r.answer);
			if (--k->lent == 0 && k->forgotten)
				kept_free(k);
			return;
		}
		forget(c, k);
	}
	for (struct flight *f = c->flights; f; f = f->next)
		if (!f->landed && covers(f->wide, w) && !strcmp(f->address, address)) {
			if (!join(f, w, cb, arg, f->begun))
				fail(FB_CALENDAR_FAILED, cb, arg);
			return;
		}
	/* A week back and five weeks on: the next question of a client that pages through its calendar is then answered from here. */
	start(c, address, (struct fb_window){w.start - 7 * DAY, w.end + 35 * DAY}, w, cb, arg);
}
