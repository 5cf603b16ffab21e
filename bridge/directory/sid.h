#ifndef BRIDGE_DIRECTORY_SID_H
#define BRIDGE_DIRECTORY_SID_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SID_MAX = 8 + 15 * 4 };
/*
 * Reads "S-1-AUTHORITY-SUB..." (MS-DTYP 2.4.2.1) into the bytes that objectSid holds (2.4.2.2): ${n} of them. False if it is
 * none, or one of no or more than 15 sub-authorities.
 */
bool sid_parse(const char *text, uint8_t out[SID_MAX], size_t *n);
/*
 * Turns the SID of an account (${n} bytes) into that of another of its domain, whose last number is ${rid}. False if it is
 * none of a domain.
 */
bool sid_replace_rid(uint8_t *sid, size_t n, uint32_t rid);
#endif
