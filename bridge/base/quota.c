#include "bridge/base/quota.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"

enum { AT_ONCE = 1000, EVERY_MS = 1000, ALL_AT_ONCE = 5000, ALL_EVERY_MS = 100, TELL_MS = 60000, ACCOUNTS = 64, WHO = 80, NET_BYTES = 8 };

/* One about whom lines are written. */
struct account {
	char who[WHO];
	int64_t paid;    /* until when the lines about it are paid for */
	size_t left_out; /* since the last line that told */
};

struct log_quota {
	struct loop *loop;
	int64_t times;
	struct account all, accounts[ACCOUNTS];
	struct loop_timer *tell; /* runs while something is left out */
};

/* Each line costs so long of the future; no more than so many in advance are given. */
static bool can_pay(const struct account *a, int64_t now, int64_t every, int64_t at_once)
{
	return a->paid <= now + (at_once - 1) * every;
}

static void pay(struct account *a, int64_t now, int64_t every)
{
	a->paid = (a->paid > now ? a->paid : now) + every;
}

static void tell(const struct log_quota *q, struct account *a)
{
	char text[200];

	snprintf(text, sizeof text, "so many more lines about it are not in the log: about each %d are, then %d a second; about all %d, then %d",
	         AT_ONCE * (int)q->times, (int)q->times, ALL_AT_ONCE * (int)q->times, EVERY_MS / ALL_EVERY_MS * (int)q->times);
	if (a->left_out)
		log_event(LOG_LEVEL_WARN, "lines-left-out", LS("about", a->who), LI("times", a->left_out), LS("text", text));
	a->left_out = 0;
}

static void tell_all(void *arg)
{
	struct log_quota *q = arg;

	for (size_t i = 0; i < ACCOUNTS; i++)
		tell(q, &q->accounts[i]);
	tell(q, &q->all);
	loop_timer_free(q->tell);
	q->tell = NULL;
}

/* The account of ${who}, perhaps in the place of the one that has been quiet for longest. */
static struct account *account_of(struct log_quota *q, const char *who)
{
	struct account *quiet = q->accounts;

	for (struct account *a = q->accounts; a < q->accounts + ACCOUNTS; a++) {
		if (strcmp(a->who, who) == 0)
			return a;
		if (a->paid < quiet->paid)
			quiet = a;
	}
	q->all.left_out += quiet->left_out; /* told with the rest: else as many lines as there are addresses */
	*quiet = (struct account){.paid = 0};
	snprintf(quiet->who, WHO, "%s", who);
	return quiet;
}

/* Whoever has one address of IPv6 has the whole network of it. One of IPv4 in such a form is its own. */
static void name_account(char out[WHO], const char *who)
{
	const char *port = strrchr(who, ':'), *first = who[0] == '[' ? who + 1 : who;
	size_t n = port ? (size_t)(port - who) : strlen(who);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	snprintf(out, WHO, "%.*s", (int)n, who);
	snprintf(text, sizeof text, "%.*s", (int)strcspn(first, "]"), first);
	if (inet_pton(AF_INET6, text, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a))
		return;
	memset(a.s6_addr + NET_BYTES, 0, sizeof a - NET_BYTES);
	snprintf(out, WHO, "%s/64", inet_ntop(AF_INET6, &a, text, sizeof text));
}

bool log_quota_takes(struct log_quota *q, const char *who)
{
	int64_t now = loop_ms(), every = EVERY_MS / q->times, all_every = ALL_EVERY_MS / q->times;
	struct account *a;
	char name[WHO];

	name_account(name, who);
	a = account_of(q, name);
	if (can_pay(a, now, every, AT_ONCE * q->times) && can_pay(&q->all, now, all_every, ALL_AT_ONCE * q->times)) {
		pay(a, now, every);
		pay(&q->all, now, all_every);
		return true;
	}
	a->left_out++;
	if (!q->tell)
		q->tell = loop_timer_new(q->loop, TELL_MS, tell_all, q);
	return false;
}

struct log_quota *log_quota_new(struct loop *l, int64_t times)
{
	struct log_quota *q = calloc(1, sizeof *q);

	if (!q)
		abort();
	q->loop = l;
	q->times = times;
	snprintf(q->all.who, WHO, "others");
	return q;
}

void log_quota_free(struct log_quota *q)
{
	if (!q)
		return;
	tell_all(q);
	free(q);
}
