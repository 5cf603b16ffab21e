#include "bridge/ctl/https.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/loop.h"
#include "bridge/base/text.h"
#include "pki/tls.h"

enum { HEAD_MAX = 64 << 10 };

struct exchange {
	struct loop *l;
	struct pki_stream *s;
	struct buf request, in;
	size_t max;      /* most that may come */
	bool down, late, too_big;
	char why[256];
};

static void on_up(void *arg)
{
	struct exchange *x = arg;

	pki_stream_write(x->s, buf_ptr(&x->request), x->request.len);
}

static void on_data(void *arg, struct buf *in)
{
	struct exchange *x = arg;

	if (buf_add(&x->in, buf_ptr(in), in->len) < 0) {
		x->too_big = true;
		loop_stop(x->l);
	}
	buf_consume(in, in->len);
}

static void on_down(void *arg, const char *why)
{
	struct exchange *x = arg;

	x->down = true;
	if (why)
		snprintf(x->why, sizeof x->why, "%s", why);
	loop_stop(x->l);
}

static void on_late(void *arg)
{
	struct exchange *x = arg;

	x->late = true;
	loop_stop(x->l);
}

int https_split_url(const char *url, char host[256], char port[8])
{
	const char *p = text_istarts(url, "https://") ? url + 8 : url, *end;
	size_t n;

	if (*p == '[') {
		end = strchr(++p, ']');
		n = end ? (size_t)(end - p) : 0;
		end = end ? end + 1 : p;
	} else {
		n = strcspn(p, ":/");
		end = p + n;
	}
	if (n == 0 || n > 255)
		return -1;
	memcpy(host, p, n);
	host[n] = 0;
	snprintf(port, 8, "%.*s", *end == ':' ? (int)strcspn(end + 1, "/") : 3, *end == ':' ? end + 1 : "443");
	return 0;
}

static int dial(const char *host, const char *port, struct buf *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	int fd = -1, bad = getaddrinfo(host, port, &hints, &list), why = 0;

	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			why = errno;
			close(fd);
			fd = -1;
		}
	}
	if (list)
		freeaddrinfo(list);
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	else
		buf_printf(error, "cannot connect to %s port %s: %s", host, port, bad ? gai_strerror(bad) : strerror(why));
	return fd;
}

static void put_request(struct buf *out, const struct https_post *p, const char *host)
{
	struct buf plain;

	buf_init(&plain, 4096);
	buf_printf(out, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/xml; charset=utf-8\r\n", p->path, host);
	buf_puts(out, "User-Agent: availbridge/" VERSION "\r\n");
	if (p->user) {
		buf_printf(&plain, "%s:%s", p->user, p->password);
		buf_puts(out, "Authorization: Basic ");
		text_base64(out, buf_ptr(&plain), plain.len);
		buf_puts(out, "\r\n");
	}
	buf_printf(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", p->n);
	buf_add(out, p->body, p->n);
	buf_wipe(&plain);
}

/* Takes the answer apart: the status, and a body that must be as long as it said. */
static int read_reply(struct buf *in, struct buf *head, struct buf *reply, struct buf *error)
{
	const char *text = buf_cstr(in), *end = strstr(text, "\r\n\r\n"), *line;
	int64_t length = -1;
	int status = 0;
	char number[24];
	size_t have;

	if (!end || end - text > HEAD_MAX || sscanf(text, "HTTP/1.%*1[01] %3d", &status) != 1) {
		buf_puts(error, "the front closed the connection without an HTTP answer; its log says why");
		return -1;
	}
	for (line = strstr(text, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
		if (text_istarts(line + 2, "content-length:") && sscanf(line + 2 + 15, " %23[0-9]", number) == 1)
			text_int(number, 0, INT64_MAX, &length);
		if (text_istarts(line + 2, "transfer-encoding:")) {
			buf_puts(error, "the front answered with a transfer encoding, which it should not");
			return -1;
		}
	}
	have = in->len - (size_t)(end + 4 - text);
	if (length >= 0 && have != (size_t)length) {
		buf_printf(error, "the front's answer was cut off: %zu bytes came of %lld", have, (long long)length);
		return -1;
	}
	if (head)
		buf_add(head, text, (size_t)(end - text));
	return buf_add(reply, end + 4, have) < 0 ? -1 : status;
}

static int run(struct exchange *x, const struct https_post *p, struct pki_tls *tls, const char *host, int fd, struct buf *reply,
               struct buf *error)
{
	static const struct pki_stream_events events = {on_up, on_data, NULL, on_down};
	struct loop_timer *timer = loop_timer_new(x->l, p->timeout_ms, on_late, x);
	int status = -1;

	put_request(&x->request, p, host);
	x->s = pki_stream_connect(x->l, tls, fd, host, NULL, 1 << 20, &events, x);
	if (x->s)
		loop_run(x->l);
	if (!x->s || x->request.failed)
		buf_puts(error, "out of memory");
	else if (x->late)
		buf_printf(error, "no answer from %s within %d ms", p->url, p->timeout_ms);
	else if (x->too_big)
		buf_printf(error, "the answer is over %zu bytes", x->max);
	else if (*x->why)
		buf_puts(error, x->why);
	else
		status = read_reply(&x->in, p->head, reply, error);
	pki_stream_free(x->s);
	loop_timer_free(timer);
	return status;
}

int https_post(const struct https_post *p, struct buf *reply, struct buf *error)
{
	struct exchange x = {.max = reply->max};
	char host[256], port[8];
	struct pki_tls *tls;
	int fd, status = -1;

	if (https_split_url(p->url, host, port) < 0) {
		buf_printf(error, "%s is no https:// URL", p->url);
		return -1;
	}
	if (!(tls = pki_tls_client(p->ca_path, error)))
		return -1;
	x.l = loop_new();
	buf_init(&x.request, p->n + HEAD_MAX);
	buf_init(&x.in, reply->max);
	if ((fd = dial(host, port, error)) >= 0)
		status = run(&x, p, tls, host, fd, reply, error);
	buf_wipe(&x.request);
	buf_free(&x.in);
	loop_free(x.l);
	pki_tls_free(tls);
	return status;
}
