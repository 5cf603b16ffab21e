#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/query.h"
#include "bridge/availability/reason.h"
#include "bridge/ctl/doctor.h"
#include "bridge/link/link.h"
#include "bridge/process/control.h"
#include "pki/tls.h"

/* One link of our own to the peer, made here: so that a daemon that waits before it tries again hides nothing. */

enum { LINK_MS = 12000, PROBE_MS = 10000, LOOK_MS = 20, SHOW_MS = 5000, WARN_SECONDS = 60, MOST_SECONDS = 3600, HELLO_DOMAINS = 200 };
static const char oldest[] = "0.1.0"; /* that this one has been held against */

struct meeting {
	struct loop *loop;
	struct loop_timer *timer;
	struct link_clients *clients;
	struct link_status st;
	int64_t end;
	bool met;      /* its Hello came */
	bool was_up;
	char why[768];
};

static void look(void *arg)
{
	struct meeting *m = arg;

	if (!link_clients_status(m->clients, 0, &m->st)) {
		loop_stop(m->loop);
		return;
	}
	m->met = strcmp(m->st.state, "up") == 0 && m->st.site;
	m->was_up = m->was_up || strcmp(m->st.state, "up") == 0;
	if (m->st.why)
		snprintf(m->why, sizeof m->why, "%s", m->st.why);
	if (m->met || (strcmp(m->st.state, "down") == 0 && m->st.why) || loop_ms() >= m->end)
		loop_stop(m->loop);
	else
		loop_timer_again(m->timer, LOOK_MS);
}

/* ---- what the Hello says ---- */

static const char *whose(const struct conf *c, const char *domain)
{
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].forest_name, domain) == 0)
			return c->spaces[i].peer;
	return NULL;
}

static bool serves(const struct link_status *st, const char *domain)
{
	for (size_t i = 0; i < st->n_domains; i++)
		if (strcmp(st->domains[i], domain) == 0)
			return true;
	return false;
}

static void domains(struct doctor *d, const struct link_status *st)
{
	static const char hop[] = "domains";
	const struct conf *c = d->conf;
	const char *name = d->peer->name, *owner, *extra = NULL;
	char what[512];

	for (size_t i = 0; i < st->n_domains; i++) {
		owner = whose(c, st->domains[i]);
		if (owner && strcmp(owner, name) != 0) {
			snprintf(what, sizeof what, "%s says that %s is its own, and the table here gives it to %s", name, st->domains[i], owner);
			doctor_failed(d, NULL, hop, DOCTOR_BOTH, what, "agree whose it is, and give it the one right row: `availbridge address-space remove %s`, then `add`.", st->domains[i]);
			return;
		}
		extra = owner ? extra : st->domains[i];
	}
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, name) == 0 && !serves(st, c->spaces[i].forest_name) && st->n_domains < HELLO_DOMAINS) {
			snprintf(what, sizeof what, "the table here gives %s to %s, which does not serve it", c->spaces[i].forest_name, name);
			doctor_failed(d, NULL, hop, DOCTOR_THERE, what, "if it is theirs: `availbridge address-space add --forest-name %s --peer local`, then reload; if not, remove the row here.",
			              c->spaces[i].forest_name);
			return;
		}
	if (extra)
		doctor_ok(d, hop, "it serves what the table here gives it, and also %s, which has no row here", extra);
	else
		doctor_ok(d, hop, "it serves what the table here gives it");
}

/* Negative if the dotted numbers of ${a} are less than those of ${b}; 0 too if one of them is no version that we know to read. */
static int versions(const char *a, const char *b)
{
	int x[3] = {0}, y[3] = {0};

	if (sscanf(a, "%d.%d.%d", &x[0], &x[1], &x[2]) < 1 || sscanf(b, "%d.%d.%d", &y[0], &y[1], &y[2]) < 1)
		return 0;
	for (int i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static void version(struct doctor *d, const struct link_status *st)
{
	char what[512];

	if (versions(st->version, oldest) < 0) {
		snprintf(what, sizeof what, "it runs version %.100s, which is older than %s", st->version, oldest);
		doctor_failed(d, NULL, "version", DOCTOR_THERE, what, "install %s or newer.", oldest);
	} else {
		doctor_ok(d, "version", "%s calls itself %s and runs %s", d->peer->name, st->site, st->version);
	}
}

static void clocks(struct doctor *d, const struct link_status *st)
{
	long long ahead = (long long)st->clock_ahead, far = ahead < 0 ? -ahead : ahead;
	const char *way = ahead < 0 ? "behind" : "ahead of";
	char what[256];

	snprintf(what, sizeof what, "its clock is %lld s %s ours", far, way);
	if (far > MOST_SECONDS)
		doctor_failed(d, NULL, "clock", DOCTOR_BOTH, what, "compare with a time server (`timedatectl`), and set the one that is wrong.");
	else
		doctor_ok(d, "clock", "%s%s", far ? what : "both are the same", far > WARN_SECONDS ? ": WARNING, one of the two is not set by a time server" : "");
}

static void their_front(struct doctor *d, const struct link_status *st)
{
	struct buf when;
	char what[128];

	if (!st->front_expires)
		return;
	buf_init(&when, 64);
	fb_time_put_utc(&when, st->front_expires);
	snprintf(what, sizeof what, "its front certificate expired at %s", buf_cstr(&when));
	if (st->front_expires <= time(NULL))
		doctor_failed(d, NULL, "its front certificate", DOCTOR_THERE, what, "put a valid one at front_certificate.");
	else
		doctor_ok(d, "its front certificate", "valid until %s", buf_cstr(&when));
	buf_free(&when);
}

/* ---- what it says of its own side ---- */

struct probing {
	struct doctor *d;
	struct doctor_chain *chain;
	struct loop *loop;
};

/* The mailbox that the peer is to ask us about; it need not exist, "no access" is an answer too. */
static void our_mailbox(const struct conf *c, char out[FB_ADDRESS_MAX + 32])
{
	snprintf(out, FB_ADDRESS_MAX + 32, "availbridge-doctor@%s", c->primary_domain);
}

static void their_look_up(struct doctor *d, const struct link_probe *said)
{
	static const char hop[] = "its look-up";
	const char *domain = d->conf->primary_domain, *name = d->peer->name, *behind = d->deaf;
	char what[512], mailbox[FB_ADDRESS_MAX + 32];

	our_mailbox(d->conf, mailbox);
	snprintf(what, sizeof what, "it asked us about %s: %s", mailbox, fb_reason_row(said->look_up)->sentence);
	behind = behind ? behind : !said->rows ? "its table" : !said->rules_out ? "its rules out" : !said->link ? "its link to us" : NULL;
	if (behind) {
		doctor_skipped(d, hop, "%s comes first", behind);
		return;
	}
	switch (said->look_up) {
	case FB_NOT_COMPUTED:
		doctor_skipped(d, hop, "it did not ask: its rules do not let its organisation as a whole ask about %s, or its version does not know how", domain);
		break;
	case FB_OK:
	case FB_NO_ACCESS:
		doctor_ok(d, hop, "it asked us about %s, and our answer arrived there", mailbox);
		break;
	case FB_NOT_ALLOWED:
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what, "it asks in the name of a domain (primary_domain there) that has no row for it here: "
		              "`availbridge address-space add --forest-name DOMAIN --peer %s`, then `availbridge reload`.", name);
		break;
	case FB_BUSY:
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what, "see in `availbridge status` which budget it has used up here, or what keeps this site busy.");
		break;
	default:
		doctor_failed(d, NULL, hop, DOCTOR_THERE, what, "run `availbridge doctor %s`: it names the hop.", d->conf->site);
	}
}

static void probed(void *arg, const struct link_probe *said, const char *why)
{
	struct probing *p = arg;
	struct doctor *d = p->d;
	const struct conf *c = d->conf;
	const char *domain = c->primary_domain, *site = c->site, *name = d->peer->name;

	loop_stop(p->loop);
	if (!said) {
		doctor_skipped(d, "its side", "%s does not tell (%s)", name, why && *why ? why : "what came is no answer");
		return;
	}
	if (!said->rows)
		doctor_failed(d, p->chain, "its table", DOCTOR_THERE, "the table there gives us no domain",
		              "`availbridge address-space add --forest-name %s --peer %s` with the name that we have there, if it is not %s; then reload.", domain, site, site);
	else
		doctor_ok(d, "its table", "%u domain%s ours there", said->rows, said->rows == 1 ? " is" : "s are");
	if (!said->access)
		doctor_failed(d, p->chain, "its rules in", DOCTOR_THERE, "free/busy access is off for us there, or its level is None: we see nothing",
		              "`availbridge peer set %s --free-busy-access-enabled yes --free-busy-access-level AvailabilityOnly`, then reload.", site);
	else if (!said->rules_in)
		doctor_failed(d, p->chain, "its rules in", DOCTOR_THERE, "no rule there gives us more than None: we see nothing",
		              "`availbridge rule add --peer %s --direction in --requester '*' --target '*' --level AvailabilityOnly`, or a narrower one; then reload.", site);
	else
		doctor_ok(d, "its rules in", "access is on, %u rule%s above None", said->rules_in, said->rules_in == 1 ? "" : "s");
	if (!said->rules_out)
		doctor_failed(d, NULL, "its rules out", DOCTOR_THERE, "no rule there lets its people ask us",
		              "if they are to: `availbridge rule add --peer %s --direction out --requester '*' --target '*' --level LimitedDetails`, then reload.", site);
	else
		doctor_ok(d, "its rules out", "%u rule%s above None", said->rules_out, said->rules_out == 1 ? "" : "s");
	if (!said->backend)
		doctor_failed(d, p->chain, "its calendars", DOCTOR_THERE, "it has nobody who reads calendars at the moment", "look at `availbridge status` and the log there.");
	else
		doctor_ok(d, "its calendars", "there is somebody to read them");
	if (!said->link)
		doctor_failed(d, NULL, "its link to us", DOCTOR_THERE, "it has no connection on which it could ask us", "run `availbridge doctor %s`: it names the hop.", site);
	else
		doctor_ok(d, "its link to us", "up");
	their_look_up(d, said);
}

/* ---- what stands in the way ---- */

/* The second look after a link did not come up: did TLS and the pin stand, so that it was the peer who refused? */
struct handshake {
	struct loop *loop;
	bool up;
	char why[768];
};

static void shaken(void *arg)
{
	struct handshake *h = arg;

	h->up = true;
	loop_stop(h->loop);
}

static void unread(void *arg, struct buf *in)
{
	buf_consume(in, in->len);
}

static void broken(void *arg, const char *why)
{
	struct handshake *h = arg;

	snprintf(h->why, sizeof h->why, "%s", why ? why : "the other side closed the connection during the TLS handshake");
	loop_stop(h->loop);
}

static void shake(struct handshake *h, struct pki_tls *tls, int fd, const char *host, const char *peer)
{
	static const struct pki_stream_events events = {shaken, unread, NULL, broken};
	struct pki_stream *s = pki_stream_connect(h->loop, tls, fd, host, peer, 1 << 16, &events, h);

	if (s)
		loop_run(h->loop);
	pki_stream_free(s);
}

static const char tls_hop[] = "TLS and pin", hello_hop[] = "Hello";

static void not_met(struct doctor *d, struct doctor_chain *chain, struct meeting *m, struct pki_tls *tls)
{
	struct handshake h = {.loop = m->loop};
	const char *site = d->conf->site;
	char endpoint[300] = "";
	int fd = m->was_up ? -1 : doctor_dial(d->peer, endpoint, sizeof endpoint);

	if (fd >= 0)
		shake(&h, tls, fd, endpoint, d->peer->name);
	if (!m->was_up && !h.up) {
		doctor_failed(d, chain, tls_hop, DOCTOR_BOTH, *h.why ? h.why : *m->why ? m->why : "no TLS came about within 5 s",
		              "the endpoint must be the link of %s (link_listen there), and the pin here what `availbridge identity show` prints there, compared by voice: then `availbridge peer set %s --pin PIN` here, and reload.",
		              d->peer->name, d->peer->name);
		doctor_reaches(d, chain, hello_hop);
		return;
	}
	doctor_ok(d, tls_hop, "TLS 1.3, and its key is the one that is pinned here");
	if (m->was_up)
		doctor_failed(d, chain, hello_hop, DOCTOR_THERE, *m->why ? m->why : "the link is up, but no Hello came", "look into the log there.");
	else
		doctor_failed(d, chain, hello_hop, DOCTOR_THERE, *m->why ? m->why : "it closed the link before a word",
		              "see `availbridge peer show %s`: switched on (`peer enable`), with our pin (`identity show` here); then `availbridge reload`.", site);
}

static void say_hello(struct doctor *d, struct meeting *m)
{
	char pin[PKI_PIN_TEXT];

	pki_pin_text(pin, d->peer->pins[0]);
	doctor_ok(d, tls_hop, "TLS 1.3 at %s, its key is %s%s", m->st.endpoint, pin, d->peer->n_pins > 1 ? " or the next one" : "");
	doctor_ok(d, hello_hop, "it knows our key");
	domains(d, &m->st);
	version(d, &m->st);
	clocks(d, &m->st);
	their_front(d, &m->st);
}

static void meet(struct doctor *d, struct doctor_chain *chain, struct pki_tls *tls)
{
	struct conf_peer two[2] = {d->conf->peers[0], *d->peer};
	struct meeting m = {.loop = loop_new(), .end = loop_ms() + LINK_MS};
	struct conf only = *d->conf;
	char mailbox[FB_ADDRESS_MAX + 32];

	only.peers = two;
	only.n_peers = 2;
	m.clients = link_clients_new(m.loop, &only, tls);
	m.timer = loop_timer_new(m.loop, LOOK_MS, look, &m);
	loop_run(m.loop);
	if (m.met) {
		say_hello(d, &m);
		our_mailbox(d->conf, mailbox);
		link_probe(m.clients, d->peer->name, mailbox, PROBE_MS, probed, &(struct probing){d, chain, m.loop});
		loop_run(m.loop);
	} else {
		not_met(d, chain, &m, tls);
	}
	link_clients_free(m.clients);
	loop_timer_free(m.timer);
	loop_free(m.loop);
}

/* A peer that connects to us: only the daemon knows. */
static void awaited(struct doctor *d, struct doctor_chain *chain)
{
	char request[128];
	struct buf reply, error;
	int code;

	buf_init(&reply, 4 << 20);
	buf_init(&error, 4096);
	snprintf(request, sizeof request, "peer-show %s json", d->peer->name);
	code = control_call(d->conf->control_socket, request, NULL, 0, SHOW_MS, &reply, &error);
	if (code == 0 && strstr(buf_cstr(&reply), "\"state\":\"up\""))
		doctor_ok(d, "link", "it has connected to us (dial in); what its Hello says shows `availbridge peer show %s`", d->peer->name);
	else if (code < 0)
		doctor_skipped(d, "link", "it connects to us (dial in), and only a running daemon knows whether it has");
	else
		doctor_failed(d, chain, "link", DOCTOR_THERE, code ? buf_cstr(&reply) : "it connects to us (dial in), and has not",
		              "run `availbridge doctor %s`.", d->conf->site);
	if (code < 0)
		chain->broken = "daemon";
	buf_free(&reply);
	buf_free(&error);
}

void doctor_link(struct doctor *d, struct doctor_chain *chain)
{
	struct pki_pinset *pins = NULL;
	struct pki_tls *tls = NULL;
	struct buf error;

	if (d->peer->dial == CONF_DIAL_IN) {
		if (doctor_reaches(d, chain, "link"))
			awaited(d, chain);
		return;
	}
	doctor_reach(d, chain);
	if (!doctor_reaches(d, chain, tls_hop)) {
		doctor_reaches(d, chain, hello_hop);
		return;
	}
	buf_init(&error, 4096);
	pins = pki_pinset_new();
	for (size_t i = 0; i < d->peer->n_pins; i++)
		pki_pinset_add(pins, d->peer->name, d->peer->pins[i]);
	tls = doctor_link_tls(d->conf, pins, &error);
	if (tls)
		meet(d, chain, tls);
	else
		doctor_failed(d, chain, tls_hop, DOCTOR_HERE, buf_cstr(&error), "run this as root or as the daemon's user.");
	pki_tls_free(tls);
	pki_pinset_free(pins);
	buf_free(&error);
}
