#include <string.h>
#include "bridge/availability/answer.h"
#include "bridge/availability/clock.h"
#include "bridge/base/arena.h"
#include "bridge/base/text.h"

/* Two times, type, flags, two bits and two lengths: no event is packed in fewer bytes. */
enum { EVENT_BYTES = 8 + 8 + 1 + 4 + 1, FLAGS = 31, VIEWS = 7 };

static void pack_change(struct buf *b, const struct fb_change *c)
{
	pack_u32(b, (uint32_t)c->month);
	pack_u32(b, (uint32_t)c->day_order);
	pack_u32(b, (uint32_t)c->weekday);
	pack_u32(b, (uint32_t)c->second);
	pack_u32(b, (uint32_t)c->year);
}

static void pack_hours(struct buf *b, const struct fb_working_hours *h)
{
	pack_u8(b, h->known);
	if (!h->known)
		return;
	pack_u32(b, (uint32_t)h->zone.standard_offset);
	pack_u32(b, (uint32_t)h->zone.daylight_offset);
	pack_change(b, &h->zone.to_standard);
	pack_change(b, &h->zone.to_daylight);
	pack_u32(b, (uint32_t)h->n);
	for (size_t i = 0; i < h->n; i++) {
		pack_u32(b, h->periods[i].days);
		pack_u32(b, (uint32_t)h->periods[i].start);
		pack_u32(b, (uint32_t)h->periods[i].end);
	}
}

void fb_answer_pack(struct buf *b, const struct fb_answer *a)
{
	pack_u32(b, (uint32_t)a->reason);
	pack_u32(b, a->view);
	pack_u8(b, a->events_short);
	pack_str(b, a->merged);
	pack_hours(b, &a->hours);
	pack_u32(b, (uint32_t)a->n_events);
	for (size_t i = 0; i < a->n_events; i++) {
		const struct fb_event *e = &a->events[i];
		pack_u64(b, (uint64_t)e->start);
		pack_u64(b, (uint64_t)e->end);
		pack_u8(b, (uint8_t)e->busy);
		pack_u8(b, e->has_details);
		pack_u32(b, e->flags);
		pack_str(b, e->subject);
		pack_str(b, e->location);
	}
}

/* A number in [${min},${max}]; anything else makes the message bad. */
static int ranged(struct unpack *u, int32_t min, int32_t max)
{
	int32_t v = (int32_t)unpack_u32(u);

	if (v >= min && v <= max)
		return v;
	u->bad = true;
	return min;
}

static bool truth(struct unpack *u)
{
	uint8_t v = unpack_u8(u);

	u->bad |= v > 1;
	return v == 1;
}

/* An instant in the years 1..9999, which all our arithmetic can take. */
static int64_t instant(struct unpack *u)
{
	int64_t v = (int64_t)unpack_u64(u);

	u->bad |= v < fb_days(1, 1, 1) * 86400 || v >= fb_days(10000, 1, 1) * 86400;
	return v;
}

static void unpack_change(struct unpack *u, struct fb_change *c)
{
	enum { WEEK = 7 * 86400 };

	c->month = ranged(u, 0, 12);
	c->day_order = ranged(u, 0, 31);
	c->weekday = ranged(u, 0, 6);
	c->second = ranged(u, -WEEK, WEEK);
	c->year = ranged(u, 0, 9999);
}

static void unpack_hours(struct unpack *u, struct fb_working_hours *h)
{
	enum { MOST = 26 * 3600 - 1 };

	h->known = truth(u);
	if (!h->known)
		return;
	h->zone.standard_offset = ranged(u, -MOST, MOST);
	h->zone.daylight_offset = ranged(u, -MOST, MOST);
	unpack_change(u, &h->zone.to_standard);
	unpack_change(u, &h->zone.to_daylight);
	h->n = (size_t)ranged(u, 0, FB_MAX_PERIODS);
	for (size_t i = 0; i < h->n; i++) {
		h->periods[i].days = (unsigned)ranged(u, 0, 127);
		h->periods[i].start = ranged(u, 0, 1440);
		h->periods[i].end = ranged(u, 0, 1440);
	}
}

/* A text that must be UTF-8, or NULL. */
static const char *text(struct unpack *u)
{
	const char *s = unpack_str(u);

	u->bad |= s && !text_utf8_valid(s, strlen(s));
	return s;
}

static bool unpack_event(struct unpack *u, struct fb_answer *a)
{
	struct fb_event e = {.start = instant(u), .end = 0};

	e.end = instant(u);
	uint8_t busy = unpack_u8(u);
	e.busy = (enum fb_busy)busy;
	e.has_details = truth(u);
	e.flags = (unsigned)ranged(u, 0, FLAGS);
	e.subject = text(u);
	e.location = text(u);
	return !u->bad && busy < FB_BUSY_TYPES && e.start <= e.end && fb_answer_add(a, &e) == 0;
}

struct fb_answer *fb_answer_unpack(struct unpack *u)
{
	struct fb_answer *a = fb_answer_new((enum fb_reason)ranged(u, 0, FB_REASONS - 1));
	const char *merged;

	if (!a)
		return NULL;
	a->view = (unsigned)ranged(u, 0, VIEWS);
	a->events_short = truth(u);
	merged = unpack_str(u);
	unpack_hours(u, &a->hours);
	uint32_t n = unpack_u32(u);
	bool good = !u->bad && n <= u->left / EVENT_BYTES;
	if (good && merged) {
		a->merged = arena_strdup(a->arena, merged);
		good = a->merged && merged[strspn(merged, "01234")] == '\0';
	}
	if (good && n > 0) { /* in one piece: fb_answer_add() would leave outgrown arrays in the arena */
		a->events = arena_alloc(a->arena, n * sizeof *a->events);
		a->cap_events = n;
		good = a->events != NULL;
	}
	for (uint32_t i = 0; good && i < n; i++)
		good = unpack_event(u, a);
	if (good)
		return a;
	u->bad = true;
	fb_answer_free(a);
	return NULL;
}
