#ifndef BRIDGE_PROCESS_SANDBOX_H
#define BRIDGE_PROCESS_SANDBOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a role may still do once it has opened all it needs. seccomp lists the system calls it may make (others fail with EPERM);
 * Landlock, where the kernel has it, limits the files. In a sanitizer build only the limits that the sanitizer bears are set.
 */

/*
 * For every role, first of all: no new rights by exec, no core dumps, as sandbox_hide(), new files for the owner alone, ends with its
 * supervisor ${parent}. -1 if that is gone already.
 */
int sandbox_begin(long parent);
/* Nobody of the same user may trace this process or read its memory: each of ours holds keys, hashes or calendars, if only for a while. */
void sandbox_hide(void);
/* The bridge: sockets, but no files and no processes; so whatever needs a file (keys, zones, host names) comes before. -1 with errno. */
int sandbox_bridge(void);
/*
 * A calendar worker: reads below ${calendars} and the system's time zones; no network, no writing; at most ${memory_mib} MiB. -1 with
 * errno.
 */
int sandbox_calendar_worker(const char *calendars, int memory_mib);
/* A login worker: nothing but computing and its one socket. -1 with errno. */
int sandbox_login_worker(void);
/*
 * A worker that asks servers: connects, but never listens; reads what finding names, trusting certificates and Kerberos need, and
 * the ${n} ${files} (NULLs are passed over); no writing, no programs. Threads may be started, since the resolver of libcurl is one.
 * -1 with errno.
 */
int sandbox_network_worker(const char *const *files, size_t n);
/* True if Landlock is in force in this process. */
bool sandbox_has_landlock(void);
#endif
