#include "bridge/ctl/visit.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/loop.h"
#include "bridge/process/sandbox.h"
#include "pki/rotation.h"

enum { CONNECT_MS = 5000, EXCHANGE_MS = 20000, IN_MAX = 64 << 10 };
enum state { GOES_IN, WANTS_ANSWER, WANTS_DONE };

struct exchange {
	struct visit *visit;
	struct loop *loop;
	struct pki_stream *stream;
	struct pki_pairing proof;
	enum state state;
	bool done;
	uint8_t exporter[PKI_EXPORTER_LEN], own[PKI_PIN_LEN], other[PKI_PIN_LEN];
	char why[1024];
};

static void stop(struct exchange *x, const char *why)
{
	if (!x->why[0]) /* what came first is the reason */
		snprintf(x->why, sizeof x->why, "%s", why);
	loop_stop(x->loop);
}

static void put(struct exchange *x, enum pki_pairing_type type, const struct buf *body)
{
	struct buf b;

	buf_init(&b, PKI_PAIRING_FRAME_MAX);
	pki_pairing_put(&x->proof, &b, type, body ? buf_ptr(body) : NULL, body ? body->len : 0);
	if (b.failed)
		stop(x, "our own offer is too long: pair the manual way, by `identity show` and `peer add` on both sides");
	else
		pki_stream_write(x->stream, buf_ptr(&b), b.len);
	buf_wipe(&b);
}

/* The key matched the pin in the text; now ours is shown, with what we say of ourselves. */
static void on_up(void *arg)
{
	struct exchange *x = arg;
	struct buf body;

	pki_stream_pins(x->stream, x->own, x->other);
	if (pki_stream_exporter(x->stream, x->exporter) != 0) {
		stop(x, "this connection has no exporter");
		return;
	}
	pki_pairing_start(&x->proof, x->visit->inv, x->exporter, x->own);
	buf_init(&body, PKI_PAIRING_FRAME_MAX);
	buf_add(&body, x->visit->inv->id, PKI_INVITATION_ID_LEN);
	pki_offer_put(&body, x->visit->offer);
	x->state = WANTS_ANSWER;
	put(x, PKI_PAIRING_ACCEPT, &body);
	buf_free(&body);
}

static void on_data(void *arg, struct buf *in)
{
	struct exchange *x = arg;
	enum pki_pairing_type want = x->state == WANTS_ANSWER ? PKI_PAIRING_ANSWER : PKI_PAIRING_DONE;
	struct buf body;

	if (x->done || x->state == GOES_IN)
		return;
	buf_init(&body, PKI_PAIRING_FRAME_MAX);
	switch (pki_pairing_take(&x->proof, in, want, &body)) {
	case PKI_PAIRING_MORE:
		break;
	case PKI_PAIRING_TAKEN:
		if (x->state == WANTS_ANSWER) {
			x->state = WANTS_DONE;
			put(x, PKI_PAIRING_AGREED, NULL);
		} else {
			x->done = true;
			stop(x, "");
		}
		break;
	case PKI_PAIRING_NO:
		x->state = GOES_IN; /* it has not written us */
		stop(x, buf_cstr(&body));
		break;
	case PKI_PAIRING_FALSE:
		stop(x,
		     "the other side could not prove that it knows the secret of this invitation, or somebody stands in between");
		break;
	case PKI_PAIRING_GARBAGE:
		stop(x, "what came back is not pairing");
	}
	buf_free(&body);
}

static void on_down(void *arg, const char *why)
{
	stop(arg, why ? why : "the other side closed the connection in the middle");
}

static void on_late(void *arg)
{
	stop(arg, "the other side did not answer in time");
}

/* The connection to ${endpoint}, non-blocking; -1 with the reason appended. */
static int dial(const char *endpoint, char host[256], struct buf *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	const char *colon = strrchr(endpoint, ':');
	struct pollfd p = {.fd = -1, .events = POLLOUT};
	int bad, why = 0;
	socklen_t len = sizeof why;

	snprintf(host, 256, "%.*s", (int)(colon - endpoint) - 2 * (*endpoint == '['), endpoint + (*endpoint == '['));
	bad = getaddrinfo(host, colon + 1, &hints, &list);
	for (const struct addrinfo *a = list; a && p.fd < 0; a = a->ai_next) {
		p.fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (p.fd < 0)
			continue;
		why = connect(p.fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
		if (why == EINPROGRESS && poll(&p, 1, CONNECT_MS) == 1)
			getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &why, &len);
		if (why) {
			close(p.fd);
			p.fd = -1;
		}
	}
	if (list)
		freeaddrinfo(list);
	if (p.fd < 0)
		buf_printf(error, "%s%s: %s", error->len ? "; " : "", endpoint,
		           bad ? gai_strerror(bad) : strerror(why == EINPROGRESS ? ETIMEDOUT : why));
	return p.fd;
}

static int talk(struct visit *v, int fd, const char *host, struct pki_tls *tls, struct buf *error, bool *unsure)
{
	static const struct pki_stream_events events = {on_up, on_data, NULL, on_down};
	struct exchange x = {.visit = v, .loop = loop_new()};
	struct loop_timer *late = loop_timer_new(x.loop, EXCHANGE_MS, on_late, &x);

	x.stream = pki_stream_connect(x.loop, tls, fd, host, v->inv->offer.site, IN_MAX, &events, &x);
	if (x.stream)
		loop_run(x.loop);
	else
		snprintf(x.why, sizeof x.why, "out of memory");
	if (x.done)
		pki_pairing_code(v->code, x.other, x.own, x.exporter);
	else
		buf_puts(error, x.why);
	*unsure = !x.done && x.state == WANTS_DONE;
	pki_stream_free(x.stream);
	pki_pairing_end(&x.proof);
	loop_timer_free(late);
	loop_free(x.loop);
	return x.done ? 0 : -1;
}

int visit_host(struct visit *v, struct buf *error, bool *unsure)
{
	struct pki_pinset *pins = pki_pinset_new();
	const struct pki_identity_files f = {v->conf->identity_certificate, v->conf->identity_key};
	struct pki_tls *tls = NULL;
	char host[256], key[4096];
	int fd = -1, result = -1;

	sandbox_hide();
	*unsure = false;
	if (!pins || pki_pinset_add(pins, v->inv->offer.site, v->inv->pin) != 0)
		buf_puts(error, "out of memory");
	else if (conf_key_passphrase(v->conf, error) == 0 && pki_rotation_key(&f, key, sizeof key) == 0 &&
	         (tls = pki_tls_pairing(f.cert, key, pins, error)))
		for (size_t i = 0; i < v->inv->offer.n_endpoints && fd < 0; i++)
			fd = dial(v->inv->offer.endpoints[i], host, error);
	if (fd >= 0) {
		buf_reset(error);
		result = talk(v, fd, host, tls, error, unsure);
	}
	pki_tls_free(tls);
	pki_pinset_free(pins);
	return result;
}
