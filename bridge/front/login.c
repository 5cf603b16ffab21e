#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/front/parts.h"

/* A question to a login worker. Once asked it outlives its connection and its front: the worker's answer always comes. */
struct login {
	struct login *next;
	struct front *front;      /* NULL = the front has gone */
	struct connection *c;     /* NULL = the connection has gone */
	const struct conf_account *account;
	uint64_t turn;            /* the lowest of those that wait is asked next */
	bool asked;
};

/* The one account that ${same} finds, NULL if there is none or more than one. */
static const struct conf_account *only(const struct conf *c, const char *user,
                                       bool (*same)(const struct conf_account *a, const char *user))
{
	const struct conf_account *found = NULL;

	for (size_t i = 0; i < c->n_accounts; i++)
		if (same(&c->accounts[i], user)) {
			if (found)
				return NULL;
			found = &c->accounts[i];
		}
	return found;
}

static bool same_name(const struct conf_account *a, const char *user)
{
	return strcmp(a->name, user) == 0;
}

static bool alike_name(const struct conf_account *a, const char *user)
{
	return text_ieq(a->name, user);
}

static bool same_address(const struct conf_account *a, const char *user)
{
	return a->address && text_ieq(a->address, user);
}

/* The account that ${user} means: its name, in any case, also behind DOMAIN\; or the address of the person it stands for. */
static const struct conf_account *account_named(const struct conf *c, const char *user)
{
	const char *slash = strchr(user, '\\');
	const struct conf_account *a = only(c, user, same_name);

	if (!a)
		a = only(c, user, alike_name);
	if (!a && slash)
		a = only(c, slash + 1, alike_name);
	if (!a)
		a = only(c, user, same_address);
	return a;
}

static void refused(struct connection *c, const char *user)
{
	log_event(LOG_LEVEL_WARN, "login-failed", LS("account", user), LS("address", c->address), LS("request-id", c->request_id));
	respond_unauthorized(c);
}

static void unlink_login(struct login *l)
{
	struct login **at = &l->front->logins;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->front->n_logins--;
}

static void ask_next(struct front *f);

static void on_verdict(void *arg, enum fb_fact ok)
{
	struct login *l = arg;
	struct front *f = l->front;
	struct connection *c = l->c;
	const struct conf_account *account = l->account;
	struct auth_claim claim;

	if (f) {
		unlink_login(l);
		f->n_asked--;
		ask_next(f);
	}
	free(l);
	if (!c)
		return;
	c->login = NULL;
	/* The head still holds what was claimed: the connection has waited. */
	if (auth_read(c->request.authorization, &claim) != AUTH_PASSWORD || ok == FB_NO || (ok == FB_YES && !account)) {
		refused(c, claim.user);
	} else if (ok == FB_YES) {
		pki_remembered_add(c->front->remembered, claim.credential, loop_ms());
		c->account = account;
		c->known = true;
		connection_welcome(c);
	} else {
		respond_text(c, 503, "Retry-After: 5\r\n", "The password could not be checked at the moment.");
	}
	auth_wipe(&claim);
}

static void ask(struct login *l)
{
	struct front *f = l->front;
	struct auth_claim claim;

	l->asked = true;
	f->n_asked++;
	f->login_turn = l->turn;
	auth_read(l->c->request.authorization, &claim);
	/* An account that does not exist goes to the worker too: the same work, the same time. */
	f->doors->login(f->doors->door, l->account ? l->account->name : claim.user, claim.password, on_verdict, l);
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

static void wait_for_worker(struct connection *c, const struct conf_account *account)
{
	struct front *f = c->front;
	uint64_t turn = next_turn(f, c->address);
	struct login *l = make_room(f, turn) ? calloc(1, sizeof(*l)) : NULL;

	if (!l) {
		too_many(c);
		return;
	}
	*l = (struct login){.next = f->logins, .front = f, .c = c, .account = account, .turn = turn};
	f->logins = l;
	f->n_logins++;
	c->login = l;
	c->state = CONN_LOGIN;
	connection_timer(c, FRONT_LOGIN_MS);
	ask_next(f);
}

void login_start(struct connection *c)
{
	struct auth_claim claim;
	const struct conf_account *account;
	bool remembered;

	switch (auth_read(c->request.authorization, &claim)) {
	case AUTH_ABSENT:
		respond_unauthorized(c);
		break;
	case AUTH_MALFORMED:
		refused(c, "");
		break;
	case AUTH_PASSWORD:
		account = account_named(c->front->conf, claim.user);
		/* Looked up for every name: how long that takes must not tell whether there is such an account. */
		remembered = pki_remembered_has(c->front->remembered, claim.credential, loop_ms());
		if (account && remembered) {
			c->account = account;
			c->known = true;
			connection_welcome(c);
		} else {
			wait_for_worker(c, account);
		}
	}
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
