#ifndef BRIDGE_AUDIT_VERIFY_H
#define BRIDGE_AUDIT_VERIFY_H
#include "bridge/audit/spine.h"

/* Something that verifying or reading found. */
struct audit_finding {
	bool is_problem;  /* something was changed, cut or is missing; else worth knowing, as a line that a crash cut short */
	const char *file; /* in the audit's folder */
	uint64_t line;    /* 0 = the file as a whole */
	const char *text; /* a sentence */
};
typedef void audit_finding_cb(void *arg, const struct audit_finding *f);

struct audit_counts {
	uint64_t records, changes; /* of segments; of the spine, all kinds */
	uint64_t segments, live;   /* files; those that are being written */
	uint64_t problems;
	uint64_t head_n;           /* the spine's last record */
	uint8_t head[AUDIT_HASH];
};
/*
 * Reads every record of the folder ${dir} and says each fault where it stands. ${anchor} (or NULL) is the hash of a spine record
 * that somebody kept elsewhere: the spine must hold it. 0, or -1 with errno if the folder cannot be read.
 */
int audit_verify(int dir, const uint8_t *anchor, audit_finding_cb *cb, void *arg, struct audit_counts *out);

/* One record on its way by: ${raw} is its line as it stands in the file, without newline. False ends the walk. */
typedef bool audit_record_cb(void *arg, const struct audit_record *r, const char *raw, const char *file, uint64_t line);
/*
 * Gives all records of the spine, then of each segment, in order, to ${cb}; lines that are none are left out and counted in
 * ${bad}. -1 with errno.
 */
int audit_each(int dir, audit_record_cb *cb, void *arg, uint64_t *bad);
/* The same for one open file of exported lines. */
int audit_each_in(int fd, const char *name, audit_record_cb *cb, void *arg, uint64_t *bad);
#endif
