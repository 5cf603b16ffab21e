#include "bridge/process/status.h"
#include <string.h>
#include "bridge/base/text.h"

void status_span(struct buf *b, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s >= 86400)
		buf_printf(b, "%llu d %llu h", (unsigned long long)(s / 86400), (unsigned long long)(s % 86400 / 3600));
	else if (s >= 3600)
		buf_printf(b, "%llu h %llu min", (unsigned long long)(s / 3600), (unsigned long long)(s % 3600 / 60));
	else if (s >= 60)
		buf_printf(b, "%llu min %llu s", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
	else
		buf_printf(b, "%llu s", (unsigned long long)s);
}

void status_safe(struct buf *out, const char *s)
{
	size_t n = strlen(s), step;

	for (; n; s += step, n -= step) {
		step = text_utf8_step(s, n);
		if (step == 0 || (unsigned char)*s < 0x20 || *s == 0x7f ||
		    (step == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0)) {
			buf_putc(out, '?');
			step = step ? step : 1;
		} else
			buf_add(out, s, step);
	}
}
