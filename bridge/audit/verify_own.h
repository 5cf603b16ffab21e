#ifndef BRIDGE_AUDIT_VERIFY_OWN_H
#define BRIDGE_AUDIT_VERIFY_OWN_H
#include "bridge/audit/verify.h"
#include "bridge/audit/walk.h"

/* Inside verify*.c: how far verifying has come, and what it knows. */

/* What the spine says of one segment, or of a spine file that was removed. */
struct verify_known {
	char name[AUDIT_NAME];
	char file[AUDIT_NAME]; /* and the spine's record that said so first */
	uint64_t line;
	bool opened, closed, pruned, seen;
	uint8_t link[AUDIT_HASH];
	uint64_t n;            /* records at the last checkpoint, or when it was closed or pruned */
	uint8_t last[AUDIT_HASH];
	bool has_last;
	uint64_t torn;
	uint8_t torn_hash[AUDIT_HASH];
};

struct verify {
	int dir;
	audit_finding_cb *cb;
	void *arg;
	struct audit_counts *counts;
	struct verify_known *known;
	size_t n_known;
	bool spine_pruned;
	/* the chain in hand */
	bool free_start;       /* whatever its first record follows is right */
	uint64_t n;
	uint8_t last[AUDIT_HASH];
	uint64_t junk_line, junk_lines, junk_start, junk_end; /* bytes that are no record, until a "torn" record explains them */
	const uint8_t *anchor;
	bool anchor_seen, head_seen, has_head_file;
	uint64_t head_n;
	uint8_t head_file[AUDIT_HASH];
};

/* verify.c: says one finding (${line} 0: of the file as a whole), as printf() would, and counts it if it is a problem. */
void __attribute__((format(printf, 5, 6)))
verify_say(struct verify *v, bool is_problem, const char *file, uint64_t line, const char *fmt, ...);

/* verify_chain.c: opens ${file} of the folder; NULL after saying why not. Caller frees. */
struct walk *verify_open(struct verify *v, const char *file);
/* verify_chain.c: a chain begins, whose first record follows ${link}. */
void verify_start(struct verify *v, const uint8_t link[AUDIT_HASH]);
/*
 * verify_chain.c: the present line as the next record of the chain: complains, then goes on from what stands there, so that one fault
 * is said once. True if it is a whole record.
 */
bool verify_step(struct verify *v, const struct walk *w, const char *file);
/* verify_chain.c: true if ${len} bytes of the file (at most 1 MiB) from ${start} have that SHA-256. */
bool verify_region(const struct walk *w, uint64_t start, uint64_t len, const uint8_t hash[AUDIT_HASH]);

/* verify_spine.c: what the spine said of ${name}; NULL if nothing. Valid until more of the spine is read. */
struct verify_known *verify_find(struct verify *v, const char *name);
/* verify_spine.c: reads the file `head`, if there is one, which says how far the spine had come. */
void verify_head_file(struct verify *v);
/* verify_spine.c: the spine's files ${names}, which are sorted, and their end against the file `head` and the anchor. */
void verify_spine(struct verify *v, char **names, size_t n);

/* verify_segment.c: true if a file of that name is a segment. */
bool verify_is_segment(const char *name);
/* verify_segment.c: the segments ${names}, when the spine has been read; then what is missing, or is none of the audit's. */
void verify_segments(struct verify *v, char **names, size_t n);
#endif
