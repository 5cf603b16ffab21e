#ifndef BRIDGE_LINK_SERVER_H
#define BRIDGE_LINK_SERVER_H
#include "bridge/base/quota.h"
#include "bridge/link/convert.h"
#include "bridge/link/link.h"
#include "bridge/link/session.h"

/* Whom to tell of a connection that we made for the peer to ask on. */
struct server_turned_events {
	void (*up)(void *arg);                     /* the peer's SETTINGS came */
	void (*goaway)(void *arg);                 /* it wants another one for what comes */
	void (*down)(void *arg, const char *why);  /* it has ended and is freed */
	void (*hello)(void *arg, uint32_t processes); /* the peer said from how many processes it asks */
};

/*
 * Shared by server.c (connections), crowd.c (too many of them), doorway.c (what comes before them), call.c (rpcs), announced.c, probe.c and health.c
 * alone; server_turned_*() by peer.c, which makes such connections.
 */
struct server_conn {
	struct link_server *server;
	struct link_session *session;
	struct loop_timer *hurry;     /* until the first SETTINGS: whoever says nothing has to go */
	const struct pki_peer *peer;  /* from the first SETTINGS on */
	char from[80];                /* the other end's address, for the log */
	int64_t since;                /* loop_ms() when it came */
	struct link_call *calls;
	const struct server_turned_events *owner; /* of one that we made; else NULL */
	void *owner_arg;
	struct server_conn *next, **at;
};

/* One of which nothing has been read yet (doorway.c). */
struct link_doorway {
	struct link_server *server;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *hurry;
	char from[80];
	int64_t since;
	struct link_doorway *next, **at; /* the newest first, as in server->conns */
};

struct link_server {
	struct loop *loop;
	const struct conf *conf;
	struct address_space *table;  /* of conf */
	struct pki_tls *tls;
	struct link_server_events ev;
	void *arg;
	bool draining;
	struct server_conn *conns;
	struct link_clients *clients; /* take over what is turned, or NULL */
	size_t n_conns, n_queries;
	size_t *out_bytes;            /* by peer: answers that wait for it, on all its connections */
	struct log_quota *strangers, *by_peer; /* of lines about them */
	int64_t crowded;              /* when the log was told last that connections without a key are too many; 0 = never */
	int64_t front_expires;
	link_announced_cb *announced;
	void *announced_arg;
	link_seen_cb *seen; /* or NULL */
	void *seen_arg;
	link_probe_cb *probe;
	void *probe_arg;
	int64_t *probed; /* by peer: until when what it asked is paid for */
	unsigned processes;           /* this one and its siblings */
	void (*hand_on)(void *arg, unsigned process, int fd); /* with more than one */
	void *hand_on_arg;
	struct link_doorway *doorways;
	size_t n_doorways;
	void (*guest)(void *arg, struct pki_stream *stream, const char *from);
	void *guest_arg;
};

enum link_method { LINK_NO_METHOD = 0, LINK_HELLO, LINK_QUERY, LINK_ANNOUNCE, LINK_PROBE, LINK_CHECK, LINK_WATCH };

struct link_call {
	struct link_stream st;     /* the first member: a stream is cast to its call */
	struct server_conn *conn;
	enum link_method method;
	bool is_post, is_grpc, has_te, bad_timeout, bad_id;
	bool begun;                /* its headers are whole: what comes in trailers changes nothing */
	int64_t deadline;          /* ms from the request's start; -1 = none given */
	struct fb_query q;         /* mailboxes owned */
	bool has_message;          /* the one request message came */
	uint64_t handle;           /* of an announcement or a probe that is being looked at */
	bool asked;                /* ev.query was called and neither cancelled nor link_call_done() since */
	bool overflowed;           /* an answer found no room */
	bool finished;             /* its end was sent */
	bool answered[FB_MAX_MAILBOXES];
	struct loop_timer *timer;
	struct link_call *next, **at;
};

/*
 * Serves ${peer} on the socket ${fd}, connected to its ${endpoint} at ${host} (taken over), where ${process} shall ask on it. NULL if it cannot be.
 */
struct server_conn *server_turned_new(struct link_server *s, int fd, const char *host, const char *peer, const char *endpoint,
                                      unsigned process, const struct server_turned_events *ev, void *arg);
/* Ends it at once, without telling. NULL is allowed. */
void server_turned_free(struct server_conn *k);
/* GOAWAY; it ends when what is open on it is answered. */
void server_turned_drain(struct server_conn *k);
/* True after link_server_drain(). */
bool server_is_draining(const struct link_server *s);

enum {
	LINK_HURRY_MS = 10000, /* from TCP to SETTINGS */
	LINK_MAX_CONNS = 512,
	LINK_CONNS_OF_PEER = 2 * LINK_PROCESSES /* one for each of its bridges, and of those that take their places */
};
/*
 * Is there a place for one more, who comes from the HOST:PORT ${from}? Of those who have not shown a key the oldest makes room for it, if they
 * are too many; where all are peers, one of the peer that has the most (crowd.c).
 */
bool server_has_room(struct link_server *s, const char *from);
/* Closes and frees ${k}; who owns it is told. */
void server_conn_free(struct server_conn *k);
/* The place of the peer ${name} in the settings; n_peers if it has none. */
size_t server_peer_index(const struct link_server *s, const char *name);
/* How many connections ${peer} has. */
size_t server_conns_of(const struct link_server *s, const struct pki_peer *peer);
/* HOST:PORT of the other end of ${fd}; "-" if it has none. */
void server_name_of(int fd, char *out, size_t size);
#define LINK_PROCESS_ALPN "availbridge-process/"
/* The process that a ClientHello wants, as far as it stands in these ${n} bytes; -1 = any (doorway.c). */
int link_process_wanted(const uint8_t *hello, size_t n);
/* Looks which process the connection ${fd} (taken over) is for, then takes it in or hands it on. */
void server_doorway_open(struct link_server *s, int fd);
/* Closes and frees ${d}. */
void server_doorway_close(struct link_doorway *d);
/* Closes those for which that is not known yet. */
void server_doorways_close(struct link_server *s);

/* A request begins on ${k}. NULL when out of memory. */
struct link_call *server_call_new(struct server_conn *k);
/* One field of the request's headers. */
void server_call_header(struct link_call *c, const char *name, const char *value);
/* The headers are whole: refuses what cannot be answered, starts the clock. */
void server_call_headers(struct link_call *c);
/* A message of the request, or why there is none. */
void server_call_message(struct link_call *c, enum grpc_read what, const uint8_t *p, size_t n);
/* The request is whole. */
void server_call_ended(struct link_call *c, bool midway);
/* Its stream is gone: tells whoever is at work on it, and frees it. */
void server_call_gone(struct link_call *c);
/* Sends the end and, if a query was being worked on, forgets that. */
void server_call_finish(struct link_call *c, enum grpc_status status, const char *why);

/* An AnnounceRequest of ${n} bytes at ${p} (announced.c). */
void server_announce(struct link_call *c, const uint8_t *p, size_t n);
/* A ProbeRequest of ${n} bytes at ${p} (probe.c). */
void server_probe(struct link_call *c, const uint8_t *p, size_t n);
/* Gives ${c} a number by which it is found when its answer is there, and returns it. */
uint64_t server_call_handle(struct link_call *c);
/* The unfinished call with that number, which it has no more; NULL if it is gone. */
struct link_call *server_call_of_handle(struct link_server *s, uint64_t handle);
/* grpc.health.v1: answers the request of ${n} bytes at ${p} for Check or Watch. */
void server_health(struct link_call *c, const uint8_t *p, size_t n);
/* Tells a watcher that we go, and ends it. */
void server_health_gone(struct link_call *c);
#endif
