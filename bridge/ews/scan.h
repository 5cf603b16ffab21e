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
#endif
