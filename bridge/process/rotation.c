#include "bridge/process/rotation.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/conf/conf.h"
#include "bridge/process/front_watch.h"
#include "bridge/process/live_pins.h"
#include "bridge/process/messages.h"
#include "bridge/process/notes.h"
#include "bridge/process/verb.h"
#include "pki/rotation.h"

enum { QUEUE_MAX = 256, VERB_MS = 10000, KNOWN_MS = 3000, SOON_MS = 3000, RETRY_MS = 600 * 1000, HOURLY_MS = 3600 * 1000, SENTENCE = 1000 };

/* What the verb at work is about. */
enum task { TASK_ANNOUNCED, /* the first in the queue */ TASK_ROTATE, /* our own keys */ TASK_DROP /* a peer's old pin */ };

/* An announcement on its way: written by a verb, then told to every bridge, then answered. */
struct announced {
	struct announced *next;
	uint64_t handle;
	bool retires;
	char peer[64], under[PKI_PIN_TEXT], pin[PKI_PIN_TEXT], proof[PKI_PROOF_TEXT];
};

struct rotation {
	struct loop *loop;
	const char *conf_path;
	struct rotation_doors doors;
	void *arg;
	const struct plan *plan; /* in force, or the first one; or NULL */
	struct announced *queue;
	size_t n;
	struct verb verb;        /* at work */
	enum task task;
	bool cut;                /* what it is about was cut off meanwhile: the settings may have lost it again */
	bool rotate_due, drop_due; /* when nothing else is to be done */
	struct loop_timer *patience; /* for the bridges */
	uint64_t number;         /* of the pin that the bridges are being told */
	size_t waits;            /* how many have not said that they know it */
	struct live_pin *live;
	unsigned reloads;
	bool stale, trying;      /* our keys' files are newer than what is in force; a reload that takes them is under way */
	struct front_watch *front;
	struct loop_timer *hourly;
};

static void start_next(struct rotation *r);

static bool run(struct rotation *r, const char *const *words, enum task task)
{
	r->task = task;
	r->cut = false;
	return verb_start(&r->verb, r->loop, r->conf_path, words, VERB_MS);
}

/* ---- announcements ---- */

/* The first in the queue is answered, and the next one's turn comes. */
static void answer(struct rotation *r, uint8_t said, const char *why)
{
	struct announced *a = r->queue;
	struct buf b;

	loop_timer_free(r->patience);
	r->patience = NULL;
	r->number = 0;
	log_event(said == 0 || said == 1 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, a->retires ? "pin-retired" : "next-pin",
	          LS("peer", a->peer), LS("pin", a->pin), LS("under", a->under),
	          LS("result", said == 0 ? "taken" : said == 1 ? "waits for `availbridge peer confirm-next`" : said == 2 ? "refused" : "failed"),
	          LS("text", why));
	buf_init(&b, CONTROL_LINE_MAX);
	pack_u64(&b, a->handle);
	pack_u8(&b, said);
	pack_str(&b, why);
	r->doors.tell(r->arg, MSG_ANNOUNCED_DONE, buf_ptr(&b), b.len);
	buf_free(&b);
	r->queue = a->next;
	r->n--;
	free(a);
	start_next(r);
}

static void not_all_know(void *arg)
{
	answer(arg, 3, "not every process there knows the pin yet; it will be announced again");
}

static void all_know(struct rotation *r)
{
	struct live_pin *p = live_pin_find(r->live, r->queue->peer, r->queue->pin);

	if (p)
		p->told = true;
	answer(r, 0, NULL);
}

/* Says it to every bridge; to how many. */
static size_t tell_pin(const struct rotation *r, uint64_t number, const struct live_pin *p)
{
	struct buf b;
	size_t n;

	buf_init(&b, CONTROL_LINE_MAX);
	live_pin_pack(&b, number, p);
	n = r->doors.tell(r->arg, MSG_PIN, buf_ptr(&b), b.len);
	buf_free(&b);
	return n;
}

/* Says it to all bridges that run now; to those that know it already once more, which does no harm. */
static void tell_bridges(struct rotation *r, const struct live_pin *p)
{
	do
		text_random(&r->number, sizeof r->number);
	while (!r->number);
	r->waits = tell_pin(r, r->number, p);
	if (r->waits == 0)
		all_know(r);
}

/* It is on the disk: now every bridge has to know, and only then the peer. */
static void tell_first(struct rotation *r)
{
	const struct announced *a = r->queue;

	r->patience = loop_timer_new(r->loop, KNOWN_MS, not_all_know, r);
	tell_bridges(r, live_pin_note(&r->live, a->peer, a->pin, !a->retires, r->reloads));
}

void rotation_bridge_ended(struct rotation *r)
{
	const struct live_pin *p = r->number ? live_pin_find(r->live, r->queue->peer, r->queue->pin) : NULL;

	if (p)
		tell_bridges(r, p);
}

static void run_due(struct rotation *r)
{
	if (r->rotate_due) {
		r->rotate_due = false;
		run(r, (const char *const[]){"identity", "rotate", NULL}, TASK_ROTATE);
	} else if (r->drop_due) {
		r->drop_due = false;
		run(r, (const char *const[]){"peer", "drop-due", NULL}, TASK_DROP);
	}
}

static void start_next(struct rotation *r)
{
	const struct announced *a = r->queue;
	const struct live_pin *p;

	if (r->verb.pid || r->number)
		return;
	if (!a) {
		run_due(r);
		return;
	}
	p = live_pin_find(r->live, a->peer, a->pin);
	if (p && p->told && p->adds == !a->retires) { /* said again by another of the peer's processes */
		answer(r, 0, NULL);
		return;
	}
	if (!run(r, (const char *const[]){"peer", a->retires ? "drop-old" : "take-next", a->peer, "--under", a->under, "--pin", a->pin, "--proof",
	                                       a->proof, NULL},
	         TASK_ANNOUNCED))
		answer(r, 3, "the process that writes settings could not be started there");
}

static void announced(struct rotation *r, struct unpack *u)
{
	struct announced *a = calloc(1, sizeof *a), **at = &r->queue;

	if (!a)
		abort();
	a->handle = unpack_u64(u);
	a->retires = unpack_u8(u);
	if (!unpack_text(u, a->peer, sizeof a->peer) || !unpack_text(u, a->under, sizeof a->under) || !unpack_text(u, a->pin, sizeof a->pin) ||
	    !unpack_text(u, a->proof, sizeof a->proof) || !unpack_done(u) || !conf_name_valid(a->peer) || r->n >= QUEUE_MAX) {
		free(a); /* the peer's call ends by its own deadline */
		return;
	}
	while (*at)
		at = &(*at)->next;
	*at = a;
	r->n++;
	start_next(r);
}

/* MSG_TOOK and MSG_SEEN, with no pin what was noted is so no more. False if that is noted already, or cannot be. */
static bool note(const struct rotation *r, struct unpack *u, const char *file)
{
	const char *peer = unpack_str(u), *text = unpack_str(u);
	uint8_t pin[PKI_PIN_LEN];
	int said;

	if (!unpack_done(u) || !peer || !text || !conf_name_valid(peer) || (*text && !pki_pin_parse(text, pin)) || !r->plan)
		return false;
	said = *text ? notes_learn(r->plan->state_dir, file, peer, pin) : notes_put(r->plan->state_dir, file, peer, NULL);
	if (said < 0)
		log_event(LOG_LEVEL_ERROR, "pin-not-noted", LS("peer", peer), LS("file", file), LS("text", strerror(errno)));
	return said > 0;
}

void rotation_said(struct rotation *r, uint16_t type, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint64_t number;

	if (type == MSG_ANNOUNCED)
		announced(r, &u);
	else if (type == MSG_SEEN)
		note(r, &u, NOTES_IN_USE);
	else if (type == MSG_TOOK && note(r, &u, NOTES_TAKEN) && r->hourly)
		loop_timer_again(r->hourly, SOON_MS); /* it may be the last that a promotion waits for */
	else if (type == MSG_PIN_DONE) {
		number = unpack_u64(&u);
		if (number && number == r->number && --r->waits == 0)
			all_know(r);
	}
}

void rotation_begin(struct rotation *r, struct channel *bridge, bool fresh)
{
	struct buf b;

	for (const struct live_pin *p = r->live; p; p = p->next) {
		if (fresh && p->reload < r->reloads)
			continue;
		buf_init(&b, CONTROL_LINE_MAX);
		live_pin_pack(&b, 0, p);
		channel_send(bridge, MSG_PIN, buf_ptr(&b), b.len, -1);
		buf_free(&b);
	}
}

void rotation_forget(struct rotation *r, const char *line)
{
	const struct announced *a = r->queue;

	live_pins_forget(&r->live, line);
	if (r->verb.pid && r->task == TASK_ANNOUNCED)
		r->cut |= live_pins_named(line, a->peer) || live_pins_named(line, a->under) || live_pins_named(line, a->pin);
}

static void catch_up(struct rotation *r)
{
	if (r->stale && !r->doors.reload(r->arg)) /* the one under way may have read what was before */
		loop_timer_again(r->hourly, SOON_MS);
}

static void rotated(struct rotation *r, bool ok, const char *text)
{
	if (text[0])
		log_event(ok ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "identity-rotate", LS("text", text));
	if (ok && text[0]) {
		r->stale = true;
		catch_up(r);
	}
}

/* A peer's old pin ran out by itself: "dropped PEER PIN", or nothing more is due. */
static void dropped(struct rotation *r, bool ok, const char *text)
{
	char peer[64], pin[PKI_PIN_TEXT];

	if (!ok)
		log_event(LOG_LEVEL_ERROR, "pin-not-written", LS("text", text[0] ? text : "the process that writes settings did not end well"));
	if (!ok || sscanf(text, "dropped %63s %71s", peer, pin) != 2)
		return;
	log_event(LOG_LEVEL_INFO, "pin-retired", LS("peer", peer), LS("pin", pin), LS("result", "dropped: it has not been used for retire_after_days"));
	tell_pin(r, 0, live_pin_note(&r->live, peer, pin, false, r->reloads));
	r->drop_due = true;
}

bool rotation_reaped(struct rotation *r, pid_t pid, int status)
{
	bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char text[SENTENCE];

	if (!r->verb.pid || r->verb.pid != pid)
		return false;
	verb_end(&r->verb, text, sizeof text);
	if (r->task == TASK_ROTATE)
		rotated(r, ok, text);
	else if (r->task == TASK_DROP)
		dropped(r, ok, text);
	else if (ok && r->cut)
		answer(r, 2, "this peer or its key was cut off there in this moment");
	else if (ok && strcmp(text, "taken") == 0)
		tell_first(r);
	else if (ok && strcmp(text, "waits") == 0)
		answer(r, 1, *r->queue->proof ? NULL : "it came without the word of the key in use");
	else if (ok && strncmp(text, "refused: ", 9) == 0)
		answer(r, 2, text + 9);
	else {
		log_event(LOG_LEVEL_ERROR, "pin-not-written", LS("text", text[0] ? text : "the process that writes settings did not end well"));
		answer(r, 3, "that site could not write the pin down; it will be announced again");
	}
	start_next(r);
	return true;
}

/* ---- once in a while ---- */

static void hourly(void *arg)
{
	struct rotation *r = arg;

	loop_timer_again(r->hourly, HOURLY_MS);
	catch_up(r);
	front_watch_warn(r->front);
	r->rotate_due = r->drop_due = true;
	start_next(r);
}

void rotation_reloads(struct rotation *r)
{
	r->reloads++;
	r->trying = r->stale;
	r->stale = false;
	front_watch_reloads(r->front);
}

void rotation_starts(struct rotation *r, const struct plan *plan)
{
	r->plan = plan;
}

void rotation_reloaded(struct rotation *r, const struct plan *plan, const char *why)
{
	bool again = !plan && r->trying;

	r->trying = false;
	front_watch_reloaded(r->front, plan, why);
	if (again) { /* until then the keys that were in use stay in use, which peers take still */
		r->stale = true;
		loop_timer_again(r->hourly, RETRY_MS);
	}
	if (!plan)
		return;
	r->plan = plan;
	if (!r->hourly)
		r->hourly = loop_timer_new(r->loop, SOON_MS, hourly, r);
	else
		loop_timer_again(r->hourly, SOON_MS);
	live_pins_written(&r->live, r->reloads);
}

void rotation_pack(const struct rotation *r, struct buf *out)
{
	pack_u64(out, r->plan ? (uint64_t)r->plan->front_expires : 0);
	pack_str(out, front_watch_trouble(r->front));
	notes_pack(r->plan ? r->plan->state_dir : NULL, NOTES_TAKEN, out);
	notes_pack(r->plan ? r->plan->state_dir : NULL, NOTES_PENDING, out);
}

/* ---- the whole ---- */

struct rotation *rotation_new(struct loop *l, const char *conf_path, const struct rotation_doors *doors, void *arg)
{
	struct rotation *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	*r = (struct rotation){.loop = l, .conf_path = conf_path, .doors = *doors, .arg = arg};
	r->front = front_watch_new(l, doors->reload, arg);
	return r;
}

void rotation_free(struct rotation *r)
{
	struct announced *a;

	if (!r)
		return;
	verb_kill(&r->verb);
	loop_timer_free(r->patience);
	loop_timer_free(r->hourly);
	front_watch_free(r->front);
	while ((a = r->queue)) {
		r->queue = a->next;
		free(a);
	}
	live_pins_free(&r->live);
	free(r);
}
