#include "bridge/front/parts.h"

/* What `serve --trace` records at the front; what of it is shown is decided in bridge/trace/. */

static struct trace_record *begin(struct connection *c, const char *what, bool up)
{
	struct trace_about about = {.side = "front", .what = what, .connection = c->traced_as};

	if (up) {
		about.protocol = pki_stream_protocol(c->stream);
		about.alpn = pki_stream_alpn(c->stream);
		about.sni_known = true;
		about.sni = pki_stream_named(c->stream);
	}
	return trace_begin(c->front->trace, &about);
}

void record_connection(struct connection *c)
{
	c->traced_as = trace_connection(c->front->trace);
}

void record_failure(struct connection *c, const char *why)
{
	struct trace_record *r;

	if (!c->front->trace)
		return;
	r = begin(c, "failure", false);
	trace_note(r, "the TLS handshake failed:");
	trace_note(r, why ? why : "the client went away");
	trace_end(r, NULL);
}

void record_head(struct connection *c, const void *head, size_t n)
{
	if (!c->front->trace)
		return;
	record_lost(c);
	c->traced = begin(c, "request", true);
	trace_head(c->traced, head, n);
}

void record_body(struct connection *c)
{
	trace_body(c->traced, buf_ptr(&c->body), c->body.len);
}

void record_answer(struct connection *c, const struct buf *head, const struct buf *body)
{
	struct trace_record *r;

	if (!c->front->trace)
		return;
	trace_end(c->traced, c->request_id);
	c->traced = NULL;
	r = begin(c, "answer", true);
	trace_head(r, buf_ptr(head), head->len);
	if (body)
		trace_body(r, buf_ptr(body), body->len);
	trace_end(r, c->request_id);
}

void record_lost(struct connection *c)
{
	if (!c->traced)
		return;
	trace_note(c->traced, "the client went away before it was answered");
	trace_end(c->traced, c->request_id);
	c->traced = NULL;
}
