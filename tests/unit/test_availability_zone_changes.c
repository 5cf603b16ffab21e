/* links: base availability */
#include "bridge/base/file.h"
#include "tests/unit/zone_help.h"

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

int main(void)
{
	facts();
	gaps_and_folds();
	transitions();
	posix_tails();
	hostile_files();
	return check_done();
}
