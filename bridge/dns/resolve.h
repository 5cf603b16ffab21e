#ifndef BRIDGE_DNS_RESOLVE_H
#define BRIDGE_DNS_RESOLVE_H
#include "bridge/base/buf.h"

/*
 * Records that getaddrinfo() does not know. Blocking, within ten seconds. ${server} is HOST:PORT with a numeric host, NULL = the
 * system's resolvers. NONE: the resolver says that there is none. COULD_NOT: a sentence in ${error}.
 */
enum resolve_result { RESOLVE_COULD_NOT = 0, RESOLVE_FOUND, RESOLVE_NONE };

/* The TXT records of ${name} (RFC 1035 3.3.14). FOUND: ${each} was called with each record, its strings joined. */
enum resolve_result resolve_txt(const char *name, const char *server, void (*each)(void *arg, const char *text), void *arg,
                                struct buf *error);

/* Where a service is. */
struct resolve_place {
	char host[256]; /* as it stands in the record, without the dot at its end; "" = the domain says that it has no such service */
	int port;
};
/* The SRV record of ${name} to be tried first (RFC 2782): of the lowest priority one, by chance according to the weights. */
enum resolve_result resolve_srv(const char *name, const char *server, struct resolve_place *out, struct buf *error);
#endif
