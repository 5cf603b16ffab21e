#ifndef BRIDGE_AVAILABILITY_FACTS_H
#define BRIDGE_AVAILABILITY_FACTS_H
#include <stdbool.h>

/* Every look-up has three results; the third is never turned into one of the others. */
enum fb_fact { FB_COULD_NOT_TELL = 0, FB_YES, FB_NO };

/* What the directory said of one target mailbox. */
struct fb_facts {
	enum fb_fact exists;
	enum fb_fact hidden;
};
#endif
