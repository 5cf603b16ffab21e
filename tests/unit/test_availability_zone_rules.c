/* links: base availability */
#include "tests/unit/zone_help.h"

static bool change_is(const struct fb_change *c, int month, int order, int weekday, int second)
{
	bool same = c->month == month && c->day_order == order && c->weekday == weekday && c->second == second && c->year == 0;

	if (!same)
		fprintf(stderr, "\tis month %d order %d weekday %d second %d year %d\n", c->month, c->day_order, c->weekday,
		        c->second, c->year);
	return same;
}

static void rule_words(void)
{
	struct fb_zone_rule r;

	fb_zone_rule_at(named("Europe/Berlin"), at("2026-07-01"), &r);
	CHECK(r.standard_offset == 3600 && r.daylight_offset == 7200);
	CHECK(change_is(&r.to_standard, 10, 5, 0, 3 * 3600) && change_is(&r.to_daylight, 3, 5, 0, 2 * 3600));
	fb_zone_rule_at(named("America/Los_Angeles"), at("2026-01-01T12:00:00"), &r);
	CHECK(r.standard_offset == -8 * 3600 && r.daylight_offset == -7 * 3600);
	CHECK(change_is(&r.to_standard, 11, 1, 0, 2 * 3600) && change_is(&r.to_daylight, 3, 2, 0, 2 * 3600));
	fb_zone_rule_at(named("Australia/Sydney"), at("2026-07-01"), &r);
	CHECK(r.standard_offset == 36000 && r.daylight_offset == 39600);
	CHECK(change_is(&r.to_standard, 4, 1, 0, 3 * 3600) && change_is(&r.to_daylight, 10, 1, 0, 2 * 3600));
	fb_zone_rule_at(named("Europe/Dublin"), at("2026-12-31"), &r);
	CHECK(r.standard_offset == 0 && r.daylight_offset == 3600);
	CHECK(change_is(&r.to_standard, 10, 5, 0, 2 * 3600) && change_is(&r.to_daylight, 3, 5, 0, 3600));
	/* 24:00 on Thursday has to be said as Friday; an hour before Sunday as Saturday 23:00 */
	fb_zone_rule_at(named("Africa/Cairo"), at("2026-07-01"), &r);
	CHECK(change_is(&r.to_standard, 10, 5, 5, 0) && change_is(&r.to_daylight, 4, 5, 5, 0));
	fb_zone_rule_at(named("America/Nuuk"), at("2026-07-01"), &r);
	CHECK(change_is(&r.to_standard, 10, 5, 0, 0) && change_is(&r.to_daylight, 3, 5, 6, 23 * 3600));
	fb_zone_rule_at(named("Asia/Kolkata"), at("2026-07-01"), &r);
	CHECK(r.standard_offset == 19800 && r.daylight_offset == 19800 && r.to_standard.month == 0 && r.to_daylight.month == 0);
	/* three offsets in a year cannot be said: what is in force */
	fb_zone_rule_at(named("Pacific/Apia"), at("2011-06-01"), &r);
	CHECK(r.standard_offset == -11 * 3600 && r.daylight_offset == -11 * 3600 && r.to_standard.month == 0);
}

/* Hour by hour, the rule for the year of ${when} gives the zone's own offsets. */
static void rule_matches(const char *zone, int year)
{
	const struct fb_zone *z = named(zone);
	struct fb_zone_rule r;
	int64_t begin = fb_zone_utc_of(z, fb_days(year, 1, 1) * 86400), end = fb_zone_utc_of(z, fb_days(year + 1, 1, 1) * 86400);
	int wrong = 0;

	fb_zone_rule_at(z, fb_days(year, 6, 1) * 86400, &r);
	struct fb_zone *made = fb_zone_from_rule(&r);
	CHECK(made != NULL);
	for (int64_t t = begin; made && t < end; t += 900)
		wrong += fb_zone_offset(made, t) != fb_zone_offset(z, t);
	if (!CHECK_INT(wrong, 0))
		fprintf(stderr, "\tin %s, %d\n", zone, year);
	for (int i = 0; i < 2; i++) {
		const struct fb_change *c = i ? &r.to_daylight : &r.to_standard;
		CHECK(c->second >= 0 && c->second < 86400 && c->month >= 0 && c->month <= 12);
	}
	fb_zone_free(made);
}

static int changes_in(const char *zone, int year)
{
	const struct fb_zone *z = named(zone);
	struct fb_zone_transition t = {fb_zone_utc_of(z, fb_days(year, 1, 1) * 86400) - 1, 0};
	int n = 0;

	while (fb_zone_next(z, t.utc, &t) && t.utc < fb_zone_utc_of(z, fb_days(year + 1, 1, 1) * 86400))
		n++;
	return n;
}

static void rules_reproduce(void)
{
	static const char *const zones[] = {
		"Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York",
		"America/Nuuk", "America/Santiago", "America/Havana", "America/Asuncion",
		"Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland",
		"Pacific/Chatham", "Pacific/Easter", "Asia/Jerusalem", "Asia/Beirut",
		"Africa/Cairo", "Africa/Casablanca", "Asia/Kolkata", "Asia/Tokyo",
		"Etc/UTC", "Antarctica/Troll", "Asia/Gaza", "Europe/Chisinau",
	};

	int said = 0;

	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		for (int year = 2024; year <= 2031; year++)
			if (changes_in(zones[i], year) <= 2) { /* a rule cannot say more: those of Casablanca in some years */
				rule_matches(zones[i], year);
				said++;
			}
	CHECK(said > 180);
	rule_matches("America/Sao_Paulo", 2019); /* one change, down */
	rule_matches("Asia/Almaty", 2024);
	rule_matches("America/Caracas", 2016);   /* one change, up */
	rule_matches("Europe/Istanbul", 2016);
	rule_matches("Pacific/Norfolk", 2019);
}

static void rule_zones(void)
{
	struct fb_zone_rule pacific = {-28800, -25200, {11, 1, 0, 7200, 0}, {3, 2, 0, 7200, 0}};
	struct fb_zone_rule sydney = {36000, 39600, {4, 1, 0, 10800, 0}, {10, 1, 0, 7200, 0}};
	struct fb_zone_rule dated = {3600, 7200, {10, 25, 3, 10800, 2026}, {3, 29, 1, 7200, 2026}};
	struct fb_zone_rule r;
	struct fb_zone_transition t;
	struct fb_zone *z = fb_zone_from_rule(&pacific);

	CHECK_INT(fb_zone_offset(z, at("2026-03-08T09:59:59Z")), -28800);
	CHECK_INT(fb_zone_offset(z, at("2026-03-08T10:00:00Z")), -25200);
	CHECK_INT(fb_zone_offset(z, at("2026-11-01T08:59:59Z")), -25200);
	CHECK_INT(fb_zone_offset(z, at("2026-11-01T09:00:00Z")), -28800);
	CHECK_INT(fb_zone_offset(z, at("1950-07-01")), -25200); /* every year, backward as well */
	CHECK(fb_zone_next(z, at("2026-11-01T09:00:00Z"), &t) && t.utc == at("2027-03-14T10:00:00Z"));
	CHECK_INT(fb_zone_utc_of(z, at("2026-03-08T02:30:00")), at("2026-03-08T10:30:00Z"));
	fb_zone_free(z);
	z = fb_zone_from_rule(&sydney);
	CHECK_INT(fb_zone_offset(z, at("2026-01-01")), 39600);
	CHECK_INT(fb_zone_offset(z, at("2026-07-01")), 36000);
	CHECK_INT(fb_zone_offset(z, at("2026-12-31")), 39600);
	CHECK_INT(fb_zone_offset(z, at("2026-10-03T16:00:00Z")), 39600);
	fb_zone_rule_at(z, at("2026-12-31"), &r);
	CHECK(memcmp(&r, &sydney, sizeof r) == 0);
	fb_zone_free(z);
	z = fb_zone_from_rule(&dated); /* a Year: the day is a day of the month, and other years have no change */
	CHECK_INT(fb_zone_offset(z, at("2026-03-29T00:59:59Z")), 3600);
	CHECK_INT(fb_zone_offset(z, at("2026-03-29T01:00:00Z")), 7200);
	CHECK_INT(fb_zone_offset(z, at("2026-10-25T01:00:00Z")), 3600);
	CHECK_INT(fb_zone_offset(z, at("2027-07-01")), 3600);
	CHECK_INT(fb_zone_offset(z, at("2025-07-01")), 3600);
	fb_zone_free(z);

	r = pacific;
	r.to_daylight.month = 0; /* no month, no daylight saving */
	z = fb_zone_from_rule(&r);
	CHECK_INT(fb_zone_offset(z, at("2026-07-01")), -28800);
	CHECK(!fb_zone_next(z, at("2026-07-01"), &t));
	fb_zone_free(z);
	r = pacific;
	r.to_standard.month = 0; /* a real client leaves out only this one */
	z = fb_zone_from_rule(&r);
	CHECK(z && fb_zone_offset(z, at("2026-07-01")) == -28800);
	fb_zone_free(z);
	r = pacific;
	r.to_daylight = r.to_standard; /* seen from real clients: the same date twice and no difference */
	r.daylight_offset = r.standard_offset;
	z = fb_zone_from_rule(&r);
	CHECK(z && fb_zone_offset(z, at("2026-07-01")) == -28800 && !fb_zone_next(z, 0, &t));
	fb_zone_free(z);
	z = fb_zone_fixed(-34200);
	CHECK(z && fb_zone_offset(z, 0) == -34200 && fb_zone_utc_of(z, 0) == 34200);
	fb_zone_free(z);
	fb_zone_free(NULL);
}

static void rule_refused(void)
{
	static const struct fb_change bad[] = {
		{13, 1, 0, 0, 0}, {-1, 1, 0, 0, 0}, {3, 0, 0, 0, 0}, {3, 6, 0, 0, 0}, {3, 1, 7, 0, 0}, {3, 1, -1, 0, 0}, {3, 1, 0, 700000, 0},
		{2, 29, 0, 0, 2026}, {3, 32, 0, 0, 2026}, {3, 0, 0, 0, 2026}, {3, 1, 0, 0, 10000}, {3, 1, 0, 0, -5},
	};
	struct fb_zone_rule good = {-28800, -25200, {11, 1, 0, 7200, 0}, {3, 2, 0, 7200, 0}}, r;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		r = good;
		r.to_standard = bad[i];
		CHECK(fb_zone_from_rule(&r) == NULL);
		r = good;
		r.to_daylight = bad[i];
		CHECK(fb_zone_from_rule(&r) == NULL);
	}
	r = good;
	r.standard_offset = 100000;
	CHECK(fb_zone_from_rule(&r) == NULL);
	r.standard_offset = INT32_MIN;
	CHECK(fb_zone_from_rule(&r) == NULL);
	CHECK(fb_zone_fixed(93600) == NULL && fb_zone_fixed(INT32_MIN) == NULL);
}

/* The last rules are kept: the same one is the same zone, whoever frees it meanwhile, and many others push it out. */
static void rules_kept(void)
{
	struct fb_zone_rule r = {.standard_offset = -8 * 3600, .daylight_offset = -7 * 3600, .to_standard = {11, 1, 0, 7200, 0}, .to_daylight = {3, 2, 0, 7200, 0}};
	struct fb_zone *first = fb_zone_from_rule(&r), *second = fb_zone_from_rule(&r);
	int64_t summer = fb_days(2026, 7, 1) * 86400;

	CHECK(first && first == second);
	fb_zone_free(first);
	CHECK_INT(fb_zone_offset(second, summer), -7 * 3600);
	for (int i = 0; i < 100; i++) {
		struct fb_zone_rule other = r;

		other.to_standard.second = 60 * i;
		fb_zone_free(fb_zone_from_rule(&other));
	}
	CHECK_INT(fb_zone_offset(second, summer), -7 * 3600);
	fb_zone_free(second);
	first = fb_zone_from_rule(&r);
	CHECK_INT(fb_zone_offset(first, summer), -7 * 3600);
	fb_zone_free(first);
}

int main(void)
{
	rules_kept();
	rule_words();
	rules_reproduce();
	rule_zones();
	rule_refused();
	return check_done();
}
