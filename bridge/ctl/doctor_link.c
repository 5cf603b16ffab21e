#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/query.h"
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
			doctor_failed(d, NULL, hop, DOCTOR_BOTH, what,
			              "agree whose it is, and give it the one right row: `availbridge address-space remove %s`, "
			              "then `add`.", st->domains[i]);
			return;
		}
		extra = owner ? extra : st->domains[i];
	}
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, name) == 0 && !serves(st, c->spaces[i].forest_name) && st->n_domains < HELLO_DOMAINS) {
			snprintf(what, sizeof what, "the table here gives %s to %s, which does not serve it", c->spaces[i].forest_name, name);
			doctor_failed(d, NULL, hop, DOCTOR_THERE, what,
			              "if it is theirs: `availbridge address-space add --forest-name %s --peer local`, then reload; if "
			              "not, remove the row here.",
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
		doctor_ok(d, "clock", "%s%s", far ? what : "both are the same",
		          far > WARN_SECONDS ? ": WARNING, one of the two is not set by a time server" : "");
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

/* ---- what it says of its own side: doctor_told.c ---- */

struct probing {
	struct doctor *d;
	struct doctor_chain *chain;
	struct loop *loop;
};

static void probed(void *arg, const struct link_probe *said, const char *why)
{
	const struct probing *p = arg;

	loop_stop(p->loop);
	doctor_told(p->d, p->chain, said, why);
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
		              "the endpoint must be the link of %s (link_listen there; one that takes connections and says nothing has its reason "
		              "in the log there), and the pin here what `availbridge identity show` prints there, compared by voice: then "
		              "`availbridge peer set %s --pin PIN` here, and reload.",
		              d->peer->name, d->peer->name);
		doctor_reaches(d, chain, hello_hop);
		return;
	}
	doctor_ok(d, tls_hop, "TLS 1.3, and its key is the one that is pinned here");
	if (m->was_up)
		doctor_failed(d, chain, hello_hop, DOCTOR_THERE, *m->why ? m->why : "the link is up, but no Hello came", "look into the log there.");
	else
		doctor_failed(d, chain, hello_hop, DOCTOR_THERE, *m->why ? m->why : "it closed the link before a word",
		              "see `availbridge peer show %s`: switched on (`peer enable`), with our pin (`identity show` here); then "
		              "`availbridge reload`.", site);
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
	char mailbox[DOCTOR_MAILBOX];

	only.peers = two;
	only.n_peers = 2;
	m.clients = link_clients_new(m.loop, &only, tls);
	m.timer = loop_timer_new(m.loop, LOOK_MS, look, &m);
	loop_run(m.loop);
	if (m.met) {
		say_hello(d, &m);
		doctor_mailbox(d->conf, mailbox);
		link_probe(m.clients, d->peer->name, mailbox, PROBE_MS, probed, &(struct probing){d, chain, m.loop});
		loop_run(m.loop);
	} else {
		not_met(d, chain, &m, tls);
	}
	link_clients_free(m.clients);
	loop_timer_free(m.timer);
	loop_free(m.loop);
}

/* The daemon asks the peer what it says of its own side, since it has the connection. */
static void ask_through_daemon(struct doctor *d, struct doctor_chain *chain)
{
	char request[128 + DOCTOR_MAILBOX], mailbox[DOCTOR_MAILBOX];
	struct link_probe said = {0};
	struct buf reply, error;
	unsigned access, backend, link, look_up;
	int code, n;

	doctor_mailbox(d->conf, mailbox);
	snprintf(request, sizeof request, "peer-probe %s %s", d->peer->name, mailbox);
	buf_init(&reply, 4096);
	buf_init(&error, 4096);
	code = control_call(d->conf->control_socket, request, NULL, 0, PROBE_MS + SHOW_MS, &reply, &error);
	n = sscanf(buf_cstr(&reply), "%u %u %u %u %u %u %u", &said.rows, &access, &said.rules_in, &said.rules_out, &backend, &link, &look_up);
	if (code == 0 && n == 7) {
		said.access = access;
		said.backend = backend;
		said.link = link;
		said.look_up = look_up < FB_REASONS ? (enum fb_reason)look_up : FB_PEER_FAILED;
	}
	doctor_told(d, chain, code == 0 && n == 7 ? &said : NULL, code < 0 ? buf_cstr(&error) : buf_cstr(&reply));
	buf_free(&reply);
	buf_free(&error);
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
		              "`availbridge peer set %s --dial out` and `availbridge reload`, if that site does not dial out for us yet; what else keeps it "
		              "says `availbridge doctor %s`.", d->conf->site, d->conf->site);
	if (code < 0)
		chain->broken = "daemon";
	else if (!chain->broken)
		ask_through_daemon(d, chain);
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
