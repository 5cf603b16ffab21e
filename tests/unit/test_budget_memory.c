/* links: base availability conf pki budget */
#include "bridge/base/log.h"
#include "tests/unit/budget_help.h"

/* What is remembered has an end: who fills it takes nothing from others. */

/* A peer that names a hundred thousand people wins nobody's budget back, and takes nobody's place. */
static void a_flood_of_names(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {{0, 10}, {0, 50}, {0, 1000000}};
	char name[40];
	unsigned bad = 0;

	fresh();
	CHECK_INT(many(l, &anna, 0, 20, DAY, T0), 10);
	for (unsigned i = 0; i < 20; i++)
		ask_named(l, "greedy@c.example", BUDGET_PERSON, "site-c", i);
	for (unsigned i = 0; i < 400000; i++) {
		snprintf(name, sizeof name, "p%u@b.example", i);
		bad += ask_named(l, name, BUDGET_PERSON, "site-b", i % 500) != BUDGET_GO;
	}
	CHECK_INT(bad, 0);
	CHECK_INT(ask(l, &anna, 11, DAY, T0), BUDGET_OVER);
	CHECK_INT(ask(l, &anna, 3, DAY, T0), BUDGET_GO);
	CHECK_INT(ask_named(l, "greedy@c.example", BUDGET_PERSON, "site-c", 11), BUDGET_OVER);
	CHECK_INT(many(l, &carl, 0, 20, DAY, T0), 10); /* there is room for who comes later */
	bad = 0;
	for (unsigned i = 0; i < 1000; i++) { /* and another peer's people still have budgets of their own */
		snprintf(name, sizeof name, "p%u@d.example", i / 20);
		bad += ask_named(l, name, BUDGET_PERSON, "site-d", i % 20) == BUDGET_GO;
	}
	CHECK_INT(bad, 500);
	gone();
}

/* A peer has a share of what can be remembered of those whom it names; past it they pay for repetition, and others do not. */
static void a_share_of_the_memory(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {{0, 1000}, {0, 50}, {0, 1000000}};
	char name[40];
	unsigned n = 0;

	fresh();
	for (unsigned i = 0; i < 300000; i++) {
		snprintf(name, sizeof name, "p%u@b.example", i / 1000);
		n += ask_named(l, name, BUDGET_PERSON, "site-b", i % 1000) == BUDGET_GO;
	}
	CHECK_INT(n, 300000);
	CHECK_INT(ask_named(l, "p0@b.example", BUDGET_PERSON, "site-b", 0), BUDGET_GO);
	CHECK_INT(ask_named(l, "p299@b.example", BUDGET_PERSON, "site-b", 0), BUDGET_OVER);
	CHECK_INT(many(l, &anna, 0, 2000, DAY, T0), 1000);
	CHECK_INT(many(l, &anna, 0, 1000, DAY, T0), 1000);
	gone();
}

/* More pairs than can be remembered: limits still hold, only repetition costs. */
static void full_memory(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {{0, 1000000}, {0, 1000000}, {0, 1000000}};
	struct budget_asker a = {.kind = BUDGET_ORGANISATION};
	const char *const names[] = {"x0", "x1", "x2", "x3", "x4"};
	unsigned n = 0;

	fresh();
	for (unsigned i = 0; i < 5; i++) {
		a.name = names[i];
		n += many(l, &a, 0, 1000010, DAY, T0);
	}
	CHECK_INT(n, 5000000);
	CHECK(many(l, &anna, 0, 100, DAY, T0) == 100);
	gone();
}

int main(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	a_flood_of_names();
	a_share_of_the_memory();
	full_memory();
	return check_done();
}
