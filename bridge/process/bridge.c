#include "bridge/process/bridge.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/memory.h"
#include "bridge/base/text.h"
#include "bridge/process/control_server.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/snapshot.h"
#include "bridge/process/spawn.h"

enum { ACCEPT_AT_ONCE = 32, PATIENCE_MS = 5000, DRAIN_CHECK_MS = 50, LAST_WORDS_MS = 500, TOLD_MS = 60000, GIVE_BACK_MS = 5000 };

struct acceptor {
	struct acceptor *next;
	struct bridge *bridge;
	struct loop_fd *watch;
	bool is_link;
};

/* ---- accepting ---- */

/* The address without its port: what the caps count. */
static void address_text(const struct sockaddr_storage *from, char *out, size_t size)
{
	const struct sockaddr_in6 *six = (const void *)from;
	const struct sockaddr_in *four = (const void *)from;

	if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], out, (socklen_t)size);
	else if (from->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &six->sin6_addr, out, (socklen_t)size);
	else
		inet_ntop(AF_INET, &four->sin_addr, out, (socklen_t)size);
}

/*
 * No descriptor is left: the reserve is given up for the moment that it takes to turn one caller away, so that the rest do not spin
 * the loop.
 */
static void turn_away(struct bridge *b, int listener)
{
	int fd;

	if (b->reserve >= 0)
		close(b->reserve);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		close(fd);
	b->reserve = fcntl(b->calendars_fd, F_DUPFD_CLOEXEC, 3);
	if (b->turned_away && loop_ms() - b->turned_away < TOLD_MS)
		return;
	b->turned_away = loop_ms();
	log_event(LOG_LEVEL_WARN, "no-descriptors", LS("fix", "raise LimitNOFILE or lower max_connections"));
}

static void accept_some(int listener, int events, void *arg)
{
	struct acceptor *a = arg;
	struct bridge *b = a->bridge;
	struct sockaddr_storage from;
	socklen_t size;
	char text[64];
	int fd, i, on = 1;

	for (i = 0; i < ACCEPT_AT_ONCE; i++) {
		size = sizeof from;
		fd = accept4(listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				turn_away(b, listener);
			if (errno != ECONNABORTED)
				return;
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		if (a->is_link) {
			link_server_accept(b->server, fd);
			continue;
		}
		address_text(&from, text, sizeof text);
		front_accept(b->front, fd, text);
	}
}

static void start_accepting(struct bridge *b)
{
	struct acceptor *a;
	size_t i, k;

	for (k = 0; k < 2; k++)
		for (i = 0; i < b->sockets[k].n; i++) {
			if (!(a = malloc(sizeof *a)))
				abort();
			*a = (struct acceptor){b->acceptors, b, NULL, k == 1};
			a->watch = loop_fd_new(b->loop, b->sockets[k].fds[i], LOOP_READ, accept_some, a);
			b->acceptors = a;
		}
}

static void stop_accepting(struct bridge *b)
{
	struct acceptor *a;

	while ((a = b->acceptors)) {
		b->acceptors = a->next;
		loop_fd_free(a->watch);
		free(a);
	}
	listen_close(&b->sockets[0]);
	listen_close(&b->sockets[1]);
}

/* What came here is for a sibling: the supervisor knows them. */
static void hand_on(void *arg, unsigned process, int fd)
{
	struct bridge *b = arg;
	struct buf number;

	buf_init(&number, 4);
	pack_u32(&number, process);
	channel_send(b->supervisor, MSG_HAND_ON, buf_ptr(&number), number.len, fd);
	buf_free(&number);
	close(fd);
}

/* ---- ready, draining ---- */

/*
 * What a crowd took and left again goes back to the system: free() keeps 16 MiB of it at the end (keep_memory()), and all that lies before something
 * in use, for as long as nobody comes.
 */
static void give_back(void *arg)
{
	struct bridge *b = arg;

	memory_give_back(&b->given_back);
	loop_timer_again(b->give_back, GIVE_BACK_MS);
}

static void serve(void *arg)
{
	struct bridge *b = arg;

	loop_timer_free(b->patience);
	b->patience = NULL;
	if (b->ready || b->draining)
		return;
	b->ready = true;
	link_server_siblings(b->server, (unsigned)b->conf->bridges, hand_on, b);
	start_accepting(b);
	b->give_back = loop_timer_new(b->loop, GIVE_BACK_MS, give_back, b);
	bridge_unreached_open(b);
	channel_send(b->supervisor, MSG_READY, NULL, 0, -1);
	log_event(LOG_LEVEL_INFO, "bridge-ready", LI("generation", b->generation), LI("landlock", sandbox_has_landlock()));
}

static void serve_if_ready(struct bridge *b)
{
	struct pool_status st;
	struct pool *p;

	pool_status(b->pools[WORKER_LOGIN], &st);
	if (st.ready)
		front_offer(b->front, st.able);
	if (!b->begun || b->ready)
		return;
	for (size_t i = 0; (p = bridge_pool_at(b, i)); i++) {
		pool_status(p, &st);
		if (st.ready == 0 || st.ready != st.workers)
			return;
	}
	serve(b);
}

/* This process may signal nobody, nor start one. */
static void pool_changed(void *arg, int64_t pid, bool ready)
{
	struct bridge *b = arg;
	struct buf who;

	buf_init(&who, 8);
	pack_u64(&who, (uint64_t)pid);
	channel_send(b->supervisor, ready ? MSG_WORKS : MSG_LOST, buf_ptr(&who), who.len, -1);
	buf_free(&who);
	serve_if_ready(b);
}

static void stop(void *arg)
{
	struct bridge *b = arg;

	loop_stop(b->loop);
}

static void check_drained(void *arg)
{
	struct bridge *b = arg;

	if (front_open(b->front) || proxy_open(b->proxy) || !link_server_idle(b->server) || !pairing_idle(b->pairing) || b->queries ||
	    control_replies_open())
		loop_timer_again(b->drain_check, DRAIN_CHECK_MS);
	else {
		link_clients_drain(b->clients);
		loop_timer_again(b->hard_stop, LAST_WORDS_MS); /* what is written may still leave */
	}
}

static void drain(struct bridge *b)
{
	if (b->draining)
		return;
	b->draining = true;
	stop_accepting(b);
	front_drain(b->front);
	link_server_drain(b->server);
	b->hard_stop = loop_timer_new(b->loop, b->conf->hard_stop_ms, stop, b);
	b->drain_check = loop_timer_new(b->loop, 0, check_drained, b);
	log_event(LOG_LEVEL_INFO, "draining", LI("generation", b->generation));
}

/* ---- the supervisor's messages ---- */

static void take_worker(struct bridge *b, const uint8_t *data, size_t len, int fd)
{
	struct unpack u = unpack_start(data, len);
	uint8_t kind = unpack_u8(&u);
	uint32_t number = unpack_u32(&u);
	int64_t pid = (int64_t)unpack_u64(&u);
	struct pool *pool = bridge_pool(b, kind, number);

	if (unpack_done(&u) && pool)
		pool_add(pool, fd, pid);
	else
		close(fd);
}

static void turn_audit(struct bridge *b, const uint8_t *hash, size_t len, int fd)
{
	if (len != AUDIT_HASH) {
		close(fd);
		return;
	}
	audit_writer_turn(b->audit, fd, hash);
	channel_send(b->supervisor, MSG_AUDIT_TURNED, NULL, 0, -1);
}

/* A number, which the answer repeats, then "peer NAME" or "pin PIN...". */
static void shut(struct bridge *b, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	uint32_t number = unpack_u32(&u);
	const char *what = unpack_str(&u);
	struct buf done;

	if (!what)
		return;
	if (strncmp(what, "peer ", 5) == 0)
		bridge_shut_peer(b, what + 5);
	else if (strncmp(what, "pin ", 4) == 0)
		bridge_shut_pins(b, what + 4);
	buf_init(&done, 4);
	pack_u32(&done, number);
	channel_send(b->supervisor, MSG_SHUT_DONE, buf_ptr(&done), done.len, -1);
	buf_free(&done);
}

static void on_message(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd)
{
	struct bridge *b = arg;

	switch ((enum message)type) {
	case MSG_WORKER:
		take_worker(b, data, len, fd);
		break;
	case MSG_BEGIN:
		b->begun = true;
		serve_if_ready(b);
		break;
	case MSG_DRAIN:
		drain(b);
		break;
	case MSG_CONTROL:
		bridge_control(b, data, len, fd);
		break;
	case MSG_AUDIT:
		turn_audit(b, data, len, fd);
		break;
	case MSG_BUDGETS:
		bridge_budgets(b, fd);
		break;
	case MSG_TRACE:
		bridge_trace(b, data, len, fd);
		break;
	case MSG_LINK:
		link_server_take(b->server, fd);
		break;
	case MSG_INVITATION:
		bridge_pairing_invite(b, data, len);
		break;
	case MSG_WRITTEN:
		bridge_pairing_written(b, data, len);
		break;
	case MSG_PIN:
		bridge_rotation_pin(b, data, len);
		break;
	case MSG_ANNOUNCED_DONE:
		bridge_rotation_answered(b, data, len);
		break;
	case MSG_SHUT:
		shut(b, data, len);
		break;
	default:
		break;
	}
}

/* Without a supervisor nobody could stop or reload this process. */
static void on_end(void *arg, const char *why)
{
	struct bridge *b = arg;

	log_event(LOG_LEVEL_WARN, "supervisor-gone", LS("why", why));
	loop_stop(b->loop);
}

/* ---- the role ---- */

/*
 * argv: program @bridge CONF PARENT GENERATION FRONT-SOCKETS LINK-SOCKETS; descriptors: the supervisor's channel, the snapshot, then
 * those sockets.
 */
static int take_arguments(struct bridge *b, int argc, char **argv)
{
	int64_t generation, counts[2];
	int fd = SNAPSHOT_FD + 1;
	size_t i, k;

	if (argc != 7 || !text_int(argv[4], 0, UINT32_MAX, &generation) || !text_int(argv[5], 0, LISTEN_MAX, &counts[0]) ||
	    !text_int(argv[6], 0, LISTEN_MAX, &counts[1]))
		return -1;
	b->generation = (unsigned)generation;
	for (k = 0; k < 2; k++)
		for (i = 0; i < (size_t)counts[k]; i++) {
			fcntl(fd, F_SETFD, FD_CLOEXEC);
			b->sockets[k].fds[b->sockets[k].n++] = fd++;
		}
	return 0;
}

int bridge_role(int argc, char **argv)
{
	struct bridge b = {0};
	struct buf error;
	int code = 1;

	if (take_arguments(&b, argc, argv) != 0)
		return 2;
	setenv("RES_OPTIONS", "timeout:2 attempts:2", 0); /* names of endpoints: a resolver that does not answer must not keep this process from its work */
	buf_init(&error, MESSAGE_TEXT_MAX / 2);
	b.loop = loop_new();
	if (bridge_open(&b, argv[2], pool_changed, &error) != 0)
		channel_write_blocking(SPAWN_FIRST_FD, MSG_FAILED, buf_ptr(&error), error.len);
	else if (sandbox_bridge() != 0) {
		buf_printf(&error, "the bridge cannot give up its rights: %s", strerror(errno));
		channel_write_blocking(SPAWN_FIRST_FD, MSG_FAILED, buf_ptr(&error), error.len);
	} else {
		b.patience = loop_timer_new(b.loop, PATIENCE_MS, serve, &b);
		b.supervisor = channel_new(b.loop, SPAWN_FIRST_FD, MESSAGES(messages_from_supervisor), on_message, on_end, &b);
		loop_each_turn(b.loop, log_flush);
		log_hold(true);
		loop_run(b.loop);
		code = 0;
	}
	stop_accepting(&b);
	loop_timer_free(b.patience);
	loop_timer_free(b.drain_check);
	loop_timer_free(b.give_back);
	loop_timer_free(b.unreached);
	loop_timer_free(b.hard_stop);
	bridge_close(&b); /* it may tell the supervisor of what it writes down in the end */
	channel_free(b.supervisor);
	loop_free(b.loop);
	log_hold(false);
	buf_free(&error);
	return code;
}
