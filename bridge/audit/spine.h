#ifndef BRIDGE_AUDIT_SPINE_H
#define BRIDGE_AUDIT_SPINE_H
#include <sys/types.h>
#include "bridge/audit/chain.h"

/*
 * The folder of the audit (STATE/audit, 0700):
 *   spine-000001.jsonl   ONE chain over all spine files: what changed and who did it; segments opened, closed, removed, and
 *                        every minute how far they had come
 *   NAME.live            a segment that a bridge process appends to: one record a mailbox
 *   NAME.jsonl           one that is closed
 *   head                 number and hash of the spine's last record
 *   lock                 taken by whoever appends to the spine
 * A segment's first record follows the spine's record that opened it; the spine's record that closes it holds the hash of its
 * last.
 */
enum { AUDIT_NAME = 48, AUDIT_SPINE_MAX = 16 << 20 };

/*
 * Opens the folder "audit" in ${state_dir}, making both if they are missing; what it makes belongs to ${uid} and ${gid}. -1 with
 * a sentence in ${error}. Caller closes.
 */
int audit_folder_make(const char *state_dir, uid_t uid, gid_t gid, struct buf *error);
/*
 * Gives the folder and the files in it to ${uid} and ${gid}: root made them before it was known whom they are for. -1 with a sentence in ${error},
 * also if there is what could not be given without harm: a link, or a file with another name.
 */
int audit_folder_give(int dir, uid_t uid, gid_t gid, struct buf *error);
/* Opens the folder "audit" in ${state_dir} to read it. -1 with errno. Caller closes. */
int audit_folder_open(const char *state_dir);

/* A new name in the folder ${dir} is on the disk when this has returned 0. -1 with errno. */
int audit_folder_sync(int dir);

/*
 * Appends one record to the spine under its lock and waits until it is on the disk. ${hash} (or NULL) gets its hash. What an
 * earlier crash left half written is closed by a record of the kind "torn". 0, or -1 with a sentence in ${error}: then nothing
 * was written.
 */
int audit_spine_put(int dir, const char *kind, const struct audit_field *fields, uint8_t hash[AUDIT_HASH], struct buf *error);

/* A segment that is being written. */
struct audit_segment {
	char name[AUDIT_NAME];    /* "" = none */
	uint8_t link[AUDIT_HASH]; /* hash of the record that opened it */
	uint64_t checked;         /* records at the last checkpoint */
	int64_t opened_ms;        /* loop_ms(): whatever the clock does */
	uint64_t size;            /* bytes at the last checkpoint */
};
/*
 * Makes a new segment for a bridge of ${generation}. Its descriptor (append only; caller closes), or -1 with a sentence in
 * ${error}.
 */
int audit_segment_open(int dir, unsigned generation, struct audit_segment *out, struct buf *error);
/*
 * Writes down in the spine how far ${s} has come, if it has since the last time. -1 with a sentence, also if it has become
 * shorter.
 */
int audit_segment_check(int dir, struct audit_segment *s, struct buf *error);
/* What ${s} holds goes to the disk, and what is there leaves the page cache: nobody will read it soon. It may wait for the disk. */
void audit_segment_drop_cache(int dir, const struct audit_segment *s);
/* Closes ${name}, whose writer is gone or has turned to another. -1 with a sentence; it may be tried again. */
int audit_segment_close(int dir, const char *name, struct buf *error);
/*
 * Closes all segments that a daemon left open, each that can be; none may run on this folder. How many goes to ${closed}. -1 with the
 * first sentence.
 */
int audit_segments_close(int dir, size_t *closed, struct buf *error);
/* How ${file} of the folder ${dir} ends. -1 with a sentence. */
int audit_file_tail(int dir, const char *file, struct audit_tail *out, struct buf *error);
/*
 * Removes closed segments and spine files (but the last) into which nothing was written for ${days} days before ${now_ms}, each named in the spine
 * first. That the days have passed the other files have to show, for the clock may be wrong: a time between the last writings of two files, or the
 * last of them and now, counts only if it is no longer than a bridge that runs makes it. What is old by the clock alone goes by one day's worth a
 * call, the oldest; how many files of those stay goes to ${doubted}. -1 with a sentence.
 */
int audit_prune(int dir, int days, int64_t now_ms, size_t *doubted, struct buf *error);

/*
 * The names in the folder that ${wanted} accepts, sorted; ${n} of them. NULL if there is none or it cannot be read (errno, 0 if
 * none). Caller frees each and the list.
 */
char **audit_names(int dir, bool (*wanted)(const char *name), size_t *n);
/* Frees such a list. */
void audit_names_free(char **names, size_t n);
/* True for the name of a spine file; and for a segment, open or closed. */
bool audit_is_spine(const char *name);
/* See audit_is_spine(). */
bool audit_is_live(const char *name);
/* See audit_is_spine(). */
bool audit_is_closed(const char *name);
/* Takes the spine's lock (shared for reading): a descriptor to close, or -1 with errno after 3 seconds. */
int audit_lock(int dir, bool shared);
#endif
