#ifndef BRIDGE_PROCESS_RECORDING_H
#define BRIDGE_PROCESS_RECORDING_H
#include "bridge/base/channel.h"
#include "bridge/trace/trace.h"

/* The file of `serve --trace`: one for the daemon's whole life, whose descriptor every bridge of every generation is given. */
struct recording {
	int fd; /* -1 = nothing is recorded */
	uint8_t key[TRACE_KEY];
};

/*
 * Makes a new file, readable by its owner alone, in the folder ${dir}, which is made if it is not there; NULL = nothing is recorded.
 * A link is not followed. -1 with a sentence in ${error}.
 */
int recording_open(struct recording *r, const char *dir, struct buf *error);
/* Hands it on, if there is one. */
void recording_begin(const struct recording *r, struct channel *to);
/* Closes it. */
void recording_close(struct recording *r);
#endif
