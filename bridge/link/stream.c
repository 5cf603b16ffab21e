#include "bridge/link/session_own.h"
#include <stdio.h>
#include <string.h>

void link_stream_init(struct link_stream *st, size_t max_in)
{
	memset(st, 0, sizeof *st);
	grpc_reader_init(&st->in, max_in);
	buf_init(&st->out, LINK_OUT_CALL);
}

void link_stream_release(struct link_stream *st)
{
	grpc_reader_free(&st->in);
	buf_free(&st->out);
}

static nghttp2_nv field(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* grpc-status and, if there is one, grpc-message; their text lives in ${digits} and ${text}. Returns how many. */
static size_t status_fields(const struct link_stream *st, nghttp2_nv *nv, char digits[12], struct buf *text)
{
	snprintf(digits, 12, "%d", st->status);
	nv[0] = field("grpc-status", digits);
	buf_init(text, 3 * sizeof st->message);
	if (!st->message[0] || grpc_message_encode(text, st->message) != 0)
		return 1;
	nv[1] = field("grpc-message", buf_cstr(text));
	return 2;
}

static void submit_trailers(struct link_session *s, const struct link_stream *st)
{
	nghttp2_nv nv[2];
	char digits[12];
	struct buf text;

	nghttp2_submit_trailer(s->h2, st->id, nv, status_fields(st, nv, digits, &text));
	buf_free(&text);
}

static ssize_t read_out(nghttp2_session *h2, int32_t id, uint8_t *to, size_t room, uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = link_session_find(s, id);
	size_t n;

	(void)h2;
	(void)source;
	if (s->dead)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (!st) /* given up: its RST_STREAM is on the way */
		return NGHTTP2_ERR_DEFERRED;
	n = st->out.len < room ? st->out.len : room;
	if (n)
		memcpy(to, buf_ptr(&st->out), n);
	buf_consume(&st->out, n);
	*s->out_bytes -= st->counted_out - st->out.len;
	st->counted_out = st->out.len;
	if (st->out.len || !st->out_last)
		return n ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (s->server) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		submit_trailers(s, st);
	}
	return (ssize_t)n;
}

int link_stream_request(struct link_session *s, struct link_stream *st, const nghttp2_nv *nv, size_t n)
{
	const nghttp2_data_provider source = {.read_callback = read_out};
	int32_t id;

	if (s->dead || s->draining || !s->settled || s->n_streams >= LINK_STREAMS)
		return -1;
	id = nghttp2_submit_request(s->h2, NULL, nv, n, &source, NULL);
	if (id <= 0)
		return -1;
	link_session_attach(s, st, id);
	st->counted_out = st->out.len;
	*s->out_bytes += st->out.len;
	link_session_flush(s);
	return 0;
}

uint8_t *link_stream_put(struct link_stream *st, size_t n)
{
	struct link_session *s = st->session;
	uint8_t *p;

	if (st->out_last || n > LINK_OUT_CALL || (s && n + GRPC_HEAD > LINK_OUT_BYTES - *s->out_bytes))
		return NULL;
	p = buf_reserve(&st->out, n + GRPC_HEAD);
	if (!p)
		return NULL;
	grpc_head_put(p, n);
	buf_commit(&st->out, n + GRPC_HEAD);
	if (s) {
		*s->out_bytes += st->out.len - st->counted_out;
		st->counted_out = st->out.len;
	}
	return p + GRPC_HEAD;
}

void link_stream_send(struct link_stream *st)
{
	struct link_session *s = st->session;
	const nghttp2_data_provider source = {.read_callback = read_out};
	const nghttp2_nv nv[] = {field(":status", "200"), field("content-type", "application/grpc+proto"), field("grpc-accept-encoding", "identity")};

	if (!s || s->dead)
		return;
	if (s->server && !st->responding) {
		nghttp2_submit_response(s->h2, st->id, nv, 3, &source);
		st->responding = true;
	} else {
		nghttp2_session_resume_data(s->h2, st->id);
	}
	link_session_flush(s);
}

void link_stream_end(struct link_stream *st, int status, const char *why)
{
	struct link_session *s = st->session;

	if (!s || s->dead || st->out_last)
		return;
	st->out_last = true;
	st->status = status;
	snprintf(st->message, sizeof st->message, "%s", why ? why : "");
	if (!s->server || st->responding || st->out.len) {
		link_stream_send(st);
	} else {
		nghttp2_nv nv[4] = {field(":status", "200"), field("content-type", "application/grpc+proto")};
		char digits[12];
		struct buf text;

		nghttp2_submit_response(s->h2, st->id, nv, 2 + status_fields(st, nv + 2, digits, &text), NULL);
		buf_free(&text);
		st->responding = true;
		link_session_flush(s);
	}
}

void link_stream_end_http(struct link_stream *st, const char *http)
{
	struct link_session *s = st->session;
	const nghttp2_nv nv = field(":status", http);

	if (!s || s->dead || st->out_last)
		return;
	st->out_last = st->responding = true;
	nghttp2_submit_response(s->h2, st->id, &nv, 1, NULL);
	link_session_flush(s);
}

void link_stream_reset(struct link_stream *st, uint32_t code)
{
	struct link_session *s = st->session;

	if (!s)
		return;
	if (!s->dead) {
		nghttp2_submit_rst_stream(s->h2, NGHTTP2_FLAG_NONE, st->id, code);
		link_session_flush(s);
	}
	link_session_detach(st);
}
