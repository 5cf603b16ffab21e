/* links: all */
#include "bridge/process/worker.h"
#include "tests/unit/check.h"

/* What a backend takes at once is divided among the bridges: all of it, to each about the same, and to each something. */
int main(void)
{
	for (int bridges = 1; bridges <= 64; bridges++) {
		int wrong = 0;

		for (int all = bridges; all <= 256; all++) {
			int sum = 0, least = all, most = 0;

			for (int i = 0; i < bridges; i++) {
				int one = backend_worker_share(all, bridges, i);

				sum += one;
				least = one < least ? one : least;
				most = one > most ? one : most;
			}
			if (sum != all || least < 1 || most - least > 1)
				wrong = all;
		}
		if (!CHECK_INT(wrong, 0))
			fprintf(stderr, "\tamong %d bridges\n", bridges);
	}
	return check_done();
}
