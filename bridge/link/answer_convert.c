#include <stdlib.h>
#include <string.h>
#include "bridge/base/arena.h"
#include "bridge/base/text.h"
#include "bridge/link/convert.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

#define PB(name) Availbridge__Link__V1__##name

enum { MAX_DIGITS = (FB_MAX_WINDOW_DAYS * 1440 + 60) / FB_MIN_INTERVAL + 1, MAX_OFFSET = 24 * 3600, MAX_SECOND = 8 * 86400, FLAGS = 31 };
static const int64_t first_second = -62135596800, last_second = 253402300799; /* years 1..9999 */

static const struct wire_cap answer_caps[] = {
	{&availbridge__link__v1__mailbox_answer__descriptor, 2, 0, FB_ADDRESS_MAX},
	{&availbridge__link__v1__mailbox_answer__descriptor, 5, 0, MAX_DIGITS},
	{&availbridge__link__v1__mailbox_answer__descriptor, 6, FB_MAX_EVENTS, 0},
	{&availbridge__link__v1__event__descriptor, 6, 0, LINK_TEXT_BYTES},
	{&availbridge__link__v1__event__descriptor, 7, 0, LINK_TEXT_BYTES},
	{&availbridge__link__v1__working_hours__descriptor, 2, FB_MAX_PERIODS, 0},
	{0},
};

/* ---- writing ---- */

struct hours_pb {
	PB(WorkingHours) hours;
	PB(ZoneRule) zone;
	PB(Change) standard, daylight;
	PB(WorkingPeriod) periods[FB_MAX_PERIODS], *list[FB_MAX_PERIODS];
};

static bool change_fits(const struct fb_change *c)
{
	return c->month >= 0 && c->month <= 12 && c->day_order >= 0 && c->day_order <= 31 && c->weekday >= 0 && c->weekday <= 6 &&
	       c->second >= 0 && c->second <= MAX_SECOND && c->year >= 0 && c->year <= 9999;
}

static bool zone_fits(const struct fb_zone_rule *z)
{
	return abs(z->standard_offset) <= MAX_OFFSET && abs(z->daylight_offset) <= MAX_OFFSET && change_fits(&z->to_standard) && change_fits(&z->to_daylight);
}

static void write_change(PB(Change) *out, const struct fb_change *c)
{
	availbridge__link__v1__change__init(out);
	out->month = (uint32_t)c->month;
	out->day_order = (uint32_t)c->day_order;
	out->weekday = (uint32_t)c->weekday;
	out->second = (uint32_t)c->second;
	out->year = (uint32_t)c->year;
}

/* False if there are none to tell. */
static bool write_hours(struct hours_pb *h, const struct fb_working_hours *w)
{
	if (!w->known || !zone_fits(&w->zone) || w->n > FB_MAX_PERIODS)
		return false;
	availbridge__link__v1__working_hours__init(&h->hours);
	availbridge__link__v1__zone_rule__init(&h->zone);
	write_change(&h->standard, &w->zone.to_standard);
	write_change(&h->daylight, &w->zone.to_daylight);
	h->zone.standard_offset = w->zone.standard_offset;
	h->zone.daylight_offset = w->zone.daylight_offset;
	h->zone.to_standard = &h->standard;
	h->zone.to_daylight = &h->daylight;
	for (size_t i = 0; i < w->n; i++) {
		availbridge__link__v1__working_period__init(&h->periods[i]);
		h->periods[i].days = w->periods[i].days;
		h->periods[i].start = (uint32_t)w->periods[i].start;
		h->periods[i].end = (uint32_t)w->periods[i].end;
		h->list[i] = &h->periods[i];
	}
	h->hours.zone = &h->zone;
	h->hours.periods = h->list;
	h->hours.n_periods = w->n;
	return true;
}

/* ${s} cut to LINK_TEXT_BYTES between two characters; "" for what is no text. NULL when out of memory. */
static const char *short_text(ProtobufCAllocator *memory, const char *s)
{
	size_t n = s ? strlen(s) : 0;
	char *cut;

	if (!n || !text_utf8_valid(s, n))
		return "";
	if (n <= LINK_TEXT_BYTES)
		return s;
	for (n = LINK_TEXT_BYTES; n && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
		;
	if ((cut = memory->alloc(memory->allocator_data, n + 1))) {
		memcpy(cut, s, n);
		cut[n] = 0;
	}
	return cut;
}

static int write_event(ProtobufCAllocator *memory, PB(Event) *out, const struct fb_event *e, bool details)
{
	availbridge__link__v1__event__init(out);
	out->start = e->start;
	out->end = e->end;
	out->busy = (PB(BusyType))e->busy;
	if (!details || !e->has_details)
		return 0;
	out->has_details = true;
	out->flags = e->flags & FLAGS;
	if (e->flags & FB_PRIVATE)
		return 0;
	out->subject = (char *)short_text(memory, e->subject);
	out->location = (char *)short_text(memory, e->location);
	return out->subject && out->location ? 0 : -1;
}

static int write_events(ProtobufCAllocator *memory, PB(MailboxAnswer) *m, const struct fb_answer *a)
{
	PB(Event) *events = memory->alloc(memory->allocator_data, a->n_events * sizeof *events + 1);
	PB(Event) **list = memory->alloc(memory->allocator_data, a->n_events * sizeof *list + 1);

	if (!events || !list)
		return -1;
	for (size_t i = 0; i < a->n_events; i++) {
		if (write_event(memory, &events[i], &a->events[i], a->view & FB_VIEW_DETAILS) != 0)
			return -1;
		list[i] = &events[i];
	}
	m->events = list;
	m->n_events = a->n_events;
	return 0;
}

static int place_message(const ProtobufCMessage *m, size_t n, uint8_t *(*place)(void *arg, size_t n), void *arg)
{
	uint8_t *p = place(arg, n);

	if (!p)
		return -1;
	protobuf_c_message_pack(m, p);
	return 0;
}

static int write_too_big(const struct fb_query *q, size_t i, uint8_t *(*place)(void *arg, size_t n), void *arg)
{
	PB(MailboxAnswer) m = AVAILBRIDGE__LINK__V1__MAILBOX_ANSWER__INIT;

	m.index = (uint32_t)i;
	m.mailbox = q->mailboxes[i].asked;
	m.reason = AVAILBRIDGE__LINK__V1__REASON__TOO_BIG;
	return place_message(&m.base, protobuf_c_message_get_packed_size(&m.base), place, arg);
}

int link_answer_write(const struct fb_query *q, size_t i, const struct fb_answer *a, uint8_t *(*place)(void *arg, size_t n), void *arg)
{
	PB(MailboxAnswer) m = AVAILBRIDGE__LINK__V1__MAILBOX_ANSWER__INIT;
	struct hours_pb hours;
	ProtobufCAllocator memory;
	size_t n;
	int rc = -1;

	if (a->reason == FB_OK && a->n_events > FB_MAX_EVENTS && a->view & FB_VIEW_EVENTS)
		return write_too_big(q, i, place, arg);
	wire_memory(&memory, 4 * LINK_ANSWER_BYTES);
	m.index = (uint32_t)i;
	m.mailbox = q->mailboxes[i].asked;
	m.reason = (PB(Reason))a->reason;
	if (a->reason == FB_OK) {
		m.view = a->view;
		if (a->merged && a->view & FB_VIEW_MERGED)
			m.merged = a->merged;
		if (write_hours(&hours, &a->hours))
			m.working_hours = &hours.hours;
	}
	if (a->reason != FB_OK || !(a->view & FB_VIEW_EVENTS) || write_events(&memory, &m, a) == 0) {
		n = protobuf_c_message_get_packed_size(&m.base);
		rc = n > LINK_ANSWER_BYTES ? write_too_big(q, i, place, arg) : place_message(&m.base, n, place, arg);
	}
	wire_memory_free(&memory);
	return rc;
}

/* ---- reading ---- */

static bool read_change(const PB(Change) *c, struct fb_change *out)
{
	memset(out, 0, sizeof *out);
	if (!c)
		return true;
	if (c->month > 12 || c->day_order > 31 || c->weekday > 6 || c->second > MAX_SECOND || c->year > 9999)
		return false;
	*out = (struct fb_change){(int)c->month, (int)c->day_order, (int)c->weekday, (int)c->second, (int)c->year};
	return true;
}

static bool read_hours(const PB(WorkingHours) *h, struct fb_working_hours *out)
{
	if (!h)
		return true;
	if (!h->zone || !read_change(h->zone->to_standard, &out->zone.to_standard) || !read_change(h->zone->to_daylight, &out->zone.to_daylight))
		return false;
	out->zone.standard_offset = h->zone->standard_offset;
	out->zone.daylight_offset = h->zone->daylight_offset;
	if (h->zone->standard_offset < -MAX_OFFSET || h->zone->standard_offset > MAX_OFFSET || h->zone->daylight_offset < -MAX_OFFSET ||
	    h->zone->daylight_offset > MAX_OFFSET)
		return false;
	for (size_t i = 0; i < h->n_periods; i++) {
		const PB(WorkingPeriod) *p = h->periods[i];

		if (p->days > 127 || p->start > 1440 || p->end > 1440)
			return false;
		out->periods[i] = (struct fb_working_period){p->days, (int)p->start, (int)p->end};
	}
	out->n = h->n_periods;
	out->known = true;
	return true;
}

static bool read_event(const PB(Event) *m, unsigned view, struct fb_event *e)
{
	*e = (struct fb_event){.start = m->start, .end = m->end, .busy = (enum fb_busy)m->busy};
	if (m->start < first_second || m->end > last_second || m->start > m->end || (unsigned)m->busy >= FB_BUSY_TYPES)
		return false;
	if (!m->has_details || !(view & FB_VIEW_DETAILS))
		return true;
	e->has_details = true;
	e->flags = m->flags & FLAGS;
	if (!(e->flags & FB_PRIVATE)) {
		e->subject = m->subject[0] ? m->subject : NULL;
		e->location = m->location[0] ? m->location : NULL;
	}
	return true;
}

/* Fills ${a}; what is wrong, or NULL. */
static const char *read_ok(const PB(MailboxAnswer) *m, const struct fb_query *q, struct fb_answer *a)
{
	struct fb_event e;

	a->view = m->view & q->view;
	if (!a->view)
		return "the answer gives nothing that was asked for";
	if (a->view & FB_VIEW_MERGED) {
		if (!fb_merged_valid(m->merged, q->window, q->interval))
			return "the digits do not fit the window that was asked";
		a->merged = arena_strdup(a->arena, m->merged);
		if (!a->merged)
			return "out of memory";
	}
	for (size_t i = 0; a->view & FB_VIEW_EVENTS && i < m->n_events; i++) {
		if (!read_event(m->events[i], a->view, &e))
			return "an event has a busy type or times that cannot be";
		if (fb_answer_add(a, &e) != 0)
			return "out of memory";
	}
	if (!read_hours(m->working_hours, &a->hours))
		return "the working hours cannot be";
	fb_answer_sort(a);
	return NULL;
}

static struct fb_answer *read_message(const PB(MailboxAnswer) *m, const struct fb_query *q, const char **why)
{
	struct fb_answer *a;

	*why = NULL;
	if (m->reason <= 0 || (unsigned)m->reason >= FB_REASONS) {
		*why = "the answer's reason is unknown";
		return fb_answer_new(FB_PEER_FAILED);
	}
	a = fb_answer_new((enum fb_reason)m->reason);
	if (!a || m->reason != AVAILBRIDGE__LINK__V1__REASON__OK)
		return a;
	*why = read_ok(m, q, a);
	if (!*why)
		return a;
	fb_answer_free(a);
	return fb_answer_new(FB_PEER_FAILED);
}

struct fb_answer *link_answer_read(const uint8_t *p, size_t n, const struct fb_query *q, size_t *i, const char **why)
{
	struct fb_answer *a = NULL;
	ProtobufCAllocator memory;
	PB(MailboxAnswer) *m;

	if (!wire_within(&availbridge__link__v1__mailbox_answer__descriptor, p, n, answer_caps, why))
		return NULL;
	*why = "the answer could not be read";
	wire_memory(&memory, 4 * LINK_ANSWER_BYTES);
	m = availbridge__link__v1__mailbox_answer__unpack(&memory, n, p);
	if (!m) {
		wire_memory_free(&memory);
		return NULL;
	}
	*why = NULL;
	*i = m->index;
	if (m->index >= q->n || strcmp(m->mailbox, q->mailboxes[m->index].address) != 0)
		*why = "the answer is about a mailbox that was not asked";
	else if (!(a = read_message(m, q, why)))
		*why = "out of memory";
	wire_memory_free(&memory);
	return a;
}
