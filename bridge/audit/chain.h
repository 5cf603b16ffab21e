#ifndef BRIDGE_AUDIT_CHAIN_H
#define BRIDGE_AUDIT_CHAIN_H
#include "bridge/audit/record.h"

/*
 * A file that records are appended to by one process, on a descriptor opened with O_APPEND: records are added to memory and then
 * written together, in one write(2).
 */
struct audit_chain {
	int fd;                   /* not owned; -1 = there is none */
	uint64_t n;               /* records so far, with those that are only added */
	uint8_t last[AUDIT_HASH]; /* hash of the last one; the chain's link before the first */
	uint8_t rest[AUDIT_LINE_MAX]; /* what the file system did not take of a record: it comes before anything else */
	size_t rest_len;
	struct buf lines;         /* those that are added */
	struct audit_added {
		size_t end;               /* of its line, in lines */
		uint8_t hash[AUDIT_HASH];
	} *added;
	size_t n_added, room;
	uint8_t before[AUDIT_HASH]; /* hash before the first of them */
};
enum { AUDIT_ADDED_BYTES = 256 << 10 }; /* when so much is added it is time to write */

/* Starts the chain of the empty file ${fd} behind ${link}. The first time *${c} must be all zero; later nothing may be added. */
void audit_chain_start(struct audit_chain *c, int fd, const uint8_t link[AUDIT_HASH]);
/* Lets go of its memory; what is only added is lost. */
void audit_chain_end(struct audit_chain *c);
/* Adds one record with the time as it is now. -1 with errno if it gets too long or memory is out: it is not there then. */
int audit_chain_add(struct audit_chain *c, const char *kind, const struct audit_field *fields);
/*
 * Writes all that was added; returns how many of those records are whole in the file. If it is not all (errno) the others are
 * forgotten, as if never added, but for the first of them when ${*half} says so: its first bytes are in the file, and the rest
 * follows as soon as there is room.
 */
size_t audit_chain_write(struct audit_chain *c, bool *half);

/* How a file of records ends. */
struct audit_tail {
	bool found;               /* it has a whole record; else all of it is torn */
	uint64_t n;               /* the last whole record's number */
	uint8_t last[AUDIT_HASH]; /* and its hash */
	uint64_t size, torn;      /* bytes of the file, and those behind its last whole record */
	uint8_t torn_hash[AUDIT_HASH];
	bool ends_line;           /* its last byte is a newline */
	bool one_piece;           /* there is no newline in what is torn */
};
/*
 * Reads the end of the file ${fd}: torn bytes are a line that a crash cut short. -1 with errno; EBADMSG if its last 256 KiB hold
 * no record at all.
 */
int audit_tail_read(int fd, struct audit_tail *out);
/* Writes ${len} bytes at once; how many the file took, with errno if not all. */
size_t audit_write(int fd, const void *data, size_t len);
#endif
