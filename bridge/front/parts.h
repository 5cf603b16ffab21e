#ifndef BRIDGE_FRONT_PARTS_H
#define BRIDGE_FRONT_PARTS_H
#include "bridge/base/quota.h"
#include "bridge/ews/autodiscover.h"
#include "bridge/front/auth.h"
#include "bridge/front/front.h"
#include "bridge/front/http_parse.h"
#include "bridge/front/slow.h"
#include "pki/password.h"

/* What the files of front/ share among themselves; no other room includes it. */

enum { FRONT_HEAD_MS = 10000, FRONT_BODY_MS = 30000, FRONT_BODY_WHOLE_MS = 120000, FRONT_WRITE_MS = 30000, FRONT_LOGIN_MS = 30000,
       FRONT_CLOSE_MS = 2000 };
enum { FRONT_LOGINS_MAX = 256, FRONT_REMEMBERED = 4096, FRONT_SLOW = 4096, FRONT_BODY_STEP = 1024, FRONT_WRITE_STEP = 32 << 10,
       FRONT_FULL_SAY_MS = 10000, FRONT_STRANGERS_LINES = 20 };
enum { FRONT_LARGE = 256 << 10, FRONT_UNSENT_MAX = 192 << 20 }; /* answers from FRONT_LARGE on share FRONT_UNSENT_MAX of memory */

struct connection;
struct login;

struct front {
	struct loop *loop;
	const struct conf *conf;
	const struct address_space *table;
	struct pki_tls *tls;
	const struct front_doors *doors;
	struct trace *trace;               /* NULL = nothing is recorded */
	struct pki_remembered *remembered;
	struct slow *slow;
	struct log_quota *strangers;       /* of lines about connections on which nobody logged in, by address */
	unsigned offered;                  /* the login schemes, AUTH_OFFER() of each */
	uint8_t end_point[PKI_END_POINT_MAX]; /* names our TLS in channel bindings */
	size_t end_point_len;
	struct ews_autodiscover autodiscover; /* its arg is the connection that asks */
	char host[FB_DOMAIN_MAX + 1];      /* of public_url: realm and Autodiscover's words */
	struct connection *open, *dead;    /* dead: freed at the end of the turn, when no callback of theirs is on the stack */
	struct login *logins;              /* waiting for a worker, or asked of one; the latest in front */
	struct loop_timer *reaper;
	size_t n_open, n_logins, n_asked;
	uint64_t login_turn;               /* of the login that was asked last */
	int64_t full_said;                 /* when the log was told that the front is full; 0 = never */
	size_t unsent_max;                 /* FRONT_UNSENT_MAX */
	bool draining;
};

/* Who asks: an account of ours, or a person whom the directory let in (account NULL, the address is its). Both empty = nobody. */
struct identity {
	const struct conf_account *account;
	char address[FB_ADDRESS_MAX + 1];
};
/* What to call it in the log; NULL = nobody. Borrowed. */
const char *identity_name(const struct identity *i);

enum conn_state {
	CONN_OPENING, /* TLS handshake */
	CONN_HEAD,    /* waiting for a request, or inside its head */
	CONN_LOGIN,   /* a worker looks at the login; the body waits in the stream */
	CONN_HELD,    /* it has, but after so many wrong ones the answer has to wait */
	CONN_SWALLOW, /* a step of a login: the body is read and thrown away, then comes the answer */
	CONN_BODY,
	CONN_ASKING,  /* the house works on the answer */
	CONN_DISCARD, /* refused before its body came: the answer is out, the body is read and thrown away */
	CONN_WRITING,
	CONN_ENDING   /* the stream says goodbye */
};

struct connection {
	struct connection *next, *prev;
	struct front *front;
	struct pki_stream *stream;
	struct loop_timer *timer;
	enum conn_state state;
	char address[64];       /* the client's */
	bool dead;
	bool known;             /* somebody logged in on it */
	bool served;            /* an answer has gone out on it */
	int64_t quiet_since;    /* since when it may send its next request */
	/* the present request */
	struct buf head, body;  /* head: the bytes that `request` points into */
	struct http_head request;
	struct http_chunks chunks;
	size_t scanned, body_left, body_mark;
	int64_t body_until;
	bool started;           /* its first byte has come */
	bool continued;         /* the body is on its way or was asked for; else a client that expects 100 may never send it */
	bool keep;
	int64_t since;
	char request_id[FB_REQUEST_ID_LEN + 1], client_id[FB_CLIENT_ID_MAX + 1];
	const struct route *route;
	struct identity who;
	const char *operation;  /* for the log; static */
	const char *why;        /* the same: the sentence of a refusal */
	struct login *login;
	struct login_reply *held; /* what CONN_HELD waits with, or CONN_SWALLOW */
	struct buf token_line;  /* header lines of the answer that ends a login by Negotiate */
	struct front_soap *soap;
	size_t pending_mark;
	/* the login by NTLM or Negotiate, which belongs to the connection, not to the request */
	struct identity session;
	struct buf memory;      /* of its step before; the next one uses it up */
	/* the recording */
	uint64_t traced_as;
	struct trace_record *traced; /* the present request, until it is known under which id it is answered */
};

/* One path of ours. */
struct route {
	const char *path;       /* lower case; with `below` the path may go on after a slash */
	bool below;
	bool login;
	bool autodiscover;      /* its answers carry the X-...-Enabled fields, refusals too: some clients read only those */
	const char *allow;      /* the methods that it takes, as the Allow field lists them */
	const char *name;       /* for the log */
	void (*answer)(struct connection *c);
};
/* The route of ${path}, NULL if there is none. */
const struct route *route_find(const char *path);
/* True if ${r} takes ${m}. */
bool route_takes(const struct route *r, enum http_method m);

/* A new connection; NULL when out of memory (fd is then closed). It removes itself. */
struct connection *connection_new(struct front *f, int fd, const char *address);
/*
 * May one more line about ${c} be written? Whoever is logged in pays with his name; of strangers' addresses each has a good many, for every request
 * has a line, and no more: whoever reaches the port must not fill the disk.
 */
bool connection_may_tell(const struct connection *c);
/* Ends it at once: its memory goes at the end of the turn. */
void connection_drop(struct connection *c);
/* Closes it if it is idle; it will not be kept after its present answer. */
void connection_drain(struct connection *c);
/* Frees what connection_drop() has left. */
void connection_reap(struct front *f);
/* After an answer was queued: reads on, waits for the writing, or closes. */
void connection_answered(struct connection *c);
/* Starts the timer of the present state. */
void connection_timer(struct connection *c, int64_t ms);

/* Looks at who asks: goes on by connection_welcome() or answers 401 or 503, now or later. */
void login_start(struct connection *c);
/* The wait of CONN_HELD is over. */
void login_release(struct connection *c);
/* The body of CONN_SWALLOW has been thrown away. */
void login_swallowed(struct connection *c);
/* The connection goes away, or its present request ends: forgets what login keeps with it. */
void login_drop_held(struct connection *c);
/* The connection goes away before its worker has answered. */
void login_forget(struct login *l);
/* The front goes away before its workers have answered. */
void login_orphan_all(struct front *f);
/* The request's body is let in, by 100 Continue if the client waits for that; c->state says what for. */
void connection_read_body(struct connection *c);
/* The request may be served: it is known who asks, or its path needs no login. */
void connection_welcome(struct connection *c);

/* Answers with ${body} (NULL = nothing) of ${type}; ${more} holds further header lines, or "".
 * Sees to what is left of the request's body. */
void respond(struct connection *c, int status, const char *type, const char *more, const struct buf *body);
/* Answers a sentence (static: it goes into the log, too) as plain text. */
void respond_text(struct connection *c, int status, const char *more, const char *sentence);
/* Answers 401 with the schemes on offer. */
void respond_unauthorized(struct connection *c);
/* Answers 401 with the token by which the client goes on. */
void respond_go_on(struct connection *c, enum login_scheme scheme, const struct buf *token);

/*
 * Each records what it says, if anything is recorded (record.c): a new connection; a handshake that failed; the present request's head, before it is
 * read; its body.
 */
void record_connection(struct connection *c);
/* See above. */
void record_failure(struct connection *c, const char *why);
/* See above; ${n} bytes at ${head}. */
void record_head(struct connection *c, const void *head, size_t n);
/* See above. */
void record_body(struct connection *c);
/* The answer that goes out: its ${head} with all fields, and its body (NULL = none); the request before it. */
void record_answer(struct connection *c, const struct buf *head, const struct buf *body);
/* The present request gets no answer. */
void record_lost(struct connection *c);

/* The request id that ${s} travels under. Borrowed. */
const char *front_soap_id(const struct front_soap *s);
/* The operation's name. Static; NULL if the request was refused unread. */
const char *front_soap_operation(const struct front_soap *s);
#endif
