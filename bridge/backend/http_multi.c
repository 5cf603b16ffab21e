#include <stdlib.h>
#include "bridge/backend/http_own.h"

struct http_watch { /* one of curl's sockets */
	struct http_watch *next;
	struct http_multi *multi;
	struct loop_fd *fd;
};

static void drain(struct http_multi *m)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(m->curl, &left)))
		if (message->msg == CURLMSG_DONE)
			m->done(message->easy_handle, message->data.result);
}

static void on_socket(int fd, int events, void *arg)
{
	struct http_multi *m = ((struct http_watch *)arg)->multi;
	int what = (events & LOOP_READ ? CURL_CSELECT_IN : 0) | (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0), running;

	curl_multi_socket_action(m->curl, fd, what, &running);
	drain(m);
}

static void on_timer(void *arg)
{
	struct http_multi *m = arg;
	int running;

	curl_multi_socket_action(m->curl, CURL_SOCKET_TIMEOUT, 0, &running);
	drain(m);
}

static void watch_free(struct http_watch *w)
{
	struct http_watch **at = &w->multi->watches;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_fd_free(w->fd);
	free(w);
}

static void watch_new(struct http_multi *m, int fd, int events)
{
	struct http_watch *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	*w = (struct http_watch){.next = m->watches, .multi = m};
	w->fd = loop_fd_new(m->loop, fd, events, on_socket, w);
	m->watches = w;
	curl_multi_assign(m->curl, fd, w);
}

static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	int events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	struct http_watch *w = of_socket;

	if (what == CURL_POLL_REMOVE && w)
		watch_free(w);
	else if (w)
		loop_fd_set(w->fd, events);
	else if (what != CURL_POLL_REMOVE)
		watch_new(arg, fd, events);
	return 0;
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
	while (m->watches)
		watch_free(m->watches);
	loop_timer_free(m->timer);
	curl_global_cleanup();
}
