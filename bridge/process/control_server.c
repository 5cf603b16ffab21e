#include "bridge/process/control_server.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/buf.h"
#include "bridge/base/log.h"
#include "bridge/process/messages.h"

enum { LINE_MS = 5000, REPLY_MS = 10000, ASKERS_MAX = 64 };

struct asker {
	struct asker *next;
	struct control_server *server;
	struct loop_fd *watch;
	struct loop_timer *timer;
	int fd;
	size_t n;
	char bytes[CONTROL_LINE_MAX];
};

struct control_server {
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	struct stat name; /* of its name, as it was made; all zero: it could not be looked at */
	struct asker *askers;
	size_t n;
	control_request_cb *cb;
	void *arg;
};

/* Frees ${a}; its descriptor is closed, or given back if it has been handed on. */
static int asker_free(struct asker *a, bool keep_fd)
{
	struct asker **at = &a->server->askers;
	int fd = a->fd;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->server->n--;
	loop_fd_free(a->watch);
	loop_timer_free(a->timer);
	explicit_bzero(a->bytes, a->n); /* an invitation holds a secret */
	free(a);
	if (keep_fd)
		return fd;
	close(fd);
	return -1;
}

static void too_slow(void *arg)
{
	asker_free(arg, false);
}

static void line_came(struct asker *a, char *end)
{
	struct control_server *s = a->server;
	size_t rest = a->n - (size_t)(end + 1 - a->bytes);
	char bytes[CONTROL_LINE_MAX];
	int fd;

	*end = 0;
	memcpy(bytes, a->bytes, a->n);
	end = bytes + (end - a->bytes);
	fd = asker_free(a, true);
	s->cb(s->arg, fd, bytes, end + 1, rest);
	explicit_bzero(bytes, sizeof bytes);
}

static void asker_ready(int fd, int events, void *arg)
{
	struct asker *a = arg;
	struct loop *loop = a->server->loop;
	ssize_t n = recv(fd, a->bytes + a->n, sizeof a->bytes - a->n, 0);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		a->n += (size_t)n;
		end = memchr(a->bytes, '\n', a->n);
		if (end)
			line_came(a, end);
		else if (a->n == sizeof a->bytes)
			control_say(loop, asker_free(a, true), 1, "The request line is too long.\n");
		return;
	}
	asker_free(a, false);
}

static void accept_asker(int fd, int events, void *arg)
{
	struct control_server *s = arg;
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t size = sizeof who;
	struct asker *a;

	if (c < 0)
		return;
	if (getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || (who.uid != 0 && who.uid != getuid())) {
		log_event(LOG_LEVEL_WARN, "control-refused", LI("uid", who.uid), LI("pid", who.pid));
		control_say(s->loop, c, 1, "Only root and the user that the daemon runs as may ask it.\n");
		return;
	}
	a = s->n < ASKERS_MAX ? calloc(1, sizeof *a) : NULL;
	if (!a) {
		close(c);
		return;
	}
	*a = (struct asker){.next = s->askers, .server = s, .fd = c};
	a->watch = loop_fd_new(s->loop, c, LOOP_READ, asker_ready, a);
	a->timer = loop_timer_new(s->loop, LINE_MS, too_slow, a);
	s->askers = a;
	s->n++;
}

struct control_server *control_server_new(struct loop *l, int fd, const char *path, control_request_cb *cb, void *arg)
{
	struct control_server *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	*s = (struct control_server){.loop = l, .fd = fd, .cb = cb, .arg = arg};
	if (lstat(path, &s->name) != 0)
		s->name = (struct stat){0};
	s->watch = loop_fd_new(l, fd, LOOP_READ, accept_asker, s);
	return s;
}

bool control_server_is_at(const struct control_server *s, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_ino == s->name.st_ino && st.st_dev == s->name.st_dev;
}

void control_server_free(struct control_server *s)
{
	if (!s)
		return;
	while (s->askers)
		asker_free(s->askers, false);
	loop_fd_free(s->watch);
	close(s->fd);
	free(s);
}

struct reply {
	struct loop_fd *watch;
	struct loop_timer *timer;
	int fd;
	struct buf bytes;
};
static size_t open_replies;

static void reply_end(void *arg)
{
	struct reply *r = arg;

	loop_fd_free(r->watch);
	loop_timer_free(r->timer);
	shutdown(r->fd, SHUT_RDWR); /* the asker sees the end even if another process still has this connection */
	close(r->fd);
	buf_wipe(&r->bytes);
	free(r);
	open_replies--;
}

static void reply_ready(int fd, int events, void *arg)
{
	struct reply *r = arg;
	ssize_t n = send(fd, buf_ptr(&r->bytes), r->bytes.len, MSG_NOSIGNAL);

	if (n > 0)
		buf_consume(&r->bytes, (size_t)n);
	if (r->bytes.len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		reply_end(r);
}

void control_reply(struct loop *l, int fd, int code, const void *text, size_t n)
{
	struct reply *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	r->fd = fd;
	buf_init(&r->bytes, n + 16);
	buf_printf(&r->bytes, "%d\n", code);
	buf_add(&r->bytes, text, n);
	r->watch = loop_fd_new(l, fd, LOOP_WRITE, reply_ready, r);
	r->timer = loop_timer_new(l, REPLY_MS, reply_end, r);
	open_replies++;
}

void control_say(struct loop *l, int fd, int code, const char *text)
{
	control_reply(l, fd, code, text, strlen(text));
}

size_t control_replies_open(void)
{
	return open_replies;
}
