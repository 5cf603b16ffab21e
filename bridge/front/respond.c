#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/base/log.h"
#include "bridge/front/parts.h"

static const char *status_words(int status)
{
	static const struct {
		int status;
		const char *words;
	} rows[] = {{200, "OK"}, {302, "Found"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
	            {405, "Method Not Allowed"}, {408, "Request Timeout"}, {413, "Content Too Large"}, {414, "URI Too Long"},
	            {415, "Unsupported Media Type"}, {417, "Expectation Failed"}, {431, "Request Header Fields Too Large"},
	            {500, "Internal Server Error"}, {501, "Not Implemented"}, {503, "Service Unavailable"},
	            {505, "HTTP Version Not Supported"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return rows[i].words;
	return "Unknown";
}

static void log_request(const struct connection *c, int status, size_t bytes)
{
	if (!connection_may_tell(c))
		return;
	log_event(LOG_LEVEL_INFO, "request", LS("request-id", c->request_id),
	          LS("client-request-id", *c->client_id ? c->client_id : NULL), LS("account", identity_name(&c->who)), LS("address", c->address),
	          LS("operation", c->operation ? c->operation : c->route ? c->route->name : NULL), LI("status", status),
	          LI("ms", c->started ? loop_ms() - c->since : 0), LI("bytes", bytes), LS("why", c->why));
}

/*
 * A body that was not read (the request is refused before) must not be taken for the next request: it is thrown away if it is on
 * its way and small enough; else the connection ends. A client that waits for 100 Continue may send its body or not after
 * another answer (RFC 9110 10.1.1), and nothing tells which: that ends it too. .NET comes again on a new connection with its
 * credentials. A step of a login that belongs to its connection (NTLM) could not: there the body is asked for and thrown away
 * before the answer (CONN_SWALLOW), so that the connection goes on and where the next request starts is certain.
 */
static bool can_go_on(const struct connection *c)
{
	if (!c->request.keep || c->front->draining)
		return false;
	if (c->state == CONN_ASKING || (!c->request.chunked && c->request.length == 0))
		return true;
	if (c->state == CONN_BODY || c->state == CONN_SWALLOW || (c->request.expect_continue && !c->continued))
		return false;
	return c->request.length <= (int64_t)c->front->conf->max_request_kib * 1024;
}

/* The Date field's text: IMF-fixdate, which is made once a second. */
static const char *date_now(void)
{
	static time_t second = -1;
	static char text[40];
	time_t now = time(NULL);
	struct tm tm;

	if (now != second)
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	second = now;
	return text;
}

static void put_field(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, name);
	buf_puts(out, value);
	buf_puts(out, "\r\n");
}

static void put_head(struct connection *c, struct buf *out, int status, const char *type, const char *more, size_t length)
{
	buf_puts(out, "HTTP/1.1 ");
	buf_puti(out, status);
	put_field(out, " ", status_words(status));
	put_field(out, "Date: ", date_now());
	buf_puts(out, "Content-Length: ");
	buf_putu(out, length);
	buf_puts(out, "\r\n");
	if (length)
		put_field(out, "Content-Type: ", type);
	put_field(out, "Cache-Control: no-store\r\nrequest-id: ", c->request_id);
	if (*c->client_id)
		put_field(out, "client-request-id: ", c->client_id);
	if (c->route && c->route->autodiscover)
		buf_puts(out, "X-SOAP-Enabled: True\r\nX-WSSecurity-Enabled: False\r\nX-OAuth-Enabled: False\r\n");
	buf_puts(out, more);
	buf_add(out, buf_ptr(&c->token_line), c->token_line.len);
	if (!c->keep)
		buf_puts(out, "Connection: close\r\n");
	else if (c->request.minor == 0)
		buf_puts(out, "Connection: keep-alive\r\n");
	buf_puts(out, "\r\n");
}

/* Clients that ask for much and read none of it must not take all memory; small answers always have their place. */
static bool fits(const struct front *f, size_t length)
{
	size_t unsent = 0;

	if (length < FRONT_LARGE)
		return true;
	for (const struct connection *c = f->open; c; c = c->next)
		unsent += pki_stream_pending(c->stream);
	return length <= f->unsent_max && unsent <= f->unsent_max - length;
}

void respond(struct connection *c, int status, const char *type, const char *more, const struct buf *body)
{
	size_t length = body ? body->len : 0;
	bool whole = c->state == CONN_ASKING || (!c->request.chunked && c->request.length == 0);
	struct buf out;

	if (c->dead)
		return;
	if (!fits(c->front, length)) {
		respond_text(c, 503, "Retry-After: 5\r\n", "Too many large answers are on their way to clients that do not take them. Try again in a moment.");
		return;
	}
	c->keep = can_go_on(c);
	buf_init(&out, (8 << 10) + 2 * LOGIN_TOKEN_MAX);
	put_head(c, &out, status, type, more, length);
	log_request(c, status, length);
	record_answer(c, &out, c->request.method == HTTP_HEAD ? NULL : body);
	if (out.failed || pki_stream_write(c->stream, buf_ptr(&out), out.len) < 0 ||
	    (length && c->request.method != HTTP_HEAD && pki_stream_write(c->stream, buf_ptr(body), length) < 0)) {
		buf_free(&out);
		connection_drop(c);
		return;
	}
	buf_free(&out);
	c->state = c->keep && !whole ? CONN_DISCARD : CONN_WRITING;
	connection_answered(c);
}

void respond_text(struct connection *c, int status, const char *more, const char *sentence)
{
	struct buf body;

	c->why = status == 401 ? NULL : sentence; /* a 401 is how most logins begin */
	buf_init(&body, 4096);
	buf_puts(&body, sentence);
	buf_puts(&body, "\r\n");
	respond(c, status, "text/plain; charset=utf-8", more, &body);
	buf_free(&body);
}

void respond_unauthorized(struct connection *c)
{
	struct buf more;

	buf_init(&more, 4096);
	auth_challenges(&more, c->front->offered, c->front->host);
	respond_text(c, 401, buf_cstr(&more), "Log in with an account of this bridge.");
	buf_free(&more);
}

void respond_go_on(struct connection *c, enum login_scheme scheme, const struct buf *token)
{
	struct buf more;

	buf_init(&more, 2 * LOGIN_TOKEN_MAX);
	auth_challenge(&more, scheme, token);
	respond_text(c, 401, buf_cstr(&more), "The login goes on with the next request on this connection.");
	buf_free(&more);
}
