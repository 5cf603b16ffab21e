/* links: base availability pki address_space link gen */
#define WORLD_REAL_TLS
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "pki/identity.h"

/* The same two ends under the real thing: identities made by pki/, pins, TLS 1.3. */
static struct loop *loop;
static struct link_server *server;
static struct conf a_conf, b_conf;
static struct conf_peer a_peers[2], b_peers[2];
static struct conf_address_space a_own, b_own;
static char endpoint[32], *endpoints[1] = {endpoint};
static struct fb_mailbox boxes[3];
static struct fb_query q;
static size_t right, dones, accepted;
static enum fb_reason reason;
static char seen_peer[32];

struct site {
	char key[64], cert[64];
	uint8_t pin[PKI_PIN_LEN];
	struct pki_pinset *pins;
	struct pki_tls *tls;
};
static char folder[] = "/tmp/test-link-XXXXXX";

static void site_make(struct site *s, const char *name)
{
	struct buf error;

	buf_init(&error, 1000);
	snprintf(s->key, sizeof s->key, "%s/%s.key", folder, name);
	snprintf(s->cert, sizeof s->cert, "%s/%s.pem", folder, name);
	CHECK(pki_identity_create(name, s->key, s->cert, &error) == 0);
	CHECK(pki_identity_pin(s->cert, s->pin, &error) == 0);
	buf_free(&error);
}

static void site_trust(struct site *s, const char *name, const uint8_t *pin)
{
	struct buf error;

	buf_init(&error, 1000);
	s->pins = pki_pinset_new();
	CHECK(pki_pinset_add(s->pins, name, pin) == 0);
	s->tls = pki_tls_link(s->cert, s->key, s->pins, &error);
	CHECK_STR(buf_cstr(&error), "");
	CHECK(s->tls != NULL);
	buf_free(&error);
}

static void site_drop(struct site *s)
{
	pki_tls_free(s->tls);
	pki_pinset_free(s->pins);
}

static void on_accept(int fd, int events, void *arg)
{
	accepted++;
	link_server_accept(server, accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static void on_query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *asked, int64_t deadline)
{
	snprintf(seen_peer, sizeof seen_peer, "%s", pki_peer_name(peer));
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
	CHECK(!"the loop went on for ten seconds");
	loop_stop(loop);
}

static const struct link_client_events client_events = {on_answer, on_done};
static struct link_clients *clients;
static struct loop_fd *waits;
static int listener;

static void begin(struct site *a, struct site *b)
{
	static const struct link_server_events server_events = {on_query, on_cancelled};

	loop = loop_new();
	listener = world_listen(endpoint);
	waits = loop_fd_new(loop, listener, LOOP_READ, on_accept, NULL);
	world_conf(&a_conf, a_peers, &a_own, "site-a", "a.example", "site-b", endpoints);
	world_conf(&b_conf, b_peers, &b_own, "site-b", "b.example", "site-a", NULL);
	world_query(&q, boxes, 3);
	right = dones = accepted = 0;
	seen_peer[0] = 0;
	server = link_server_new(loop, &b_conf, b->tls, &server_events, NULL);
	clients = link_clients_new(loop, &a_conf, a->tls);
}

static void ask_once(int64_t deadline)
{
	struct loop_timer *guard = loop_timer_new(loop, 10000, too_long, NULL);

	link_ask(clients, "site-b", &q, deadline, &client_events, NULL);
	loop_run(loop);
	loop_timer_free(guard);
}

static void end(void)
{
	link_clients_free(clients);
	link_server_free(server);
	loop_fd_free(waits);
	close(listener);
	loop_free(loop);
}

/* Asks over a fresh connection between ${a} and ${b}; ${why} gets the client's last failure. */
static void ask(struct site *a, struct site *b, int64_t deadline, char why[256])
{
	struct link_status st;

	begin(a, b);
	ask_once(deadline);
	link_clients_status(clients, 0, &st);
	snprintf(why, 256, "%s", st.why ? st.why : "");
	end();
}

/* Until ${n} connections have come, or for five seconds. */
static void wait_for_connection(size_t n)
{
	for (int i = 0; i < 500 && accepted < n; i++)
		world_run_for(loop, 10);
	CHECK_INT(accepted, n);
}

/* A key that is used no more: its connections take nothing new, and those of others stay as they are. */
static void parted(struct site *a, struct site *b, struct site *c)
{
	begin(a, b);
	ask_once(5000);
	CHECK_INT(accepted, 1);
	link_server_part(server, "site-c", a->pin); /* whoever names somebody else's pin */
	link_server_part(server, "site-a", c->pin);
	link_clients_part(clients, "site-c", b->pin);
	link_clients_part(clients, "site-b", c->pin);
	world_run_for(loop, 500);
	ask_once(5000);
	CHECK_INT(accepted, 1);
	link_server_part(server, "site-a", a->pin);
	wait_for_connection(2);
	ask_once(5000);
	link_clients_part(clients, "site-b", b->pin);
	wait_for_connection(3);
	ask_once(5000);
	CHECK_INT(right, 4 * 3);
	CHECK_INT(accepted, 3);
	end();
}

int main(void)
{
	struct site a, b, c;
	char why[256];

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	CHECK(mkdtemp(folder) != NULL);
	site_make(&a, "site-a");
	site_make(&b, "site-b");
	site_make(&c, "site-c");
	site_trust(&a, "site-b", b.pin);
	site_trust(&b, "site-a", a.pin);
	site_trust(&c, "site-b", b.pin);

	ask(&a, &b, 5000, why);
	CHECK_INT(dones, 1);
	CHECK_INT(right, 3);
	CHECK_INT(reason, FB_OK);
	CHECK_STR(seen_peer, "site-a");
	CHECK_STR(why, "");

	ask(&c, &b, 1500, why); /* a key that B has no pin of */
	CHECK_INT(right, 0);
	CHECK_STR(seen_peer, "");
	CHECK_INT(reason, FB_PEER_FAILED);
	CHECK(why[0] != 0);

	ask(&a, &c, 1500, why); /* another key answers at B's address */
	CHECK_INT(right, 0);
	CHECK_STR(seen_peer, "");
	CHECK(strstr(why, "site-b answered with the key") != NULL);

	parted(&a, &b, &c);
	site_drop(&a);
	site_drop(&b);
	site_drop(&c);
	for (struct site *s[] = {&a, &b, &c}, **p = s; p < s + 3; p++) {
		unlink((*p)->key);
		unlink((*p)->cert);
	}
	CHECK(rmdir(folder) == 0);
	return check_done();
}
