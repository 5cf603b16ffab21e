/* links: base availability address_space link gen */
#include <malloc.h>
#include "tests/unit/link_flood.h"

/* Too many frames, and frames of too much. */

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

int main(void)
{
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	floods();
	too_much();
	return check_done();
}
