/* The first seal again: a name is no peer, a query is served only with what a pin made. */
#include "bridge/proxy/proxy.h"

struct proxy_query *ask(struct proxy *p, const struct pki_peer *peer, const struct fb_query *q, const struct proxy_peer_events *ev)
{
#ifdef BREAK_SEAL
	return proxy_answer_peer(p, "site-b", q, 1000, ev, NULL);
#else
	return proxy_answer_peer(p, peer, q, 1000, ev, NULL);
#endif
}
