/* links: base availability conf pki login */
#include <stdlib.h>
#include "bridge/base/utf16.h"
#include "bridge/login/pac.h"
#include "tests/unit/check.h"

enum { HEADERS = 20, NAME = 68, BEHIND = 236, TEXT = 248 };

static void put32(uint8_t *p, size_t at, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[at + i] = (uint8_t)(v >> 8 * i);
}

/* KERB_VALIDATION_INFO as [MS-PAC] 2.5 and [MS-RPCE] 2.2.6 lay it out, of an account ${name}; how many bytes. */
static size_t make(uint8_t *out, const char *name)
{
	static const uint8_t header[HEADERS] = {1, 0x10, 8, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0};
	struct buf wide;
	size_t n;

	buf_init(&wide, 4096);
	if (utf16_put(&wide, name, strlen(name)) != 0)
		abort();
	n = wide.len;
	memset(out, 0, TEXT);
	memcpy(out, header, sizeof header);
	put32(out, NAME, (uint32_t)n | (uint32_t)n << 16);
	put32(out, NAME + 4, 4);
	put32(out, BEHIND, (uint32_t)n / 2);
	put32(out, BEHIND + 8, (uint32_t)n / 2);
	memcpy(out + TEXT, buf_ptr(&wide), n);
	memset(out + TEXT + n, 0, 8); /* what the other pointers mean */
	buf_free(&wide);
	return TEXT + n + 8;
}

static const char *read_it(const uint8_t *p, size_t n)
{
	static char name[PAC_NAME_MAX + 1];
	uint8_t *copy = malloc(n + 1); /* so that a sanitizer sees the end */
	bool ok;

	if (!copy)
		abort();
	memcpy(copy, p, n);
	ok = pac_account((struct login_bytes){copy, n}, name);
	free(copy);
	if (!ok)
		CHECK_STR(name, "");
	return ok ? name : NULL;
}

static void names(void)
{
	uint8_t info[4096];

	CHECK_STR(read_it(info, make(info, "anna")), "anna");
	CHECK_STR(read_it(info, make(info, "EXCHANGE$")), "EXCHANGE$");
	CHECK_STR(read_it(info, make(info, "J\xc3\xbcrgen \xf0\x9f\x98\x80")), "J\xc3\xbcrgen \xf0\x9f\x98\x80");
}

static void malformed(void)
{
	static const struct { size_t at; uint8_t value; } wrong[] = {
		{0, 2}, {1, 0}, {2, 16}, /* another version, big-endian, another header */
		{NAME, 7}, {NAME, 0}, {NAME + 1, 0xff}, {NAME + 4, 0}, /* half a character, none, too long, no pointer */
		{BEHIND + 4, 1}, {BEHIND + 8, 3}, {BEHIND + 10, 1}, /* not from the first, another length */
		{TEXT, 0}, {TEXT + 1, 0xdc}, /* a zero, half a pair */
	};
	uint8_t info[4096];
	size_t n = make(info, "anna");

	for (size_t cut = 0; cut < TEXT + 8; cut++)
		CHECK(!read_it(info, cut));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		n = make(info, "anna");
		info[wrong[i].at] = wrong[i].value;
		if (!CHECK(!read_it(info, n)))
			fprintf(stderr, "\tat %zu\n", wrong[i].at);
	}
}

int main(void)
{
	names();
	malformed();
	return check_done();
}
