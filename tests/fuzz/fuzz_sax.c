/* links: base availability ews acl conf pki */
#include <stdlib.h>
#include "tests/unit/sax_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a mutation of single bytes seldom puts together. */
static const char *const pieces[] = {
	"<a>", "</a>", "<p:a>", "</p:a>", "<a", "<p:a", "</a", "</p:a", "<b", "<q:b", "</b>", "</q:b>", ">", "/>", "/", "<", " ", "\n",
	"\r\n", "\r", "\t", " xmlns='http://a.example/'", " xmlns:p='http://a.example/'", " xmlns:p=\"http://b.example/x\"",
	" xmlns:q='http://a.example/'", " xmlns=''", " xmlns:p=''", " xmlns:xml='http://www.w3.org/XML/1998/namespace'",
	" xmlns:q='http://www.w3.org/XML/1998/namespace'", " xmlns='http://www.w3.org/2000/xmlns/'", " xmlns:xmlns='http://a.example/'",
	" xmlns:q='urn:x'", " xmlns:q='http://a.example/%'", " xmlns:q='http://a.example:80/'", " xmlns:q='http://'", " xmlns:q='",
	"http://a", "..//_-", " x='1'", " p:x='2'", " q:x=\"3\"", " y = 'a\"b'", " xml:lang='de'", " xml:space='preserve'", " xml:id='i'",
	" x='", "'", "\"", "=", ":", "x", "xmlns", "xml", "&amp;", "&lt;", "&#65;", "&#x41;", "&#xD;", "&#0;", "&#x110000;", "&#xfffe;",
	"&", "#", ";", "&x;", "]]>", "]]", "]", "<![CDATA[", "<!--", "-->", "<?x y?>", "<?xml version='1.0'?>",
	"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone='no' ?>", "<?xml version='1.1'?>", "<?xml", " version='1.0'",
	" encoding='utf-8'", " encoding='latin1'", " standalone='yes'", "?>", "<!DOCTYPE a>", "\xef\xbb\xbf", "\xc3\xa4", "\xef\xbf\xbe",
	"\xef\xbf\xbd", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xc0\x80", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "text", "%", "-", ".", "_",
};

/* A document, or behind a zero the numbers of pieces of one: whatever our own walker takes, libxml2 takes, and both say the same of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	if (size && data[0] == 0)
		for (size_t i = 1; i < size; i++)
			buf_puts(&b, pieces[data[i] % (sizeof pieces / sizeof *pieces)]);
	else
		buf_add(&b, data, size);
	if (!events_agree(buf_ptr(&b), b.len, NULL))
		abort();
	buf_free(&b);
	return 0;
}
