/* The second seal again: nor can one verdict be laid over another. */
#include "bridge/acl/decide.h"

enum fb_level decide(const struct acl_question *mine, const struct acl_question *theirs)
{
	struct acl_verdict v = acl_decide(mine);
	const struct acl_verdict other = acl_decide(theirs);

#ifdef BREAK_SEAL
	v = other;
#endif
	return v.level < other.level ? v.level : other.level;
}
