#ifndef BRIDGE_CTL_GRID_H
#define BRIDGE_CTL_GRID_H
#include "bridge/availability/answer.h"

/* Free/busy on a terminal: one row a person, one column a slot, one block a day or as much of it as fits. */
struct grid {
	struct fb_window window;
	int interval;               /* minutes a slot */
	const struct fb_zone *zone; /* whose clock the head shows */
	bool colour;
	int width;                  /* columns of the terminal */
};
/*
 * Appends the grid of ${n} people and its legend; a person without an answer gets the reason's sentence. -1 if ${out} is full or out
 * of memory.
 */
int grid_put(struct buf *out, const struct grid *g, const struct fb_mailbox *people, struct fb_answer *const *answers, size_t n);
/* True if standard output is a terminal and NO_COLOR is not set. */
bool grid_wants_colour(void);
/* Columns of the terminal at standard output; 100 if it is none. */
int grid_width(void);
#endif
