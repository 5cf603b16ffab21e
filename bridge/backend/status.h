#ifndef BRIDGE_BACKEND_STATUS_H
#define BRIDGE_BACKEND_STATUS_H
#include "bridge/availability/answer.h"
#include "bridge/backend/component.h"

struct ics_status {
	bool cancelled;
	enum fb_busy busy;
	unsigned flags; /* meeting, reminder, private; recurring and exception are not seen in one component alone */
};
/*
 * What the VEVENT ${c} says of its time: X-MICROSOFT-CDO-BUSYSTATUS if it is a word we know, else TRANSP, else STATUS.
 * STATUS:CANCELLED takes no time whatever the others say. Of one that is there twice that counts which takes more time.
 * X-MICROSOFT-CDO-INTENDEDSTATUS is what the organiser wished and does not count.
 */
struct ics_status ics_status_of(const struct ics_component *c);
#endif
