#include "pki/stream_own.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

static int name_host(struct pki_stream *s)
{
	struct in6_addr any;
	bool ip;

	if (!s->host)
		return 0;
	ip = inet_pton(AF_INET, s->host, &any) == 1 || inet_pton(AF_INET6, s->host, &any) == 1;
	if (!ip && SSL_set_tlsext_host_name(s->ssl, s->host) != 1)
		return -1;
	if (s->tls->recipe != PKI_CLIENT)
		return 0;
	return (ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), s->host) : SSL_set1_host(s->ssl, s->host)) == 1 ? 0 : -1;
}

int stream_prepare(struct pki_stream *s)
{
	BIO *bio = NULL;

	s->check = (struct pki_check){.tls = s->tls, .only = s->only};
	s->ssl = SSL_new(s->tls->ctx);
	if (!s->ssl || pki_check_attach(s->ssl, &s->check) < 0 || name_host(s) < 0 || !(bio = pki_bio_new(s->fd)))
		return -1;
	SSL_set_bio(s->ssl, bio, bio);
	if (s->server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	return 0;
}

static struct pki_stream *stream_new(struct loop *l, struct pki_tls *t, int fd, bool server, const char *host, const char *pin_of,
                                     size_t max_in, const struct pki_stream_events *ev, void *arg)
{
	struct pki_stream *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return NULL;
	}
	*s = (struct pki_stream){.loop = l, .tls = t, .fd = fd, .ev = *ev, .arg = arg, .server = server};
	buf_init(&s->in, max_in);
	buf_init(&s->out, STREAM_OUT_MAX);
	if ((host && !(s->host = strdup(host))) || (pin_of && !(s->only = strdup(pin_of))) || (!server && stream_prepare(s) < 0)) {
		ERR_clear_error();
		close(fd);
		stream_release(s);
		return NULL;
	}
	s->watch = loop_fd_new(l, fd, server ? LOOP_READ : LOOP_WRITE, stream_on_fd, s);
	s->deadline = loop_timer_new(l, STREAM_HANDSHAKE_MS, stream_on_deadline, s);
	s->kick = loop_timer_new(l, STREAM_HANDSHAKE_MS + 1000, stream_on_kick, s); /* harmless when it runs: a turn does what there is to do */
	return s;
}

struct pki_stream *pki_stream_accept(struct loop *l, struct pki_tls *t, int fd, size_t max_in,
                                     const struct pki_stream_events *ev, void *arg)
{
	return stream_new(l, t, fd, true, NULL, NULL, max_in, ev, arg);
}

struct pki_stream *pki_stream_connect(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *pin_of,
                                      size_t max_in, const struct pki_stream_events *ev, void *arg)
{
	return stream_new(l, t, fd, false, host, pin_of, max_in, ev, arg);
}
