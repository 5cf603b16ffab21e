#ifndef BRIDGE_PROCESS_VERB_H
#define BRIDGE_PROCESS_VERB_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "bridge/base/loop.h"

/* A verb of ours that runs in a process of its own, with what it says. Zero is none. */
struct verb {
	pid_t pid; /* 0 = none runs */
	int output;
	struct loop_timer *patience;
};

/*
 * Starts `availbridge -c ${conf_path} ${words}...` (at most 12 words, the last NULL); it is killed if it takes ${ms}. False if it cannot be
 * started.
 */
bool verb_start(struct verb *v, struct loop *l, const char *conf_path, const char *const *words, int64_t ms);
/* Its process has ended: what it said, as one line of at most ${size} - 1 bytes, in ${out}; another one may be started. */
void verb_end(struct verb *v, char *out, size_t size);
/* Kills it, if it runs. */
void verb_kill(struct verb *v);
#endif
