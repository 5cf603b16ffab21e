#ifndef BRIDGE_CTL_RESOLVE_H
#define BRIDGE_CTL_RESOLVE_H
#include "bridge/base/buf.h"

enum resolve_result { RESOLVE_COULD_NOT = 0, RESOLVE_FOUND, RESOLVE_NONE };

/*
 * The TXT records of the host name ${name} (RFC 1035 3.3.14), asked of ${server} (HOST:PORT with a numeric host, NULL = the system's resolvers), within ten
 * seconds. FOUND: ${each} was called with each record, its strings joined. NONE: the resolver says that there is none. COULD_NOT: a sentence in ${error}.
 */
enum resolve_result resolve_txt(const char *name, const char *server, void (*each)(void *arg, const char *text), void *arg, struct buf *error);
#endif
