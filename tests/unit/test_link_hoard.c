/* links: base availability address_space link gen */
#include <malloc.h>
#include "tests/unit/link_flood.h"

/* What is kept for a peer while its questions are open: no more than there are bounds for, and nothing else than what it asked. */

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

int main(void)
{
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	trailers();
	who_does_not_read();
	several_who_do_not_read();
	as_many_as_there_are_streams();
	return check_done();
}
