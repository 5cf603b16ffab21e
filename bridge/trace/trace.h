#ifndef BRIDGE_TRACE_TRACE_H
#define BRIDGE_TRACE_TRACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A recording of what is said at the front and at the backends (`serve --trace`), made to be sent to somebody else. Raw bytes come in
 * here and only here: what is written is retold, field by field and element by element, from lists of what may be shown (head.c,
 * ews/redact.c, mask.c), so that no caller can write a password, a token, a subject or a place. docs/exchange.md says what a
 * recording holds.
 */
struct trace;
enum { TRACE_KEY = 16, TRACE_FILE_MAX = 64 << 20 };

/*
 * Records go to ${fd} (appended to; borrowed for its life), one write each, by any number of processes at once. ${key}, the same for all of
 * them, makes the names that stand for people. When the file would grow over ${max} bytes (TRACE_FILE_MAX) or cannot be written, a
 * line of the log says so and nothing more is written. Aborts when out of memory. Caller frees.
 */
struct trace *trace_new(int fd, const uint8_t key[TRACE_KEY], uint64_t max);
/* Frees it. NULL is allowed. */
void trace_free(struct trace *t);
/* How it stands: "off" (${t} is NULL), "on", or "ended" for this process. ${bytes} gets what is in the file. Static. */
const char *trace_state(const struct trace *t, uint64_t *bytes);
/* A number for a new connection, unique in this process; records say PID.NUMBER. */
uint64_t trace_connection(struct trace *t);

/* A record under way: one message or one event of a connection. */
struct trace_record;
/* What is known of the connection. */
struct trace_about {
	const char *side;     /* "front", or a backend's name; borrowed for the call, as all here */
	const char *what;     /* "request", "answer", "failure" */
	uint64_t connection;
	const char *protocol; /* "TLSv1.2 ECDHE-RSA-AES256-SHA384"; NULL = not known */
	const char *alpn;     /* "" = none was agreed on; NULL = not known */
	bool sni_known, sni;  /* whether the client named the host that it wants, if that is known */
};
/* Begins one. NULL if ${t} is NULL or there is no memory: each function below then does nothing. */
struct trace_record *trace_begin(struct trace *t, const struct trace_about *about);
/* The message's head: request or status line and all fields, with its CRLFs. */
void trace_head(struct trace_record *r, const void *head, size_t n);
/* The message's body, decoded; its Content-Type is taken from the head. */
void trace_body(struct trace_record *r, const void *body, size_t n);
/* A sentence of ours about it, or one more. */
void trace_note(struct trace_record *r, const char *sentence);
/* Writes it under ${request_id} (NULL = none) and frees it. NULL is allowed. */
void trace_end(struct trace_record *r, const char *request_id);
#endif
