#ifndef BRIDGE_AVAILABILITY_UPCASE_H
#define BRIDGE_AVAILABILITY_UPCASE_H
#include <stddef.h>
#include <stdint.h>

/* Upper-cases ${n} bytes of UTF-16LE in place, unit by unit as Windows does (Unicode's simple mapping; an odd last byte stays). */
void fb_upcase_utf16(uint8_t *p, size_t n);
#endif
