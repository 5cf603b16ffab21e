/* links: base availability */
#include <stdio.h>
#include <unistd.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/zone.h"
#include "tests/unit/check.h"

/*
 * Goal: our zones agree with another reader of the same files, Python's zoneinfo, which tests/zones.py asks.
 * With --probe it is that script's other half: for each line of "offset|wall|rule ZONE SECONDS" it prints one number.
 */
static int64_t by_rule(const struct fb_zone *z, int64_t utc)
{
	struct fb_zone_rule r;

	fb_zone_rule_at(z, utc, &r);
	struct fb_zone *made = fb_zone_from_rule(&r);
	int64_t offset = made ? fb_zone_offset(made, utc) : INT64_MIN;
	fb_zone_free(made);
	return offset;
}

static int probe(void)
{
	char what[8], name[64];
	int64_t t;

	while (scanf("%7s %63s %" SCNd64, what, name, &t) == 3) {
		const struct fb_zone *z = fb_zone_named(name);
		if (!z)
			puts("none");
		else if (strcmp(what, "offset") == 0)
			printf("%d\n", fb_zone_offset(z, t));
		else if (strcmp(what, "wall") == 0)
			printf("%" PRId64 "\n", fb_zone_utc_of(z, t));
		else
			printf("%" PRId64 "\n", by_rule(z, t));
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--probe") == 0)
		return probe();
	execlp("python3", "python3", "tests/zones.py", argv[0], (char *)NULL);
	perror("python3 tests/zones.py");
	CHECK(!"python3 could be started");
	return check_done();
}
