#ifndef BRIDGE_AUDIT_CHAIN_H
#define BRIDGE_AUDIT_CHAIN_H
#include "bridge/audit/record.h"

/* A file that records are appended to by one process: one write(2) a record on a descriptor opened with O_APPEND. */
struct audit_chain {
	int fd;                   /* not owned; -1 = there is none */
	uint64_t n;               /* records so far */
	uint8_t last[AUDIT_HASH]; /* hash of the last one; the chain's link before the first */
	uint8_t rest[AUDIT_LINE_MAX]; /* what the file system did not take of the last one: it comes before anything else */
	size_t rest_len;
};
enum audit_append {
	AUDIT_NOT_WRITTEN = 0, /* nothing of it is in the file; errno */
	AUDIT_HALF_WRITTEN,    /* its first bytes are; the rest follows as soon as there is room. errno */
	AUDIT_APPENDED
};

/* Starts the chain of the empty file ${fd} behind ${link}. */
void audit_chain_start(struct audit_chain *c, int fd, const uint8_t link[AUDIT_HASH]);
/* Appends one record with the time as it is now. */
enum audit_append audit_chain_append(struct audit_chain *c, const char *kind, const struct audit_field *fields);

/* How a file of records ends. */
struct audit_tail {
	bool found;               /* it has a whole record; else all of it is torn */
	uint64_t n;               /* the last whole record's number */
	uint8_t last[AUDIT_HASH]; /* and its hash */
	uint64_t size, torn;      /* bytes of the file, and those behind its last whole record */
	uint8_t torn_hash[AUDIT_HASH];
	bool ends_line;           /* its last byte is a newline */
};
/*
 * Reads the end of the file ${fd}: torn bytes are a line that a crash cut short. -1 with errno; EBADMSG if its last 256 KiB hold
 * no record at all.
 */
int audit_tail_read(int fd, struct audit_tail *out);
/* Writes ${len} bytes at once; how many the file took, with errno if not all. */
size_t audit_write(int fd, const void *data, size_t len);
#endif
