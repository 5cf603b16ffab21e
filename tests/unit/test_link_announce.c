/* links: base availability pki address_space link gen */
#define WORLD_REAL_TLS
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/client.h"
#include "pki/identity.h"

/* A key's word about itself holds on the connection for which it was signed, and on no other. */
static struct loop *loop;
static struct link_server *server;
static struct link_clients *clients;
static struct conf a_conf, b_conf;
static struct conf_peer a_peers[2], b_peers[2];
static struct conf_address_space a_own, b_own;
static char endpoint[32], *endpoints[1] = {endpoint};
static char folder[] = "/tmp/test-announce-XXXXXX";
static char certs[3][64], keys[3][64];
static uint8_t pins[3][PKI_PIN_LEN]; /* of site A, site B, and A's next one */
static struct pki_signer *next, *current;
static struct buf recorded;
static size_t heard, taken;
static bool last_retires;
static uint8_t last_pin[PKI_PIN_LEN];
static struct loop_timer *again;
static int stage;

static struct link_session *session(void)
{
	const struct client_peer *p = &clients->peers[0];

	return p->state == CLIENT_UP && p->conn ? p->conn->session : NULL;
}

static bool announcing(void)
{
	for (const struct client_call *c = clients->peers[0].calls; c; c = c->next)
		if (c->is_announce)
			return true;
	return false;
}

/* An announcement for the connection that is up, by ${by}; about ${retired} unless that is NULL. */
static void compose(const struct pki_signer *by, const uint8_t *retired, struct buf *out)
{
	struct pki_statement st = {.retires = retired != NULL};
	struct link_announce a = {.retires = retired != NULL};
	struct buf spki, sig;

	buf_init(&spki, 256);
	buf_init(&sig, 256);
	CHECK(link_session_binding(session(), st.exporter, st.from, st.to) == 0);
	memcpy(st.pin, retired ? retired : pki_signer_pin(by), PKI_PIN_LEN);
	CHECK(pki_signer_sign(by, &st, &sig) == 0);
	pki_signer_spki(by, &spki);
	a.n_spki = spki.len;
	a.n_signature = sig.len;
	memcpy(a.spki, buf_ptr(&spki), spki.len);
	memcpy(a.signature, buf_ptr(&sig), sig.len);
	memcpy(a.retired, st.pin, PKI_PIN_LEN);
	buf_reset(out);
	CHECK(link_announce_write(out, &a) == 0);
	buf_free(&spki);
	buf_free(&sig);
}

static void on_announced(void *arg, uint64_t handle, const struct pki_peer *peer, const uint8_t seen[PKI_PIN_LEN], bool retires,
                         const uint8_t pin[PKI_PIN_LEN], const char *proof)
{
	struct pki_statement st = {.retires = retires, .vouches = !retires};

	memcpy(st.from, pins[0], PKI_PIN_LEN);
	memcpy(st.pin, pin, PKI_PIN_LEN);
	CHECK_INT(pki_proof_holds(proof, &st), retires || heard == 0); /* composed by hand no key in use gives its word for the next one */
	st.pin[0] ^= 1;
	CHECK(!pki_proof_holds(proof, &st)); /* for that one alone */
	CHECK_STR(pki_peer_name(peer), "site-a");
	CHECK(memcmp(seen, pins[0], PKI_PIN_LEN) == 0);
	last_retires = retires;
	memcpy(last_pin, pin, PKI_PIN_LEN);
	heard++;
	link_server_announced(server, handle, LINK_SAID_TAKEN, NULL);
}

static void on_taken(void *arg, const char *peer, const uint8_t *pin)
{
	CHECK_STR(peer, "site-b");
	CHECK(memcmp(pin, pins[2], PKI_PIN_LEN) == 0);
	taken++;
}

static void say(const struct buf *message, bool retires)
{
	client_announce_call(&clients->peers[0], message, retires);
}

/* Looks every few milliseconds whether the stage's announcement has ended, and begins the next. */
static void on_poll(void *arg)
{
	static struct link_session *before;
	static size_t server_conns;
	struct buf b;

	loop_timer_again(again, 5);
	if (!session() || announcing())
		return;
	buf_init(&b, LINK_ANNOUNCE_BYTES);
	switch (stage) {
	case 0: /* it was announced by itself */
		if (!taken)
			break;
		CHECK_INT(heard, 1);
		CHECK(!last_retires && memcmp(last_pin, pins[2], PKI_PIN_LEN) == 0);
		compose(next, NULL, &recorded);
		say(&recorded, false);
		stage++;
		break;
	case 1: /* said twice on this connection it is still true */
		CHECK_INT(heard, 2);
		before = session();
		link_server_shut(server, "site-a");
		stage++;
		break;
	case 2: /* the other connection */
		if (session() == before && server_conns++ < 400)
			break;
		say(&recorded, false);
		stage++;
		break;
	case 3:
		CHECK_INT(heard, 2); /* replayed: refused */
		compose(current, pins[1], &b);
		say(&b, true);
		stage++;
		break;
	case 4: /* the key of the connection may retire another */
		CHECK_INT(heard, 3);
		CHECK(last_retires && memcmp(last_pin, pins[1], PKI_PIN_LEN) == 0);
		compose(next, pins[1], &b);
		say(&b, true);
		stage++;
		break;
	case 5:
		CHECK_INT(heard, 3); /* another key may not */
		compose(current, pins[0], &b);
		say(&b, true);
		stage++;
		break;
	case 6:
		CHECK_INT(heard, 3); /* nor itself */
		compose(current, NULL, &b);
		say(&b, false);
		stage++;
		break;
	case 7:
		CHECK_INT(heard, 3); /* nor be its own next one */
		loop_stop(loop);
		stage++;
	}
	buf_free(&b);
}

static void on_accept(int fd, int events, void *arg)
{
	link_server_accept(server, accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static void on_query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *asked,
                     int64_t deadline)
{
	link_call_done(call, FB_BUSY, NULL);
}

static void on_cancelled(void *arg, struct link_call *call)
{
}

static void too_long(void *arg)
{
	CHECK(!"the loop went on for ten seconds");
	loop_stop(loop);
}

static void run(struct pki_tls *a, struct pki_tls *b)
{
	static const struct link_server_events events = {on_query, on_cancelled};
	const struct link_self self = {.next = next, .current = current, .retired = pins[1]};
	struct loop_timer *guard;
	struct loop_fd *w;
	int fd;

	loop = loop_new();
	fd = world_listen(endpoint);
	w = loop_fd_new(loop, fd, LOOP_READ, on_accept, NULL);
	world_conf(&a_conf, a_peers, &a_own, "site-a", "a.example", "site-b", endpoints);
	world_conf(&b_conf, b_peers, &b_own, "site-b", "b.example", "site-a", NULL);
	server = link_server_new(loop, &b_conf, b, &events, NULL);
	link_server_announcements(server, on_announced, NULL);
	clients = link_clients_new(loop, &a_conf, a);
	link_clients_self(clients, &self, on_taken, NULL);
	clients->peers[0].told_retired = true; /* so it is not said by itself */
	guard = loop_timer_new(loop, 10000, too_long, NULL);
	again = loop_timer_new(loop, 5, on_poll, NULL);
	loop_run(loop);
	CHECK_INT(stage, 8);
	CHECK_INT(taken, 2); /* the first, and the same once more */
	loop_timer_free(again);
	loop_timer_free(guard);
	link_clients_free(clients);
	link_server_free(server);
	loop_fd_free(w);
	close(fd);
	loop_free(loop);
}

int main(void)
{
	static const char *const names[] = {"site-a", "site-b", "next"};
	struct pki_pinset *of_a = pki_pinset_new(), *of_b = pki_pinset_new();
	struct pki_tls *a, *b;
	struct buf error;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	CHECK(mkdtemp(folder) != NULL);
	buf_init(&error, 4096);
	buf_init(&recorded, LINK_ANNOUNCE_BYTES);
	for (int i = 0; i < 3; i++) {
		snprintf(keys[i], sizeof keys[i], "%s/%s.key", folder, names[i]);
		snprintf(certs[i], sizeof certs[i], "%s/%s.pem", folder, names[i]);
		CHECK(pki_identity_create(names[i], keys[i], certs[i], &error) == 0);
		CHECK(pki_identity_pin(certs[i], pins[i], &error) == 0);
	}
	CHECK(pki_pinset_add(of_a, "site-b", pins[1]) == 0 && pki_pinset_add(of_b, "site-a", pins[0]) == 0);
	a = pki_tls_link(certs[0], keys[0], of_a, &error);
	b = pki_tls_link(certs[1], keys[1], of_b, &error);
	current = pki_signer_new(certs[0], keys[0], &error);
	next = pki_signer_new(certs[2], keys[2], &error);
	CHECK_STR(buf_cstr(&error), "");
	if (a && b && current && next)
		run(a, b);
	pki_tls_free(a);
	pki_tls_free(b);
	pki_pinset_free(of_a);
	pki_pinset_free(of_b);
	pki_signer_free(current);
	pki_signer_free(next);
	buf_free(&recorded);
	buf_free(&error);
	for (int i = 0; i < 3; i++) {
		unlink(keys[i]);
		unlink(certs[i]);
	}
	CHECK(rmdir(folder) == 0);
	return check_done();
}
