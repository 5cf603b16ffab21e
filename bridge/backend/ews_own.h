#ifndef BRIDGE_BACKEND_EWS_OWN_H
#define BRIDGE_BACKEND_EWS_OWN_H
#include "bridge/backend/ews_suspects.h"
#include "bridge/backend/fetch_engine.h"
#include "bridge/ews/client.h"

/*
 * The EWS engine. A question is cut into parts that are no longer than the backend's window; parts of one window and interval
 * go out together as a batch, which is one call. Private to ews*.c.
 */
struct ews_batch;

enum { EWS_SHORT_DAYS = 42 }; /* what an Exchange takes at least, unless its admin made it less */
enum { EWS_PARTS_MAX = 126 }; /* the 63 days that a job may have, by an interval that goes into a day only once: 721 minutes */

/* One question's share of one call. */
struct ews_part {
	struct ews_question *question;
	struct ews_batch *batch; /* NULL once it is answered */
	struct fb_window window;
	struct fb_answer *answer;
};

struct ews_question {
	struct ews *engine;
	struct ews_question *next, **at;
	fetch_done_cb *cb;
	void *arg;
	struct fb_window window;
	int interval;
	unsigned hops;
	bool alone;              /* a call that others shared was refused, perhaps because of it: it shares none any more */
	size_t n, pending;       /* parts; those without an answer */
	char *why;               /* the first failure's sentence, owned; NULL = none */
	struct ews_part *parts;  /* most have one, which is ${only} */
	struct ews_part only;
	char address[];
};

/* One call: being filled, ready to go, or under way. */
struct ews_batch {
	struct ews *engine;
	struct ews_batch *next, **at; /* oldest first */
	struct fb_window window;
	int interval;
	unsigned hops;           /* bridges that its questions have come through */
	bool alone, ready;       /* takes nobody else; waits for a free call */
	struct http_call *call;  /* under way */
	struct loop_timer *timer;
	int64_t sent_ms;
	struct buf body;
	size_t n, live;          /* parts; those that are still waited for */
	struct ews_part *parts[FB_MAX_MAILBOXES]; /* NULL: dropped */
};

struct ews {
	const struct fetch_site *site;
	struct fb_zone_rule utc;
	struct ews_question *questions;
	struct ews_batch *batches, **last;
	int under_way;
	bool short_windows;      /* it has refused a window that window-days allows: from then on each is as short as the oldest takes */
	bool proven;             /* the backend has taken our login: until then few calls are made at once, for each could be a failed log-in */
	struct ews_suspects suspects;
};

/* Puts ${p} into a batch, which goes out in this turn or soon after. */
void ews_batch_add(struct ews *e, struct ews_part *p);
/* Takes ${p} out of its batch; a call that nobody waits for any more is cancelled. */
void ews_batch_leave(struct ews_part *p);
/* Frees all batches without a word to anybody. */
void ews_batches_free(struct ews *e);
/* ${p}'s question is asked anew, whole, in windows as short as they are now; ${p} is gone. */
void ews_ask_again(struct ews_part *p);
/* ${p} has its answer (owned from here on), and the sentence of its failure for the log, or NULL. */
void ews_part_done(struct ews_part *p, struct fb_answer *a, const char *why);

/* What an answer to a call means: what to do with the backend, and with each of the ${n} mailboxes that it was about. */
struct ews_verdict {
	enum fetch_health health;
	bool tell;          /* health is to be told */
	int64_t pause_ms;
	bool too_long;      /* of some mailbox it says that the window is longer than it takes */
	bool doubt;         /* any of the mailboxes may be the cause: each is asked alone next time */
	bool left_alone;    /* the backend is from now on, for this or for what another call came to: nothing is asked anew */
	enum fb_reason all; /* not FB_OK: what becomes of all of them */
	char why[400];      /* for the log, unless all is well */
	char codes[FB_MAX_MAILBOXES][EWS_CLIENT_CODE_MAX];
	char *texts[FB_MAX_MAILBOXES]; /* why it failed, in the server's words, NULL = it has none; freed by the reader of this */
	struct fb_answer *answers[FB_MAX_MAILBOXES]; /* with FB_OK; owned by the reader of this */
};
/*
 * Reads ${r} for a batch of ${n} mailboxes; ${alone}: one that was asked alone because of a doubt, whose silence says nothing
 * about the backend; ${is_2007}: the settings say that it is one.
 */
void ews_judge(const struct http_reply *r, size_t n, bool alone, bool is_2007, struct ews_verdict *out);
/* Is ${code}, of a fault or of a mailbox, that of a window which is longer than the server takes? */
bool ews_is_too_long(const char *code);

/*
 * Brings what one mailbox's answer to ${w} holds into the house's order: reasons that are another's business become a failed
 * calendar, digits of another length are dropped, events that only touch the window go. May replace *${a}.
 */
void ews_tidy(struct fb_answer **a, struct fb_window w, int interval);
/*
 * Joins the answers to ${n} windows that follow each other: an event of two of them comes once, digits are joined if all have them. One that failed
 * fails the whole, and more than one answer may hold is too big. NULL when out of memory. Caller frees, and frees the parts too.
 */
struct fb_answer *ews_join(const struct ews_part *parts, size_t n);
/*
 * Cuts ${w} into windows of at most ${days} days, each but the last a whole number of intervals long. Returns how many, at most
 * EWS_PARTS_MAX.
 */
size_t ews_split(struct fb_window w, int interval, int days, struct fb_window out[EWS_PARTS_MAX]);
#endif
