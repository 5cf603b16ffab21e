#include <stdlib.h>
#include <string.h>
#include "bridge/directory/connection_inside.h"
#include "bridge/base/watch.h"

enum { FOUND_BYTES = 4 << 20 };

void found_init(struct found *f)
{
	*f = (struct found){.arena = arena_new(FOUND_BYTES)};
	if (!f->arena)
		abort();
	f->last = &f->first;
}

void found_free(struct found *f)
{
	arena_free(f->arena);
	f->arena = NULL;
}

/* ---- one entry ---- */

static bool copy_values(struct arena *a, struct berval **from, struct found_values *to)
{
	struct found_value *list;
	size_t n = (size_t)ldap_count_values_len(from);

	if (!(list = arena_alloc(a, (n + 1) * sizeof *list)))
		return false;
	for (size_t i = 0; i < n; i++) {
		list[i] = (struct found_value){arena_strndup(a, from[i]->bv_val, from[i]->bv_len), from[i]->bv_len};
		if (!list[i].p)
			return false;
	}
	*to = (struct found_values){n, list};
	return true;
}

static bool read_values(struct connection *c, LDAPMessage *m, const struct directory_query *q, struct found *out, struct found_entry *e)
{
	bool ok = true;

	for (size_t i = 0; q->attributes[i] && ok; i++) {
		struct berval **values = *q->attributes[i] ? ldap_get_values_len(c->ld, m, q->attributes[i]) : NULL;

		ok = copy_values(out->arena, values, &e->values[i]);
		ldap_value_free_len(values);
	}
	return ok;
}

static bool add_entry(struct connection *c, LDAPMessage *m, const struct directory_query *q, struct found *out)
{
	struct found_entry *e = arena_alloc(out->arena, sizeof *e);
	char *dn = ldap_get_dn(c->ld, m);
	size_t n = 0;

	while (q->attributes[n])
		n++;
	bool ok = e && dn && (e->dn = arena_strdup(out->arena, dn)) && (e->values = arena_alloc(out->arena, (n + 1) * sizeof *e->values)) &&
	          read_values(c, m, q, out, e);

	ldap_memfree(dn);
	if (!ok)
		return false;
	*out->last = e;
	out->last = &e->next;
	out->n++;
	return true;
}

/* ---- one page ---- */

/* One search operation: a page, or all of it. */
struct page {
	struct connection *c;
	const struct directory_query *q;
	int64_t deadline;
	struct found *out;
	struct buf *error;
	struct berval cookie; /* ours; empty before the first page and after the last */
	bool paged;
};

static void take_cookie(struct page *p, LDAPControl **controls)
{
	LDAPControl *found = controls ? ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL) : NULL;
	ber_int_t estimate;

	ber_memfree(p->cookie.bv_val);
	p->cookie = (struct berval){0, NULL};
	if (found && ldap_parse_pageresponse_control(p->c->ld, found, &estimate, &p->cookie) != LDAP_SUCCESS)
		p->cookie = (struct berval){0, NULL};
}

/* Is ${code} about this search, and not about the state that the server or the connection is in? */
static bool is_its_own(int code)
{
	static const int states[] = {LDAP_OPERATIONS_ERROR,     LDAP_BUSY,  LDAP_UNAVAILABLE,
	                             LDAP_UNWILLING_TO_PERFORM, LDAP_OTHER, LDAP_STRONG_AUTH_REQUIRED};

	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (code == states[i])
			return false;
	return code > 0; /* the library's own are below */
}

/*
 * What the server said at the end of a page. That there is more than was wanted is no failure: the caller asked for so many
 * to learn of it.
 */
static enum search_result end_page(struct page *p, LDAPMessage *m)
{
	LDAPControl **controls = NULL;
	char *more = NULL;
	int code = LDAP_OTHER, r = ldap_parse_result(p->c->ld, m, &code, NULL, &more, NULL, &controls, 0);
	enum search_result result = SEARCH_DONE;

	if (r != LDAP_SUCCESS)
		code = r;
	if (code == LDAP_SUCCESS) {
		take_cookie(p, controls);
	} else if (code == LDAP_NO_SUCH_OBJECT) {
		result = SEARCH_NO_BASE;
	} else if (code == LDAP_SIZELIMIT_EXCEEDED && !p->paged && p->out->n >= p->q->max) {
		p->out->more = true;
	} else {
		buf_printf(p->error, "%s: the search below \"%s\" failed: %s", p->c->url, p->q->base, ldap_err2string(code));
		if (more && *more)
			buf_printf(p->error, " (%s)", more);
		result = is_its_own(code) ? SEARCH_REFUSED : SEARCH_FAILED;
	}
	ldap_controls_free(controls);
	ldap_memfree(more);
	return result;
}

static int send_page(struct page *p, int *id)
{
	char *attributes[32];
	size_t n = 0;
	LDAPControl *page = NULL, *controls[2] = {NULL, NULL};
	struct timeval left = connection_left(p->deadline);
	int r = LDAP_SUCCESS;

	for (size_t i = 0; p->q->attributes[i] && n < 31; i++)
		if (*p->q->attributes[i])
			attributes[n++] = (char *)(uintptr_t)p->q->attributes[i];
	if (n == 0)
		attributes[n++] = (char *)(uintptr_t)LDAP_NO_ATTRS;
	attributes[n] = NULL;
	if (p->paged)
		r = ldap_create_page_control(p->c->ld, DIRECTORY_PAGE, p->cookie.bv_len ? &p->cookie : NULL, 1, &page);
	controls[0] = page;
	left.tv_sec++; /* it goes to the server in whole seconds, where 0 is no limit; ours is kept here */
	if (r == LDAP_SUCCESS)
		r = ldap_search_ext(p->c->ld, p->q->base, p->q->below ? LDAP_SCOPE_SUBTREE : LDAP_SCOPE_BASE, p->q->filter, attributes, 0,
		                    page ? controls : NULL, NULL, &left, p->paged ? 0 : (int)p->q->max, id);
	ldap_control_free(page);
	return r;
}

/* Entries until the end of the page; references to other servers are passed over. */
static enum search_result read_page(struct page *p, int id)
{
	for (;;) {
		LDAPMessage *m = connection_wait(p->c, id, "a search", p->deadline, p->error);
		enum search_result result = SEARCH_DONE;
		int type = m ? ldap_msgtype(m) : 0;

		if (!m)
			return SEARCH_FAILED;
		if (type == LDAP_RES_SEARCH_ENTRY && p->out->n == p->q->max) {
			p->out->more = true;
		} else if (type == LDAP_RES_SEARCH_ENTRY && !add_entry(p->c, m, p->q, p->out)) {
			buf_printf(p->error, "%s: the reply is larger than %d bytes", p->c->url, FOUND_BYTES);
			ldap_abandon_ext(p->c->ld, id, NULL, NULL);
			result = SEARCH_REFUSED;
		} else if (type == LDAP_RES_SEARCH_RESULT) {
			result = end_page(p, m);
		}
		ldap_msgfree(m);
		if (result != SEARCH_DONE || type == LDAP_RES_SEARCH_RESULT)
			return result;
		if (p->out->more) {
			ldap_abandon_ext(p->c->ld, id, NULL, NULL);
			return SEARCH_DONE;
		}
	}
}

enum search_result connection_search(struct connection *c, const struct directory_query *q, int64_t deadline, struct found *out,
                                     struct buf *error)
{
	struct page p = {.c = c, .q = q, .deadline = deadline, .out = out, .error = error, .paged = q->max > DIRECTORY_PAGE};
	enum search_result result;
	int id, r;

	watch_descriptor(c->fd, deadline + CONNECTION_SPARE_MS);
	do {
		if ((r = send_page(&p, &id)) != LDAP_SUCCESS) {
			connection_say(c, "the search cannot be sent", r, error);
			result = SEARCH_FAILED;
		} else {
			result = read_page(&p, id);
		}
	} while (result == SEARCH_DONE && p.cookie.bv_len && !out->more);
	watch_end();
	ber_memfree(p.cookie.bv_val);
	return result;
}
