#include <string.h>
#include "bridge/backend/job.h"

/* Names of zones that mean the same in every calendar. */

enum { NAME_WORK = 500 }; /* to look for one name among the files of zones */

/* A TZID that was looked for, and what it is; NULL if nobody knows it. */
struct ics_tzid {
	const char *name;
	size_t len;
	const struct fb_zone *zone;
	struct ics_tzid *next;
};

static const struct fb_zone *named(struct ics_job *j, const char *name)
{
	j->work -= NAME_WORK;
	return j->work > 0 ? fb_zone_named(name) : NULL;
}

/* Names that say the offset themselves: GMT+0530 (Apple), GMT+05:30 (Google), UTC+01 (Exchange); NULL for any other. */
static const struct fb_zone *spelled_out(struct ics_job *j, const char *name)
{
	char offset[] = "+00:00";
	size_t n = strlen(name);
	bool utc = !strncmp(name, "UTC", 3), colon = n == 9 && name[6] == ':', hours = n == 6 && utc; /* GMT+1 would be POSIX's: west */
	if ((!utc && strncmp(name, "GMT", 3)) || (!hours && n != (colon ? 9 : 8)))
		return NULL;
	memcpy(offset, name + 3, 3);
	if (!hours)
		memcpy(offset + 4, name + 6 + colon, 2);
	return named(j, offset);
}

static const struct fb_zone *look_up(struct ics_job *j, const char *tzid, size_t n)
{
	char name[128];
	if (n >= sizeof name || memchr(tzid, 0, n))
		return NULL;
	memcpy(name, tzid, n);
	name[n] = 0;
	const struct fb_zone *z = spelled_out(j, name);
	if (!z && name[0] != '/')
		z = named(j, name);
	for (const char *p = name; !z && (p = strchr(p, '/')) != NULL; )
		if (*++p && name[0] == '/' && *p != '/')
			z = named(j, p);
	return z;
}

const struct fb_zone *ics_zone_known(struct ics_job *j, const char *tzid, size_t n)
{
	struct ics_tzid *k = j->tzids;
	for (; k && (k->len != n || memcmp(k->name, tzid, n)); k = k->next)
		j->work--;
	if (k)
		return k->zone;
	const struct fb_zone *z = look_up(j, tzid, n);
	if (j->work > 0 && (k = arena_alloc(j->arena, sizeof *k))) { /* else it was perhaps not looked for to the end */
		*k = (struct ics_tzid){tzid, n, z, j->tzids};
		j->tzids = k;
	}
	return z;
}
