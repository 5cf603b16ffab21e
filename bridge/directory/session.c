#include "bridge/directory/session.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/base/loop.h"
#include "bridge/directory/dn.h"
#include "bridge/directory/session_inside.h"
#include "bridge/directory/ticket.h"

enum { CONNECT_MS = 2000, PASSWORD_MAX = 1024, WHY_MAX = 8192 };
/*
 * MS-ADTS 3.1.1.3.4.3: LDAP_CAP_ACTIVE_DIRECTORY_OID, LDAP_CAP_ACTIVE_DIRECTORY_ADAM_OID. Where one of them is, matching
 * rules in chains work.
 */
static const char *const active_directory_oids[] = {"1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1851"};

int64_t directory_job_ms(const struct conf *c)
{
	return 2 * (int64_t)c->directory->timeout_ms + 500;
}

struct directory_session *directory_session_new(const struct conf *c, struct buf *error)
{
	struct directory_session *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	s->c = c;
	s->d = c->directory;
	s->servers.n = s->d->n_servers;
	buf_init(&s->password, PASSWORD_MAX);
	buf_init(&s->why, WHY_MAX);
	signal(SIGPIPE, SIG_IGN); /* the library writes to servers that are gone */
	setenv("LDAPNOINIT", "1", 1);
	setenv("RES_OPTIONS", "timeout:1 attempts:2", 0); /* a resolver that does not answer has its time too */
	if ((s->d->bind == CONF_BIND_SIMPLE && conf_secret_read(c, &s->d->password, &s->password, error) != 0) ||
	    (s->d->bind == CONF_BIND_GSSAPI && connection_prepare_gssapi(error) != 0)) {
		directory_session_free(s);
		return NULL;
	}
	directory_groups_collect(c, &s->groups);
	groups_forget(&s->here);
	return s;
}

static void disconnect(struct directory_session *s)
{
	connection_free(s->connection);
	s->connection = NULL;
	free(s->configuration);
	free(s->root);
	free(s->groups_base);
	s->configuration = s->root = s->groups_base = NULL;
}

void directory_session_free(struct directory_session *s)
{
	if (!s)
		return;
	disconnect(s);
	groups_forget(&s->here);
	directory_groups_free(&s->groups);
	buf_wipe(&s->password);
	buf_free(&s->why);
	free(s);
}

void directory_session_trace(struct directory_session *s, directory_trace_cb *cb, void *arg)
{
	s->trace = cb;
	s->trace_arg = arg;
}

int64_t session_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void session_step(struct directory_session *s, const char *step, int64_t began, const char *fmt, ...)
{
	char outcome[1024];
	va_list ap;

	if (!s->trace)
		return;
	va_start(ap, fmt);
	vsnprintf(outcome, sizeof outcome, fmt, ap);
	va_end(ap);
	s->trace(s->trace_arg, step, session_us() - began, outcome);
}

void session_begin(struct directory_session *s)
{
	s->deadline = loop_ms() + directory_job_ms(s->c);
	s->fresh = false;
	servers_begin(&s->servers);
	buf_reset(&s->why);
}

const char *session_attribute(const struct directory_session *s, enum conf_attribute which)
{
	return s->d->attributes[which];
}

/* The earlier of ${ms} from now and the job's end. */
static int64_t within(const struct directory_session *s, int64_t ms)
{
	const int64_t end = loop_ms() + ms;

	return end < s->deadline ? end : s->deadline;
}

/* ---- connecting ---- */

static bool has_value(const struct found_values *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->list[i].p, text) == 0)
			return true;
	return false;
}

/* A copy of the first value of attribute ${i}, or "". */
static char *first_of(const struct found *f, size_t i)
{
	char *s = strdup(f->first && f->first->values[i].n ? f->first->values[i].list[0].p : "");

	if (!s)
		abort();
	return s;
}

/* MS-ADTS 3.1.1.3.1.10: the ports on which a domain controller shows all of the forest. */
static bool has_catalog_port(const char *url)
{
	int port = atoi(strrchr(url, ':') + 1);

	return port == 3268 || port == 3269;
}

/* May our account search below ${dn}? -1 if that cannot be told. */
static int may_search(struct directory_session *s, const char *dn, int64_t deadline, bool *may)
{
	static const char *const nothing[] = {"", NULL};
	const struct directory_query q = {NULL, dn, false, "(objectClass=*)", nothing, 1};
	struct found f;
	enum search_result r;

	found_init(&f);
	r = connection_search(s->connection, &q, deadline, &f, &s->why);
	found_free(&f);
	if (r == SEARCH_FAILED)
		return -1;
	buf_reset(&s->why); /* a refusal is an answer */
	*may = r == SEARCH_DONE;
	return 0;
}

/*
 * In the naming context that the base is in: a group below the base may hold one that lies outside of it. Where our account may not search
 * there, what it sees ends at the base.
 */
static int choose_groups_base(struct directory_session *s, const struct found_values *contexts, int64_t deadline)
{
	const char *best = s->d->base;
	bool may = false;

	for (size_t i = 0; contexts && i < contexts->n && *s->d->base; i++)
		if (dn_is_within(s->d->base, contexts->list[i].p) && (best == s->d->base || dn_is_within(contexts->list[i].p, best)))
			best = contexts->list[i].p; /* the lowest of them: a search in another does not come here */
	if (best != s->d->base && may_search(s, best, deadline, &may) != 0)
		return -1;
	s->groups_base = strdup(may ? best : s->d->base);
	if (!s->groups_base)
		abort();
	return 0;
}

/* What kind of server the ${i}th is, from its rootDSE (RFC 4512, section 5.1). */
static int read_root(struct directory_session *s, size_t i, int64_t deadline)
{
	static const char *const attributes[] = {"supportedCapabilities", "configurationNamingContext", "defaultNamingContext", "namingContexts", NULL};
	const struct directory_query q = {NULL, "", false, "(objectClass=*)", attributes, 1};
	struct found f;
	int r = 0;

	s->active_directory = false;
	found_init(&f);
	if (connection_search(s->connection, &q, deadline, &f, &s->why) != SEARCH_DONE) {
		found_free(&f);
		return -1;
	}
	for (size_t k = 0; k < sizeof active_directory_oids / sizeof *active_directory_oids; k++)
		s->active_directory |= f.first && has_value(&f.first->values[0], active_directory_oids[k]);
	s->has_domains = f.first && has_value(&f.first->values[0], active_directory_oids[0]);
	s->configuration = first_of(&f, 1);
	s->root = first_of(&f, 2);
	s->is_catalog = s->has_domains && (has_catalog_port(s->d->servers[i]) || !dn_is_within(s->d->base, s->root));
	if (!s->active_directory)
		r = choose_groups_base(s, f.first ? &f.first->values[3] : NULL, deadline);
	found_free(&f);
	return r;
}

const char *directory_session_oddity(const struct directory_session *s)
{
	if (s->has_domains && s->d->preset == CONF_OPENLDAP)
		return "the server is a domain controller of Active Directory, and the preset is openldap, which knows nothing of its disabled accounts and "
		       "hidden mailboxes: they count as anybody's. Write preset active-directory";
	return NULL;
}

static enum fb_fact log_in(struct directory_session *s, int64_t deadline)
{
	switch (s->d->bind) {
	case CONF_BIND_SIMPLE:
		return connection_bind(s->connection, s->d->bind_name, buf_cstr(&s->password), deadline, &s->why);
	case CONF_BIND_GSSAPI:
		return connection_bind_gssapi(s->connection, deadline, &s->why);
	case CONF_BIND_NONE:
		break;
	}
	return FB_YES;
}

static const char *bound_as(const struct conf_directory *d)
{
	return d->bind == CONF_BIND_SIMPLE ? d->bind_name : d->bind == CONF_BIND_GSSAPI ? d->principal : "nobody";
}

static void refused(struct directory_session *s)
{
	buf_printf(&s->why, "; this login is not tried again for %d seconds, so that the account is not locked out",
	           (int)(servers_refused(&s->servers, loop_ms()) / 1000));
}

/* One server: TLS, bind, and what it is. -1 with the sentence: then there is no connection. */
static int try_server(struct directory_session *s, size_t i)
{
	const char *url = s->d->servers[i];
	int64_t deadline = within(s, CONNECT_MS < s->d->timeout_ms ? CONNECT_MS : s->d->timeout_ms), began = session_us();
	enum fb_fact in = FB_COULD_NOT_TELL;

	buf_reset(&s->why);
	s->connection = connection_open(s->d, url, deadline, &s->why);
	session_step(s, "connect", began, "%s", s->connection ? url : buf_cstr(&s->why));
	if (s->connection) {
		if (s->d->bind == CONF_BIND_GSSAPI) /* which asks KDCs again, and one that is down costs two seconds before the next is asked */
			deadline = within(s, s->d->timeout_ms);
		began = session_us();
		in = log_in(s, deadline);
		session_step(s, "bind", began, "%s", in == FB_YES ? bound_as(s->d) : buf_cstr(&s->why));
	}
	if (in == FB_YES && read_root(s, i, deadline) == 0)
		return 0;
	disconnect(s);
	servers_failed(&s->servers, i, loop_ms());
	if (in == FB_NO)
		refused(s);
	return -1;
}

/* What every server wants of us first. Without it none is asked, now and for a while. */
static bool has_ticket(struct directory_session *s)
{
	int64_t began = session_us(), until = s->ticket_until;
	enum fb_fact has;

	if (s->d->bind != CONF_BIND_GSSAPI || loop_ms() < s->servers.rest_until) /* or nobody is asked anyway */
		return true;
	buf_reset(&s->why);
	has = ticket_get(s->d->keytab, s->d->principal, &s->ticket_until, s->deadline, &s->why);
	if (s->ticket_until != until || has != FB_YES)
		session_step(s, "ticket", began, "%s", has == FB_YES ? s->d->principal : buf_cstr(&s->why));
	if (has == FB_COULD_NOT_TELL)
		servers_without_ticket(&s->servers, loop_ms());
	if (has == FB_NO)
		refused(s);
	return has == FB_YES;
}

int session_connect(struct directory_session *s)
{
	int i;

	if (s->connection)
		return 0;
	if (!has_ticket(s))
		return -1;
	while (loop_ms() < s->deadline && (i = servers_next(&s->servers, loop_ms())) >= 0)
		if (try_server(s, (size_t)i) == 0) {
			s->server = (size_t)i;
			s->fresh = true;
			servers_work(&s->servers, s->server);
			return 0;
		}
	if (!s->why.len && s->servers.refused_ms)
		buf_printf(&s->why, "the directory has refused our login, which is tried again in %d seconds: see bind-name, password-file, keytab",
		           (int)((s->servers.rest_until - loop_ms()) / 1000 + 1));
	else if (!s->why.len)
		buf_puts(&s->why, "no server of the directory works just now; the last attempts failed moments ago");
	return -1;
}

/* The present server failed: it is passed over from now on, unless the connection may merely have grown old. */
static void give_up(struct directory_session *s, int64_t began)
{
	if (s->fresh || loop_ms() - began >= CONNECT_MS / 2)
		servers_failed(&s->servers, s->server, loop_ms());
	disconnect(s);
}

static void tell(struct directory_session *s, const char *step, const struct directory_query *q, int64_t began, enum search_result r,
                 const struct found *f)
{
	const char *about = q->about ? q->about : "", *colon = q->about ? ": " : "";

	if (r == SEARCH_DONE)
		session_step(s, step, began, "%s%s%zu%s found", about, colon, f->n, f->more ? " and more" : "");
	else
		session_step(s, step, began, "%s%s%s", about, colon,
		             r == SEARCH_NO_BASE ? "there is no such entry to search at" : buf_cstr(&s->why));
}

enum search_result session_search(struct directory_session *s, const char *step, const struct directory_query *q, struct found *out)
{
	enum search_result r = SEARCH_FAILED;

	found_init(out);
	while (r == SEARCH_FAILED && session_connect(s) == 0) {
		const int64_t began = loop_ms(), began_us = session_us();

		found_free(out);
		found_init(out);
		buf_reset(&s->why);
		r = connection_search(s->connection, q, within(s, s->d->timeout_ms), out, &s->why);
		tell(s, step, q, began_us, r, out);
		if (r == SEARCH_FAILED)
			give_up(s, began);
	}
	return r;
}
