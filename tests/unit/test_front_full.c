/* links: base availability conf acl address_space ews login pki budget trace front */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/front/parts.h"
#include "pki/identity.h"
#include "tests/unit/check.h"

/* What one greedy address, or many silent ones, take from others: nothing. */
enum { CLIENTS = 64, CAP = 8, CAP_EACH = 6 };

static char dir[] = "/tmp/full-XXXXXX";
static struct loop *loop;
static struct front *front;
static struct pki_tls *client_tls;
static int64_t answers, ups, ends;

/* ---- the house: logins are answered by hand, one by one */
static struct {
	void (*done)(void *arg, const struct login_reply *r);
	void *arg;
	char user[80], password[80];
} asked[1000];
static size_t n_asked, n_paid;

static bool door_full(void *door)
{
	return false;
}

static void door_login(void *door, const struct login_question *q, void (*done)(void *arg, const struct login_reply *r), void *arg)
{
	asked[n_asked].done = done;
	asked[n_asked].arg = arg;
	snprintf(asked[n_asked].user, sizeof(asked[n_asked].user), "%s", q->user);
	snprintf(asked[n_asked++].password, sizeof(asked[0].password), "%s", q->password);
}

static void pay(void)
{
	struct login_reply r;

	login_reply_init(&r);
	r.result = strcmp(asked[n_paid].password, "secret") == 0 ? LOGIN_YES : LOGIN_NO;
	strcpy(r.typed, asked[n_paid].user);
	strcpy(r.account, "anna");
	asked[n_paid].done(asked[n_paid].arg, &r);
	n_paid++;
}

/* ---- clients */
struct client {
	struct pki_stream *s;
	struct buf in, say;
	bool down;
};

static void up(void *arg)
{
	struct client *c = arg;

	ups++;
	pki_stream_write(c->s, buf_ptr(&c->say), c->say.len);
}

static void data(void *arg, struct buf *in)
{
	struct client *c = arg;

	if (c->in.len == 0)
		answers++;
	buf_add(&c->in, buf_ptr(in), in->len);
	buf_consume(in, in->len);
}

static void down(void *arg, const char *why)
{
	((struct client *)arg)->down = true;
	ends++;
}

static struct client *probe;
static int64_t dialled;

static struct client *dial(const char *address, const char *user, const char *password)
{
	static const struct pki_stream_events events = {up, data, NULL, down};
	struct client *c = calloc(1, sizeof(*c));
	struct buf word;
	int fd[2];

	dialled++;
	buf_init(&c->in, 1 << 20);
	buf_init(&c->say, 1 << 16);
	buf_init(&word, 200);
	if (user) {
		buf_printf(&word, "%s:%s", user, password);
		buf_puts(&c->say, "GET /1 HTTP/1.1\r\nHost: a\r\nAuthorization: Basic ");
		text_base64(&c->say, buf_ptr(&word), word.len);
		buf_puts(&c->say, "\r\n\r\n");
	}
	buf_free(&word);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	c->s = pki_stream_connect(loop, client_tls, fd[1], "localhost", NULL, 65536, &events, c);
	front_accept(front, fd[0], address);
	return c;
}

static void hang_up(struct client *c)
{
	pki_stream_free(c->s);
	buf_free(&c->in);
	buf_free(&c->say);
	free(c);
}

static void look(void *arg)
{
	loop_stop(loop);
}

static void once(void)
{
	struct loop_timer *t = loop_timer_new(loop, 1, look, NULL);

	loop_run(loop);
	loop_timer_free(t);
}

/* Runs until ${*counter} is ${want}, at most ten seconds. */
static bool until(const int64_t *counter, int64_t want)
{
	int64_t end = loop_ms() + 10000;

	while (*counter < want && loop_ms() < end)
		once();
	return *counter >= want;
}

static int status(const struct client *c)
{
	return c->in.len > 12 ? atoi((const char *)buf_ptr(&c->in) + 9) : 0;
}

/*
 * All that the clients have sent, closing included, has been seen by the front when it has answered a question asked after that: it
 * reads whatever is there in each turn.
 */
static void settle(void)
{
	static const char question[] = "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n";

	CHECK(until(&ups, dialled));
	for (int i = 0; i < 2; i++) {
		size_t before = probe->in.len;
		int64_t end = loop_ms() + 10000;

		pki_stream_write(probe->s, question, sizeof(question) - 1);
		while (probe->in.len == before && loop_ms() < end)
			once();
		CHECK(probe->in.len > before);
	}
}

/* A connection that has logged in, which nobody's arrival puts out. */
static void dial_probe(void)
{
	answers = ups = ends = dialled = 0;
	n_asked = n_paid = 0;
	probe = dial("192.0.2.250", "probe", "secret");
	while (n_asked == 0)
		once();
	pay();
	CHECK(until(&answers, 1));
	n_asked = n_paid = 0;
}

static void test_greedy_logins(void)
{
	struct client *greedy[CLIENTS], *other;
	char user[20];
	size_t after;

	for (int i = 0; i < CLIENTS; i++) {
		snprintf(user, sizeof(user), "guess%d", i);
		greedy[i] = dial("192.0.2.1", user, "wrong");
	}
	settle();
	CHECK_INT(n_asked, 2); /* twice the workers are kept busy, the rest waits in the front */
	other = dial("192.0.2.2", "anna", "secret");
	settle();
	for (after = 0; after < CLIENTS && status(other) == 0; after++) {
		pay();
		settle();
	}
	CHECK_INT(status(other), 404); /* logged in */
	CHECK(after <= 4);             /* behind those that were asked already and one of the round */
	/* One that goes away while it waits takes no worker's time. */
	hang_up(greedy[CLIENTS - 1]);
	settle();
	while (n_paid < n_asked) {
		pay();
		settle();
	}
	CHECK_INT(n_asked, CLIENTS);
	CHECK(until(&answers, 1 + 1 + CLIENTS - 1)); /* the probe's, the other's; behind so many wrong names the last of them wait for a moment */
	for (int i = 0; i < CLIENTS - 1; i++) {
		CHECK_INT(status(greedy[i]), 401);
		hang_up(greedy[i]);
	}
	hang_up(other);
	settle();
	CHECK_INT(front_open(front), 1); /* the probe */
}

/* Places for logins run out: the address that took them gives way, not the newcomer. */
static void test_full_of_logins(void)
{
	enum { MANY = 260 };
	struct client *greedy[MANY], *other;
	int refused = 0;

	for (int i = 0; i < MANY; i++)
		greedy[i] = dial("192.0.2.1", "anna", "wrong");
	settle();
	for (int i = 0; i < MANY; i++)
		refused += status(greedy[i]) == 503;
	CHECK_INT(refused, MANY - 256);
	other = dial("192.0.2.2", "anna", "secret");
	settle();
	CHECK_INT(status(other), 0);
	for (int i = 0; i < 4 && status(other) == 0; i++) {
		pay();
		settle();
	}
	CHECK_INT(status(other), 404);
	hang_up(other);
	for (int i = 0; i < MANY; i++)
		hang_up(greedy[i]);
	settle();
	while (n_paid < n_asked)
		pay();
	CHECK_INT(front_open(front), 1); /* the probe */
}

static void test_full_front(struct conf *conf)
{
	struct client *silent[CAP], *known, *late;

	conf->max_connections = CAP + 1; /* and the probe */
	conf->max_connections_per_address = CAP_EACH;
	known = dial("192.0.2.9", "anna", "secret"); /* remembered from the test before */
	settle();
	CHECK_INT(status(known), 404);
	for (int i = 0; i < CAP - 1; i++)
		silent[i] = dial(i < 4 ? "192.0.2.1" : "192.0.2.2", NULL, NULL);
	settle();
	CHECK_INT(front_open(front), CAP + 1);
	late = dial("192.0.2.3", "anna", "secret");
	settle();
	CHECK_INT(status(late), 404);
	CHECK_INT(front_open(front), CAP + 1);
	CHECK(silent[0]->down && !silent[1]->down); /* the one that waited longest */
	CHECK(!known->down);                        /* though it has waited longer still */
	hang_up(late);
	settle();
	/* The cap of one address is paid by that address. */
	for (int i = 0; i < CAP - 1; i++)
		hang_up(silent[i]);
	settle();
	for (int i = 0; i < CAP_EACH; i++)
		silent[i] = dial("192.0.2.1", NULL, NULL);
	settle();
	late = dial("192.0.2.1", "anna", "secret");
	settle();
	CHECK_INT(status(late), 404);
	CHECK(silent[0]->down && !silent[1]->down && !known->down);
	for (int i = 0; i < CAP_EACH; i++)
		hang_up(silent[i]);
	hang_up(late);
	hang_up(known);
	settle();
	CHECK_INT(front_open(front), 1); /* the probe */
}

/* Large answers that nobody takes: only so many wait; whoever asks for little is served, and all are when there is room again. */
static void test_unread_answers(void)
{
	enum { READERS = 6 };
	static const char zones[] = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><m:GetServerTimeZones "
	                            "xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\"/></s:Body></s:Envelope>";
	struct client *lazy[READERS], *late;
	int64_t before = ups;
	int busy = 0, served = 0;

	front->unsent_max = 1 << 20;
	for (int i = 0; i < READERS; i++) {
		lazy[i] = dial("192.0.2.1", "anna", "secret"); /* remembered */
		CHECK(until(&ups, ++before));
		settle();
		CHECK_INT(status(lazy[i]), 404);
		pki_stream_hold(lazy[i]->s, true);
		buf_reset(&lazy[i]->in);
		buf_reset(&lazy[i]->say);
		buf_printf(&lazy[i]->say, "POST /ews/exchange.asmx HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YW5uYTpzZWNyZXQ=\r\nContent-Length: %zu\r\n\r\n%s",
		           sizeof(zones) - 1, zones);
		pki_stream_write(lazy[i]->s, buf_ptr(&lazy[i]->say), lazy[i]->say.len);
		settle();
	}
	late = dial("192.0.2.2", "anna", "secret");
	settle();
	CHECK_INT(status(late), 404);
	for (int i = 0; i < READERS; i++) {
		pki_stream_hold(lazy[i]->s, false);
		for (int k = 0; k < 10000 && status(lazy[i]) == 0; k++)
			once();
		busy += status(lazy[i]) == 503;
		served += status(lazy[i]) == 200;
	}
	CHECK(busy >= 1 && served >= 2);
	CHECK_INT(busy + served, READERS);
	settle();
	buf_reset(&lazy[0]->in);
	pki_stream_write(lazy[0]->s, buf_ptr(&lazy[0]->say), lazy[0]->say.len);
	for (int k = 0; k < 10000 && status(lazy[0]) == 0; k++)
		once();
	CHECK_INT(status(lazy[0]), 200);
	for (int i = 0; i < READERS; i++)
		hang_up(lazy[i]);
	hang_up(late);
	settle();
}

int main(void)
{
	struct conf_peer peer = {.name = "local"};
	struct conf_account accounts[] = {{.name = "anna", .kind = CONF_FOR_USER, .address = "anna@a.example"},
	                                  {.name = "probe", .kind = CONF_FOR_ORGANISATION}};
	struct conf conf = {.site = "a", .login_basic = "yes", .login_ntlm = "no", .login_negotiate = "no", .primary_domain = "a.example", .public_url = "https://a.example", .max_connections = 1000, .login_workers = 1,
	                    .max_connections_per_address = 1000, .max_request_kib = 64, .idle_seconds = 60, .peers = &peer, .n_peers = 1,
	                    .accounts = accounts, .n_accounts = 2};
	struct front_doors doors = {.full = door_full, .login = door_login, .hard_stop_ms = 1000};
	struct address_space *table = address_space_new(&conf);
	struct pki_tls *server_tls;
	const char *name = "localhost";
	char key[100], cert[100], ca[100], command[200];
	struct buf error;

	if (!mkdtemp(dir))
		return 1;
	log_setup(open("/dev/null", O_WRONLY), false, LOG_LEVEL_ERROR, "test");
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(ca, sizeof(ca), "%s/ca", dir);
	buf_init(&error, 1000);
	CHECK_INT(pki_front_create(&name, 1, key, cert, ca, &error), 0);
	server_tls = pki_tls_front(cert, key, &error);
	client_tls = pki_tls_client(ca, &error);
	doors.loop = loop = loop_new();
	front = front_new(loop, &conf, table, server_tls, &doors);
	dial_probe();
	test_greedy_logins();
	hang_up(probe);
	front_free(front); /* forgets whose password it has seen */
	front = front_new(loop, &conf, table, server_tls, &doors);
	dial_probe();
	test_full_of_logins();
	test_unread_answers();
	test_full_front(&conf);
	hang_up(probe);
	front_free(front);
	address_space_free(table);
	pki_tls_free(server_tls);
	pki_tls_free(client_tls);
	loop_free(loop);
	buf_free(&error);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || check_done();
}
