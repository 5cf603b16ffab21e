#ifndef BRIDGE_EWS_AUTODISCOVER_H
#define BRIDGE_EWS_AUTODISCOVER_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/buf.h"

/* Says whether the domain of ${address} (any text) is one that we publish: in the table and not nobody's. */
typedef bool ews_published_fn(void *arg, const char *address);

/* Told of each refusal, for the log: the code that the client gets, why, and whom it asked about ("" = nobody). Errors come with HTTP 200, too. */
typedef void ews_refused_fn(void *arg, const char *code, const char *why, const char *asked);

struct ews_autodiscover {
	const char *public_url;      /* "https://bridge-a.a.example" */
	const char *host;            /* its host part */
	const char *auth_package;    /* strongest scheme that the front offers, as POX says it ("Ntlm", "Negotiate"); NULL = leave AuthPackage out (Basic) */
	bool spelled;                /* each place spells the EWS URL in a way of its own, so that a recording shows which one a client took */
	ews_published_fn *published;
	ews_refused_fn *refused;     /* NULL = nobody is told */
	void *arg;
};

/*
 * Answers a POX request (autodiscover.xml) of ${n} bytes. Any local part, the anchor 01B62C6D-... too. Returns the HTTP status, or -1 if ${out} is
 * full.
 */
int ews_autodiscover_pox(struct buf *out, const struct ews_autodiscover *a, const void *p, size_t n);
/*
 * Answers a SOAP request (autodiscover.svc): GetUserSettings, GetDomainSettings, GetFederationInformation (NotFederated); anything else a fault.
 * Returns the HTTP status, or -1.
 */
int ews_autodiscover_soap(struct buf *out, const struct ews_autodiscover *a, const void *p, size_t n);
/* Is a request of ${n} bytes a SOAP envelope, or POX? ${otherwise} if it is neither. */
bool ews_autodiscover_is_soap(const void *p, size_t n, bool otherwise);
/*
 * Answers the JSON form: ${path} and ${query} are those of the request, percent-decoded by this function. No login by its definition. Returns the
 * HTTP status, or -1.
 */
int ews_autodiscover_json(struct buf *out, const struct ews_autodiscover *a, const char *path, const char *query);
#endif
