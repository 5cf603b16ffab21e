#ifndef BRIDGE_FRONT_HTTP_PARSE_H
#define BRIDGE_FRONT_HTTP_PARSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/*
 * HTTP/1.1 framing as RFC 9112 has it, read strictly: whatever two readers might take differently is refused, since
 * a difference is how one client's request becomes part of another's. Pure: bytes in, a struct out, no sockets.
 */
enum {
	HTTP_HEAD_MAX = 64 << 10,   /* request line and all fields; Kerberos tokens are large */
	HTTP_TARGET_MAX = 2048,
	HTTP_FIELDS_MAX = 100,
	HTTP_BLANK_MAX = 4,         /* of empty lines before a request: two */
	HTTP_TRAILER_MAX = 4 << 10, /* chunk extensions and trailers together, a message */
};

enum http_method { HTTP_OTHER = 0, HTTP_GET, HTTP_HEAD, HTTP_POST };

/* One request's head. The strings lie in the bytes given to http_head_parse(); NULL = no such field. */
struct http_head {
	enum http_method method;
	const char *method_name;
	const char *path, *query;       /* of the target, not percent-decoded; query NULL = no '?' */
	int minor;                      /* HTTP/1.minor, 0 or 1 */
	const char *host;
	bool chunked;
	int64_t length;                 /* Content-Length; 0 = none and no body unless chunked */
	bool expect_continue;
	bool keep;                      /* the connection may go on after the answer */
	bool encoded;                   /* Content-Encoding is not identity */
	const char *authorization;
	const char *client_request_id;
	const char *problem;            /* why the status is not 0: a static sentence */
};

/*
 * The length of the head that starts at ${p}, with its empty line; 0 = not all there yet. ${scanned} (0 at first) remembers
 * where to go on, so that bytes coming one by one cost no more than all at once.
 */
size_t http_head_find(const uint8_t *p, size_t n, size_t *scanned);
/*
 * Reads the head in ${p} (${n} bytes as found by http_head_find(); it is cut up in place). Returns 0, or the status to answer
 * with before closing: 400, 414, 417, 431, 501 or 505; h->problem then says why.
 */
int http_head_parse(char *p, size_t n, struct http_head *h);

/* A chunked body under way; all zero at first. */
struct http_chunks {
	int state;
	uint64_t left;  /* of the present chunk */
	int digits;
	size_t extra;   /* bytes of extensions and trailers so far */
	bool line_full; /* the present trailer line has something on it */
	bool named;     /* ... and its colon */
};
/*
 * Takes bytes of a chunked body from ${in} (consuming them) and appends the content to ${out} (NULL: thrown away), at most ${left}
 * bytes of it (counted down). 1 = the body is complete, 0 = more is needed, else minus the status: -400, or -413 as soon as a
 * chunk is announced that does not fit.
 */
int http_chunks_feed(struct http_chunks *c, struct buf *in, struct buf *out, size_t *left);
#endif
