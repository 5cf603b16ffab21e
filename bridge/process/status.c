#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/base/text.h"
#include "bridge/process/bridge.h"
#include "bridge/process/expiry.h"
#include "bridge/process/sandbox.h"
#include "pki/rotation.h"

/*
 * `status --json`, one object:
 *   version, site         strings
 *   uptime_ms, pid        of the supervisor
 *   generations[]         number, state (starting running draining ending), processes[]: process (bridge calendar-worker login-worker),
 *                         pid (0 = starting again), uptime_ms, restarts
 *   invitations[]         open ones: name, seconds_left, tries_left, used_by (a pin or null), written (the peer is there, to be confirmed)
 *   front_certificate     expires (seconds since 1970, 0 = not known), trouble (why its changed files are not used, or null)
 *   identity              pin, next (or null), taken[] and not_taken[] (enabled peers, while there is a next one)
 *   pending[]             next keys that wait for `peer confirm-next`: peer, pin
 *   bridge                the bridge that answered: generation, landlock, open_queries, front_connections, cache_mib (its ceiling)
 *   over_budget[]         who is over a budget now: who, peer (who names them, or null), setting, limit, refused (mailboxes)
 *   pools[]               of that bridge: name, workers, ready, busy, waiting
 *   peers[]               as `peer show --json` gives each
 * `peer show --json`, one object:
 *   name, state (up connecting down disabled), since_ms, dialled_by (us, them: over a connection that the peer made), endpoint,
 *                         why (the last failure), site, version: strings but since_ms; null if not known
 *   said[]                domains that the peer's Hello named
 *   ours[]                domains that our table points to it
 *   clock_ahead           seconds by which its clock was ahead of ours when it last greeted us
 *   unconfirmed           the six words that were not compared yet, or null
 *   front_expires         when its front certificate ends, seconds since 1970 (0 = not told)
 *   missing[], surplus[]  ours that it did not name; named ones that our table does not give it
 */

enum { SKEW_SECONDS = 60 };

/* A comma unless something opens here. */
static void comma(struct buf *b)
{
	uint8_t last = b->len ? buf_ptr(b)[b->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_putc(b, ',');
}

static void key(struct buf *b, const char *name)
{
	comma(b);
	buf_printf(b, "\"%s\":", name);
}

static void put_str(struct buf *b, const char *name, const char *s)
{
	key(b, name);
	if (s)
		text_json(b, s);
	else
		buf_puts(b, "null");
}

static void put_num(struct buf *b, const char *name, uint64_t v)
{
	key(b, name);
	buf_putu(b, v);
}

/* "3 d 4 h", "4 h 5 min", "5 min 6 s", "6 s". */
static void put_span(struct buf *b, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s >= 86400)
		buf_printf(b, "%llu d %llu h", (unsigned long long)(s / 86400), (unsigned long long)(s % 86400 / 3600));
	else if (s >= 3600)
		buf_printf(b, "%llu h %llu min", (unsigned long long)(s / 3600), (unsigned long long)(s % 3600 / 60));
	else if (s >= 60)
		buf_printf(b, "%llu min %llu s", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
	else
		buf_printf(b, "%llu s", (unsigned long long)s);
}

/* ---- processes: what generation_pack() packed ---- */

static void put_process(struct buf *out, struct unpack *u, bool json)
{
	const char *role = unpack_str(u);
	uint64_t pid = unpack_u64(u), up = unpack_u64(u);
	uint32_t restarts = unpack_u32(u);

	if (json) {
		comma(out);
		buf_putc(out, '{');
		put_str(out, "process", role);
		put_num(out, "pid", pid);
		put_num(out, "uptime_ms", up);
		put_num(out, "restarts", restarts);
		buf_putc(out, '}');
		return;
	}
	if (!pid) {
		buf_printf(out, "  %-16s starting again", role ? role : "");
	} else {
		buf_printf(out, "  %-16s pid %-8llu up ", role ? role : "", (unsigned long long)pid);
		put_span(out, up);
	}
	if (restarts)
		buf_printf(out, ", started again %u time%s", restarts, restarts == 1 ? "" : "s");
	buf_putc(out, '\n');
}

static void put_generation(struct buf *out, struct unpack *u, bool json)
{
	uint32_t number = unpack_u32(u), n;
	const char *state = unpack_str(u);

	n = unpack_u32(u);
	if (json) {
		comma(out);
		buf_putc(out, '{');
		put_num(out, "number", number);
		put_str(out, "state", state);
		key(out, "processes");
		buf_putc(out, '[');
	} else
		buf_printf(out, "generation %u: %s\n", number, state ? state : "");
	for (; n && !u->bad; n--)
		put_process(out, u, json);
	if (json)
		buf_puts(out, "]}");
}

/* ---- invitations: what invitations_pack() packed ---- */

static void put_invitation(struct buf *out, struct unpack *u, bool json)
{
	const char *name = unpack_str(u), *by;
	uint64_t left = unpack_u64(u);
	uint32_t tries = unpack_u32(u);
	bool done;

	by = unpack_str(u);
	done = unpack_u8(u);
	if (json) {
		comma(out);
		buf_putc(out, '{');
		put_str(out, "name", name);
		put_num(out, "seconds_left", left);
		put_num(out, "tries_left", tries);
		put_str(out, "used_by", by);
		key(out, "written");
		buf_puts(out, done ? "true}" : "false}");
		return;
	}
	buf_printf(out, "invitation for %s: ", name ? name : "");
	if (done) {
		buf_printf(out, "used by %s\n", by ? by : "");
	} else if (!tries) {
		buf_puts(out, "! closed, its secret was tried wrongly; the log names the keys\n");
	} else {
		buf_puts(out, "open for ");
		put_span(out, left * 1000);
		buf_printf(out, ", %u tr%s left%s%s\n", tries, tries == 1 ? "y" : "ies", by ? ", being used by " : "", by ? by : "");
	}
}

static void put_invitations(struct buf *out, struct unpack *u, bool json)
{
	uint32_t n = unpack_u32(u);

	if (json) {
		key(out, "invitations");
		buf_putc(out, '[');
	}
	for (; n && !u->bad; n--)
		put_invitation(out, u, json);
	if (json)
		buf_putc(out, ']');
}

/* ---- keys and certificates: what rotation_pack() packed ---- */

struct pin_note {
	const char *peer, *pin;
};
struct rotation_status {
	int64_t front_expires;
	const char *trouble;
	struct pin_note *taken, *pending;
	uint32_t n_taken, n_pending;
};

static struct pin_note *read_notes(struct unpack *u, uint32_t *n)
{
	uint32_t count = unpack_u32(u);
	struct pin_note *list = calloc(count < 100000 ? count + 1 : 1, sizeof *list);

	if (!list)
		abort();
	for (*n = 0; count < 100000 && *n < count && !u->bad; ++*n) {
		list[*n].peer = unpack_str(u);
		list[*n].pin = unpack_str(u);
	}
	*n = u->bad ? 0 : *n;
	return list;
}

static struct rotation_status read_rotation(struct unpack *u)
{
	struct rotation_status r = {.front_expires = (int64_t)unpack_u64(u)};

	r.trouble = unpack_str(u);
	r.taken = read_notes(u, &r.n_taken);
	r.pending = read_notes(u, &r.n_pending);
	return r;
}

/* True if ${peer} told that it has ${pin} on its disk. */
static bool has_taken(const struct rotation_status *r, const char *peer, const char *pin)
{
	for (uint32_t i = 0; i < r->n_taken; i++)
		if (strcmp(r->taken[i].peer, peer) == 0 && strcmp(r->taken[i].pin, pin) == 0)
			return true;
	return false;
}

static void put_rotation_json(struct buf *out, const struct bridge *b, const struct rotation_status *r, const char *own, const char *next)
{
	key(out, "front_certificate");
	buf_putc(out, '{');
	put_num(out, "expires", (uint64_t)r->front_expires);
	put_str(out, "trouble", r->trouble);
	buf_putc(out, '}');
	key(out, "identity");
	buf_putc(out, '{');
	put_str(out, "pin", own);
	put_str(out, "next", next);
	for (int round = 0; round < 2; round++) {
		key(out, round ? "not_taken" : "taken");
		buf_putc(out, '[');
		for (size_t i = 1; next && i < b->conf->n_peers; i++)
			if (b->conf->peers[i].enabled && has_taken(r, b->conf->peers[i].name, next) == !round) {
				comma(out);
				text_json(out, b->conf->peers[i].name);
			}
		buf_putc(out, ']');
	}
	buf_putc(out, '}');
	key(out, "pending");
	buf_putc(out, '[');
	for (uint32_t i = 0; i < r->n_pending; i++) {
		comma(out);
		buf_putc(out, '{');
		put_str(out, "peer", r->pending[i].peer);
		put_str(out, "pin", r->pending[i].pin);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void put_expiry(struct buf *out, const char *before, int64_t until)
{
	int64_t now = time(NULL);

	if (expiry_of(until, now) == EXPIRY_UNKNOWN)
		return;
	buf_printf(out, "%s%s", before, expiry_of(until, now) >= EXPIRY_60 ? "! " : "");
	expiry_put(out, until, now);
	buf_putc(out, '\n');
}

static void put_rotation(struct buf *out, const struct bridge *b, const struct rotation_status *r, bool json)
{
	char own[PKI_PIN_TEXT], next[PKI_PIN_TEXT];

	pki_pin_text(own, b->own_pin);
	if (b->next)
		pki_pin_text(next, pki_signer_pin(b->next));
	if (json) {
		put_rotation_json(out, b, r, own, b->next ? next : NULL);
		return;
	}
	put_expiry(out, "front certificate: ", r->front_expires);
	if (r->trouble)
		buf_printf(out, "front certificate: ! its files have changed, but cannot be used; the old one stays in use: %s\n", r->trouble);
	if (b->next)
		buf_printf(out, "identity: %s, next %s\n", own, next);
	for (uint32_t i = 0; i < r->n_pending; i++)
		buf_printf(out, "peer %s: ! announced its next key %s: `availbridge peer confirm-next %s` takes it\n", r->pending[i].peer, r->pending[i].pin, r->pending[i].peer);
}

/* What stands between ${p} and our keys. */
static void put_peer_rotation(struct buf *out, const struct bridge *b, const struct rotation_status *r, const struct conf_peer *p, const struct link_status *st)
{
	char own[PKI_PIN_TEXT], next[PKI_PIN_TEXT];

	pki_pin_text(own, b->own_pin);
	if (b->next)
		pki_pin_text(next, pki_signer_pin(b->next));
	if (p->enabled && b->next && !has_taken(r, p->name, next))
		buf_printf(out, "  ! it has not taken our next key yet: that is announced while the link is up. By hand, there: availbridge peer set %s --next-pin %s\n", b->conf->site, next);
	else if (p->enabled && b->rotated && !b->next && strcmp(st->state, "up") != 0 && !has_taken(r, p->name, own))
		buf_printf(out, "  ! it missed our change of key. If it still knows the old one, there: availbridge peer set %s --pin %s\n", b->conf->site, own);
	put_expiry(out, "  its front certificate: ", expiry_of(st->front_expires, time(NULL)) >= EXPIRY_60 ? st->front_expires : 0);
}

static void put_pool(struct buf *out, const char *name, const struct pool *p, bool json)
{
	struct pool_status st;

	pool_status(p, &st);
	if (!json) {
		buf_printf(out, "%s workers: %zu of %zu ready, %zu busy, %zu job%s waiting\n", name, st.ready, st.workers, st.busy,
		           st.waiting, st.waiting == 1 ? "" : "s");
		return;
	}
	comma(out);
	buf_putc(out, '{');
	put_str(out, "name", name);
	put_num(out, "workers", st.workers);
	put_num(out, "ready", st.ready);
	put_num(out, "busy", st.busy);
	put_num(out, "waiting", st.waiting);
	buf_putc(out, '}');
}

/* ---- peers ---- */

/* The status of ${peer}; a peer without a client (no endpoint) has only its name and a state. */
static void find_peer(const struct bridge *b, const struct conf_peer *p, struct link_status *st)
{
	size_t i;

	for (i = 0; link_clients_status(b->clients, i, st); i++)
		if (strcmp(st->peer, p->name) == 0)
			return;
	*st = (struct link_status){.peer = p->name, .state = p->enabled ? "down" : "disabled", .why = p->enabled ? "no endpoint is set: it can only ask us" : NULL};
}

static bool said(const struct link_status *st, const char *domain)
{
	size_t i;

	for (i = 0; i < st->n_domains; i++)
		if (strcmp(st->domains[i], domain) == 0)
			return true;
	return false;
}

/* The six words of a peer that was paired and is not confirmed, or NULL. */
static const char *unconfirmed(const struct conf *c, const struct link_status *st)
{
	const struct conf_peer *p = conf_peer_named(c, st->peer);

	return p ? p->unconfirmed : NULL;
}

static void put_peer_json(struct buf *out, const struct bridge *b, const struct link_status *st)
{
	const struct conf *c = b->conf;
	size_t i, round;

	buf_putc(out, '{');
	put_str(out, "name", st->peer);
	put_str(out, "state", st->state);
	put_num(out, "since_ms", (uint64_t)st->since_ms);
	put_str(out, "dialled_by", strcmp(st->state, "up") != 0 ? NULL : st->they_dialled ? "them" : "us");
	put_str(out, "endpoint", st->endpoint);
	put_str(out, "why", st->why);
	put_num(out, "front_expires", (uint64_t)st->front_expires);
	put_str(out, "site", st->site);
	put_str(out, "version", st->version);
	put_str(out, "unconfirmed", unconfirmed(c, st));
	key(out, "clock_ahead");
	buf_printf(out, "%lld", (long long)st->clock_ahead);
	for (round = 0; round < 2; round++) {
		key(out, round ? "surplus" : "said");
		buf_putc(out, '[');
		for (i = 0; i < st->n_domains; i++)
			if (!round || !address_space_is_of(b->table, st->domains[i], st->peer)) {
				comma(out);
				text_json(out, st->domains[i]);
			}
		buf_putc(out, ']');
	}
	for (round = 0; round < 2; round++) {
		key(out, round ? "missing" : "ours");
		buf_putc(out, '[');
		for (i = 0; i < c->n_spaces; i++)
			if (strcmp(c->spaces[i].peer, st->peer) == 0 && (!round || (st->site && !said(st, c->spaces[i].forest_name)))) {
				comma(out);
				text_json(out, c->spaces[i].forest_name);
			}
		buf_putc(out, ']');
	}
	buf_putc(out, '}');
}

/* A peer's words go to a terminal: nothing but what prints may be in them. */
static void put_safe(struct buf *out, const char *s)
{
	size_t n = strlen(s), step;

	for (; n; s += step, n -= step) {
		step = text_utf8_step(s, n);
		if (step == 0 || (unsigned char)*s < 0x20 || *s == 0x7f ||
		    (step == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0)) {
			buf_putc(out, '?');
			step = step ? step : 1;
		} else
			buf_add(out, s, step);
	}
}

static void put_peer_line(struct buf *out, const struct conf *c, const struct link_status *st)
{
	const char *words = unconfirmed(c, st);

	buf_printf(out, "peer %s: %s%s", st->peer, st->state, st->they_dialled ? " (they dialled)" : "");
	if (st->since_ms) {
		buf_puts(out, " for ");
		put_span(out, (uint64_t)st->since_ms);
	}
	if (st->endpoint)
		buf_printf(out, ", %s", st->endpoint);
	if (st->site) {
		buf_puts(out, ", it calls itself ");
		put_safe(out, st->site);
		buf_puts(out, ", version ");
		put_safe(out, st->version ? st->version : "?");
	}
	buf_putc(out, '\n');
	if (st->why) {
		buf_puts(out, "  last failure: ");
		put_safe(out, st->why);
		buf_putc(out, '\n');
	}
	if (llabs((long long)st->clock_ahead) > SKEW_SECONDS) {
		buf_puts(out, "  ! clocks: its clock is ");
		put_span(out, (uint64_t)llabs((long long)st->clock_ahead) * 1000);
		buf_printf(out, " %s ours: see with `timedatectl` at both sites which one is wrong\n", st->clock_ahead > 0 ? "ahead of" : "behind");
	}
	if (words)
		buf_printf(out, "  ! not confirmed: compare the words \"%s\" by voice, then run `availbridge peer confirm %s`\n", words, st->peer);
}

/* Our table beside what its Hello said; ${all}: the domains that agree as well. */
static void put_peer_domains(struct buf *out, const struct bridge *b, const struct link_status *st, bool all)
{
	const struct conf *c = b->conf;
	const char *domain;
	size_t i;
	bool has;

	for (i = 0; i < c->n_spaces; i++) {
		domain = c->spaces[i].forest_name;
		if (strcmp(c->spaces[i].peer, st->peer) != 0)
			continue;
		has = said(st, domain);
		if (st->site && !has)
			buf_printf(out, "  domain %s: ! in our table, but the peer does not serve it: ask there, or remove the row\n",
			           domain);
		else if (all)
			buf_printf(out, "  domain %s: in our table%s\n", domain,
			           has ? " and served by the peer" : "; the peer has not been heard");
	}
	for (i = 0; i < st->n_domains; i++)
		if (!address_space_is_of(b->table, st->domains[i], st->peer)) {
			buf_puts(out, "  domain ");
			put_safe(out, st->domains[i]);
			buf_puts(out, ": ! served by the peer, but our table does not give it to the peer: add a row if that is meant\n");
		}
}

int status_put_peer(struct buf *out, const struct bridge *b, const char *peer, bool json)
{
	const struct conf_peer *p = conf_peer_named(b->conf, peer);
	struct link_status st;

	if (!p || p == &b->conf->peers[0])
		return -1;
	find_peer(b, p, &st);
	if (json) {
		put_peer_json(out, b, &st);
		buf_putc(out, '\n');
	} else {
		put_peer_line(out, b->conf, &st);
		put_peer_domains(out, b, &st, true);
	}
	return out->failed ? -1 : 0;
}

/* ---- all of it ---- */

static void put_bridge(struct buf *out, const struct bridge *b, bool json)
{
	if (json) {
		key(out, "bridge");
		buf_putc(out, '{');
		put_num(out, "generation", b->generation);
		key(out, "landlock");
		buf_puts(out, sandbox_has_landlock() ? "true" : "false");
		put_num(out, "open_queries", proxy_open(b->proxy));
		put_num(out, "front_connections", front_open(b->front));
		put_num(out, "cache_mib", (uint64_t)b->conf->cache_mib);
		buf_putc(out, '}');
		key(out, "pools");
		buf_putc(out, '[');
	} else
		buf_printf(out, "open queries: %zu, connections at the front: %zu\n", proxy_open(b->proxy), front_open(b->front));
	put_pool(out, "calendar", b->pools[WORKER_CALENDAR], json);
	put_pool(out, "login", b->pools[WORKER_LOGIN], json);
	if (json)
		buf_putc(out, ']');
}

/* Who is over a budget now. Somebody's names: they go to a terminal. */
static void put_over(struct buf *out, const struct bridge *b, bool json)
{
	struct budget_over o;

	if (json) {
		key(out, "over_budget");
		buf_putc(out, '[');
	}
	for (size_t i = 0; b->budgets && budget_over_now(b->budgets, i, &o); i++) {
		if (json) {
			comma(out);
			buf_putc(out, '{');
			put_str(out, "who", o.name);
			put_str(out, "peer", *o.peer ? o.peer : NULL);
			put_str(out, "setting", o.setting);
			put_num(out, "limit", o.limit);
			put_num(out, "refused", o.refused);
			buf_putc(out, '}');
			continue;
		}
		buf_puts(out, "over budget: ! ");
		put_safe(out, o.name);
		buf_printf(out, "%s%s has used up %s = %u; %llu mailbox%s refused\n", *o.peer ? " of peer " : "", o.peer, o.setting, o.limit,
		           (unsigned long long)o.refused, o.refused == 1 ? "" : "es");
	}
	if (json)
		buf_putc(out, ']');
}

int status_put(struct buf *out, const struct bridge *b, struct unpack *known, bool json)
{
	uint64_t up = unpack_u64(known), pid = unpack_u64(known);
	uint32_t n = unpack_u32(known);
	struct rotation_status rotation;
	struct link_status st;
	size_t i;

	if (json) {
		buf_putc(out, '{');
		put_str(out, "version", VERSION);
		put_str(out, "site", b->conf->site);
		put_num(out, "uptime_ms", up);
		put_num(out, "pid", pid);
		key(out, "generations");
		buf_putc(out, '[');
	} else {
		buf_printf(out, "availbridge %s, site %s, up ", VERSION, b->conf->site);
		put_span(out, up);
		buf_printf(out, ", pid %llu\n", (unsigned long long)pid);
	}
	for (; n && !known->bad; n--)
		put_generation(out, known, json);
	if (json)
		buf_putc(out, ']');
	put_invitations(out, known, json);
	rotation = read_rotation(known);
	put_rotation(out, b, &rotation, json);
	put_bridge(out, b, json);
	put_over(out, b, json);
	if (json) {
		key(out, "peers");
		buf_putc(out, '[');
	}
	for (i = 1; i < b->conf->n_peers; i++) {
		find_peer(b, &b->conf->peers[i], &st);
		if (json) {
			comma(out);
			put_peer_json(out, b, &st);
		} else {
			put_peer_line(out, b->conf, &st);
			put_peer_rotation(out, b, &rotation, &b->conf->peers[i], &st);
			put_peer_domains(out, b, &st, false);
		}
	}
	free(rotation.taken);
	free(rotation.pending);
	buf_puts(out, json ? "]}\n" : "");
	return out->failed || !unpack_done(known) ? -1 : 0;
}
