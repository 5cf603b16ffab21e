#ifndef BRIDGE_PROCESS_SPAWN_H
#define BRIDGE_PROCESS_SPAWN_H
#include <stddef.h>
#include <sys/types.h>

/* The descriptor that a role's first inherited one gets; the others follow. */
enum { SPAWN_FIRST_FD = 3, SPAWN_FDS_MAX = 32 };

/*
 * Starts this very program anew with ${argv} (argv[0] first, NULL last) and the ${n} descriptors ${fds} as 3, 4, ...; no other but 0,
 * 1, 2 is inherited. The pid, or -1 with errno.
 */
pid_t spawn(char *const argv[], const int *fds, size_t n);
/*
 * Starts this very program anew as the verb ${argv}, with nothing but ${out} as its standard output and error. The pid, or -1 with
 * errno.
 */
pid_t spawn_verb(char *const argv[], int out);
/* Puts into ${out} why a process could not be started, by errno, and what to do about it. */
void spawn_why(char *out, size_t size);
/* A connected pair of unix stream sockets, closed on exec. -1 with errno. */
int spawn_socketpair(int pair[2]);
#endif
