#include "bridge/process/listen.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

bool listen_split(const char *s, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;

	if (!colon || !colon[1])
		return false;
	if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
		s++;
		n -= 2;
	} else if (memchr(s, ':', n))
		return false; /* an IPv6 address wants its brackets */
	if (n >= size)
		return false;
	memcpy(host, s, n);
	host[n] = 0;
	*port = colon + 1;
	return true;
}

static int open_one(const struct addrinfo *ai, bool both)
{
	int on = 1, off = 0, saved;
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    (ai->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on, sizeof on) == 0) &&
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 1024) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void explain(struct buf *error, const char *address, int number)
{
	const char *fix = number == EADDRINUSE    ? "another program holds that port: stop it, or choose another port"
	                  : number == EACCES      ? "ports below 1024 need root or CAP_NET_BIND_SERVICE: start it so, or choose another port"
	                  : number == EADDRNOTAVAIL ? "this machine has no such address: name one of its own"
	                                          : "choose another address";

	buf_printf(error, "cannot listen on %s: %s; %s", address, strerror(number), fix);
}

int listen_open(struct listening *out, const char *address, struct buf *error)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL, *ai;
	int fd, r, last = 0;
	const char *port;
	char host[256];

	*out = (struct listening){.address = strdup(address)};
	if (!out->address || !listen_split(address, host, sizeof host, &port)) {
		buf_printf(error, "cannot listen on %s: write it as HOST:PORT, or [IPV6-ADDRESS]:PORT", address);
		return -1;
	}
	if (!host[0]) /* one IPv6 socket takes IPv4 as well */
		hints.ai_family = AF_INET6;
	r = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
	if (r != 0) {
		buf_printf(error, "cannot listen on %s: %s; give an address of this machine", address, gai_strerror(r));
		return -1;
	}
	for (ai = list; ai && out->n < LISTEN_MAX; ai = ai->ai_next) {
		fd = open_one(ai, !host[0]);
		if (fd >= 0)
			out->fds[out->n++] = fd;
		else if (last == 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
			last = errno;
	}
	freeaddrinfo(list);
	if (!host[0] && out->n == 0 && (last == EAFNOSUPPORT || last == EADDRNOTAVAIL)) { /* a machine without IPv6 */
		char v4[32];

		snprintf(v4, sizeof v4, "0.0.0.0:%.8s", port);
		free(out->address);
		r = listen_open(out, v4, error);
		free(out->address);
		out->address = strdup(address);
		return r;
	}
	/* localhost without ::1 is fine; one of two addresses taken by another program is not. */
	if (out->n == 0 || (last && last != EAFNOSUPPORT && last != EADDRNOTAVAIL)) {
		explain(error, address, last);
		listen_close(out);
		return -1;
	}
	return 0;
}

void listen_close(struct listening *l)
{
	while (l->n)
		close(l->fds[--l->n]);
	free(l->address);
	l->address = NULL;
}

/* True if somebody serves the socket; a file that is no socket counts as in use too, with the sentence said. */
static bool control_in_use(const char *path, const struct sockaddr_un *to, struct buf *error)
{
	struct stat st;
	bool answers;
	int fd;

	if (lstat(path, &st) != 0)
		return false;
	if (!S_ISSOCK(st.st_mode)) {
		buf_printf(error, "%s: is no socket; move it away, or set another control_socket", path);
		return true;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	answers = fd >= 0 && (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	if (answers)
		buf_printf(error,
		           "%s: another availbridge already serves with these settings; stop it first, or use `availbridge reload`", path);
	return answers;
}

int listen_control(const char *path, unsigned uid, unsigned gid, struct buf *error)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char dir[sizeof to.sun_path], *slash;
	mode_t before;
	int fd;

	if (strlen(path) >= sizeof to.sun_path) {
		buf_printf(error, "%s: the path of a socket has at most %zu bytes; set a shorter control_socket", path,
		           sizeof to.sun_path - 1);
		return -1;
	}
	strcpy(to.sun_path, path);
	strcpy(dir, path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = 0;
		if (mkdir(dir, 0700) == 0 && lchown(dir, uid, gid) != 0)
			errno = 0; /* then it stays ours, and only root can ask */
	}
	if (control_in_use(path, &to, error))
		return -1;
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	before = umask(0177); /* never open to others, not even for a moment */
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) != 0 || listen(fd, 64) != 0) {
		buf_printf(error,
		           "%s: cannot make the control socket: %s; see that its folder exists and is ours, or set another control_socket",
		           path, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	} else if (lchown(path, uid, gid) != 0)
		buf_printf(error, "%s: %s", path, strerror(errno)); /* root may ask all the same */
	umask(before);
	return fd;
}

void listen_pair_free(struct listening *l)
{
	if (!l)
		return;
	listen_close(&l[0]);
	listen_close(&l[1]);
	free(l);
}

/* What is open stays so: the same sockets once more. */
static int listen_again(struct listening *out, const struct listening *old, struct buf *error)
{
	out->address = strdup(old->address);
	for (; out->n < old->n; out->n++) {
		out->fds[out->n] = fcntl(old->fds[out->n], F_DUPFD_CLOEXEC, 3);
		if (out->fds[out->n] < 0) {
			buf_printf(error, "cannot go on listening on %s: %s", old->address, strerror(errno));
			return -1;
		}
	}
	return 0;
}

struct listening *listen_pair_open(const char *front, const char *link, const struct listening *before, struct buf *error)
{
	const char *const want[2] = {front, link};
	struct listening *out = calloc(2, sizeof *out);
	bool same;

	if (!out)
		abort();
	for (size_t k = 0; k < 2; k++) {
		same = before && strcmp(before[k].address, want[k]) == 0;
		if ((same ? listen_again(&out[k], &before[k], error) : listen_open(&out[k], want[k], error)) != 0) {
			listen_pair_free(out);
			return NULL;
		}
	}
	return out;
}
