#include "bridge/base/pack.h"
#include "bridge/process/bridge.h"

/* No name can be looked up in this process once it serves: which peers it does not reach is told to the supervisor, which has it done. */

enum { TELL_MS = 20000 };

static void tell(void *arg)
{
	struct bridge *b = arg;
	struct buf addresses, out;
	const char *peer;

	loop_timer_again(b->unreached, TELL_MS);
	buf_init(&addresses, CONTROL_LINE_MAX / 2);
	buf_init(&out, CONTROL_LINE_MAX);
	if ((peer = link_clients_unreached(b->clients, &addresses))) {
		pack_str(&out, peer);
		pack_str(&out, buf_cstr(&addresses));
		channel_send(b->supervisor, MSG_UNREACHED, buf_ptr(&out), out.len, -1);
	}
	buf_free(&addresses);
	buf_free(&out);
}

void bridge_unreached_open(struct bridge *b)
{
	b->unreached = loop_timer_new(b->loop, TELL_MS, tell, b);
}
