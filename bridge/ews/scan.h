#ifndef BRIDGE_EWS_SCAN_H
#define BRIDGE_EWS_SCAN_H
#include <stddef.h>
#include "bridge/base/buf.h"

/*
 * What has to be known of a document BEFORE libxml2 sees it: UTF-16 is turned into UTF-8 (in ${room}; ${p} and ${n} then point there), a
 * declared encoding that would load a converter is refused, and so are a DOCTYPE and a start tag of more attributes than
 * SAX_MAX_ATTRIBUTES (libxml2 compares each attribute with each other: a megabyte of them in one tag costs minutes). NULL if all is
 * well, else the sentence that says what is not.
 */
const char *scan_document(const void **p, size_t *n, struct buf *room);
/*
 * Puts ${instead} in the place of all that no XML may hold, in the texts of a document that scan_document() found nothing wrong with: references
 * to control characters and to halves of surrogate pairs, such characters themselves, and bytes that are no UTF-8. Exchange writes what stands in a
 * subject, so that "&#x1F;" and even "&#x0;" come from it. In a tag nothing is mended: no server writes such there, and a word of an attribute
 * would pass for another. If anything was mended, ${p} and ${n} are in ${room} then; without memory nothing is.
 */
void scan_mend(const void **p, size_t *n, char instead, struct buf *room);
#endif
