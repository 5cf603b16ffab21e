/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/session.h"
#include "link.pb-c.h"

/* One end is ours, the other is a stranger who speaks HTTP/2 but says what it likes. */
#define PB(name) Availbridge__Link__V1__##name

static struct loop *loop;
static struct conf conf;
static struct conf_peer peers[2];
static struct conf_address_space own;
static char endpoint[32], *endpoints[1] = {endpoint};
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

/* ---- a stranger asks our server ---- */

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

/* ---- our client asks a stranger ---- */

static struct link_clients *clients;
static int listener;
static struct loop_fd *listening;
static struct link_session *liar;
static const char *lie_status;
static void (*lie)(struct link_stream *st);
static struct {
	size_t answers, ok, dones, failed;
	enum fb_reason reason, reasons[4];
	char why[256];
} got;

struct lie_stream {
	struct link_stream st;
	bool is_query;
};

static struct link_stream *l_open(void *arg)
{
	struct lie_stream *l = calloc(1, sizeof *l);

	link_stream_init(&l->st, 1 << 20);
	return &l->st;
}

static void l_header(void *arg, struct link_stream *st, const char *name, const char *value)
{
	if (strcmp(name, ":path") == 0)
		((struct lie_stream *)st)->is_query = strstr(value, "/Query") != NULL;
}

static void l_message(void *arg, struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	if (!((struct lie_stream *)st)->is_query)
		link_stream_end(st, GRPC_UNIMPLEMENTED, "no hello here");
	else
		lie(st);
}

static void l_closed(void *arg, struct link_stream *st, uint32_t code)
{
	link_stream_release(st);
	free(st);
}

static void l_up(void *arg)
{
}

static void l_down(void *arg, const char *why)
{
	link_session_free(liar);
	liar = NULL;
}

static const struct link_session_events liar_events = {
	.up = l_up, .open = l_open, .header = l_header, .headers = s_headers, .message = l_message, .ended = s_ended, .closed = l_closed, .goaway = s_goaway, .down = l_down,
};

static void on_accept(int fd, int events, void *arg)
{
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	link_session_free(liar);
	liar = link_session_accept(loop, NULL, peer, &liar_events, NULL);
}

static void say(struct link_stream *st, const PB(MailboxAnswer) *m)
{
	size_t n = protobuf_c_message_get_packed_size(&m->base);
	uint8_t *to = link_stream_put(st, n);

	protobuf_c_message_pack(&m->base, to);
	link_stream_send(st);
}

static char good_digits[49];

static PB(MailboxAnswer) truth(size_t i)
{
	PB(MailboxAnswer) m = AVAILBRIDGE__LINK__V1__MAILBOX_ANSWER__INIT;

	memset(good_digits, '0', 48);
	m.index = (uint32_t)i;
	m.mailbox = boxes[i].address;
	m.reason = AVAILBRIDGE__LINK__V1__REASON__OK;
	m.view = 7;
	m.merged = good_digits;
	return m;
}

static void end_ok(struct link_stream *st)
{
	link_stream_end(st, GRPC_OK, NULL);
}

static void wrong_mailbox(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);

	m.mailbox = boxes[1].address;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void index_out_of_range(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);

	m.index = 4000000000u;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void twice(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0);

	say(st, &m);
	m.reason = AVAILBRIDGE__LINK__V1__REASON__NO_ACCESS;
	say(st, &m);
	end_ok(st);
}

static void unknown_reason(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);

	m.reason = (PB(Reason))99;
	n.reason = AVAILBRIDGE__LINK__V1__REASON__NOT_COMPUTED;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void unknown_busy(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0);
	PB(Event) e = AVAILBRIDGE__LINK__V1__EVENT__INIT, *list[1] = {&e};

	e.start = q.window.start;
	e.end = q.window.start + 3600;
	e.busy = (PB(BusyType))77;
	m.n_events = 1;
	m.events = list;
	say(st, &m);
	end_ok(st);
}

static void bad_digits(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0), n = truth(1);
	char five[49], shorter[48];

	memset(five, '0', 48);
	five[48] = 0;
	five[10] = '5';
	memset(shorter, '0', 47);
	shorter[47] = 0;
	m.merged = five;
	n.merged = shorter;
	say(st, &m);
	say(st, &n);
	end_ok(st);
}

static void nothing_given(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(0);

	m.view = 0;
	say(st, &m);
	end_ok(st);
}

static void no_message(struct link_stream *st)
{
	uint8_t *to = link_stream_put(st, 3);

	memcpy(to, "\xff\xff\xff", 3);
	end_ok(st);
}

static void too_many_events(struct link_stream *st)
{
	static PB(Event) e = AVAILBRIDGE__LINK__V1__EVENT__INIT, *list[FB_MAX_EVENTS + 1];
	PB(MailboxAnswer) m = truth(0);

	e.start = e.end = q.window.start;
	e.busy = AVAILBRIDGE__LINK__V1__BUSY_TYPE__BUSY_TIME;
	for (size_t i = 0; i <= FB_MAX_EVENTS; i++)
		list[i] = &e;
	m.events = list;
	m.n_events = FB_MAX_EVENTS + 1;
	say(st, &m);
	end_ok(st);
}

static void oversize(struct link_stream *st)
{
	uint8_t *to = link_stream_put(st, LINK_ANSWER_BYTES + 1);

	memset(to, 0, LINK_ANSWER_BYTES + 1);
	link_stream_send(st);
}

static void status_only(struct link_stream *st)
{
	link_stream_end(st, atoi(lie_status), "as they say");
}

static void just_http(struct link_stream *st)
{
	link_stream_end_http(st, lie_status);
}

/* Answers about nobody, as many as the connection takes: 5 bytes each. */
static void without_end(struct link_stream *st)
{
	uint8_t *to;

	for (int i = 0; i < 20000 && (to = link_stream_put(st, 0)); i++)
		;
	link_stream_send(st);
}

/* Only after the reset does it take the question; before, it has not looked at it. */
static int refusals;
static void refuse_once(struct link_stream *st)
{
	if (refusals++ == 0) {
		link_stream_reset(st, NGHTTP2_REFUSED_STREAM);
		l_closed(NULL, st, 0);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		PB(MailboxAnswer) m = truth(i);

		say(st, &m);
	}
	end_ok(st);
}

/* One answer, as large as they get, to each of several questions, one after the other; what is lacking comes when all of these are there. */
enum { LARGE = 8 };
static struct link_stream *half_answered[LARGE];
static size_t n_half;

static void say_large(struct link_stream *st)
{
	static PB(Event) e = AVAILBRIDGE__LINK__V1__EVENT__INIT, *list[FB_MAX_EVENTS];
	static char text[701];
	PB(MailboxAnswer) m = truth(0);

	memset(text, 'x', 700);
	e.start = e.end = q.window.start;
	e.busy = AVAILBRIDGE__LINK__V1__BUSY_TYPE__BUSY_TIME;
	e.has_details = true;
	e.subject = e.location = text;
	for (size_t i = 0; i < FB_MAX_EVENTS; i++)
		list[i] = &e;
	m.events = list;
	m.n_events = FB_MAX_EVENTS;
	say(st, &m);
}

static void large_one_first(struct link_stream *st)
{
	say_large(st);
	half_answered[n_half++] = st;
}

static void say_the_rest(void)
{
	PB(MailboxAnswer) m = truth(1);

	for (size_t i = 0; i < LARGE; i++) {
		say(half_answered[i], &m);
		end_ok(half_answered[i]);
	}
}

/* The same to many questions that wait at once. */
enum { MANY = 40 };
static struct link_stream *asked[MANY];
static size_t n_asked, n_wanted;

static void large_ones_at_once(struct link_stream *st)
{
	PB(MailboxAnswer) m = truth(1);

	asked[n_asked++] = st;
	for (size_t i = 0; n_asked == n_wanted && i < n_asked; i++) {
		say_large(asked[i]);
		say(asked[i], &m);
		end_ok(asked[i]);
	}
}

static void ask_one_more(void);

static void on_answer(void *arg, size_t i, const struct fb_answer *raw)
{
	got.answers++;
	got.ok += raw->reason == FB_OK;
	got.reasons[i] = raw->reason;
	if (lie == large_one_first && got.answers < LARGE)
		ask_one_more();
	else if (lie == large_one_first && got.answers == LARGE)
		say_the_rest();
}

static void on_done(void *arg, enum fb_reason reason, const char *why)
{
	got.dones++;
	got.reason = reason;
	if (reason != FB_OK || !got.failed)
		snprintf(got.why, sizeof got.why, "%s", why ? why : "");
	if (reason != FB_OK)
		got.failed++;
	if (got.dones == (lie == large_one_first ? LARGE : lie == large_ones_at_once ? n_wanted : 1))
		loop_stop(loop);
}

static const struct link_client_events client_events = {on_answer, on_done};

static void ask_one_more(void)
{
	link_ask(clients, "site-b", &q, 8000, &client_events, NULL);
}

static void hear(void (*said)(struct link_stream *st), const char *status)
{
	memset(&got, 0, sizeof got);
	lie = said;
	lie_status = status;
	link_ask(clients, "site-b", &q, 5000, &client_events, NULL);
	run();
	CHECK_INT(got.dones, 1);
}

static void ask_many(size_t n)
{
	memset(&got, 0, sizeof got);
	lie = large_ones_at_once;
	n_asked = 0;
	n_wanted = n;
	for (size_t i = 0; i < n; i++)
		ask_one_more();
	run();
	CHECK_INT(got.dones, n);
}

static void what_our_client_refuses(void)
{
	int64_t began;
	FILE *logged;

	loop = loop_new();
	listener = world_listen(endpoint);
	listening = loop_fd_new(loop, listener, LOOP_READ, on_accept, NULL);
	world_conf(&conf, peers, &own, "site-a", "a.example", "site-b", endpoints);
	world_query(&q, boxes, 2);
	clients = link_clients_new(loop, &conf, NULL);
	hear(wrong_mailbox, NULL);
	CHECK_INT(got.answers, 1);
	CHECK_INT(got.reasons[1], FB_OK);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(index_out_of_range, NULL);
	CHECK_INT(got.answers, 1);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(twice, NULL);
	CHECK_INT(got.answers, 1);
	CHECK_INT(got.reasons[0], FB_OK);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(unknown_reason, NULL);
	CHECK_INT(got.ok, 0);
	CHECK_INT(got.reasons[0], FB_PEER_FAILED);
	CHECK_INT(got.reasons[1], FB_PEER_FAILED);
	hear(unknown_busy, NULL);
	CHECK_INT(got.ok, 0);
	hear(bad_digits, NULL);
	CHECK_INT(got.ok, 0);
	CHECK_INT(got.answers, 2);
	hear(nothing_given, NULL);
	CHECK_INT(got.ok, 0);
	hear(no_message, NULL);
	CHECK_INT(got.answers, 0);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(too_many_events, NULL);
	CHECK_INT(got.ok, 0);
	hear(oversize, NULL);
	CHECK_INT(got.ok, 0);
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(status_only, "7");
	CHECK_INT(got.reason, FB_NOT_ALLOWED);
	hear(status_only, "8");
	CHECK_INT(got.reason, FB_BUSY);
	hear(status_only, "4");
	CHECK_INT(got.reason, FB_TIMEOUT);
	hear(status_only, "14");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	CHECK_STR(got.why, "UNAVAILABLE: as they say");
	hear(status_only, "0");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(just_http, "503");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	hear(just_http, "200");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	began = loop_ms();
	logged = tmpfile();
	log_setup(fileno(logged), false, LOG_LEVEL_WARN, "test");
	hear(without_end, NULL);
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	CHECK_INT(got.reason, FB_PEER_FAILED);
	CHECK(strstr(got.why, "without end") != NULL);
	CHECK(loop_ms() - began < 4000); /* not at its deadline */
	CHECK_INT(world_lines(logged, "link-answer-refused"), 2);
	fclose(logged);
	hear(refuse_once, NULL);
	CHECK_INT(got.ok, 2);
	CHECK_INT(got.reason, FB_OK);
	memset(&got, 0, sizeof got); /* what is read of an answer is held no more while its question waits for another */
	lie = large_one_first;
	ask_one_more();
	run();
	CHECK_INT(got.dones, LARGE);
	CHECK_INT(got.ok, 2 * LARGE);
	CHECK_INT(got.reason, FB_OK);
	ask_many(16); /* as a site with many users has it on a slow line */
	CHECK_INT(got.ok, 2 * 16);
	CHECK_INT(got.failed, 0);
	ask_many(MANY);
	CHECK(got.failed > 0 && got.failed < MANY);
	CHECK_STR(got.why, "too many large answers of the peer were under way at once");
	link_clients_free(clients);
	link_session_free(liar);
	loop_fd_free(listening);
	close(listener);
	loop_free(loop);
}

int main(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	what_our_server_refuses();
	health();
	what_our_client_refuses();
	return check_done();
}
