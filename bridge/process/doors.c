#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/availability/zone.h"
#include "bridge/backend/fetch_job.h"
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/bridge.h"
#include "bridge/process/snapshot.h"
#include "pki/key.h"

/* Who is asked for what, in one file: the rooms of the bridge know each other only through these. */

enum { JOB_WAIT_MS = 20000, LOGIN_MS = 20000 };

/* ---- front -> proxy, login workers ---- */

static void *front_ask(void *door, const struct fb_query *q, void (*done)(void *arg, struct acl_released *const *answers),
                       void *arg)
{
	struct bridge *b = door;

	return proxy_ask(b->proxy, q, done, arg);
}

static void front_cancel(void *door, void *handle)
{
	proxy_cancel(handle);
}

struct login_call {
	void (*done)(void *arg, const struct login_reply *r);
	void *arg;
};

static void login_replied(void *arg, const uint8_t *data, size_t len, const char *why)
{
	struct login_call *call = arg;
	struct login_reply r;

	login_reply_init(&r);
	r.result = LOGIN_COULD_NOT_TELL;
	if (data)
		login_reply_unpack(data, len, &r);
	else
		log_event(LOG_LEVEL_WARN, "login-failed", LS("why", why));
	call->done(call->arg, &r);
	login_reply_wipe(&r);
	free(call);
}

static void front_identify(void *door, const char *name, void (*cb)(void *arg, const struct fb_entry *who), void *arg)
{
	struct bridge *b = door;

	directory_identify(b->directory, name, cb, arg);
}

static void front_login(void *door, const struct login_question *q, void (*done)(void *arg, const struct login_reply *r), void *arg)
{
	struct bridge *b = door;
	struct login_call *call = malloc(sizeof *call);
	struct buf job;

	if (!call)
		abort();
	*call = (struct login_call){done, arg};
	buf_init(&job, LOGIN_QUESTION_MAX);
	login_question_pack(&job, q);
	pool_submit(b->pools[WORKER_LOGIN], buf_ptr(&job), job.len, LOGIN_MS, login_replied, call);
	buf_wipe(&job);
}

/* ---- proxy -> directory, backends, link ---- */

static void proxy_look_up(void *door, const char *address, void (*cb)(void *arg, const struct fb_entry *who), void *arg)
{
	struct bridge *b = door;

	directory_look_up(b->directory, address, cb, arg);
}

/* Without a directory those exist who have a calendar. */
static enum fb_fact proxy_exists(void *door, const struct fb_entry *who)
{
	struct bridge *b = door;

	return b->conf->directory ? who->exists : backends_exists(b->backends, who, who->address);
}

static void proxy_fetch(void *door, const struct fb_entry *who, struct fb_window w, int interval, int64_t deadline_ms,
                        void (*cb)(void *arg, const struct fb_answer *raw), void *arg)
{
	struct bridge *b = door;

	backends_fetch(b->backends, who, who->address, w, interval, deadline_ms, cb, arg);
}

static void calendars_submit(void *door, const void *job, size_t len, calendars_reply_cb *cb, void *arg)
{
	struct bridge *b = door;

	pool_submit(b->pools[WORKER_CALENDAR], job, len, JOB_WAIT_MS + bridge_calendar_ms(b->conf), cb, arg);
}

/* The link wants its events in one lasting place. */
struct link_asking {
	void (*answer)(void *arg, size_t i, const struct fb_answer *raw);
	void (*done)(void *arg, enum fb_reason reason, const char *why);
	void *arg;
};

static void link_answered(void *arg, size_t i, const struct fb_answer *raw)
{
	struct link_asking *a = arg;

	a->answer(a->arg, i, raw);
}

static void link_done(void *arg, enum fb_reason reason, const char *why)
{
	struct link_asking *a = arg;

	a->done(a->arg, reason, why);
	free(a);
}

static void proxy_ask_peer(void *door, const char *peer, const struct fb_query *q, int64_t deadline_ms,
                           void (*answer)(void *arg, size_t i, const struct fb_answer *raw),
                           void (*done)(void *arg, enum fb_reason reason, const char *why), void *arg)
{
	static const struct link_client_events events = {link_answered, link_done};
	struct bridge *b = door;
	struct link_asking *a = malloc(sizeof *a);

	if (!a)
		abort();
	*a = (struct link_asking){answer, done, arg};
	link_ask(b->clients, peer, q, deadline_ms, &events, a);
}

static enum audit_said proxy_audit(void *door, const struct audit_query *what, void (*written)(void *arg, bool ok), void *arg)
{
	struct bridge *b = door;

	return audit_writer_say(b->audit, what, written, arg);
}

/* Without the memory of budgets nobody knows what was spent: then nothing goes on. */
static bool proxy_budget(void *door, const char *peer, const struct fb_requester *requester, const char *target)
{
	struct bridge *b = door;

	return b->budgets && budget_ask_now(b->budgets, b->budget_limits, peer, requester, target) == BUDGET_GO;
}

/* ---- link server -> proxy ---- */

struct peer_call {
	struct peer_call *next;
	struct bridge *bridge;
	struct link_call *call;
	struct proxy_query *query;
};

static void call_forget(struct peer_call *c)
{
	struct peer_call **at = &c->bridge->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	free(c);
}

static void call_answer(void *arg, size_t i, const struct acl_released *r)
{
	struct peer_call *c = arg;

	link_call_answer(c->call, i, r);
}

static void call_done(void *arg, enum fb_reason reason, const char *why)
{
	struct peer_call *c = arg;
	struct link_call *call = c->call;

	call_forget(c);
	link_call_done(call, reason, why);
}

static void peer_asks(void *arg, struct link_call *call, const struct pki_peer *peer, const struct fb_query *q,
                      int64_t deadline_ms)
{
	static const struct proxy_peer_events events = {call_answer, call_done};
	struct bridge *b = arg;
	struct peer_call *c = malloc(sizeof *c);

	if (!c)
		abort();
	*c = (struct peer_call){b->calls, b, call, NULL};
	b->calls = c;
	c->query = proxy_answer_peer(b->proxy, peer, q, deadline_ms, &events, c);
	if (!c->query) {
		call_forget(c);
		link_call_done(call, FB_BUSY, "too many questions are open");
	}
}

static void peer_cancelled(void *arg, struct link_call *call)
{
	struct bridge *b = arg;
	struct peer_call *c;

	for (c = b->calls; c; c = c->next)
		if (c->call == call) {
			proxy_cancel(c->query);
			call_forget(c);
			return;
		}
}

/* ---- making it all ---- */

static int load_settings(struct bridge *b, const char *conf_path, struct buf *error)
{
	b->conf = snapshot_of_role(conf_path, error);
	if (!b->conf)
		return -1;
	conf_forget_passwords(b->conf);
	log_setup(2, strcmp(b->conf->log_format, "json") == 0, (enum log_level)log_level_named(b->conf->log_level), "bridge");
	return 0;
}

static int load_keys(struct bridge *b, struct buf *error)
{
	const struct conf *c = b->conf;
	const struct pki_identity_files identity = {c->identity_certificate, c->identity_key};
	char key[4096];
	size_t i, k;

	b->pins = pki_pinset_new();
	for (i = 0; b->pins && i < c->n_peers; i++)
		for (k = 0; c->peers[i].enabled && k < c->peers[i].n_pins; k++)
			if (pki_pinset_add(b->pins, c->peers[i].name, c->peers[i].pins[k]) != 0) {
				buf_printf(error, "%s: this pin belongs to another peer as well; one key names one peer", c->peers[i].file);
				return -1;
			}
	if (conf_key_passphrase(c, error) != 0)
		return -1;
	b->tls_front = pki_tls_front(c->front_certificate, c->front_key, error);
	if (pki_rotation_key(&identity, key, sizeof key) != 0)
		return -1;
	b->tls_link = b->tls_front && b->pins ? pki_tls_link(c->identity_certificate, key, b->pins, error) : NULL;
	return b->tls_link ? 0 : -1;
}

/* All that lives on memory alone. */
static int make_rooms(struct bridge *b)
{
	static const struct link_server_events link_events = {peer_asks, peer_cancelled};
	const struct conf *c = b->conf;

	b->proxy_doors = (struct proxy_doors){.look_up = proxy_look_up, .exists = proxy_exists, .fetch = proxy_fetch, .ask = proxy_ask_peer,
	                                      .audit = proxy_audit, .budget = proxy_budget, .door = b};
	b->front_doors = (struct front_doors){.ask = front_ask, .cancel = front_cancel, .identify = front_identify, .login = front_login, .door = b,
	                                      .loop = b->loop, .hard_stop_ms = c->hard_stop_ms};
	budget_limits_of(c, b->budget_limits);
	b->table = address_space_new(c);
	b->directory = directory_new(c, c->directory ? pool_submit : NULL, b->pools[WORKER_DIRECTORY]);
	b->calendars = calendars_new(c, b->calendars_fd, calendars_submit, b);
	b->backends = backends_new(c, b->calendars, pool_submit, (void *const *)b->backend_pools);
	if (!b->table || !b->directory || !b->calendars)
		return -1;
	b->audit = audit_writer_new(b->loop, strcmp(c->audit_sync, "fsync") == 0, strcmp(c->audit_full, "refuse") == 0);
	if (!b->audit)
		return -1;
	b->proxy = proxy_new(b->loop, c, b->table, &b->proxy_doors);
	b->front = front_new(b->loop, c, b->table, b->tls_front, &b->front_doors);
	b->clients = link_clients_new(b->loop, c, b->tls_link);
	b->server = link_server_new(b->loop, c, b->tls_link, &link_events, b);
	if (b->server) {
		bridge_pairing_open(b);
		bridge_probe_open(b);
	bridge_audit_open(b);
		link_server_clients(b->server, b->clients);
		link_clients_serve(b->clients, b->server);
	}
	return b->proxy && b->front && b->clients && b->server ? bridge_rotation_open(b) : -1;
}

int bridge_open(struct bridge *b, const char *conf_path, void (*pool_changed)(void *arg, int64_t pid), struct buf *error)
{
	b->calendars_fd = b->reserve = b->trace_fd = -1;
	if (load_settings(b, conf_path, error) != 0 || load_keys(b, error) != 0)
		return -1;
	b->calendars_fd = open(b->conf->calendars, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (b->calendars_fd < 0) {
		buf_printf(error,
		           "calendars = \"%s\": %s. Make the folder, readable for the user that availbridge runs as, or name another.",
		           b->conf->calendars, strerror(errno));
		return -1;
	}
	fb_zone_preload(false); /* what EWS clients may name; no file is opened later */
	bridge_pools_open(b, pool_changed);
	if (make_rooms(b) != 0) {
		buf_puts(error, "out of memory");
		return -1;
	}
	pki_key_passphrase(NULL, 0); /* no key is read any more */
	calendars_watch(b->calendars, b->loop);
	b->reserve = fcntl(b->calendars_fd, F_DUPFD_CLOEXEC, 3);
	return 0;
}

void bridge_close(struct bridge *b)
{
	bridge_control_close(b);
	front_free(b->front);
	trace_free(b->trace);
	pairing_free(b->pairing);
	link_server_free(b->server);
	b->server = NULL; /* what the clients end now answers nobody */
	while (b->calls) {
		proxy_cancel(b->calls->query);
		call_forget(b->calls);
	}
	bridge_pools_close(b);
	backends_free(b->backends);
	calendars_free(b->calendars);
	directory_free(b->directory);
	link_clients_free(b->clients); /* ends what is open with the proxy, which must still be there */
	proxy_free(b->proxy); /* it writes down what was still open */
	audit_writer_free(b->audit);
	loop_timer_free(b->audit_told);
	budget_free(b->budgets);
	bridge_rotation_close(b);
	pki_tls_free(b->tls_front);
	pki_tls_free(b->tls_link);
	pki_pinset_free(b->pins);
	address_space_free(b->table);
	conf_free(b->conf);
	if (b->calendars_fd >= 0)
		close(b->calendars_fd);
	if (b->reserve >= 0)
		close(b->reserve);
	if (b->trace_fd >= 0)
		close(b->trace_fd);
}

void bridge_budgets(struct bridge *b, int fd)
{
	budget_free(b->budgets);
	b->budgets = budget_open(fd);
	close(fd);
	if (!b->budgets)
		abort();
}

void bridge_trace(struct bridge *b, const uint8_t *key, size_t len, int fd)
{
	if (len != TRACE_KEY || b->trace) {
		close(fd);
		return;
	}
	b->trace_fd = fd;
	b->trace = trace_new(fd, key, TRACE_FILE_MAX);
	front_trace(b->front, b->trace);
	for (size_t i = 0; i < b->conf->n_backends; i++)
		pool_greet(b->backend_pools[i], MSG_TRACE, key, len, fd);
}

void bridge_shut_peer(struct bridge *b, const char *peer)
{
	log_event(LOG_LEVEL_WARN, "peer-shut", LS("peer", peer));
	link_clients_shut(b->clients, peer);
	link_server_shut(b->server, peer);
	pki_pinset_shut(b->pins, peer);
}

void bridge_shut_pins(struct bridge *b, const char *pins)
{
	uint8_t pin[PKI_PIN_LEN];
	char text[PKI_PIN_TEXT];
	size_t n;

	for (; *pins; pins += n + (pins[n] == ' ')) {
		n = strcspn(pins, " ");
		snprintf(text, sizeof text, "%.*s", (int)n, pins);
		if (!pki_pin_parse(text, pin))
			continue;
		log_event(LOG_LEVEL_WARN, "pin-shut", LS("pin", text));
		if (pki_pinset_revoke(b->pins, pin) != 0) /* first: what is cut may try again at once */
			abort(); /* and be started anew, with the list of what is cut off */
		link_clients_cut(b->clients, pin);
		link_server_cut(b->server, pin);
	}
}
