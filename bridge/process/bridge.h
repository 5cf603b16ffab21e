#ifndef BRIDGE_PROCESS_BRIDGE_H
#define BRIDGE_PROCESS_BRIDGE_H
#include "bridge/address_space/table.h"
#include "bridge/backend/backends.h"
#include "bridge/base/pack.h"
#include "bridge/budget/budget.h"
#include "bridge/conf/conf.h"
#include "bridge/directory/directory.h"
#include "bridge/front/front.h"
#include "bridge/link/link.h"
#include "bridge/pairing/pairing.h"
#include "bridge/process/listen.h"
#include "bridge/process/messages.h"
#include "bridge/process/pool.h"
#include "bridge/proxy/proxy.h"
#include "bridge/trace/trace.h"

/* The role @bridge: front, link, table and rules on one event loop. Opens no file once it serves. */
struct acceptor;
struct announcing;
struct peer_call;
struct control_query;

struct bridge {
	struct loop *loop;
	struct conf *conf;
	struct address_space *table;
	struct directory *directory;
	struct pki_pinset *pins;
	struct pki_tls *tls_front, *tls_link;
	struct pool *pools[WORKER_BACKEND]; /* that of the directory is NULL without one */
	struct pool **backend_pools;        /* one for each of conf->backends, in their order, */
	char (*backend_names)[80];          /* and what they are called */
	int calendars_fd;
	struct calendars *calendars;
	struct backends *backends;
	struct proxy *proxy;
	struct audit_writer *audit;
	struct loop_timer *audit_told; /* until the supervisor is told what is lacking in it */
	struct budget *budgets;
	struct trace *trace;
	int trace_fd; /* -1 = nothing is recorded */
	struct budget_limits budget_limits[BUDGET_KINDS];
	struct front *front;
	struct link_clients *clients;
	struct link_server *server;
	struct pairing *pairing;
	struct front_doors front_doors; /* borrowed by the front and the proxy for their lives */
	struct proxy_doors proxy_doors;
	struct channel *supervisor;
	struct listening sockets[2]; /* front, link */
	struct acceptor *acceptors;
	struct peer_call *calls;
	struct control_query *queries;
	struct loop_timer *patience, *drain_check, *hard_stop, *give_back, *unreached;
	size_t given_back; /* see memory_give_back() */
	int reserve; /* a descriptor to give up when there are no more, so that a caller can be turned away */
	int64_t turned_away; /* loop_ms() when the log was told last that one was; 0 = never */
	unsigned generation;
	bool begun, ready, draining;
	struct pki_signer *next, *signer; /* the key that comes; the one in use, if it has to vouch for that, or to say that another is used no more */
	uint8_t retired[PKI_PIN_LEN];
	uint8_t own_pin[PKI_PIN_LEN];
	bool has_old; /* there is an old identity: peers have no room for another one until it is retired */
	bool rotated; /* there is one, or one that was retired */
	struct announcing *announcing;
};

/* The role's whole life: ${argc} and ${argv} as spawned. Returns an exit code. */
int bridge_role(int argc, char **argv);
/*
 * Makes everything but the acceptors, doors wired; ${changed} is told what pool_new() tells. -1 with a sentence in ${error};
 * bridge_close() either way.
 */
int bridge_open(struct bridge *b, const char *conf_path, pool_changed_cb *changed, struct buf *error);
/* Fills the doors of the proxy and the front in (doors.c). */
void doors_fill(struct bridge *b);
/* What the link tells of peers that ask. */
extern const struct link_server_events doors_link_events;
/* How the folder's jobs reach a calendar worker; ${door} is the bridge. */
void doors_calendars_submit(void *door, const void *job, size_t len, calendars_reply_cb *cb, void *arg);
/* Ends what peers have asked and is still open. */
void doors_close(struct bridge *b);
/* Makes a pool for each kind of worker; bridge.c is told by ${changed} when a worker became ready or went (bridge_pools.c). */
void bridge_pools_open(struct bridge *b, pool_changed_cb *changed);
/* Frees them. */
void bridge_pools_close(struct bridge *b);
/* The pool of ${kind}, of the ${index}th backend if it is one of those. NULL if there is none. */
struct pool *bridge_pool(const struct bridge *b, unsigned kind, size_t index);
/* Each pool in turn: ${i} counts up from 0. NULL past the last. */
struct pool *bridge_pool_at(const struct bridge *b, size_t i);
/* How long a worker may be at one calendar, in milliseconds. */
int64_t bridge_calendar_ms(const struct conf *c);
/* Frees what bridge_open() made, in the order that lets no door call back into what is gone. */
void bridge_close(struct bridge *b);
/* MSG_BUDGETS came: ${fd} is taken over. Aborts if it is not what it should be. */
void bridge_budgets(struct bridge *b, int fd);
/* MSG_TRACE came: ${fd} is taken over. */
void bridge_trace(struct bridge *b, const uint8_t *key, size_t len, int fd);
/* Cuts ${peer} off at once: its links, its pins. */
void bridge_shut_peer(struct bridge *b, const char *peer);
/* Cuts every link under one of the ${pins} (blanks between) off at once, and takes those pins no more. */
void bridge_shut_pins(struct bridge *b, const char *pins);

/* Lets guests in as the supervisor says, and tells it of them (bridge_pairing.c). */
void bridge_pairing_open(struct bridge *b);
/* MSG_INVITATION came. */
void bridge_pairing_invite(struct bridge *b, const uint8_t *data, size_t len);
/* MSG_WRITTEN came. */
void bridge_pairing_written(struct bridge *b, const uint8_t *data, size_t len);

/* Lets peers announce, and announces what our keys have to say (bridge_rotation.c). -1 when out of memory. */
int bridge_rotation_open(struct bridge *b);
/* Frees what that made; after the rooms. */
void bridge_rotation_close(struct bridge *b);
/* MSG_PIN came. */
void bridge_rotation_pin(struct bridge *b, const uint8_t *data, size_t len);
/* MSG_ANNOUNCED_DONE came. */
void bridge_rotation_answered(struct bridge *b, const uint8_t *data, size_t len);

/* Tells the supervisor from time to time of a peer that is not reached (bridge_unreached.c). */
void bridge_unreached_open(struct bridge *b);
/* Tells the supervisor what the audit lacks (bridge_audit.c). */
void bridge_audit_open(struct bridge *b);
/* Lets peers ask what our side of the link to them looks like (bridge_probe.c). */
void bridge_probe_open(struct bridge *b);
/*
 * The control socket's peer-probe: asks the peer in ${words}, "NAME ADDRESS", over our connection to it, and answers the asker on
 * ${fd} (taken over).
 */
void bridge_probe_ask(struct bridge *b, const char *words, int fd);
/* Answers one request of the control socket: ${data} is MSG_CONTROL's payload, ${fd} the asker's connection (taken over). */
void bridge_control(struct bridge *b, const uint8_t *data, size_t len, int fd);
/* Ends the control socket's open queries without an answer. */
void bridge_control_close(struct bridge *b);
#endif
