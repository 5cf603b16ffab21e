/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"

/*
 * A relay between site A's client and site B's server cuts the wire after each count of bytes in turn, in either direction, or
 * spoils a byte. Whatever it does: one end per question, no wrong answer, no hang.
 */
static int64_t patience; /* ten times what a whole exchange takes here */
enum { TO_B = 0, TO_A = 1 };

static struct loop *loop;
static struct link_server *server;
static struct conf a_conf, b_conf;
static struct conf_peer a_peers[2], b_peers[2];
static struct conf_address_space a_own, b_own;
static char b_name[32], relay_name[32], *endpoints[1] = {relay_name};
static struct fb_mailbox boxes[2];
static struct fb_query q;
static size_t answers, right, dones;
static enum fb_reason reason;

static struct {
	int fd[2];                 /* A's side, B's side */
	struct loop_fd *watch[2];
	size_t passed[2], limit[2], spoil[2];
	bool used;
} relay;

static void relay_close(void)
{
	for (int i = 0; i < 2; i++) {
		loop_fd_free(relay.watch[i]);
		relay.watch[i] = NULL;
		if (relay.fd[i] >= 0)
			close(relay.fd[i]);
		relay.fd[i] = -1;
	}
}

static void on_bytes(int fd, int events, void *arg)
{
	int way = fd == relay.fd[0] ? TO_B : TO_A;
	uint8_t bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);
	size_t left = relay.limit[way] - relay.passed[way];

	if (n > 0 && relay.spoil[way] - relay.passed[way] < (size_t)n)
		bytes[relay.spoil[way] - relay.passed[way]] ^= 0x55;
	if (n > 0 && left && send(relay.fd[!way], bytes, (size_t)n < left ? (size_t)n : left, MSG_NOSIGNAL) > 0)
		relay.passed[way] += (size_t)n < left ? (size_t)n : left;
	if (n <= 0 || (size_t)n > left)
		relay_close();
}

/* One connection is passed on; what comes later (the client tries again) finds a wire cut as short. */
static void on_relay(int fd, int events, void *arg)
{
	int a = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (relay.used) {
		close(a);
		return;
	}
	relay.used = true;
	relay.fd[0] = a;
	relay.fd[1] = world_connect(b_name);
	for (int i = 0; i < 2; i++)
		relay.watch[i] = loop_fd_new(loop, relay.fd[i], LOOP_READ, on_bytes, NULL);
}

static void on_accept(int fd, int events, void *arg)
{
	link_server_accept(server, accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static void on_query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *asked, int64_t deadline)
{
	for (size_t i = 0; i < asked->n; i++) {
		struct acl_released r = {world_answer(i)};

		link_call_answer(call, i, &r);
		fb_answer_free(r.raw);
	}
	link_call_done(call, FB_OK, NULL);
}

static void on_cancelled(void *arg, struct link_call *call)
{
}

static void on_answer(void *arg, size_t i, const struct fb_answer *raw)
{
	answers += raw->reason == FB_OK;
	right += world_right(i, raw);
}

static void on_done(void *arg, enum fb_reason why, const char *text)
{
	dones++;
	reason = why;
	loop_stop(loop);
}

static void too_long(void *arg)
{
	loop_stop(loop);
}

/* One question over a wire that ends after ${limit} bytes in direction ${way} and has its byte number ${spoil} wrong. */
static void ask(int way, size_t limit, size_t spoil, int64_t ms)
{
	static const struct link_server_events server_events = {on_query, on_cancelled};
	static const struct link_client_events client_events = {on_answer, on_done};
	int b_fd, relay_fd;
	struct loop_fd *w1, *w2;
	struct loop_timer *guard;
	struct link_clients *clients;

	loop = loop_new();
	memset(&relay, 0, sizeof relay);
	relay.fd[0] = relay.fd[1] = -1;
	relay.limit[TO_A] = relay.limit[TO_B] = relay.spoil[TO_A] = relay.spoil[TO_B] = SIZE_MAX / 2;
	relay.limit[way] = limit;
	relay.spoil[way] = spoil;
	answers = right = dones = 0;
	b_fd = world_listen(b_name);
	relay_fd = world_listen(relay_name);
	w1 = loop_fd_new(loop, b_fd, LOOP_READ, on_accept, NULL);
	w2 = loop_fd_new(loop, relay_fd, LOOP_READ, on_relay, NULL);
	world_conf(&a_conf, a_peers, &a_own, "site-a", "a.example", "site-b", endpoints);
	world_conf(&b_conf, b_peers, &b_own, "site-b", "b.example", "site-a", NULL);
	world_query(&q, boxes, 2);
	server = link_server_new(loop, &b_conf, NULL, &server_events, NULL);
	clients = link_clients_new(loop, &a_conf, NULL);
	guard = loop_timer_new(loop, 10000, too_long, NULL);
	link_ask(clients, "site-b", &q, ms, &client_events, NULL);
	loop_run(loop);
	loop_timer_free(guard);
	link_clients_free(clients);
	link_server_free(server);
	relay_close();
	loop_fd_free(w1);
	loop_fd_free(w2);
	close(b_fd);
	close(relay_fd);
	loop_free(loop);
}

/* True if nothing was said that is not so. */
static bool honest(void)
{
	return dones == 1 && answers == right && (reason != FB_OK || answers == 2);
}

int main(void)
{
	size_t total[2], whole = 0, some = 0;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	patience = loop_ms();
	ask(TO_A, SIZE_MAX / 2, SIZE_MAX / 2, 5000);
	patience = loop_ms() - patience > 4 ? (loop_ms() - patience) * 10 : 40;
	CHECK(honest());
	CHECK_INT(right, 2);
	total[TO_A] = relay.passed[TO_A];
	total[TO_B] = relay.passed[TO_B];
	CHECK(total[TO_A] > 200 && total[TO_B] > 200);
	for (int way = 0; way < 2; way++)
		for (size_t n = 0; n < total[way]; n++) {
			ask(way, n, SIZE_MAX / 2, patience);
			if (!CHECK(honest()))
				fprintf(stderr, "\tcut in direction %d after %zu bytes: %zu answers, %zu right, reason %d\n", way, n, answers, right, reason);
			some += answers == 1;
			whole += answers == 2;
		}
	CHECK(some > 20); /* it was cut between the two answers, and the first one counted */
	CHECK(whole < total[TO_A]);
	/* TLS would notice; but what reads the plain bytes must not run wild either. */
	for (int way = 0; way < 2; way++)
		for (size_t n = 0; n < total[way]; n++) {
			ask(way, SIZE_MAX / 2, n, patience);
			CHECK_INT(dones, 1);
		}
	return check_done();
}
