#ifndef BRIDGE_EWS_READING_H
#define BRIDGE_EWS_READING_H
#include "bridge/ews/zone_read.h"

/* One request on its way from XML to struct ews_request: what request.c and its parts share. Private to this room. */
struct reading {
	struct zone_reading zone; /* first: zone_read.c finds it here */
	struct ews_request *r;
	size_t n_mailboxes;       /* met, also those over the limit */
	size_t room;              /* of the arrays for them */
	const char *address, *routing;
	struct written_window { const char *start, *end; } window, suggested, *now; /* read once the zone is known */
	bool view_given, one_view;
};

/* Children of m:GetUserAvailabilityRequest. */
extern const struct soap_row gua_rows[];
/* Checks and converts what gua_rows gathered: zone, windows, limits. False with a fault. */
bool gua_finish(struct soap *s);
#endif
