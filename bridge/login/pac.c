#include "bridge/login/pac.h"
#include <string.h>
#include "bridge/base/utf16.h"

/*
 * The structure is written by NDR ([MS-RPCE] 2.2.6): a header, a pointer, the fixed part, and behind that what its pointers mean, in
 * their order. EffectiveName is the first of them.
 */
enum {
	FIXED_AT = 20,             /* behind the headers (8 and 8) and the pointer to it all (4) */
	NAME_AT = FIXED_AT + 48,   /* behind six times */
	BEHIND_AT = FIXED_AT + 216,
	TEXT_AT = BEHIND_AT + 12   /* behind the array's three counts */
};

static uint32_t get(const uint8_t *p, size_t bytes)
{
	uint32_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

bool pac_account(struct login_bytes info, char out[PAC_NAME_MAX + 1])
{
	static const uint8_t header[] = {1, 0x10, 8, 0}; /* version, little-endian, its length */
	struct buf name;
	size_t n;
	bool ok;

	*out = 0;
	if (info.n < TEXT_AT || memcmp(info.p, header, sizeof header) != 0)
		return false;
	n = get(info.p + NAME_AT, 2);
	if (n == 0 || !get(info.p + NAME_AT + 4, 4) || n > info.n - TEXT_AT || get(info.p + BEHIND_AT + 4, 4) != 0 ||
	    get(info.p + BEHIND_AT + 8, 4) != n / 2)
		return false;
	buf_init(&name, PAC_NAME_MAX);
	ok = utf16_get(&name, info.p + TEXT_AT, n) == 0;
	if (ok)
		memcpy(out, buf_cstr(&name), name.len + 1);
	buf_free(&name);
	return ok;
}
