#ifndef TESTS_UNIT_PROXY_WORLD_H
#define TESTS_UNIT_PROXY_WORLD_H
#include <time.h>
#include "tests/unit/check.h"
#include "bridge/base/log.h"

/* The room is taken in whole, with doors of our own and with a seal that only a test can make. */
#define pki_peer_name fake_peer_name
#include "bridge/proxy/proxy.c"
#include "bridge/proxy/judge.c"
#include "bridge/proxy/budget.c"
#include "bridge/proxy/look_up.c"
#include "bridge/proxy/local.c"
#include "bridge/proxy/remote.c"
#include "bridge/proxy/peer_query.c"
#include "bridge/proxy/explain.c"
#include "bridge/proxy/log.c"

static time_t clock_ahead; /* seconds by which the machine's clock is */
static time_t fake_time(time_t *out);
#define time fake_time
#include "bridge/proxy/refused.c"
#undef time

static time_t fake_time(time_t *out)
{
	return time(out) + clock_ahead;
}

struct pki_peer {
	const char *name;
};
const char *fake_peer_name(const struct pki_peer *p)
{
	return p->name;
}

enum { T0 = 1772438400 /* 2026-03-02T08:00:00Z */, MAX_CALLS = 120 };

/* ---- settings ---- */
static struct conf_rule local_rules[] = {{.in = true, .requester = "*", .target = "*", .level = FB_LEVEL_LIMITED_DETAILS}};
static struct conf_rule b_rules[] = {
	{.in = true, .requester = "*", .target = "denied@a.example", .level = FB_LEVEL_NONE},
	{.in = true, .requester = "*", .target = "*", .level = FB_LEVEL_AVAILABILITY_ONLY},
	{.in = false, .requester = "*", .target = "secret@b.example", .level = FB_LEVEL_NONE},
	{.in = false, .requester = "*", .target = "times@b.example", .level = FB_LEVEL_AVAILABILITY_ONLY},
	{.in = false, .requester = "*", .target = "*", .level = FB_LEVEL_LIMITED_DETAILS},
};
static struct conf_rule c_rules[] = {{.in = false, .requester = "*", .target = "*", .level = FB_LEVEL_AVAILABILITY_ONLY}};
static struct conf_rule e_rules[] = {{.in = false, .requester = "boss@a.example", .target = "*",
                                      .level = FB_LEVEL_AVAILABILITY_ONLY}};
static struct conf_peer peers[] = {
	{.name = "local", .enabled = true, .access_enabled = true, .access_level = FB_LEVEL_LIMITED_DETAILS, .rules = local_rules,
	 .n_rules = 1},
	{.name = "site-b", .enabled = true, .access_enabled = true, .access_level = FB_LEVEL_LIMITED_DETAILS, .rules = b_rules,
	 .n_rules = 5},
	{.name = "site-c", .enabled = true, .access_enabled = true, .access_level = FB_LEVEL_LIMITED_DETAILS, .rules = c_rules,
	 .n_rules = 1},
	{.name = "site-d", .enabled = false, .access_enabled = true, .access_level = FB_LEVEL_LIMITED_DETAILS, .rules = c_rules,
	 .n_rules = 1},
	{.name = "site-e", .enabled = true, .access_enabled = true, .access_level = FB_LEVEL_LIMITED_DETAILS, .rules = e_rules,
	 .n_rules = 1},
};
static struct conf_address_space spaces[] = {
	{.forest_name = "a.example", .peer = "local"},
	{.forest_name = "b.example", .peer = "site-b"},
	{.forest_name = "b2.example", .peer = "site-b", .method = CONF_PER_USER_FB},
	{.forest_name = "c.example", .peer = "site-c", .method = CONF_PER_USER_FB},
	{.forest_name = "d.example", .peer = "site-d"},
	{.forest_name = "e.example", .peer = "site-e"},
	{.forest_name = "n.example", .peer = "nobody"},
};
static struct conf settings = {
	.site = "site-a", .primary_domain = "a.example", .query_deadline_ms = 20000, .hard_stop_ms = 40000,
	.spaces = spaces, .n_spaces = sizeof spaces / sizeof *spaces, .peers = peers, .n_peers = sizeof peers / sizeof *peers,
};

static int64_t peer_deadline_ms = 20000; /* of what peers ask */

/* Those tests that wait for a deadline have short ones; in the others none is near, however slow the machine is. */
static inline void be_hasty(bool yes)
{
	settings.query_deadline_ms = yes ? 300 : 20000;
	settings.hard_stop_ms = yes ? 600 : 40000;
	peer_deadline_ms = yes ? 300 : 20000;
}

/* ---- doors ---- */
struct look_up_call {
	char address[FB_ADDRESS_MAX + 1];
	void (*cb)(void *arg, const struct fb_entry *who);
	void *arg;
};
struct fetch_call {
	char address[FB_ADDRESS_MAX + 1];
	int interval;
	unsigned hops;
	int64_t deadline_ms;
	void (*cb)(void *arg, const struct fb_answer *raw);
	void *arg;
};
struct ask_call {
	char peer[64];
	struct fb_query q; /* mailboxes owned */
	int64_t deadline_ms;
	void (*answer)(void *arg, size_t i, const struct fb_answer *raw);
	void (*done)(void *arg, enum fb_reason reason, const char *why);
	void *arg;
};
struct world {
	struct loop *l;
	struct address_space *t;
	struct proxy *p;
	struct proxy_doors doors;
	bool hold_fetches, hold_look_ups; /* else they answer at once */
	struct look_up_call look_ups[MAX_CALLS];
	size_t looked_up, n_fetches, n_asks;
	size_t looked_up_at_first_answer; /* of a peer's question */
	struct fetch_call fetches[MAX_CALLS];
	struct ask_call asks[MAX_CALLS];
	/* what came back */
	int done;
	size_t n;
	enum fb_reason reasons[FB_MAX_MAILBOXES];
	unsigned views[FB_MAX_MAILBOXES];
	char subjects[FB_MAX_MAILBOXES][80], digits[FB_MAX_MAILBOXES][80];
	int answers;
	/* the audit */
	enum audit_said audit_says;       /* zero refuses: world_new() sets it */
	size_t n_records, records_at_first_answer, n_waiting;
	bool refuses_sums;
	size_t refused_sums;              /* so often */
	size_t n_sums, counted, unnamed;  /* records of what was refused; the mailboxes in them; those of nobody by name */
	int64_t seconds;                  /* the last says that they took */
	char sum[160];                    /* the last: "DIRECTION PEER REQUESTER RESULT" */
	char records[MAX_CALLS][160];     /* "DIRECTION PEER TARGET LEVEL RULE RESULT" */
	struct {
		void (*written)(void *arg, bool ok);
		void *arg;
	} waiting[MAX_CALLS];
	enum fb_reason end;
	/* budgets */
	const char *broke;
	char paid[1000];
	bool looked_up_before_paid;
};
static struct world w;

/*
 * Whoever begins with "unknown", "unsure", "hidden" or "moved" is that; "alias-NAME" is NAME, "elsewhere" has no address of ours any more, "empty"
 * is out of memory. "board" are those who begin with "member", or nobody knows ("vague").
 */
static void answer_look_up(const struct look_up_call *k)
{
	const char *address = strncmp(k->address, "alias-", 6) == 0 ? k->address + 6 : k->address;
	struct fb_entry *e = strncmp(address, "empty", 5) == 0 ? NULL : fb_entry_new(address, 1);
	bool unsure = strncmp(address, "unsure", 6) == 0;

	if (e) {
		e->exists = unsure ? FB_COULD_NOT_TELL : strncmp(address, "unknown", 7) == 0 ? FB_NO : FB_YES;
		e->hidden = unsure ? FB_COULD_NOT_TELL : strncmp(address, "hidden", 6) == 0 ? FB_YES : FB_NO;
		e->groups[0].group = "board";
		e->groups[0].member = strncmp(address, "vague", 5) == 0 ? FB_COULD_NOT_TELL : strncmp(address, "member", 6) == 0 ? FB_YES : FB_NO;
		if (strncmp(address, "moved", 5) == 0)
			strcpy(e->moved_to, "new@b.example");
		if (strncmp(address, "elsewhere", 9) == 0)
			strcpy(e->address, "new@b.example");
	}
	k->cb(k->arg, e);
}

static void fake_look_up(void *door, const char *address, void (*cb)(void *arg, const struct fb_entry *who), void *arg)
{
	struct look_up_call *k = &w.look_ups[w.looked_up++];

	*k = (struct look_up_call){.cb = cb, .arg = arg};
	snprintf(k->address, sizeof k->address, "%s", address);
	if (!w.hold_look_ups)
		answer_look_up(k);
}

static enum fb_fact fake_exists(void *door, const struct fb_entry *who)
{
	return who->exists;
}

/* Busy for the first half hour, with the address for a subject: whose answer it is can be seen. Caller frees. */
static struct fb_answer *busy_answer(const char *address, unsigned flags)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	const struct fb_event e = {.start = T0, .end = T0 + 1800, .busy = FB_BUSY_TIME, .has_details = true, .flags = flags,
	                           .subject = address,
	                           .location = "somewhere"};

	a->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	fb_answer_add(a, &e);
	return a;
}

static void answer_fetch(const struct fetch_call *f)
{
	bool broken = strncmp(f->address, "broken", 6) == 0;
	struct fb_answer *a = broken ? fb_answer_new(FB_CALENDAR_FAILED) : busy_answer(f->address, 0);

	f->cb(f->arg, a);
	fb_answer_free(a);
}

static void fake_fetch(void *door, const struct fb_entry *who, struct fb_window window, int interval, unsigned hops, int64_t deadline_ms,
                       void (*cb)(void *arg, const struct fb_answer *raw), void *arg)
{
	struct fetch_call *f = &w.fetches[w.n_fetches++];

	*f = (struct fetch_call){.interval = interval, .hops = hops, .deadline_ms = deadline_ms, .cb = cb, .arg = arg};
	snprintf(f->address, sizeof f->address, "%s", who->address);
	if (!w.hold_fetches)
		answer_fetch(f);
}

static void fake_ask(void *door, const char *peer, const struct fb_query *q, int64_t deadline_ms,
                     void (*answer)(void *arg, size_t i, const struct fb_answer *raw),
                     void (*done)(void *arg, enum fb_reason reason, const char *why), void *arg)
{
	struct ask_call *k = &w.asks[w.n_asks++];

	*k = (struct ask_call){.q = *q, .deadline_ms = deadline_ms, .answer = answer, .done = done, .arg = arg};
	snprintf(k->peer, sizeof k->peer, "%s", peer);
	k->q.mailboxes = fb_mailboxes_copy(q->mailboxes, q->n);
}

static inline struct ask_call *asked(const char *peer)
{
	for (size_t i = 0; i < w.n_asks; i++)
		if (strcmp(w.asks[i].peer, peer) == 0)
			return &w.asks[i];
	return NULL;
}

static enum audit_said fake_audit(void *door, const struct audit_query *q, void (*written)(void *arg, bool ok), void *arg)
{
	snprintf(w.records[w.n_records++ % MAX_CALLS], sizeof *w.records, "%s %s %s %s %s %s", q->direction, q->peer ? q->peer : "-", q->target, q->level ? q->level : "-",
	         q->rule, q->result);
	if (w.audit_says != AUDIT_WAITS || !written)
		return w.audit_says ? AUDIT_SAID : AUDIT_REFUSED;
	w.waiting[w.n_waiting].written = written;
	w.waiting[w.n_waiting++].arg = arg;
	return AUDIT_WAITS;
}

static bool fake_refused(void *door, const struct audit_refused *r)
{
	if (w.refuses_sums) {
		w.refused_sums++;
		return false;
	}
	w.n_sums++;
	w.counted += r->mailboxes;
	w.seconds = r->seconds;
	w.unnamed += r->requester ? 0 : r->mailboxes;
	snprintf(w.sum, sizeof w.sum, "%s %s %s %s", r->direction, r->peer ? r->peer : "-", r->requester ? r->requester : "-", r->result);
	return true;
}

/* The disk has taken (or not) what waited. */
static inline void audit_goes_on(bool ok)
{
	size_t n = w.n_waiting;

	w.n_waiting = 0;
	for (size_t i = 0; i < n; i++)
		w.waiting[i].written(w.waiting[i].arg, ok);
}

static inline bool recorded(const char *record)
{
	for (size_t i = 0; i < w.n_records && i < MAX_CALLS; i++)
		if (strcmp(w.records[i], record) == 0)
			return true;
	for (size_t i = 0; i < w.n_records && i < MAX_CALLS; i++)
		fprintf(stderr, "recorded: %s\n", w.records[i]);
	return false;
}

/* Who is in ${w.broke} is over budget, as are targets that begin with "costly"; "site-b/b.example:open@a.example " is noted. */
static void fake_budget(void *door, const char *peer, const struct fb_requester *requester, const char *const *targets, size_t n,
                        bool *go)
{
	if (w.looked_up)
		w.looked_up_before_paid = true;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(w.paid);

		snprintf(w.paid + len, sizeof w.paid - len, "%s/%s:%s ", peer ? peer : "", requester->name, targets[i]);
		go[i] = strncmp(targets[i], "costly", 6) != 0 && !(w.broke && strcmp(w.broke, requester->name) == 0);
	}
}

static void world_new(void)
{
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	memset(&w, 0, sizeof w);
	w.l = loop_new();
	w.t = address_space_new(&settings);
	w.doors = (struct proxy_doors){fake_look_up, fake_exists, fake_fetch, fake_ask, fake_audit, fake_refused, fake_budget, NULL};
	w.audit_says = AUDIT_SAID;
	for (size_t i = 0; i < settings.n_peers; i++)
		conf_index_rules(&settings.peers[i]);
	w.p = proxy_new(w.l, &settings, w.t, &w.doors);
}

static void world_free(void)
{
	proxy_free(w.p);
	for (size_t i = 0; i < w.n_asks; i++)
		free(w.asks[i].q.mailboxes);
	address_space_free(w.t);
	loop_free(w.l);
	for (size_t i = 0; i < settings.n_peers; i++)
		conf_unindex_rules(&settings.peers[i]);
}

/* ---- questions ---- */
static struct fb_mailbox boxes[FB_MAX_MAILBOXES];

/* A question of ${requester} about the addresses in ${...}, up to NULL. */
static struct fb_query question(const char *requester, ...)
{
	struct fb_query q = {.window = {T0, T0 + 7200}, .interval = 30, .view = FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS,
	                     .mailboxes = boxes};
	const char *address;
	va_list ap;

	fb_request_id_new(q.request_id);
	q.requester.is_person = strchr(requester, '@') != NULL;
	snprintf(q.requester.name, sizeof q.requester.name, "%s", requester);
	va_start(ap, requester);
	while ((address = va_arg(ap, const char *))) {
		boxes[q.n++] = (struct fb_mailbox){*address ? address : "no address", address};
	}
	va_end(ap);
	return q;
}

static void keep(size_t i, const struct acl_released *r)
{
	const struct fb_answer *a = acl_released_view(r);

	w.reasons[i] = a->reason;
	w.views[i] = a->view;
	snprintf(w.subjects[i], sizeof w.subjects[i], "%s", a->n_events && a->events[0].subject ? a->events[0].subject : "");
	snprintf(w.digits[i], sizeof w.digits[i], "%s", a->merged ? a->merged : "");
}

static void ours_done(void *arg, struct acl_released *const *released)
{
	w.done++;
	for (size_t i = 0; i < w.n; i++)
		keep(i, released[i]);
	loop_stop(w.l);
}

static void peer_answer(void *arg, size_t i, const struct acl_released *r)
{
	if (w.answers++ == 0) {
		w.looked_up_at_first_answer = w.looked_up;
		w.records_at_first_answer = w.n_records;
	}
	keep(i, r);
}

static void peer_done(void *arg, enum fb_reason reason, const char *why)
{
	w.done++;
	w.end = reason;
	loop_stop(w.l);
}

static const struct proxy_peer_events peer_events = {peer_answer, peer_done};

static void stop_turn(void *arg)
{
	loop_stop(w.l);
}
static void run_for(int64_t ms)
{
	struct loop_timer *t = loop_timer_new(w.l, ms, stop_turn, NULL);

	loop_run(w.l);
	loop_timer_free(t);
}

/* What is due, and what that starts, though ${ms} may be over before the loop has begun; then until they are, or the question is done. */
static void turn(int64_t ms)
{
	for (int steps = 0; steps < 10 && !w.done; steps++)
		run_for(0);
	if (!w.done)
		run_for(ms);
}

static inline struct proxy_query *ask_ours(const struct fb_query *q)
{
	struct proxy_query *pq = proxy_ask(w.p, q, ours_done, NULL);

	w.n = q->n;
	CHECK_INT(w.done, 0);
	turn(2);
	return pq;
}

static inline struct proxy_query *ask_as(const char *peer, const struct fb_query *q)
{
	struct pki_peer seal = {peer};
	struct proxy_query *pq = proxy_answer_peer(w.p, &seal, q, peer_deadline_ms, &peer_events, NULL);

	w.n = q->n;
	CHECK_INT(w.done, 0);
	turn(2);
	return pq;
}

/* The peer answers its ${i}th mailbox as busy, with that mailbox's address for a subject. */
static inline void peer_says(struct ask_call *k, size_t i)
{
	struct fb_answer *a = busy_answer(k->q.mailboxes[i].address, 0);

	k->answer(k->arg, i, a);
	fb_answer_free(a);
}
#endif
