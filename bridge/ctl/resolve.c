#include "bridge/ctl/resolve.h"
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include "bridge/base/loop.h"

enum { ALL_MS = 10000, TRY_MS = 2000, TRIES = 2, RECORD_MAX = 4096 };

struct asking {
	bool over;
	int status;
	void (*each)(void *arg, const char *text);
	void *arg;
	size_t n;
};

static void on_answer(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct ares_txt_ext *list = NULL, *t;
	struct asking *a = arg;
	struct buf text;

	a->over = true;
	a->status = status == ARES_SUCCESS ? ares_parse_txt_reply_ext(p, n, &list) : status;
	buf_init(&text, RECORD_MAX);
	for (t = list; t; t = t->next) {
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
}

static void wait_some(ares_channel ch, int64_t left)
{
	ares_socket_t socks[ARES_GETSOCK_MAXNUM];
	struct pollfd p[ARES_GETSOCK_MAXNUM];
	struct timeval most = {(time_t)(left / 1000), (suseconds_t)(left % 1000 * 1000)}, tv, *wait = ares_timeout(ch, &most,
	                        &tv);
	int mask = ares_getsock(ch, socks, ARES_GETSOCK_MAXNUM), n = 0, i;

	for (i = 0; i < ARES_GETSOCK_MAXNUM; i++)
		if (ARES_GETSOCK_READABLE(mask, i) || ARES_GETSOCK_WRITABLE(mask, i))
			p[n++] = (struct pollfd){.fd = socks[i], .events = (short)((ARES_GETSOCK_READABLE(mask,
			          i) ? POLLIN : 0) | (ARES_GETSOCK_WRITABLE(mask, i) ? POLLOUT : 0))};
	poll(p, (nfds_t)n, (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
	for (i = 0; i < n; i++)
		ares_process_fd(ch, p[i].revents & (POLLIN | POLLHUP | POLLERR) ? p[i].fd : ARES_SOCKET_BAD,
		                p[i].revents & POLLOUT ? p[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(ch, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what has waited long enough */
}

enum resolve_result resolve_txt(const char *name, const char *server, void (*each)(void *arg, const char *text), void *arg,
                                struct buf *error)
{
	struct ares_options o = {.timeout = TRY_MS, .tries = TRIES};
	struct asking a = {.each = each, .arg = arg};
	int64_t end = loop_ms() + ALL_MS, left;
	ares_channel ch = NULL;
	int r = ares_library_init(ARES_LIB_INIT_ALL);

	if (r == ARES_SUCCESS)
		r = ares_init_options(&ch, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
	if (r == ARES_SUCCESS && server)
		r = ares_set_servers_ports_csv(ch, server);
	if (r != ARES_SUCCESS) {
		buf_printf(error, "the resolver cannot be used: %s", ares_strerror(r));
		if (ch)
			ares_destroy(ch);
		ares_library_cleanup();
		return RESOLVE_COULD_NOT;
	}
	ares_query(ch, name, ns_c_in, ns_t_txt, on_answer, &a);
	while (!a.over && (left = end - loop_ms()) > 0)
		wait_some(ch, left);
	ares_destroy(ch); /* tells on_answer() of what is still open */
	ares_library_cleanup();
	if (a.status == ARES_SUCCESS && a.n)
		return RESOLVE_FOUND;
	if (a.status == ARES_ENODATA || a.status == ARES_ENOTFOUND || a.status == ARES_SUCCESS)
		return RESOLVE_NONE;
	buf_printf(error, "the resolver did not say: %s", ares_strerror(a.status));
	return RESOLVE_COULD_NOT;
}
