#ifndef BRIDGE_TRACE_PARTS_H
#define BRIDGE_TRACE_PARTS_H
#include "bridge/base/buf.h"
#include "bridge/ews/redact.h"
#include "bridge/trace/trace.h"

/* What the files of trace/ share among themselves; no other room includes it. */

/* What is taken from a head while it is retold. */
struct trace_seen {
	char user_agent[201]; /* "" = none */
	bool xml;             /* Content-Type is some XML */
	char type[81];        /* Content-Type without its parameters; "" = none */
};

/* Appends what may be shown of ${n} bytes at ${s}: an ews_mask_fn whose ${arg} is the 16-byte key as two uint64_t. */
void trace_mask(void *arg, struct buf *out, enum ews_text kind, const char *s, size_t n);
/* Appends a message's head, line by line, as it may be shown; ${key} as above. */
void trace_head_put(struct buf *out, const uint64_t key[2], const char *head, size_t n, struct trace_seen *seen);
#endif
