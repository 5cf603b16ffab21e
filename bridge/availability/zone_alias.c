#include <string.h>
#include <unicode/ucal.h>
#include <unicode/uenum.h>
#include <unicode/ustring.h>
#include "bridge/availability/zone_inside.h"

enum { NAME_MAX_LEN = 64 };

/* What ICU calls the zone ${id}, whichever of its names that is; false if it knows none of that name. */
static bool canonical(const UChar *id, int32_t len, UChar out[NAME_MAX_LEN], int32_t *n)
{
	UErrorCode e = U_ZERO_ERROR;
	UBool known;

	*n = ucal_getCanonicalTimeZoneID(id, len, out, NAME_MAX_LEN, &known, &e);
	return U_SUCCESS(e) && known && *n > 0 && *n < NAME_MAX_LEN;
}

/* ICU has three letters of Java's beside those of tzdata, among them BST, which is Dhaka there and London to whoever writes it. */
static bool is_of_java(const char *name)
{
	static const char *const of_tzdata[] = {"CET", "EET", "EST", "HST", "MET", "MST", "PRC", "ROC", "ROK", "UCT", "WET"};

	for (size_t i = 0; i < sizeof of_tzdata / sizeof *of_tzdata; i++)
		if (strcmp(name, of_tzdata[i]) == 0)
			return false;
	return strlen(name) == 3;
}

const struct fb_zone *zone_by_alias(const char *name, const struct fb_zone *(*load)(const char *name))
{
	UErrorCode e = U_ZERO_ERROR;
	UChar wide[NAME_MAX_LEN], zone[NAME_MAX_LEN], other[NAME_MAX_LEN];
	const struct fb_zone *found = NULL;
	char ascii[NAME_MAX_LEN];
	int32_t len, n, m;
	const UChar *id;

	if (strlen(name) >= NAME_MAX_LEN || is_of_java(name))
		return NULL;
	u_uastrcpy(wide, name);
	if (!canonical(wide, -1, zone, &n))
		return NULL;
	UEnumeration *all = ucal_openTimeZoneIDEnumeration(UCAL_ZONE_TYPE_ANY, NULL, NULL, &e);
	while (U_SUCCESS(e) && !found && (id = uenum_unext(all, &len, &e)) && U_SUCCESS(e)) {
		if (len >= NAME_MAX_LEN || u_strcmp(id, wide) == 0 || !canonical(id, len, other, &m) || m != n || u_memcmp(zone, other, n) != 0)
			continue;
		u_UCharsToChars(id, ascii, len + 1);
		found = load(ascii);
	}
	uenum_close(all);
	return found;
}
