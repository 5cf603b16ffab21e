#ifndef BRIDGE_LINK_CLIENT_H
#define BRIDGE_LINK_CLIENT_H
#include <sys/socket.h>
#include "bridge/base/quota.h"
#include "bridge/link/convert.h"
#include "bridge/link/link.h"
#include "bridge/link/session.h"

/*
 * Shared by client.c (all peers), client_ask.c (questions on their way out), client_call.c (how they are answered and end), peer.c (the link
 * to one), client_conn.c (a connection), peer_addresses.c (where to), peer_theirs.c
 * (connections that it made), turned.c (those that we make for it) and announce.c alone.
 */
enum {
	LINK_ADDRESSES = 16, LINK_THEIRS = LINK_PROCESSES, /* of one peer: addresses that are tried, connections that it made for us to ask on */
	HELLO_EVERY_MS = 300000,
	ANNOUNCE_AGAIN_MS = 20000
};
struct client_address {
	struct sockaddr_storage sa;
	socklen_t len;
	const char *endpoint; /* HOST:PORT of the settings */
	char *host;           /* its HOST; owned */
	int64_t bad_until;    /* it failed: others come first until then */
	unsigned fails;       /* in a row */
};

enum client_state { CLIENT_DISABLED, CLIENT_DOWN, CLIENT_CONNECTING, CLIENT_UP };

/* One connection, from connect(2) to its end; or one that the peer made, from its handshake on. */
struct client_conn {
	struct client_peer *peer;
	int fd;                  /* while the TCP handshake lasts, else -1 */
	struct loop_fd *watch;
	struct link_session *session;
	struct server_conn *turned; /* instead, where the peer asks on it */
	struct client_address *to; /* NULL if the peer made it */
	struct client_conn *next; /* among the peer's old ones, or theirs */
	bool usable;              /* theirs: up, and no GOAWAY came */
	int64_t since;            /* theirs: loop_ms() when it came */
	struct loop_timer *hello; /* theirs: say hello again */
};

struct client_peer {
	struct link_clients *all;
	const struct conf_peer *conf;
	bool turned;               /* it dials so that a process of the peer can ask us: no call is ever sent on it; turned.c */
	unsigned process;          /* which one, */
	struct client_peer *first; /* beside the one of process 0, */
	unsigned processes;        /* which knows how many there are */
	enum client_state state;
	int64_t since, last_attempt;
	struct client_address *addresses;
	size_t n_addresses, left_in_round;
	size_t good;               /* the address that was up last */
	bool tried[LINK_ADDRESSES]; /* in this round */
	struct client_conn *conn;  /* being made, or up */
	struct client_conn *old;   /* told to go away, still answering */
	struct client_conn *theirs; /* made by the peer, the newest first */
	struct loop_timer *timer;  /* connecting: give up; down: try again; up: say hello again */
	int64_t backoff, due;      /* down: when the timer tries again */
	char why[768];             /* the last failure, or "" */
	const char *endpoint;      /* of the connection that is up or was tried last */
	struct link_hello hello;
	struct client_call *calls; /* open questions: those that wait to be sent, the first of them in front, then those that are sent */
	struct client_call **waiting_end; /* between the two */
	bool told_retired, told_next; /* the peer has written it; in this process it is not said again */
	size_t n_calls;
};

struct link_clients {
	struct loop *loop;
	const struct conf *conf;
	struct pki_tls *tls;
	bool draining;
	int64_t resolving_ms;      /* what the names of endpoints took */
	struct log_quota *quota;   /* of lines about connections that come and go, and what is said on each */
	struct link_self self;
	void (*taken)(void *arg, const char *peer, const uint8_t *pin);
	void *arg;
	link_seen_cb *seen;        /* or NULL */
	void *seen_arg;
	struct client_peer *peers;
	size_t n, looked_at;       /* at which of them link_clients_unreached() goes on */
	struct client_peer **turned; /* to the peers that cannot connect to us: one for each of their processes */
	size_t n_turned;
	struct link_server *server; /* what they ask there; NULL before link_clients_serve() */
};

/* One rpc that we asked: a Query, our own Hello, an Announce or a Probe. */
struct client_call {
	struct link_stream st;    /* the first member: a stream is cast to its call */
	struct client_peer *peer; /* NULL if there is none */
	struct fb_query q;        /* own copy; n = 0 in a Hello */
	struct link_client_events ev;
	void *arg;
	bool waits;               /* for the peer to dial: its timer ends that */
	bool is_announce, retires; /* what our key says about itself; q.n = 0 */
	enum link_taken taken;
	bool is_probe, was_probed; /* asks what the peer says about us; it did */
	struct link_probe probe;
	link_probed_cb *probed;
	bool is_hello, retried, doomed; /* doomed: its timer ends it with FB_PEER_FAILED, or FB_BUSY if `busy` */
	bool busy;
	int64_t deadline;         /* loop_ms() */
	struct loop_timer *timer;
	bool answered[FB_MAX_MAILBOXES];
	size_t n_answered;
	size_t n_messages, refused; /* that came; of these the ones that could not be used */
	bool is_grpc;
	int http, status;         /* status -1: none came */
	char why[256];
	struct client_call *next, **at;
};

/* The one called ${name}, or NULL. */
struct client_peer *client_peer_named(struct link_clients *k, const char *name);
/* May one more line about ${p} be written, of those that it can cause by coming and going? */
bool client_may_tell(const struct client_peer *p);
/* Puts ${c}, which is new, behind all that wait to be sent. */
void client_call_queue(struct client_call *c);
/* ${c} was not taken and waits again, before all others. */
void client_call_requeue(struct client_call *c);
/* Takes ${c} out of its peer's list. */
void client_call_unqueue(struct client_call *c);
/* Sends what waits, if ${p} is up. */
void client_calls_send(struct client_peer *p);
/* Its message goes into the stream's buffer now and waits there. False if it cannot be. */
bool client_call_write(struct client_call *c);
/* It ends at the loop's next turn with FB_PEER_FAILED, or FB_BUSY if ${busy}; ${why} is for the log. */
void client_call_doom(struct client_call *c, const char *why, bool busy);
/* A call's timer: its deadline, or its end if it is doomed. */
void client_call_deadline(void *call);
/* Ends all open calls of ${p} with FB_PEER_FAILED. */
void client_calls_fail(struct client_peer *p, const char *why);
/* No address of ${p} could be reached: ends those that wait for a connection with FB_PEER_FAILED at the loop's next turn. */
void client_calls_unreached(struct client_peer *p);
/* Sends the AnnounceRequest ${message} (bound to the connection that is up) now or never. */
void client_announce_call(struct client_peer *p, const struct buf *message, bool retires);
/* Tells ${p} what it has not yet written of our keys, if there is something (announce.c). */
void client_announce(struct client_peer *p);
/* That call ended. */
void client_announced(struct client_call *c);
/* Asks ${p} who it is. */
void client_hello_send(struct client_peer *p);
/* What a session on one of ${p}'s connections tells about a stream; see link_session_events. */
void client_call_header(struct link_stream *st, const char *name, const char *value);
/* A whole message, or why there is none. */
void client_call_message(struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n);
/* The end of it. */
void client_call_closed(struct link_stream *st, uint32_t code);

/* Resolves the endpoints of ${p}, which may block. */
void client_addresses_resolve(struct client_peer *p);
/* Those of ${from} once more: no name can be resolved later. */
void client_addresses_copy(struct client_peer *p, const struct client_peer *from);
/* Frees them. */
void client_addresses_free(struct client_peer *p);
/* Where to try next in this round: where it was up last, then in the order of the settings; what failed lately last, the oldest failure first. */
struct client_address *client_address_choose(struct client_peer *p);
/* Resolves the endpoints of ${p} and starts connecting. */
void client_peer_start(struct client_peer *p);
/* A question waits: connect now if the last attempt is not too fresh. */
void client_peer_want(struct client_peer *p);
/* Lets go of the connection of ${p}, which is up: it answers what it has (returned), another one takes what comes. */
struct client_conn *client_peer_part(struct client_peer *p);
/* True if ${p}, a turned one, should have a connection. */
bool client_turned_wanted(const struct client_peer *p);
/* The peer behind ${p}, a turned one, asks from ${n} processes: sees to it that each has a connection, and no other. */
void client_turned_processes(struct client_peer *p, uint32_t n);
/*
 * A process of the peer of ${p} is being replaced, as that says on ${p}: those that ask us are going as well, and their successors need connections
 * before they can say so.
 */
void client_turned_renew(const struct client_peer *p);
/* Closes the turned ones to ${conf} for good; NULL = all. */
void client_turned_stop(struct link_clients *k, const struct conf_peer *conf);
/* Closes and frees all turned ones. */
void client_turned_free(struct link_clients *k);
/* The connection that a call to ${p} goes out on: our own, else the newest that it made; NULL if there is none. */
struct client_conn *client_peer_route(const struct client_peer *p);
/* Takes over ${tls}, on which ${p} wants to be asked; ${from} is for the log. */
void client_peer_adopt(struct client_peer *p, struct pki_stream *tls, const char *from);
/* Closes and frees ${k}. NULL is allowed. */
void client_conn_free(struct client_conn *k);
/* GOAWAY; it ends when what is open on it is answered. */
void client_conn_drain(struct client_conn *k);
/* Closes and frees all of ${list}. */
void client_conns_free(struct client_conn **list);
/* What a session on a client_conn tells (peer.c). */
extern const struct link_session_events client_session_events;
/* Lets go of the connections of ${p} under the key with ${pin}. */
void client_peer_leave(struct client_peer *p, const uint8_t pin[PKI_PIN_LEN]);
/* Ends the connections of ${p} under the key with ${pin}. */
void client_peer_cut(struct client_peer *p, const uint8_t pin[PKI_PIN_LEN]);
/* Closes all connections at once; the state is then ${state}. */
void client_peer_stop(struct client_peer *p, enum client_state state, const char *why);
/* Closes what nobody waits for any more (draining). */
void client_peer_settle(struct client_peer *p);
/* The peer speaks gRPC with us: the next break is retried soon. */
void client_peer_proved(struct client_peer *p);
/* Frees what it holds; after client_peer_stop(). */
void client_peer_release(struct client_peer *p);
#endif
