/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/session.h"
#include "link.pb-c.h"

/* A stranger asks our server: it speaks HTTP/2, but says what it likes. */
#define PB(name) Availbridge__Link__V1__##name

static struct loop *loop;
static struct conf conf;
static struct conf_peer peers[2];
static struct conf_address_space own;
static struct fb_mailbox boxes[4];
static struct fb_query q;

static void too_long(void *arg)
{
	CHECK(!"the loop went on for ten seconds");
	loop_stop(loop);
}

static void run(void)
{
	struct loop_timer *guard = loop_timer_new(loop, 10000, too_long, NULL);

	loop_run(loop);
	loop_timer_free(guard);
}

static struct link_server *server;
static bool hold; /* queries are not answered */
static struct link_session *session;
static struct link_stream stream;
static struct {
	int http, status;
	char message[256];
	uint32_t code;
	bool down, closed;
	size_t messages;
	uint8_t last[64];
	size_t last_len;
	size_t queries, cancelled;
	char id[64];
} seen;

static void s_header(void *arg, struct link_stream *st, const char *name, const char *value)
{
	if (strcmp(name, ":status") == 0)
		seen.http = atoi(value);
	else if (strcmp(name, "grpc-status") == 0)
		seen.status = atoi(value);
	else if (strcmp(name, "grpc-message") == 0)
		snprintf(seen.message, sizeof seen.message, "%s", value);
}

static void s_message(void *arg, struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	seen.messages++;
	seen.last_len = n < sizeof seen.last ? n : 0;
	if (seen.last_len)
		memcpy(seen.last, p, n);
}

static void s_closed(void *arg, struct link_stream *st, uint32_t code)
{
	seen.closed = true;
	seen.code = code;
	loop_stop(loop);
}

static void s_up(void *arg)
{
	loop_stop(loop);
}

static void s_headers(void *arg, struct link_stream *st)
{
}

static void s_ended(void *arg, struct link_stream *st, bool midway)
{
}

static void s_goaway(void *arg)
{
}

static void s_down(void *arg, const char *why)
{
	seen.down = true;
	loop_stop(loop);
}

static const struct link_session_events stranger = {
	.up = s_up, .header = s_header, .headers = s_headers, .message = s_message, .ended = s_ended, .closed = s_closed, .goaway = s_goaway, .down = s_down,
};

static void on_query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *asked, int64_t deadline)
{
	seen.queries++;
	snprintf(seen.id, sizeof seen.id, "%s", asked->request_id);
	if (!hold)
		link_call_done(call, FB_OK, NULL);
}

static void on_cancelled(void *arg, struct link_call *call)
{
	seen.cancelled++;
}

static const struct link_server_events server_events = {on_query, on_cancelled};

static void begin_asking(void)
{
	int pair[2];

	loop = loop_new();
	world_conf(&conf, peers, &own, "site-b", "b.example", "site-a", NULL);
	world_query(&q, boxes, 2);
	server = link_server_new(loop, &conf, NULL, &server_events, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	link_server_accept(server, pair[0]);
	session = link_session_connect(loop, NULL, pair[1], "b", "site-b", &stranger, NULL);
	run(); /* until SETTINGS */
}

static void end_asking(void)
{
	link_session_free(session);
	link_server_free(server);
	loop_free(loop);
}

/* What a request consists of; NULL leaves a header out. */
struct request {
	const char *path, *type, *te, *timeout, *id, *method;
	const void *body; /* framed */
	size_t n;
};

static void add(nghttp2_nv *nv, size_t *n, const char *name, const char *value)
{
	if (value)
		nv[(*n)++] = (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static void ask(struct request r)
{
	nghttp2_nv nv[10];
	size_t n = 0;

	memset(&seen, 0, sizeof seen);
	seen.status = -1;
	link_stream_init(&stream, 1 << 20);
	add(nv, &n, ":method", r.method ? r.method : "POST");
	add(nv, &n, ":scheme", "https");
	add(nv, &n, ":path", r.path);
	add(nv, &n, ":authority", "b");
	add(nv, &n, "te", r.te);
	add(nv, &n, "content-type", r.type);
	add(nv, &n, "grpc-timeout", r.timeout);
	add(nv, &n, "x-request-id", r.id);
	buf_add(&stream.out, r.body, r.n);
	stream.out_last = true;
	CHECK(link_stream_request(session, &stream, nv, n) == 0);
	run();
	CHECK(seen.closed);
	link_stream_release(&stream);
}

static const char QUERY[] = "/availbridge.link.v1.Availability/Query", HELLO[] = "/availbridge.link.v1.Availability/Hello", CHECK_PATH[] = "/grpc.health.v1.Health/Check",
                  GRPC[] = "application/grpc", TE[] = "trailers";

static void framed(struct buf *b, const struct fb_query *query)
{
	struct buf body;
	uint8_t head[GRPC_HEAD];

	buf_init(b, 1 << 20);
	buf_init(&body, 1 << 20);
	link_query_write(&body, query);
	grpc_head_put(head, body.len);
	buf_add(b, head, sizeof head);
	buf_add(b, buf_ptr(&body), body.len);
	buf_free(&body);
}

static void what_our_server_refuses(void)
{
	static const uint8_t empty[5] = {0}, packed[] = {1, 0, 0, 0, 1, 'x'}, huge[] = {0, 0, 1, 0, 1}, cut[] = {0, 0, 0, 0, 9, 'x'};
	static const uint8_t two[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	const char *id = "0123456789abcdef0123456789abcdef";
	struct buf good;

	begin_asking();
	framed(&good, &q);
	ask((struct request){QUERY, GRPC, TE, "5S", id, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.status, GRPC_OK);
	CHECK_STR(seen.id, id);
	ask((struct request){QUERY, "application/grpc+proto", TE, NULL, NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.status, GRPC_OK);
	CHECK(fb_request_id_valid(seen.id)); /* the server made one */
	ask((struct request){QUERY, GRPC, TE, "5S", "../../etc", NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	ask((struct request){QUERY, GRPC, TE, "5 S", NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	ask((struct request){QUERY, GRPC, TE, "0m", NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.status, GRPC_DEADLINE_EXCEEDED);
	ask((struct request){QUERY, GRPC, NULL, "5S", NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	ask((struct request){QUERY, "application/json", TE, "5S", NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.http, 415);
	ask((struct request){QUERY, "application/grpc+json", TE, "5S", NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.http, 415);
	ask((struct request){QUERY, GRPC, TE, "5S", NULL, "GET", NULL, 0});
	CHECK_INT(seen.http, 405);
	ask((struct request){"/availbridge.link.v1.Availability/Write", GRPC, TE, "5S", NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.http, 200);
	CHECK_INT(seen.status, GRPC_UNIMPLEMENTED);
	ask((struct request){QUERY, GRPC, TE, "5S", NULL, NULL, packed, sizeof packed});
	CHECK_INT(seen.status, GRPC_UNIMPLEMENTED);
	ask((struct request){QUERY, GRPC, TE, "5S", NULL, NULL, huge, sizeof huge});
	CHECK_INT(seen.status, GRPC_RESOURCE_EXHAUSTED);
	ask((struct request){QUERY, GRPC, TE, "5S", NULL, NULL, cut, sizeof cut});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	ask((struct request){QUERY, GRPC, TE, "5S", NULL, NULL, NULL, 0});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	ask((struct request){QUERY, GRPC, TE, "5S", NULL, NULL, empty, sizeof empty});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	CHECK_INT(seen.queries, 0);
	ask((struct request){HELLO, GRPC, TE, "5S", NULL, NULL, empty, sizeof empty});
	CHECK_INT(seen.status, GRPC_OK);
	CHECK_INT(seen.messages, 1);
	ask((struct request){HELLO, GRPC, TE, "5S", NULL, NULL, two, sizeof two});
	CHECK_INT(seen.messages, 1);
	hold = true; /* a second query in the place of the first one's end */
	buf_add(&good, empty, sizeof empty);
	ask((struct request){QUERY, GRPC, TE, "5S", NULL, NULL, buf_ptr(&good), good.len});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	CHECK_INT(seen.queries, 1);
	CHECK_INT(seen.cancelled, 1);
	CHECK(link_server_idle(server));
	hold = false;
	buf_free(&good);
	end_asking();
}

static void health(void)
{
	static const uint8_t whole[5] = {0}, other[] = {0, 0, 0, 0, 3, 10, 1, 'x'}, bad[] = {0, 0, 0, 0, 2, 10, 9};
	uint8_t named[7 + 32] = {0, 0, 0, 0, 34, 10, 32};

	memcpy(named + 7, "availbridge.link.v1.Availability", 32);
	begin_asking();
	ask((struct request){CHECK_PATH, GRPC, TE, "5S", NULL, NULL, whole, sizeof whole});
	CHECK_INT(seen.status, GRPC_OK);
	CHECK(seen.last_len == 2 && memcmp(seen.last, "\x08\x01", 2) == 0);
	ask((struct request){CHECK_PATH, GRPC, TE, "5S", NULL, NULL, named, sizeof named});
	CHECK(seen.last_len == 2 && memcmp(seen.last, "\x08\x01", 2) == 0);
	ask((struct request){CHECK_PATH, GRPC, TE, "5S", NULL, NULL, other, sizeof other});
	CHECK_INT(seen.status, GRPC_NOT_FOUND);
	ask((struct request){CHECK_PATH, GRPC, TE, "5S", NULL, NULL, bad, sizeof bad});
	CHECK_INT(seen.status, GRPC_INVALID_ARGUMENT);
	end_asking();
}

int main(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	what_our_server_refuses();
	health();
	return check_done();
}
