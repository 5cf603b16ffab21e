#include "bridge/link/hours.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_OFFSET = 24 * 3600, MAX_SECOND = 8 * 86400, KNOWN_BYTES = 512 };

/* The numbers of link.proto. */
enum { PERIOD_DAYS = 1, PERIOD_START, PERIOD_END };
enum { ZONE_STANDARD_OFFSET = 1, ZONE_DAYLIGHT_OFFSET, ZONE_TO_STANDARD, ZONE_TO_DAYLIGHT };
enum { CHANGE_MONTH = 1, CHANGE_DAY_ORDER, CHANGE_WEEKDAY, CHANGE_SECOND, CHANGE_YEAR };

static struct {
	struct fb_working_hours hours;
	uint8_t bytes[KNOWN_BYTES];
} written, understood;
static size_t n_written; /* bytes of the field; 0 = none */
struct wire_bytes link_hours_known = {understood.bytes, 0};

/* ---- writing ---- */

static bool change_fits(const struct fb_change *c)
{
	return c->month >= 0 && c->month <= 12 && c->day_order >= 0 && c->day_order <= 31 && c->weekday >= 0 && c->weekday <= 6 &&
	       c->second >= 0 && c->second <= MAX_SECOND && c->year >= 0 && c->year <= 9999;
}

static bool zone_fits(const struct fb_zone_rule *z)
{
	return abs(z->standard_offset) <= MAX_OFFSET && abs(z->daylight_offset) <= MAX_OFFSET &&
	       change_fits(&z->to_standard) && change_fits(&z->to_daylight);
}

static void write_change(struct buf *out, unsigned field, const struct fb_change *c)
{
	size_t from = wire_begin(out, field);

	wire_put(out, CHANGE_MONTH, (uint64_t)c->month);
	wire_put(out, CHANGE_DAY_ORDER, (uint64_t)c->day_order);
	wire_put(out, CHANGE_WEEKDAY, (uint64_t)c->weekday);
	wire_put(out, CHANGE_SECOND, (uint64_t)c->second);
	wire_put(out, CHANGE_YEAR, (uint64_t)c->year);
	wire_end(out, from);
}

static void write_zone(struct buf *out, const struct fb_zone_rule *z)
{
	size_t from = wire_begin(out, LINK_HOURS_ZONE);

	wire_put_signed(out, ZONE_STANDARD_OFFSET, z->standard_offset);
	wire_put_signed(out, ZONE_DAYLIGHT_OFFSET, z->daylight_offset);
	write_change(out, ZONE_TO_STANDARD, &z->to_standard);
	write_change(out, ZONE_TO_DAYLIGHT, &z->to_daylight);
	wire_end(out, from);
}

static void write_new(struct buf *out, const struct fb_working_hours *w)
{
	size_t from = wire_begin(out, LINK_ANSWER_HOURS), period;

	write_zone(out, &w->zone);
	for (size_t i = 0; i < w->n; i++) {
		period = wire_begin(out, LINK_HOURS_PERIODS);
		wire_put(out, PERIOD_DAYS, w->periods[i].days);
		wire_put(out, PERIOD_START, (uint32_t)w->periods[i].start);
		wire_put(out, PERIOD_END, (uint32_t)w->periods[i].end);
		wire_end(out, period);
	}
	wire_end(out, from);
}

void link_hours_write(struct buf *out, const struct fb_working_hours *w)
{
	size_t from = out->len, n;

	if (!w->known || !zone_fits(&w->zone) || w->n > FB_MAX_PERIODS)
		return;
	if (n_written && memcmp(&written.hours, w, sizeof *w) == 0) {
		buf_add(out, written.bytes, n_written);
		return;
	}
	write_new(out, w);
	n = out->len - from;
	if (out->failed || n > KNOWN_BYTES)
		return;
	memcpy(written.bytes, buf_ptr(out) + from, n);
	written.hours = *w;
	n_written = n;
}

/* ---- reading ---- */

static bool read_change(struct wire_bytes in, struct fb_change *out)
{
	struct wire_field f;
	uint32_t v[CHANGE_YEAR + 1] = {0};

	while (wire_next(&in, &f))
		if (f.number <= CHANGE_YEAR)
			v[f.number] = (uint32_t)f.value;
	if (v[CHANGE_MONTH] > 12 || v[CHANGE_DAY_ORDER] > 31 || v[CHANGE_WEEKDAY] > 6 || v[CHANGE_SECOND] > MAX_SECOND || v[CHANGE_YEAR] > 9999)
		return false;
	*out = (struct fb_change){(int)v[CHANGE_MONTH], (int)v[CHANGE_DAY_ORDER], (int)v[CHANGE_WEEKDAY], (int)v[CHANGE_SECOND], (int)v[CHANGE_YEAR]};
	return true;
}

static bool read_offset(uint64_t v, int *out)
{
	int32_t offset = wire_signed(v);

	*out = offset;
	return offset >= -MAX_OFFSET && offset <= MAX_OFFSET;
}

static bool read_zone(struct wire_bytes in, struct fb_zone_rule *out)
{
	struct wire_field f;
	bool ok = true;

	while (wire_next(&in, &f))
		if (f.number == ZONE_STANDARD_OFFSET)
			ok &= read_offset(f.value, &out->standard_offset);
		else if (f.number == ZONE_DAYLIGHT_OFFSET)
			ok &= read_offset(f.value, &out->daylight_offset);
		else if (f.number == ZONE_TO_STANDARD || f.number == ZONE_TO_DAYLIGHT)
			ok &= read_change(f.bytes, f.number == ZONE_TO_STANDARD ? &out->to_standard : &out->to_daylight);
	return ok;
}

static bool read_period(struct wire_bytes in, struct fb_working_period *out)
{
	struct wire_field f;
	uint32_t v[PERIOD_END + 1] = {0};

	while (wire_next(&in, &f))
		if (f.number <= PERIOD_END)
			v[f.number] = (uint32_t)f.value;
	*out = (struct fb_working_period){v[PERIOD_DAYS], (int)v[PERIOD_START], (int)v[PERIOD_END]};
	return v[PERIOD_DAYS] <= 127 && v[PERIOD_START] <= 1440 && v[PERIOD_END] <= 1440;
}

static bool read_new(struct wire_bytes in, struct fb_working_hours *out)
{
	bool has_zone = false, ok = true;
	struct wire_field f;

	while (wire_next(&in, &f))
		if (f.number == LINK_HOURS_ZONE)
			ok &= has_zone = read_zone(f.bytes, &out->zone);
		else if (f.number == LINK_HOURS_PERIODS)
			ok &= read_period(f.bytes, &out->periods[out->n++]); /* answer_caps: no more than there is room for */
	out->known = true;
	return has_zone && ok;
}

bool link_hours_read(struct wire_bytes in, struct fb_working_hours *out)
{
	if (in.n && wire_same(in, link_hours_known)) {
		*out = understood.hours;
		return true;
	}
	if (!read_new(in, out))
		return false;
	if (in.n <= KNOWN_BYTES) {
		memcpy(understood.bytes, in.p, in.n);
		understood.hours = *out;
		link_hours_known.n = in.n;
	}
	return true;
}

void link_hours_forget(void)
{
	explicit_bzero(&understood, sizeof understood);
	link_hours_known.n = 0;
}
