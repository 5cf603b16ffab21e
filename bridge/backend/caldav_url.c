#include <stdlib.h>
#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/backend/caldav_own.h"
#include "bridge/base/text.h"

static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
static const char reserved[] = "/:?@!$&'()*+,;=%[]";

static const char *const placeholders[] = {"{address}", "{user}", "{domain}", "{start}", "{end}"};
enum placeholder { ADDRESS, USER, DOMAIN, START, END, PLACEHOLDERS };

/* Which placeholder ${s} begins with; PLACEHOLDERS if none. */
static enum placeholder placeholder_at(const char *s)
{
	size_t i = 0;
	while (i < PLACEHOLDERS && strncmp(s, placeholders[i], strlen(placeholders[i])) != 0)
		i++;
	return (enum placeholder)i;
}

bool caldav_has_placeholder(const char *template)
{
	return template && strchr(template, '{');
}

/* Bytes that are not in ${plain} (nor in ${more}) are percent-encoded. */
static void put_encoded(struct buf *out, const char *s, size_t n, const char *plain, const char *more)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] && (strchr(plain, s[i]) || (more && strchr(more, s[i]))))
			buf_putc(out, s[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)s[i]);
	}
}

static void put_value(struct buf *out, enum placeholder p, const char *address, struct fb_window w)
{
	const char *at = strrchr(address, '@');
	size_t user = at ? (size_t)(at - address) : strlen(address);
	struct buf time;
	buf_init(&time, 64);
	switch (p) {
	case ADDRESS: put_encoded(out, address, strlen(address), unreserved, "@"); break;
	case USER: put_encoded(out, address, user, unreserved, NULL); break;
	case DOMAIN: put_encoded(out, address + user + 1, at ? strlen(at + 1) : 0, unreserved, NULL); break;
	default:
		fb_time_put_utc(&time, p == START ? w.start : w.end);
		put_encoded(out, buf_cstr(&time), time.len, unreserved, NULL);
	}
	buf_free(&time);
}

/* The copy of ${b} in the arena, which is emptied; NULL if it was too long. */
static char *kept(struct arena *arena, struct buf *b)
{
	char *copy = b->failed ? NULL : arena_strndup(arena, (const char *)buf_ptr(b), b->len);
	buf_free(b);
	return copy;
}

/* What follows the origin in ${url}; NULL if it is at another. The scheme's own port may be written out. */
static const char *behind_origin(const char *url, const char *origin)
{
	size_t n = strlen(origin);
	if (!text_istarts(url, origin))
		return NULL;
	if (!strncmp(url + n, ":443", 4) && !strchr(origin + 8, ':'))
		n += 4;
	return url[n] == '/' || !url[n] ? url + n : NULL;
}

char *caldav_expand(struct arena *arena, const char *template, const char *origin, const char *address, struct fb_window w)
{
	const char *s = template[0] == '/' ? template : behind_origin(template, origin);
	struct buf out;
	if (!s)
		return NULL;
	buf_init(&out, CALDAV_MAX_URL);
	buf_puts(&out, origin);
	while (*s) {
		enum placeholder p = placeholder_at(s);
		if (p == PLACEHOLDERS) {
			buf_putc(&out, *s++);
		} else {
			put_value(&out, p, address, w);
			s += strlen(placeholders[p]);
		}
	}
	return kept(arena, &out);
}

char *caldav_resolve(struct arena *arena, const char *href, const char *origin)
{
	const char *path = href[0] == '/' ? href : behind_origin(href, origin);
	struct buf out;
	if (!path || path[0] != '/' || path[1] == '/')
		return NULL;
	buf_init(&out, CALDAV_MAX_URL);
	buf_puts(&out, origin);
	put_encoded(&out, path, strcspn(path, "#"), unreserved, reserved);
	return kept(arena, &out);
}

char *caldav_origin(const char *url)
{
	char *origin = strndup(url, 8 + strcspn(url + 8, "/?#"));
	if (!origin)
		abort();
	return origin;
}
