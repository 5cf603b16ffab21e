#include "bridge/ews/autodiscover_url.h"

/*
 * One URL in every place, since which one a client reads is its own secret. For a recording each place spells it in a way of its own, which means
 * the same to us (paths are matched without regard to case) and shows in the question that follows where the client had it from. docs/exchange.md
 * has this table.
 */
static const char *const spelled[PLACES] = {
	[PLACE_EXCH_EWS] = "/EWS/Exchange.asmx",      [PLACE_EXCH_AS] = "/EWS/exchange.asmx",       [PLACE_EXCH_OOF] = "/EWS/EXCHANGE.asmx",
	[PLACE_EXPR_EWS] = "/Ews/Exchange.asmx",      [PLACE_EXPR_AS] = "/Ews/exchange.asmx",       [PLACE_EXPR_OOF] = "/Ews/EXCHANGE.asmx",
	[PLACE_WEB_INTERNAL] = "/ews/Exchange.asmx",  [PLACE_WEB_EXTERNAL] = "/ews/exchange.asmx",  [PLACE_SOAP_INTERNAL] = "/eWS/Exchange.asmx",
	[PLACE_SOAP_EXTERNAL] = "/eWS/exchange.asmx", [PLACE_SOAP_INTEROP] = "/eWS/EXCHANGE.asmx",  [PLACE_SOAP_DOMAIN] = "/ewS/Exchange.asmx",
	[PLACE_JSON] = "/ewS/exchange.asmx",
};

const char *autodiscover_path(const struct ews_autodiscover *a, enum autodiscover_place place)
{
	return spelled[a->spelled ? place : PLACE_EXCH_EWS];
}

void autodiscover_refuse(const struct ews_autodiscover *a, const char *code, const char *why, const char *asked)
{
	if (a->refused)
		a->refused(a->arg, code, why, asked);
}
