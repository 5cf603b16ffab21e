#include "bridge/directory/filter.h"
#include <string.h>

void filter_value(struct buf *out, const void *p, size_t n)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e || strchr("()*\\", s[i]))
			buf_printf(out, "\\%02x", s[i]);
		else
			buf_putc(out, (char)s[i]);
}

void filter_equal(struct buf *out, const char *attribute, const char *prefix, const char *value)
{
	if (!*attribute)
		return;
	buf_printf(out, "(%s=", attribute);
	filter_value(out, prefix, strlen(prefix));
	filter_value(out, value, strlen(value));
	buf_putc(out, ')');
}

void filter_equal_bytes(struct buf *out, const char *attribute, const void *p, size_t n)
{
	buf_printf(out, "(%s=", attribute);
	filter_value(out, p, n);
	buf_putc(out, ')');
}

void filter_in_chain(struct buf *out, const char *attribute, const char *dn)
{
	buf_printf(out, "(%s:1.2.840.113556.1.4.1941:=", attribute);
	filter_value(out, dn, strlen(dn));
	buf_putc(out, ')');
}
