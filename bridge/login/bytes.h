#ifndef BRIDGE_LOGIN_BYTES_H
#define BRIDGE_LOGIN_BYTES_H
#include <stddef.h>
#include <stdint.h>

/* A part of a message, borrowed from it. p NULL = it is not there. */
struct login_bytes {
	const uint8_t *p;
	size_t n;
};
#endif
