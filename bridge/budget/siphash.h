#ifndef BRIDGE_BUDGET_SIPHASH_H
#define BRIDGE_BUDGET_SIPHASH_H
#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012) of ${n} bytes at ${p} under the 128-bit ${key}, words in little-endian order.
 * Who does not know the key cannot make values collide, or fall close together.
 */
uint64_t siphash(const uint64_t key[2], const void *p, size_t n);
#endif
