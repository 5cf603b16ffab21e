#ifndef TESTS_UNIT_BUDGET_HELP_H
#define TESTS_UNIT_BUDGET_HELP_H
#include <unistd.h>
#include "bridge/budget/budget.h"
#include "tests/unit/check.h"

/* What the tests of budgets share: the memory of one day, and who asks in it. */

enum { DAY = 20514 };
static const int64_t S = 1000000000, T0 = 5000000000000;
static const struct budget_asker anna = {.kind = BUDGET_PERSON, .name = "anna@a.example"};
static const struct budget_asker carl = {.kind = BUDGET_PERSON, .name = "carl@a.example"};
static const struct budget_limits none[BUDGET_KINDS];
static struct budget *b;
static int fd;

static inline void fresh(void)
{
	fd = budget_make();
	CHECK(fd >= 0);
	b = budget_open(fd);
	if (!CHECK(b != NULL))
		exit(check_done());
}

static inline void gone(void)
{
	budget_free(b);
	close(fd);
}

/* ${n} askers about one target. */
static inline enum budget_said ask_one(struct budget *of, const struct budget_limits *l, const struct budget_asker *askers, size_t n,
                                const char *target, int64_t day, int64_t now)
{
	enum budget_said said;

	budget_ask(of, l, askers, n, &target, 1, day, now, &said);
	return said;
}

/* One asker about number ${i}. */
static inline enum budget_said ask(const struct budget_limits *l, const struct budget_asker *a, unsigned i, int64_t day, int64_t now)
{
	char target[40];

	snprintf(target, sizeof target, "user%u@b.example", i);
	return ask_one(b, l, a, 1, target, day, now);
}

/* How many of the numbers [from, to) ${a} may ask about. */
static inline unsigned many(const struct budget_limits *l, const struct budget_asker *a, unsigned from, unsigned to, int64_t day,
                     int64_t now)
{
	unsigned n = 0;

	for (; from < to; from++)
		n += ask(l, a, from, day, now) == BUDGET_GO;
	return n;
}

/* Somebody whom site-b names, and site-b. */
static inline enum budget_said ask_named(const struct budget_limits *l, const char *name, enum budget_kind kind, const char *peer,
                                  unsigned i)
{
	const struct budget_asker askers[] = {{.kind = kind, .peer = peer, .name = name}, {.kind = BUDGET_PEER, .name = peer}};
	char target[40];

	snprintf(target, sizeof target, "user%u@a.example", i);
	return ask_one(b, l, askers, 2, target, DAY, T0);
}
#endif
