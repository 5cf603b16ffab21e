/* links: base availability */
#include "tests/unit/zone_help.h"

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

int main(void)
{
	names();
	aliases();
	return check_done();
}
