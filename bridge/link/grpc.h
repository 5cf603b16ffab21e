#ifndef BRIDGE_LINK_GRPC_H
#define BRIDGE_LINK_GRPC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/* What gRPC adds to HTTP/2 (the project's PROTOCOL-HTTP2 document): message framing, timeouts, status codes, the encoding of messages. Pure. */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
	GRPC_STATUSES
};

/* "OK", "CANCELLED", ...; "UNKNOWN" for a number that is in no list. */
const char *grpc_status_name(int status);
/* Reads the value of grpc-status; GRPC_UNKNOWN if it is no number of the list. */
enum grpc_status grpc_status_parse(const char *s);
/* What a response without grpc-status means, from its HTTP status. */
enum grpc_status grpc_status_of_http(int http);

/* Reads a grpc-timeout ("1500m": 1..8 digits and one of H M S m u n) into milliseconds, rounded up. False if it is none. */
bool grpc_timeout_parse(const char *s, int64_t *ms);
/* Writes ${ms} (negative counts as 0) as a grpc-timeout: milliseconds, or seconds or hours where these do not fit 8 digits. */
void grpc_timeout_print(char out[16], int64_t ms);

/* Appends ${s} percent-encoded for grpc-message: printable ASCII but '%' stays. Returns 0, or -1 if ${out} is full. */
int grpc_message_encode(struct buf *out, const char *s);
/* Appends what the ${n} bytes at ${s} stand for; a broken escape stays as it is. Returns 0, or -1 if ${out} is full. */
int grpc_message_decode(struct buf *out, const char *s, size_t n);

enum { GRPC_HEAD = 5 };
/* Writes the head of a message of ${n} bytes: not compressed. */
void grpc_head_put(uint8_t out[GRPC_HEAD], size_t n);

/* Reads length-prefixed messages from whatever pieces they come in. */
struct grpc_reader {
	size_t max;              /* largest message */
	uint8_t head[GRPC_HEAD]; /* as far as it has come */
	size_t n_head;
	size_t want;             /* length of the message being read */
	struct buf body;
};
/* NO_ROOM: too much of others is unfinished on its connection (incoming.c); no reader says so. */
enum grpc_read { GRPC_READ_MORE = 0, GRPC_READ_MESSAGE, GRPC_READ_TOO_BIG, GRPC_READ_COMPRESSED, GRPC_READ_NO_ROOM };

/* Starts at a message's first byte; messages over ${max} bytes are refused by their head, before any memory is taken. */
void grpc_reader_init(struct grpc_reader *r, size_t max);
/* Frees what is held. */
void grpc_reader_free(struct grpc_reader *r);
/* The message that was whole is not needed any more: no large one is kept, and the next one may come. */
void grpc_reader_taken(struct grpc_reader *r);
/*
 * Takes bytes from ${p}/${n} (both are moved on) until a message is whole (then r->body holds it: call again with what is left, which
 * starts the next one) or all are taken. TOO_BIG and COMPRESSED are final; TOO_BIG is also the answer when out of memory.
 */
enum grpc_read grpc_reader_feed(struct grpc_reader *r, const uint8_t **p, size_t *n);
/* True if a message has begun and is not whole. */
bool grpc_reader_midway(const struct grpc_reader *r);
#endif
