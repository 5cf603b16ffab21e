#include "bridge/front/http_parse.h"
#include <string.h>
#include "bridge/base/text.h"

/* What was seen among the fields, beside what the head keeps. */
struct seen {
	int hosts, lengths, codings, authorizations, expects;
	bool close, keep_alive;
};

static bool is_token(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool all_token(const char *s)
{
	if (!*s)
		return false;
	while (*s)
		if (!is_token((unsigned char)*s++))
			return false;
	return true;
}

static int no(struct http_head *h, int status, const char *problem)
{
	h->problem = problem;
	return status;
}

size_t http_head_find(const uint8_t *p, size_t n, size_t *scanned)
{
	size_t i = *scanned, skip = 0;

	/* Empty lines before a request are passed over (RFC 9112 2.2). */
	while (skip < HTTP_BLANK_MAX && n - skip >= 2 && p[skip] == '\r' && p[skip + 1] == '\n')
		skip += 2;
	if (i < skip)
		i = skip;
	for (; n - i >= 4 && n > i; i++)
		if (p[i] == '\r' && p[i + 1] == '\n' && p[i + 2] == '\r' && p[i + 3] == '\n')
			return i + 4;
	*scanned = i;
	return 0;
}

/* Cuts the next line off ${*rest}: zero-terminated, without its CRLF. NULL if it holds a bare CR or LF, or a zero byte. */
static char *next_line(char **rest, char *end)
{
	char *line = *rest, *p = line;

	while (p < end && *p && *p != '\r' && *p != '\n')
		p++;
	if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
		return NULL;
	*p = 0;
	*rest = p + 2;
	return line;
}

/* The Host field or the authority of an absolute target: host[:port], no user name (RFC 9110 4.2.4). */
static bool authority_valid(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~:[]%") == strlen(s) && strlen(s) <= 261;
}

static int take_target(char *target, struct http_head *h)
{
	char *slash;

	if (strlen(target) > HTTP_TARGET_MAX)
		return no(h, 414, "The request target is too long.");
	for (const char *p = target; *p; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '#')
			return no(h, 400, "The request target holds a byte that is not allowed there.");
	if (text_istarts(target, "https://") || text_istarts(target, "http://")) {
		char *authority = strchr(target, ':') + 3;

		slash = authority + strcspn(authority, "/?");
		if (slash == authority || *slash != '/')
			return no(h, 400, "The absolute request target has no host or no path.");
		/* Room for the authority's zero: it moves one byte to the left, over the second slash. */
		memmove(authority - 1, authority, (size_t)(slash - authority));
		slash[-1] = 0;
		h->host = authority - 1;
		if (!authority_valid(h->host))
			return no(h, 400, "The host in the request target is malformed.");
		target = slash;
	}
	if (*target != '/')
		return no(h, 400, "The request target is neither a path nor an absolute address.");
	h->path = target;
	target += strcspn(target, "?");
	if (*target) {
		*target = 0;
		h->query = target + 1;
	}
	return 0;
}

static int take_request_line(char *line, struct http_head *h)
{
	static const struct {
		const char *name;
		enum http_method method;
	} known[] = {{"GET", HTTP_GET}, {"HEAD", HTTP_HEAD}, {"POST", HTTP_POST}, {"OPTIONS", HTTP_OTHER}, {"PUT", HTTP_OTHER},
	             {"DELETE", HTTP_OTHER}, {"PATCH", HTTP_OTHER}, {"TRACE", HTTP_OTHER}, {"PROPFIND", HTTP_OTHER}};
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;
	int status;

	if (!version || strchr(version + 1, ' '))
		return no(h, 400, "The request line is not METHOD, target and version with one space between.");
	*target++ = 0;
	*version++ = 0;
	if (!all_token(line))
		return no(h, 400, "The request's method is malformed.");
	if (strlen(version) != 8 || strncmp(version, "HTTP/", 5) != 0 || version[6] != '.' || version[5] < '0' || version[5] > '9' ||
	    version[7] < '0' || version[7] > '9')
		return no(h, 400, "The request line names no HTTP version.");
	if (version[5] != '1')
		return no(h, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
	h->minor = version[7] == '0' ? 0 : 1;
	h->method_name = NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(line, known[i].name) == 0) {
			h->method_name = line;
			h->method = known[i].method;
		}
	status = take_target(target, h);
	if (status == 0 && !h->method_name)
		return no(h, 501, "This method is not known here.");
	return status;
}

/* Calls for each member of a comma-separated list; empty members are passed over (RFC 9110 5.6.1.2). */
static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (*list) {
		const char *from = list + strspn(list, " \t,"), *to = from + strcspn(from, ",");
		size_t len = (size_t)(to - from);

		while (len && (from[len - 1] == ' ' || from[len - 1] == '\t'))
			len--;
		if (len == n && text_istarts(from, word))
			return true;
		list = to;
	}
	return false;
}

static int take_length(const char *value, struct http_head *h, struct seen *seen)
{
	size_t n = strlen(value);

	if (seen->lengths++)
		return no(h, 400, "Content-Length is there twice.");
	if (n == 0 || n > 18 || strspn(value, "0123456789") != n)
		return no(h, 400, "Content-Length is not a plain number.");
	for (h->length = 0; *value; value++)
		h->length = h->length * 10 + (*value - '0');
	return 0;
}

static int take_coding(const char *value, struct http_head *h, struct seen *seen)
{
	if (seen->codings++)
		return no(h, 400, "Transfer-Encoding is there twice.");
	if (!text_ieq(value, "chunked"))
		return no(h, list_has(value, "chunked") ? 501 : 400, "The only Transfer-Encoding understood here is chunked.");
	h->chunked = true;
	return 0;
}

static int take_field(const char *name, const char *value, struct http_head *h, struct seen *seen)
{
	if (text_ieq(name, "Host")) {
		if (seen->hosts++)
			return no(h, 400, "Host is there twice.");
		if (!authority_valid(value))
			return no(h, 400, "Host is malformed.");
		if (!h->host) /* that of an absolute target counts (RFC 9112 3.2.2) */
			h->host = value;
	} else if (text_ieq(name, "Content-Length")) {
		return take_length(value, h, seen);
	} else if (text_ieq(name, "Transfer-Encoding")) {
		return take_coding(value, h, seen);
	} else if (text_ieq(name, "Connection")) {
		seen->close |= list_has(value, "close");
		seen->keep_alive |= list_has(value, "keep-alive");
	} else if (text_ieq(name, "Expect")) {
		if (seen->expects++ || !text_ieq(value, "100-continue"))
			return no(h, 417, "The only expectation understood here is 100-continue.");
		h->expect_continue = true;
	} else if (text_ieq(name, "Content-Encoding")) {
		h->encoded |= *value && !text_ieq(value, "identity");
	} else if (text_ieq(name, "Authorization")) {
		if (seen->authorizations++)
			return no(h, 400, "Authorization is there twice.");
		h->authorization = value;
	} else if (text_ieq(name, "client-request-id") && !h->client_request_id) {
		h->client_request_id = value;
	}
	return 0;
}

/* Cuts NAME: VALUE apart and checks both. */
static int split_field(char *line, char **value, struct http_head *h)
{
	char *colon = strchr(line, ':'), *v, *end;

	if (*line == ' ' || *line == '\t')
		return no(h, 400, "A header field is folded over two lines.");
	if (!colon)
		return no(h, 400, "A header line has no colon.");
	*colon = 0;
	if (!all_token(line))
		return no(h, 400, "A header field's name is malformed.");
	v = colon + 1 + strspn(colon + 1, " \t");
	end = v + strlen(v);
	while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	for (const char *p = v; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return no(h, 400, "A header field's value holds a control byte.");
	*value = v;
	return 0;
}

static int check_framing(struct http_head *h, const struct seen *seen)
{
	if (h->minor == 1 && seen->hosts == 0)
		return no(h, 400, "Host is missing.");
	if (h->chunked && seen->lengths)
		return no(h, 400, "Both Content-Length and Transfer-Encoding are there.");
	if (h->chunked && h->minor == 0)
		return no(h, 400, "HTTP/1.0 has no Transfer-Encoding.");
	if (h->minor == 0)
		h->expect_continue = false; /* RFC 9110 10.1.1 */
	if (!h->chunked && h->length == 0)
		h->expect_continue = false; /* there is nothing to wait for */
	h->keep = !seen->close && (h->minor == 1 || seen->keep_alive);
	return 0;
}

int http_head_parse(char *p, size_t n, struct http_head *h)
{
	char *rest = p, *end = p + n, *line, *value;
	struct seen seen = {0};
	int status, fields = 0;

	*h = (struct http_head){0};
	while (end - rest >= 2 && rest[0] == '\r' && rest[1] == '\n')
		rest += 2;
	line = next_line(&rest, end);
	if (!line)
		return no(h, 400, "The request line has a bare line end or a zero byte.");
	status = take_request_line(line, h);
	while (status == 0) {
		line = next_line(&rest, end);
		if (!line)
			return no(h, 400, "A header line has a bare line end or a zero byte.");
		if (!*line)
			break;
		if (++fields > HTTP_FIELDS_MAX)
			return no(h, 431, "There are too many header fields.");
		status = split_field(line, &value, h);
		if (status == 0)
			status = take_field(line, value, h, &seen);
	}
	return status ? status : check_framing(h, &seen);
}

enum { SIZE = 0, BLANK, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_LF, DONE };

static int hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a chunk's first line. */
static int size_byte(struct http_chunks *c, uint8_t b)
{
	int digit = c->state == SIZE ? hex_of(b) : -1;

	if (digit >= 0) {
		c->left = c->left << 4 | (unsigned)digit;
		return ++c->digits <= 8 ? 0 : -400; /* 32 bits are far over any ceiling of ours */
	}
	if (c->digits == 0)
		return -400;
	if (b == '\r') {
		c->state = SIZE_LF;
		return 0;
	}
	if (++c->extra > HTTP_TRAILER_MAX)
		return -400;
	if (c->state != EXTENSION && (b == ' ' || b == '\t'))
		c->state = BLANK;
	else if (c->state != EXTENSION && b == ';')
		c->state = EXTENSION;
	else if (c->state != EXTENSION || (b < 0x20 && b != '\t') || b == 0x7f)
		return -400;
	return 0;
}

/* One byte of the trailers: fields are checked for their shape and forgotten. */
static int trailer_byte(struct http_chunks *c, uint8_t b)
{
	if (c->state == TRAILER_LF) {
		if (b != '\n')
			return -400;
		c->state = c->line_full ? TRAILER : DONE;
		c->line_full = c->named = false;
		return 0;
	}
	if (++c->extra > HTTP_TRAILER_MAX)
		return -400;
	if (b == '\r') {
		c->state = TRAILER_LF;
		return c->line_full && !c->named ? -400 : 0;
	}
	if (!c->named && b == ':' && c->line_full)
		c->named = true;
	else if (!c->named ? !is_token(b) : (b < 0x20 && b != '\t') || b == 0x7f)
		return -400;
	c->line_full = true;
	return 0;
}

static int frame_byte(struct http_chunks *c, uint8_t b)
{
	switch (c->state) {
	case SIZE:
	case BLANK:
	case EXTENSION:
		return size_byte(c, b);
	case SIZE_LF:
		c->state = c->left ? DATA : TRAILER;
		return b == '\n' ? 0 : -400;
	case DATA_CR:
		c->state = DATA_LF;
		return b == '\r' ? 0 : -400;
	case DATA_LF:
		c->state = SIZE;
		c->digits = 0;
		return b == '\n' ? 0 : -400;
	default:
		return trailer_byte(c, b);
	}
}

int http_chunks_feed(struct http_chunks *c, struct buf *in, struct buf *out, size_t *left)
{
	int r = 0;

	while (r == 0 && in->len > 0 && c->state != DONE) {
		if (c->state == DATA) {
			size_t n = c->left < in->len ? (size_t)c->left : in->len;

			if (out && buf_add(out, buf_ptr(in), n) < 0)
				return -413;
			buf_consume(in, n);
			*left -= n;
			c->left -= n;
			if (c->left == 0)
				c->state = DATA_CR;
		} else {
			r = frame_byte(c, *buf_ptr(in));
			buf_consume(in, 1);
			if (r == 0 && c->state == DATA && c->left > *left)
				r = -413; /* before a byte of it has come */
		}
	}
	return r ? r : c->state == DONE;
}
