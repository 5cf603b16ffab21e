#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/link/server.h"

/*
 * With several bridge processes the kernel gives a connection to any of them. A peer that dials so that it can be asked says in its
 * ClientHello which process it is for (docs/link-protocol.md, section 8); that is looked at before a byte is read, while the connection can
 * still be handed on. It is a wish and no more: where it is not found, or is somebody's play, the connection is served where it came.
 */

enum { LOOK_BYTES = 4096 };

int link_process_wanted(const uint8_t *hello, size_t n)
{
	static const char name[] = LINK_PROCESS_ALPN;
	const uint8_t *at = n ? memmem(hello, n, name, sizeof name - 1) : NULL, *end = hello + n;
	size_t digits = 0;
	int process = 0;

	if (!at || at == hello)
		return -1;
	for (const uint8_t *p = at + sizeof name - 1; p < end && digits < 2 && *p >= '0' && *p <= '9'; p++, digits++)
		process = process * 10 + *p - '0';
	/* a protocol's name stands behind a byte with its length (RFC 7301 3.1) */
	return digits && at[-1] == sizeof name - 1 + digits && process < LINK_PROCESSES ? process : -1;
}

/* Frees ${d} but for its socket, which is returned. */
static int leave(struct link_doorway *d)
{
	int fd = d->fd;

	loop_fd_free(d->watch);
	loop_timer_free(d->hurry);
	*d->at = d->next;
	if (d->next)
		d->next->at = d->at;
	d->server->n_doorways--;
	free(d);
	return fd;
}

static void on_hello(int fd, int events, void *arg)
{
	struct link_doorway *d = arg;
	struct link_server *s = d->server;
	uint8_t hello[LOOK_BYTES];
	ssize_t n = recv(fd, hello, sizeof hello, MSG_PEEK | MSG_DONTWAIT);
	int process;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	process = n > 0 ? link_process_wanted(hello, (size_t)n) : -1;
	leave(d);
	if (process < 0)
		link_server_take(s, fd); /* which also says in the log that nothing came */
	else
		s->hand_on(s->hand_on_arg, (unsigned)process % s->processes, fd);
}

static void on_hurry(void *arg)
{
	struct link_doorway *d = arg;

	if (log_quota_takes(d->server->strangers, d->from))
		log_event(LOG_LEVEL_WARN, "link-refused", LS("from", d->from), LS("text", "no handshake within 10 s"));
	server_doorway_close(d);
}

void server_doorway_open(struct link_server *s, int fd)
{
	char from[sizeof((struct link_doorway *)NULL)->from];
	struct link_doorway *d;

	server_name_of(fd, from, sizeof from);
	if (!server_has_room(s, from) || !(d = calloc(1, sizeof *d))) {
		close(fd);
		return;
	}
	*d = (struct link_doorway){.server = s, .fd = fd, .since = loop_ms(), .next = s->doorways, .at = &s->doorways};
	memcpy(d->from, from, sizeof from);
	if (d->next)
		d->next->at = &d->next;
	s->doorways = d;
	s->n_doorways++;
	d->hurry = loop_timer_new(s->loop, LINK_HURRY_MS, on_hurry, d);
	d->watch = loop_fd_new(s->loop, fd, LOOP_READ, on_hello, d);
}

void server_doorway_close(struct link_doorway *d)
{
	close(leave(d));
}

void server_doorways_close(struct link_server *s)
{
	while (s->doorways)
		server_doorway_close(s->doorways);
}

void link_server_siblings(struct link_server *s, unsigned processes, void (*hand_on)(void *arg, unsigned process, int fd), void *arg)
{
	s->processes = processes;
	s->hand_on = hand_on;
	s->hand_on_arg = arg;
}
