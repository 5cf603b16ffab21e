#include "bridge/availability/zone.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/zone_inside.h"

struct fb_zone *zone_alloc(size_t n)
{
	if (n > ZONE_MAX_TRANSITIONS)
		return NULL;
	return calloc(1, sizeof(struct fb_zone) + n * sizeof(struct fb_zone_transition));
}

bool zone_offset_fits(int offset)
{
	return offset >= -ZONE_MAX_OFFSET && offset <= ZONE_MAX_OFFSET;
}

struct fb_zone *fb_zone_fixed(int offset)
{
	struct fb_zone *z = zone_offset_fits(offset) ? zone_alloc(0) : NULL;

	if (z)
		z->first_offset = offset;
	return z;
}

struct fb_zone *fb_zone_from_transitions(int first_offset, const struct fb_zone_transition *t, size_t n)
{
	struct fb_zone *z = zone_offset_fits(first_offset) ? zone_alloc(n) : NULL;

	if (!z)
		return NULL;
	z->first_offset = first_offset;
	int now = first_offset;
	for (size_t i = 0; i < n; i++) {
		if (!zone_offset_fits(t[i].offset) || (i > 0 && t[i].utc <= t[i - 1].utc)) {
			free(z);
			return NULL;
		}
		if (t[i].offset != now)
			z->t[z->n++] = t[i];
		now = t[i].offset;
	}
	return z;
}

void fb_zone_free(struct fb_zone *z)
{
	if (z && z->others)
		z->others--;
	else
		free(z);
}

const struct fb_zone *fb_zone_utc(void)
{
	static const struct fb_zone utc;

	return &utc;
}

/* How many transitions of the table lie at or before ${utc}. */
static size_t passed(const struct fb_zone *z, int64_t utc)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (z->t[mid].utc <= utc)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int fb_zone_offset(const struct fb_zone *z, int64_t utc)
{
	size_t i = passed(z, utc);

	if (z->has_yearly && (i == z->n || (i == 0 && z->yearly_before)))
		return zone_yearly_offset(&z->yearly, utc);
	return i ? z->t[i - 1].offset : z->first_offset;
}

int64_t fb_zone_wall(const struct fb_zone *z, int64_t utc)
{
	return utc + fb_zone_offset(z, utc);
}

bool fb_zone_next(const struct fb_zone *z, int64_t utc, struct fb_zone_transition *out)
{
	size_t i = passed(z, utc);

	if (i < z->n && (i > 0 || !z->yearly_before)) {
		*out = z->t[i];
		return true;
	}
	return z->has_yearly && zone_yearly_next(&z->yearly, utc, out);
}

/*
 * Goes through the offsets that were in force around ${wall}, earliest first: the first one under which the clock
 * showed it is the answer; if the clock jumped over it, the offset that was in force before the jump counts.
 */
int64_t fb_zone_utc_of(const struct fb_zone *z, int64_t wall)
{
	int64_t from = wall - ZONE_MAX_OFFSET - 1;
	int offset = fb_zone_offset(z, from);
	struct fb_zone_transition next;

	while (fb_zone_next(z, from, &next)) {
		if (wall - offset < next.utc || wall - next.offset < next.utc)
			break;
		offset = next.offset;
		from = next.utc;
	}
	return wall - offset;
}
