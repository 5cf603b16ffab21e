/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/hours.h"
#include "bridge/link/server.h"
#include "link.pb-c.h"

static bool same_change(const struct fb_change *a, const Availbridge__Link__V1__Change *m)
{
	static const Availbridge__Link__V1__Change none = AVAILBRIDGE__LINK__V1__CHANGE__INIT;

	m = m ? m : &none;
	return (uint32_t)a->month == m->month && (uint32_t)a->day_order == m->day_order && (uint32_t)a->weekday == m->weekday &&
	       (uint32_t)a->second == m->second && (uint32_t)a->year == m->year;
}

static bool same_hours(const struct fb_working_hours *a, const Availbridge__Link__V1__WorkingHours *m)
{
	if (!m || !m->zone)
		return !m && !a->known;
	for (size_t i = 0; i < a->n && i < m->n_periods; i++)
		if (a->periods[i].days != m->periods[i]->days || (uint32_t)a->periods[i].start != m->periods[i]->start ||
		    (uint32_t)a->periods[i].end != m->periods[i]->end)
			return false;
	return a->known && a->n == m->n_periods && a->zone.standard_offset == m->zone->standard_offset &&
	       a->zone.daylight_offset == m->zone->daylight_offset && same_change(&a->zone.to_standard, m->zone->to_standard) &&
	       same_change(&a->zone.to_daylight, m->zone->to_daylight);
}

/* An answer that is read here is one for protobuf-c as well, which finds the same in it. */
static void hold_against_protobuf_c(const uint8_t *data, size_t size, const struct fb_answer *a, size_t i)
{
	Availbridge__Link__V1__MailboxAnswer *m = availbridge__link__v1__mailbox_answer__unpack(NULL, size, data);

	if (!m || m->index != i || (a->reason != FB_PEER_FAILED && (enum fb_reason)m->reason != a->reason))
		__builtin_trap();
	if (a->reason == FB_OK && ((a->view & ~m->view) || (a->view & FB_VIEW_EVENTS && a->n_events != m->n_events) ||
	                           (a->merged && strcmp(a->merged, m->merged) != 0) || !same_hours(&a->hours, m->working_hours)))
		__builtin_trap();
	availbridge__link__v1__mailbox_answer__free_unpacked(m, NULL);
}

/* The working hours of the seeds are those that were read last. */
static void know_hours(void)
{
	static const struct fb_working_hours usual = {.known = true, .zone = {3600, 7200, {10, 5, 0, 10800, 0}, {3, 5, 0, 7200, 0}}, .n = 1, .periods = {{62, 480, 1020}}};
	struct fb_working_hours got = {0};
	struct wire_bytes all;
	struct wire_field f;
	struct buf b;

	buf_init(&b, 1 << 10);
	link_hours_write(&b, &usual);
	all = (struct wire_bytes){buf_ptr(&b), b.len};
	if (!wire_next(&all, &f) || !link_hours_read(f.bytes, &got))
		__builtin_trap();
	buf_free(&b);
}

/* The same once more, with other working hours known, or none: whether it was taken, and how, is the same. */
static void read_again(const uint8_t *data, size_t size, const struct fb_query *q, const struct fb_answer *a, const char *why)
{
	struct buf first, second;
	const char *again;
	size_t i;
	struct fb_answer *b = link_answer_read(data, size, q, &i, &again);

	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	if (!a != !b || !why != !again || (why && strcmp(why, again) != 0))
		__builtin_trap();
	if (a) {
		fb_answer_pack(&first, a);
		fb_answer_pack(&second, b);
	}
	if (first.len != second.len || (first.len && memcmp(buf_ptr(&first), buf_ptr(&second), first.len) != 0))
		__builtin_trap();
	buf_free(&first);
	buf_free(&second);
	fb_answer_free(b);
}

/* Goal: a query, an answer, a hello or a ClientHello of any bytes; a good answer's digits fit what was asked, a process is one that there can be. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fb_mailbox boxes[3];
	struct fb_query q, in;
	struct link_hello h;
	char mailbox[FB_ADDRESS_MAX + 1];
	const char *why;
	size_t i;
	struct fb_answer *a;

	world_query(&q, boxes, 3);
	know_hours();
	a = link_answer_read(data, size, &q, &i, &why);
	if (a && (i > 2 || (a->reason == FB_OK && a->view & FB_VIEW_MERGED && !fb_merged_valid(a->merged, q.window, q.interval))))
		__builtin_trap();
	if (a)
		hold_against_protobuf_c(data, size, a, i);
	read_again(data, size, &q, a, why); /* its own are known, if it has any */
	link_hours_forget();
	read_again(data, size, &q, a, why);
	fb_answer_free(a);
	if (link_query_read(data, size, &in, &why))
		free(in.mailboxes);
	if (link_hello_read(data, size, size & 1, &h, &why))
		link_hello_free(&h);
	link_probe_ask_read(data, size, mailbox);
	if (link_process_wanted(data, size) >= LINK_PROCESSES)
		__builtin_trap();
	return 0;
}
