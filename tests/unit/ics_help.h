#ifndef TESTS_UNIT_ICS_HELP_H
#define TESTS_UNIT_ICS_HELP_H
#include "bridge/availability/clock.h"
#include "bridge/backend/ics.h"
#include "tests/unit/check.h"

/* What an iCalendar text comes to in March 2026, as a line of text. */

static struct buf text, out, error;

/* Wraps ${body} (lines ended by \n) in a VCALENDAR. */
static inline void calendar(const char *body)
{
	buf_reset(&text);
	buf_printf(&text, "BEGIN:VCALENDAR\nVERSION:2.0\n%sEND:VCALENDAR\n", body);
}

static inline struct fb_answer *expand(const char *start, const char *end, const char *zone)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	struct ics_options o = {.floating = fb_zone_named(zone)};
	struct fb_window w;
	CHECK(fb_time_parse_in(start, fb_zone_utc(), &w.start) && fb_time_parse_in(end, fb_zone_utc(), &w.end));
	if (ics_expand((const char *)buf_ptr(&text), text.len, w, &o, a, &error) == 0)
		return a;
	fb_answer_free(a);
	return NULL;
}

/* The events of ${body} in the window, as "START/END Busy", or the sentence of the fault. */
static inline const char *events_in(const char *body, const char *start, const char *end, const char *zone)
{
	calendar(body);
	struct fb_answer *a = expand(start, end, zone);
	if (!a)
		return buf_cstr(&error);
	buf_reset(&out);
	for (size_t i = 0; i < a->n_events; i++) {
		buf_puts(&out, i ? ", " : "");
		fb_time_put_utc(&out, a->events[i].start);
		buf_putc(&out, '/');
		fb_time_put_utc(&out, a->events[i].end);
		buf_printf(&out, " %s", fb_busy_name(a->events[i].busy));
	}
	fb_answer_free(a);
	return buf_cstr(&out);
}

/* In March 2026 (Berlin's clocks change on the 29th at 01:00 UTC), seen from Berlin. */
static inline const char *march(const char *body)
{
	return events_in(body, "2026-03-01T00:00:00", "2026-04-01T00:00:00", "Europe/Berlin");
}

static inline const char *event(const char *lines)
{
	static char body[4096];
	snprintf(body, sizeof body, "BEGIN:VEVENT\nUID:1\n%sEND:VEVENT\n", lines);
	return march(body);
}

#define BERLIN ";TZID=Europe/Berlin:"
#define AT "DTSTART:20260302T080000Z\nDTEND:20260302T090000Z\n"
#define AS(word) "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z " word
/* A VTIMEZONE of one offset, and an event at nine by it. */
#define ZONE(id, offset) "BEGIN:VTIMEZONE\nTZID:" id "\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:" offset "\nTZOFFSETTO:" offset "\nEND:STANDARD\nEND:VTIMEZONE\n"
#define IN(id) "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=" id ":20260302T090000\nDURATION:PT1H\nEND:VEVENT\n"

static inline void help_start(void)
{
	buf_init(&text, 32 << 20);
	buf_init(&out, 1 << 20);
	buf_init(&error, 4096);
}

static inline int help_end(void)
{
	buf_free(&text);
	buf_free(&out);
	buf_free(&error);
	return check_done();
}
#endif
