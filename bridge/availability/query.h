#ifndef BRIDGE_AVAILABILITY_QUERY_H
#define BRIDGE_AVAILABILITY_QUERY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/availability/address.h"

enum {
	FB_MAX_MAILBOXES = 100,
	FB_MAX_WINDOW_DAYS = 62,
	FB_MIN_INTERVAL = 5,     /* minutes */
	FB_MAX_INTERVAL = 1440,
	FB_DEFAULT_INTERVAL = 30,
	FB_MAX_EVENTS = 1000,
	FB_REQUEST_ID_LEN = 32,  /* hex digits of 128 random bits */
	FB_CLIENT_ID_MAX = 64,
	FB_ACCOUNT_MAX = 128      /* what is longer is cut */
};

/* [start, end) in UTC seconds, start < end. */
struct fb_window {
	int64_t start, end;
};

/* How much is shown, ordered: the lower of two counts. The words are Exchange's (FreeBusyAccessLevel). */
enum fb_level { FB_LEVEL_NONE = 0, FB_LEVEL_AVAILABILITY_ONLY, FB_LEVEL_LIMITED_DETAILS };
/* "None", "AvailabilityOnly", "LimitedDetails". */
const char *fb_level_name(enum fb_level l);
/* Reads such a word, ASCII case ignored; "Reviewer" is read as LimitedDetails. False if it is none of them. */
bool fb_level_named(const char *s, enum fb_level *out);

/* FreeBusyViewType as flags; zero is None. */
enum fb_view { FB_VIEW_NONE = 0, FB_VIEW_MERGED = 1, FB_VIEW_EVENTS = 2, FB_VIEW_DETAILS = 4 };
/*
 * The EWS word for a combination ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged",
 * "None"). DETAILS implies EVENTS.
 */
const char *fb_view_name(unsigned view);
/* Reads exactly one such word. False otherwise. */
bool fb_view_named(const char *s, unsigned *out);
/* min(asked, what ${level} allows): None -> 0, AvailabilityOnly drops DETAILS. */
unsigned fb_view_cut(unsigned asked, enum fb_level level);

/* On whose behalf a question is asked. */
struct fb_requester {
	bool is_person;                   /* false: the organisation as a whole */
	char name[FB_ADDRESS_MAX + 1];    /* person: normal address; organisation: its primary domain */
	char account[FB_ACCOUNT_MAX + 1]; /* the login of ours that stands for the organisation, or has named the person; or ""; only budgets look at it */
};

/* One that is asked about; whoever made the list owns the texts, which may be one and the same. */
struct fb_mailbox {
	const char *asked;   /* as the client wrote it (cut to FB_ADDRESS_MAX bytes), for messages only */
	const char *address; /* normal form, or "" if it is no SMTP address */
};

/* One question about 1..100 mailboxes: the middle that EWS, the link and the backends convert to and from. */
struct fb_query {
	char request_id[FB_REQUEST_ID_LEN + 1]; /* ours, random */
	char client_id[FB_CLIENT_ID_MAX + 1];   /* the client's own, or "" */
	struct fb_requester requester;
	struct fb_window window;
	int interval;           /* minutes */
	unsigned view;          /* asked for */
	size_t n;
	struct fb_mailbox *mailboxes; /* owned by whoever made the query (see its maker) */
};

/* A copy of the ${n} mailboxes with their texts, all in one piece of memory, which the caller frees with free(); NULL when out of memory. */
struct fb_mailbox *fb_mailboxes_copy(const struct fb_mailbox *from, size_t n);
/*
 * Bridges may be each other's backends, by EWS. What a bridge asks its backend bears a client-request-id that says how many bridges the question
 * has come through; one that has come through FB_HOPS_MAX goes round in a ring, and is not handed on.
 */
enum { FB_HOPS_MAX = 3 };
#define FB_HOPS_WORD "availbridge-hops-"
/* How many bridges have handed on a question with this ${client_id}, at most FB_HOPS_MAX; 0 if it says nothing of it. */
unsigned fb_hops_of(const char *client_id);
/* Fills ${out} with a new random request id (FB_REQUEST_ID_LEN hex digits and a zero). */
void fb_request_id_new(char out[FB_REQUEST_ID_LEN + 1]);
/* True if ${s} has the shape of one of our request ids. */
bool fb_request_id_valid(const char *s);
#endif
