/* links: base */
#include "bridge/base/quota.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "tests/unit/check.h"

/* Who causes lines without end has some, then one a second, and is told of with a count; nobody else has fewer for it. */

static char said[1 << 20];

/* What ${log}, which is read from its beginning, says. */
static const char *read_back(FILE *log)
{
	size_t n;

	rewind(log);
	n = fread(said, 1, sizeof said - 1, log);
	said[n] = 0;
	return said;
}

/* How many lines ${log} says are left out, in so many ${lines}. */
static size_t left_out(const char *log, size_t *lines)
{
	size_t n = 0;

	for (*lines = 0; (log = strstr(log, " times=")); ++*lines)
		n += strtoul(log += 7, NULL, 10);
	return n;
}

static void one_address(void)
{
	struct loop *l = loop_new();
	struct log_quota *q = log_quota_new(l, 1);
	FILE *log = tmpfile();
	char who[40];
	int64_t end;
	size_t n = 0, more = 0;

	log_setup(fileno(log), false, LOG_LEVEL_WARN, "test");
	for (int i = 0; i < 3000; i++) {
		snprintf(who, sizeof who, "192.0.2.1:%d", 1000 + i);
		n += log_quota_takes(q, who);
	}
	CHECK(n >= 1000 && n < 1010); /* and one for each second that it took */
	CHECK(log_quota_takes(q, "192.0.2.2:1000"));
	CHECK(log_quota_takes(q, "[2001:db8::1]:1000"));
	CHECK(log_quota_takes(q, "site-b"));
	for (end = loop_ms() + 5000; !more && loop_ms() < end;)
		more += log_quota_takes(q, "192.0.2.1:1");
	CHECK_INT(more, 1);
	CHECK_STR(read_back(log), "");
	log_quota_free(q);
	CHECK(strstr(read_back(log), "event=lines-left-out about=192.0.2.1 times=") != NULL);
	CHECK(strstr(said, "192.0.2.2") == NULL && strstr(said, "site-b") == NULL);
	fclose(log);
	loop_free(l);
}

/* All addresses of a network are one, and take nothing from others; those of IPv4 in the form of IPv6 are no network. */
static void one_network(void)
{
	struct loop *l = loop_new();
	struct log_quota *q = log_quota_new(l, 1);
	FILE *log = tmpfile();
	char who[40];
	size_t n = 0;

	log_setup(fileno(log), false, LOG_LEVEL_WARN, "test");
	for (int i = 0; i < 20000; i++) {
		snprintf(who, sizeof who, "[2001:db8::%x:1]:1", i);
		n += log_quota_takes(q, who);
	}
	CHECK(n >= 1000 && n < 1100);
	CHECK(!log_quota_takes(q, "2001:db8::1")); /* without a port it is the same */
	CHECK(log_quota_takes(q, "[2001:db8:0:1::1]:1"));
	for (int i = 0; i < 1100; i++)
		log_quota_takes(q, "[::ffff:192.0.2.1]:1");
	CHECK(log_quota_takes(q, "[::ffff:192.0.2.2]:1"));
	CHECK(log_quota_takes(q, "[fe80::1%eth0]:1"));
	CHECK(log_quota_takes(q, "[]:1"));
	log_quota_free(q);
	CHECK(strstr(read_back(log), "about=2001:db8::/64 ") != NULL);
	fclose(log);
	loop_free(l);
}

static void many_addresses(void)
{
	struct loop *l = loop_new();
	struct log_quota *q = log_quota_new(l, 1);
	FILE *log = tmpfile();
	char who[40];
	size_t n = 0, lines;

	log_setup(fileno(log), false, LOG_LEVEL_WARN, "test");
	for (int i = 0; i < 20000; i++) {
		snprintf(who, sizeof who, "[2001:db8:0:%x::1]:1", i);
		n += log_quota_takes(q, who);
	}
	CHECK(n >= 5000 && n < 5100);
	CHECK(read_back(log)[0] == 0); /* whose place another takes has no line for it */
	log_quota_free(q);
	CHECK_INT(left_out(read_back(log), &lines), 20000 - n);
	CHECK(lines <= 65);
	CHECK(strstr(said, "about=others ") != NULL);
	fclose(log);
	loop_free(l);
}

/* Where each request has a line there are more of them. */
static void twenty_times(void)
{
	struct loop *l = loop_new();
	struct log_quota *q = log_quota_new(l, 20);
	FILE *log = tmpfile();
	size_t n = 0;

	log_setup(fileno(log), false, LOG_LEVEL_WARN, "test");
	for (int i = 0; i < 30000; i++)
		n += log_quota_takes(q, "192.0.2.1");
	CHECK(n >= 20000 && n < 20100);
	CHECK(log_quota_takes(q, "192.0.2.2"));
	log_quota_free(q);
	CHECK(strstr(read_back(log), "about each 20000 are, then 20 a second; about all 100000, then 200\"") != NULL);
	fclose(log);
	loop_free(l);
}

int main(void)
{
	one_address();
	one_network();
	many_addresses();
	twenty_times();
	return check_done();
}
