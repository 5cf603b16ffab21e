#include <string.h>
#include "bridge/link/hours.h"
#include "tests/unit/check.h"
#include "link.pb-c.h"

/* Working hours on the link, those that are the same as the ones before among them. */

static const struct fb_working_hours early = {.known = true, .zone = {3600, 7200, {10, 5, 0, 10800, 0}, {3, 5, 0, 7200, 0}}, .n = 1, .periods = {{62, 420, 900}}};
static const struct fb_working_hours late = {.known = true, .zone = {3600, 7200, {10, 5, 0, 10800, 0}, {3, 5, 0, 7200, 0}}, .n = 1, .periods = {{62, 600, 1080}}};
static const struct fb_working_hours impossible = {.known = true, .zone = {90000, 7200, {0}, {0}}, .n = 1, .periods = {{62, 600, 1080}}};

/* What is written of ${w}, in ${b}: one field, whose content protobuf-c reads as it was meant. */
static struct wire_bytes on_wire(struct buf *b, const struct fb_working_hours *w)
{
	Availbridge__Link__V1__WorkingHours *m;
	struct wire_field f = {0};
	struct wire_bytes all;

	buf_init(b, 1 << 16);
	link_hours_write(b, w);
	all = (struct wire_bytes){buf_ptr(b), b->len};
	CHECK(wire_next(&all, &f) && f.number == LINK_ANSWER_HOURS && all.n == 0);
	m = availbridge__link__v1__working_hours__unpack(NULL, f.bytes.n, f.bytes.p);
	CHECK(m && m->n_periods == 1 && m->periods[0]->start == (uint32_t)w->periods[0].start && m->zone->daylight_offset == w->zone.daylight_offset);
	availbridge__link__v1__working_hours__free_unpacked(m, NULL);
	return f.bytes;
}

static void travels(const struct fb_working_hours *w, bool known)
{
	struct fb_working_hours got = {0};
	struct buf b;
	struct wire_bytes bytes = on_wire(&b, w);

	CHECK_INT(wire_same(bytes, link_hours_known), known);
	CHECK(link_hours_read(bytes, &got));
	CHECK(wire_same(bytes, link_hours_known));
	CHECK(memcmp(&got, w, sizeof got) == 0);
	buf_free(&b);
}

static void one_after_the_other(void)
{
	travels(&early, false);
	travels(&early, true);
	travels(&late, false);
	travels(&late, true);
	travels(&early, false);
	link_hours_forget();
	travels(&early, false);
}

/* What cannot be is neither written nor kept, and bytes that cannot be are refused however often they come. */
static void impossible_ones(void)
{
	static const uint8_t no_zone[] = {0x12, 0x02, 0x08, 0x3e};
	struct fb_working_hours got = {0};
	struct buf b;

	buf_init(&b, 1 << 16);
	link_hours_write(&b, &impossible);
	link_hours_write(&b, &(struct fb_working_hours){.known = false});
	CHECK_INT(b.len, 0);
	buf_free(&b);
	link_hours_forget();
	for (int i = 0; i < 2; i++)
		CHECK(!link_hours_read((struct wire_bytes){no_zone, sizeof no_zone}, &got));
	CHECK_INT(link_hours_known.n, 0);
	travels(&early, false);
}

/* Each number has a range; a peer that goes beyond it is not believed. */
static void limits(void)
{
	static const struct {
		uint32_t days, start, end, month;
		int32_t offset;
		bool right;
	} cases[] = {{127, 0, 1440, 12, 86400, true}, {62, 480, 1020, 3, -86400, true}, {128, 480, 1020, 3, 0, false}, {62, 1441, 1020, 3, 0, false},
	             {62, 480, 1441, 3, 0, false}, {62, 480, 1020, 13, 0, false}, {62, 480, 1020, 3, 86401, false}, {62, 480, 1020, 3, -86401, false}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Availbridge__Link__V1__WorkingHours m = AVAILBRIDGE__LINK__V1__WORKING_HOURS__INIT;
		Availbridge__Link__V1__ZoneRule zone = AVAILBRIDGE__LINK__V1__ZONE_RULE__INIT;
		Availbridge__Link__V1__Change change = AVAILBRIDGE__LINK__V1__CHANGE__INIT;
		Availbridge__Link__V1__WorkingPeriod period = AVAILBRIDGE__LINK__V1__WORKING_PERIOD__INIT, *list[] = {&period};
		struct fb_working_hours got = {0};
		uint8_t bytes[256];

		change.month = cases[i].month;
		zone.standard_offset = zone.daylight_offset = cases[i].offset;
		zone.to_standard = zone.to_daylight = &change;
		period.days = cases[i].days;
		period.start = cases[i].start;
		period.end = cases[i].end;
		m.zone = &zone;
		m.periods = list;
		m.n_periods = 1;
		link_hours_forget();
		CHECK_INT(link_hours_read((struct wire_bytes){bytes, availbridge__link__v1__working_hours__pack(&m, bytes)}, &got), cases[i].right);
	}
}

/* A message with hours that were read is passed for them; the same hours with a byte changed are walked, and refused. */
static void passed(void)
{
	struct wire_cap caps[] = {{&availbridge__link__v1__mailbox_answer__descriptor, LINK_ANSWER_HOURS, 0, 0, &link_hours_known}, {0}};
	struct fb_working_hours got = {0};
	struct wire_bytes bytes;
	const char *why;
	struct buf b;

	link_hours_forget();
	bytes = on_wire(&b, &late);
	CHECK(link_hours_read(bytes, &got));
	CHECK(wire_within(&availbridge__link__v1__mailbox_answer__descriptor, buf_ptr(&b), b.len, caps, &why));
	buf_ptr(&b)[b.len - 1] |= 0x80; /* a number that does not end */
	CHECK(!wire_within(&availbridge__link__v1__mailbox_answer__descriptor, buf_ptr(&b), b.len, caps, &why));
	buf_free(&b);
}

int main(void)
{
	one_after_the_other();
	impossible_ones();
	limits();
	passed();
	return check_done();
}
