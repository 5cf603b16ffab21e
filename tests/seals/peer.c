/* The first seal: who is at the other end is made by pki/ alone. */
#include "bridge/proxy/proxy.h"

struct proxy_query *ask(struct proxy *p, const struct pki_peer *peer, const struct fb_query *q, const struct proxy_peer_events *ev)
{
#ifdef BREAK_SEAL
	struct pki_peer forged = {"site-b"};

	peer = &forged;
#endif
	return proxy_answer_peer(p, peer, q, 1000, ev, NULL);
}
