#ifndef BRIDGE_LINK_CLIENT_H
#define BRIDGE_LINK_CLIENT_H
#include <sys/socket.h>
#include "bridge/link/convert.h"
#include "bridge/link/link.h"
#include "bridge/link/session.h"

/* Shared by client.c (questions) and peer.c (connections) alone. */
struct client_address {
	struct sockaddr_storage sa;
	socklen_t len;
	const char *endpoint; /* HOST:PORT of the settings */
	char *host;           /* its HOST; owned */
};

enum client_state { CLIENT_DISABLED, CLIENT_DOWN, CLIENT_CONNECTING, CLIENT_UP };

/* One connection, from connect(2) to its end. */
struct client_conn {
	struct client_peer *peer;
	int fd;                  /* while the TCP handshake lasts, else -1 */
	struct loop_fd *watch;
	struct link_session *session;
	const struct client_address *to;
	struct client_conn *next; /* among the peer's old ones */
};

struct client_peer {
	struct link_clients *all;
	const struct conf_peer *conf;
	enum client_state state;
	int64_t since, last_attempt;
	struct client_address *addresses;
	size_t n_addresses, next_address, left_in_round;
	struct client_conn *conn;  /* being made, or up */
	struct client_conn *old;   /* told to go away, still answering */
	struct loop_timer *timer;  /* connecting: give up; down: try again; up: say hello again */
	int64_t backoff, due;      /* down: when the timer tries again */
	char why[256];             /* the last failure, or "" */
	const char *endpoint;      /* of the connection that is up or was tried last */
	struct link_hello hello;
	struct client_call *calls; /* open questions, sent or not */
	size_t n_calls;
};

struct link_clients {
	struct loop *loop;
	const struct conf *conf;
	struct pki_tls *tls;
	bool draining;
	struct client_peer *peers;
	size_t n;
};

/* One rpc that we asked: a Query, or our own Hello. */
struct client_call {
	struct link_stream st;    /* the first member: a stream is cast to its call */
	struct client_peer *peer; /* NULL if there is none */
	struct fb_query q;        /* own copy; n = 0 in a Hello */
	struct link_client_events ev;
	void *arg;
	bool is_hello, retried, doomed; /* doomed: its timer ends it with FB_PEER_FAILED, or FB_BUSY if `busy` */
	bool busy;
	int64_t deadline;         /* loop_ms() */
	struct loop_timer *timer;
	bool answered[FB_MAX_MAILBOXES];
	size_t n_answered;
	bool is_grpc;
	int http, status;         /* status -1: none came */
	char why[256];
	struct client_call *next, **at;
};

/* Sends what waits, if ${p} is up. */
void client_calls_send(struct client_peer *p);
/* Ends all open calls of ${p} with FB_PEER_FAILED. */
void client_calls_fail(struct client_peer *p, const char *why);
/* No address of ${p} could be reached: ends those that wait for a connection with FB_PEER_FAILED at the loop's next turn. */
void client_calls_unreached(struct client_peer *p);
/* Asks ${p} who it is. */
void client_hello_send(struct client_peer *p);
/* What a session on one of ${p}'s connections tells about a stream; see link_session_events. */
void client_call_header(struct link_stream *st, const char *name, const char *value);
/* A whole message, or why there is none. */
void client_call_message(struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n);
/* The end of it. */
void client_call_closed(struct link_stream *st, uint32_t code);

/* Resolves the endpoints of ${p} and starts connecting. */
void client_peer_start(struct client_peer *p);
/* A question waits: connect now if the last attempt is not too fresh. */
void client_peer_want(struct client_peer *p);
/* Closes all connections at once; the state is then ${state}. */
void client_peer_stop(struct client_peer *p, enum client_state state, const char *why);
/* Closes what nobody waits for any more (draining). */
void client_peer_settle(struct client_peer *p);
/* The peer speaks gRPC with us: the next break is retried soon. */
void client_peer_proved(struct client_peer *p);
/* Frees what it holds; after client_peer_stop(). */
void client_peer_release(struct client_peer *p);
#endif
