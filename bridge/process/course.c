#include "bridge/process/course.h"

enum course course_due(const struct course_facts *f)
{
	if (f->every_days <= 0)
		return COURSE_NOTHING;
	if (f->has_old)
		return f->now - f->promoted >= COURSE_OLD_STAYS ? COURSE_RETIRE : COURSE_NOTHING;
	if (f->has_next)
		return f->all_took ? COURSE_PROMOTE : COURSE_NOTHING;
	return f->now - f->born >= (int64_t)f->every_days * 86400 ? COURSE_NEXT : COURSE_NOTHING;
}
