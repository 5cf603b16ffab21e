#include <stdlib.h>
#include <string.h>
#include "bridge/base/arena.h"
#include "bridge/base/text.h"
#include "bridge/link/convert.h"
#include "bridge/link/hours.h"
#include "link.pb-c.h"

/*
 * Answers are what the link carries most of: they are written and read here field by field, straight from and into the words of the trade.
 * That it is the same as what protobuf-c makes of link.proto is held by the tests.
 */

enum { MAX_DIGITS = (FB_MAX_WINDOW_DAYS * 1440 + 60) / FB_MIN_INTERVAL + 1, FLAGS = 31 };
static const int64_t first_second = -62135596800, last_second = 253402300799; /* years 1..9999 */

/* The numbers of link.proto. */
enum { ANSWER_INDEX = 1, ANSWER_MAILBOX, ANSWER_REASON, ANSWER_VIEW, ANSWER_MERGED, ANSWER_EVENTS };
enum { EVENT_START = 1, EVENT_END, EVENT_BUSY, EVENT_HAS_DETAILS, EVENT_FLAGS, EVENT_SUBJECT, EVENT_LOCATION };

static const struct wire_cap answer_caps[] = {
	{&availbridge__link__v1__mailbox_answer__descriptor, ANSWER_MAILBOX, 0, FB_ADDRESS_MAX, NULL},
	{&availbridge__link__v1__mailbox_answer__descriptor, ANSWER_MERGED, 0, MAX_DIGITS, NULL},
	{&availbridge__link__v1__mailbox_answer__descriptor, ANSWER_EVENTS, FB_MAX_EVENTS, 0, NULL},
	{&availbridge__link__v1__mailbox_answer__descriptor, LINK_ANSWER_HOURS, 0, 0, &link_hours_known},
	{&availbridge__link__v1__event__descriptor, EVENT_SUBJECT, 0, LINK_TEXT_BYTES, NULL},
	{&availbridge__link__v1__event__descriptor, EVENT_LOCATION, 0, LINK_TEXT_BYTES, NULL},
	{&availbridge__link__v1__working_hours__descriptor, LINK_HOURS_PERIODS, FB_MAX_PERIODS, 0, NULL},
	{0},
};

/* ---- writing ---- */

/* ${s} cut to LINK_TEXT_BYTES between two characters; nothing for what is no text. */
static void write_text(struct buf *out, unsigned field, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (!n || !text_utf8_valid(s, n))
		return;
	wire_put_bytes(out, field, s, n > LINK_TEXT_BYTES ? text_utf8_whole(s, LINK_TEXT_BYTES) : n);
}

static void write_event(struct buf *out, const struct fb_event *e, bool details)
{
	size_t from = wire_begin(out, ANSWER_EVENTS);

	wire_put(out, EVENT_START, (uint64_t)e->start);
	wire_put(out, EVENT_END, (uint64_t)e->end);
	wire_put(out, EVENT_BUSY, (uint64_t)e->busy);
	if (details && e->has_details) {
		wire_put(out, EVENT_HAS_DETAILS, true);
		wire_put(out, EVENT_FLAGS, e->flags & FLAGS);
		if (!(e->flags & FB_PRIVATE)) {
			write_text(out, EVENT_SUBJECT, e->subject);
			write_text(out, EVENT_LOCATION, e->location);
		}
	}
	wire_end(out, from);
}

static void write_head(struct buf *out, const struct fb_query *q, size_t i, enum fb_reason reason)
{
	wire_put(out, ANSWER_INDEX, i);
	wire_put_bytes(out, ANSWER_MAILBOX, q->mailboxes[i].asked, strlen(q->mailboxes[i].asked));
	wire_put(out, ANSWER_REASON, (uint64_t)reason);
}

static void write_ok(struct buf *out, const struct fb_answer *a)
{
	wire_put(out, ANSWER_VIEW, a->view);
	if (a->merged && a->view & FB_VIEW_MERGED)
		wire_put_bytes(out, ANSWER_MERGED, a->merged, strlen(a->merged));
	for (size_t i = 0; a->view & FB_VIEW_EVENTS && i < a->n_events; i++)
		write_event(out, &a->events[i], a->view & FB_VIEW_DETAILS);
	link_hours_write(out, &a->hours);
}

int link_answer_write(const struct fb_query *q, size_t i, const struct fb_answer *a, uint8_t *(*place)(void *arg, size_t n), void *arg)
{
	static struct buf packed; /* how large it gets is known when it is written; empty between two answers, its memory is kept */
	bool too_big = a->reason == FB_OK && a->n_events > FB_MAX_EVENTS && a->view & FB_VIEW_EVENTS;
	uint8_t *to;

	if (!packed.max)
		buf_init(&packed, 4 * LINK_ANSWER_BYTES);
	write_head(&packed, q, i, a->reason);
	if (a->reason == FB_OK && !too_big)
		write_ok(&packed, a);
	if (too_big || packed.len > LINK_ANSWER_BYTES) {
		buf_reset(&packed);
		write_head(&packed, q, i, FB_TOO_BIG);
	}
	if ((to = packed.failed ? NULL : place(arg, packed.len)))
		memcpy(to, buf_ptr(&packed), packed.len);
	buf_reset(&packed);
	return to ? 0 : -1;
}

/* ---- reading: what wire_within() has passed ---- */

/* A text of an event, in the answer's memory; NULL for "", which is none. */
static const char *read_text(struct fb_answer *a, struct wire_bytes in, bool *ok)
{
	const char *s = in.n ? arena_strndup(a->arena, (const char *)in.p, in.n) : NULL;

	*ok &= s || !in.n;
	return s;
}

/* What is wrong, or NULL. */
static const char *read_event(struct wire_bytes in, struct fb_answer *a)
{
	struct wire_bytes subject = {0}, location = {0};
	struct fb_event e = {0};
	struct wire_field f;
	uint32_t busy = 0;
	bool ok = true;

	while (wire_next(&in, &f))
		switch (f.number) {
		case EVENT_START:
			e.start = (int64_t)f.value;
			break;
		case EVENT_END:
			e.end = (int64_t)f.value;
			break;
		case EVENT_BUSY:
			busy = (uint32_t)f.value;
			break;
		case EVENT_HAS_DETAILS:
			e.has_details = f.value && a->view & FB_VIEW_DETAILS;
			break;
		case EVENT_FLAGS:
			e.flags = f.value & FLAGS;
			break;
		case EVENT_SUBJECT:
			subject = f.bytes;
			break;
		case EVENT_LOCATION:
			location = f.bytes;
			break;
		}
	if (e.start < first_second || e.end > last_second || e.start > e.end || busy >= FB_BUSY_TYPES)
		return "an event has a busy type or times that cannot be";
	e.busy = (enum fb_busy)busy;
	if (!e.has_details)
		e.flags = 0;
	if (e.has_details && !(e.flags & FB_PRIVATE)) {
		e.subject = read_text(a, subject, &ok);
		e.location = read_text(a, location, &ok);
	}
	return ok && fb_answer_take(a, &e) == 0 ? NULL : "out of memory";
}

/* A MailboxAnswer, but for its events. */
struct message {
	uint32_t index, reason, view;
	struct wire_bytes mailbox, merged, hours;
	bool has_hours;
};

static struct message read_message(struct wire_bytes in)
{
	struct message m = {0};
	struct wire_field f;

	while (wire_next(&in, &f))
		switch (f.number) {
		case ANSWER_INDEX:
			m.index = (uint32_t)f.value;
			break;
		case ANSWER_MAILBOX:
			m.mailbox = f.bytes;
			break;
		case ANSWER_REASON:
			m.reason = (uint32_t)f.value;
			break;
		case ANSWER_VIEW:
			m.view = (uint32_t)f.value;
			break;
		case ANSWER_MERGED:
			m.merged = f.bytes;
			break;
		case LINK_ANSWER_HOURS:
			m.hours = f.bytes;
			m.has_hours = true;
			break;
		}
	return m;
}

/* Fills ${a}; what is wrong, or NULL. */
static const char *read_ok(const struct message *m, struct wire_bytes in, const struct fb_query *q, struct fb_answer *a)
{
	const char *why = NULL;
	struct wire_field f;

	a->view = m->view & q->view;
	if (!a->view && q->view & FB_VIEW_EVENTS)
		a->view = m->view & FB_VIEW_MERGED; /* a calendar whose events are not told */
	if (!a->view)
		return "the answer gives nothing that was asked for";
	if (a->view & FB_VIEW_MERGED) {
		if (!(a->merged = arena_strndup(a->arena, (const char *)m->merged.p, m->merged.n)))
			return "out of memory";
		if (!fb_merged_valid(a->merged, q->window, q->interval))
			return "the digits do not fit the window that was asked";
	}
	while (a->view & FB_VIEW_EVENTS && wire_next(&in, &f))
		if (f.number == ANSWER_EVENTS && (why = read_event(f.bytes, a)))
			return why;
	if (m->has_hours && !link_hours_read(m->hours, &a->hours))
		return "the working hours cannot be";
	fb_answer_sort(a);
	return NULL;
}

static struct fb_answer *read_answer(const struct message *m, struct wire_bytes in, const struct fb_query *q, const char **why)
{
	struct fb_answer *a;

	if (!m->reason || m->reason >= FB_REASONS) {
		*why = "the answer's reason is unknown";
		return fb_answer_new(FB_PEER_FAILED);
	}
	a = fb_answer_new((enum fb_reason)m->reason);
	if (!a || m->reason != FB_OK)
		return a;
	*why = read_ok(m, in, q, a);
	if (!*why)
		return a;
	fb_answer_free(a);
	return fb_answer_new(FB_PEER_FAILED);
}

struct fb_answer *link_answer_read(const uint8_t *p, size_t n, const struct fb_query *q, size_t *i, const char **why)
{
	const struct wire_bytes in = {p, n};
	struct fb_answer *a = NULL;
	struct message m;

	if (!wire_within(&availbridge__link__v1__mailbox_answer__descriptor, p, n, answer_caps, why))
		return NULL;
	*why = NULL;
	m = read_message(in);
	*i = m.index;
	if (m.index >= q->n || strlen(q->mailboxes[m.index].address) != m.mailbox.n ||
	    memcmp(m.mailbox.p, q->mailboxes[m.index].address, m.mailbox.n) != 0)
		*why = "the answer is about a mailbox that was not asked";
	else if (!(a = read_answer(&m, in, q, why)))
		*why = "out of memory";
	return a;
}
