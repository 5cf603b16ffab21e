#include "bridge/directory/sid.h"
#include <stdlib.h>
#include <string.h>

/* One decimal number up to ${max} at *${s}, and the '-' or the end behind it. */
static bool number(const char **s, uint64_t max, uint64_t *out)
{
	size_t n = strspn(*s, "0123456789");

	if (n == 0 || n > 15 || ((*s)[n] && (*s)[n] != '-'))
		return false;
	*out = strtoull(*s, NULL, 10);
	*s += n + ((*s)[n] == '-' && (*s)[n + 1]);
	return *out <= max;
}

bool sid_replace_rid(uint8_t *sid, size_t n, uint32_t rid)
{
	if (n < 12 || n > SID_MAX || sid[0] != 1 || n != 8 + 4 * (size_t)sid[1])
		return false;
	for (int i = 0; i < 4; i++)
		sid[n - 4 + (size_t)i] = (uint8_t)(rid >> (8 * i));
	return true;
}

bool sid_parse(const char *text, uint8_t out[SID_MAX], size_t *n)
{
	const char *s = text + 4;
	uint64_t v;

	if ((strncmp(text, "S-1-", 4) != 0 && strncmp(text, "s-1-", 4) != 0) || !number(&s, (1ULL << 48) - 1, &v))
		return false;
	out[0] = 1;
	out[1] = 0;
	for (int i = 0; i < 6; i++)
		out[2 + i] = (uint8_t)(v >> (40 - 8 * i)); /* the authority is big-endian, what follows is little-endian */
	for (*n = 8; *s && *s != '-'; *n += 4) {
		if (out[1] == 15 || !number(&s, UINT32_MAX, &v))
			return false;
		out[1]++;
		for (int i = 0; i < 4; i++)
			out[*n + (size_t)i] = (uint8_t)(v >> (8 * i));
	}
	return out[1] > 0 && !*s;
}
