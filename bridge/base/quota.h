#ifndef BRIDGE_BASE_QUOTA_H
#define BRIDGE_BASE_QUOTA_H
#include <stdbool.h>
#include "bridge/base/loop.h"

/*
 * Lines of the log that somebody outside can cause as often as he likes. About each of them 1,000 are written at once and then one a second, about
 * all together 5,000 and then ten a second, or so many times as much. The rest are counted, and once a minute a line tells how many about whom are
 * not in the log; where they are more than can be kept apart, that is "others".
 */
struct log_quota;
/* Nothing was written yet; ${times} is 1 to 20. Aborts when out of memory. Caller frees. */
struct log_quota *log_quota_new(struct loop *l, int64_t times);
/* Tells what is not told yet, and frees it. NULL is allowed. */
void log_quota_free(struct log_quota *q);
/* May a line about ${who} be written, a name, an address or HOST:PORT (whatever the port; the /64 network of IPv6 is one)? If not, it is counted. */
bool log_quota_takes(struct log_quota *q, const char *who);
#endif
