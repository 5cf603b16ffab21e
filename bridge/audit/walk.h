#ifndef BRIDGE_AUDIT_WALK_H
#define BRIDGE_AUDIT_WALK_H
#include <stdio.h>
#include "bridge/audit/record.h"

/* Inside the audit: one file of records, line by line. */
struct walk {
	FILE *f;
	uint64_t line;                       /* of the present one, from 1 */
	uint64_t start, end;                 /* its bytes in the file, newline included */
	bool newline;                        /* it has one */
	enum audit_read what;                /* what it is */
	struct audit_record record;          /* if it is one */
	size_t len;
	char raw[AUDIT_LINE_MAX + 2];        /* as it stands there, without newline; what is longer is no record */
	char decoded[AUDIT_LINE_MAX + 2];    /* where the record's strings lie */
};
/* A walk over ${fd} (taken over). NULL when out of memory. Caller frees. */
struct walk *walk_new(int fd);
/* True if its file has no byte. */
bool walk_is_empty(const struct walk *w);
/* Closes it. NULL is allowed. */
void walk_free(struct walk *w);
/* Goes on to the next line. False at the end. */
bool walk_next(struct walk *w);
#endif
