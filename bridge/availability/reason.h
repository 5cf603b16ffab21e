#ifndef BRIDGE_AVAILABILITY_REASON_H
#define BRIDGE_AVAILABILITY_REASON_H
#include <stdbool.h>
#include <stdint.h>

/*
 * THE closed list of what became of one mailbox. Zero is "nothing was computed",
 * so that a forgotten answer is a failure and never free time.
 * The numbers travel on the link (link.proto, enum Reason): only ever append.
 */
enum fb_reason {
	FB_NOT_COMPUTED = 0,     /* internal fault: ErrorInternalServerError */
	FB_OK = 1,               /* answered */
	FB_NO_ACCESS = 2,        /* unknown, hidden or denied: never told apart outside */
	FB_NO_ADDRESS_SPACE = 3, /* the domain is in no row, or nobody's */
	FB_NOT_ALLOWED = 4,      /* this login may not use this peer at all */
	FB_PEER_FAILED = 5,      /* peer down, pin mismatch, link error */
	FB_TIMEOUT = 6,          /* its deadline passed */
	FB_CALENDAR_FAILED = 7,  /* calendar broken, worker killed */
	FB_TOO_BIG = 8,          /* more than 1,000 events when events were asked for */
	FB_DIRECTORY_FAILED = 9, /* the directory could not be asked */
	FB_BUSY = 10,            /* overload, or a budget is spent */
	FB_BAD_ADDRESS = 11,     /* no SMTP address: ErrorMailRecipientNotFound would probe, so FB_NO_ADDRESS_SPACE's code */
	FB_REASONS
};

struct fb_reason_row {
	const char *word;          /* in logs, in --json and in rule-case files: "no-access" */
	const char *response_code; /* EWS ResponseCodeType */
	const char *exception;     /* what follows Microsoft.Exchange.InfoWorker.Common.Availability. ; NULL if not known */
	int exception_code;        /* ExceptionCode; 0 if not known */
	bool retry;                /* asking again in a while may help */
	const char *sentence;      /* what the user may read; the request id is added behind it */
};

/* The row of ${r}; an unknown number gives the row of FB_NOT_COMPUTED. Never NULL. */
const struct fb_reason_row *fb_reason_row(enum fb_reason r);
/* The reason whose word is ${word}, or FB_NOT_COMPUTED. */
enum fb_reason fb_reason_named(const char *word);
/*
 * The reason whose ResponseCode is ${code} (for reading another server's answer); FB_CALENDAR_FAILED for one
 * not in the list, never FB_OK but for NoError.
 */
enum fb_reason fb_reason_of_code(const char *code);
#endif
