#include "bridge/process/status.h"

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
