/* The third seal: the EWS writer takes what acl/release.c made, never a raw answer. */
#include "bridge/ews/response.h"

int write_it(struct buf *out, const struct ews_request *r, struct fb_answer *const *raw, struct acl_released *const *released)
{
#ifdef BREAK_SEAL
	return ews_write_availability(out, r, raw, "");
#else
	return ews_write_availability(out, r, released, "");
#endif
}
