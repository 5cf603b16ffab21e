#include <stdlib.h>
#include <string.h>
#include "bridge/availability/zone_inside.h"
#include "bridge/base/file.h"

/* RFC 8536. All numbers are big-endian. */
enum { FILE_MAX = 1 << 18, HEADER = 44, TIMES_MAX = 4096, TYPES_MAX = 256, CHARS_MAX = 4096, TAIL_MAX = 256 };

struct reader {
	const uint8_t *p;
	size_t left;
};
struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static const uint8_t *take(struct reader *r, size_t n)
{
	if (n > r->left)
		return NULL;
	const uint8_t *p = r->p;
	r->p += n;
	r->left -= n;
	return p;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool header(struct reader *r, struct counts *c)
{
	const uint8_t *h = take(r, HEADER);

	if (!h || memcmp(h, "TZif", 4) != 0 || h[4] < '2')
		return false;
	*c = (struct counts){be32(h + 20), be32(h + 24), be32(h + 28), be32(h + 32), be32(h + 36), be32(h + 40)};
	return c->isut <= TYPES_MAX && c->isstd <= TYPES_MAX && c->leap <= TIMES_MAX && c->time <= TIMES_MAX && c->type > 0 &&
	       c->type <= TYPES_MAX && c->chars <= CHARS_MAX;
}

/* The bytes of a data block whose times have ${width} bytes. */
static size_t block_size(const struct counts *c, size_t width)
{
	return c->time * (width + 1) + c->type * 6 + c->chars + c->leap * (width + 4) + c->isstd + c->isut;
}

/* The offsets of the types; false if one is out of range. */
static bool offsets(const uint8_t *p, uint32_t n, int out[TYPES_MAX])
{
	for (uint32_t i = 0; i < n; i++) {
		out[i] = (int32_t)be32(p + 6 * i);
		if (!zone_offset_fits(out[i]))
			return false;
	}
	return true;
}

/* The text between the two line feeds behind the data, zero-terminated in ${out}. */
static bool footer(struct reader *r, char out[TAIL_MAX])
{
	const uint8_t *lf = take(r, 1), *end = r->left ? memchr(r->p, '\n', r->left) : NULL;

	if (!lf || *lf != '\n' || !end || end - r->p >= TAIL_MAX || memchr(r->p, 0, (size_t)(end - r->p)))
		return false;
	memcpy(out, r->p, (size_t)(end - r->p));
	out[end - r->p] = '\0';
	return true;
}

/* Fills ${z} from the second data block at ${data}. */
static bool fill(struct fb_zone *z, const struct counts *c, const uint8_t *data, const char *tail)
{
	const uint8_t *times = data, *types = data + 8 * (size_t)c->time;
	int offset[TYPES_MAX], now;

	if (!offsets(types + c->time, c->type, offset))
		return false;
	now = z->first_offset = offset[0];
	for (uint32_t i = 0; i < c->time; i++) {
		int64_t at = be64(times + 8 * (size_t)i);
		if (types[i] >= c->type || (i > 0 && at <= be64(times + 8 * (size_t)(i - 1))))
			return false;
		if (offset[types[i]] != now)
			z->t[z->n++] = (struct fb_zone_transition){at, offset[types[i]]};
		now = offset[types[i]];
	}
	if (*tail == '\0')
		return true;
	z->has_yearly = true;
	if (!zone_yearly_parse(tail, &z->yearly))
		return false;
	/* The file's last word on the offset and the tail's must be one (RFC 8536 3.3). */
	return z->n == 0 || zone_yearly_offset(&z->yearly, be64(times + 8 * (size_t)(c->time - 1))) == now;
}

struct fb_zone *zone_tzif_read(const uint8_t *p, size_t n)
{
	struct reader r = {p, n};
	struct counts c;
	char tail[TAIL_MAX];

	if (!header(&r, &c) || !take(&r, block_size(&c, 4)) || !header(&r, &c) || c.leap > 0)
		return NULL;
	const uint8_t *data = take(&r, block_size(&c, 8));
	if (!data || !footer(&r, tail))
		return NULL;
	size_t room = c.time + 2 * (ZONE_TABLE_YEAR - 1900);
	struct fb_zone *z = zone_alloc(room);
	if (!z)
		return NULL;
	if (!fill(z, &c, data, tail)) {
		free(z);
		return NULL;
	}
	if (z->has_yearly)
		zone_lay_out(z, room, ZONE_TABLE_YEAR);
	struct fb_zone *fit = realloc(z, sizeof *z + z->n * sizeof *z->t);
	return fit ? fit : z;
}

struct fb_zone *zone_tzif_load(const char *path)
{
	struct fb_zone *z = NULL;
	struct buf b;

	buf_init(&b, FILE_MAX);
	if (file_read(path, &b) == FILE_OK)
		z = zone_tzif_read(buf_ptr(&b), b.len);
	buf_free(&b);
	return z;
}
