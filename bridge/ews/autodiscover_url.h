#ifndef BRIDGE_EWS_AUTODISCOVER_URL_H
#define BRIDGE_EWS_AUTODISCOVER_URL_H
#include "bridge/ews/autodiscover.h"

/* What the three forms of Autodiscover share: where each gives our EWS URL, and how it says no. Private to this room. */
enum autodiscover_place {
	PLACE_EXCH_EWS = 0, PLACE_EXCH_AS, PLACE_EXCH_OOF, PLACE_EXPR_EWS, PLACE_EXPR_AS, PLACE_EXPR_OOF, PLACE_WEB_INTERNAL, PLACE_WEB_EXTERNAL,
	PLACE_SOAP_INTERNAL, PLACE_SOAP_EXTERNAL, PLACE_SOAP_INTEROP, PLACE_SOAP_DOMAIN, PLACE_JSON, PLACES
};
/* The URL's path, as it is spelled there: the same everywhere unless a->spelled. Static. */
const char *autodiscover_path(const struct ews_autodiscover *a, enum autodiscover_place place);
/* Tells a->refused, if there is one. */
void autodiscover_refuse(const struct ews_autodiscover *a, const char *code, const char *why, const char *asked);
#endif
