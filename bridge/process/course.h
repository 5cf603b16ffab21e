#ifndef BRIDGE_PROCESS_COURSE_H
#define BRIDGE_PROCESS_COURSE_H
#include <stdbool.h>
#include <stdint.h>

/* The course that a key takes by itself with rotate_every: made, announced, promoted, retired. Pure; all times in seconds since 1970. */
enum { COURSE_OLD_STAYS = 3600 }; /* seconds from the promotion to the retirement: everything that ran with the old key has ended by then */
struct course_facts {
	int64_t now;
	int every_days;             /* 0 = by hand: nothing is ever due */
	int64_t born;               /* when the current identity was made */
	bool has_next, all_took;    /* all_took: every enabled peer has the next pin on its disk */
	bool has_old;
	int64_t promoted;           /* with has_old: when the current identity took its place */
};
enum course { COURSE_NOTHING = 0, COURSE_NEXT, COURSE_PROMOTE, COURSE_RETIRE };
/* What is due. An old identity goes first, since there is no room for a third one. */
enum course course_due(const struct course_facts *f);
#endif
