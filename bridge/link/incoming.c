#include "bridge/link/session_own.h"

/* What nghttp2 tells about the bytes that came. */
enum { CALM_FRAMES = 1000, CALM_MS = 10000 };

/* By number, never by a pointer kept inside nghttp2: a stream that was given up is simply not found. */
struct link_stream *link_session_find(struct link_session *s, int32_t id)
{
	struct link_stream *st = *link_session_bucket(s, id);

	while (st && st->id != id)
		st = st->next;
	return st;
}

static int go_on(const struct link_session *s)
{
	return s->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st;

	(void)h2;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	st = link_session_find(s, frame->hd.stream_id);
	if (st)
		st->header_bytes = 0;
	if (!s->server || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	st = s->ev->open(s->arg);
	if (!st)
		return s->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	link_session_attach(s, st, frame->hd.stream_id);
	return 0;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = link_session_find(s, frame->hd.stream_id);
	nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);

	(void)h2;
	(void)flags;
	if (!st)
		return 0;
	st->header_bytes += n.len + v.len + 32;
	if (st->header_bytes > LINK_HEADER_BYTES)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	s->ev->header(s->arg, st, (const char *)n.base, (const char *)v.base);
	return go_on(s);
}

/* A healthy peer sends few frames that carry no work; a stream of them only burns our time. */
static void keep_calm(struct link_session *s)
{
	int64_t now = loop_ms();

	if (now - s->calm_since > CALM_MS) {
		s->calm_since = now;
		s->calm_frames = 0;
	}
	if (++s->calm_frames == CALM_FRAMES)
		nghttp2_session_terminate_session(s->h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void remote_end(struct link_session *s, struct link_stream *st)
{
	st->remote_ended = true;
	s->ev->ended(s->arg, st, grpc_reader_midway(&st->in));
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = link_session_find(s, frame->hd.stream_id);
	bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	(void)h2;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (st)
			s->ev->headers(s->arg, st);
		if (!s->dead && last && (st = link_session_find(s, frame->hd.stream_id)))
			remote_end(s, st);
		break;
	case NGHTTP2_DATA:
		if (!last && !frame->hd.length)
			keep_calm(s);
		if (st && last)
			remote_end(s, st);
		break;
	case NGHTTP2_SETTINGS:
		keep_calm(s);
		if (!(frame->hd.flags & NGHTTP2_FLAG_ACK) && !s->settled) {
			s->settled = true;
			s->ev->up(s->arg);
		}
		break;
	case NGHTTP2_GOAWAY:
		s->ev->goaway(s->arg);
		break;
	case NGHTTP2_PING:
	case NGHTTP2_PRIORITY:
		keep_calm(s);
		break;
	}
	return go_on(s);
}

static void count_in(struct link_session *s, struct link_stream *st)
{
	s->in_bytes += st->in.body.len - st->counted_in;
	st->counted_in = st->in.body.len;
}

/* What was read of a message is all that is needed of it, and a stream may stay open for long: it is unfinished no more. */
static void message_taken(struct link_session *s, int32_t id)
{
	struct link_stream *st = s->dead ? NULL : link_session_find(s, id);

	if (!st)
		return;
	grpc_reader_taken(&st->in);
	count_in(s, st);
}

static int on_chunk(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st;

	(void)h2;
	(void)flags;
	while (!s->dead && (st = link_session_find(s, id))) {
		enum grpc_read what = grpc_reader_feed(&st->in, &p, &n);

		count_in(s, st);
		if (what == GRPC_READ_MORE && s->in_bytes > (s->server ? LINK_REQUEST_BYTES : LINK_IN_BYTES))
			what = GRPC_READ_NO_ROOM;
		if (what == GRPC_READ_MORE)
			break;
		s->ev->message(s->arg, st, what, buf_ptr(&st->in.body), st->in.body.len);
		if (what != GRPC_READ_MESSAGE)
			break;
		message_taken(s, id);
		if (!n)
			break;
	}
	return go_on(s);
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = link_session_find(s, id);

	(void)h2;
	if (st) {
		link_session_detach(st);
		s->ev->closed(s->arg, st, code);
	}
	return go_on(s);
}

/* A server that has said all need not hear the rest (RFC 9113 8.1). */
static int on_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct link_session *s = arg;
	struct link_stream *st = link_session_find(s, frame->hd.stream_id);
	bool data = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;

	if (s->server && data && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && st && !st->remote_ended)
		nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_NO_ERROR);
	return 0;
}

nghttp2_session *link_session_h2_new(struct link_session *s)
{
	nghttp2_session_callbacks *cb = NULL;
	nghttp2_option *o = NULL;
	nghttp2_session *h2 = NULL;
	nghttp2_mem memory = link_session_memory(s);

	if (nghttp2_session_callbacks_new(&cb) == 0 && nghttp2_option_new(&o) == 0) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
		nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
		nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_chunk);
		nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
		nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
		nghttp2_option_set_no_closed_streams(o, 1);
		nghttp2_option_set_max_outbound_ack(o, 64);
		nghttp2_option_set_max_settings(o, 16);
		nghttp2_option_set_stream_reset_rate_limit(o, 500, 50);
		if ((s->server ? nghttp2_session_server_new3 : nghttp2_session_client_new3)(&h2, cb, s, o, &memory) != 0)
			h2 = NULL;
	}
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(cb);
	return h2;
}
