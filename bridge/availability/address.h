#ifndef BRIDGE_AVAILABILITY_ADDRESS_H
#define BRIDGE_AVAILABILITY_ADDRESS_H
#include <stdbool.h>
#include <stddef.h>

enum { FB_DOMAIN_MAX = 253, FB_ADDRESS_MAX = 320, FB_ADDRESS_UNICODE_MAX = 3 * FB_ADDRESS_MAX };

/*
 * Writes the SMTP domain ${s} in its one comparable form to ${out} (FB_DOMAIN_MAX + 1 bytes):
 * lower-case A-labels without a trailing dot (UTS #46 non-transitional, ICU). False if it is no domain name.
 */
bool fb_domain_normal(const char *s, char out[FB_DOMAIN_MAX + 1]);
/*
 * Writes the address ${s} in its one comparable form to ${out} (FB_ADDRESS_MAX + 1 bytes): an optional
 * "smtp:" prefix dropped, local part and domain lower-cased, domain as above. The local part is a
 * dot-string of RFC 5321 (or RFC 6531 UTF-8); no quotes, blanks, slashes or control bytes, so that it can
 * never leave a folder when used as a file name. False if it is anything else.
 */
bool fb_address_normal(const char *s, char out[FB_ADDRESS_MAX + 1]);
/*
 * Writes the NORMAL address as some directories keep it, its domain in Unicode (UTS #46, NFC), to ${out} (FB_ADDRESS_UNICODE_MAX + 1
 * bytes). False if its domain has no A-label, so that there is no other form.
 */
bool fb_address_unicode(const char *address, char out[FB_ADDRESS_UNICODE_MAX + 1]);
/* The domain of a NORMAL address: what follows its last '@'. Borrowed from ${address}. */
const char *fb_address_domain(const char *address);
#endif
