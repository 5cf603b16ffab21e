#include "bridge/link/grpc.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"

enum { KEEP_BYTES = 4096 }; /* as much is kept for the next message */

static const char *const status_names[GRPC_STATUSES] = {
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
};

const char *grpc_status_name(int status)
{
	return status >= 0 && status < GRPC_STATUSES ? status_names[status] : "UNKNOWN";
}

enum grpc_status grpc_status_parse(const char *s)
{
	int64_t n;

	return text_int(s, 0, GRPC_STATUSES - 1, &n) ? (enum grpc_status)n : GRPC_UNKNOWN;
}

enum grpc_status grpc_status_of_http(int http)
{
	switch (http) {
	case 400:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

bool grpc_timeout_parse(const char *s, int64_t *ms)
{
	size_t n = strspn(s, "0123456789");
	int64_t v = 0;

	if (n < 1 || n > 8 || !s[n] || s[n + 1])
		return false;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (s[i] - '0');
	switch (s[n]) {
	case 'H':
		*ms = v * 3600000;
		return true;
	case 'M':
		*ms = v * 60000;
		return true;
	case 'S':
		*ms = v * 1000;
		return true;
	case 'm':
		*ms = v;
		return true;
	case 'u':
		*ms = (v + 999) / 1000;
		return true;
	case 'n':
		*ms = (v + 999999) / 1000000;
		return true;
	default:
		return false;
	}
}

void grpc_timeout_print(char out[16], int64_t ms)
{
	const int64_t most = 99999999;

	if (ms < 0)
		ms = 0;
	if (ms <= most)
		snprintf(out, 16, "%" PRId64 "m", ms);
	else if (ms / 1000 <= most)
		snprintf(out, 16, "%" PRId64 "S", ms / 1000);
	else
		snprintf(out, 16, "%" PRId64 "H", ms / 3600000 <= most ? ms / 3600000 : most);
}

int grpc_message_encode(struct buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c <= 0x7e && c != '%')
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
	return out->failed ? -1 : 0;
}

int grpc_message_decode(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char pair[3] = {0};
		uint8_t byte;

		if (s[i] == '%' && n - i > 2) {
			memcpy(pair, s + i + 1, 2);
			if (text_unhex(&byte, 1, pair)) {
				buf_putc(out, (char)byte);
				i += 2;
				continue;
			}
		}
		buf_putc(out, s[i]);
	}
	return out->failed ? -1 : 0;
}

void grpc_head_put(uint8_t out[GRPC_HEAD], size_t n)
{
	out[0] = 0;
	out[1] = (uint8_t)(n >> 24);
	out[2] = (uint8_t)(n >> 16);
	out[3] = (uint8_t)(n >> 8);
	out[4] = (uint8_t)n;
}

void grpc_reader_init(struct grpc_reader *r, size_t max)
{
	memset(r, 0, sizeof *r);
	r->max = max;
	buf_init(&r->body, max);
}

void grpc_reader_free(struct grpc_reader *r)
{
	buf_free(&r->body);
}

void grpc_reader_taken(struct grpc_reader *r)
{
	if (r->body.cap > KEEP_BYTES)
		buf_free(&r->body);
	else
		buf_reset(&r->body);
	r->n_head = 0;
}

/* Takes bytes of the head; true once it is whole. */
static bool feed_head(struct grpc_reader *r, const uint8_t **p, size_t *n)
{
	size_t take = GRPC_HEAD - r->n_head < *n ? GRPC_HEAD - r->n_head : *n;

	memcpy(r->head + r->n_head, *p, take);
	r->n_head += take;
	*p += take;
	*n -= take;
	r->want = (size_t)r->head[1] << 24 | (size_t)r->head[2] << 16 | (size_t)r->head[3] << 8 | r->head[4];
	return r->n_head == GRPC_HEAD;
}

enum grpc_read grpc_reader_feed(struct grpc_reader *r, const uint8_t **p, size_t *n)
{
	size_t take;

	if (r->n_head == GRPC_HEAD && r->body.len == r->want) /* the last call gave a whole one */
		grpc_reader_taken(r);
	if (r->n_head < GRPC_HEAD) {
		if (!*n || !feed_head(r, p, n))
			return GRPC_READ_MORE;
		if (r->head[0])
			return GRPC_READ_COMPRESSED;
		if (r->want > r->max)
			return GRPC_READ_TOO_BIG;
	}
	take = r->want - r->body.len < *n ? r->want - r->body.len : *n;
	if (take && buf_add(&r->body, *p, take) < 0)
		return GRPC_READ_TOO_BIG;
	*p += take;
	*n -= take;
	return r->body.len == r->want ? GRPC_READ_MESSAGE : GRPC_READ_MORE;
}

bool grpc_reader_midway(const struct grpc_reader *r)
{
	return r->n_head && !(r->n_head == GRPC_HEAD && r->body.len == r->want);
}
