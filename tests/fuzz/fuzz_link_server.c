/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/link_world.h"

static void query(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *q, int64_t deadline)
{
	link_call_done(call, FB_BUSY, NULL);
}

static void cancelled(void *arg, struct link_call *call)
{
}

/* Goal: a peer that sends any bytes in the place of HTTP/2 (the client's preface is sent for it), then goes away. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct link_server_events events = {query, cancelled};
	static struct conf conf = {.hard_stop_ms = 20000};
	static char site[] = "site-b";
	struct loop *loop = loop_new();
	struct link_server *s = link_server_new(loop, &conf, NULL, &events, NULL);
	int pair[2], sent;

	conf.site = site;
	log_setup(2, false, LOG_LEVEL_ERROR, "fuzz");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	link_server_accept(s, pair[0]);
	sent = write(pair[1], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33) + write(pair[1], data, size);
	shutdown(pair[1], SHUT_WR);
	loop_run(loop);
	link_server_free(s);
	close(pair[1]);
	loop_free(loop);
	return sent < 0;
}
