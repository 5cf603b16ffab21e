#include "bridge/dns/resolve.h"
#define CARES_NO_DEPRECATED /* what c-ares 1.28 has in place of these functions, that of Debian 12 has not */
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "bridge/base/loop.h"
#include "bridge/base/text.h"

enum { ALL_MS = 10000, TRY_MS = 2000, TRIES = 2, RECORD_MAX = 4096 };

/* One question. ${take} reads a reply and returns a status of c-ares; it counts what it found. */
struct asking {
	bool over;
	int status;
	int (*take)(struct asking *a, const unsigned char *p, int n);
	size_t n;
	void (*each)(void *arg, const char *text);
	void *arg;
	struct resolve_place *place;
};

static int take_txt(struct asking *a, const unsigned char *p, int n)
{
	struct ares_txt_ext *list = NULL;
	int status = ares_parse_txt_reply_ext(p, n, &list);
	struct buf text;

	buf_init(&text, RECORD_MAX);
	for (struct ares_txt_ext *t = list; t; t = t->next) {
		buf_add(&text, t->txt, t->length);
		if (t->next && !t->next->record_start)
			continue;
		if (!text.failed)
			a->each(a->arg, buf_cstr(&text));
		a->n++;
		buf_free(&text);
		buf_init(&text, RECORD_MAX);
	}
	buf_free(&text);
	if (list)
		ares_free_data(list);
	return status;
}

/* The weight of ${r} among its like; one of weight 0 is taken as well, though seldom. */
static uint32_t weight_of(const struct ares_srv_reply *r)
{
	return r->weight * 16u + 1;
}

static const struct ares_srv_reply *choose(const struct ares_srv_reply *list)
{
	unsigned best = UINT16_MAX;
	uint32_t total = 0, chance;

	for (const struct ares_srv_reply *r = list; r; r = r->next)
		best = r->priority < best ? r->priority : best;
	for (const struct ares_srv_reply *r = list; r; r = r->next)
		total += r->priority == best ? weight_of(r) : 0;
	if (!total)
		return NULL;
	text_random(&chance, sizeof(chance));
	chance %= total;
	for (const struct ares_srv_reply *r = list; r; r = r->next) {
		if (r->priority != best)
			continue;
		if (chance < weight_of(r))
			return r;
		chance -= weight_of(r);
	}
	return NULL;
}

static int take_srv(struct asking *a, const unsigned char *p, int n)
{
	struct ares_srv_reply *list = NULL;
	int status = ares_parse_srv_reply(p, n, &list);
	const struct ares_srv_reply *r = choose(list);

	if (r && snprintf(a->place->host, sizeof(a->place->host), "%s", r->host) < (int)sizeof(a->place->host)) {
		size_t len = strlen(a->place->host);

		if (len && a->place->host[len - 1] == '.')
			a->place->host[len - 1] = 0;
		a->place->port = r->port;
		a->n++;
	}
	if (list)
		ares_free_data(list);
	return status;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct asking *a = arg;

	a->over = true;
	a->status = status == ARES_SUCCESS ? a->take(a, p, n) : status;
}

static void wait_some(ares_channel ch, int64_t left)
{
	ares_socket_t socks[ARES_GETSOCK_MAXNUM];
	struct pollfd p[ARES_GETSOCK_MAXNUM];
	struct timeval most = {(time_t)(left / 1000), (suseconds_t)(left % 1000 * 1000)}, tv, *wait = ares_timeout(ch, &most,
	                        &tv);
	unsigned mask = (unsigned)ares_getsock(ch, socks, ARES_GETSOCK_MAXNUM);
	int n = 0, i;

	/* the bits by hand: ARES_GETSOCK_WRITABLE() shifts a signed 1 by 31 */
	for (i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		bool in = mask >> i & 1, out = mask >> (i + ARES_GETSOCK_MAXNUM) & 1;

		if (in || out)
			p[n++] = (struct pollfd){.fd = socks[i], .events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0))};
	}
	poll(p, (nfds_t)n, (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
	for (i = 0; i < n; i++)
		ares_process_fd(ch, p[i].revents & (POLLIN | POLLHUP | POLLERR) ? p[i].fd : ARES_SOCKET_BAD,
		                p[i].revents & POLLOUT ? p[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(ch, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what has waited long enough */
}

static enum resolve_result ask(const char *name, int type, const char *server, struct asking *a, struct buf *error)
{
	struct ares_options o = {.timeout = TRY_MS, .tries = TRIES};
	int64_t end = loop_ms() + ALL_MS, left;
	ares_channel ch = NULL;
	int r = ares_library_init(ARES_LIB_INIT_ALL);

	if (r == ARES_SUCCESS)
		r = ares_init_options(&ch, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
	if (r == ARES_SUCCESS && server)
		r = ares_set_servers_ports_csv(ch, server);
	if (r != ARES_SUCCESS) {
		buf_printf(error, "the resolver cannot be used: %s; write ADDRESS:PORT, for example 192.0.2.1:53", ares_strerror(r));
		if (ch)
			ares_destroy(ch);
		ares_library_cleanup();
		return RESOLVE_COULD_NOT;
	}
	ares_query(ch, name, ns_c_in, type, on_answer, a);
	while (!a->over && (left = end - loop_ms()) > 0)
		wait_some(ch, left);
	ares_destroy(ch); /* tells on_answer() of what is still open */
	ares_library_cleanup();
	if (a->status == ARES_SUCCESS && a->n)
		return RESOLVE_FOUND;
	if (a->status == ARES_ENODATA || a->status == ARES_ENOTFOUND || a->status == ARES_SUCCESS)
		return RESOLVE_NONE;
	buf_printf(error, "the resolver did not say: %s", ares_strerror(a->status));
	return RESOLVE_COULD_NOT;
}

enum resolve_result resolve_txt(const char *name, const char *server, void (*each)(void *arg, const char *text), void *arg,
                                struct buf *error)
{
	return ask(name, ns_t_txt, server, &(struct asking){.take = take_txt, .each = each, .arg = arg}, error);
}

enum resolve_result resolve_srv(const char *name, const char *server, struct resolve_place *out, struct buf *error)
{
	*out = (struct resolve_place){0};
	return ask(name, ns_t_srv, server, &(struct asking){.take = take_srv, .place = out}, error);
}
