/* links: base pki */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include "bridge/base/log.h"
#include "pki/identity.h"
#include "pki/tls.h"
#include "tests/unit/check.h"

/* A peer that changes its keys without end: one turn of the loop takes a little of that, not all that the peer can send. */
static char dir[] = "/tmp/flood-XXXXXX";
static struct loop *loop;
static bool server_up, server_down;
static size_t came;

static void up(void *arg)
{
	server_up = true;
}

static void data(void *arg, struct buf *in)
{
	came += in->len;
	buf_consume(in, in->len);
}

static void down(void *arg, const char *why)
{
	server_down = true;
}

static void stop(void *arg)
{
	loop_stop(loop);
}

/* What is ready now is done once. */
static void one_turn(void)
{
	struct loop_timer *t = loop_timer_new(loop, 0, stop, NULL);

	loop_run(loop);
	loop_timer_free(t);
}

static int waiting_at(int fd)
{
	int n = 0;

	CHECK(ioctl(fd, FIONREAD, &n) == 0);
	return n;
}

int main(void)
{
	static const struct pki_stream_events events = {up, data, NULL, down};
	const char *name = "localhost";
	char key[100], cert[100], ca[100], command[200];
	struct pki_stream *server;
	struct pki_tls *tls;
	struct buf error;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(ctx);
	int fd[2], turns = 0, updates = 0;

	if (!mkdtemp(dir))
		return 1;
	log_setup(open("/dev/null", O_WRONLY), false, LOG_LEVEL_ERROR, "test");
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(ca, sizeof(ca), "%s/ca", dir);
	buf_init(&error, 1000);
	CHECK_INT(pki_front_create(&name, 1, key, cert, ca, &error), 0);
	tls = pki_tls_front(cert, key, &error);
	loop = loop_new();
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	server = pki_stream_accept(loop, tls, fd[0], 65536, &events, NULL);
	SSL_set_fd(client, fd[1]);
	for (int i = 0; i < 1000 && (SSL_connect(client) != 1 || !server_up); i++)
		one_turn();
	CHECK(server_up);

	while (updates < 100000 && SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(client) == 1)
		updates++; /* until the socket is full */
	CHECK(updates > 50);
	/* All of it is taken in the end, and what comes behind it; no turn takes more than a few. */
	for (; turns < 200000 && waiting_at(fd[0]) > 0; turns++)
		one_turn();
	CHECK_INT(SSL_do_handshake(client), 1); /* the update that did not fit */
	CHECK_INT(SSL_write(client, "hello", 5), 5);
	for (; turns < 200000 && came < 5; turns++)
		one_turn();
	CHECK_INT(came, 5);
	CHECK(turns > updates / 32);
	CHECK(!server_down);

	SSL_free(client);
	SSL_CTX_free(ctx);
	close(fd[1]);
	pki_stream_free(server);
	pki_tls_free(tls);
	loop_free(loop);
	buf_free(&error);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || check_done();
}
