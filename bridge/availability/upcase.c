#include "bridge/availability/upcase.h"
#include <unicode/uchar.h>
#include <unicode/utf16.h>

void fb_upcase_utf16(uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		UChar32 c = p[i] | p[i + 1] << 8;

		if (U16_IS_SURROGATE(c))
			continue;
		c = u_toupper(c);
		if (c > 0xffff)
			continue;
		p[i] = (uint8_t)c;
		p[i + 1] = (uint8_t)(c >> 8);
	}
}
