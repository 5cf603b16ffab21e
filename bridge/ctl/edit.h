#ifndef BRIDGE_CTL_EDIT_H
#define BRIDGE_CTL_EDIT_H
#include <stddef.h>
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"
#include "bridge/conf/lines.h"

/*
 * One edit of the files that verbs own: under a lock of the folder, checked as a whole before anything is replaced, then
 * written file by file in the order of ctl_edit_put(), each in one step.
 */
enum { CTL_EDIT_FILES = 2 };
struct ctl_edit {
	const char *conf_path; /* borrowed */
	int lock;
	size_t n;
	struct {
		char *path, *text; /* owned; text NULL = the file goes */
	} files[CTL_EDIT_FILES];
};

/* The first lines of a new file, saying its syntax. */
extern const char ctl_header_spaces[], ctl_header_accounts[], ctl_header_nt_hashes[], ctl_header_peer[], ctl_header_local[];

/* Takes the lock. -1 after a sentence. End with ctl_edit_commit() or ctl_edit_drop(). */
int ctl_edit_start(struct ctl_edit *e, const char *conf_path);
/*
 * The lines of the file ${name} beside the main file, or of that path if it begins with a slash, ${header} standing for one that is
 * missing. NULL after its problems were printed. Caller frees.
 */
struct lines *ctl_edit_read(struct ctl_edit *e, const char *name, const char *header);
/* Notes that ${name} becomes what lines_compose() makes of ${l} and the rest. */
void ctl_edit_put(struct ctl_edit *e, const char *name, const struct lines *l, size_t replace, const char *text, size_t insert_at,
                  const char *insert);
/* Notes that ${name} becomes ${text} (copied), or goes if that is NULL. */
void ctl_edit_put_text(struct ctl_edit *e, const char *name, const char *text);
/* Would the result be valid? 0, or -1 after sentences. Nothing is written or ended. */
int ctl_edit_check(const struct ctl_edit *e);
/* Checks the result, writes it and ends the edit. 0, or -1 after sentences that say why nothing (or what) was written. */
int ctl_edit_commit(struct ctl_edit *e);
/* Ends the edit without writing. */
void ctl_edit_drop(struct ctl_edit *e);
/* Prints ${fmt} and that it takes effect at the next reload. Returns CTL_DONE. */
int ctl_edit_done(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
