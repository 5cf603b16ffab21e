#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ews/dav.h"
#include "bridge/ews/soap.h"

#define NS_DAV "DAV:"
#define NS_CALDAV "urn:ietf:params:xml:ns:caldav"
#define NS_SOGO "urn:inverse:params:xml:ns:inverse-dav"

/* A list that grows in an arena: the old copies stay there, so it doubles. */
struct growing {
	void *list;
	size_t n, cap, size;
};
struct dav_reading {
	struct growing responses;    /* struct dav_response or struct dav_recipient */
	struct dav_response found;   /* of the propstat at hand */
	int status;                  /* of the propstat at hand */
	bool components, events;     /* supported-calendar-component-set: given; has VEVENT */
};

static struct dav_reading *reading_of(struct soap *s)
{
	return s->arg;
}

static bool no_memory(struct soap *s)
{
	return soap_fault(s, "ErrorInternalServerError", "The answer needs more memory than one answer may have.");
}

/* One more entry, all zero. */
static bool add(struct soap *s)
{
	struct growing *g = &reading_of(s)->responses;

	if (g->n == DAV_MAX_RESPONSES)
		return soap_violation(s, "There are more than %d responses.", DAV_MAX_RESPONSES);
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 16;
		void *more = arena_alloc(s->arena, cap * g->size);

		if (!more)
			return no_memory(s);
		if (g->n)
			memcpy(more, g->list, g->n * g->size);
		g->list = more;
		g->cap = cap;
	}
	g->n++;
	return true;
}

static void *last(struct soap *s)
{
	struct growing *g = &reading_of(s)->responses;

	return (char *)g->list + (g->n - 1) * g->size;
}

static bool keep(struct soap *s, const char **to, const char *text)
{
	*to = arena_strdup(s->arena, text);
	return *to || no_memory(s);
}

/* The number in "HTTP/1.1 200 OK"; 0 if there is none. */
static int status_of(const char *text)
{
	const char *blank = strchr(text, ' ');
	char digits[4] = "";
	int64_t n;

	if (!text_istarts(text, "HTTP/") || !blank)
		return 0;
	strncpy(digits, blank + 1, 3);
	return text_int(digits, 100, 599, &n) ? (int)n : 0;
}

static bool response_open(struct soap *s, const char *text)
{
	return add(s);
}

static bool response_href(struct soap *s, const char *text)
{
	struct dav_response *r = last(s);

	return r->href || keep(s, &r->href, text); /* some responses name several resources that share a status: none that we ask for */
}

static bool response_status(struct soap *s, const char *text)
{
	((struct dav_response *)last(s))->status = status_of(text);
	return true;
}

static bool propstat_open(struct soap *s, const char *text)
{
	struct dav_reading *d = reading_of(s);

	d->found = (struct dav_response){0};
	d->status = 0;
	d->components = d->events = false;
	return true;
}

static bool propstat_status(struct soap *s, const char *text)
{
	reading_of(s)->status = status_of(text);
	return true;
}

/* What lies in one that is left out would be free time. */
static bool too_many_homes(struct soap *s)
{
	return soap_violation(s, "There are more than %d calendar homes of one principal.", DAV_MAX_HOMES);
}

/* The status may stand before the properties or behind them: what they say counts only here. */
static bool propstat_close(struct soap *s, const char *text)
{
	struct dav_reading *d = reading_of(s);
	struct dav_response *r = last(s), *f = &d->found;

	if (d->status < 200 || d->status > 299) {
		r->refused = r->refused ? r->refused : d->status ? d->status : 500;
		return true;
	}
	r->types |= f->types;
	r->classes |= f->classes;
	r->principal = f->principal ? f->principal : r->principal;
	r->owner = f->owner ? f->owner : r->owner;
	r->outbox = f->outbox ? f->outbox : r->outbox;
	r->mail = f->mail ? f->mail : r->mail;
	r->data = f->data ? f->data : r->data;
	r->transparent |= f->transparent;
	r->no_events |= d->components && !d->events;
	for (size_t i = 0; i < f->n_homes; i++) {
		if (r->n_homes == DAV_MAX_HOMES)
			return too_many_homes(s);
		r->homes[r->n_homes++] = f->homes[i];
	}
	return true;
}

static bool type_collection(struct soap *s, const char *text)
{
	reading_of(s)->found.types |= DAV_COLLECTION;
	return true;
}

static bool type_principal(struct soap *s, const char *text)
{
	reading_of(s)->found.types |= DAV_PRINCIPAL;
	return true;
}

static bool type_calendar(struct soap *s, const char *text)
{
	reading_of(s)->found.types |= DAV_CALENDAR;
	return true;
}

static bool principal_href(struct soap *s, const char *text)
{
	return keep(s, &reading_of(s)->found.principal, text);
}

static bool owner_href(struct soap *s, const char *text)
{
	return keep(s, &reading_of(s)->found.owner, text);
}

static bool outbox_href(struct soap *s, const char *text)
{
	return keep(s, &reading_of(s)->found.outbox, text);
}

static bool home_href(struct soap *s, const char *text)
{
	struct dav_response *f = &reading_of(s)->found;

	return f->n_homes < DAV_MAX_HOMES ? keep(s, &f->homes[f->n_homes++], text) : too_many_homes(s);
}

static bool address_href(struct soap *s, const char *text)
{
	struct dav_response *f = &reading_of(s)->found;

	return f->mail || !text_istarts(text, "mailto:") || keep(s, &f->mail, text + 7);
}

static bool transparent(struct soap *s, const char *text)
{
	return reading_of(s)->found.transparent = true;
}

static bool component_set(struct soap *s, const char *text)
{
	return reading_of(s)->components = true;
}

static bool component(struct soap *s, const char *text)
{
	const char *name = soap_attribute(s, "name");

	reading_of(s)->events |= name && text_ieq(name, "VEVENT");
	return true;
}

static bool sees_public(struct soap *s, const char *text)
{
	reading_of(s)->found.classes |= DAV_PUBLIC;
	return true;
}

static bool sees_private(struct soap *s, const char *text)
{
	reading_of(s)->found.classes |= DAV_PRIVATE;
	return true;
}

static bool sees_confidential(struct soap *s, const char *text)
{
	reading_of(s)->found.classes |= DAV_CONFIDENTIAL;
	return true;
}

static bool calendar_data(struct soap *s, const char *text)
{
	return keep(s, &reading_of(s)->found.data, text);
}

static const struct soap_row type_rows[] = {
	{NS_DAV, "collection", SOAP_LAX, NULL, type_collection, NULL},
	{NS_DAV, "principal", SOAP_LAX, NULL, type_principal, NULL},
	{NS_CALDAV, "calendar", SOAP_LAX, NULL, type_calendar, NULL},
	{0},
};
static const struct soap_row principal_rows[] = {{NS_DAV, "href", 0, NULL, NULL, principal_href}, {0}};
static const struct soap_row owner_rows[] = {{NS_DAV, "href", 0, NULL, NULL, owner_href}, {0}};
static const struct soap_row outbox_rows[] = {{NS_DAV, "href", 0, NULL, NULL, outbox_href}, {0}};
static const struct soap_row home_rows[] = {{NS_DAV, "href", 0, NULL, NULL, home_href}, {0}};
static const struct soap_row address_rows[] = {{NS_DAV, "href", 0, NULL, NULL, address_href}, {0}};
static const struct soap_row transp_rows[] = {{NS_CALDAV, "transparent", SOAP_LAX, NULL, transparent, NULL}, {0}};
static const struct soap_row component_rows[] = {{NS_CALDAV, "comp", SOAP_LAX, NULL, component, NULL}, {0}};
/* DAV:current-user-privilege-set (RFC 3744 5.4); "dant" is date and time. */
static const struct soap_row privilege_rows[] = {
	{NS_SOGO, "viewwhole-public-records", SOAP_LAX, NULL, sees_public, NULL},
	{NS_SOGO, "viewdant-public-records", SOAP_LAX, NULL, sees_public, NULL},
	{NS_SOGO, "viewwhole-private-records", SOAP_LAX, NULL, sees_private, NULL},
	{NS_SOGO, "viewdant-private-records", SOAP_LAX, NULL, sees_private, NULL},
	{NS_SOGO, "viewwhole-confidential-records", SOAP_LAX, NULL, sees_confidential, NULL},
	{NS_SOGO, "viewdant-confidential-records", SOAP_LAX, NULL, sees_confidential, NULL},
	{0},
};
static const struct soap_row privileges_rows[] = {{NS_DAV, "privilege", SOAP_LAX, privilege_rows, NULL, NULL}, {0}};
static const struct soap_row prop_rows[] = {
	{NS_DAV, "resourcetype", SOAP_LAX, type_rows, NULL, NULL},
	{NS_DAV, "current-user-principal", SOAP_LAX, principal_rows, NULL, NULL},
	{NS_DAV, "owner", SOAP_LAX, owner_rows, NULL, NULL},
	{NS_DAV, "current-user-privilege-set", SOAP_LAX, privileges_rows, NULL, NULL},
	{NS_CALDAV, "schedule-outbox-URL", SOAP_LAX, outbox_rows, NULL, NULL},
	{NS_CALDAV, "calendar-home-set", SOAP_LAX, home_rows, NULL, NULL},
	{NS_CALDAV, "calendar-user-address-set", SOAP_LAX, address_rows, NULL, NULL},
	{NS_CALDAV, "schedule-calendar-transp", SOAP_LAX, transp_rows, NULL, NULL},
	{NS_CALDAV, "supported-calendar-component-set", SOAP_LAX, component_rows, component_set, NULL},
	{NS_CALDAV, "calendar-data", 0, NULL, NULL, calendar_data},
	{0},
};
static const struct soap_row propstat_rows[] = {
	{NS_DAV, "status", 0, NULL, NULL, propstat_status},
	{NS_DAV, "prop", SOAP_LAX, prop_rows, NULL, NULL},
	{0},
};
static const struct soap_row response_rows[] = {
	{NS_DAV, "href", 0, NULL, NULL, response_href},
	{NS_DAV, "status", 0, NULL, NULL, response_status},
	{NS_DAV, "propstat", SOAP_LAX, propstat_rows, propstat_open, propstat_close},
	{0},
};
static const struct soap_row multistatus_rows[] = {{NS_DAV, "response", SOAP_LAX, response_rows, response_open, NULL}, {0}};
static const struct soap_row multistatus_root[] = {{NS_DAV, "multistatus", SOAP_LAX, multistatus_rows, NULL, NULL}, {0}};

static bool recipient(struct soap *s, const char *text)
{
	struct dav_recipient *r = last(s);

	return r->who || !*text || keep(s, &r->who, text);
}

static bool request_status(struct soap *s, const char *text)
{
	return keep(s, &((struct dav_recipient *)last(s))->status, text);
}

static bool recipient_data(struct soap *s, const char *text)
{
	return keep(s, &((struct dav_recipient *)last(s))->data, text);
}

static const struct soap_row recipient_rows[] = {{NS_DAV, "href", 0, NULL, NULL, recipient}, {0}};
static const struct soap_row answer_rows[] = {
	{NS_CALDAV, "recipient", SOAP_LAX | SOAP_MIXED, recipient_rows, NULL, recipient},
	{NS_CALDAV, "request-status", 0, NULL, NULL, request_status},
	{NS_CALDAV, "calendar-data", 0, NULL, NULL, recipient_data},
	{0},
};
static const struct soap_row schedule_rows[] = {{NS_CALDAV, "response", SOAP_LAX, answer_rows, response_open, NULL}, {0}};
static const struct soap_row schedule_root[] = {{NS_CALDAV, "schedule-response", SOAP_LAX, schedule_rows, NULL, NULL}, {0}};

static bool read_by(const struct soap_row *root, struct dav_reading *d, const void *p, size_t n, struct arena *arena,
                    struct buf *why)
{
	/* A blank at the front of a line of a calendar would make it part of the line before. */
	struct soap s = {.arg = d, .arena = arena, .max_text = DAV_MAX_TEXT, .mend = '?'};

	if (soap_read(&s, p, n, DAV_MAX_REPLY, root))
		return true;
	buf_reset(why);
	if (s.fault.line)
		buf_printf(why, "line %d of the XML: ", s.fault.line);
	buf_puts(why, s.fault.text);
	return false;
}

bool dav_multistatus_read(const void *p, size_t n, struct arena *arena, struct dav_multistatus *out, struct buf *why)
{
	struct dav_reading d = {.responses.size = sizeof *out->list};
	bool ok = read_by(multistatus_root, &d, p, n, arena, why);

	*out = (struct dav_multistatus){d.responses.list, ok ? d.responses.n : 0};
	return ok;
}

bool dav_schedule_read(const void *p, size_t n, struct arena *arena, struct dav_schedule *out, struct buf *why)
{
	struct dav_reading d = {.responses.size = sizeof *out->list};
	bool ok = read_by(schedule_root, &d, p, n, arena, why);

	*out = (struct dav_schedule){d.responses.list, ok ? d.responses.n : 0};
	return ok;
}
