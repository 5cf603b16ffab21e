#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/bridge.h"

/* Who is asked for what, in one file: the rooms of the bridge know each other only through these. */

enum { JOB_WAIT_MS = 20000, LOGIN_MS = 20000 };

/* ---- front -> proxy, login workers ---- */

static bool front_full(void *door)
{
	struct bridge *b = door;

	return proxy_full(b->proxy);
}

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

static void proxy_fetch(void *door, const struct fb_entry *who, struct fb_window w, int interval, unsigned hops, int64_t deadline_ms,
                        void (*cb)(void *arg, const struct fb_answer *raw), void *arg)
{
	struct bridge *b = door;

	backends_fetch(b->backends, who, who->address, w, interval, hops, deadline_ms, cb, arg);
}

void doors_calendars_submit(void *door, const void *job, size_t len, calendars_reply_cb *cb, void *arg)
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

static bool proxy_refused(void *door, const struct audit_refused *what)
{
	struct bridge *b = door;

	return audit_writer_say_refused(b->audit, what);
}

/* Without the memory of budgets nobody knows what was spent: then nothing goes on. */
static void proxy_budget(void *door, const char *peer, const struct fb_requester *requester, const char *const *targets, size_t n,
                         bool *go)
{
	enum budget_said said[FB_MAX_MAILBOXES] = {BUDGET_COULD_NOT};
	struct bridge *b = door;

	if (b->budgets)
		budget_ask_now(b->budgets, b->budget_limits, peer, requester, targets, n, said);
	for (size_t i = 0; i < n; i++)
		go[i] = said[i] == BUDGET_GO;
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

const struct link_server_events doors_link_events = {peer_asks, peer_cancelled};

void doors_fill(struct bridge *b)
{
	b->proxy_doors = (struct proxy_doors){.look_up = proxy_look_up, .exists = proxy_exists, .fetch = proxy_fetch, .ask = proxy_ask_peer,
	                                      .audit = proxy_audit, .refused = proxy_refused, .budget = proxy_budget, .door = b};
	b->front_doors = (struct front_doors){.full = front_full, .ask = front_ask, .cancel = front_cancel, .identify = front_identify, .login = front_login,
	                                      .door = b,
	                                      .loop = b->loop, .hard_stop_ms = b->conf->hard_stop_ms};
}

void doors_close(struct bridge *b)
{
	while (b->calls) {
		proxy_cancel(b->calls->query);
		call_forget(b->calls);
	}
}
