#ifndef BRIDGE_DIRECTORY_FILTER_H
#define BRIDGE_DIRECTORY_FILTER_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/base/buf.h"

/*
 * LDAP search filters as text (RFC 4515). THE one place where a value is put into one: nothing else here builds a filter of
 * what somebody typed.
 */

/*
 * Appends ${n} bytes as a value: NUL, parentheses, asterisk and backslash as \xx (RFC 4515, section 3), and so every byte
 * that is not printable ASCII.
 */
void filter_value(struct buf *out, const void *p, size_t n);
/* Appends (ATTRIBUTE=PREFIXVALUE), both escaped; nothing when ${attribute} is "", which means that the directory has none. */
void filter_equal(struct buf *out, const char *attribute, const char *prefix, const char *value);
/* Appends (ATTRIBUTE=VALUE) for ${n} bytes of any kind. */
void filter_equal_bytes(struct buf *out, const char *attribute, const void *p, size_t n);
/*
 * Appends (ATTRIBUTE:1.2.840.113556.1.4.1941:=DN): does a chain of links lead to ${dn}? (MS-ADTS 3.1.1.3.4.4.3,
 * LDAP_MATCHING_RULE_TRANSITIVE_EVAL)
 */
void filter_in_chain(struct buf *out, const char *attribute, const char *dn);
#endif
