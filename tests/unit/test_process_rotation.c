/* links: base availability conf dns pki login address_space acl audit budget ews trace front link pairing backend directory proxy process gen */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sys/wait.h>
#include "bridge/process/course.h"
#include "bridge/process/expiry.h"
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/messages.h"
#include "bridge/process/rotation.h"
#include "bridge/process/notes.h"
#include "tests/unit/check.h"

enum { DAY = 86400 };

static enum course due(struct course_facts f)
{
	return course_due(&f);
}

static void test_course(void)
{
	const int64_t now = 1800000000;

	/* by hand: whatever the files are, nothing is due */
	CHECK_INT(due((struct course_facts){.now = now, .born = 0}), COURSE_NOTHING);
	CHECK_INT(due((struct course_facts){.now = now, .has_next = true, .all_took = true}), COURSE_NOTHING);
	CHECK_INT(due((struct course_facts){.now = now, .has_old = true, .promoted = 0}), COURSE_NOTHING);
	/* to the second */
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 90, .born = now - 90 * DAY + 1}), COURSE_NOTHING);
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 90, .born = now - 90 * DAY}), COURSE_NEXT);
	/* an old key that has a next one already waits for the peers, however old it is */
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 1, .born = 0, .has_next = true}), COURSE_NOTHING);
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 1, .born = now, .has_next = true, .all_took = true}), COURSE_PROMOTE);
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 90, .born = now, .has_old = true, .promoted = now - COURSE_OLD_STAYS + 1}), COURSE_NOTHING);
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 90, .born = now, .has_old = true, .promoted = now - COURSE_OLD_STAYS}), COURSE_RETIRE);
	/* no third key while there is an old one */
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 1, .born = 0, .has_old = true, .promoted = now, .has_next = true, .all_took = true}), COURSE_NOTHING);
	/* a clock that was set back makes nothing due */
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 1, .born = now + DAY}), COURSE_NOTHING);
	CHECK_INT(due((struct course_facts){.now = now, .every_days = 1, .has_old = true, .promoted = now + DAY}), COURSE_NOTHING);
}

/* All of a life by the function alone: three keys in the order of the course. */
static void test_life(void)
{
	struct course_facts f = {.now = 1800000000, .every_days = 30, .born = 1800000000};
	int steps[4] = {0};

	for (int hour = 0; hour < 24 * 100; hour++, f.now += 3600) {
		enum course c = course_due(&f);

		steps[c]++;
		if (c == COURSE_NEXT)
			f.has_next = true;
		f.all_took = f.has_next && hour % 7 == 0; /* it takes a while until all were there */
		if (c == COURSE_PROMOTE) {
			f.has_next = f.all_took = false;
			f.has_old = true;
			f.promoted = f.born = f.now;
		}
		if (c == COURSE_RETIRE)
			f.has_old = false;
	}
	CHECK_INT(steps[COURSE_NEXT], 3);
	CHECK_INT(steps[COURSE_PROMOTE], 3);
	CHECK_INT(steps[COURSE_RETIRE], 3);
}

static void test_expiry(void)
{
	const int64_t now = 1772438400; /* 2026-03-02 08:00 UTC */
	static const struct {
		int64_t left;
		enum expiry is;
	} rows[] = {
		{61LL * DAY, EXPIRY_FAR}, {60LL * DAY + 1, EXPIRY_FAR}, {60LL * DAY, EXPIRY_60}, {30LL * DAY + 1, EXPIRY_60}, {30LL * DAY, EXPIRY_30},
		{7LL * DAY + 1, EXPIRY_30}, {7LL * DAY, EXPIRY_7}, {1, EXPIRY_7}, {0, EXPIRY_OVER}, {-DAY, EXPIRY_OVER},
	};
	struct buf b;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_INT(expiry_of(now + rows[i].left, now), rows[i].is);
	CHECK_INT(expiry_of(0, now), EXPIRY_UNKNOWN);
	CHECK_INT(expiry_of(INT64_MIN, now), EXPIRY_UNKNOWN); /* as a peer may say */
	CHECK_INT(expiry_of(INT64_MAX, now), EXPIRY_FAR);
	buf_init(&b, 256);
	expiry_put(&b, now + 12 * DAY, now);
	CHECK_STR(buf_cstr(&b), "ends in 12 days (on 2026-03-14)");
	buf_reset(&b);
	expiry_put(&b, now - DAY, now);
	CHECK_STR(buf_cstr(&b), "ended 1 day ago (on 2026-03-01)");
	buf_free(&b);
}

static void test_notes(void)
{
	char dir[] = "/tmp/notes-XXXXXX", path[64], command[64];
	uint8_t one[PKI_PIN_LEN] = {1}, two[PKI_PIN_LEN] = {2}, got[PKI_PIN_LEN];
	struct buf packed;
	struct unpack u;
	int64_t when;
	FILE *f;

	CHECK(mkdtemp(dir) != NULL);
	CHECK(!notes_get(dir, NOTES_TAKEN, "site-b", got, NULL));
	CHECK_INT(notes_put(dir, NOTES_TAKEN, "site-b", one), 0);
	CHECK_INT(notes_put(dir, NOTES_TAKEN, "site-c", two), 0);
	CHECK(notes_get(dir, NOTES_TAKEN, "site-b", got, NULL) && memcmp(got, one, sizeof got) == 0);
	CHECK_INT(notes_put(dir, NOTES_TAKEN, "site-b", two), 0);
	CHECK(notes_get(dir, NOTES_TAKEN, "site-b", got, NULL) && memcmp(got, two, sizeof got) == 0);
	CHECK_INT(notes_learn(dir, NOTES_TAKEN, "site-b", two), 0);
	CHECK_INT(notes_learn(dir, NOTES_TAKEN, "site-d", two), 1);
	CHECK(notes_get(dir, NOTES_TAKEN, "site-d", got, &when) && when > 1700000000);
	buf_init(&packed, 4096);
	notes_pack(dir, NOTES_TAKEN, &packed);
	u = unpack_start(buf_ptr(&packed), packed.len);
	CHECK_INT(unpack_u32(&u), 3);
	CHECK_STR(unpack_str(&u), "site-b");
	buf_free(&packed);
	CHECK_INT(notes_put(dir, NOTES_TAKEN, "site-b", NULL), 0);
	CHECK_INT(notes_put(dir, NOTES_TAKEN, "nobody", NULL), 0);
	CHECK(!notes_get(dir, NOTES_TAKEN, "site-b", got, NULL));
	CHECK(notes_get(dir, NOTES_TAKEN, "site-c", got, NULL));
	/* a line that is none counts for nothing */
	snprintf(path, sizeof path, "%s/%s", dir, NOTES_PENDING);
	CHECK((f = fopen(path, "w")) != NULL);
	fputs("site-b sha256:12\nsite-c\n", f);
	fclose(f);
	CHECK(!notes_get(dir, NOTES_PENDING, "site-b", got, NULL));
	CHECK(!notes_get(dir, NOTES_PENDING, "site-c", got, NULL));
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK_INT(system(command), 0);
}

/* ---- what the supervisor makes of an announcement; this very program plays the verb that writes it down ---- */

#define STOLEN "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define NEXT "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define OTHER "sha256:3333333333333333333333333333333333333333333333333333333333333333"

struct heard {
	int pins; /* how often the bridges were told of one */
	int said; /* what the peer is answered, -1 = nothing yet */
	size_t bridges;  /* that run */
	uint64_t number; /* of what they were told last */
};

static size_t tell(void *arg, uint16_t type, const void *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	struct heard *h = arg;

	h->pins += type == MSG_PIN;
	if (type == MSG_PIN)
		h->number = unpack_u64(&u);
	if (type == MSG_ANNOUNCED_DONE) {
		unpack_u64(&u);
		h->said = unpack_u8(&u);
	}
	return h->bridges;
}

static bool no_reload(void *arg)
{
	return false;
}

/* Announces NEXT under STOLEN; while the verb has written it and nobody has seen to its end, ${line} is cut off. */
static void announce_to(struct rotation *r, const char *line)
{
	struct buf b;
	int status;
	pid_t pid;

	buf_init(&b, 1024);
	pack_u64(&b, 7);
	pack_u8(&b, 0);
	pack_str(&b, "site-b");
	pack_str(&b, STOLEN);
	pack_str(&b, NEXT);
	pack_str(&b, "");
	rotation_said(r, MSG_ANNOUNCED, buf_ptr(&b), b.len);
	CHECK((pid = waitpid(-1, &status, 0)) > 0);
	rotation_forget(r, line);
	CHECK(rotation_reaped(r, pid, status));
	buf_free(&b);
}

static const struct rotation_doors doors_of_bridges = {tell, no_reload};

static struct heard announce(const char *line)
{
	struct heard h = {.said = -1};
	struct loop *l = loop_new();
	struct rotation *r = rotation_new(l, "/nowhere", &doors_of_bridges, &h);

	announce_to(r, line);
	rotation_free(r);
	loop_free(l);
	return h;
}

static void bridge_knows(struct rotation *r, uint64_t number)
{
	struct buf b;

	buf_init(&b, 8);
	pack_u64(&b, number);
	rotation_said(r, MSG_PIN_DONE, buf_ptr(&b), b.len);
	buf_free(&b);
}

/* Of two bridges that are told one ends without a word, as those of a generation that drains do: only the other one is waited for. */
static void test_bridge_ends(void)
{
	struct heard h = {.said = -1, .bridges = 2};
	struct loop *l = loop_new();
	struct rotation *r = rotation_new(l, "/nowhere", &doors_of_bridges, &h);
	uint64_t first;

	announce_to(r, "pin-shut " OTHER);
	first = h.number;
	bridge_knows(r, first);
	CHECK_INT(h.said, -1);
	h.bridges = 1;
	rotation_bridge_ended(r);
	CHECK_INT(h.pins, 2);
	bridge_knows(r, first); /* an old word */
	CHECK_INT(h.said, -1);
	bridge_knows(r, h.number);
	CHECK_INT(h.said, 0);
	rotation_bridge_ended(r); /* nothing is told any more */
	CHECK_INT(h.pins, 2);
	rotation_free(r);
	loop_free(l);
}

static void test_cut(void)
{
	static const char *const cuts[] = {"pin-shut " STOLEN, "pin-shut " OTHER " " NEXT, "peer-shut site-b"};
	struct heard h = announce("pin-shut " OTHER);

	CHECK_INT(h.pins, 1);
	CHECK_INT(h.said, 0);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		h = announce(cuts[i]);
		CHECK_INT(h.pins, 0);
		CHECK_INT(h.said, 2);
	}
}

/* ---- the keys' files were changed: a reload that could not be had, or failed, is asked for again ---- */

static struct {
	struct loop *l;
	struct rotation *r;
	bool busy;      /* a reload is under way */
	int reloads;    /* that were asked for */
} owing;

static bool reload(void *arg)
{
	owing.reloads++;
	setenv("ROTATED", "1", 1); /* for the verb: nothing is due any more */
	loop_stop(owing.l);
	if (owing.busy)
		return false;
	rotation_reloads(owing.r);
	return true;
}

static void reap(void *arg)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		CHECK(rotation_reaped(owing.r, pid, status));
}

static void give_up(void *arg)
{
	loop_stop(owing.l);
}

/* Until a reload is asked for. */
static void wait_for_reload(void)
{
	struct loop_timer *guard = loop_timer_new(owing.l, 20000, give_up, NULL);

	loop_run(owing.l);
	loop_timer_free(guard);
}

/* A peer has our next pin: the daemon looks again soon at what is due. */
static void look_soon(void)
{
	struct buf b;

	buf_init(&b, 1024);
	pack_str(&b, "site-b");
	pack_str(&b, NEXT);
	rotation_said(owing.r, MSG_TOOK, buf_ptr(&b), b.len);
	buf_free(&b);
}

static void test_reload_is_owed(void)
{
	static const struct rotation_doors doors = {tell, reload};
	struct heard h = {.said = -1};
	char dir[] = "/tmp/rotation-XXXXXX", command[64];
	struct plan plan = {.state_dir = mkdtemp(dir), .front_certificate = "/nowhere", .front_key = "/nowhere"};
	struct loop_signal *child;

	owing.l = loop_new();
	child = loop_signal_new(owing.l, SIGCHLD, reap, NULL);
	owing.r = rotation_new(owing.l, "/nowhere", &doors, &h);
	rotation_starts(owing.r, &plan);
	rotation_reloads(owing.r);
	rotation_reloaded(owing.r, &plan, NULL);
	owing.busy = true;
	wait_for_reload(); /* the verb has changed the files, and somebody else's reload is under way */
	CHECK_INT(owing.reloads, 1);
	owing.busy = false;
	wait_for_reload();
	CHECK_INT(owing.reloads, 2);
	rotation_reloaded(owing.r, NULL, "not ready in time");
	look_soon();
	wait_for_reload();
	CHECK_INT(owing.reloads, 3);
	rotation_free(owing.r);
	loop_signal_free(child);
	loop_free(owing.l);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK_INT(system(command), 0);
}

int main(int argc, char **argv)
{
	if (argc > 4 && strcmp(argv[4], "take-next") == 0)
		return puts("taken") < 0;
	if (argc > 4 && strcmp(argv[4], "rotate") == 0)
		return getenv("ROTATED") ? 0 : puts("The next identity is made.") < 0;
	if (argc > 4)
		return 0;
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	test_course();
	test_life();
	test_expiry();
	test_notes();
	test_cut();
	test_bridge_ends();
	test_reload_is_owed();
	return check_done();
}
