/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/availability/clock.h"
#include "bridge/backend/value.h"
#include "tests/unit/check.h"

static bool time_of(const char *s, struct ics_time *t)
{
	return ics_time_read(s, strlen(s), t);
}

static void test_times(void)
{
	static const char *const bad[] = {"", "2026030", "20260302T", "20260302TZ",
	                                  "20260302Z", "20260302T8", "20260302T080", "20260302T08000", "20260302T08000Z",
	                                  "20260302T08:00", "20260302T080000ZZ", "20260302T0800000", "20260302 080000", "20261302", "20260229", "20260300",
	                                  "20260302T240000", "20260302T086000", "20260302T080061", "00000101", "2026-03-02", "20260302T08000x", "+0260302"};
	struct ics_time t;
	CHECK(time_of("20260302T080000Z", &t) && t.is_utc && !t.is_date && t.zone == fb_zone_utc());
	CHECK_INT(t.wall, fb_days(2026, 3, 2) * 86400 + 8 * 3600);
	CHECK(time_of("20240229", &t) && t.is_date && !t.is_utc && !t.zone);
	CHECK(time_of("20261231T235960", &t) && !t.zone);
	CHECK_INT(t.wall, fb_days(2026, 12, 31) * 86400 + 86399); /* no leap seconds here */
	CHECK(time_of("20260302T0830", &t) && !t.is_utc && !t.is_date);
	CHECK_INT(t.wall, fb_days(2026, 3, 2) * 86400 + 8 * 3600 + 30 * 60);
	CHECK(time_of("20260302T16Z", &t) && t.is_utc && t.zone == fb_zone_utc());
	CHECK_INT(t.wall, fb_days(2026, 3, 2) * 86400 + 16 * 3600);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!CHECK(!time_of(bad[i], &t)))
			fprintf(stderr, "\t%s\n", bad[i]);
}

static void test_durations(void)
{
	static const struct {
		const char *text;
		int64_t days, seconds;
	} good[] = {{"PT15M", 0, 900}, {"P1D", 1, 0}, {"P2W", 14, 0}, {"P15DT5H0M20S", 15, 18020}, {"-PT1H30M", 0, -5400}, {"+P1DT1S", 1, 1}, {"PT0S", 0, 0}};
	static const char *const bad[] = {"", "P", "PT", "-P", "P1", "1D", "PT1D", "P1H", "P1DT", "PT1M1H", "PT1HT1M", "P-1D", "PT99999999999999H", "P9999999D", "PT1.5H"};
	struct ics_duration d;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!CHECK(ics_duration_read(good[i].text, strlen(good[i].text), &d)))
			fprintf(stderr, "\t%s\n", good[i].text);
		CHECK_INT(d.days, good[i].days);
		CHECK_INT(d.seconds, good[i].seconds);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!CHECK(!ics_duration_read(bad[i], strlen(bad[i]), &d)))
			fprintf(stderr, "\t%s\n", bad[i]);
}

static void test_offsets(void)
{
	int s;
	CHECK(ics_offset_read("+0100", 5, &s) && s == 3600);
	CHECK(ics_offset_read("-033045", 7, &s) && s == -(3 * 3600 + 30 * 60 + 45));
	CHECK(ics_offset_read("0530", 4, &s) && s == 5 * 3600 + 30 * 60);
	CHECK(!ics_offset_read("+", 1, &s) && !ics_offset_read("", 0, &s) && !ics_offset_read("+100", 4, &s));
	CHECK(!ics_offset_read("+01:00", 6, &s) && !ics_offset_read("+2400", 5, &s) && !ics_offset_read("+0160", 5, &s));
}

static void test_instants(void)
{
	const struct fb_zone *berlin = fb_zone_named("Europe/Berlin");
	struct ics_time t;
	CHECK(time_of("20260302T090000", &t));
	CHECK_INT(ics_instant(&t, berlin) - ics_instant(&t, fb_zone_utc()), -3600);
	CHECK(time_of("20260302T090000Z", &t));
	CHECK_INT(ics_instant(&t, berlin), t.wall);
	CHECK(time_of("20260328T120000", &t)); /* the day after is 23 hours long */
	CHECK_INT(ics_later(berlin, t.wall, (struct ics_duration){1, 0}) - fb_zone_utc_of(berlin, t.wall), 23 * 3600);
	CHECK_INT(ics_later(berlin, t.wall, (struct ics_duration){0, 86400}) - fb_zone_utc_of(berlin, t.wall), 86400);
}

int main(void)
{
	test_times();
	test_durations();
	test_offsets();
	test_instants();
	return check_done();
}
