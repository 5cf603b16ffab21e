#ifndef BRIDGE_PROCESS_GENERATION_OWN_H
#define BRIDGE_PROCESS_GENERATION_OWN_H
#include "bridge/process/generation.h"
#include "bridge/process/messages.h"
#include "bridge/process/segments.h"

/* Inside generation*.c and slot.c: one generation and the places of its processes. */

enum { KIND_BRIDGE = WORKER_KINDS }; /* what a slot is for: that, or an enum worker_kind */

/* A place that one process fills, and its successor when it dies. */
struct slot {
	struct generation *g;
	unsigned kind;
	unsigned index;        /* a backend worker's: which of the configured backends */
	struct slot *bridge;   /* a worker's */
	pid_t works_for;       /* a worker's: the process that was in there when it was started */
	struct channel *channel; /* a bridge's; NULL while it does not run */
	pid_t pid;             /* 0 = nobody */
	int64_t since_ms;
	unsigned restarts, hasty; /* in all; one after the other within a second */
	unsigned in_vain;      /* one after the other that ended by themselves before they were ready */
	bool ready;
	uint32_t shut_asked, shut_done; /* a bridge's: the last MSG_SHUT */
	struct segments audit; /* a bridge's */
	struct loop_timer *again;
};

enum state { STARTING, RUNNING, DRAINING, ENDING };

struct generation {
	struct loop *loop;
	unsigned number;
	char *conf_path;
	uint32_t hard_stop_ms;
	int snapshot, audit;
	const struct listening *sockets;
	const struct generation_events *ev;
	void *arg;
	enum state state;
	struct slot *slots; /* bridges first */
	size_t n, bridges;
	char **shut; /* what was cut off: the settings that a bridge reads when it is started again do not know that */
	size_t n_shut;
	uint32_t shut_number;
	struct loop_timer *timer; /* for READY, then for the end by force */
	struct loop_timer *minute; /* for its audit */
	int64_t audit_ms;          /* so long it waits; less than a minute while a bridge has no segment */
};

/* slot.c: the role of its process, "@bridge". */
const char *slot_role(const struct slot *s);
/* slot.c: starts its process: a bridge with its workers; a worker if its bridge runs. -1 with errno. */
int slot_start(struct slot *s);
/*
 * slot.c: its process has ended, with ${status} of waitpid(2): another takes its place, at once or, the hastier they end, later and later, within a
 * second; only where one after the other ends by itself before it is ready does it get half a minute, which the log says.
 */
void slot_replace(struct slot *s, int status);
/* slot.c: kills its process, if there is one. */
void slot_kill(struct slot *s);

/* generation.c: what a bridge says. */
void generation_heard(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd);
/* generation.c: a bridge's channel has ended. */
void generation_cut(void *arg, const char *why);

/* generation.c: a bridge was started and could not be given a segment: that is tried again soon. */
void generation_audit_soon(struct generation *g);

/* generation_shut.c: tells the bridge in ${s}, which was just started, of all that was cut off. */
void generation_shut_again(struct slot *s);
/* generation_shut.c: MSG_SHUT_DONE came. */
void generation_shut_done(struct slot *s, const uint8_t *data, size_t len);
/* generation_shut.c: frees what it remembers. */
void generation_shut_free(struct generation *g);
#endif
