#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/backend/http_own.h"

/*
 * One of curl's sockets. That of a connection which curl keeps stays watched between two calls: curl asks for it anew each time.
 * Only such a one, for of no other is it told when curl closes it.
 */
struct http_watch {
	struct http_multi *multi;
	struct loop_fd *fd;
	bool kept; /* until on_close() */
	bool idle; /* curl does not want to hear of it now */
};

static struct http_watch *watch_of(const struct http_multi *m, int fd)
{
	return fd >= 0 && (size_t)fd < m->n_watches ? m->watches[fd] : NULL;
}

static struct http_watch *watch_new(struct http_multi *m, int fd, int events);

/* The connection that ${easy} has just made is in curl's hands until on_close(). */
static void keep_watch(struct http_multi *m, CURL *easy)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct http_watch *w;
	long made = 0;

	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
	if (!made || curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
		return;
	if (!(w = watch_of(m, fd))) {
		w = watch_new(m, fd, LOOP_READ);
		w->idle = true;
	}
	w->kept = true;
}

static void drain(struct http_multi *m)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(m->curl, &left)))
		if (message->msg == CURLMSG_DONE) {
			CURL *easy = message->easy_handle;
			CURLcode code = message->data.result;

			keep_watch(m, easy);
			m->done(easy, code);
		}
}

/*
 * What nobody asked for ends a connection, be it the word that the other end closes it. curl looks whether there is an end and not what
 * stands before it: it would send the next request, and fail when it has done so on a few of them.
 */
static void give_up(struct http_watch *w, int fd)
{
	char scrap[512];

	loop_fd_set(w->fd, 0);
	shutdown(fd, SHUT_RDWR);
	while (recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0)
		;
}

/*
 * The rest of an answer is still to come, and a server that writes it in pieces may wait for our word that it has those before (RFC 896), which the
 * system keeps back for 40 ms in the hope of something to send (RFC 1122 4.2.3.2).
 */
static void acknowledge(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* Lets curl go on; while it asks a KDC, all of us wait. */
static void act(struct http_multi *m, int fd, int what)
{
	bool watched = m->by_ticket && http_keytab_watch();
	int running;

	curl_multi_socket_action(m->curl, fd, what, &running);
	if (watched)
		http_keytab_watch_end();
}

static void on_socket(int fd, int events, void *arg)
{
	struct http_watch *w = arg;
	struct http_multi *m = w->multi;
	int what = (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);

	if (w->idle) {
		give_up(w, fd);
		return;
	}
	act(m, fd, what);
	if (watch_of(m, fd) == w && !w->idle && what == CURL_CSELECT_IN)
		acknowledge(fd);
	drain(m);
}

static void on_timer(void *arg)
{
	struct http_multi *m = arg;

	act(m, CURL_SOCKET_TIMEOUT, 0);
	drain(m);
}

static void watch_free(struct http_multi *m, int fd)
{
	struct http_watch *w = watch_of(m, fd);

	if (!w)
		return;
	m->watches[fd] = NULL;
	loop_fd_free(w->fd);
	free(w);
}

static struct http_watch *watch_new(struct http_multi *m, int fd, int events)
{
	size_t n = (size_t)fd + 1;
	struct http_watch *w = calloc(1, sizeof *w);

	if (!w || (n > m->n_watches && !(m->watches = realloc(m->watches, n * sizeof(struct http_watch *)))))
		abort();
	while (m->n_watches < n)
		m->watches[m->n_watches++] = NULL;
	*w = (struct http_watch){.multi = m, .fd = loop_fd_new(m->loop, fd, events, on_socket, w)};
	return m->watches[fd] = w;
}

static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	int events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	struct http_multi *m = arg;
	struct http_watch *w = watch_of(m, fd);

	if (what == CURL_POLL_REMOVE && w && w->kept)
		w->idle = true;
	else if (what == CURL_POLL_REMOVE)
		watch_free(m, fd);
	else if (w) {
		w->idle = false;
		loop_fd_set(w->fd, events);
	} else
		watch_new(m, fd, events);
	return 0;
}

static int on_close(void *arg, curl_socket_t fd)
{
	watch_free(arg, fd);
	return close(fd);
}

bool http_multi_apply(struct http_multi *m, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, m) == CURLE_OK;
}

static int on_wake(CURLM *curl, long ms, void *arg)
{
	struct http_multi *m = arg;

	if (ms >= 0) /* one that it no longer needs may run out: that does no harm */
		loop_timer_again(m->timer, ms);
	return 0;
}

void http_multi_open(struct http_multi *m, struct loop *l, int connections, void (*done)(CURL *easy, CURLcode code))
{
	*m = (struct http_multi){.loop = l, .done = done};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(m->curl = curl_multi_init()))
		abort();
	m->timer = loop_timer_new(l, 0, on_timer, m);
	curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_watch);
	curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_wake);
	curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
	curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, (long)connections);
	curl_multi_setopt(m->curl, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
}

void http_multi_close(struct http_multi *m)
{
	curl_multi_cleanup(m->curl);
	for (size_t fd = 0; fd < m->n_watches; fd++)
		watch_free(m, (int)fd);
	free(m->watches);
	loop_timer_free(m->timer);
	curl_global_cleanup();
}
