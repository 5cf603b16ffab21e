#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/link/convert.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

#define PB(name) Availbridge__Link__V1__##name

enum { DAY = 86400, DST_SLACK = 3600 }; /* 62 days on a wall clock may be an hour more */
static const int64_t first_second = -62135596800, last_second = 253402300799; /* years 1..9999 */

static const struct wire_cap query_caps[] = {
	{&availbridge__link__v1__query_request__descriptor, 2, FB_MAX_MAILBOXES, FB_ADDRESS_MAX, NULL},
	{&availbridge__link__v1__requester__descriptor, 1, 0, FB_ADDRESS_MAX, NULL},
	{&availbridge__link__v1__requester__descriptor, 2, 0, FB_DOMAIN_MAX, NULL},
	{0},
};

int link_query_write(struct buf *out, const struct fb_query *q)
{
	PB(QueryRequest) m = AVAILBRIDGE__LINK__V1__QUERY_REQUEST__INIT;
	PB(Requester) who = AVAILBRIDGE__LINK__V1__REQUESTER__INIT;
	char *names[FB_MAX_MAILBOXES];

	if (q->n > FB_MAX_MAILBOXES)
		return -1;
	who.who_case = q->requester.is_person ? AVAILBRIDGE__LINK__V1__REQUESTER__WHO_ADDRESS : AVAILBRIDGE__LINK__V1__REQUESTER__WHO_DOMAIN;
	who.address = (char *)q->requester.name; /* of a union with domain */
	for (size_t i = 0; i < q->n; i++)
		names[i] = (char *)q->mailboxes[i].address; /* only read */
	m.requester = &who;
	m.mailboxes = names;
	m.n_mailboxes = q->n;
	m.start = q->window.start;
	m.end = q->window.end;
	m.interval_minutes = (uint32_t)q->interval;
	m.view = q->view;
	return wire_pack(out, &m.base);
}

static bool read_requester(const PB(Requester) *who, struct fb_requester *out)
{
	char normal[FB_ADDRESS_MAX + 1];
	const char *name;

	if (!who || who->who_case == AVAILBRIDGE__LINK__V1__REQUESTER__WHO__NOT_SET)
		return false;
	out->is_person = who->who_case == AVAILBRIDGE__LINK__V1__REQUESTER__WHO_ADDRESS;
	name = out->is_person ? who->address : who->domain;
	if (!(out->is_person ? fb_address_normal(name, normal) : fb_domain_normal(name, normal)))
		return false;
	snprintf(out->name, sizeof out->name, "%s", normal);
	return true;
}

/* What is wrong with the message, or NULL. */
static const char *fault_of(const PB(QueryRequest) *m)
{
	if (!m->n_mailboxes)
		return "the query names no mailbox";
	if (m->start < first_second || m->end > last_second || m->start >= m->end)
		return "the window's end is not after its start";
	if (m->end - m->start > (int64_t)FB_MAX_WINDOW_DAYS * DAY + DST_SLACK)
		return "the window is longer than 62 days";
	if (m->interval_minutes < FB_MIN_INTERVAL || m->interval_minutes > FB_MAX_INTERVAL)
		return "the interval is not in 5..1440 minutes";
	if (!m->view || m->view > (FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS))
		return "the view is none of the bits 1, 2 and 4";
	return NULL;
}

/* The mailboxes of ${m}, in one piece of memory; NULL when out of memory. */
static struct fb_mailbox *read_mailboxes(const PB(QueryRequest) *m, ProtobufCAllocator *memory)
{
	struct fb_mailbox list[FB_MAX_MAILBOXES]; /* query_caps: they are no more, and none is longer than it may be */
	char normal[FB_ADDRESS_MAX + 1], *copy;

	for (size_t i = 0; i < m->n_mailboxes; i++) {
		const char *asked = m->mailboxes[i];

		list[i] = (struct fb_mailbox){asked, ""};
		if (!fb_address_normal(asked, normal))
			continue;
		if (strcmp(asked, normal) == 0) { /* as our own side sends them */
			list[i].address = asked;
			continue;
		}
		if (!(copy = memory->alloc(memory->allocator_data, strlen(normal) + 1)))
			return NULL;
		list[i].address = strcpy(copy, normal);
	}
	return fb_mailboxes_copy(list, m->n_mailboxes);
}

bool link_query_read(const uint8_t *p, size_t n, struct fb_query *q, const char **why)
{
	ProtobufCAllocator memory;
	PB(QueryRequest) *m;

	q->mailboxes = NULL;
	if (!wire_within(&availbridge__link__v1__query_request__descriptor, p, n, query_caps, why))
		return false;
	wire_memory(&memory, 4 * LINK_QUERY_BYTES);
	m = availbridge__link__v1__query_request__unpack(&memory, n, p);
	if (!m)
		*why = "the query could not be read";
	else if ((*why = fault_of(m)) == NULL && !read_requester(m->requester, &q->requester))
		*why = "the requester is neither an address nor a domain";
	else if (!*why && !(q->mailboxes = read_mailboxes(m, &memory)))
		*why = "out of memory";
	if (q->mailboxes) {
		q->n = m->n_mailboxes;
		q->window = (struct fb_window){m->start, m->end};
		q->interval = (int)m->interval_minutes;
		q->view = m->view & FB_VIEW_DETAILS ? m->view | FB_VIEW_EVENTS : m->view;
	}
	wire_memory_free(&memory);
	return q->mailboxes != NULL;
}
