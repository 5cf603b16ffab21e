/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/hours.h"
#include "bridge/link/session.h"

/* Site A's client and site B's server on one loop. What B answers is up to each test. */
static struct loop *loop;
static struct link_server *server;
static struct link_clients *clients;
static struct conf a_conf, b_conf;
static struct conf_peer a_peers[2], b_peers[2];
static struct conf_address_space a_own, b_own;
static char endpoint[32], *endpoints[1] = {endpoint};
static int listener;
static struct loop_fd *listening;
static struct fb_mailbox boxes[FB_MAX_MAILBOXES];
static struct fb_query q;

enum manner { ANSWER_ALL, ANSWER_HALF, ANSWER_TWICE, NEVER, REFUSE, BUSY, BIG };
static struct {
	enum manner manner;
	struct link_call *open;
	size_t queries, cancelled, accepted;
	struct fb_query seen;
	char seen_address[FB_ADDRESS_MAX + 1];
	int64_t deadline;
	char peer[32];
} b;

static struct {
	size_t answers, right, dones;
	enum fb_reason reason, first;
	char why[256];
} a;

static void on_accept(int fd, int events, void *arg)
{
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (peer >= 0)
		link_server_accept(server, peer);
	if (b.accepted++)
		loop_stop(loop); /* who waits for a second connection has it */
}

static void answer(struct link_call *call, size_t i)
{
	struct acl_released r = {b.manner == BIG ? world_large_answer(1024) : world_answer(i)};

	link_call_answer(call, i, &r);
	fb_answer_free(r.raw);
}

static void on_query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *asked, int64_t deadline)
{
	b.queries++;
	b.seen = *asked;
	strcpy(b.seen_address, asked->mailboxes[0].address);
	b.deadline = deadline;
	snprintf(b.peer, sizeof b.peer, "%s", pki_peer_name(peer));
	if (b.manner == NEVER) {
		b.open = call;
		loop_stop(loop);
		return;
	}
	if (b.manner == REFUSE || b.manner == BUSY) {
		link_call_done(call, b.manner == REFUSE ? FB_NOT_ALLOWED : FB_BUSY, "50% no");
		return;
	}
	for (size_t i = asked->n; i-- > (b.manner == ANSWER_HALF ? asked->n / 2 : 0);)
		answer(call, i);
	if (b.manner == ANSWER_TWICE)
		answer(call, 0);
	link_call_done(call, FB_OK, NULL);
}

static void on_cancelled(void *arg, struct link_call *call)
{
	b.cancelled++;
	CHECK(call == b.open);
	b.open = NULL;
	loop_stop(loop);
}

static void on_answer(void *arg, size_t i, const struct fb_answer *raw)
{
	if (!a.answers++)
		a.first = raw->reason;
	a.right += world_right(i, raw);
}

static void on_done(void *arg, enum fb_reason reason, const char *why)
{
	CHECK_INT(link_hours_known.n, 0); /* nothing of the peer stays */
	a.dones++;
	a.reason = reason;
	snprintf(a.why, sizeof a.why, "%s", why ? why : "");
	loop_stop(loop);
}

static const struct link_client_events client_events = {on_answer, on_done};
static const struct link_server_events server_events = {on_query, on_cancelled};

static void too_long(void *arg)
{
	CHECK(!"the loop went on for ten seconds");
	loop_stop(loop);
}

/* Runs until a callback says stop. */
static void run(void)
{
	struct loop_timer *guard = loop_timer_new(loop, 10000, too_long, NULL);

	loop_run(loop);
	loop_timer_free(guard);
}

static void begin(void)
{
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	loop = loop_new();
	listener = world_listen(endpoint);
	listening = loop_fd_new(loop, listener, LOOP_READ, on_accept, NULL);
	world_conf(&a_conf, a_peers, &a_own, "site-a", "a.example", "site-b", endpoints);
	world_conf(&b_conf, b_peers, &b_own, "site-b", "b.example", "site-a", NULL);
	server = link_server_new(loop, &b_conf, NULL, &server_events, NULL);
	clients = link_clients_new(loop, &a_conf, NULL);
	world_query(&q, boxes, 5);
}

static void end(void)
{
	link_clients_free(clients);
	link_server_free(server);
	loop_fd_free(listening);
	if (listener >= 0)
		close(listener);
	loop_free(loop);
	memset(&a, 0, sizeof a);
}

static void ask(int64_t deadline)
{
	memset(&a, 0, sizeof a);
	link_ask(clients, "site-b", &q, deadline, &client_events, NULL);
	CHECK_INT(a.dones, 0);
	run();
	CHECK_INT(a.dones, 1);
}

/* ---- the tests ---- */

static void a_query_is_answered(void)
{
	struct link_status st;

	begin();
	ask(5000);
	CHECK_INT(a.reason, FB_OK);
	CHECK_INT(a.right, 5);
	CHECK_STR(b.peer, "site-a");
	CHECK_STR(b.seen.request_id, q.request_id);
	CHECK_STR(b.seen.requester.name, "alice@a.example");
	CHECK(b.seen.requester.is_person);
	CHECK_STR(b.seen_address, "p0@b.example");
	CHECK_INT(b.seen.n, 5);
	CHECK_INT(b.seen.view, 7);
	CHECK(b.deadline > 3000 && b.deadline <= 5000);
	q.requester.is_person = false;
	strcpy(q.requester.name, "a.example");
	ask(60000);
	CHECK_INT(a.right, 5);
	CHECK(!b.seen.requester.is_person);
	CHECK_INT(b.deadline, 20000); /* never more than our own hard stop */
	CHECK(link_clients_status(clients, 0, &st));
	CHECK_STR(st.peer, "site-b");
	CHECK_STR(st.state, "up");
	CHECK_STR(st.site, "site-b");
	CHECK_STR(st.version, VERSION);
	CHECK_INT(st.n_domains, 1);
	CHECK_STR(st.domains[0], "b.example");
	CHECK(!link_clients_status(clients, 1, &st));
	end();
}

static void reasons_cross(void)
{
	begin();
	b.manner = REFUSE;
	ask(5000);
	CHECK_INT(a.reason, FB_NOT_ALLOWED);
	CHECK_STR(a.why, "PERMISSION_DENIED: 50% no");
	b.manner = BUSY;
	ask(5000);
	CHECK_INT(a.reason, FB_BUSY);
	b.manner = ANSWER_HALF;
	ask(5000);
	CHECK_INT(a.right, 3);
	CHECK_INT(a.reason, FB_PEER_FAILED);
	b.manner = ANSWER_TWICE;
	ask(5000);
	CHECK_INT(a.answers, 5);
	CHECK_INT(a.reason, FB_OK);
	end();
}

static void a_deadline_ends_it(void)
{
	begin();
	ask(5000);
	b.manner = NEVER;
	link_ask(clients, "site-b", &q, 500, &client_events, NULL);
	run();
	CHECK(b.open != NULL);
	memset(&a, 0, sizeof a);
	run();
	CHECK_INT(a.dones, 1);
	CHECK_INT(a.reason, FB_TIMEOUT);
	if (!b.cancelled)
		run(); /* the RST_STREAM arrives */
	CHECK_INT(b.cancelled, 1);
	CHECK(link_server_idle(server));
	b.manner = ANSWER_ALL; /* and the connection is as good as before */
	ask(5000);
	CHECK_INT(a.right, 5);
	end();
}

static void nobody_is_there(void)
{
	begin();
	close(listener);
	loop_fd_free(listening);
	listening = NULL;
	listener = -1;
	for (int i = 0; i < 2; i++) { /* the first attempt, and one of its own for who comes later: nobody waits for the deadline */
		int64_t began = loop_ms();

		ask(9000);
		CHECK_INT(a.reason, FB_PEER_FAILED);
		CHECK(strstr(a.why, "no link: "));
		CHECK(loop_ms() - began < 8500);
	}
	ask(1); /* a deadline before any attempt could end: not there is not slow */
	CHECK_INT(a.reason, FB_PEER_FAILED);
	memset(&a, 0, sizeof a);
	link_ask(clients, "site-x", &q, 1000, &client_events, NULL);
	run();
	CHECK_INT(a.reason, FB_PEER_FAILED);
	end();
}

static void shutting_cuts_at_once(void)
{
	struct link_status st;

	begin();
	ask(5000);
	b.manner = NEVER;
	memset(&a, 0, sizeof a);
	link_ask(clients, "site-b", &q, 5000, &client_events, NULL);
	run();
	CHECK(b.open != NULL);
	link_clients_shut(clients, "site-b");
	CHECK_INT(a.dones, 1);
	CHECK_INT(a.reason, FB_PEER_FAILED);
	link_clients_status(clients, 0, &st);
	CHECK_STR(st.state, "disabled");
	run(); /* until B sees it */
	CHECK_INT(b.cancelled, 1);
	ask(5000);
	CHECK_INT(a.reason, FB_PEER_FAILED);
	end();

	begin();
	b.manner = NEVER;
	link_ask(clients, "site-b", &q, 5000, &client_events, NULL);
	run();
	CHECK(b.open != NULL);
	link_server_shut(server, "site-z");
	CHECK_INT(b.cancelled, 0);
	link_server_shut(server, "site-a");
	CHECK_INT(b.cancelled, 1);
	if (!a.dones)
		run();
	CHECK_INT(a.reason, FB_PEER_FAILED);
	end();
}

/* GOAWAY: what is open is still answered, what comes goes to the new server behind the same port. */
static void draining_loses_nothing(void)
{
	struct link_server *old;

	begin();
	b.manner = NEVER;
	link_ask(clients, "site-b", &q, 5000, &client_events, NULL);
	run();
	CHECK(b.open != NULL);
	old = server;
	link_server_drain(old);
	server = link_server_new(loop, &b_conf, NULL, &server_events, NULL);
	CHECK(!link_server_idle(old));
	run(); /* the client comes back */
	CHECK_INT(b.accepted, 2);
	b.manner = ANSWER_ALL;
	ask(5000);
	CHECK_INT(a.right, 5);
	CHECK_INT(a.reason, FB_OK);
	CHECK_INT(b.queries, 2);
	memset(&a, 0, sizeof a);
	for (size_t i = 0; i < 5; i++)
		answer(b.open, i);
	link_call_done(b.open, FB_OK, NULL);
	run();
	CHECK_INT(a.right, 5);
	CHECK_INT(a.reason, FB_OK);
	for (int i = 0; i < 500 && !link_server_idle(old); i++)
		world_run_for(loop, 10);
	CHECK(link_server_idle(old));
	link_server_free(old);
	end();
}

static void a_client_drains(void)
{
	begin();
	b.manner = NEVER;
	link_ask(clients, "site-b", &q, 5000, &client_events, NULL);
	run();
	link_clients_drain(clients);
	for (size_t i = 0; b.open && i < 5; i++)
		answer(b.open, i);
	link_call_done(b.open, FB_OK, NULL);
	run();
	CHECK_INT(a.right, 5);
	ask(1000);
	CHECK_INT(a.reason, FB_PEER_FAILED);
	CHECK_INT(b.queries, 1);
	end();
}

/* A kilobyte of text in each of 1,000 events: cut, whole, and in bounds; a hundred of them are too many bytes for one call. */
static void big_answers(void)
{
	begin();
	b.manner = BIG;
	q.n = 3;
	ask(8000);
	CHECK_INT(a.reason, FB_OK);
	CHECK_INT(a.answers, 3);
	CHECK_INT(a.first, FB_OK);
	world_query(&q, boxes, 100);
	ask(8000);
	CHECK_INT(a.reason, FB_BUSY);
	CHECK(a.answers > 5 && a.answers < 100);
	end();
}

static void many_at_once(void)
{
	begin();
	memset(&a, 0, sizeof a);
	for (size_t i = 0; i < 600; i++) /* more than the streams of a connection */
		link_ask(clients, "site-b", &q, 8000, &client_events, NULL);
	while (a.dones < 600 && a.reason != FB_TIMEOUT)
		run();
	CHECK_INT(a.dones, 600);
	CHECK_INT(a.right, 3000);
	end();
}

static void freeing_ends_questions(void)
{
	begin();
	b.manner = NEVER;
	link_ask(clients, "site-b", &q, 5000, &client_events, NULL);
	run();
	link_clients_free(clients);
	CHECK_INT(a.dones, 1);
	CHECK_INT(a.reason, FB_PEER_FAILED);
	clients = NULL;
	end();
}

/* Who has no seal gets not one byte of HTTP/2. */
static void no_seal_no_service(void)
{
	ssize_t n = 0;
	char byte;
	int fd;

	begin();
	link_clients_free(clients);
	clients = NULL;
	world_no_seal = true;
	fd = world_connect(endpoint);
	CHECK(write(fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24) == 24);
	for (int i = 0; i < 500 && (n = recv(fd, &byte, 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN; i++)
		world_run_for(loop, 10);
	CHECK(n == 0 || (n < 0 && errno == ECONNRESET));
	CHECK_INT(b.queries, 0);
	close(fd);
	world_no_seal = false;
	end();
}

int main(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	a_query_is_answered();
	reasons_cross();
	a_deadline_ends_it();
	nobody_is_there();
	shutting_cuts_at_once();
	draining_loses_nothing();
	a_client_drains();
	big_answers();
	many_at_once();
	freeing_ends_questions();
	no_seal_no_service();
	return check_done();
}
