#ifndef BRIDGE_EWS_CLIENT_READING_H
#define BRIDGE_EWS_CLIENT_READING_H
#include "bridge/ews/client.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/zone_read.h"

/*
 * Another server's GetUserAvailabilityResponse (messages.xsd) on its way to answers: what client_read.c and client_view.c
 * share. Private to this room. What one FreeBusyResponse lacks or garbles spoils that one alone: its functions set ${broken}
 * and go on. Only the frame around them can fail the whole.
 */

struct answers {
	struct zone_reading zone; /* first: the working hours' zone */
	const struct fb_zone *requester;
	struct fb_answer **list;
	size_t n, at;             /* of the list; responses met */
	struct fb_answer *now;
	bool broken, told, success, viewed, listed, has_busy; /* told: a ResponseMessage was there; listed: an array of events, empty or not */
	bool has_private;         /* the event at hand says whether it is */
	bool is_2007;
	enum fb_reason reason;
	struct fb_event event;
	struct fb_working_period period;
	struct fb_working_hours hours; /* as read last */
	const char *fault_code, *fault_text;
	const char *text;         /* MessageText of the response at hand; NULL = none */
	bool is_back_off;         /* the value at hand is how long to stay away */
	int back_off_ms;
	struct ews_client_said *said; /* may be NULL */
};

/* The reading behind ${s}. */
static inline struct answers *answers_of(struct soap *s)
{
	return s->arg;
}

/* The answer at hand is no answer. Always true, to be returned. */
static inline bool spoil(struct soap *s)
{
	answers_of(s)->broken = true;
	return true;
}

/* Tells of an unknown element, or a text, in ${in}: it may have been an event, so an array of events that holds one is no array. */
void client_view_unknown(struct soap *s, const struct soap_row *in);
/* Children of a FreeBusyView. */
extern const struct soap_row client_view_rows[];
#endif
