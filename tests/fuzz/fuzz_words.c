/* links: base availability */
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/availability/clock.h"
#include "bridge/availability/zone_inside.h"

/* Goal: addresses, times and zone tails from anywhere; a normal address stays as it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512], one[FB_ADDRESS_MAX + 1], two[FB_ADDRESS_MAX + 1];
	struct zone_yearly y;
	int64_t t;

	size = size < sizeof text ? size : sizeof text - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (fb_address_normal(text, one) && (!fb_address_normal(one, two) || strcmp(one, two) != 0))
		__builtin_trap();
	if (zone_yearly_parse(text, &y) && fb_time_parse("2026-03-02", &t))
		zone_yearly_offset(&y, t);
	return fb_time_parse(text, &t) < FB_TIME_BAD;
}
