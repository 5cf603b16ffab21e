#ifndef BRIDGE_BASE_TEXT_H
#define BRIDGE_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"

/* Lower-cases ASCII letters of ${s} in place; other bytes stay. */
void text_lower(char *s);
/* True if ${a} and ${b} are equal but for the case of ASCII letters. */
bool text_ieq(const char *a, const char *b);
/* True if ${s} begins with ${prefix}, ASCII case ignored. */
bool text_istarts(const char *s, const char *prefix);
/* Reads a whole decimal number in [${min},${max}]: no sign but '-', no blanks, nothing behind it. False if it is none. */
bool text_int(const char *s, int64_t min, int64_t max, int64_t *out);
enum { TEXT_INT_MAX = 20 };
/* Writes ${v} in decimal, at most TEXT_INT_MAX characters and no zero behind them; returns how many. */
size_t text_int_put(char *out, int64_t v);
/* Writes the last ${n} decimal digits of ${v}, with zeros in front; nothing behind them. */
void text_digits(char *out, size_t n, unsigned v);
/* True if the ${n} bytes at ${s} are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool text_utf8_valid(const char *s, size_t n);
/* True if the ${n} bytes at ${s} begin with U+FEFF, which some editors put before a text: nobody sees it, and it is no part of a word. */
bool text_is_marked(const char *s, size_t n);
/* How many bytes the well-formed UTF-8 character at the front of the ${n} bytes at ${s} takes: 1 to 4; 0 if none stands there. */
size_t text_utf8_step(const char *s, size_t n);
/*
 * How many of the ${n} bytes at ${s}, where a longer text was cut, are left without the UTF-8 character that the cut went through: ${n} if it
 * went through none.
 */
size_t text_utf8_whole(const char *s, size_t n);
/* Appends the base64 (RFC 4648) of ${n} bytes. Returns 0, or -1 if ${out} is full. */
int text_base64(struct buf *out, const void *p, size_t n);
/* Appends the bytes that strict base64 ${s} of ${n} characters stands for. -1 if it is not base64 or ${out} is full. */
int text_unbase64(struct buf *out, const char *s, size_t n);
/* Writes 2*${n} lower-case hex digits and a zero to ${out}. */
void text_hex(char *out, const void *p, size_t n);
/* Reads exactly ${n} bytes from 2*${n} hex digits (either case). False if ${s} is anything else. */
bool text_unhex(void *out, size_t n, const char *s);
/* Fills ${out} with ${n} random bytes from the kernel; aborts if it cannot (there is nothing sane to do). */
void text_random(void *out, size_t n);
/* Appends ${s} as a JSON string with its quotes (RFC 8259); bytes that are not UTF-8 become U+FFFD. */
int text_json(struct buf *out, const char *s);
/* Appends ${s} as XML character data (& < > " escaped; characters that XML 1.0 forbids and bad UTF-8 become U+FFFD). */
int text_xml(struct buf *out, const char *s);
/*
 * True if the well-formed character of ${step} bytes at ${s} is none to be shown as it is: a control (C0, DEL, C1), a separator at which some
 * viewers break a line (U+2028, U+2029), or a mark that turns the direction of what follows it (Unicode's Bidi_Control), so that a line reads as it
 * was not written.
 */
bool text_is_control(const char *s, size_t step);
/* Appends ${s} for a terminal: what is not UTF-8, and text_is_control(), becomes ?. */
int text_safe(struct buf *out, const char *s);
/* The member of ${names} (${n} of them) nearest to ${s} by edit distance, or NULL if none is near (for "did you mean"). */
const char *text_nearest(const char *s, const char *const *names, size_t n);
#endif
