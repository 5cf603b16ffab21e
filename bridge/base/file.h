#ifndef BRIDGE_BASE_FILE_H
#define BRIDGE_BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "bridge/base/buf.h"

enum file_result { FILE_COULD_NOT = 0, FILE_OK, FILE_ABSENT, FILE_TOO_BIG };

/* Reads the regular file ${path} whole into ${out} (its ceiling is the limit). On FILE_COULD_NOT errno says why. */
enum file_result file_read(const char *path, struct buf *out);
/*
 * Replaces ${path} in one step: temporary file beside it (O_EXCL, O_NOFOLLOW, ${mode}), fsync, rename, fsync of the folder. Written
 * by root it belongs to the owner of the old file, or of the folder. -1 with errno; the old file then stays.
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode);
/*
 * The same for a file that must not be there yet (EEXIST): whatever the moment of a crash, it is there whole or not at all, and after -1 nothing of
 * ours is there.
 */
int file_write_new(const char *path, const void *data, size_t len, mode_t mode);
/*
 * Whether it is a file, and for root one without another name, which could be any file's of the system: what root may write to or give away.
 * Else EMLINK.
 */
bool file_is_ours_alone(const struct stat *st);
/*
 * Opens ${name} of the folder ${dir} with ${flags} of open(2), O_CREAT with mode 0600: no symbolic link, nothing but a file, and nothing that root
 * would write to or give away while it has another name as well (EMLINK). -1 with errno. Caller closes.
 */
int file_open_own(int dir, const char *name, int flags);
/*
 * True if group or others have any right to ${path}; a missing file gives false. For refusing loose secrets. The group's bits of a file in
 * systemd's $CREDENTIALS_DIRECTORY are the mask of an access list, which names our user alone.
 */
bool file_is_loose(const char *path);
/*
 * Opens /dev/null as each of the descriptors 0, 1 and 2 that this program was not given: else the first files that it opens were its input and
 * output. -1 with errno.
 */
int file_standard(void);
/* Joins ${dir} and ${name} with one slash into ${out}, or copies ${name} if it is absolute. -1 if it does not fit. */
int file_join(char *out, size_t size, const char *dir, const char *name);
#endif
