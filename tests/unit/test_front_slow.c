/* links: base availability conf acl address_space ews login pki budget trace front */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/front/front.h"
#include "pki/identity.h"
#include "tests/unit/check.h"

/* Clients that take their time: each is let go after ten seconds, and none of them keeps another from its answer. One wait for all. */
enum { SILENT, HALF_HEAD, DRIP, GOOD, CLIENTS };

static char dir[] = "/tmp/slow-XXXXXX";
static struct loop *loop;
static struct pki_tls *client_tls;
static struct front *front;
static int64_t began;

static struct client {
	struct pki_stream *s;
	struct loop_timer *drip;
	struct buf in;
	int64_t ended;
} clients[CLIENTS];

static void drip(void *arg)
{
	struct client *c = arg;

	if (c->ended)
		return;
	pki_stream_write(c->s, "x", 1);
	loop_timer_again(c->drip, 500);
}

static void up(void *arg)
{
	struct client *c = arg;

	pki_stream_write(c->s, "GET /1 HTTP/1.1\r\nHost: a\r\nX: ", 29);
	if (c == &clients[DRIP])
		c->drip = loop_timer_new(loop, 500, drip, c);
	if (c == &clients[GOOD])
		pki_stream_write(c->s, "\r\nConnection: close\r\n\r\n", 23);
}

static void data(void *arg, struct buf *in)
{
	struct client *c = arg;

	buf_add(&c->in, buf_ptr(in), in->len);
	buf_consume(in, in->len);
}

static void down(void *arg, const char *why)
{
	struct client *c = arg;

	c->ended = loop_ms();
	if (front_open(front) == 0)
		loop_stop(loop);
}

static void look(void *arg)
{
	struct loop_timer **again = arg;

	if (front_open(front) == 0 || loop_ms() - began > 60000)
		loop_stop(loop);
	else
		loop_timer_again(*again, 200);
}

int main(void)
{
	static const struct pki_stream_events events = {up, data, NULL, down};
	struct conf_peer peer = {.name = "local"};
	struct conf conf = {.site = "a", .primary_domain = "a.example", .login_basic = "yes", .login_ntlm = "no", .login_negotiate = "no", .public_url = "https://a.example", .max_connections = 10,
	                    .max_connections_per_address = 10, .max_request_kib = 64, .idle_seconds = 60, .peers = &peer, .n_peers = 1};
	struct front_doors doors = {.hard_stop_ms = 1000};
	struct address_space *table = address_space_new(&conf);
	struct pki_tls *server_tls;
	struct loop_timer *looker;
	const char *name = "localhost";
	char key[100], cert[100], ca[100], command[200];
	struct buf error;
	int fd[2], silent = -1;

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
	began = loop_ms();
	for (int i = 0; i < CLIENTS; i++) {
		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
		buf_init(&clients[i].in, 1 << 16);
		front_accept(front, fd[0], "192.0.2.1");
		if (i == SILENT)
			silent = fd[1];
		else
			clients[i].s = pki_stream_connect(loop, client_tls, fd[1], "localhost", NULL, 65536, &events, &clients[i]);
	}
	CHECK_INT(front_open(front), CLIENTS);
	looker = loop_timer_new(loop, 200, look, &looker);
	loop_run(loop);

	CHECK_INT(front_open(front), 0);
	CHECK(clients[GOOD].ended && clients[GOOD].ended < clients[HALF_HEAD].ended && clients[GOOD].ended < clients[DRIP].ended);
	CHECK(strncmp(buf_cstr(&clients[GOOD].in), "HTTP/1.1 401 ", 13) == 0);
	for (int i = HALF_HEAD; i <= DRIP; i++) {
		CHECK(clients[i].ended - began > 9000 && clients[i].ended - began < 60000);
		CHECK(strncmp(buf_cstr(&clients[i].in), "HTTP/1.1 408 ", 13) == 0);
	}
	CHECK_INT(recv(silent, key, 1, 0), 0); /* closed */

	for (int i = 0; i < CLIENTS; i++) {
		pki_stream_free(clients[i].s);
		loop_timer_free(clients[i].drip);
		buf_free(&clients[i].in);
	}
	close(silent);
	loop_timer_free(looker);
	front_free(front);
	address_space_free(table);
	pki_tls_free(server_tls);
	pki_tls_free(client_tls);
	loop_free(loop);
	buf_free(&error);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || check_done();
}
