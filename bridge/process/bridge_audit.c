#include "bridge/base/pack.h"
#include "bridge/process/bridge.h"

/*
 * What the supervisor is told of the audit: for `status` how many records it lacks (not once a record, for a full disk loses many), and that it has
 * grown.
 */

enum { TELL_MS = 200 };

static void tell(void *arg)
{
	struct bridge *b = arg;
	struct buf out;

	loop_timer_free(b->audit_told);
	b->audit_told = NULL;
	buf_init(&out, 16);
	pack_u64(&out, audit_writer_lost(b->audit));
	pack_u8(&out, audit_writer_fails(b->audit));
	channel_send(b->supervisor, MSG_AUDIT_LOST, buf_ptr(&out), out.len, -1);
	buf_free(&out);
}

static void changed(void *arg)
{
	struct bridge *b = arg;

	if (!b->audit_told)
		b->audit_told = loop_timer_new(b->loop, TELL_MS, tell, b);
}

static void grown(void *arg)
{
	struct bridge *b = arg;

	channel_send(b->supervisor, MSG_AUDIT_GROWN, NULL, 0, -1);
}

void bridge_audit_open(struct bridge *b)
{
	audit_writer_watch(b->audit, changed, grown, b);
}
