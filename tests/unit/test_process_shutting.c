/* links: all */
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/pack.h"
#include "bridge/process/control_server.h"
#include "bridge/process/generation_own.h"
#include "bridge/process/shutting.h"
#include "bridge/process/spawn.h"
#include "tests/unit/check.h"

/* What is cut off reaches every bridge, whenever it starts, and whoever asked hears of it no sooner. The bridge is played by this program. */

static struct {
	struct loop *l;
	struct generation g;
	struct slot slot;
	struct channel *bridge;
	struct generations all;
	struct shutting *s;
	size_t came;        /* MSG_SHUT */
	uint32_t numbers[8]; /* of the first eight */
	char what[CONTROL_LINE_MAX];
	bool silent;        /* it does not say that it is done */
	const char *ended;  /* why the bridge's end of the channel did */
} t;

static void say_done(uint32_t number)
{
	struct buf b;

	buf_init(&b, 4);
	pack_u32(&b, number);
	CHECK_INT(channel_send(t.bridge, MSG_SHUT_DONE, buf_ptr(&b), b.len, -1), 0);
	buf_free(&b);
}

static void at_bridge(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct unpack u = unpack_start(data, len);
	uint32_t number = unpack_u32(&u);

	CHECK_INT(type, MSG_SHUT);
	if (t.came < 8)
		t.numbers[t.came] = number;
	t.came++;
	snprintf(t.what, sizeof t.what, "%s", unpack_str(&u));
	CHECK(unpack_done(&u));
	if (!t.silent)
		say_done(number);
	loop_stop(t.l);
}

static void bridge_ended(void *arg, const char *why)
{
	t.ended = why;
	loop_stop(t.l);
}

static void said(void *arg, uint16_t type, const uint8_t *data, size_t len)
{
	CHECK_INT(type, MSG_SHUT_DONE);
	shutting_check(t.s);
	loop_stop(t.l);
}

static void stop(void *arg)
{
	loop_stop(t.l);
}

/* Until ${n} more messages have come to either side, or two seconds have gone. */
static void run(int n)
{
	struct loop_timer *guard = loop_timer_new(t.l, 2000, stop, NULL);

	while (n--)
		loop_run(t.l);
	loop_timer_free(guard);
}

static void cut(void *arg)
{
}

static const struct generation_events events = {.said = said, .cut = cut};

/* The generation's bridge has just been started. */
static void start_bridge(void)
{
	int pair[2];

	CHECK_INT(spawn_socketpair(pair), 0);
	t.g = (struct generation){.loop = t.l, .number = 1, .ev = &events, .slots = &t.slot, .n = 1, .bridges = 1, .shut = t.g.shut, .n_shut = t.g.n_shut,
	                          .shut_number = t.g.shut_number};
	t.slot = (struct slot){.g = &t.g, .kind = KIND_BRIDGE, .pid = INT_MAX}; /* nobody has that number */
	t.slot.channel = channel_new(t.l, pair[0], MESSAGES(messages_from_bridge), generation_heard, generation_cut, &t.slot);
	t.bridge = channel_new(t.l, pair[1], MESSAGES(messages_from_supervisor), at_bridge, bridge_ended, NULL);
}

static void begin(void)
{
	memset(&t, 0, sizeof t);
	t.l = loop_new();
	t.s = shutting_new(t.l, &t.all);
	start_bridge();
}

static void end_bridge(void)
{
	channel_free(t.bridge);
	channel_free(t.slot.channel);
}

static void end(void)
{
	end_bridge();
	while (control_replies_open()) { /* they go out in the loop */
		struct loop_timer *soon = loop_timer_new(t.l, 5, stop, NULL);

		loop_run(t.l);
		loop_timer_free(soon);
	}
	shutting_free(t.s);
	generation_shut_free(&t.g);
	loop_free(t.l);
}

/* The asker's end of a connection on which ${line} was asked. */
static int ask(const char *line, bool noted)
{
	int pair[2];

	CHECK_INT(spawn_socketpair(pair), 0);
	shutting_ask(t.s, pair[0], line, noted);
	return pair[1];
}

static bool was_answered(int fd)
{
	char text[8] = "";
	ssize_t n;

	run(1); /* the reply goes out in a turn of its own */
	n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
	return n > 0 && strcmp(text, "0\n") == 0;
}

/* The longest request that the control socket takes reaches the bridge as it is. */
static void test_longest(void)
{
	char line[CONTROL_LINE_MAX];
	int fd;

	begin();
	t.all = (struct generations){{&t.g}, 1};
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = 0;
	memcpy(line, "pin-shut ", 9);
	fd = ask(line, false);
	run(2);
	CHECK_INT(t.came, 1);
	CHECK_INT(strlen(t.what), sizeof line - 1 - 5);
	CHECK_STR(t.ended, NULL);
	CHECK(was_answered(fd));
	close(fd);
	end();
}

/* A bridge that is started again is told of all that was cut off, and has done it when it has done the last of it. */
static void test_again(void)
{
	begin();
	t.silent = true;
	generation_shut(&t.g, 1, "peer site-b");
	generation_shut(&t.g, 2, "pin sha256:00");
	run(2);
	CHECK_INT(t.came, 2);
	CHECK_INT(generation_shut_open(&t.g, 2), 1);
	end_bridge();
	start_bridge();
	generation_shut_again(&t.slot);
	CHECK_INT(generation_shut_open(&t.g, 2), 1);
	while (t.came < 4 && !t.ended)
		run(1);
	say_done(t.numbers[2]);
	run(1);
	CHECK_INT(generation_shut_open(&t.g, 1), 1); /* the first one's word counts for the first alone */
	CHECK_INT(generation_shut_open(&t.g, 2), 1);
	say_done(t.numbers[3]);
	run(1);
	CHECK_INT(generation_shut_open(&t.g, 1), 0);
	CHECK_INT(generation_shut_open(&t.g, 2), 0);
	end();
}

/* All that is cut off while settings are read is told to the generation that starts with them, however much it is. */
static void test_late(void)
{
	enum { MANY = 700 }; /* of 2,000 bytes each */
	char line[CONTROL_LINE_MAX];

	begin();
	shutting_reads(t.s);
	for (int i = 0; i < MANY; i++) {
		snprintf(line, sizeof line, "pin-shut %04d%01990d", i, 0);
		close(ask(line, true));
		close(ask(line, i % 2)); /* said twice it is told once */
	}
	t.silent = true;
	shutting_late(t.s, &t.g);
	CHECK_INT(t.g.n_shut, MANY);
	CHECK(t.g.n_shut && strncmp(t.g.shut[t.g.n_shut - 1], "pin 0699", 8) == 0);
	/* what came before the next reading is no news to it */
	shutting_reads(t.s);
	close(ask("peer-shut site-b", false));
	shutting_late(t.s, &t.g);
	CHECK_INT(t.g.n_shut, MANY);
	end();
}

int main(void)
{
	test_longest();
	test_again();
	test_late();
	return check_done();
}
