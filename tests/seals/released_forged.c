/* The third seal again: nobody else can build a released answer. */
#include <stdlib.h>
#include "bridge/acl/release.h"

struct acl_released *make(enum fb_reason reason)
{
#ifdef BREAK_SEAL
	return calloc(1, sizeof(struct acl_released));
#else
	return acl_release_reason(reason);
#endif
}
