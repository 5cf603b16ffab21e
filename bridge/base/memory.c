#include "bridge/base/memory.h"
#include <malloc.h>

enum { WORTH_IT = 1 << 20, STAYS = WORTH_IT / 2 };

bool memory_give_back(size_t *kept)
{
	size_t unused = mallinfo2().fordblks;

	if (unused < *kept)
		*kept = unused; /* some of it is in use again, and comes back with its pages */
	if (unused - *kept < WORTH_IT)
		return false;
	malloc_trim(STAYS);
	*kept = mallinfo2().fordblks;
	return true;
}
