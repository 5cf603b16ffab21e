#ifndef BRIDGE_EWS_REDACT_H
#define BRIDGE_EWS_REDACT_H
#include <stddef.h>
#include "bridge/base/buf.h"

/*
 * An XML document retold so that it can be shown to a stranger: its elements, what they are called and how they are nested, but of
 * texts and attributes' values only what the table in redact.c names. What is not named there is hidden, so what nobody has thought of is
 * hidden as well.
 */
enum ews_text {
	EWS_TEXT_HIDDEN = 0,
	EWS_TEXT_TOKEN,    /* a word, number, time or URL of the protocol */
	EWS_TEXT_VALUE,    /* shown if it is a URL, an address or a number, else hidden */
	EWS_TEXT_ADDRESS,  /* somebody's address */
	EWS_TEXT_SID,      /* a Windows security identifier */
	EWS_TEXT_SENTENCE  /* an error's words */
};
/* Appends to ${out} what may be shown of the ${n} bytes at ${text}, which is of this kind; EWS_TEXT_HIDDEN too comes here. */
typedef void ews_mask_fn(void *arg, struct buf *out, enum ews_text kind, const char *text, size_t n);

/*
 * Appends the ${n} bytes of XML at ${xml} to ${out}, one element a line, each text and value as ${mask} with ${arg} gives it; comments and
 * processing instructions are left out. To ${headers} (may be NULL) go the SOAP header's elements as {NAMESPACE}NAME, a blank before each.
 * What is no XML, too long (512 KiB) or broken is left out from there on, and a line says so. Appends nothing else; check out->failed.
 */
void ews_redact(struct buf *out, struct buf *headers, const void *xml, size_t n, ews_mask_fn *mask, void *arg);
#endif
