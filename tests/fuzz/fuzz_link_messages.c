/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/server.h"
#include "link.pb-c.h"

/* An answer that is read here is one for protobuf-c as well, which finds the same in it. */
static void hold_against_protobuf_c(const uint8_t *data, size_t size, const struct fb_answer *a, size_t i)
{
	Availbridge__Link__V1__MailboxAnswer *m = availbridge__link__v1__mailbox_answer__unpack(NULL, size, data);

	if (!m || m->index != i || (a->reason != FB_PEER_FAILED && (enum fb_reason)m->reason != a->reason))
		__builtin_trap();
	if (a->reason == FB_OK && ((a->view & ~m->view) || (a->view & FB_VIEW_EVENTS && a->n_events != m->n_events) ||
	                           (a->merged && strcmp(a->merged, m->merged) != 0) || a->hours.known != (m->working_hours != NULL)))
		__builtin_trap();
	availbridge__link__v1__mailbox_answer__free_unpacked(m, NULL);
}

/* Goal: a query, an answer, a hello or a ClientHello of any bytes; a good answer's digits fit what was asked, a process is one that there can be. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fb_mailbox boxes[3];
	struct fb_query q, in;
	struct link_hello h;
	char mailbox[FB_ADDRESS_MAX + 1];
	const char *why;
	size_t i;
	struct fb_answer *a;

	world_query(&q, boxes, 3);
	a = link_answer_read(data, size, &q, &i, &why);
	if (a && (i > 2 || (a->reason == FB_OK && a->view & FB_VIEW_MERGED && !fb_merged_valid(a->merged, q.window, q.interval))))
		__builtin_trap();
	if (a)
		hold_against_protobuf_c(data, size, a, i);
	fb_answer_free(a);
	if (link_query_read(data, size, &in, &why))
		free(in.mailboxes);
	if (link_hello_read(data, size, size & 1, &h, &why))
		link_hello_free(&h);
	link_probe_ask_read(data, size, mailbox);
	if (link_process_wanted(data, size) >= LINK_PROCESSES)
		__builtin_trap();
	return 0;
}
