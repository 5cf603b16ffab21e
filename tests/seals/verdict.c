/* The second seal: a verdict's level is written in acl/decide.c alone. */
#include "bridge/acl/decide.h"

enum fb_level decide(const struct acl_question *q)
{
	struct acl_verdict v = acl_decide(q);

#ifdef BREAK_SEAL
	v.level = FB_LEVEL_LIMITED_DETAILS;
#endif
	return v.level;
}
