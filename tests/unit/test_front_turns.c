/* links: base availability conf acl address_space ews login pki budget trace front */
#include "bridge/front/slow.h"
#include "tests/unit/check.h"

static const char here[] = "192.0.2.1", there[] = "192.0.2.2";
enum { MINUTE = 60 * 1000 };

static void one_pair(void)
{
	struct slow *s = slow_new(100);
	int64_t now = 1000, before = 0;

	for (int i = 0; i < 4; i++) {
		CHECK_INT(slow_wait(s, here, "anna", false, now), 0);
		slow_wrong(s, here, "anna", now);
	}
	CHECK_INT(slow_wait(s, here, "anna", false, now), 0); /* a few slips cost nothing */
	for (int i = 0; i < 3; i++) {
		slow_wrong(s, here, "anna", now);
		CHECK(slow_wait(s, here, "anna", false, now) > 2 * before - (before != 0)); /* each turn lies further away than the one before */
		before = slow_wait(s, here, "anna", false, now);
	}
	/* the same name, however it is written */
	CHECK_INT(slow_wait(s, here, "LABA\\ANNA", false, now), before);
	/* others, and the same from elsewhere, wait for nothing */
	CHECK_INT(slow_wait(s, here, "bob", false, now), 0);
	CHECK_INT(slow_wait(s, there, "anna", false, now), 0);
	/* time runs; what is over is over */
	CHECK_INT(slow_wait(s, here, "anna", false, now + before - 1), 1);
	CHECK_INT(slow_wait(s, here, "anna", false, now + before), 0);
	slow_right(s, here, "anna", now + before);
	slow_wrong(s, here, "anna", now + before);
	CHECK_INT(slow_wait(s, here, "anna", false, now + before), 0); /* a right one begins anew */
	for (int i = 0; i < 20; i++)
		slow_wrong(s, there, "", now); /* tickets that nobody's name could be read from are not guesses */
	CHECK_INT(slow_wait(s, there, "", false, now), 0);
	slow_free(s);
}

/* However many came at once: the next turn is never out of sight, and whoever is too far away is turned away. */
static void many_at_once(void)
{
	struct slow *s = slow_new(100);

	for (int i = 0; i < 500; i++)
		slow_wrong(s, here, "svc", 1000);
	CHECK(slow_wait(s, here, "svc", false, 1000) > SLOW_REFUSE_MS);
	CHECK(slow_wait(s, here, "svc", false, 1000) <= MINUTE);
	CHECK_INT(slow_wait(s, there, "svc", false, 1000), 0);
	slow_free(s);
}

/* A right password among many that are turned away leaves no trace: the turns go on as if it had been wrong. */
static void right_but_not_told(void)
{
	struct slow *s = slow_new(100), *without = slow_new(100);
	int64_t later = 1000 + MINUTE;

	for (int i = 0; i < 50; i++) {
		slow_wrong(s, here, "svc", 1000);
		slow_wrong(without, here, "svc", 1000);
	}
	CHECK(slow_wait(s, here, "svc", 1000, false) > SLOW_REFUSE_MS);
	slow_right(s, here, "svc", 1000);
	for (int i = 0; i < 4; i++) {
		CHECK_INT(slow_wait(s, here, "svc", later, false), slow_wait(without, here, "svc", later, false));
		slow_wrong(s, here, "svc", later);
		slow_wrong(without, here, "svc", later);
	}
	CHECK(slow_wait(s, here, "svc", later, false) > 0);
	slow_free(s);
	slow_free(without);
}

/* One password tried on many names: the address waits, but not the service account that has logged in from it, nor for long. */
static void many_names(void)
{
	struct slow *s = slow_new(300);
	char name[20];

	slow_right(s, here, "svc", 1000);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		slow_wrong(s, here, name, 1000);
	}
	CHECK(slow_wait(s, here, "user900", false, 1000) > 0);
	CHECK(slow_wait(s, here, "user900", false, 1000) < SLOW_REFUSE_MS);
	CHECK_INT(slow_wait(s, here, "svc", true, 1000), 0);
	CHECK_INT(slow_wait(s, here, "svc", false, 1000), slow_wait(s, here, "user900", false, 1000)); /* a wrong one does not tell that it has */
	CHECK_INT(slow_wait(s, here, "user900", true, 1000), slow_wait(s, here, "user900", false, 1000));
	CHECK_INT(slow_wait(s, there, "user1", false, 1000), 0);
	slow_free(s);
}

static void forgotten(void)
{
	struct slow *s = slow_new(3);

	for (int i = 0; i < 6; i++)
		slow_wrong(s, "2001:db8::1", "anna", 1000);
	CHECK(slow_wait(s, "2001:db8::2", "anna", false, 1000) > 0);    /* the same network */
	CHECK_INT(slow_wait(s, "2001:db8:0:1::2", "anna", false, 1000), 0);
	slow_wrong(s, here, "x", 1000 + 16 * MINUTE);
	slow_wrong(s, "2001:db8::1", "anna", 1000 + 16 * MINUTE);
	CHECK_INT(slow_wait(s, "2001:db8::1", "anna", false, 1000 + 16 * MINUTE), 0); /* a quarter of an hour later: counted from one again */
	slow_free(s);
	slow_free(NULL);
}

int main(void)
{
	one_pair();
	many_at_once();
	right_but_not_told();
	many_names();
	forgotten();
	return check_done();
}
