#ifndef BRIDGE_BACKEND_FETCH_ENGINE_H
#define BRIDGE_BACKEND_FETCH_ENGINE_H
#include "bridge/availability/answer.h"
#include "bridge/backend/http.h"

/*
 * One type of backend, as fetcher.c uses it: an engine knows the protocol, the fetcher deadlines and what to do with a backend
 * that is down.
 */

/* How a call to the backend went, told after each: by it the fetcher knows whether to go on asking. */
enum fetch_health {
	FETCH_WORKS = 0, /* it spoke as such a server does, whatever it said of the mailbox */
	FETCH_DOWN,      /* unreachable, untrusted, late, broken */
	FETCH_REFUSED,   /* it refused our login: to go on trying could lock the account */
	FETCH_BUSY       /* it asked for a pause */
};
/* Calls at once until the backend has taken our login: each could be a log-in that fails, and many of them lock an account. */
enum { FETCH_UNPROVEN = 2 };
/*
 * ${pause_ms}: as long as it asked for, 0 = it did not say. ${why}: a sentence for the log unless it works. False: the backend
 * is to be left alone, and what has not been sent yet fails like this call.
 */
typedef bool fetch_health_cb(void *arg, enum fetch_health health, int64_t pause_ms, const char *why);

/* What an engine works with; borrowed for its life. */
struct fetch_site {
	struct loop *loop;
	struct http *http;
	const struct conf *conf;
	const struct conf_backend *backend;
	fetch_health_cb *health;
	void *arg; /* of health */
};

struct fetch_question {
	const char *address; /* normal; to be copied */
	struct fb_window window;
	int interval;
	unsigned hops;       /* bridges that it has come through */
	int64_t left_ms;     /* the fetcher drops the question then; for the time limit of calls */
};
/*
 * ${answer} (never NULL, borrowed for the call) has every event that overlaps the window, and digits for exactly the window and
 * interval or none; ${why}, a sentence for the log, may be NULL.
 */
typedef void fetch_done_cb(void *arg, const struct fb_answer *answer, const char *why);

struct fetch_engine {
	/* NULL with a sentence. */
	void *(*open)(const struct fetch_site *site, struct buf *error);
	/* Ends it; no callback any more. */
	void (*close)(void *engine);
	/*
	 * Asks. Exactly one callback unless dropped, never before this returns. Returns the ticket for drop(), valid until the
	 * callback.
	 */
	void *(*ask)(void *engine, const struct fetch_question *q, fetch_done_cb *cb, void *arg);
	/* Nobody waits for the answer any more: no callback. What other questions wait for goes on. */
	void (*drop)(void *ticket);
};

extern const struct fetch_engine ews_engine, caldav_engine;
#endif
