#ifndef BRIDGE_PROCESS_SNAPSHOT_H
#define BRIDGE_PROCESS_SNAPSHOT_H
#include "bridge/conf/conf.h"

/*
 * The settings of one generation as they were when they were checked: all their files in one sealed piece of memory, which each of its
 * processes reads at its start. So a process that is started again has the same settings as its brothers, whatever an editor
 * has made of the files since.
 */
enum { SNAPSHOT_FD = 4 }; /* where a role finds it */

/* An empty one to be filled by the check's child. A descriptor, or -1 with errno. */
int snapshot_new(void);
/* Writes the files that belong to ${conf_path} into ${fd}. -1 with errno. */
int snapshot_take(int fd, const char *conf_path);
/* Nobody may change it any more. -1 with errno. */
int snapshot_seal(int fd);
/* As conf_load(), from the snapshot ${fd}. */
struct conf *snapshot_load(int fd, const char *conf_path, struct conf_problems *problems);
/*
 * What a role does first: loads descriptor SNAPSHOT_FD and closes it, so that what the role has thrown away stays away. NULL with the
 * first problem as a sentence in ${error}.
 */
struct conf *snapshot_of_role(const char *conf_path, struct buf *error);
#endif
