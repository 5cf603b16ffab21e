#include "bridge/budget/siphash.h"
#include <endian.h>
#include <string.h>

static uint64_t turn(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(uint64_t v[4], int n)
{
	while (n--) {
		v[0] += v[1];
		v[1] = turn(v[1], 13) ^ v[0];
		v[0] = turn(v[0], 32);
		v[2] += v[3];
		v[3] = turn(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = turn(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = turn(v[1], 17) ^ v[2];
		v[2] = turn(v[2], 32);
	}
}

/* Up to eight bytes as a little-endian number. */
static uint64_t word(const uint8_t *p, size_t n)
{
	uint64_t w = 0;

	memcpy(&w, p, n);
	return le64toh(w);
}

uint64_t siphash(const uint64_t key[2], const void *p, size_t n)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
	                 key[1] ^ 0x7465646279746573};
	const uint8_t *at = p;
	size_t left = n;
	uint64_t w;

	for (;; at += 8, left -= 8) {
		w = left >= 8 ? word(at, 8) : word(at, left) | (uint64_t)(n & 0xff) << 56;
		v[3] ^= w;
		rounds(v, 2);
		v[0] ^= w;
		if (left < 8)
			break;
	}
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
