/* links: base */
#include "bridge/base/channel.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "tests/unit/check.h"

enum { WORD = 1, BIG = 2, GIFT = 3 };

static const struct channel_type table[] = {{WORD, "word", 8, 0}, {BIG, "big", 3 << 20, 0}, {GIFT, "gift", 8, 1}};

/* What one end saw. */
struct seen {
	struct loop *loop;
	struct channel *channel;
	size_t messages, bytes;
	int fd, stop_after, free_after;
	char why[80];
};

static void on_msg(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct seen *s = arg;

	s->messages++;
	s->bytes += len;
	if (fd >= 0)
		s->fd = fd;
	if (s->free_after && (int)s->messages == s->free_after) {
		channel_free(s->channel);
		s->channel = NULL;
		loop_stop(s->loop);
	}
	if (s->stop_after && (int)s->messages == s->stop_after)
		loop_stop(s->loop);
}

static void on_end(void *arg, const char *why)
{
	struct seen *s = arg;

	snprintf(s->why, sizeof s->why, "%s", why);
	channel_free(s->channel);
	s->channel = NULL;
	loop_stop(s->loop);
}

static int open_pair(struct seen *s, int stop_after)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) != 0)
		abort();
	*s = (struct seen){.loop = loop_new(), .fd = -1, .stop_after = stop_after};
	s->channel = channel_new(s->loop, p[0], table, 3, on_msg, on_end, s);
	return p[1];
}

static void close_pair(struct seen *s, int other)
{
	channel_free(s->channel);
	close(other);
	loop_free(s->loop);
}

/* Raw bytes ${hex} come from the other end; the channel must end and say ${why}. */
static void check_refused(const char *hex, const char *why)
{
	struct seen s;
	uint8_t bytes[64];
	size_t n = strlen(hex) / 2;
	int other = open_pair(&s, 0);

	CHECK(text_unhex(bytes, n, hex) && send(other, bytes, n, 0) == (ssize_t)n);
	shutdown(other, SHUT_WR);
	loop_run(s.loop);
	CHECK(strstr(s.why, why) != NULL);
	CHECK_INT(s.messages, 0);
	close_pair(&s, other);
}

static void test_refusals(void)
{
	check_refused("09000000" "0100" "0000", "larger");
	check_refused("ffffffff" "0200" "0000", "larger");
	check_refused("01000000" "0400" "0000" "61", "kind");
	check_refused("01000000" "0100" "0100" "61", "takes none");
	check_refused("01000000" "0300" "0000" "61", "without its descriptor");
	check_refused("01000000" "0300" "0100" "61", "did not come");
	check_refused("04000000" "0100" "0000" "61", "middle");
	check_refused("", "closed");
}

static void test_both_ways(void)
{
	static uint8_t big[3 << 20];
	struct seen a, b;
	struct channel *to;
	int p[2], pipe_ends[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) != 0 || pipe(pipe_ends) != 0)
		abort();
	a = (struct seen){.loop = loop_new(), .fd = -1};
	b = (struct seen){.loop = a.loop, .fd = -1, .stop_after = 24};
	a.channel = to = channel_new(a.loop, p[0], table, 3, on_msg, on_end, &a);
	b.channel = channel_new(a.loop, p[1], table, 3, on_msg, on_end, &b);
	for (i = 0; i < 20; i++)
		CHECK_INT(channel_send(to, BIG, big, sizeof big - (size_t)i, -1), 0); /* far more than a socket buffer */
	CHECK_INT(channel_send(to, BIG, big, sizeof big, -1), 0);
	CHECK_INT(channel_send(to, BIG, big, sizeof big, -1), -1); /* 64 MiB */
	CHECK_INT(channel_send(to, GIFT, "x", 1, pipe_ends[1]), 0);
	CHECK_INT(channel_send(to, WORD, NULL, 0, -1), 0);
	CHECK_INT(channel_send(to, WORD, "12345678", 8, -1), 0);
	close(pipe_ends[1]);
	loop_run(a.loop);
	CHECK_INT(b.messages, 24);
	CHECK_INT(b.bytes, 21 * sizeof big - 190 + 9);
	CHECK(b.fd >= 0 && write(b.fd, "z", 1) == 1 && read(pipe_ends[0], big, 1) == 1 && big[0] == 'z');
	CHECK_INT(fcntl(b.fd, F_GETFD), FD_CLOEXEC);
	close(b.fd);
	close(pipe_ends[0]);
	b.stop_after = 0;
	channel_free(a.channel);
	loop_run(a.loop);
	CHECK_STR(b.why, "closed");
	loop_free(a.loop);
}

/* What is posted waits for the end of the turn, and goes then in one piece and in its order, whatever was sent meanwhile. */
static void test_posted(void)
{
	static const char all[] = "\5\0\0\0\1\0\0\0\4\3\2\1a\4\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0c\1\0\0\0\3\0\1\0g"
	                          "\5\0\0\0\1\0\0\0\7\0\0\0d";
	struct seen s;
	char got[200];
	int other = open_pair(&s, 0), null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK_INT(channel_post(s.channel, WORD, 0x01020304, "a", 1), 0);
	CHECK_INT(channel_post(s.channel, WORD, 0, NULL, 0), 0);
	CHECK_INT(channel_send(s.channel, WORD, "c", 1, -1), 0);
	CHECK_INT(channel_send(s.channel, GIFT, "g", 1, null), 0);
	CHECK_INT(channel_post(s.channel, WORD, 7, "d", 1), 0);
	CHECK_INT(recv(other, got, sizeof got, MSG_DONTWAIT), -1);
	struct loop_timer *t = loop_timer_new(s.loop, 0, (loop_cb *)loop_stop, s.loop);
	loop_run(s.loop);
	loop_timer_free(t);
	CHECK_INT(recv(other, got, 34, MSG_DONTWAIT), 34); /* up to where a descriptor begins a piece of its own */
	CHECK_INT(recv(other, got + 34, sizeof got - 34, MSG_DONTWAIT), 22);
	CHECK(memcmp(got, all, sizeof all - 1) == 0);
	CHECK_INT(channel_post(s.channel, WORD, 0, "never", 5), 0);
	close(null);
	close_pair(&s, other);
}

static void test_free_inside(void)
{
	struct seen s;
	int other = open_pair(&s, 0);

	s.free_after = 2;
	CHECK_INT(send(other, "\1\0\0\0\1\0\0\0a\1\0\0\0\1\0\0\0b\1\0\0\0\1\0\0\0c", 27, 0), 27);
	loop_run(s.loop);
	CHECK_INT(s.messages, 2);
	CHECK_STR(s.why, "");
	close_pair(&s, other);
}

static void test_blocking(void)
{
	struct buf data;
	uint16_t type = 0;
	int p[2];

	buf_init(&data, 100);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) != 0)
		abort();
	CHECK_INT(channel_write_blocking(p[0], WORD, "abc", 3), 0);
	CHECK_INT(channel_write_blocking(p[0], BIG, NULL, 0), 0);
	CHECK(channel_read_blocking(p[1], table, 3, &type, &data) == 1 && type == WORD);
	CHECK_STR(buf_cstr(&data), "abc");
	CHECK(channel_read_blocking(p[1], table, 3, &type, &data) == 1 && type == BIG && data.len == 0);
	CHECK_INT(channel_write_blocking(p[0], BIG, "0123456789", 10), 0);
	CHECK_INT(channel_read_blocking(p[1], table, 1, &type, &data), -1); /* not in the first row's table */
	CHECK_INT(recv(p[1], (char[10]){0}, 10, 0), 10);
	CHECK_INT(send(p[0], "\5\0\0\0\1\0\0\0ab", 10, 0), 10);
	close(p[0]);
	CHECK_INT(channel_read_blocking(p[1], table, 3, &type, &data), -1);
	CHECK_INT(channel_read_blocking(p[1], table, 3, &type, &data), 0);
	CHECK_INT(channel_write_blocking(p[1], WORD, "a", 1), -1);
	close(p[1]);
	buf_free(&data);
}

int main(void)
{
	test_refusals();
	test_both_ways();
	test_posted();
	test_free_inside();
	test_blocking();
	return check_done();
}
