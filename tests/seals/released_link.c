/* The third seal: the link sends what acl/release.c made, never a raw answer. */
#include "bridge/link/link.h"

void send_it(struct link_call *call, const struct fb_answer *raw, const struct acl_verdict *v, const struct fb_query *q)
{
#ifdef BREAK_SEAL
	link_call_answer(call, 0, raw);
#else
	struct acl_released *r = acl_release(raw, v, q);

	link_call_answer(call, 0, r);
	acl_released_free(r);
#endif
}
