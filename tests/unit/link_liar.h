#ifndef TESTS_UNIT_LINK_LIAR_H
#define TESTS_UNIT_LINK_LIAR_H
#include "bridge/base/arena.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/session.h"
#include "link.pb-c.h"

/* Our client asks a stranger, who speaks HTTP/2 but says what it likes. */
#define PB(name) Availbridge__Link__V1__##name

static struct loop *loop;
static struct conf conf;
static struct conf_peer peers[2];
static struct conf_address_space own;
static char endpoint[32], *endpoints[1] = {endpoint};
static struct fb_mailbox boxes[4];
static struct fb_query q;

static inline void too_long(void *arg)
{
	CHECK(!"the loop went on for ten seconds");
	loop_stop(loop);
}

static inline void run(void)
{
	struct loop_timer *guard = loop_timer_new(loop, 10000, too_long, NULL);

	loop_run(loop);
	loop_timer_free(guard);
}

static struct link_clients *clients;
static int listener;
static struct loop_fd *listening;
static struct link_session *liar;
static void (*lie)(struct link_stream *st); /* what it says to a question */
static void (*heard)(void);                  /* after each answer; may be NULL */
static struct {
	size_t wanted; /* ends of questions until the loop stops */
	size_t answers, ok, dones, failed;
	enum fb_reason reason, reasons[4];
	char why[256];
} got;

struct lie_stream {
	struct link_stream st;
	bool is_query;
	struct lie_stream *next;
};
static struct lie_stream *lies; /* that are open */

static inline struct link_stream *l_open(void *arg)
{
	struct lie_stream *l = calloc(1, sizeof *l);

	link_stream_init(&l->st, 1 << 20);
	l->next = lies;
	lies = l;
	return &l->st;
}

static inline void l_header(void *arg, struct link_stream *st, const char *name, const char *value)
{
	if (strcmp(name, ":path") == 0)
		((struct lie_stream *)st)->is_query = strstr(value, "/Query") != NULL;
}

static inline void l_message(void *arg, struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n)
{
	if (!((struct lie_stream *)st)->is_query)
		link_stream_end(st, GRPC_UNIMPLEMENTED, "no hello here");
	else
		lie(st);
}

static inline void l_closed(void *arg, struct link_stream *st, uint32_t code)
{
	struct lie_stream **at = &lies;

	while (&(*at)->st != st)
		at = &(*at)->next;
	*at = (*at)->next;
	link_stream_release(st);
	free(st);
}

static inline void l_up(void *arg)
{
}

static inline void l_headers(void *arg, struct link_stream *st)
{
}

static inline void l_ended(void *arg, struct link_stream *st, bool midway)
{
}

static inline void l_goaway(void *arg)
{
}

static inline void l_down(void *arg, const char *why)
{
	link_session_free(liar);
	liar = NULL;
}

static const struct link_session_events liar_events = {
	.up = l_up, .open = l_open, .header = l_header, .headers = l_headers, .message = l_message, .ended = l_ended, .closed = l_closed, .goaway = l_goaway, .down = l_down,
};

static inline void on_accept(int fd, int events, void *arg)
{
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	link_session_free(liar);
	liar = link_session_accept(loop, NULL, peer, &liar_events, NULL);
}

static inline void say(struct link_stream *st, const PB(MailboxAnswer) *m)
{
	size_t n = protobuf_c_message_get_packed_size(&m->base);
	uint8_t *to = link_stream_put(st, n);

	protobuf_c_message_pack(&m->base, to);
	link_stream_send(st);
}

static char good_digits[49];

static inline PB(MailboxAnswer) truth(size_t i)
{
	PB(MailboxAnswer) m = AVAILBRIDGE__LINK__V1__MAILBOX_ANSWER__INIT;

	memset(good_digits, '0', 48);
	m.index = (uint32_t)i;
	m.mailbox = (char *)boxes[i].address;
	m.reason = AVAILBRIDGE__LINK__V1__REASON__OK;
	m.view = 7;
	m.merged = good_digits;
	return m;
}

static inline void end_ok(struct link_stream *st)
{
	link_stream_end(st, GRPC_OK, NULL);
}

static inline void on_answer(void *arg, size_t i, const struct fb_answer *raw)
{
	got.answers++;
	got.ok += raw->reason == FB_OK;
	got.reasons[i] = raw->reason;
	if (heard)
		heard();
}

static inline void on_done(void *arg, enum fb_reason reason, const char *why)
{
	got.dones++;
	got.reason = reason;
	if (reason != FB_OK || !got.failed)
		snprintf(got.why, sizeof got.why, "%s", why ? why : "");
	if (reason != FB_OK)
		got.failed++;
	if (got.dones == got.wanted)
		loop_stop(loop);
}

static const struct link_client_events client_events = {on_answer, on_done};

static inline void ask_for(int64_t deadline_ms)
{
	link_ask(clients, "site-b", &q, deadline_ms, &client_events, NULL);
}

/* From now on the stranger says ${said}, and the loop runs until ${wanted} questions have ended. */
static inline void listen_to(void (*said)(struct link_stream *st), size_t wanted)
{
	memset(&got, 0, sizeof got);
	got.wanted = wanted;
	lie = said;
}

static inline void liar_begin(void)
{
	loop = loop_new();
	listener = world_listen(endpoint);
	listening = loop_fd_new(loop, listener, LOOP_READ, on_accept, NULL);
	world_conf(&conf, peers, &own, "site-a", "a.example", "site-b", endpoints);
	world_query(&q, boxes, 2);
	clients = link_clients_new(loop, &conf, NULL);
}

static inline void liar_end(void)
{
	link_clients_free(clients);
	link_session_free(liar);
	liar = NULL;
	while (lies)
		l_closed(NULL, &lies->st, 0);
	loop_fd_free(listening);
	close(listener);
	loop_free(loop);
}
#endif
