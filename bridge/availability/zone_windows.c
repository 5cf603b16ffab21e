#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/uenum.h>
#include <unicode/ustring.h>
#include "bridge/availability/zone_inside.h"

/* About 140 names; read from ICU once and kept for the process's life. */
enum { WINDOWS_MAX = 512, NAME_MAX_LEN = 64 };

static struct {
	char windows[NAME_MAX_LEN];
	char iana[NAME_MAX_LEN];
} names[WINDOWS_MAX];
static size_t n_names;
/*
 * Debian's ICU has the map of its release, tzdata is newer: these zones were named for a city whose clocks have since parted from what Windows
 * means by the name (Windows: "(UTC+06:00) Bishkek", "(UTC-07:00) La Paz, Mazatlan"). Newer maps of CLDR say the same.
 */
static const struct {
	const char *windows, *iana;
} parted[] = {
	{"Central Asia Standard Time", "Asia/Bishkek"}, {"Mountain Standard Time (Mexico)", "America/Mazatlan"},
};
/*
 * "(UTC+12:00) Petropavlovsk-Kamchatsky - Old" and "(UTC-02:00) Mid-Atlantic - Old": Windows goes on with rules that no place has any more, so there
 * is no IANA zone for them (CLDR calls both unmappable).
 */
static const struct {
	const char *windows;
	struct fb_zone_rule rule;
} old[] = {
	{"Kamchatka Standard Time", {12 * 3600, 13 * 3600, {10, 5, 0, 3 * 3600, 0}, {3, 5, 0, 2 * 3600, 0}}},
	{"Mid-Atlantic Standard Time", {-2 * 3600, -1 * 3600, {9, 5, 0, 2 * 3600, 0}, {3, 5, 0, 2 * 3600, 0}}},
};
static bool loaded;

static bool known(const char *windows)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i].windows, windows) == 0)
			return true;
	return false;
}

/* Adds the Windows name that the IANA zone ${id} belongs to, unless it is there. */
static void add(const UChar *id, int32_t len)
{
	UErrorCode e = U_ZERO_ERROR;
	UChar windows[NAME_MAX_LEN], iana[NAME_MAX_LEN];
	char name[NAME_MAX_LEN];
	int32_t n = ucal_getWindowsTimeZoneID(id, len, windows, NAME_MAX_LEN, &e);

	if (U_FAILURE(e) || n <= 0 || n >= NAME_MAX_LEN || n_names == WINDOWS_MAX)
		return;
	u_UCharsToChars(windows, name, n);
	name[n] = '\0';
	if (known(name))
		return;
	int32_t m = ucal_getTimeZoneIDForWindowsID(windows, n, "001", iana, NAME_MAX_LEN, &e);
	if (U_FAILURE(e) || m <= 0 || m >= NAME_MAX_LEN)
		return;
	memcpy(names[n_names].windows, name, (size_t)n + 1);
	u_UCharsToChars(iana, names[n_names].iana, m);
	names[n_names].iana[m] = '\0';
	n_names++;
}

static void load(void)
{
	UErrorCode e = U_ZERO_ERROR;
	UEnumeration *zones = loaded ? NULL : ucal_openTimeZones(&e);
	const UChar *id;
	int32_t len;

	while (zones && (id = uenum_unext(zones, &len, &e)) && U_SUCCESS(e))
		add(id, len);
	if (zones)
		uenum_close(zones);
	loaded = true;
}

const struct fb_zone_rule *zone_windows_rule(const char *windows)
{
	size_t i = 0;

	while (i < sizeof old / sizeof *old && strcmp(old[i].windows, windows) != 0)
		i++;
	return i < sizeof old / sizeof *old ? &old[i].rule : NULL;
}

const char *fb_zone_iana_of_windows(const char *windows)
{
	for (size_t i = 0; i < sizeof parted / sizeof *parted; i++)
		if (strcmp(parted[i].windows, windows) == 0)
			return parted[i].iana;
	load();
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i].windows, windows) == 0)
			return names[i].iana;
	return NULL;
}

const char *fb_zone_windows_at(size_t i)
{
	load();
	return i < n_names ? names[i].windows : NULL;
}
