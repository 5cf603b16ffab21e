#ifndef BRIDGE_BACKEND_BREAKER_H
#define BRIDGE_BACKEND_BREAKER_H
#include <stdbool.h>
#include <stdint.h>
#include "bridge/backend/fetch_engine.h"

/*
 * Whether a backend is worth asking. Pure: it is told what happened and says when to try again. Closed: go on. Open: answer at
 * once; after a pause one probe, and after each that fails a pause twice as long, or four times where our login was refused.
 */
enum {
	BREAKER_FAILURES = 3,              /* calls in a row that fail until it opens; a refused login or a busy server opens it at once */
	BREAKER_PAUSE_MS = 1000,           /* the first pause, */
	BREAKER_LONGEST_PAUSE_MS = 30000,  /* the longest of our own choice, */
	BREAKER_REFUSED_PAUSE_MS = 30000,  /* the first after a refused login, */
	BREAKER_LONGEST_REFUSED_MS = 900000, /* and the longest: a wrong password must not lock the account out again and again */
	BREAKER_BUSY_PAUSE_MAX_MS = 300000 /* the longest that a server can ask for */
};
struct breaker {
	bool open, probing;
	enum fetch_health why; /* why it is open */
	int failures;          /* in a row */
	int64_t pause_ms;      /* the present one */
};

/* A probe sets out. */
void breaker_probe(struct breaker *b);
/*
 * What one call ended with; ${pause_ms} as in fetch_health_cb. Returns how long to wait before the next probe if that is to be
 * set anew, else -1. While it is open only what a probe comes to counts: calls that were under way say nothing new. But if one of
 * them worked, a backend that was down is up again; a login that was refused since, or a pause that was asked for, it does not undo. A refused
 * login stays refused until one worked.
 */
int64_t breaker_heard(struct breaker *b, enum fetch_health h, int64_t pause_ms);
#endif
