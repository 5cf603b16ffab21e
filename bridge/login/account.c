#include <stdio.h>
#include <string.h>
#include "bridge/availability/upcase.h"
#include "bridge/base/text.h"
#include "bridge/base/utf16.h"
#include "bridge/login/parts.h"

static bool is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

static bool wide_upper(struct buf *out, const char *s)
{
	buf_init(out, 4 * LOGIN_USER_MAX);
	if (utf16_put(out, s, strlen(s)) < 0)
		return false;
	fb_upcase_utf16(buf_ptr(out), out->len);
	return true;
}

bool login_same_name(const char *a, const char *b)
{
	bool same, well;
	struct buf x, y;

	if (is_ascii(a) && is_ascii(b))
		return text_ieq(a, b);
	well = wide_upper(&x, a);
	same = wide_upper(&y, b) && well && x.len == y.len && (x.len == 0 || memcmp(buf_ptr(&x), buf_ptr(&y), x.len) == 0);
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* What was found by one way of reading a name: the only one, or none when there are more. */
struct found {
	const struct conf_account *one;
	bool more;
};

static void note(struct found *f, bool matches, const struct conf_account *a)
{
	f->more |= matches && f->one;
	f->one = matches ? a : f->one;
}

/* The first way that found exactly one. */
static const struct conf_account *first(const struct found *ways, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ways[i].one && !ways[i].more)
			return ways[i].one;
	return NULL;
}

/* What stands before a domain of ours in ${user}, "" if there is none. */
static void before_domain(const struct conf *c, const char *user, char out[LOGIN_USER_MAX + 1])
{
	const char *at = strrchr(user, '@');
	size_t n = 0;

	for (size_t i = 0; at && i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, "local") == 0 && text_ieq(c->spaces[i].forest_name, at + 1))
			n = (size_t)(at - user);
	snprintf(out, LOGIN_USER_MAX + 1, "%.*s", (int)n, user);
}

/* Every way is tried for every account: how long that takes does not tell whether there is such an account. */
const struct conf_account *login_account(const struct conf *c, const char *user)
{
	const char *slash = strchr(user, '\\');
	char before[LOGIN_USER_MAX + 1];
	struct found ways[5] = {{0}};

	before_domain(c, user, before);

	for (size_t i = 0; i < c->n_accounts; i++) {
		const struct conf_account *a = &c->accounts[i];

		note(&ways[0], strcmp(a->name, user) == 0, a);
		note(&ways[1], login_same_name(a->name, user), a);
		note(&ways[2], login_same_name(a->name, slash ? slash + 1 : user), a);
		note(&ways[3], text_ieq(a->address ? a->address : "", user), a);
		note(&ways[4], login_same_name(a->name, before) && !a->address && *before, a);
	}
	ways[4].more |= ways[3].more;
	return *user ? first(ways, 5) : NULL;
}

const struct conf_account *login_account_of_principal(const struct conf *c, const char *principal, bool ours)
{
	const char *at = strrchr(principal, '@');
	size_t n = at ? (size_t)(at - principal) : strlen(principal);
	struct found ways[2] = {{0}};
	char name[LOGIN_USER_MAX + 1];

	if (n == 0 || n >= sizeof(name))
		return NULL;
	memcpy(name, principal, n);
	name[n] = 0;
	for (size_t i = 0; i < c->n_accounts; i++) {
		note(&ways[0], login_same_name(c->accounts[i].name, principal), &c->accounts[i]);
		note(&ways[1], ours && login_same_name(c->accounts[i].name, name), &c->accounts[i]);
	}
	return first(ways, 2);
}
