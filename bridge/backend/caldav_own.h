#ifndef BRIDGE_BACKEND_CALDAV_OWN_H
#define BRIDGE_BACKEND_CALDAV_OWN_H
#include "bridge/backend/fetch_engine.h"
#include "bridge/base/arena.h"
#include "bridge/ews/dav.h"

/*
 * Calendar servers that speak CalDAV. Four ways to ask, by the setting `method`: the scheduling outbox (RFC 6638 5), a
 * free-busy-query report (RFC 4791 7.10), a free/busy URL, or a calendar-query report (RFC 4791 7.8) whose events are expanded here.
 * What a server does not say is no data, never free. Where servers are wrong: docs/caldav.md. This is what the files caldav*.c share;
 * nobody else includes it.
 */

enum {
	CALDAV_MAX_CALENDARS = 64, /* of one person */
	CALDAV_MAX_URL = 4096,
	CALDAV_ARENA = 48 << 20    /* texts of one question */
};

/* How one way of asking ended. */
enum caldav_end {
	CALDAV_FAILED = 0, /* it could not be told, */
	CALDAV_LATE,       /* in time, */
	CALDAV_BUSY,       /* because the server had too much to do */
	CALDAV_ANSWERED,
	CALDAV_UNKNOWN,    /* the server does not know this way, or the settings lack what it needs */
	CALDAV_REFUSED     /* no such person or calendar, or none that our account may see */
};

/* One backend. */
struct caldav {
	struct fetch_site site;
	char *origin;            /* https://HOST[:PORT] of all that is asked; NULL until it was discovered */
	char *base;              /* where the resources of our own account are looked for */
	char *outbox, *organizer; /* of our account, once found: its URL, and who we are in it */
	int64_t looked_ms;       /* when DNS was asked last */
	bool lost;               /* the last call found no server that can be trusted there */
	unsigned unknown;        /* 1 << enum conf_caldav_method: what this server does not know */
	struct caldav_ask *asks; /* newest first */
	int busy;                /* of them those that were begun: as many as the backend's `concurrency`, */
	bool proven;             /* and few until the server has taken our login */
};

struct caldav_ask;
/* Takes the answer to what was sent last. */
typedef void caldav_step(struct caldav_ask *a, const struct http_reply *r);

/* One question. */
struct caldav_ask {
	struct caldav *d;
	struct caldav_ask *next;
	char address[FB_ADDRESS_MAX + 1];
	struct fb_window window;
	int64_t ends_ms;          /* by loop_ms() */
	fetch_done_cb *cb;
	void *arg;

	size_t way;               /* the place in the order of ways */
	enum conf_caldav_method method;
	bool refused;             /* by an earlier way */
	struct buf why;           /* a sentence: what went wrong last */
	struct loop_timer *begin;
	bool begun;
	struct http_call *call;
	bool patient;             /* the call at hand has all the time that the settings give */
	caldav_step *step;
	struct buf body;          /* of the request at hand */

	struct arena *arena;      /* texts of this way */
	struct fb_answer *answer; /* being made */
	char *homes[DAV_MAX_HOMES], *calendars[CALDAV_MAX_CALENDARS]; /* URLs in the arena */
	size_t n_homes, n_calendars, at; /* at: the home or calendar at hand */
	void (*found)(struct caldav_ask *a); /* who goes on when the calendars are found */
	struct dav_multistatus events[CALDAV_MAX_CALENDARS]; /* of each calendar */
	struct dav_multistatus missing[CALDAV_MAX_CALENDARS]; /* what of it did not come with them */
	size_t n_missing;         /* so many were asked for, of the calendar at hand */
};

/* --- caldav.c: the life of a question */

/* Ends the way at hand without an answer; ${why} (printf) is a sentence for the log. ${a} may be gone then. */
void caldav_end(struct caldav_ask *a, enum caldav_end end, const char *why, ...) __attribute__((format(printf, 3, 4)));
/* Ends the question with a->answer. ${a} is gone then. */
void caldav_answered(struct caldav_ask *a);
/*
 * Sends ${method} to ${url} with a->body; ${step} takes the answer. ${depth} "0" or "1" and ${type} (of the body) may be NULL. Redirects on
 * the same host are followed, the reply is at most DAV_MAX_REPLY bytes.
 */
void caldav_send(struct caldav_ask *a, const char *method, const char *url, const char *depth, const char *type,
                 caldav_step *step);
/* Ends the way by an answer that is not the one wanted: by its status, or by why there is none. */
void caldav_unwanted(struct caldav_ask *a, const struct http_reply *r);
/* Reads ${r} as a multistatus into a->arena; ends the way and returns false if it is none. */
bool caldav_multistatus(struct caldav_ask *a, const struct http_reply *r, struct dav_multistatus *out);
/* The answer being made, empty at first, with ${view}. Never NULL. */
struct fb_answer *caldav_answer(struct caldav_ask *a, unsigned view);

/* --- caldav_url.c */

/* Is there a placeholder in ${template}? In NULL there is none. */
bool caldav_has_placeholder(const char *template);
/*
 * ${template} (a path, or a URL at ${origin}) with {address}, {user}, {domain}, {start} and {end} filled in, percent-encoded (RFC 3986)
 * here alone; times as in RFC 3339. In the arena; NULL when out of memory, too long, or if it leads away from ${origin}.
 */
char *caldav_expand(struct arena *arena, const char *template, const char *origin, const char *address, struct fb_window w);
/*
 * The URL that an href of a server means: a path from the root, or a URL at the same ${origin}; what no URL may hold is
 * percent-encoded. In the arena; NULL for anything else: our credential goes nowhere but there.
 */
char *caldav_resolve(struct arena *arena, const char *href, const char *origin);
/* The origin of ${url}, an https URL: what stands before its path. malloc'd, caller frees. */
char *caldav_origin(const char *url);

/* --- caldav_account.c: our own account */

/*
 * Makes sure that origin and base are known, by DNS if the settings say `discover`; again, if the server was lost and ${a} is the only
 * question under way. False with a sentence in a->why.
 */
bool caldav_locate(struct caldav_ask *a);
/* Remembers ${url} as the base, and its origin. */
void caldav_set_base(struct caldav *d, const char *url);
/* Finds the outbox of our account; calls ${found} once d->outbox is known, else ends the way. */
void caldav_find_outbox(struct caldav_ask *a, void (*found)(struct caldav_ask *a));

/* --- caldav_find.c: a person's calendars */

/* Fills a->calendars, then calls ${found}; ends the way if there are none. */
void caldav_find_calendars(struct caldav_ask *a, void (*found)(struct caldav_ask *a));

/* --- the ways; each ends with caldav_end() */

typedef void caldav_way(struct caldav_ask *a);

/* Asks the outbox of our account. */
void caldav_ask_outbox(struct caldav_ask *a);
/* Asks each calendar for its free/busy. */
void caldav_ask_report(struct caldav_ask *a);
/* Reads the free/busy URL. */
void caldav_ask_url(struct caldav_ask *a);
/* Reads the events of each calendar and expands them. */
void caldav_ask_events(struct caldav_ask *a);

/* --- caldav_freebusy.c */

/* ${utc} as 20260302T080000Z. */
void caldav_put_time(struct buf *out, int64_t utc);
/*
 * Adds the VFREEBUSY in ${text} to the answer, if it is about our address; the part of the window that it does not speak of becomes no
 * data. Returns CALDAV_ANSWERED; or CALDAV_REFUSED (it is about nobody, as SOGo answers for a person whom it does not know) or
 * CALDAV_FAILED with a sentence in ${why}.
 */
enum caldav_end caldav_take_freebusy(struct caldav_ask *a, const char *text, size_t len, struct buf *why);
#endif
