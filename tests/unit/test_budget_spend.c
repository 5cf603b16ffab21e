/* links: base availability conf pki budget */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/budget/siphash.h"
#include "tests/unit/budget_help.h"

/* What may be asked in a minute and a day, by whom, across processes, a midnight, and deaths. */

/* The first and some further values of the authors' list: key 00..0f, message 00, 01, ... */
static void the_hash_is_siphash(void)
{
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t message[15];

	for (uint8_t i = 0; i < 15; i++)
		message[i] = i;
	CHECK(siphash(key, message, 0) == 0x726fdb47dd0e0e31);
	CHECK(siphash(key, message, 8) == 0x93f5f5799a932462);
	CHECK(siphash(key, message, 15) == 0xa129ca6149be45e5);
}

static void the_day_is_exact(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {[BUDGET_PERSON] = {0, 1000}};

	fresh();
	CHECK_INT(many(l, &anna, 0, 5000, DAY, T0), 1000);
	CHECK_INT(many(l, &anna, 0, 1000, DAY, T0), 1000); /* the same again costs nothing */
	CHECK_INT(many(l, &anna, 1000, 5000, DAY, T0 + 3600 * S), 0);
	CHECK_INT(many(l, &carl, 1000, 5000, DAY, T0), 1000); /* others are not touched */
	/* midnight, and not a moment before */
	CHECK_INT(ask(l, &anna, 1000, DAY, T0 + 7200 * S), BUDGET_OVER);
	CHECK_INT(many(l, &anna, 1000, 5000, DAY + 1, T0 + 7200 * S), 1000);
	CHECK_INT(ask(l, &anna, 0, DAY + 1, T0 + 7200 * S), BUDGET_OVER); /* what was asked yesterday is new today */
	/* and for many days in a row, on the same memory */
	for (int64_t day = DAY + 2; day < DAY + 600; day += 7)
		CHECK_INT(many(l, &anna, 0, 1010, day, T0 + day), 1000);
	gone();
}

static void the_minute(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {[BUDGET_PERSON] = {600, 0}};
	unsigned n = 0;

	fresh();
	CHECK_INT(many(l, &anna, 0, 700, DAY, T0), 600);
	CHECK_INT(many(l, &anna, 0, 700, DAY, T0 + S), 10); /* the same target costs here */
	CHECK_INT(many(l, &carl, 0, 5, DAY, T0 + S), 5);
	for (int i = 0; i < 600; i++)
		n += many(l, &anna, 0, 100, DAY, T0 + (100 + i) * S);
	CHECK_INT(n, 600 + 599 * 10);
	CHECK_INT(many(none, &anna, 0, 100, DAY, T0 + 700 * S), 100); /* a reload with other limits counts at once */
	gone();
}

/* Those of one question are paid for one after the other: what is left goes to the first of them, and one that stands twice is one. */
static void a_question_about_many(void)
{
	const struct budget_limits by_day[BUDGET_KINDS] = {[BUDGET_PERSON] = {0, 2}}, by_minute[BUDGET_KINDS] = {[BUDGET_PERSON] = {3, 0}};
	const char *const targets[] = {"a@b.example", "a@b.example", "b@b.example", "c@b.example", "a@b.example"};
	enum budget_said said[5];

	fresh();
	budget_ask(b, by_day, &anna, 1, targets, 5, DAY, T0, said);
	CHECK_INT(said[0], BUDGET_GO);
	CHECK_INT(said[1], BUDGET_GO);
	CHECK_INT(said[2], BUDGET_GO);
	CHECK_INT(said[3], BUDGET_OVER);
	CHECK_INT(said[4], BUDGET_GO);
	budget_ask(b, by_minute, &carl, 1, targets, 5, DAY, T0, said);
	CHECK_INT(said[0], BUDGET_GO);
	CHECK_INT(said[2], BUDGET_GO);
	CHECK_INT(said[3], BUDGET_OVER);
	CHECK_INT(said[4], BUDGET_OVER);
	gone();
}

static void kinds_have_their_own(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {{0, 10}, {0, 50}, {0, 80}};
	const struct budget_asker exchange = {.kind = BUDGET_ORGANISATION, .name = "exchange"},
	                          other = {.kind = BUDGET_ORGANISATION, .name = "old-exchange"};
	unsigned n = 0;
	char name[40];

	fresh();
	CHECK_INT(many(l, &anna, 0, 100, DAY, T0), 10);
	CHECK_INT(many(l, &exchange, 0, 100, DAY, T0), 50);
	CHECK_INT(many(l, &other, 0, 100, DAY, T0), 50);
	/* whom a peer names counts for it as well; and it is somebody else than ours of the same name, or another peer's */
	for (unsigned i = 0; i < 20; i++)
		n += ask_named(l, "anna@a.example", BUDGET_PERSON, "site-b", i) == BUDGET_GO;
	CHECK_INT(n, 10);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "p%u@b.example", i);
		n += ask_named(l, name, BUDGET_PERSON, "site-b", 1000 + i) == BUDGET_GO;
	}
	CHECK_INT(n, 80); /* new names do not help it */
	CHECK_INT(ask_named(l, "anna@a.example", BUDGET_PERSON, "site-b", 3), BUDGET_GO); /* asked before */
	CHECK_INT(ask_named(l, "anna@a.example", BUDGET_PERSON, "site-c", 500), BUDGET_GO);
	CHECK_INT(ask_named(l, "c.example", BUDGET_ORGANISATION, "site-c", 501), BUDGET_GO);
	gone();
}

/* A refused question costs nobody anything: not the person whose peer is over. */
static void all_pay_or_nobody(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {{0, 10}, {0, 50}, {0, 5}}, more[BUDGET_KINDS] = {{0, 10}, {0, 50}, {0, 100}};
	unsigned n = 0;

	fresh();
	for (unsigned i = 0; i < 50; i++)
		n += ask_named(l, "p@b.example", BUDGET_PERSON, "site-b", i) == BUDGET_GO;
	CHECK_INT(n, 5);
	for (unsigned i = 50; i < 100; i++)
		n += ask_named(more, "p@b.example", BUDGET_PERSON, "site-b", i) == BUDGET_GO;
	CHECK_INT(n, 10);
	gone();
}

static void said_once_a_minute(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {{0, 3}};
	struct budget_over o;
	int pipes[2];
	char text[4096];
	ssize_t n;

	fresh();
	CHECK_INT(pipe(pipes), 0);
	log_setup(pipes[1], false, LOG_LEVEL_INFO, "test");
	CHECK(!budget_over(b, 0, DAY, T0, &o));
	CHECK_INT(many(l, &anna, 0, 500, DAY, T0), 3);
	CHECK_INT(many(l, &anna, 0, 500, DAY, T0 + 59 * S), 3);
	CHECK_INT(many(l, &carl, 0, 4, DAY, T0 + 59 * S), 3);
	CHECK_INT(many(l, &anna, 3, 4, DAY, T0 + 60 * S), 0);
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	close(pipes[1]);
	n = read(pipes[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	close(pipes[0]);
	n = 0;
	for (const char *at = text; (at = strstr(at, "event=over-budget ")); at++)
		n++;
	CHECK_INT(n, 3);
	CHECK(strstr(text, "who=anna@a.example peer=- budget=budget_person_targets_per_day limit=3 refused=1 ") != NULL);
	CHECK(budget_over(b, 0, DAY, T0 + 7200 * S, &o));
	CHECK_STR(o.name, "anna@a.example");
	CHECK_STR(o.setting, "budget_person_targets_per_day");
	CHECK_INT(o.limit, 3);
	CHECK_INT(o.refused, 497 * 2 + 1);
	CHECK(budget_over(b, 1, DAY, T0, &o));
	CHECK_STR(o.name, "carl@a.example");
	CHECK(!budget_over(b, 2, DAY, T0, &o));
	CHECK(!budget_over(b, 0, DAY + 1, T0, &o));
	gone();
}

/* What one process spent, all have spent; and whoever is killed in the midst of it, with or without the lock, holds nobody up. */
static void processes(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {{0, 1000}};
	unsigned i = 0;
	int status;
	pid_t pid;

	fresh();
	for (int round = 0; round < 40; round++) {
		int pipes[2];
		char byte;

		CHECK_INT(pipe(pipes), 0);
		if ((pid = fork()) == 0) {
			struct budget *own = budget_open(fd);

			for (i = 0; own; i++) {
				char target[40];

				snprintf(target, sizeof target, "u%u@b.example", i % 1500);
				ask_one(own, l, &anna, 1, target, DAY, T0);
				if (i == 50 && write(pipes[1], "x", 1) != 1)
					break;
			}
			_exit(1);
		}
		close(pipes[1]);
		CHECK_INT(read(pipes[0], &byte, 1), 1); /* it is at it */
		close(pipes[0]);
		kill(pid, SIGKILL);
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status));
		CHECK_INT(ask(l, &carl, (unsigned)round, DAY, T0), BUDGET_GO);
	}
	/* those that were killed may have spent a target each without its being counted */
	for (i = 0; i < 5000 && ask(l, &anna, 10000 + i, DAY, T0) == BUDGET_GO; i++)
		;
	CHECK(i < 1000);
	CHECK_INT(many(l, &carl, 0, 5000, DAY, T0), 1000);
	gone();
}

/* More payers or mailboxes than one question can have: nothing is known of any, and nobody pays. */
static void more_than_fit(void)
{
	const struct budget_limits l[BUDGET_KINDS] = {[BUDGET_PERSON] = {.per_minute = 1}};
	const struct budget_asker three[] = {carl, anna, anna};
	const char *targets[FB_MAX_MAILBOXES + 1];
	enum budget_said said[FB_MAX_MAILBOXES + 1];

	fresh();
	for (size_t i = 0; i <= FB_MAX_MAILBOXES; i++)
		targets[i] = "bob@b.example";
	budget_ask(b, l, three, 3, targets, 2, DAY, T0, said);
	CHECK(said[0] == BUDGET_COULD_NOT && said[1] == BUDGET_COULD_NOT);
	budget_ask(b, l, &anna, 1, targets, FB_MAX_MAILBOXES + 1, DAY, T0, said);
	for (size_t i = 0; i <= FB_MAX_MAILBOXES; i++)
		CHECK_INT(said[i], BUDGET_COULD_NOT);
	CHECK_INT(ask(l, &anna, 1, DAY, T0), BUDGET_GO);
	CHECK_INT(ask(l, &carl, 1, DAY, T0), BUDGET_GO);
	gone();
}

static void not_any_memory(void)
{
	int other = memfd_create("other", MFD_CLOEXEC);
	char name[400];
	const struct budget_asker endless = {.kind = BUDGET_PERSON, .name = name};

	CHECK(budget_open(other) == NULL);
	close(other);
	fresh();
	CHECK(ftruncate(fd, 10) != 0); /* nobody can pull it away under the others */
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	CHECK_INT(ask(none, &endless, 1, DAY, T0), BUDGET_COULD_NOT);
	gone();
}

/* How many of ten mailboxes may be asked about for ${requester}. */
static unsigned go_now(const struct budget_limits *l, const struct fb_requester *requester, unsigned from)
{
	enum budget_said said[10];
	const char *targets[10];
	char text[10][40];
	unsigned n = 0;

	for (unsigned i = 0; i < 10; i++) {
		snprintf(text[i], sizeof text[i], "user%u@b.example", from + i);
		targets[i] = text[i];
	}
	budget_ask_now(b, l, NULL, requester, targets, 10, said);
	for (unsigned i = 0; i < 10; i++)
		n += said[i] == BUDGET_GO;
	return n;
}

/* A server of ours that names one person after the other spends its own budget, which is that of its questions without a name, too. */
static void whomever_it_names(void)
{
	static const struct budget_limits l[BUDGET_KINDS] = {[BUDGET_PERSON] = {.targets_per_day = 15}, [BUDGET_ORGANISATION] = {.targets_per_day = 25}};
	struct fb_requester who = {.is_person = true, .account = "exchange"};
	unsigned n = 0;

	fresh();
	for (unsigned i = 0; i < 5; i++) {
		snprintf(who.name, sizeof who.name, "p%u@a.example", i);
		n += go_now(l, &who, 10 * i);
	}
	CHECK_INT(n, 25);
	CHECK_INT(go_now(l, &(struct fb_requester){.name = "a.example", .account = "exchange"}, 1000), 0);
	CHECK_INT(go_now(l, &(struct fb_requester){.is_person = true, .name = "p4@a.example"}, 1000), 10); /* by a login of her own */
	CHECK_INT(go_now(l, &(struct fb_requester){.is_person = true, .name = "p4@a.example"}, 2000), 5);
	gone();
}

int main(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	the_hash_is_siphash();
	the_day_is_exact();
	the_minute();
	a_question_about_many();
	kinds_have_their_own();
	all_pay_or_nobody();
	whomever_it_names();
	said_once_a_minute();
	processes();
	more_than_fit();
	not_any_memory();
	return check_done();
}
