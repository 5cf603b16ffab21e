#include "bridge/base/channel_own.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = CHANNEL_HEADER, HANDLE = 4, STEP = 65536, FDS_MAX = 16, QUEUE_MAX = 64 << 20, PIECES = 128 };

struct outgoing {
	struct outgoing *next;
	int fd; /* goes with the first byte, then -1 */
	size_t len, sent;
	uint8_t bytes[];
};

struct channel {
	struct loop *loop;
	struct loop_fd *watch;
	struct loop_timer *posted; /* started when something was posted first, and kept */
	int fd;
	const struct channel_type *types;
	size_t n_types;
	channel_msg_cb *on_msg;
	channel_end_cb *on_end;
	void *arg;
	struct buf in;
	int fds[FDS_MAX]; /* arrived, not yet handed on; the kernel keeps their order with the bytes */
	size_t n_fds;
	struct outgoing *first, **last;
	size_t waiting;
	bool ended, busy, freed, missed;
};

static void really_free(struct channel *c)
{
	buf_wipe(&c->in);
	free(c);
}

/* A message may have carried a password. */
static void outgoing_free(struct outgoing *o)
{
	if (o->fd >= 0)
		close(o->fd);
	explicit_bzero(o->bytes, o->len);
	free(o);
}

static void let_go(struct channel *c)
{
	struct outgoing *o;

	loop_fd_free(c->watch);
	c->watch = NULL;
	loop_timer_free(c->posted);
	c->posted = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	while (c->n_fds)
		close(c->fds[--c->n_fds]);
	while ((o = c->first)) {
		c->first = o->next;
		outgoing_free(o);
	}
	c->last = &c->first;
	c->waiting = 0;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	let_go(c);
	c->ended = true;
	if (c->busy)
		c->freed = true; /* dispatch() frees when the callback has returned */
	else
		really_free(c);
}

static void end(struct channel *c, const char *why)
{
	if (c->ended)
		return;
	c->ended = true;
	let_go(c);
	c->on_end(c->arg, why);
}

/* Hands on each whole message. NULL, or why the channel must end. */
static const char *dispatch(struct channel *c)
{
	const struct channel_type *row;
	const char *why = NULL;
	size_t len, i;
	int fd;

	while (!c->ended && c->in.len >= HEADER) {
		row = channel_check_header(c->types, c->n_types, buf_ptr(&c->in), &len, &why);
		if (!row)
			return why;
		if (c->in.len - HEADER < len)
			return NULL;
		fd = -1;
		if (row->takes_fd) {
			if (c->n_fds == 0)
				return "announced a descriptor that did not come";
			fd = c->fds[0];
			for (i = 1; i < c->n_fds; i++)
				c->fds[i - 1] = c->fds[i];
			c->n_fds--;
		}
		c->on_msg(c->arg, row->type, buf_ptr(&c->in) + HEADER, len, fd);
		if (c->ended)
			return NULL;
		buf_consume(&c->in, HEADER + len);
	}
	return c->in.len == 0 && c->n_fds ? "sent a descriptor without a message" : NULL;
}

/* recvmsg() with whatever descriptors come along. Bytes read, 0 at the end, -1 with errno; EPROTO for descriptors past the limit. */
static ssize_t receive(struct channel *c, void *to, size_t n)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = to, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	struct cmsghdr *cm;
	bool too_many = false;
	ssize_t got;
	size_t i;
	int fd;

	got = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);
	if (got < 0)
		return -1;
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
			if (c->n_fds < FDS_MAX)
				c->fds[c->n_fds++] = fd;
			else {
				close(fd);
				too_many = true;
			}
		}
	}
	if (too_many || (msg.msg_flags & MSG_CTRUNC)) {
		errno = EPROTO;
		return -1;
	}
	return got;
}

static const char *read_some(struct channel *c)
{
	uint8_t *to = buf_reserve(&c->in, STEP);
	ssize_t n;

	if (!to)
		return "out of memory";
	n = receive(c, to, STEP);
	if (n > 0) {
		buf_commit(&c->in, (size_t)n);
		return dispatch(c);
	}
	if (n == 0 || errno == ECONNRESET) /* it ended with something of ours unread */
		return c->in.len ? "closed in the middle of a message" : "closed";
	return errno == EAGAIN || errno == EINTR ? NULL : strerror(errno);
}

static void put_fd(struct msghdr *msg, int fd)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(msg);

	*cm = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(cm), &fd, sizeof fd);
}

/* Sends the first in the queue, and with it those behind it; one that has a descriptor begins a piece of its own. What sendmsg() says. */
static ssize_t send_piece(struct channel *c)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct iovec iov[PIECES];
	struct msghdr msg = {.msg_iov = iov};

	for (struct outgoing *o = c->first; o && msg.msg_iovlen < PIECES && (o == c->first || o->fd < 0); o = o->next)
		iov[msg.msg_iovlen++] = (struct iovec){.iov_base = o->bytes + o->sent, .iov_len = o->len - o->sent};
	if (c->first->fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof control.bytes;
		put_fd(&msg, c->first->fd);
	}
	return sendmsg(c->fd, &msg, MSG_NOSIGNAL);
}

/* ${n} bytes of the queue are gone; the first one's descriptor left with the first of them. */
static void sent(struct channel *c, size_t n)
{
	struct outgoing *o = c->first;

	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	while ((o = c->first) && n >= o->len - o->sent) {
		n -= o->len - o->sent;
		c->first = o->next;
		c->waiting -= o->len;
		outgoing_free(o);
	}
	if (o)
		o->sent += n;
	else
		c->last = &c->first;
}

static void flush(struct channel *c)
{
	ssize_t n = 0;

	while (c->first && ((n = send_piece(c)) >= 0 || errno == EINTR))
		if (n > 0)
			sent(c, (size_t)n);
	if (c->first && errno != EAGAIN)
		shutdown(c->fd, SHUT_RDWR); /* the loop then reads the end, and says so from there */
	loop_fd_set(c->watch, LOOP_READ | (c->first && errno == EAGAIN ? LOOP_WRITE : 0));
}

static void ready(int fd, int events, void *arg)
{
	struct channel *c = arg;
	const char *why = NULL;

	c->busy = true;
	if (events & LOOP_WRITE)
		flush(c);
	if (events & LOOP_READ)
		why = read_some(c);
	if (why)
		end(c, why);
	c->busy = false;
	if (c->freed)
		really_free(c);
}

struct channel *channel_new(struct loop *l, int fd, const struct channel_type *types, size_t n,
                            channel_msg_cb *on_msg, channel_end_cb *on_end, void *arg)
{
	struct channel *c = calloc(1, sizeof *c);
	size_t largest = 0, i;

	if (!c)
		abort();
	for (i = 0; i < n; i++)
		if (types[i].max > largest)
			largest = types[i].max;
	buf_init(&c->in, HEADER + largest + STEP);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	*c = (struct channel){.loop = l, .fd = fd, .types = types, .n_types = n, .on_msg = on_msg, .on_end = on_end, .arg = arg, .in = c->in};
	c->last = &c->first;
	c->watch = loop_fd_new(l, fd, LOOP_READ, ready, c);
	return c;
}

/* Into the queue; ${handle} may be NULL. 0, or -1. */
static int put(struct channel *c, uint16_t type, const uint32_t *handle, const void *data, size_t len, int fd)
{
	size_t front = handle ? HANDLE : 0;
	struct outgoing *o;

	if (c->ended || len > QUEUE_MAX - c->waiting || !(o = malloc(sizeof *o + HEADER + front + len))) {
		c->missed = true;
		return -1;
	}
	*o = (struct outgoing){.fd = -1, .len = HEADER + front + len};
	if (fd >= 0 && (o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0) {
		free(o);
		c->missed = true;
		return -1;
	}
	channel_put_header(o->bytes, front + len, type, fd >= 0 ? CHANNEL_FLAG_FD : 0);
	if (handle)
		channel_put_u32(o->bytes + HEADER, *handle);
	if (len)
		memcpy(o->bytes + HEADER + front, data, len);
	*c->last = o;
	c->last = &o->next;
	c->waiting += o->len;
	return 0;
}

bool channel_missed(const struct channel *c)
{
	return c->missed;
}

int channel_send(struct channel *c, uint16_t type, const void *data, size_t len, int fd)
{
	bool first = !c->first;

	if (put(c, type, NULL, data, len, fd) != 0)
		return -1;
	if (first)
		flush(c);
	return 0;
}

static void flush_posted(void *arg)
{
	struct channel *c = arg;

	if (c->first)
		flush(c);
}

int channel_post(struct channel *c, uint16_t type, uint32_t handle, const void *data, size_t len)
{
	bool first = !c->first;

	if (put(c, type, &handle, data, len, -1) != 0)
		return -1;
	if (first && c->posted)
		loop_timer_again(c->posted, 0);
	else if (first)
		c->posted = loop_timer_new(c->loop, 0, flush_posted, c);
	return 0;
}
