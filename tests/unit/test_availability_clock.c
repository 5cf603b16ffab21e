/* links: base availability */
#include "bridge/availability/clock.h"
#include "bridge/availability/zone.h"
#include "tests/unit/check.h"

static void calendar(void)
{
	CHECK_INT(fb_days(1970, 1, 1), 0);
	CHECK_INT(fb_days(1969, 12, 31), -1);
	CHECK_INT(fb_days(2000, 2, 29), 11016);
	CHECK_INT(fb_days(1, 1, 1), -719162);
	CHECK_INT(fb_days(9999, 12, 31), 2932896);
	CHECK_INT(fb_days(2026, 13, 1), fb_days(2027, 1, 1));
	CHECK_INT(fb_days(2026, 0, 1), fb_days(2025, 12, 1));
	CHECK_INT(fb_days(2026, -11, 1), fb_days(2025, 1, 1));
	CHECK_INT(fb_days(2026, -12, 1), fb_days(2024, 12, 1));
	CHECK_INT(fb_days(2026, 3, 0), fb_days(2026, 2, 28));
	CHECK_INT(fb_days(2026, 1, 366), fb_days(2027, 1, 1));
	CHECK_INT(fb_month_days(2024, 2), 29);
	CHECK_INT(fb_month_days(1900, 2), 28);
	CHECK_INT(fb_month_days(2000, 2), 29);
	CHECK_INT(fb_month_days(2026, 12), 31);
	/* every day from 1 to 4000, counted one by one */
	int year = 1, month = 1, day = 1, weekday = 1; /* 0001-01-01 was a Monday */
	bool good = true;
	for (int64_t d = fb_days(1, 1, 1); year < 4000 && good; d++) {
		struct fb_civil c = fb_civil_at(d * 86400 + 86399);
		good = c.year == year && c.month == month && c.day == day && c.weekday == weekday && c.hour == 23 && c.second == 59;
		good &= fb_days(year, month, day) == d;
		weekday = (weekday + 1) % 7;
		bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
		static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
		if (++day > lengths[month - 1] + (month == 2 && leap)) {
			day = 1;
			if (++month > 12) {
				month = 1;
				year++;
			}
		}
	}
	CHECK(good);
	struct fb_civil c = fb_civil_at(-1);
	CHECK(c.year == 1969 && c.month == 12 && c.day == 31 && c.hour == 23 && c.minute == 59 && c.second == 59 && c.weekday == 3);
	CHECK_INT(fb_civil_seconds(&c), -1);
}

static void parse(void)
{
	const int64_t march = 1772438400; /* 2026-03-02T08:00:00Z, by date(1) */
	static const struct {
		const char *text;
		enum fb_time_kind kind;
		int64_t away; /* from march */
	} good[] = {
		{"2026-03-02T08:00:00", FB_TIME_WALL, 0}, {"2026-03-02T08:00:00Z", FB_TIME_UTC, 0}, {"2026-03-02t08:00:00z", FB_TIME_UTC, 0},
		{"2026-03-02T08:00:00.999", FB_TIME_WALL, 0}, {"2026-03-02T08:00:00.0000000Z", FB_TIME_UTC, 0},
		{"2026-03-02T10:00:00+02:00", FB_TIME_UTC, 0},
		{"2026-03-02T03:30:00-0430", FB_TIME_UTC, 0}, {"2026-03-02T08:00:00-00:00", FB_TIME_UTC, 0},
		{"2026-03-02", FB_TIME_WALL, -8 * 3600}, {"2026-03-01T24:00:00", FB_TIME_WALL, -8 * 3600},
		{"2026-03-01T24:00:00.00Z", FB_TIME_UTC, -8 * 3600},
		{"2026-03-02T08:00:59.5+00:00", FB_TIME_UTC, 59},
	};
	static const char *const bad[] = {
		"", "x", "2026", "2026-03", "2026-3-2", "2026-03-02T", "2026-03-02T08",
		"2026-03-02T08:00", "2026-03-02 08:00:00", "2026-03-02T08:00:00 ",
		" 2026-03-02", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00",
		"2026-04-31", "0000-01-01", "-2026-01-01", "+2026-01-01", "12026-01-01",
		"2026-03-02T25:00:00", "2026-03-02T24:00:01", "2026-03-02T24:01:00",
		"2026-03-02T24:00:00.1", "2026-03-02T08:60:00", "2026-03-02T08:00:60",
		"2026-03-02T08:00:00.", "2026-03-02T08:00:00,5", "2026-03-02T08:00:00ZZ",
		"2026-03-02T08:00:00+", "2026-03-02T08:00:00+2", "2026-03-02T08:00:00+02",
		"2026-03-02T08:00:00+02:", "2026-03-02T08:00:00+24:00",
		"2026-03-02T08:00:00+02:60", "2026-03-02T08:00:00+02:00x", "2026-03-02Z",
		"9999-12-31T24:00:00", "0001-01-01T00:00:00+01:00",
		"9999-12-31T23:30:00-01:00", "2026-03-02T-8:00:00", "2026-03-02T08:00:0\xd9",
	};
	int64_t v;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		v = 7;
		CHECK_INT(fb_time_parse(good[i].text, &v), good[i].kind);
		if (!CHECK_INT(v, march + good[i].away))
			fprintf(stderr, "\tfor %s\n", good[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!CHECK_INT(fb_time_parse(bad[i], &v), FB_TIME_BAD))
			fprintf(stderr, "\tfor %s\n", bad[i]);
	CHECK_INT(fb_time_parse(NULL, &v), FB_TIME_BAD);
	CHECK_INT(fb_time_parse("0001-01-01T00:00:00", &v), FB_TIME_WALL);
	CHECK_INT(v, -62135596800);
	CHECK_INT(fb_time_parse("9999-12-31T23:59:59Z", &v), FB_TIME_UTC);
	CHECK_INT(v, 253402300799);
}

static void parse_in(void)
{
	const struct fb_zone *berlin = fb_zone_named("Europe/Berlin");
	int64_t v = 0;

	CHECK(berlin != NULL);
	CHECK(fb_time_parse_in("2026-03-02T09:00:00", berlin, &v) && v == 1772438400);
	CHECK(fb_time_parse_in("2026-03-02T08:00:00Z", berlin, &v) && v == 1772438400);
	CHECK(fb_time_parse_in("2026-07-01", berlin, &v) && v == 1782856800); /* 22:00Z the day before */
	CHECK(!fb_time_parse_in("soon", berlin, &v));
}

static void put(void)
{
	struct buf b;

	buf_init(&b, 200);
	CHECK_INT(fb_time_put_utc(&b, 1772438400), 0);
	buf_putc(&b, ' ');
	CHECK_INT(fb_time_put_wall(&b, -62135596800), 0);
	CHECK_STR(buf_cstr(&b), "2026-03-02T08:00:00Z 0001-01-01T00:00:00");
	buf_free(&b);
	buf_init(&b, 10);
	CHECK_INT(fb_time_put_utc(&b, 0), -1);
	buf_free(&b);
}

int main(void)
{
	calendar();
	parse();
	parse_in();
	put();
	return check_done();
}
