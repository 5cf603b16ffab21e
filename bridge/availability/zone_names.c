#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/zone.h"
#include "bridge/availability/zone_inside.h"
#include "bridge/base/text.h"

enum { NAME_LEN_MAX = 63, BUCKETS = 1024 };

/*
 * Zones that were asked for by name. Never freed: answers and calendars borrow them; their number is that of
 * the files there are.
 */
struct entry {
	struct entry *next;
	const struct fb_zone *zone;
	char name[];
};
static struct entry *buckets[BUCKETS];

static struct entry **bucket(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return &buckets[h % BUCKETS];
}

static const struct fb_zone *look_up(const char *name)
{
	for (const struct entry *e = *bucket(name); e; e = e->next)
		if (strcmp(e->name, name) == 0)
			return e->zone;
	return NULL;
}

/* Keeps ${z}; gives it back, or NULL (and frees it, if ${own}) when out of memory. */
static const struct fb_zone *keep(const char *name, const struct fb_zone *z, bool own)
{
	size_t n = strlen(name) + 1;
	struct entry *e = malloc(sizeof *e + n);

	if (!e) {
		if (own)
			free((void *)z);
		return NULL;
	}
	memcpy(e->name, name, n);
	e->zone = z;
	e->next = *bucket(name);
	*bucket(name) = e;
	return z;
}

/*
 * An IANA name begins with a capital and has no dots: so neither "..", "posix/" and "right/" nor the tables
 * beside the zones can be named.
 */
static bool is_iana_name(const char *s)
{
	static const char inside[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/";
	size_t n = strlen(s);

	return n > 0 && n <= NAME_LEN_MAX && s[0] >= 'A' && s[0] <= 'Z' && strspn(s, inside) == n && s[n - 1] != '/' && !strstr(s, "//");
}

static bool is_offset(const char *s, int *out)
{
	static const char shape[] = "+00:00";

	if (strlen(s) != 6 || (*s != '+' && *s != '-') || s[3] != ':')
		return false;
	for (int i = 1; i < 6; i++)
		if (shape[i] == '0' && (s[i] < '0' || s[i] > '9'))
			return false;
	int h = (s[1] - '0') * 10 + s[2] - '0', m = (s[4] - '0') * 10 + s[5] - '0';
	*out = (*s == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return h <= 18 && m <= 59;
}

static const struct fb_zone *load_file(const char *name)
{
	char path[sizeof FB_ZONE_FOLDER + 1 + NAME_LEN_MAX];

	snprintf(path, sizeof path, FB_ZONE_FOLDER "/%s", name);
	struct fb_zone *z = zone_tzif_load(path);
	return z ? keep(name, z, true) : NULL;
}

static const struct fb_zone *named_iana(const char *name)
{
	const struct fb_zone *z;

	if (!is_iana_name(name))
		return NULL;
	return (z = look_up(name)) ? z : load_file(name);
}

/*
 * Names that went out of use, which calendars, clients and ICU have still: Debian 13 has files for those of today alone, others are in
 * tzdata-legacy.
 */
static const struct fb_zone *named_before(const char *name)
{
	const struct fb_zone *z = is_iana_name(name) ? zone_by_alias(name, named_iana) : NULL;

	return z ? keep(name, z, false) : NULL;
}

const struct fb_zone *fb_zone_named(const char *name)
{
	const struct fb_zone_rule *rule;
	const struct fb_zone *z;
	const char *iana;
	int offset;

	if (!name || strlen(name) > NAME_LEN_MAX)
		return NULL;
	if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 || text_ieq(name, "tzone://Microsoft/Utc"))
		return fb_zone_utc();
	if ((z = look_up(name)))
		return z;
	if (is_offset(name, &offset)) {
		z = fb_zone_fixed(offset);
		return z ? keep(name, z, true) : NULL;
	}
	if ((z = named_iana(name)) || (z = named_before(name)))
		return z;
	if ((rule = zone_windows_rule(name)))
		return (z = fb_zone_from_rule(rule)) ? keep(name, z, true) : NULL;
	/* Last, since ICU takes a while to give its names and most processes never need them. */
	iana = fb_zone_iana_of_windows(name);
	z = iana && strcmp(iana, name) != 0 ? fb_zone_named(iana) : NULL;
	return z ? keep(name, z, false) : NULL;
}

/* Loads every zone file beneath the folder. */
static int preload_files(void)
{
	char *top[] = {(char *)FB_ZONE_FOLDER, NULL};
	FTS *walk = fts_open(top, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	int n = 0;

	for (FTSENT *f; walk && (f = fts_read(walk));) {
		const char *name = f->fts_path + strlen(FB_ZONE_FOLDER);
		name += *name == '/';
		if (f->fts_info == FTS_D && f->fts_level > 0 && !is_iana_name(name))
			fts_set(walk, f, FTS_SKIP);
		if (f->fts_info == FTS_F && is_iana_name(name) && fb_zone_named(name))
			n++;
	}
	if (walk)
		fts_close(walk);
	return n;
}

int fb_zone_preload(bool all)
{
	int n = 0;

	for (size_t i = 0; fb_zone_windows_at(i); i++)
		n += fb_zone_named(fb_zone_windows_at(i)) != NULL;
	return all ? n + preload_files() : n;
}
