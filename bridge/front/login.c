#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/front/parts.h"

/* Which kind of name follows; either may hold any character itself. */
enum { ACCOUNT = 'a', PERSON = 'p' };

/* A question to a login worker. Once asked it outlives its connection and its front: the worker's answer always comes. */
struct login {
	struct login *next;
	struct front *front;      /* NULL = the front has gone */
	struct connection *c;     /* NULL = the connection has gone */
	uint64_t turn;            /* the lowest of those that wait is asked next */
	bool asked;
};

const char *identity_name(const struct identity *i)
{
	return i->account ? i->account->name : *i->address ? i->address : NULL;
}

/* ---- what came of it ---- */

/* Which step failed is for the log alone: the client hears a plain no. */
static void refused(struct connection *c, const char *user, const char *scheme, const char *why)
{
	if (connection_may_tell(c))
		log_event(LOG_LEVEL_WARN, "login-failed", LS("account", user), LS("scheme", scheme), LS("why", why), LS("address", c->address),
		          LS("request-id", c->request_id));
	respond_unauthorized(c);
}

static void could_not_tell(struct connection *c)
{
	respond_text(c, 503, "Retry-After: 5\r\n", "The login could not be checked at the moment.");
}

/*
 * ACCOUNT and its name, or PERSON and an address: who it was, as it is remembered. False if there is no such account any more.
 */
static bool identity_of(const struct front *f, const char *who, struct identity *out)
{
	*out = (struct identity){0};
	if (*who == PERSON) {
		snprintf(out->address, sizeof(out->address), "%s", who + 1);
		return *out->address;
	}
	for (size_t i = 0; i < f->conf->n_accounts && !out->account; i++)
		if (strcmp(f->conf->accounts[i].name, who + 1) == 0)
			out->account = &f->conf->accounts[i];
	return out->account;
}

static void welcome(struct connection *c, const struct identity *who)
{
	c->who = *who;
	c->known = true;
	connection_welcome(c);
}

/* A right login: Basic is remembered by what was sent, the others belong to the connection. */
static void let_in(struct connection *c, const struct login_reply *r, const struct auth_claim *claim)
{
	char who[PKI_REMEMBERED_WHO + 1];
	struct identity identity;

	snprintf(who, sizeof(who), "%c%s", *r->account ? ACCOUNT : PERSON, *r->account ? r->account : r->address);
	if (!identity_of(c->front, who, &identity)) {
		could_not_tell(c);
		return;
	}
	if (claim->scheme == LOGIN_BASIC) {
		pki_remembered_add(c->front->remembered, claim->credential, who, loop_ms());
	} else {
		c->session = identity;
		log_event(LOG_LEVEL_INFO, "login", LS("account", identity_name(&identity)), LS("as", r->typed),
		          LS("scheme", auth_name(claim->scheme)), LS("address", c->address), LS("request-id", c->request_id));
		if (r->token.len)
			auth_challenge(&c->token_line, claim->scheme, &r->token);
		if (claim->scheme == LOGIN_NEGOTIATE) /* as IIS says it; a client that does not know gets a ticket for every request */
			buf_puts(&c->token_line, "Persistent-Auth: true\r\n");
	}
	welcome(c, &identity);
}

/* The head still holds what was claimed: the connection has waited. */
static void deliver(struct connection *c, const struct login_reply *r)
{
	struct auth_claim claim;

	if (auth_read(c->request.authorization, c->front->offered, &claim) != AUTH_CLAIM)
		refused(c, r->typed, NULL, "its Authorization field cannot be read");
	else if (r->result == LOGIN_NO)
		refused(c, r->typed, auth_name(claim.scheme), r->why);
	else if (r->result == LOGIN_YES)
		let_in(c, r, &claim);
	else
		could_not_tell(c);
	auth_wipe(&claim);
}

/* Keeps a copy of the reply with the connection. False when out of memory. */
static bool hold(struct connection *c, const struct login_reply *r)
{
	c->held = malloc(sizeof(*c->held));
	if (!c->held)
		return false;
	*c->held = *r;
	buf_init(&c->held->token, LOGIN_TOKEN_MAX);
	buf_init(&c->held->memory, 0);
	return buf_add(&c->held->token, buf_ptr(&r->token), r->token.len) == 0;
}

void login_drop_held(struct connection *c)
{
	if (c->held)
		login_reply_wipe(c->held);
	free(c->held);
	c->held = NULL;
}

void login_release(struct connection *c)
{
	struct login_reply *r = c->held;

	c->held = NULL;
	deliver(c, r);
	login_reply_wipe(r);
	free(r);
}

/*
 * Turned away without a word of what came of it: whoever tries passwords one after the other learns nothing faster than in turn.
 */
static void too_often(struct connection *c, const char *user)
{
	if (connection_may_tell(c))
		log_event(LOG_LEVEL_WARN, "login-slowed", LS("account", user), LS("address", c->address), LS("request-id", c->request_id));
	respond_text(c, 503, "Retry-After: 30\r\n", "There were too many wrong logins. Try again in half a minute.");
}

/* A yes or no: at once, or when it is its turn. */
static void judge(struct connection *c, const struct login_reply *r)
{
	struct front *f = c->front;
	int64_t now = loop_ms(), wait = slow_wait(f->slow, c->address, r->typed, r->result == LOGIN_YES, now);

	if (r->result == LOGIN_NO)
		slow_wrong(f->slow, c->address, r->typed, now);
	else
		slow_right(f->slow, c->address, r->typed, now);
	if (wait == 0) {
		deliver(c, r);
	} else if (wait > SLOW_REFUSE_MS || !hold(c, r)) {
		too_often(c, r->typed);
	} else {
		c->state = CONN_HELD;
		connection_timer(c, wait);
	}
}

/* ---- a step of several ---- */

void login_swallowed(struct connection *c)
{
	struct login_reply *r = c->held;
	struct auth_claim claim;

	c->held = NULL;
	c->state = CONN_ASKING; /* the body is behind us */
	auth_read(c->request.authorization, c->front->offered, &claim);
	respond_go_on(c, claim.scheme, &r->token);
	auth_wipe(&claim);
	login_reply_wipe(r);
	free(r);
}

static void go_on(struct connection *c, const struct login_reply *r)
{
	if (c->request.length > (int64_t)c->front->conf->max_request_kib * 1024) {
		respond_text(c, 413, "", "The request is too large."); /* it is not read away, so the connection ends, and a login with it */
	} else if (buf_add(&c->memory, buf_ptr(&r->memory), r->memory.len) < 0 || !hold(c, r)) {
		could_not_tell(c);
	} else if (!c->request.chunked && c->request.length == 0) {
		login_swallowed(c);
	} else {
		c->state = CONN_SWALLOW;
		connection_read_body(c);
	}
}

/* ---- asking ---- */

static void unlink_login(struct login *l)
{
	struct login **at = &l->front->logins;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->front->n_logins--;
}

static void ask_next(struct front *f);

static void on_reply(void *arg, const struct login_reply *r)
{
	struct login *l = arg;
	struct front *f = l->front;
	struct connection *c = l->c;

	if (f) {
		unlink_login(l);
		f->n_asked--;
		ask_next(f);
	}
	free(l);
	if (!c)
		return;
	c->login = NULL;
	if (r->result == LOGIN_MORE)
		go_on(c, r);
	else if (r->result == LOGIN_COULD_NOT_TELL)
		could_not_tell(c);
	else
		judge(c, r);
}

static void ask(struct login *l)
{
	struct connection *c = l->c;
	struct front *f = l->front;
	struct auth_claim claim;
	struct login_question q = {0};

	l->asked = true;
	f->n_asked++;
	f->login_turn = l->turn;
	auth_read(c->request.authorization, f->offered, &claim);
	q.scheme = claim.scheme;
	if (claim.scheme == LOGIN_BASIC) {
		q.user = claim.user;
		q.password = claim.password;
	} else {
		q.token = (struct login_bytes){buf_ptr(&claim.token), claim.token.len};
		q.memory = (struct login_bytes){c->memory.len ? buf_ptr(&c->memory) : NULL, c->memory.len};
	}
	if (f->end_point_len)
		q.end_point = (struct login_bytes){f->end_point, f->end_point_len};
	f->doors->login(f->doors->door, &q, on_reply, l);
	buf_wipe(&c->memory); /* a challenge is good for one answer */
	auth_wipe(&claim);
}

/* Keeps the workers busy, and no more: who comes next is decided here, when one of them is free. */
static void ask_next(struct front *f)
{
	size_t most = 2 * (f->conf->login_workers > 0 ? (size_t)f->conf->login_workers : 1);

	while (f->n_asked < most) {
		struct login *first = NULL;

		for (struct login *l = f->logins; l; l = l->next)
			if (!l->asked && (!first || l->turn <= first->turn)) /* the list has the latest in front */
				first = l;
		if (!first)
			return;
		ask(first);
	}
}

/* Each address has one turn in a round: whoever sends many passwords waits behind their own, and others do not. */
static uint64_t next_turn(const struct front *f, const char *address)
{
	uint64_t turn = f->login_turn;

	for (const struct login *l = f->logins; l; l = l->next)
		if (l->c && l->turn > turn && strcmp(l->c->address, address) == 0)
			turn = l->turn;
	return turn + 1;
}

static void too_many(struct connection *c)
{
	respond_text(c, 503, "Retry-After: 5\r\n", "Too many logins are waiting to be checked.");
}

/* Room for one more that would have ${turn}: when all places are taken, the one that would have come last gives way. */
static bool make_room(struct front *f, uint64_t turn)
{
	struct login *last = NULL;
	struct connection *c;

	if (f->n_logins < FRONT_LOGINS_MAX)
		return true;
	for (struct login *l = f->logins; l; l = l->next)
		if (!l->asked && (!last || l->turn > last->turn))
			last = l;
	if (!last || last->turn <= turn)
		return false;
	c = last->c;
	login_forget(last);
	c->login = NULL;
	too_many(c);
	return true;
}

static void wait_for_worker(struct connection *c)
{
	struct front *f = c->front;
	uint64_t turn = next_turn(f, c->address);
	struct login *l = make_room(f, turn) ? calloc(1, sizeof(*l)) : NULL;

	if (!l) {
		too_many(c);
		return;
	}
	*l = (struct login){.next = f->logins, .front = f, .c = c, .turn = turn};
	f->logins = l;
	f->n_logins++;
	c->login = l;
	c->state = CONN_LOGIN;
	connection_timer(c, FRONT_LOGIN_MS);
	ask_next(f);
}

/* ---- the beginning ---- */

/*
 * Basic: known already, or hopeless at the moment, or for a worker. Looked up for every name: how long that takes tells nothing.
 */
static void start_basic(struct connection *c, const struct auth_claim *claim)
{
	const char *who = pki_remembered_who(c->front->remembered, claim->credential, loop_ms());
	int64_t wait = slow_wait(c->front->slow, c->address, claim->user, who != NULL, loop_ms());
	struct identity identity;

	if (wait > SLOW_REFUSE_MS)
		too_often(c, claim->user);
	else if (wait == 0 && who && identity_of(c->front, who, &identity))
		welcome(c, &identity);
	else
		wait_for_worker(c);
}

void login_start(struct connection *c)
{
	struct auth_claim claim;
	enum auth_result result = auth_read(c->request.authorization, c->front->offered, &claim);

	if (result != AUTH_ABSENT)
		c->session = (struct identity){0}; /* whoever says something anew is nobody until it is checked */
	if (result == AUTH_ABSENT && identity_name(&c->session))
		welcome(c, &c->session);
	else if (result == AUTH_ABSENT)
		respond_unauthorized(c);
	else if (result != AUTH_CLAIM)
		refused(c, NULL, NULL, result == AUTH_UNKNOWN ? "it asks for a scheme that the front does not offer; `availbridge status` shows those that it does"
		                                              : "its Authorization field cannot be read");
	else if (claim.scheme == LOGIN_BASIC)
		start_basic(c, &claim);
	else
		wait_for_worker(c);
	if (result != AUTH_CLAIM || claim.scheme == LOGIN_BASIC)
		buf_wipe(&c->memory); /* a login of several steps has no other request between them */
	auth_wipe(&claim);
}

void login_forget(struct login *l)
{
	l->c = NULL;
	if (l->asked)
		return;
	unlink_login(l);
	free(l);
}

void login_orphan_all(struct front *f)
{
	while (f->logins) {
		struct login *l = f->logins;

		f->logins = l->next;
		l->front = NULL;
		l->c = NULL;
	}
}
