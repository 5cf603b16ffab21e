#include "bridge/process/expiry.h"
#include <time.h>

enum { DAY = 86400 };

enum expiry expiry_of(int64_t until, int64_t now)
{
	int64_t left;

	if (until <= 0 || now < 0) /* a peer may say any number */
		return EXPIRY_UNKNOWN;
	left = until - now;
	return left <= 0 ? EXPIRY_OVER : left <= 7 * DAY ? EXPIRY_7 : left <= 30 * DAY ? EXPIRY_30 : left <= 60 * DAY ? EXPIRY_60 : EXPIRY_FAR;
}

void expiry_put(struct buf *out, int64_t until, int64_t now)
{
	int64_t days = (until > now ? until - now : now - until) / DAY;
	time_t t = (time_t)until;
	char date[32] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(date, sizeof date, "%Y-%m-%d", &tm);
	buf_printf(out, until > now ? "ends in %lld day%s (on %s)" : "ended %lld day%s ago (on %s)", (long long)days, days == 1 ? "" : "s", date);
}
