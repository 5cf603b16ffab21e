/* links: base */
#include "bridge/base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/check.h"

/* Memory that was freed goes back to the system once, and is not looked through again until there is more of it. */

#ifdef __SANITIZE_ADDRESS__
/* Its malloc() is not the one that is asked, and has nothing to give. */
static void crowds(void)
{
	size_t kept = 0;

	CHECK(!memory_give_back(&kept));
}
#else
enum { N = 2000, BYTES = 9000 }; /* each with a page or two of its own, 17 MiB together */

static char *blocks[N];

static void take(void)
{
	for (int i = 0; i < N; i++)
		if (!blocks[i]) {
			if (!(blocks[i] = malloc(BYTES)))
				abort();
			memset(blocks[i], 1, BYTES);
		}
}

/* All but each tenth, so that the heap does not get shorter by itself. */
static void leave(void)
{
	for (int i = 0; i < N; i++)
		if (i % 10) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
}

static long resident(void)
{
	long all, mine = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	CHECK(f && fscanf(f, "%ld %ld", &all, &mine) == 2);
	fclose(f);
	return mine * sysconf(_SC_PAGESIZE);
}

static void crowds(void)
{
	size_t kept = 0;
	long with;

	for (int i = 0; i < 3; i++) {
		take();
		with = resident();
		CHECK(!memory_give_back(&kept));
		leave();
		CHECK(memory_give_back(&kept));
		CHECK(resident() < with - N * BYTES / 2);
		CHECK(kept > N * BYTES / 2);
		CHECK(!memory_give_back(&kept));
	}
	for (int i = 0; i < N; i++)
		free(blocks[i]);
}
#endif

int main(void)
{
	crowds();
	return check_done();
}
