#include "bridge/directory/requester.h"
#include <stdio.h>
#include <string.h>
#include "bridge/directory/dn.h"
#include "bridge/directory/filter.h"
#include "bridge/directory/sid.h"

static void nobody(struct directory_answer *a)
{
	a->exists = FB_NO;
}

static void find(struct directory_session *s, const char *step, const char *base, struct buf *filter, const char *asked,
                 struct directory_answer *a, struct groups_entry *e)
{
	const struct person_search what = {step, base, buf_cstr(filter), NULL, NULL, asked, false};

	person_find(s, &what, a, e);
}

/* The part of the domain ${dn} in which the settings look for people: all of it, a folder of it, or none. */
static void put_base(struct buf *out, const char *dn, const char *base)
{
	if (dn_is_within(dn, base))
		buf_puts(out, dn);
	else if (dn_is_within(base, dn))
		buf_puts(out, base);
}

static bool knows_domains(const struct directory_session *s)
{
	return s->active_directory && s->configuration && *s->configuration;
}

/*
 * Where the accounts of ${domain} are, a NetBIOS or DNS name: Active Directory keeps both in its partitions (MS-ADTS
 * 6.1.1.2.1.1, crossRef). Yes: in ${base}. Another directory knows no such names: there our own SMTP domains stand for its
 * base.
 */
static enum fb_fact domain_base(struct directory_session *s, const char *domain, struct buf *base)
{
	static const char *const attributes[] = {"nCName", NULL};
	struct buf partitions, filter;
	struct found f;
	enum search_result r = SEARCH_FAILED;
	char normal[FB_DOMAIN_MAX + 1];

	if (session_connect(s) != 0)
		return FB_COULD_NOT_TELL;
	if (!knows_domains(s)) {
		buf_puts(base, s->d->base);
		return fb_domain_normal(domain, normal) && person_domain_is_ours(s->c, normal) ? FB_YES : FB_NO;
	}
	buf_init(&partitions, DIRECTORY_TEXT_MAX);
	buf_init(&filter, PERSON_FILTER_MAX);
	buf_printf(&partitions, "CN=Partitions,%s", s->configuration);
	buf_puts(&filter, "(&(objectClass=crossRef)(nETBIOSName=*)(|");
	filter_equal(&filter, "nETBIOSName", "", domain);
	filter_equal(&filter, "dnsRoot", "", domain);
	buf_puts(&filter, "))");
	const struct directory_query q = {domain, buf_cstr(&partitions), true, buf_cstr(&filter), attributes, 1};

	if (filter.failed || partitions.failed)
		found_init(&f);
	else
		r = session_search(s, "domain", &q, &f);
	if (r == SEARCH_DONE && f.first && f.first->values[0].n)
		put_base(base, f.first->values[0].list[0].p, s->d->base);
	found_free(&f);
	buf_free(&filter);
	buf_free(&partitions);
	return r == SEARCH_DONE ? (base->len ? FB_YES : FB_NO) : FB_COULD_NOT_TELL;
}

/*
 * The account ${name} of ${domain}; NULL: of any. Where the directory knows no domains several of ours may lie below one base: whose
 * it is say its addresses, for the bob of one must not be taken for the bob of another.
 */
static void find_account(struct directory_session *s, const char *domain, const char *name, const char *asked,
                         struct directory_answer *a, struct groups_entry *e)
{
	struct buf base, filter;
	enum fb_fact known = FB_YES;
	char normal[FB_DOMAIN_MAX + 1];

	buf_init(&base, DIRECTORY_TEXT_MAX);
	buf_init(&filter, PERSON_FILTER_MAX);
	if (domain)
		known = domain_base(s, domain, &base);
	else
		buf_puts(&base, s->d->base);
	filter_equal(&filter, session_attribute(s, CONF_ATTRIBUTE_ACCOUNT), "", name);
	const char *of = domain && !knows_domains(s) && fb_domain_normal(domain, normal) ? normal : NULL;
	const struct person_search what = {"account", buf_cstr(&base), buf_cstr(&filter), NULL, of, asked, domain && s->active_directory};

	if (known == FB_YES && filter.len)
		person_find(s, &what, a, e);
	else
		a->exists = known == FB_COULD_NOT_TELL ? FB_COULD_NOT_TELL : FB_NO;
	buf_free(&filter);
	buf_free(&base);
}

static void find_sid(struct directory_session *s, const char *text, struct directory_answer *a, struct groups_entry *e)
{
	uint8_t sid[SID_MAX];
	struct buf filter;
	size_t n;

	if (!sid_parse(text, sid, &n) || !*session_attribute(s, CONF_ATTRIBUTE_SID)) {
		nobody(a);
		return;
	}
	buf_init(&filter, PERSON_FILTER_MAX);
	filter_equal_bytes(&filter, session_attribute(s, CONF_ATTRIBUTE_SID), sid, n);
	find(s, "SID", s->d->base, &filter, text, a, e);
	buf_free(&filter);
}

/* Asks the same as for a name that was not found yet: whoever measures how long a login takes learns nothing of who there is. */
static void find_in_vain(struct directory_session *s, const char *domain, const char *name, const char *asked)
{
	struct directory_answer a = {0};
	struct groups_entry e;

	groups_entry_init(&e);
	find_account(s, domain, name, asked, &a, &e);
	groups_entry_free(&e);
	buf_reset(&s->why);
}

/* A UPN need not be an address, and every account has one that is written nowhere: its name at its domain. */
static void find_at(struct directory_session *s, const char *text, struct directory_answer *a, struct groups_entry *e)
{
	char address[FB_ADDRESS_MAX + 1], name[DIRECTORY_TEXT_MAX + 1];
	const char *at = strrchr(text, '@');
	struct buf filter;

	buf_init(&filter, PERSON_FILTER_MAX);
	buf_puts(&filter, "(|");
	filter_equal(&filter, session_attribute(s, CONF_ATTRIBUTE_UPN), "", text);
	if (fb_address_normal(text, address))
		person_address_filter(s, address, &filter);
	buf_putc(&filter, ')');
	if (filter.len > strlen("(|)"))
		find(s, "name", s->d->base, &filter, text, a, e);
	else
		nobody(a);
	buf_free(&filter);
	snprintf(name, sizeof name, "%.*s", (int)(at - text), text);
	if (a->exists == FB_NO)
		find_account(s, at + 1, name, text, a, e);
	else if (a->exists == FB_YES)
		find_in_vain(s, at + 1, name, text);
}

/*
 * The KDC gave the ticket to the account of that name, if there is one: that somebody else has those letters as a UPN or as
 * an address must not make one the other.
 */
static void find_principal(struct directory_session *s, const char *text, struct directory_answer *a, struct groups_entry *e)
{
	const char *at = strrchr(text, '@'), *upn = session_attribute(s, CONF_ATTRIBUTE_UPN);
	char name[DIRECTORY_TEXT_MAX + 1];
	struct buf filter;

	if (!at || at == text) {
		nobody(a);
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)(at - text), text);
	find_account(s, at + 1, name, text, a, e);
	if (a->exists != FB_NO || !*upn)
		return;
	buf_init(&filter, PERSON_FILTER_MAX);
	filter_equal(&filter, upn, "", text);
	find(s, "name", s->d->base, &filter, text, a, e);
	buf_free(&filter);
}

void requester_find(struct directory_session *s, enum directory_kind kind, const char *text, struct directory_answer *a,
                    struct groups_entry *e)
{
	const char *slash = strchr(text, '\\');
	char domain[256];

	if (kind == DIRECTORY_SID) {
		find_sid(s, text, a, e);
	} else if (kind == DIRECTORY_PRINCIPAL) {
		find_principal(s, text, a, e);
	} else if (slash && (size_t)(slash - text) < sizeof domain && slash > text) {
		snprintf(domain, sizeof domain, "%.*s", (int)(slash - text), text);
		find_account(s, domain, slash + 1, text, a, e);
	} else if (slash || !*text) {
		nobody(a);
	} else if (strchr(text, '@')) {
		find_at(s, text, a, e);
	} else {
		find_account(s, NULL, text, text, a, e);
	}
}
