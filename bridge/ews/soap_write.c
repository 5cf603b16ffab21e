#include "bridge/base/text.h"
#include "bridge/ews/soap.h"

/* The frame and the elements of an answer. */

void soap_begin(struct buf *out)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:m=\"" NS_MESSAGES
	              "\" xmlns:t=\"" NS_TYPES "\"><s:Header><t:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" "
	              "MajorBuildNumber=\"2562\" MinorBuildNumber=\"17\" Version=\"V2017_07_11\"/></s:Header><s:Body>");
}

int soap_end(struct buf *out)
{
	return buf_puts(out, "</s:Body></s:Envelope>");
}

static void put_tag(struct buf *out, const char *before, const char *tag)
{
	buf_puts(out, before);
	buf_puts(out, tag);
	buf_putc(out, '>');
}

void soap_put(struct buf *out, const char *tag, const char *text)
{
	put_tag(out, "<", tag);
	text_xml(out, text);
	put_tag(out, "</", tag);
}

void soap_put_int(struct buf *out, const char *tag, long value)
{
	put_tag(out, "<", tag);
	buf_puti(out, value);
	put_tag(out, "</", tag);
}

void soap_put_bool(struct buf *out, const char *tag, bool value)
{
	soap_put(out, tag, value ? "true" : "false");
}
