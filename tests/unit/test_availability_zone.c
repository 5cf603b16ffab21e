/* links: base availability */
#include "bridge/availability/clock.h"
#include "bridge/availability/zone.h"
#include "bridge/availability/zone_inside.h"
#include "bridge/base/file.h"
#include "tests/unit/check.h"

/* Public facts about clocks, from the decisions of the countries, not from any output of ours. */

static int64_t at(const char *s)
{
	int64_t v = 0;

	CHECK(fb_time_parse(s, &v) != FB_TIME_BAD);
	return v;
}

static const struct fb_zone *named(const char *name)
{
	const struct fb_zone *z = fb_zone_named(name);

	if (!CHECK(z != NULL))
		fprintf(stderr, "\tno zone %s\n", name);
	return z ? z : fb_zone_utc();
}

/* At the instant ${utc} the zone goes from ${before} to ${after} minutes east of UTC. */
static void changes(const char *zone, const char *utc, int before, int after)
{
	const struct fb_zone *z = named(zone);
	struct fb_zone_transition t = {0, 0};

	if (!CHECK_INT(fb_zone_offset(z, at(utc) - 1), before * 60) || !CHECK_INT(fb_zone_offset(z, at(utc)), after * 60))
		fprintf(stderr, "\tin %s at %s\n", zone, utc);
	CHECK(fb_zone_next(z, at(utc) - 1, &t));
	CHECK_INT(t.utc, at(utc));
	CHECK_INT(t.offset, after * 60);
	CHECK_INT(fb_zone_wall(z, at(utc)), at(utc) + after * 60);
}

static void facts(void)
{
	struct fb_zone_transition t;

	changes("Europe/Berlin", "2026-03-29T01:00:00Z", 60, 120);
	changes("Europe/Berlin", "2026-10-25T01:00:00Z", 120, 60);
	changes("Europe/Berlin", "2093-03-29T01:00:00Z", 60, 120);
	changes("Europe/Berlin", "2150-10-25T01:00:00Z", 120, 60); /* behind the table, by the tail alone */
	changes("America/New_York", "2026-03-08T07:00:00Z", -300, -240);
	changes("America/New_York", "2026-11-01T06:00:00Z", -240, -300);
	changes("America/New_York", "2006-04-02T07:00:00Z", -300, -240); /* the old rule, first Sunday in April */
	changes("Australia/Sydney", "2026-04-04T16:00:00Z", 660, 600);
	changes("Australia/Sydney", "2026-10-03T16:00:00Z", 600, 660);
	changes("Australia/Lord_Howe", "2026-04-04T15:00:00Z", 660, 630); /* half an hour */
	changes("Australia/Lord_Howe", "2026-10-03T15:30:00Z", 630, 660);
	changes("Pacific/Apia", "2011-12-30T10:00:00Z", -600, 840); /* the 30th never was */
	changes("Europe/Dublin", "2026-03-29T01:00:00Z", 0, 60);    /* legally winter is the exception */
	changes("Europe/Dublin", "2026-10-25T01:00:00Z", 60, 0);
	changes("Africa/Casablanca", "2026-02-15T02:00:00Z", 60, 0); /* Ramadan */
	changes("Africa/Casablanca", "2026-03-22T02:00:00Z", 0, 60);
	changes("America/Sao_Paulo", "2019-02-17T02:00:00Z", -120, -180); /* the last change there */
	CHECK(!fb_zone_next(named("America/Sao_Paulo"), at("2019-02-17T02:00:00Z"), &t));
	CHECK_INT(fb_zone_offset(named("America/Sao_Paulo"), at("2026-01-15")), -10800);
	CHECK_INT(fb_zone_offset(named("Asia/Kolkata"), at("2026-07-01")), 19800);
	CHECK_INT(fb_zone_offset(named("Asia/Kathmandu"), at("2026-07-01")), 20700);
	CHECK_INT(fb_zone_offset(named("Pacific/Kiritimati"), at("2026-07-01")), 14 * 3600);
	CHECK(!fb_zone_next(fb_zone_utc(), at("2026-07-01"), &t));
	CHECK_INT(fb_zone_offset(named("Etc/GMT+5"), 0), -5 * 3600);
	/* far away, nothing may overflow or hang */
	CHECK_INT(fb_zone_offset(named("Europe/Berlin"), INT64_MAX / 2) % 3600, 0);
	CHECK(!fb_zone_next(named("Europe/Berlin"), INT64_MAX / 2, &t));
	CHECK(fb_zone_offset(named("Europe/Berlin"), -(INT64_MAX / 2)) > 3000); /* local mean time, 53 min 28 s */
}

/* The wall time ${wall} in ${zone} is the instant ${utc}. */
static void wall_is(const char *zone, const char *wall, const char *utc)
{
	if (!CHECK_INT(fb_zone_utc_of(named(zone), at(wall)), at(utc)))
		fprintf(stderr, "\t%s in %s\n", wall, zone);
}

static void gaps_and_folds(void)
{
	wall_is("Europe/Berlin", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z");
	wall_is("Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z");
	wall_is("Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"); /* never shown: 03:00 is meant */
	wall_is("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z");
	wall_is("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z");
	wall_is("Europe/Berlin", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z");
	wall_is("Europe/Berlin", "2026-10-25T02:00:00", "2026-10-25T00:00:00Z"); /* shown twice: the first */
	wall_is("Europe/Berlin", "2026-10-25T02:59:59", "2026-10-25T00:59:59Z");
	wall_is("Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z");
	wall_is("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00Z"); /* the example of RFC 5545 3.3.5, another year */
	wall_is("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z");
	wall_is("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z");
	wall_is("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z");
	wall_is("Pacific/Apia", "2011-12-29T23:59:59", "2011-12-30T09:59:59Z");
	wall_is("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z");
	wall_is("Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z");
	wall_is("Europe/Berlin", "2150-03-29T02:30:00", "2150-03-29T01:30:00Z");
}

static void names(void)
{
	static const char *const bad[] = {
		"", "Nowhere/Town", "../../../etc/passwd", "/usr/share/zoneinfo/Europe/Berlin",
		"Europe/../Europe/Berlin", "Europe/./Berlin", "./Europe/Berlin",
		"Europe//Berlin", "Europe/Berlin/", "Europe", "posix/Europe/Berlin",
		"right/Europe/Berlin", "posixrules", "localtime", "zone.tab", "tzdata.zi",
		"Europe/Berlin\n", "europe/berlin", "+25:00", "+02:60", "+0200", "+2:00", "*02:00", "+02:0x", " Europe/Berlin",
		"W. Europe Standard  Time", "Mars Standard Time",
		"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!CHECK(fb_zone_named(bad[i]) == NULL))
			fprintf(stderr, "\ttaken: %s\n", bad[i]);
	CHECK(fb_zone_named(NULL) == NULL);
	CHECK(fb_zone_named("UTC") == fb_zone_utc() && fb_zone_named("Z") == fb_zone_utc() && fb_zone_named("tzone://Microsoft/Utc") == fb_zone_utc());
	CHECK(named("Europe/Berlin") == named("Europe/Berlin"));
	CHECK(named("W. Europe Standard Time") == named("Europe/Berlin"));
	CHECK_INT(fb_zone_offset(named("+02:00"), 0), 7200);
	CHECK_INT(fb_zone_offset(named("-09:30"), 0), -34200);
	CHECK_STR(fb_zone_iana_of_windows("W. Europe Standard Time"), "Europe/Berlin");
	CHECK_STR(fb_zone_iana_of_windows("Pacific Standard Time"), "America/Los_Angeles");
	CHECK_STR(fb_zone_iana_of_windows("GMT Standard Time"), "Europe/London");
	CHECK_STR(fb_zone_iana_of_windows("Romance Standard Time"), "Europe/Paris");
	CHECK_STR(fb_zone_iana_of_windows("Tokyo Standard Time"), "Asia/Tokyo");
	CHECK_STR(fb_zone_iana_of_windows("Europe/Berlin"), NULL);
	/* Windows calls them (UTC+06:00) Bishkek and (UTC-07:00) La Paz, Mazatlan; Almaty and Chihuahua, of which ICU 72 thinks, have left them */
	CHECK_INT(fb_zone_offset(fb_zone_named("Central Asia Standard Time"), 1784000000), 6 * 3600);
	CHECK_INT(fb_zone_offset(fb_zone_named("Mountain Standard Time (Mexico)"), 1784000000), -7 * 3600);
	/* zones of Windows alone: at noon of 1 January, 14 July, 1 October and 1 November 2026 */
	CHECK_INT(fb_zone_offset(fb_zone_named("Kamchatka Standard Time"), 1767268800), 12 * 3600);
	CHECK_INT(fb_zone_offset(fb_zone_named("Kamchatka Standard Time"), 1784030400), 13 * 3600);
	CHECK_INT(fb_zone_offset(fb_zone_named("Kamchatka Standard Time"), 1790856000), 13 * 3600);
	CHECK_INT(fb_zone_offset(fb_zone_named("Kamchatka Standard Time"), 1793534400), 12 * 3600);
	CHECK_INT(fb_zone_offset(fb_zone_named("Mid-Atlantic Standard Time"), 1767268800), -2 * 3600);
	CHECK_INT(fb_zone_offset(fb_zone_named("Mid-Atlantic Standard Time"), 1784030400), -1 * 3600);
	CHECK_INT(fb_zone_offset(fb_zone_named("Mid-Atlantic Standard Time"), 1790856000), -2 * 3600);
	size_t n = 0, utc = 0;
	for (const char *w; (w = fb_zone_windows_at(n)); n++) {
		utc += strcmp(w, "UTC") == 0;
		if (!CHECK(fb_zone_named(w) != NULL))
			fprintf(stderr, "\t%s is %s, which has no file\n", w, fb_zone_iana_of_windows(w));
	}
	CHECK(n > 120 && n < 200 && utc == 1);
	CHECK_INT(fb_zone_preload(false), n);
	CHECK(fb_zone_preload(true) > (int)n + 400);
}

/* A machine that has files for some names alone. */
static const char *has_file;
static const struct fb_zone *only_that(const char *name)
{
	return strcmp(name, has_file) == 0 ? fb_zone_utc() : NULL;
}

static void aliases(void)
{
	static const char *const same[][2] = {
		{"Europe/Kiev", "Europe/Kyiv"}, {"Asia/Rangoon", "Asia/Yangon"}, {"Asia/Calcutta", "Asia/Kolkata"}, {"US/Eastern", "America/New_York"},
		{"America/Buenos_Aires", "America/Argentina/Buenos_Aires"}, {"Etc/UCT", "Etc/UTC"},
	};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		for (int back = 0; back < 2; back++) {
			has_file = same[i][1 - back];
			if (!CHECK(zone_by_alias(same[i][back], only_that) == fb_zone_utc()))
				fprintf(stderr, "\t%s is not %s\n", same[i][back], has_file);
			has_file = "Europe/Berlin";
			CHECK(zone_by_alias(same[i][back], only_that) == NULL);
		}
	has_file = "Asia/Dhaka";
	CHECK(zone_by_alias("Asia/Dacca", only_that) == fb_zone_utc() && zone_by_alias("BST", only_that) == NULL);
	CHECK(zone_by_alias("Nowhere/Town", only_that) == NULL && zone_by_alias("", only_that) == NULL);
	CHECK(zone_by_alias("Europe/Berlin", only_that) == NULL); /* another name, not the same one again */
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) /* whichever of the two this machine has */
		CHECK_INT(fb_zone_offset(named(same[i][0]), at("2026-07-01")), fb_zone_offset(named(same[i][1]), at("2026-07-01")));
}

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

static void transitions(void)
{
	const struct fb_zone_transition t[] = {{100000, 3600}, {200000, 3600}, {300000, 0}};
	const struct fb_zone_transition bad[] = {{200000, 3600}, {200000, 0}};
	const struct fb_zone_transition far[] = {{200000, 1000000}};
	struct fb_zone *z = fb_zone_from_transitions(-60, t, 3);
	struct fb_zone_transition n;

	CHECK(z && fb_zone_offset(z, 99999) == -60 && fb_zone_offset(z, 100000) == 3600 && fb_zone_offset(z, 300000) == 0);
	CHECK(fb_zone_next(z, 100000, &n) && n.utc == 300000); /* the one that changes nothing is no transition */
	CHECK(!fb_zone_next(z, 300000, &n));
	fb_zone_free(z);
	CHECK(fb_zone_from_transitions(0, bad, 2) == NULL && fb_zone_from_transitions(0, far, 1) == NULL);
	z = fb_zone_from_transitions(60, NULL, 0);
	CHECK(z && fb_zone_offset(z, 5) == 60);
	fb_zone_free(z);
}

static void posix_tails(void)
{
	static const char *const bad[] = {
		"", "CET", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,",
		"CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/3x", "CET-25", "CET-1:60", "<CET-1", "<>-1",
		"CET-1CEST,J0,J365", "CET-1CEST,J366,J1", "CET-1CEST,366,1", "CET-1CEST,M3.5.0/168,M10.5.0",
	};
	struct zone_yearly y;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!CHECK(!zone_yearly_parse(bad[i], &y)))
			fprintf(stderr, "\ttaken: %s\n", bad[i]);
	CHECK(zone_yearly_parse("<-03>3", &y) && !y.changes && y.standard == -10800);
	CHECK(zone_yearly_parse("IST-5:30", &y) && y.standard == 19800);
	/* RFC 8536 3.3.1: daylight time all the year round */
	CHECK(zone_yearly_parse("XXX3EDT4,0/0,J365/23", &y) && !y.changes && y.standard == -14400);
	CHECK(zone_yearly_parse("EST5EDT,0/0,J365/25", &y) && !y.changes && zone_yearly_offset(&y, at("2026-01-01")) == -14400);
	/* J60 is the first of March in every year; day 59 is not */
	CHECK(zone_yearly_parse("AAA0BBB,J60/0,J300/0", &y));
	CHECK(zone_yearly_offset(&y, at("2024-02-29T23:59:59")) == 0 && zone_yearly_offset(&y, at("2024-03-01")) == 3600);
	CHECK(zone_yearly_offset(&y, at("2023-02-28T23:59:59")) == 0 && zone_yearly_offset(&y, at("2023-03-01")) == 3600);
	CHECK(zone_yearly_parse("AAA0BBB,59/0,300/0", &y));
	CHECK(zone_yearly_offset(&y, at("2024-02-28T23:59:59")) == 0 && zone_yearly_offset(&y, at("2024-02-29")) == 3600);
	/* a change that is said with a year but happens in its neighbour */
	CHECK(zone_yearly_parse("AAA0BBB,M1.1.1/-167,M7.1.0", &y));
	CHECK(zone_yearly_offset(&y, at("2024-12-30T00:59:59")) == 0 && zone_yearly_offset(&y, at("2024-12-30T01:00:00")) == 3600);
}

/* Every truncation of a real file is refused, and no flipped bit does harm. */
static void hostile_files(void)
{
	struct buf b;

	buf_init(&b, 1 << 18);
	CHECK_INT(file_read("/usr/share/zoneinfo/Europe/Berlin", &b), FILE_OK);
	uint8_t *copy = malloc(b.len);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		memcpy(cut, buf_ptr(&b), n);
		CHECK(zone_tzif_read(cut, n) == NULL);
		free(cut);
	}
	int read = 0;
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		memcpy(copy, buf_ptr(&b), b.len);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		struct fb_zone *z = zone_tzif_read(copy, b.len);
		read += z && fb_zone_offset(z, 1772438400) < 100000 && fb_zone_utc_of(z, 1772438400) != 0;
		fb_zone_free(z);
	}
	CHECK(read > 0);
	/* a transition into a type that the file does not have */
	memcpy(copy, buf_ptr(&b), b.len);
	uint8_t *second = memmem(copy + 4, b.len - 4, "TZif", 4);
	CHECK(second != NULL);
	if (second)
		second[44 + 8 * (second[34] * 256 + second[35])] = 200;
	CHECK(zone_tzif_read(copy, b.len) == NULL);
	free(copy);
	buf_free(&b);
	CHECK(zone_tzif_load("/usr/share/zoneinfo/right/Europe/Berlin") == NULL); /* counts leap seconds: not our clock */
	CHECK(zone_tzif_load("/usr/share/zoneinfo") == NULL);
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
	facts();
	rules_kept();
	gaps_and_folds();
	names();
	aliases();
	rule_words();
	rules_reproduce();
	rule_zones();
	rule_refused();
	transitions();
	posix_tails();
	hostile_files();
	return check_done();
}
