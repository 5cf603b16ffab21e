#ifndef BRIDGE_AUDIT_WRITER_H
#define BRIDGE_AUDIT_WRITER_H
#include "bridge/audit/record.h"
#include "bridge/base/loop.h"

/*
 * The audit's end in a bridge process: each mailbox's record is in its segment before the mailbox's answer leaves. It has nothing
 * but the descriptor that the supervisor gave it.
 */
struct audit_writer;

enum { AUDIT_GROWN_BYTES = 4 << 20 };

/* What becomes of the answer. */
enum audit_said {
	AUDIT_REFUSED = 0, /* it could not be written down: the answer must not leave */
	AUDIT_SAID,        /* it may leave */
	AUDIT_WAITS        /* it may leave when the callback says so */
};
/* One mailbox of one question. Strings are borrowed for the call; NULL = not known. */
struct audit_query {
	const char *id, *client_id; /* request ids: ours, the client's */
	const char *requester, *target;
	const char *peer;           /* "local", or who asked or was asked */
	const char *direction;      /* "in" or "out" */
	const char *rule, *level, *result;
};
/* What was refused and has no record of its own: so many mailboxes of one who asked, for one reason. Strings are borrowed for the call. */
struct audit_refused {
	const char *requester; /* NULL = several */
	const char *peer, *direction, *result; /* as in a question's record */
	uint64_t mailboxes;
	int64_t seconds;       /* before now the first of them was refused */
};

/*
 * With ${sync} an answer waits until its record is on the disk (one write and one fdatasync for all records of 20 ms); else until
 * write(2) took it (one for all records of a turn of ${l}). When a record cannot be written the answer is refused (${refuse}) or
 * leaves unrecorded; the log says so at once and then every minute, and the first record after it says how many are lacking. NULL
 * when out of memory. Caller frees.
 */
struct audit_writer *audit_writer_new(struct loop *l, bool sync, bool refuse);
/* Syncs and frees it, closing its descriptor; nothing may wait for it any more (no callback). NULL is allowed. */
void audit_writer_free(struct audit_writer *w);
/* From now on records go to ${fd} (taken over), an empty segment behind ${link}; what waits for the old one is synced first. */
void audit_writer_turn(struct audit_writer *w, int fd, const uint8_t link[AUDIT_HASH]);
/*
 * Writes ${q} down. With AUDIT_WAITS ${written} is called later, exactly once, true if the answer may leave. With a NULL
 * ${written} nobody waits: it is written at once, and never AUDIT_WAITS.
 */
enum audit_said audit_writer_say(struct audit_writer *w, const struct audit_query *q, void (*written)(void *arg, bool ok),
                                 void *arg);
/* Writes ${r} down at once, as a record of the kind "refused". False if it could not be written: then it is to be said again. */
bool audit_writer_say_refused(struct audit_writer *w, const struct audit_refused *r);
/* Records that could not be written since it started. */
uint64_t audit_writer_lost(const struct audit_writer *w);
/* True if the last that was tried could not be written. */
bool audit_writer_fails(const struct audit_writer *w);
/*
 * ${changed} is called whenever what these two say becomes another, ${grown} whenever about AUDIT_GROWN_BYTES more have been written; neither may
 * use the writer.
 */
void audit_writer_watch(struct audit_writer *w, void (*changed)(void *arg), void (*grown)(void *arg), void *arg);
#endif
