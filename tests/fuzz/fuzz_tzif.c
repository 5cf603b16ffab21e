/* links: base availability */
#include "bridge/availability/zone_inside.h"

/* Goal: no bytes in a zone file's place do harm, neither while reading nor in any later question. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fb_zone *z = zone_tzif_read(data, size);
	struct fb_zone_rule r;

	for (int64_t t = -4000000000; z && t < 12000000000; t += 1500000000) {
		fb_zone_utc_of(z, fb_zone_wall(z, t));
		fb_zone_rule_at(z, t, &r);
		fb_zone_free(fb_zone_from_rule(&r));
	}
	fb_zone_free(z);
	return 0;
}
