#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bridge/backend/ics.h"
#include "bridge/base/loop.h"
#include "bridge/ctl/doctor.h"
#include "bridge/ctl/limited.h"
#include "bridge/ctl/look_up.h"
#include "bridge/ctl/site.h"
#include "bridge/ews/client.h"
#include "bridge/proxy/proxy.h"

enum { READ_MS = 20000, LOOK_UP_GRACE_MS = 5000, DAY = 86400 };

/* ---- our calendars ---- */

struct reading {
	const struct conf *conf;
	int dir;
	size_t good, bad, misnamed;
	char first[1024];      /* the first fault, a sentence that names the calendar */
	size_t odd;            /* that can be read and are about something that is not what it is called; or that are called by no address */
	char first_odd[1024];
	char nobodys[2][FB_ADDRESS_MAX + 8]; /* the first name that nobody is asked about by, and what it should be */
};

static const char noted[] = "can be read, but "; /* begins what is said of such a one */

/* One calendar, in a child under limits, as the daemon's user: nothing is said if it can be read and is as it should be. */
static void read_one(void *arg, char *address, struct buf *reply)
{
	const struct reading *r = arg;
	struct fb_window w = {time(NULL), time(NULL) + 7 * DAY};
	struct buf error, note;
	struct ics_options o = {.floating = fb_zone_named(r->conf->working_zone), .note = &note};
	struct ics_stamps stamps = {0};
	struct fb_answer *a;

	buf_init(&error, 1024);
	buf_init(&note, 1024);
	if (!o.floating)
		o.floating = fb_zone_utc();
	if (ctl_become_daemon(r->conf, reply) < 0)
		return;
	a = ics_fetch(r->dir, address, w, &o, &stamps, &error);
	if (!a || a->reason == FB_CALENDAR_FAILED)
		buf_puts(reply, error.len ? buf_cstr(&error) : "it cannot be read");
	else if (note.len)
		buf_printf(reply, "%s%s", noted, buf_cstr(&note));
	fb_answer_free(a);
	ics_stamps_free(&stamps);
	buf_free(&error);
	buf_free(&note);
}

/* To whom the table gives ${domain}, or NULL. */
static const char *whose(const struct conf *c, const char *domain)
{
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].forest_name, domain) == 0)
			return c->spaces[i].peer;
	return NULL;
}

/* Whom the file or folder ${name} is about; false if nobody of ours. One that is not called as it should be is noted. */
static bool is_calendar_of(struct reading *r, const char *name, char address[FB_ADDRESS_MAX + 1])
{
	char bare[FB_ADDRESS_MAX + 8], right[FB_ADDRESS_MAX + 8];
	size_t n = strlen(name);
	const char *owner;
	bool file;

	if (n >= sizeof bare)
		return false;
	strcpy(bare, name);
	if ((file = n > 4 && strcasecmp(name + n - 4, ".ics") == 0))
		bare[n - 4] = 0;
	if (!fb_address_normal(bare, address) || !(owner = whose(r->conf, fb_address_domain(address))) || strcmp(owner, "local") != 0)
		return false;
	snprintf(right, sizeof right, "%s%s", address, file ? ".ics" : "");
	if (strcmp(name, right) != 0 && r->misnamed++ == 0) {
		strcpy(r->nobodys[0], name);
		strcpy(r->nobodys[1], right);
	}
	return strcmp(name, right) == 0;
}

/* ${sentence} about the calendar ${name} of ${address}, with that name before it unless it has one, in the 1024 bytes at ${out}. */
static void put_named(char *out, const char *name, const char *address, const char *sentence)
{
	bool named = strstr(sentence, address) != NULL;

	snprintf(out, 1024, "%s%s%s", named ? "" : name, named ? "" : ": ", sentence);
}

/* "bob.ics" in the place of "bob@b.example.ics": it may be meant for somebody. */
static void note_nameless(struct reading *r, const char *name)
{
	size_t n = strlen(name);

	if (n > 4 && *name != '.' && strcasecmp(name + n - 4, ".ics") == 0 && !strchr(name, '@') && !r->odd++)
		snprintf(r->first_odd, sizeof r->first_odd, "%s is nobody's: a calendar is called by the whole address, as NAME@DOMAIN.ics", name);
}

static void read_entry(struct reading *r, struct limited *child, const char *name)
{
	char address[FB_ADDRESS_MAX + 1];
	struct buf reply;

	if (!is_calendar_of(r, name, address)) {
		note_nameless(r, name);
		return;
	}
	buf_init(&reply, 4096);
	if (!limited_do(child, address, &reply))
		buf_printf(&reply, "%s: it is too much for one reading", name);
	bool odd = strncmp(buf_cstr(&reply), noted, strlen(noted)) == 0;
	if (odd && !r->odd++)
		put_named(r->first_odd, name, address, buf_cstr(&reply) + strlen(noted));
	if (!reply.len || odd)
		r->good++;
	else if (!r->bad++)
		put_named(r->first, name, address, buf_cstr(&reply));
	buf_free(&reply);
}

void doctor_backend(struct doctor *d)
{
	static const char hop[] = "calendars";
	struct reading r = {.conf = d->conf, .dir = open(d->conf->calendars, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	struct limited child = {.run = read_one, .arg = &r};
	DIR *list = r.dir >= 0 ? opendir(d->conf->calendars) : NULL;
	int64_t end = loop_ms() + READ_MS;
	struct dirent *e = NULL;
	char what[1536];

	while (list && loop_ms() < end && (e = readdir(list)))
		read_entry(&r, &child, e->d_name);
	if (!list) {
		snprintf(what, sizeof what, "the folder %s cannot be read: %s", d->conf->calendars, strerror(errno));
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what, "let the daemon's user read it.");
	} else if (r.bad) {
		snprintf(what, sizeof what, "%s%s", r.first, r.bad > 1 ? " (and others)" : "");
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what,
		              "have whatever writes %s write that calendar anew, so that the daemon's user can read it; until then its owner is "
		              "answered as failed.",
		              d->conf->calendars);
	} else if (r.misnamed) {
		snprintf(what, sizeof what, "%s in %s is nobody's: names are in lower case%s", r.nobodys[0], d->conf->calendars,
		         r.misnamed > 1 ? " (and others)" : "");
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what, "call it %s; until then its owner is answered as if there were no such person.", r.nobodys[1]);
	} else {
		doctor_ok(d, hop, "%zu can be read%s, whole days in %s (working_zone)%s%s%s", r.good, e ? " before time ran out" : "",
		          d->conf->working_zone, r.odd ? "; " : "", r.first_odd, r.odd > 1 ? " (and others)" : "");
	}
	limited_end(&child);
	if (list)
		closedir(list);
	if (r.dir >= 0)
		close(r.dir);
}

/* ---- table and rules ---- */

/* The domain of the first row of the peer, or NULL. */
static const char *first_domain(const struct doctor *d)
{
	for (size_t i = 0; i < d->conf->n_spaces; i++)
		if (strcmp(d->conf->spaces[i].peer, d->peer->name) == 0)
			return d->conf->spaces[i].forest_name;
	return NULL;
}

void doctor_table(struct doctor *d, struct doctor_chain *chain)
{
	const char *first = first_domain(d), *domain = d->target ? fb_address_domain(d->target) : first, *owner;
	char what[512];
	size_t n = 0;

	for (size_t i = 0; i < d->conf->n_spaces; i++)
		n += strcmp(d->conf->spaces[i].peer, d->peer->name) == 0;
	owner = domain ? whose(d->conf, domain) : NULL;
	if (!first) {
		doctor_failed(d, chain, "table", DOCTOR_HERE, "no domain is given to this peer, so it can neither ask nor be asked",
		              "`availbridge address-space add --forest-name ITS-DOMAIN --peer %s`, then `availbridge reload`.", d->peer->name);
	} else if (!owner || strcmp(owner, d->peer->name) != 0) {
		snprintf(what, sizeof what, "the domain %s %s%s", domain, owner ? "belongs to " : "is in no row", owner ? owner : "");
		doctor_failed(d, chain, "table", DOCTOR_HERE, what,
		              "if it is this peer's: `availbridge address-space add --forest-name %s --peer %s`, then `availbridge "
		              "reload`.",
		              domain, d->peer->name);
	} else {
		doctor_ok(d, "table", "%zu domain%s, %s%s", n, n == 1 ? "" : "s", first, n > 1 ? " and others" : "");
	}
}

static size_t count_rules(const struct conf_peer *p, bool in)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_rules; i++)
		n += p->rules[i].in == in && p->rules[i].level > FB_LEVEL_NONE;
	return n;
}

/* A site may share nothing, on purpose: the switch is off, the cap is None, or its rules say so. That none was ever written is not that. */
static void rules_in(struct doctor *d)
{
	static const char hop[] = "rules in";
	const struct conf_peer *p = d->peer;
	size_t in = count_rules(p, true), said = 0;

	for (size_t i = 0; i < p->n_rules; i++)
		said += p->rules[i].in;
	if (!p->access_enabled)
		doctor_ok(d, hop, "this peer sees nothing of ours, since free/busy access is off; if it is to see something: `availbridge peer set "
		          "%s --free-busy-access-enabled yes`, then `availbridge reload`", p->name);
	else if (p->access_level == FB_LEVEL_NONE)
		doctor_ok(d, hop, "this peer sees nothing of ours, since the free/busy access level is None; if it is to see something: "
		          "`availbridge peer set %s --free-busy-access-level AvailabilityOnly`, then `availbridge reload`", p->name);
	else if (!in && said)
		doctor_ok(d, hop, "this peer sees nothing of ours: %s",
		          said == 1 ? "the one rule of direction in says None" : "all rules of direction in say None");
	else if (!in)
		doctor_failed(d, NULL, hop, DOCTOR_HERE, "access is on, but there is no rule of direction in: this peer sees nothing of ours",
		              "`availbridge rule add --peer %s --direction in --requester '*' --target '*' --level AvailabilityOnly`, or a narrower one; "
		              "if it is to see nothing: `availbridge peer set %s --free-busy-access-enabled no`; then `availbridge reload`.",
		              p->name, p->name);
	else
		doctor_ok(d, hop, "access is on up to %s, %zu rule%s above None", fb_level_name(p->access_level), in, in == 1 ? "" : "s");
}

void doctor_rules(struct doctor *d, struct doctor_chain *chain)
{
	const struct conf_peer *p = d->peer;
	size_t out = count_rules(p, false);

	rules_in(d);
	if (!out)
		doctor_failed(d, chain, "rules out", DOCTOR_HERE, "no rule of direction out gives more than None: none of our people may ask this peer",
		              "`availbridge rule add --peer %s --direction out --requester '*' --target '*' --level LimitedDetails`, "
		              "or a narrower one, then `availbridge reload`.",
		              p->name);
	else
		doctor_ok(d, "rules out", "%zu rule%s above None", out, out == 1 ? "" : "s");
}

/* ---- one question ---- */

/* Do our own rules let the organisation ask about ${target}? */
static bool may_ask(const struct conf *c, const char *target)
{
	struct proxy_explanation x = {0};
	struct address_space *table = address_space_new(c);
	struct ctl_people *people = ctl_people_new(c);
	struct ctl_known whom;

	if (table && people) {
		ctl_look_up(people, target, &whom);
		proxy_explain(c, table, c->primary_domain, NULL, target, whom.entry, FB_YES, &x);
		ctl_known_free(&whom);
	}
	ctl_people_free(people);
	address_space_free(table);
	return x.level > FB_LEVEL_NONE;
}

/* The answer to one question of the organisation about ${target}; NULL with a sentence. */
static struct fb_answer *ask(const struct conf *c, const char *target, struct buf *error)
{
	char address[FB_ADDRESS_MAX + 1];
	struct fb_mailbox mailbox = {address, address};
	struct fb_query q = {.window = {time(NULL) / 3600 * 3600, time(NULL) / 3600 * 3600 + DAY}, .interval = FB_DEFAULT_INTERVAL,
	                     .view = FB_VIEW_MERGED,
	                     .n = 1, .mailboxes = &mailbox};
	struct fb_zone_rule rule;
	struct fb_answer *a = NULL;
	struct buf request, reply;

	if (!fb_address_normal(target, address))
		return NULL;
	fb_zone_rule_at(fb_zone_utc(), q.window.start, &rule);
	fb_request_id_new(q.request_id);
	buf_init(&request, 1 << 20);
	buf_init(&reply, 4 << 20);
	if (ews_client_write(&request, &q, &rule, 2016) < 0)
		buf_puts(error, "out of memory");
	else if (ctl_ask_ews(c, c->primary_domain, &request, c->hard_stop_ms + LOOK_UP_GRACE_MS, &reply, error) == 0)
		ews_client_read(buf_ptr(&reply), reply.len, fb_zone_utc(), &a, 1, error, NULL);
	buf_free(&request);
	buf_free(&reply);
	return a;
}

static void judge_answer(struct doctor *d, const char *target, const struct fb_answer *a)
{
	static const char hop[] = "look-up";
	char what[512];

	snprintf(what, sizeof what, "asked about %s: %s", target, fb_reason_row(a->reason)->sentence);
	switch (a->reason) {
	case FB_OK:
		doctor_ok(d, hop, "the free/busy of %s came", target);
		break;
	case FB_NO_ACCESS:
		if (d->target)
			doctor_failed(d, NULL, hop, DOCTOR_THERE, what,
			              "see that the mailbox exists, and what `availbridge explain --requester %s --target %s` "
			              "says there.",
			              d->conf->primary_domain, target);
		else
			doctor_ok(d, hop, "the peer answered \"no access\" about a mailbox that need not exist: the way there and back "
			                  "works; its rules for a person need --target");
		break;
	case FB_NOT_ALLOWED:
		doctor_failed(d, NULL, hop, DOCTOR_THERE, what,
		              "the domain %s wants a row for us in the table there: `availbridge address-space add --forest-name %s "
		              "--peer %s`, then reload.",
		              d->conf->primary_domain, d->conf->primary_domain, d->conf->site);
		break;
	case FB_PEER_FAILED:
	case FB_NO_ADDRESS_SPACE:
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what,
		              "the running daemon has other settings than the files, or another address for the endpoint's name, or tries the link "
		              "again only in a while: run `availbridge reload`.");
		break;
	case FB_BUSY:
		doctor_failed(d, NULL, hop, DOCTOR_BOTH, what,
		              "see in `availbridge status` who is over a budget, whether the audit can be written, and what keeps that site busy.");
		break;
	case FB_DIRECTORY_FAILED:
		doctor_failed(d, NULL, hop, DOCTOR_BOTH, what,
		              "event=directory-failed in the log says why; `availbridge doctor` tries each server of that site's directory.");
		break;
	case FB_NOT_COMPUTED:
		doctor_failed(d, NULL, hop, DOCTOR_BOTH, what, "the lines of the log around the one with target=%s say which side failed, and why.", target);
		break;
	default:
		doctor_failed(d, NULL, hop, DOCTOR_THERE, what, "the log there says why, in the lines around the one with target=%s.", target);
	}
}

void doctor_look_up(struct doctor *d, const struct doctor_chain *chain)
{
	char target[FB_ADDRESS_MAX + 32];
	struct fb_answer *a;
	struct buf error;

	if (!doctor_reaches(d, chain, "look-up"))
		return;
	snprintf(target, sizeof target, "availbridge-doctor@%s", first_domain(d));
	if (d->target)
		snprintf(target, sizeof target, "%s", d->target);
	if (!may_ask(d->conf, target)) {
		doctor_skipped(d, "look-up",
		               "our rules do not let the organisation (%s) ask about %s; `availbridge query` asks as a person",
		               d->conf->primary_domain, target);
		return;
	}
	buf_init(&error, 4096);
	if ((a = ask(d->conf, target, &error)))
		judge_answer(d, target, a);
	else
		doctor_failed(d, NULL, "look-up", DOCTOR_HERE, error.len ? buf_cstr(&error) : "no answer", "look into the daemon's log.");
	fb_answer_free(a);
	buf_free(&error);
}
