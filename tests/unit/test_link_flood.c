/* links: base availability address_space link gen */
#include <malloc.h>
#include <sys/resource.h>
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/server.h"

/* A peer with a good key and bad intentions, by raw frames: our server says goodbye, keeps its memory, and serves the others. */
static struct loop *loop;
static struct link_server *server;
static struct conf conf;
static struct conf_peer peers[2];
static struct conf_address_space own;
static int fd = -1;
static size_t queries, cancelled;
static struct link_call *open_calls[LINK_STREAMS + 1];
static const struct fb_query *asked; /* the last one */

static void on_query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *q, int64_t deadline)
{
	if (queries < LINK_STREAMS + 1)
		open_calls[queries] = call;
	asked = q;
	queries++;
}

static void on_cancelled(void *arg, struct link_call *call)
{
	cancelled++;
}

static bool is_closed;
static uint8_t heard[1 << 16];
static size_t n_heard;

/* What came, up to 64 KiB of it since the last send(); notices the end. */
static void drain(void)
{
	uint8_t waste[4096];
	ssize_t n;

	while ((n = recv(fd, waste, sizeof waste, MSG_DONTWAIT)) > 0)
		if ((size_t)n <= sizeof heard - n_heard) {
			memcpy(heard + n_heard, waste, (size_t)n);
			n_heard += (size_t)n;
		}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		is_closed = true;
}

/* Sends all of it, letting the server run while its buffers are full. False once the server has closed. */
static bool put(const void *bytes, size_t n)
{
	for (size_t at = 0; at < n && !is_closed;) {
		ssize_t sent = send(fd, (const uint8_t *)bytes + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			at += (size_t)sent;
			continue;
		}
		if (errno != EAGAIN)
			is_closed = true;
		world_run_for(loop, 1);
		drain();
	}
	return !is_closed;
}

static bool frame(uint8_t type, uint8_t flags, uint32_t stream, const void *body, size_t n)
{
	uint8_t head[9] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags, (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};

	return put(head, 9) && put(body, n);
}

/* True if a GOAWAY with ${code} is among what was heard. */
static bool said_goaway(uint32_t code)
{
	for (size_t at = 0; at + 17 <= n_heard;) {
		size_t n = (size_t)heard[at] << 16 | (size_t)heard[at + 1] << 8 | heard[at + 2];

		if (heard[at + 3] == 7 && heard[at + 16] == code)
			return true;
		at += 9 + n;
	}
	return false;
}

/* True if stream ${id} was reset. */
static bool said_reset(uint32_t id)
{
	for (size_t at = 0; at + 13 <= n_heard;) {
		size_t n = (size_t)heard[at] << 16 | (size_t)heard[at + 1] << 8 | heard[at + 2];

		if (heard[at + 3] == 3 && heard[at + 8] == id)
			return true;
		at += 9 + n;
	}
	return false;
}

static void begin(void)
{
	int pair[2];

	loop = loop_new();
	queries = cancelled = n_heard = 0;
	is_closed = false;
	world_conf(&conf, peers, &own, "site-b", "b.example", "site-a", NULL);
	server = link_server_new(loop, &conf, NULL, &(const struct link_server_events){on_query, on_cancelled}, NULL);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	link_server_accept(server, pair[0]);
	fd = pair[1];
	put("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	frame(4, 0, 0, NULL, 0);
	world_run_for(loop, 5);
}

static void end(void)
{
	link_server_free(server);
	close(fd);
	loop_free(loop);
}

/* Lets the server speak its last words. */
static void settle(void)
{
	for (int i = 0; i < 20 && !is_closed; i++) {
		world_run_for(loop, 2);
		drain();
	}
}

/* HPACK without tables: literal fields that are not indexed. */
static size_t field(uint8_t *to, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	to[0] = 0;
	to[1] = (uint8_t)n;
	memcpy(to + 2, name, n);
	to[2 + n] = (uint8_t)v;
	memcpy(to + 3 + n, value, v);
	return 3 + n + v;
}

static size_t headers(uint8_t *to)
{
	size_t n = 0;

	n += field(to + n, ":method", "POST");
	n += field(to + n, ":scheme", "https");
	n += field(to + n, ":path", "/availbridge.link.v1.Availability/Query");
	n += field(to + n, ":authority", "b");
	n += field(to + n, "te", "trailers");
	n += field(to + n, "content-type", "application/grpc");
	return n;
}

static void floods(void)
{
	static const uint8_t ping[8] = {1}, setting[6] = {0, 4, 0, 1, 0, 0}, code[4] = {0, 0, 0, 8};
	uint8_t h[512];
	size_t n = headers(h);
	uint32_t id = 1;

	begin();
	for (int i = 0; i < 20000 && frame(6, 0, 0, ping, 8); i++)
		;
	settle();
	CHECK(is_closed);
	end();

	begin(); /* the same, slowly enough to be answered each time */
	for (int i = 0; i < 2000 && !is_closed && frame(6, 0, 0, ping, 8); i++)
		if (i % 20 == 19) {
			world_run_for(loop, 1);
			n_heard = 0;
			drain();
		}
	CHECK(is_closed);
	CHECK(said_goaway(NGHTTP2_ENHANCE_YOUR_CALM));
	end();

	begin();
	for (int i = 0; i < 20000 && frame(4, 0, 0, setting, 6); i++)
		;
	settle();
	CHECK(is_closed);
	end();

	begin(); /* rapid reset */
	for (; id < 20000 && frame(1, 4, id, h, n) && frame(3, 0, id, code, 4); id += 2)
		;
	settle();
	CHECK(is_closed);
	CHECK(id < 4000);
	end();

	begin(); /* DATA that carries nothing */
	frame(1, 4, 1, h, n);
	for (int i = 0; i < 20000 && frame(0, 0, 1, NULL, 0); i++)
		;
	settle();
	CHECK(is_closed);
	end();

	begin(); /* one header block without end */
	frame(1, 0, 1, h, n);
	for (int i = 0; i < 1000 && frame(9, 0, 1, h, 3); i++)
		;
	settle();
	CHECK(is_closed);
	end();
}

static void too_much(void)
{
	uint8_t h[512], big[20000], head[5] = {0, 0, 0, 0xff, 0xff};
	size_t n = headers(h), at = n;
	struct mallinfo2 before, after;

	begin(); /* a header list over 16 KiB ends its stream, not the connection */
	memset(big, 'x', sizeof big);
	memcpy(big, h, n);
	for (char name[] = "x-a"; at < 15000; name[2] = name[2] == 'z' ? 'a' : (char)(name[2] + 1)) {
		char value[121];

		memset(value, 'v', 120);
		value[120] = 0;
		at += field(big + at, name, value);
	}
	CHECK(frame(1, 4, 1, big, at));
	n_heard = 0;
	settle();
	CHECK(!is_closed);
	CHECK(said_reset(1));
	n_heard = 0;
	frame(1, 5, 3, h, n);
	settle();
	CHECK(n_heard > 9); /* the next request is answered */
	end();

	begin(); /* 255 requests of 64 KiB that are begun and never ended */
	world_run_for(loop, 1);
	before = mallinfo2();
	for (uint32_t id = 1; id < 2 * LINK_STREAMS - 1 && frame(1, 4, id, h, n) && frame(0, 0, id, head, 5); id += 2)
		for (int k = 0; k < 4; k++)
			frame(0, 0, id, big, 15000);
	settle();
	after = mallinfo2();
	CHECK(after.uordblks + after.hblkhd < before.uordblks + before.hblkhd + (4 << 20));
	CHECK_INT(queries, 0);
	end();

	begin(); /* more streams than allowed: those above are refused */
	for (uint32_t id = 1; id < 2 * (LINK_STREAMS + 50) && frame(1, 4, id, h, n); id += 2)
		;
	settle();
	CHECK(!is_closed);
	end();
}

/* A Query of a.example about ${n} mailboxes, framed. */
static void put_query(struct buf *b, int n)
{
	struct buf body;

	buf_init(b, 8192);
	buf_init(&body, 8192);
	/* field 1 requester{domain}, 2 mailboxes, 3 start, 4 end, 5 interval, 6 view */
	buf_add(&body, "\x0a\x0b\x12\x09""a.example", 13);
	for (int i = 0; i < n; i++)
		buf_add(&body, "\x12\x0d""bob@b.example", 15);
	buf_add(&body, "\x18\x80\x92\x94\xcd\x06\x20\x80\xb5\x99\xcd\x06\x28\x1e\x30\x07", 16);
	buf_add(b, (uint8_t[]){0, 0, 0, (uint8_t)(body.len >> 8), (uint8_t)body.len}, 5);
	buf_add(b, buf_ptr(&body), body.len);
	buf_free(&body);
}

/* A question that is being answered keeps the number it came under, whatever comes behind it. */
static void trailers(void)
{
	static const char first[] = "0123456789abcdef0123456789abcdef", second[] = "ffffffffffffffffffffffffffffffff";
	uint8_t h[512], more[128];
	size_t n = headers(h);
	struct buf b;

	begin();
	put_query(&b, 1);
	n += field(h + n, "x-request-id", first);
	frame(1, 4, 1, h, n);
	frame(0, 0, 1, buf_ptr(&b), b.len);
	for (int i = 0; i < 500 && !queries; i++)
		world_run_for(loop, 10);
	CHECK_INT(queries, 1);
	CHECK_STR(asked->request_id, first);
	frame(1, 5, 1, more, field(more, "x-request-id", second));
	settle();
	CHECK_STR(asked->request_id, first);
	CHECK_INT(cancelled, 0);
	link_call_done(open_calls[0], FB_OK, NULL);
	settle();
	CHECK(!is_closed);
	buf_free(&b);
	end();
}

/* A hundred answers to somebody who never opens the window: they wait, within bounds, and are let go with the connection. */
static void who_does_not_read(void)
{
	uint8_t h[512];
	size_t n = headers(h);
	static const uint8_t no_window[6] = {0, 4, 0, 0, 0, 0};
	struct acl_released r = {world_large_answer(700)};
	struct mallinfo2 before, after;
	struct buf b;
	size_t held;

	begin();
	frame(4, 0, 0, no_window, 6);
	put_query(&b, 100);
	for (uint32_t id = 1; id < 7; id += 2) {
		frame(1, 4, id, h, n);
		frame(0, 1, id, buf_ptr(&b), b.len);
	}
	for (int i = 0; i < 500 && queries < 3; i++)
		world_run_for(loop, 10);
	CHECK_INT(queries, 3);
	before = mallinfo2();
	for (size_t c = 0; queries == 3 && c < 3; c++)
		for (size_t i = 0; i < 100; i++)
			link_call_answer(open_calls[c], i, &r);
	after = mallinfo2();
	held = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
	if (held) { /* under ASan mallinfo2() counts nothing */
		CHECK(held > LINK_OUT_CALL);
		CHECK(held < LINK_OUT_BYTES + (8 << 20)); /* three calls might hold 32 MiB each */
	}
	for (size_t c = 0; queries == 3 && c < 3; c++)
		link_call_done(open_calls[c], FB_OK, NULL);
	CHECK(link_server_idle(server));
	n_heard = 0;
	settle();
	CHECK(n_heard < 500); /* headers alone */
	close(fd);
	fd = -1;
	world_run_for(loop, 20);
	CHECK_INT(cancelled, 0); /* it was done */
	fb_answer_free(r.raw);
	buf_free(&b);
	link_server_free(server);
	loop_free(loop);
}

/* A connection from 127.0.1.${host}, taken in by the server; our end of it. */
static int come(int listener, const char *name, int host)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000100u + (uint32_t)host)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)atoi(strchr(name, ':') + 1))};
	int mine = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), theirs;

	if (mine < 0 || bind(mine, (struct sockaddr *)&from, sizeof from) != 0 || connect(mine, (struct sockaddr *)&to, sizeof to) != 0)
		abort();
	fcntl(mine, F_SETFL, O_NONBLOCK);
	theirs = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (theirs < 0)
		abort();
	link_server_accept(server, theirs);
	return mine;
}

static void speak(int one)
{
	if (send(one, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33, MSG_NOSIGNAL) != 33)
		abort();
	world_run_for(loop, 5);
}

/* Begins a question on another connection. */
static void ask_on(int other)
{
	int mine = fd;
	uint8_t h[512];
	size_t n = headers(h);

	fd = other;
	frame(1, 4, 1, h, n);
	fd = mine;
	world_run_for(loop, 5);
}

/* Asks about 100 mailboxes on stream ${id}; its call. */
static struct link_call *ask_all(uint32_t id)
{
	size_t before = queries, n;
	uint8_t h[512];
	struct buf b;

	put_query(&b, 100);
	n = headers(h);
	frame(1, 4, id, h, n);
	frame(0, 1, id, buf_ptr(&b), b.len);
	for (int i = 0; i < 500 && queries == before; i++)
		world_run_for(loop, 10);
	CHECK_INT(queries, before + 1);
	buf_free(&b);
	return open_calls[before];
}

/* As many questions as there may be streams, each as large as they get, are all taken: what was read of a question is no request that is unfinished. */
static void as_many_as_there_are_streams(void)
{
	static uint8_t body[5 + 65536];
	uint8_t h[512];
	size_t n = headers(h);
	struct buf b;

	begin();
	buf_init(&b, sizeof body);
	buf_add(&b, "\x0a\x0b\x12\x09""a.example", 13);
	for (int i = 0; i < 100; i++) { /* of 300 bytes each */
		buf_add(&b, "\x12\xac\x02", 3);
		for (int k = 0; k < 290; k++)
			buf_putc(&b, 'x');
		buf_puts(&b, "@b.example");
	}
	buf_add(&b, "\x18\x80\x92\x94\xcd\x06\x20\x80\xb5\x99\xcd\x06\x28\x1e\x30\x07", 16);
	memcpy(body, (uint8_t[]){0, 0, 0, (uint8_t)(b.len >> 8), (uint8_t)b.len}, 5);
	memcpy(body + 5, buf_ptr(&b), b.len);
	for (uint32_t id = 1; id < 2 * LINK_STREAMS; id += 2) {
		frame(1, 4, id, h, n);
		for (size_t at = 0, all = 5 + b.len; at < all; at += 15000)
			frame(0, at + 15000 >= all, id, body + at, all - at < 15000 ? all - at : 15000);
		n_heard = 0;
		drain();
	}
	settle();
	CHECK_INT(queries, LINK_STREAMS);
	buf_free(&b);
	end();
}

/* What waits for a peer is counted over all its connections: it gets no more memory by making more of them. */
static void several_who_do_not_read(void)
{
	static const uint8_t no_window[6] = {0, 4, 0, 0, 0, 0};
	struct acl_released r = {world_large_answer(700)};
	struct link_call *call;
	int listener, first, second;
	char name[32];

	begin();
	listener = world_listen(name);
	frame(4, 0, 0, no_window, 6);
	for (uint32_t id = 1; id < 6; id += 2) {
		call = ask_all(id);
		for (size_t i = 0; i < 100; i++)
			link_call_answer(call, i, &r);
	}
	first = fd;
	second = fd = come(listener, name, 1);
	speak(second);
	call = ask_all(1);
	link_call_answer(call, 0, &r);
	link_call_done(call, FB_OK, NULL);
	n_heard = 0;
	settle();
	CHECK(n_heard > 0 && n_heard < 500); /* that there is no room, and nothing else */
	close(first);
	world_run_for(loop, 20);
	call = ask_all(3); /* that there is some now */
	link_call_answer(call, 0, &r);
	link_call_done(call, FB_OK, NULL);
	n_heard = 0;
	settle();
	CHECK(n_heard > 10000);
	fb_answer_free(r.raw);
	close(listener);
	end();
}

static bool is_open(int one)
{
	uint8_t waste[4096];
	ssize_t n;

	while ((n = recv(one, waste, sizeof waste, MSG_DONTWAIT)) > 0)
		;
	return n < 0 && errno == EAGAIN;
}

static size_t count_open(const int *fds, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += is_open(fds[i]);
	return count;
}

static void never(void *arg, unsigned process, int one)
{
	CHECK(!"a connection for no process in particular was handed on");
}

/* Connections that say nothing keep nobody out, with one bridge of several too: who speaks is served, and stays. */
static void silent_strangers(unsigned processes)
{
	enum { HOSTS = 8, EACH = 64, ALL = HOSTS * EACH };
	static int fds[ALL + EACH];
	int listener, peer, late;
	char name[32];

	begin();
	link_server_siblings(server, processes, never, NULL);
	listener = world_listen(name);
	peer = come(listener, name, 1);
	speak(peer);
	for (size_t i = 0; i < EACH + 10; i++) /* of one address */
		fds[i] = come(listener, name, 2);
	world_run_for(loop, 5);
	CHECK_INT(count_open(fds, 10), 0);
	CHECK_INT(count_open(fds + 10, EACH), EACH);
	late = come(listener, name, 2); /* the same address has a peer as well */
	speak(late);
	CHECK(is_open(late));
	for (size_t i = 0; i < EACH + 10; i++)
		close(fds[i]);
	world_run_for(loop, 20);
	for (size_t i = 0; i < ALL; i++) /* of many: all places are taken */
		fds[i] = come(listener, name, 10 + (int)(i / EACH));
	world_run_for(loop, 5);
	CHECK_INT(count_open(fds, ALL), ALL - 3); /* the peer, the late one and that of begin() have theirs */
	CHECK(!is_open(fds[0]) && is_open(fds[ALL - 1]));
	close(late);
	late = come(listener, name, 3);
	speak(late);
	CHECK(is_open(late));
	CHECK(is_open(peer));
	for (size_t i = 0; i < ALL; i++)
		close(fds[i]);
	close(peer);
	close(late);
	close(listener);
	end();
}

/* No peer has more than its share, and where peers have all places one that has several makes room for another. */
static void greedy_peers(void)
{
	enum { GREEDY = LINK_MAX_CONNS / LINK_CONNS_OF_PEER };
	static struct pki_peer greedy[GREEDY], modest = {"modest"};
	static char names[GREEDY][8];
	static int fds[LINK_MAX_CONNS + 1];
	int listener, one;
	char name[32];
	size_t n = 0;

	begin(); /* with one of site-a */
	listener = world_listen(name);
	for (size_t i = 0; i < GREEDY; i++) {
		snprintf(names[i], sizeof names[i], "peer-%zu", i);
		greedy[i].name = names[i];
		world_next_peer = &greedy[i];
		for (size_t k = 0; k < LINK_CONNS_OF_PEER && n < LINK_MAX_CONNS - 1; k++)
			speak(fds[n++] = come(listener, name, 1));
		if (i == 0) {
			speak(one = come(listener, name, 1));
			CHECK(!is_open(one)); /* one more than its share */
			close(one);
		}
	}
	CHECK_INT(count_open(fds, n), LINK_MAX_CONNS - 1);
	ask_on(fds[0]);
	world_next_peer = &modest;
	speak(one = come(listener, name, 2));
	CHECK(is_open(one));
	CHECK(is_open(fds[0]) && !is_open(fds[1])); /* a question is lost only where there is one on each */
	CHECK_INT(count_open(fds, n), LINK_MAX_CONNS - 2);
	drain();
	CHECK(!is_closed); /* who had one has it still */
	world_next_peer = &world_peer;
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	close(one);
	close(listener);
	end();
}

/* Strangers who come and go fill no disk with lines about them, and how many there were is told. */
static void refused_again_and_again(void)
{
	enum { TIMES = 1300 };
	FILE *log = tmpfile();
	char name[32];
	int listener;
	size_t n;

	begin();
	listener = world_listen(name);
	log_setup(fileno(log), false, LOG_LEVEL_INFO, "test");
	for (int i = 0; i < TIMES; i++) {
		close(come(listener, name, 5));
		world_run_for(loop, 1);
	}
	world_run_for(loop, 20);
	n = world_lines(log, "event=link-refused from=127.0.1.5:");
	CHECK(n >= 1000 && n < 1100); /* and one for each second that it takes */
	CHECK_INT(world_lines(log, "event=lines-left-out"), 0);
	end();
	CHECK_INT(world_lines(log, "event=lines-left-out about=127.0.1.5 times="), 1);
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	fclose(log);
	close(listener);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		abort();
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(void)
{
	raise_descriptors();
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	floods();
	too_much();
	trailers();
	who_does_not_read();
	silent_strangers(1);
	silent_strangers(3);
	greedy_peers();
	several_who_do_not_read();
	as_many_as_there_are_streams();
	refused_again_and_again();
	return check_done();
}
