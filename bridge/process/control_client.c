#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "bridge/base/loop.h"
#include "bridge/process/control.h"

enum { STEP = 16384 };

static int dial(const char *path, struct buf *error)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, saved;

	if (strlen(path) >= sizeof to.sun_path) {
		buf_printf(error, "%s: the path of a socket has at most %zu bytes; set a shorter control_socket.", path,
		           sizeof to.sun_path - 1);
		return -1;
	}
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		close(fd);
	if (saved == ENOENT || saved == ECONNREFUSED)
		buf_printf(error, "No daemon answers at %s. Start it with `availbridge serve`.", path);
	else if (saved == EACCES || saved == EPERM)
		buf_printf(error, "%s: only root and the user that the daemon runs as may ask it.", path);
	else
		buf_printf(error, "%s: %s.", path, strerror(saved));
	return -1;
}

/* Sends what is left to be sent and takes what comes, until the daemon closes. 0, or -1 when time is up or the connection broke. */
static int exchange(int fd, struct buf *out, struct buf *in, int timeout_ms)
{
	int64_t end = loop_ms() + timeout_ms, left;
	struct pollfd p = {.fd = fd};
	bool writing = true;
	uint8_t *to;
	ssize_t n;

	for (;;) {
		p.events = (short)(POLLIN | (writing ? POLLOUT : 0));
		left = end - loop_ms();
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return -1;
		if (writing && (p.revents & POLLOUT)) {
			n = send(fd, buf_ptr(out), out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n > 0)
				buf_consume(out, (size_t)n);
			writing = out->len > 0 && (n >= 0 || errno == EAGAIN || errno == EINTR); /* refused early: its answer says why */
			if (!writing)
				shutdown(fd, SHUT_WR);
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
			if (!(to = buf_reserve(in, STEP)))
				return -1;
			n = recv(fd, to, STEP, MSG_DONTWAIT);
			if (n == 0)
				return 0;
			if (n > 0)
				buf_commit(in, (size_t)n);
			else if (errno != EAGAIN && errno != EINTR)
				return in->len ? 0 : -1;
		}
	}
}

int control_call(const char *path, const char *request, const void *body, size_t n, int timeout_ms, struct buf *reply,
                 struct buf *error)
{
	struct buf out, in;
	int fd = dial(path, error), code = -1;
	const char *text;

	if (fd < 0)
		return -1;
	buf_init(&out, strlen(request) + n + 1);
	buf_init(&in, 64 << 20);
	buf_puts(&out, request);
	buf_putc(&out, '\n');
	buf_add(&out, body, n);
	if (exchange(fd, &out, &in, timeout_ms) != 0)
		buf_printf(error, "%s: the daemon did not answer within %d seconds. Its log may say why.", path, timeout_ms / 1000);
	else {
		text = buf_cstr(&in);
		if (in.len >= 2 && text[0] >= '0' && text[0] <= '9' && text[1] == '\n') {
			code = text[0] - '0';
			buf_add(reply, text + 2, in.len - 2);
		} else
			buf_printf(error, "%s: the daemon closed the connection without an answer. Its log may say why.", path);
	}
	buf_wipe(&out);
	buf_wipe(&in);
	close(fd);
	return code;
}
