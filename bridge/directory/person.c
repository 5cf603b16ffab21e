#include "bridge/directory/person.h"
#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/directory/dn.h"
#include "bridge/directory/filter.h"
#include "bridge/directory/sid.h"

enum { UAC_DISABLED = 2 }; /* ADS_UF_ACCOUNTDISABLE, MS-ADTS 2.2.16 */

/* What is asked of an entry, in this order. */
enum { MAIL, ALIASES, TARGET, HIDDEN, DISABLED, KIND, SID, PRIMARY, ATTRIBUTES };

bool person_domain_is_ours(const struct conf *c, const char *domain)
{
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, "local") == 0 && strcmp(c->spaces[i].forest_name, domain) == 0)
			return true;
	return false;
}

/* ${address} is spelled as the directory may have it. */
static void spelled(const struct directory_session *s, const char *address, bool ours, struct buf *filter)
{
	const char *aliases = session_attribute(s, CONF_ATTRIBUTE_ALIASES), *target = session_attribute(s, CONF_ATTRIBUTE_TARGET);

	filter_equal(filter, session_attribute(s, CONF_ATTRIBUTE_MAIL), "", address);
	filter_equal(filter, aliases, "smtp:", address);
	filter_equal(filter, aliases, "", address);
	if (!ours) {
		filter_equal(filter, target, "smtp:", address);
		filter_equal(filter, target, "", address);
	}
}

void person_address_filter(const struct directory_session *s, const char *address, struct buf *filter)
{
	bool ours = person_domain_is_ours(s->c, fb_address_domain(address));
	char unicode[FB_ADDRESS_UNICODE_MAX + 1];

	buf_puts(filter, "(|");
	spelled(s, address, ours, filter);
	if (fb_address_unicode(address, unicode))
		spelled(s, unicode, ours, filter);
	buf_putc(filter, ')');
}

/* ---- what an entry says ---- */

static bool has_address(const struct found_values *v, const char *address)
{
	char normal[FB_ADDRESS_MAX + 1];

	for (size_t i = 0; i < v->n; i++)
		if (strlen(v->list[i].p) == v->list[i].n && fb_address_normal(v->list[i].p, normal) && strcmp(normal, address) == 0)
			return true;
	return false;
}

/* The server compares as it likes, some without regard to accents; who somebody is, is compared here. */
static bool bears(const struct directory_session *s, const struct found_entry *e, const char *address)
{
	return has_address(&e->values[MAIL], address) || has_address(&e->values[ALIASES], address) ||
	       (!person_domain_is_ours(s->c, fb_address_domain(address)) && has_address(&e->values[TARGET], address));
}

static bool take_address(const struct directory_session *s, const struct found_value *v, char out[FB_ADDRESS_MAX + 1])
{
	char normal[FB_ADDRESS_MAX + 1];

	if (strlen(v->p) != v->n || !fb_address_normal(v->p, normal) || !person_domain_is_ours(s->c, fb_address_domain(normal)))
		return false;
	memcpy(out, normal, sizeof normal);
	return true;
}

/*
 * The primary address: the one that Exchange writes with SMTP: in capitals, else the first mail; only one in a domain of ours
 * can be asked for here.
 */
static void read_address(const struct directory_session *s, const struct found_entry *e, const char *asked, char out[FB_ADDRESS_MAX + 1])
{
	const struct found_values *aliases = &e->values[ALIASES], *mail = &e->values[MAIL];

	if (asked && !person_domain_is_ours(s->c, fb_address_domain(asked))) {
		snprintf(out, FB_ADDRESS_MAX + 1, "%s", asked);
		return;
	}
	for (size_t i = 0; i < aliases->n; i++)
		if (strncmp(aliases->list[i].p, "SMTP:", 5) == 0 && take_address(s, &aliases->list[i], out))
			return;
	for (size_t i = 0; i < mail->n; i++)
		if (take_address(s, &mail->list[i], out))
			return;
	snprintf(out, FB_ADDRESS_MAX + 1, "%s", asked ? asked : "");
}

/* A target in a domain of ours is how mail is routed inside; any other, of whatever kind, says that the mailbox is not here. */
static void read_target(const struct directory_session *s, const struct found_entry *e, char out[FB_ADDRESS_MAX + 1])
{
	const struct found_values *v = &e->values[TARGET];
	char normal[FB_ADDRESS_MAX + 1];

	for (size_t i = 0; i < v->n; i++)
		if (!fb_address_normal(v->list[i].p, normal))
			snprintf(out, FB_ADDRESS_MAX + 1, "%.*s", FB_ADDRESS_MAX, v->list[i].p);
		else if (!person_domain_is_ours(s->c, fb_address_domain(normal)))
			memcpy(out, normal, sizeof normal);
}

/*
 * Does ${e}, which bears ${address}, stand for whoever that is? Another site's address that is an alias of a mailbox of ours (two
 * firms became one) does not make the person there, for whom a peer speaks, the person here: only a contact does, or a mail user
 * whose mailbox is outside.
 */
static bool stands_for(const struct directory_session *s, const struct found_entry *e, const char *address)
{
	char own[FB_ADDRESS_MAX + 1], target[FB_ADDRESS_MAX + 1] = "";

	if (person_domain_is_ours(s->c, fb_address_domain(address)))
		return true;
	read_address(s, e, NULL, own);
	read_target(s, e, target);
	return !*own || *target;
}

static bool says_no(const char *value)
{
	return text_ieq(value, "FALSE") || text_ieq(value, "no") || strcmp(value, "0") == 0;
}

enum fb_fact person_disabled_value(const char *name, const char *value)
{
	int64_t flags;

	if (text_ieq(name, "userAccountControl"))
		return text_int(value, INT32_MIN, UINT32_MAX, &flags) ? (flags & UAC_DISABLED ? FB_YES : FB_NO) : FB_COULD_NOT_TELL;
	if (text_ieq(name, "pwdAccountLockedTime")) /* any other time is a lock that passes, after wrong passwords */
		return strcmp(value, "000001010000Z") == 0 ? FB_YES : FB_NO;
	return says_no(value) ? FB_NO : FB_YES;
}

/*
 * Exchange keeps the accounts of rooms, equipment, shared and linked mailboxes disabled, and their calendars are there all
 * the same.
 */
static bool is_resource(const struct found_values *kind)
{
	static const char *const kinds[] = {"2", "4", "16", "32"}; /* msExchRecipientTypeDetails: linked, shared, room, equipment */

	for (size_t i = 0; kind->n == 1 && i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kind->list[0].p, kinds[i]) == 0)
			return true;
	return false;
}

static void read_switches(struct directory_session *s, const struct found_entry *e, struct directory_answer *a)
{
	const struct found_values *hidden = &e->values[HIDDEN], *disabled = &e->values[DISABLED];

	for (size_t i = 0; i < hidden->n; i++)
		a->hidden |= !says_no(hidden->list[i].p);
	for (size_t i = 0; i < disabled->n && !is_resource(&e->values[KIND]); i++) {
		enum fb_fact fact = person_disabled_value(session_attribute(s, CONF_ATTRIBUTE_DISABLED), disabled->list[i].p);

		a->disabled |= fact == FB_YES;
		if (fact == FB_COULD_NOT_TELL) {
			a->exists = FB_COULD_NOT_TELL;
			buf_printf(&s->why, "%s: its %s is no number", e->dn, session_attribute(s, CONF_ATTRIBUTE_DISABLED));
		}
	}
}

/* ---- finding it ---- */

static bool has_domain(const struct found_values *v, const char *domain)
{
	char normal[FB_ADDRESS_MAX + 1];

	for (size_t i = 0; i < v->n; i++)
		if (strlen(v->list[i].p) == v->list[i].n && fb_address_normal(v->list[i].p, normal) && strcmp(fb_address_domain(normal), domain) == 0)
			return true;
	return false;
}

static const struct found_entry *only_one(struct directory_session *s, const struct person_search *what, const struct found *f, bool *two)
{
	const struct found_entry *one = NULL;

	*two = f->more;
	for (const struct found_entry *e = f->first; e; e = e->next) {
		if (what->address && !(bears(s, e, what->address) && stands_for(s, e, what->address)))
			continue;
		if (what->domain && !has_domain(&e->values[MAIL], what->domain) && !has_domain(&e->values[ALIASES], what->domain))
			continue;
		if (what->one_domain && dn_is_of_child(e->dn, what->base))
			continue;
		if (one) {
			*two = true;
			buf_printf(&s->why, "%s belongs to two entries of the directory, %s and %s: take it from one of them", what->asked, one->dn, e->dn);
			return NULL;
		}
		one = e;
	}
	if (*two)
		buf_printf(&s->why, "more than %d entries of the directory answer to %s", PERSON_CANDIDATES, what->asked);
	return *two ? NULL : one;
}

/* An account's primary group is of its own domain, and is told by the last number of its SID. */
static void read_primary(const struct found_entry *e, struct buf *out)
{
	const struct found_values *sid = &e->values[SID], *rid = &e->values[PRIMARY];
	int64_t number;

	if (sid->n != 1 || rid->n != 1 || !text_int(rid->list[0].p, 0, UINT32_MAX, &number))
		return;
	if (buf_add(out, sid->list[0].p, sid->list[0].n) == 0 && !sid_replace_rid(buf_ptr(out), out->len, (uint32_t)number))
		buf_reset(out);
}

static void read_entry(struct directory_session *s, const struct person_search *what, const struct found_entry *e,
                       struct directory_answer *a, struct groups_entry *of)
{
	a->exists = buf_puts(&of->dn, e->dn) == 0 ? FB_YES : FB_COULD_NOT_TELL;
	if (a->exists != FB_YES)
		buf_printf(&s->why, "%s: the DN of its entry is too long to ask for its groups", what->asked);
	snprintf(a->dn, sizeof a->dn, "%s", e->dn);
	read_primary(e, &of->primary);
	read_address(s, e, what->address, a->address);
	if (!what->address || person_domain_is_ours(s->c, fb_address_domain(what->address)))
		read_target(s, e, a->moved_to); /* that somebody else's mailbox is elsewhere is no news */
	read_switches(s, e, a);
}

/* Asks for it; 0, or -1 with the sentence. */
static int search_for(struct directory_session *s, const struct person_search *what, struct found *f)
{
	const char *const attributes[] = {
		[MAIL] = session_attribute(s, CONF_ATTRIBUTE_MAIL), [ALIASES] = session_attribute(s, CONF_ATTRIBUTE_ALIASES),
		[TARGET] = session_attribute(s, CONF_ATTRIBUTE_TARGET), [HIDDEN] = session_attribute(s, CONF_ATTRIBUTE_HIDDEN),
		[DISABLED] = session_attribute(s, CONF_ATTRIBUTE_DISABLED), [KIND] = session_attribute(s, CONF_ATTRIBUTE_RECIPIENT_TYPE),
		[SID] = session_attribute(s, CONF_ATTRIBUTE_SID), [PRIMARY] = s->active_directory ? "primaryGroupID" : "", [ATTRIBUTES] = NULL};
	enum search_result r = SEARCH_FAILED;
	struct buf filter;

	buf_init(&filter, PERSON_FILTER_MAX);
	buf_puts(&filter, "(&");
	filter_equal(&filter, "objectClass", "", session_attribute(s, CONF_CLASS_PERSON));
	buf_puts(&filter, what->filter);
	buf_putc(&filter, ')');
	const struct directory_query q = {NULL, what->base, true, buf_cstr(&filter), attributes, PERSON_CANDIDATES};

	if (filter.failed) {
		found_init(f);
		buf_puts(&s->why, "what is looked for is too long");
	} else {
		r = session_search(s, what->step, &q, f);
	}
	if (r == SEARCH_NO_BASE)
		buf_printf(&s->why, "the directory has no entry \"%s\", where people are to be looked for: see `base`", what->base);
	buf_free(&filter);
	return r == SEARCH_DONE ? 0 : -1;
}

void person_find(struct directory_session *s, const struct person_search *what, struct directory_answer *a, struct groups_entry *of)
{
	struct found f;
	bool two;

	a->exists = FB_COULD_NOT_TELL;
	if (session_connect(s) != 0) /* before anything: what is asked for depends on the kind of server */
		return;
	if (search_for(s, what, &f) == 0) {
		const struct found_entry *e = only_one(s, what, &f, &two);

		if (e)
			read_entry(s, what, e, a, of);
		else
			a->exists = two ? FB_COULD_NOT_TELL : FB_NO;
	}
	if (s->connection)
		snprintf(a->server, sizeof a->server, "%s", s->d->servers[s->server]);
	found_free(&f);
}
