#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/caldav_own.h"
#include "bridge/base/text.h"
#include "bridge/dns/resolve.h"

/* Where our own account's things are: by its principal (RFC 5397, RFC 6764 6), found from the base or the well-known place. */

enum { LOOK_AGAIN_MS = 10000 }; /* when DNS did not say; nothing else can be done then, so a blocking look-up holds up nobody */

static const char propfind[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop>"
	"<D:current-user-principal/><C:schedule-outbox-URL/><C:calendar-user-address-set/></D:prop></D:propfind>";

static void on_principal(struct caldav_ask *a, const struct http_reply *r);
static void on_base(struct caldav_ask *a, const struct http_reply *r);
static void on_well_known(struct caldav_ask *a, const struct http_reply *r);

static void look_at(struct caldav_ask *a, const char *url, caldav_step *step)
{
	buf_reset(&a->body);
	buf_puts(&a->body, propfind);
	caldav_send(a, "PROPFIND", url, "0", "application/xml", step);
}

static void look_at_well_known(struct caldav_ask *a)
{
	char *url = caldav_resolve(a->arena, "/.well-known/caldav", a->d->origin);
	if (url)
		look_at(a, url, on_well_known);
	else
		caldav_end(a, CALDAV_FAILED, "out of memory");
}

/* What was found serves all later questions. */
static void take_outbox(struct caldav_ask *a, const struct dav_response *r, const char *principal)
{
	struct caldav *d = a->d;
	char *url = caldav_resolve(a->arena, r->outbox, d->origin);
	struct buf organizer;
	if (!url) {
		caldav_end(a, CALDAV_FAILED, "the server names an outbox at another place: %s", r->outbox);
		return;
	}
	buf_init(&organizer, CALDAV_MAX_URL);
	buf_printf(&organizer, "%s%s", r->mail ? "mailto:" : "", r->mail ? r->mail : principal);
	free(d->outbox);
	free(d->organizer);
	d->outbox = strdup(url);
	d->organizer = organizer.failed ? NULL : strdup(buf_cstr(&organizer));
	buf_free(&organizer);
	if (d->outbox && d->organizer)
		a->found(a);
	else
		caldav_end(a, CALDAV_FAILED, "out of memory");
}

static void on_principal(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_multistatus m;
	if (r->outcome == HTTP_ANSWERED && (r->status == 403 || r->status == 404)) { /* which says nothing of the person asked about */
		caldav_end(a, CALDAV_UNKNOWN, "%s: our account has no principal there (%d)", r->url, r->status);
		return;
	}
	if (!caldav_multistatus(a, r, &m))
		return;
	if (m.n && m.list[0].outbox)
		take_outbox(a, &m.list[0], m.list[0].href ? m.list[0].href : r->url);
	else
		caldav_end(a, CALDAV_UNKNOWN, "%s: our account has no schedule-outbox-URL: the server does no scheduling", r->url);
}

/* True if ${r} named our principal, which is asked then. */
static bool follow(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_multistatus m;
	struct buf why;
	char *url = NULL;
	if (r->outcome != HTTP_ANSWERED || r->status != 207)
		return false;
	buf_init(&why, 512);
	if (dav_multistatus_read(buf_ptr(r->body), r->body->len, a->arena, &m, &why) && m.n && m.list[0].principal)
		url = caldav_resolve(a->arena, m.list[0].principal, a->d->origin);
	buf_free(&why);
	if (url)
		look_at(a, url, on_principal);
	return url;
}

static void on_base(struct caldav_ask *a, const struct http_reply *r)
{
	bool answered = r->outcome == HTTP_ANSWERED && r->status != 401 && r->status != 407 && r->status < 500;
	if (follow(a, r))
		return;
	if (answered)
		look_at_well_known(a);
	else
		caldav_unwanted(a, r);
}

static void on_well_known(struct caldav_ask *a, const struct http_reply *r)
{
	bool answered = r->outcome == HTTP_ANSWERED && r->status != 401 && r->status != 407 && r->status < 500;
	if (follow(a, r))
		return;
	if (answered)
		caldav_end(a, CALDAV_UNKNOWN, "neither the url nor /.well-known/caldav names our account's principal (status %d)", r->status);
	else
		caldav_unwanted(a, r);
}

void caldav_find_outbox(struct caldav_ask *a, void (*found)(struct caldav_ask *a))
{
	a->found = found;
	if (a->d->outbox)
		found(a);
	else if (a->d->base)
		look_at(a, a->d->base, on_base);
	else
		look_at_well_known(a);
}

/* ---- DNS (RFC 6764 6) ---- */

void caldav_set_base(struct caldav *d, const char *url)
{
	d->origin = caldav_origin(url);
	d->base = strdup(url);
	if (!d->base)
		abort();
}

/* The path in a TXT record, "path=/dav"; the first counts. */
static void take_path(void *arg, const char *text)
{
	char *path = arg;
	if (!path[0] && text_istarts(text, "path=/") && strlen(text + 5) < CALDAV_MAX_URL / 2)
		strcpy(path, text + 5);
}

/* Is ${host} ${domain} itself or below it? */
static bool within(const char *host, const char *domain)
{
	size_t n = strlen(host), m = strlen(domain);
	return n >= m && text_ieq(host + n - m, domain) && (n == m || host[n - m - 1] == '.');
}

/*
 * Asks DNS where the server is. A place outside of the domain is refused: whoever forges an answer could else send our credential
 * to a host with a good certificate of its own (RFC 6764 8).
 */
static bool discover(struct caldav *d, const char *domain, struct buf *why)
{
	struct resolve_place place;
	char name[FB_DOMAIN_MAX + 32], path[CALDAV_MAX_URL] = "", url[CALDAV_MAX_URL + 300], port[16] = "";
	snprintf(name, sizeof name, "_caldavs._tcp.%s", domain);
	enum resolve_result r = resolve_srv(name, NULL, &place, why);
	if (r == RESOLVE_COULD_NOT)
		return false;
	if (r == RESOLVE_NONE)
		place = (struct resolve_place){.port = 443};
	if (r == RESOLVE_NONE || resolve_txt(name, NULL, take_path, path, why) == RESOLVE_COULD_NOT)
		path[0] = 0; /* the well-known place does as well */
	buf_reset(why);
	if (r == RESOLVE_NONE)
		snprintf(place.host, sizeof place.host, "%s", domain);
	if (!within(place.host, domain)) {
		const char *where = place.host[0] ? ", outside of the domain," : "nobody";
		buf_printf(why, "discover %s: DNS names %s%s as the server: set url", domain, place.host, where);
		return false;
	}
	if (place.port != 443)
		snprintf(port, sizeof port, ":%d", place.port);
	snprintf(url, sizeof url, "https://%s%s%s", place.host, port, path[0] ? path : "/.well-known/caldav");
	caldav_set_base(d, url);
	return true;
}

/* It may have moved, and all that it named with it. */
static void forget(struct caldav *d)
{
	char **all[] = {&d->origin, &d->base, &d->outbox, &d->organizer};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		free(*all[i]);
		*all[i] = NULL;
	}
}

bool caldav_locate(struct caldav_ask *a)
{
	struct caldav *d = a->d;
	int64_t now = loop_ms();
	if (d->lost && d->busy == 1 && d->site.backend->discover && now - d->looked_ms >= LOOK_AGAIN_MS)
		forget(d);
	if (d->origin)
		return true;
	if (d->looked_ms && now - d->looked_ms < LOOK_AGAIN_MS) {
		buf_printf(&a->why, "where the server of %s is was not found a moment ago", d->site.backend->discover);
		return false;
	}
	d->looked_ms = now;
	return discover(d, d->site.backend->discover, &a->why);
}
