#include <string.h>
#include "bridge/backend/caldav_own.h"

/* A person's calendars: what `calendar` or `principal` (or a url with a placeholder) leads to. */

static const char propfind[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop>"
	"<D:resourcetype/><D:owner/><D:current-user-privilege-set/><C:calendar-home-set/><C:supported-calendar-component-set/>"
	"<C:schedule-calendar-transp/></D:prop></D:propfind>";

static void next_home(struct caldav_ask *a);

static void look_at(struct caldav_ask *a, const char *url, const char *depth, caldav_step *step)
{
	buf_reset(&a->body);
	buf_puts(&a->body, propfind);
	caldav_send(a, "PROPFIND", url, depth, "application/xml", step);
}

/* False, and the way is over, if the href leads elsewhere or there are too many. */
static bool add(struct caldav_ask *a, char **list, size_t *n, size_t max, const char *href)
{
	char *url = href ? caldav_resolve(a->arena, href, a->d->origin) : NULL;
	if (url && *n < max) {
		list[(*n)++] = url;
		return true;
	}
	if (url)
		caldav_end(a, CALDAV_FAILED, "there are more than %zu calendars of one person: %s is left out", max, url);
	else
		caldav_end(a, CALDAV_FAILED, "the server names a calendar at another place: %s", href ? href : "nowhere");
	return false;
}

/*
 * SOGo gives rights for each class of events, and leaves those of a class without any out of all that it lists: their time would be free.
 * False, and the way is over, if it does so here. With no right to any it names no class, and is known by its path.
 */
static bool shows_all(struct caldav_ask *a, const struct dav_response *r, const char *url)
{
	static const struct {
		enum dav_class class;
		const char *word;
	} all[] = {{DAV_PUBLIC, "public"}, {DAV_CONFIDENTIAL, "confidential"}, {DAV_PRIVATE, "private"}};

	for (size_t i = 0; (r->classes || strstr(url, "/SOGo/dav/")) && i < sizeof all / sizeof *all; i++)
		if (!(r->classes & all[i].class)) {
			caldav_end(a, CALDAV_REFUSED,
			           "%s: our account may not see its %s events, whose time would look free: let it see the date and time at least of public, "
			           "confidential and private ones", url, all[i].word);
			return false;
		}
	return true;
}

/* Do two hrefs mean one place? A path or a whole URL, with or without the slash at its end. */
static bool same_place(struct caldav_ask *a, const char *one, const char *two)
{
	const char *x = caldav_resolve(a->arena, one, a->d->origin), *y = caldav_resolve(a->arena, two, a->d->origin);
	size_t n = x ? strlen(x) : 0, m = y ? strlen(y) : 0;
	if (!x || !y)
		return strcmp(one, two) == 0;
	n -= x[n - 1] == '/';
	m -= y[m - 1] == '/';
	return n == m && !strncmp(x, y, n);
}

/* Calendars that others own are seen in a home as well, and say nothing of this person's time. */
static bool counts(struct caldav_ask *a, const struct dav_response *r, const char *owner)
{
	bool foreign = owner && r->owner && !same_place(a, owner, r->owner);
	return (r->types & DAV_CALENDAR) && !r->transparent && !r->no_events && !foreign;
}

/*
 * A member of which the server does not say what it is may be a calendar, and without it the answer has a hole; the list may be
 * cut off as well (507, RFC 4918 11.5). One that is gone meanwhile is none.
 */
static bool tells_all(struct caldav_ask *a, const struct http_reply *reply, const struct dav_multistatus *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct dav_response *r = &m->list[i];
		int status = r->status >= 300 ? r->status : r->types ? 0 : r->refused;
		if (!status || status == 404 || status == 410)
			continue;
		caldav_end(a, status == 401 || status == 403 ? CALDAV_REFUSED : CALDAV_FAILED,
		           "%s: the server lists %s and does not say what it is (%d)", reply->url, r->href ? r->href : "something", status);
		return false;
	}
	return true;
}

/* The members of the home at hand. */
static void on_home(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_multistatus m;
	const char *owner = NULL;
	if (!caldav_multistatus(a, r, &m) || !tells_all(a, r, &m))
		return;
	for (size_t i = 0; i < m.n && !owner; i++)
		owner = m.list[i].href && strstr(r->url, m.list[i].href) ? m.list[i].owner : NULL; /* the home itself is among them */
	for (size_t i = 0; i < m.n; i++)
		if (counts(a, &m.list[i], owner) && !(add(a, a->calendars, &a->n_calendars, CALDAV_MAX_CALENDARS, m.list[i].href) &&
		                                      shows_all(a, &m.list[i], a->calendars[a->n_calendars - 1])))
			return;
	a->at++;
	next_home(a);
}

static void next_home(struct caldav_ask *a)
{
	if (a->at < a->n_homes) {
		look_at(a, a->homes[a->at], "1", on_home);
		return;
	}
	a->at = 0;
	if (a->n_calendars)
		a->found(a);
	else
		caldav_end(a, CALDAV_REFUSED, "%s: there is no calendar that our account may see", a->n_homes ? a->homes[0] : "the server");
}

/* Where the settings lead: a calendar, a home of calendars, or a principal that names its homes. */
static void on_start(struct caldav_ask *a, const struct http_reply *r)
{
	struct dav_multistatus m;
	if (!caldav_multistatus(a, r, &m))
		return;
	const struct dav_response *f = m.n ? &m.list[0] : NULL;
	if (!f || f->status >= 400) {
		caldav_end(a, CALDAV_REFUSED, "%s: there is no such thing", r->url);
		return;
	}
	if (f->types & DAV_CALENDAR) {
		if (add(a, a->calendars, &a->n_calendars, CALDAV_MAX_CALENDARS, r->url) && shows_all(a, f, r->url))
			a->found(a);
		return;
	}
	for (size_t i = 0; i < f->n_homes; i++)
		if (!add(a, a->homes, &a->n_homes, DAV_MAX_HOMES, f->homes[i]))
			return;
	if (!f->n_homes && (f->types & DAV_COLLECTION) && !add(a, a->homes, &a->n_homes, DAV_MAX_HOMES, r->url))
		return;
	next_home(a);
}

void caldav_find_calendars(struct caldav_ask *a, void (*found)(struct caldav_ask *a))
{
	const struct conf_backend *b = a->d->site.backend;
	const char *start = b->calendar ? b->calendar : b->principal ? b->principal : caldav_has_placeholder(b->url) ? b->url : NULL;
	a->found = found;
	if (!start) {
		caldav_end(a, CALDAV_UNKNOWN, "no setting says where a person's calendars are: set calendar or principal");
		return;
	}
	char *url = caldav_expand(a->arena, start, a->d->origin, a->address, a->window);
	if (!url)
		caldav_end(a, CALDAV_FAILED, "%s leads away from %s, or is too long for this address", start, a->d->origin);
	else
		look_at(a, url, "0", on_start);
}
