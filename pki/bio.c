#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <openssl/bio.h>
#include "pki/parts.h"

/*
 * OpenSSL's own socket BIO uses write(2), which raises SIGPIPE when the other side has gone; this one does not. And OpenSSL reads each
 * record's head and then its body: here both come out of one recv(2). (Its own reading ahead would not do: with it one SSL_read() goes
 * through all key updates that have come.)
 */
enum { AHEAD = 8 << 10 };

struct socket {
	int fd;
	size_t at, n;   /* of ahead: what OpenSSL has not asked for yet */
	uint8_t *ahead; /* NULL while there is nothing, which is nearly always */
};

static int bio_write(BIO *b, const char *p, int n)
{
	const struct socket *s = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	do
		r = send(s->fd, p, (size_t)n, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_write(b);
	return (int)r;
}

static ssize_t receive(BIO *b, void *p, size_t n)
{
	const struct socket *s = BIO_get_data(b);
	ssize_t r;

	do
		r = recv(s->fd, p, n, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_read(b);
	if (r == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return r;
}

static int take_ahead(struct socket *s, char *p, size_t n)
{
	n = n < s->n ? n : s->n;
	memcpy(p, s->ahead + s->at, n);
	s->at += n;
	s->n -= n;
	if (!s->n) {
		free(s->ahead);
		s->ahead = NULL;
	}
	return (int)n;
}

static int bio_read(BIO *b, char *p, int n)
{
	static char both[AHEAD]; /* encrypted as it is, nobody need wipe it */
	struct socket *s = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	if (s->n)
		return take_ahead(s, p, (size_t)n);
	if (n >= AHEAD)
		return (int)receive(b, p, (size_t)n);
	r = receive(b, both, sizeof(both));
	if (r <= n) {
		memcpy(p, both, r > 0 ? (size_t)r : 0);
		return (int)r;
	}
	if (!(s->ahead = malloc((size_t)(r - n)))) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(p, both, (size_t)n);
	memcpy(s->ahead, both + n, (size_t)(r - n));
	s->at = 0;
	s->n = (size_t)(r - n);
	return n;
}

static long bio_ctrl(BIO *b, int what, long n, void *p)
{
	const struct socket *s = BIO_get_data(b);

	if (what == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	if (what == BIO_CTRL_PENDING)
		return (long)s->n;
	return what == BIO_CTRL_FLUSH || what == BIO_CTRL_DUP;
}

static int bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

static int bio_destroy(BIO *b)
{
	struct socket *s = BIO_get_data(b);

	if (s)
		free(s->ahead);
	free(s);
	return 1;
}

BIO *pki_bio_new(int fd)
{
	static BIO_METHOD *method; /* made once, lives for the process */
	struct socket *s = calloc(1, sizeof(*s));
	BIO *b;

	if (!method && (method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "availbridge socket"))) {
		BIO_meth_set_write(method, bio_write);
		BIO_meth_set_read(method, bio_read);
		BIO_meth_set_ctrl(method, bio_ctrl);
		BIO_meth_set_create(method, bio_create);
		BIO_meth_set_destroy(method, bio_destroy);
	}
	b = s && method ? BIO_new(method) : NULL;
	if (!b) {
		free(s);
		return NULL;
	}
	s->fd = fd;
	BIO_set_data(b, s);
	return b;
}
