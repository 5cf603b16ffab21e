#ifndef BRIDGE_PROCESS_SEGMENTS_H
#define BRIDGE_PROCESS_SEGMENTS_H
#include <sys/types.h>
#include "bridge/audit/spine.h"
#include "bridge/base/channel.h"

/*
 * The supervisor's half of the audit: it makes each bridge process's segment and hands it the descriptor, notes in the spine how
 * far each has come, gives a new one every day, and closes what is done with. Failures are in the log; the bridge then refuses or
 * answers as audit_full says, and it is tried again, for a bridge without a segment soon and then each minute.
 */
struct segments {
	int dir;                  /* the audit's folder, borrowed */
	unsigned generation;
	struct audit_segment now; /* what the bridge writes to, or one before it that could not be closed yet; name "" = neither */
	bool given;               /* the bridge has it */
	char old[AUDIT_NAME];     /* what was written to before; "" = that is closed */
	bool turned;              /* it has left the old one */
	uint64_t lost, lost_before; /* records that the bridge could not write, and those that were here before it */
	bool failing;             /* it still cannot */
};

/*
 * Opens the folder of ${state_dir} for a daemon that runs as ${uid}, and closes what one before it left open. Nobody else
 * can until it and all its duplicates are closed: what somebody writes to would be closed. -1 with a sentence in ${error}. Caller closes.
 */
int segments_folder(const char *state_dir, uid_t uid, gid_t gid, struct buf *error);
/* Is ${dir}, which that opened, what it would open for ${state_dir} now? */
bool segments_are_in(int dir, const char *state_dir);
/* Gives the bridge at the other end of ${to} a new segment. */
void segments_next(struct segments *s, struct channel *to);
/* The bridge says that it writes to the new one. */
void segments_turned(struct segments *s);
/*
 * The bridge's MSG_AUDIT_GROWN. What it has written goes to the disk now, and what was written before leaves the page cache: nobody reads it soon,
 * and the next piece finds the memory free. Here and not in the bridge, for the disk may let this wait.
 */
void segments_grown(const struct segments *s);
/* The bridge's MSG_AUDIT_LOST. */
void segments_lost(struct segments *s, const uint8_t *data, size_t len);
/* Once a minute: a checkpoint; the next segment if this one is old or large or missing. */
void segments_minute(struct segments *s, struct channel *to);
/* The bridge is gone: its segments are closed. Again is harmless. */
void segments_end(struct segments *s);
/*
 * Writes down that generation ${number} serves, with a hash over all files of its settings (${snapshot}), or (number 0) that the
 * daemon stops.
 */
void segments_note(int dir, unsigned number, int snapshot);
/* Removes what is older than ${days}. */
void segments_prune(int dir, int days);
#endif
