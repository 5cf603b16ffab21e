#include "bridge/conf/conf.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/availability/address.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/parts.h"
#include "pki/pairing.h"

char *conf_dup(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		abort();
	return copy;
}

void *conf_grow(void *list, size_t n, size_t size)
{
	/* grows at 0, 1, 2, 4, 8 ...: no capacity needs to be kept */
	if (n & (n - 1))
		return list;
	list = reallocarray(list, n ? n * 2 : 1, size);
	if (!list)
		abort();
	return list;
}

void conf_problem_add(struct conf_problems *p, const char *file, int line, const char *fix, const char *fmt, ...)
{
	struct conf_problem *one;
	va_list ap;

	if (p->n > CONF_PROBLEMS_MAX)
		return;
	if (p->n == CONF_PROBLEMS_MAX) {
		fix = "Mend those above first.";
		fmt = "there is more; it is not shown";
	}
	p->list = conf_grow(p->list, p->n, sizeof(*p->list));
	one = &p->list[p->n++];
	*one = (struct conf_problem){.file = conf_dup(file), .line = line, .fix = conf_dup(fix)};
	va_start(ap, fmt);
	if (vasprintf(&one->what, fmt, ap) < 0)
		abort();
	va_end(ap);
}

void conf_problem_put(struct buf *out, const struct conf_problem *p)
{
	size_t n = strlen(p->what);

	buf_printf(out, "%s:%d: %s%s%s%s", p->file, p->line ? p->line : 1, p->what, n && p->what[n - 1] == '.' ? "" : ".", *p->fix ? " " : "", p->fix);
}

void conf_problems_free(struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->list[i].file);
		free(p->list[i].what);
		free(p->list[i].fix);
	}
	free(p->list);
	*p = (struct conf_problems){0};
}

const struct conf_change *conf_change_of(const struct conf_loading *l, const char *path)
{
	for (size_t i = 0; i < l->n_changes; i++)
		if (strcmp(l->changes[i].path, path) == 0)
			return &l->changes[i];
	return NULL;
}

int conf_file_path(char *out, size_t size, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	int n = slash ? snprintf(out, size, "%.*s/%s", (int)(slash - path), path, name) : snprintf(out, size, "./%s", name);

	return n < 0 || (size_t)n >= size ? -1 : 0;
}

bool conf_name_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n >= 1 && n <= 63 && !s[n] && !strchr("._-", s[0]);
}

bool conf_group_is_dn(const char *group)
{
	return strchr(group, '=') != NULL;
}

/* Has ${s} the shape of a DN (RFC 4514)? The directory alone knows whether it names anything. */
static bool dn_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

	return n >= 1 && s[n] == '=' && s[n + 1] && strlen(s) <= CONF_DN_MAX;
}

char *conf_rule_word(const char *s)
{
	char normal[FB_ADDRESS_MAX + 1];

	if (strcmp(s, "*") == 0)
		return conf_dup(s);
	if (strncmp(s, "group:", 6) == 0)
		return conf_name_valid(s + 6) || dn_valid(s + 6) ? conf_dup(s) : NULL;
	if (strchr(s, '@') ? fb_address_normal(s, normal) : fb_domain_normal(s, normal))
		return conf_dup(normal);
	return NULL;
}

bool conf_host_port_valid(const char *s, bool any_host)
{
	const char *colon = strrchr(s, ':');
	size_t host = colon ? (size_t)(colon - s) : 0;
	int64_t port;

	if (!colon || !text_int(colon + 1, 1, 65535, &port) || host > 253)
		return false;
	if (host == 0)
		return any_host;
	if (s[0] == '[')
		return host > 3 && s[host - 1] == ']' && strspn(s + 1, "0123456789abcdefABCDEF:.") == host - 2;
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == host && !strchr(".-", s[0]);
}

bool conf_url_valid(const char *s)
{
	char host[300];
	size_t n;

	if (!text_istarts(s, "https://") || strlen(s) > 270)
		return false;
	s += 8;
	n = strcspn(s, "/");
	if (s[n] && s[n + 1])
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)n, s);
	if (host[0] == '[' ? host[n - 1] == ']' : !strchr(host, ':'))
		strcat(host, ":443");
	return conf_host_port_valid(host, false);
}

/* The folder of the main file, absolute, so that no path hangs on where a process stands. */
static char *folder_of(const char *path)
{
	char dir[4096], here[4096] = "", *whole = NULL;

	if (conf_file_path(dir, sizeof(dir), path, "") < 0)
		return conf_dup("/");
	dir[strlen(dir) - 1] = 0;
	if (path[0] == '/')
		return conf_dup(dir[0] ? dir : "/");
	if (!getcwd(here, sizeof(here)) || asprintf(&whole, "%s/%s", here, dir) < 0)
		abort();
	return whole;
}

static struct conf *empty(const char *path)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->dir = folder_of(path);
	c->file = conf_dup(path);
	return c;
}

struct conf *conf_load_changed(const char *path, const struct conf_change *changes, size_t n, struct conf_problems *problems)
{
	struct conf_loading l = {.c = empty(path), .problems = problems, .changes = changes, .n_changes = n};
	size_t before = problems->n;

	conf_read_main(&l);
	conf_read_spaces(&l);
	conf_read_accounts(&l);
	conf_read_peers(&l);
	for (size_t i = 0; i < l.c->n_peers; i++)
		conf_index_rules(&l.c->peers[i]);
	conf_read_backends(&l);
	conf_read_directory(&l);
	/* what is missing for an earlier fault would only be complained of twice */
	if (problems->n == before)
		conf_cross_check(&l);
	if (problems->n == before)
		return l.c;
	conf_free(l.c);
	return NULL;
}

struct conf *conf_load(const char *path, struct conf_problems *problems)
{
	return conf_load_changed(path, NULL, 0, problems);
}

struct conf *conf_load_main(const char *path, struct conf_problems *problems)
{
	struct conf_loading l = {.c = empty(path), .problems = problems};
	size_t before = problems->n;

	conf_read_main(&l);
	if (problems->n == before)
		return l.c;
	conf_free(l.c);
	return NULL;
}

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void conf_forget_passwords(struct conf *c)
{
	for (size_t i = 0; i < c->n_accounts; i++) {
		wipe(c->accounts[i].password);
		c->accounts[i].password = NULL;
	}
}

static void free_peer(struct conf_peer *p)
{
	for (size_t i = 0; i < p->n_endpoints; i++)
		free(p->endpoints[i]);
	for (size_t i = 0; i < p->n_rules; i++) {
		free(p->rules[i].requester);
		free(p->rules[i].target);
	}
	free(p->from[0]);
	free(p->from[1]);
	free(p->unconfirmed);
	free(p->endpoints);
	free(p->rules);
	conf_unindex_rules(p);
	free(p->name);
	free(p->file);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	conf_forget_passwords(c);
	conf_free_main(c);
	for (size_t i = 0; i < c->n_spaces; i++) {
		free(c->spaces[i].forest_name);
		free(c->spaces[i].peer);
	}
	for (size_t i = 0; i < c->n_accounts; i++) {
		free(c->accounts[i].name);
		free(c->accounts[i].address);
	}
	for (size_t i = 0; i < c->n_peers; i++)
		free_peer(&c->peers[i]);
	for (size_t i = 0; i < c->n_backends; i++)
		conf_free_backend(&c->backends[i]);
	conf_free_directory(c->directory);
	free(c->backends);
	free(c->spaces);
	free(c->accounts);
	free(c->peers);
	free(c->dir);
	free(c->file);
	free(c);
}

void conf_print_lines(struct buf *out, const struct conf *c)
{
	for (size_t i = 0; i < c->n_backends; i++) {
		buf_printf(out, "# backends.d/%s.conf\n", c->backends[i].name);
		conf_put_backend(out, &c->backends[i]);
	}
	if (c->directory) {
		buf_puts(out, "# directory.conf\n");
		conf_put_directory(out, c->directory);
	}
}

static int name_to_peer(const void *name, const void *peer)
{
	return strcmp(name, ((const struct conf_peer *)peer)->name);
}

const struct conf_peer *conf_peer_named(const struct conf *c, const char *name)
{
	/* "local" stands first, the others behind it are sorted */
	if (c->n_peers && strcmp(c->peers[0].name, name) == 0)
		return &c->peers[0];
	return c->n_peers > 1 ? bsearch(name, c->peers + 1, c->n_peers - 1, sizeof(*c->peers), name_to_peer) : NULL;
}

const struct conf_backend *conf_backend_named(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_backends; i++)
		if (strcmp(c->backends[i].name, name) == 0)
			return &c->backends[i];
	return NULL;
}

const struct conf_group *conf_group_named(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_groups; i++)
		if (strcmp(c->groups[i].name, name) == 0)
			return &c->groups[i];
	return NULL;
}

bool conf_offer_valid(const struct pki_offer *o)
{
	char normal[FB_DOMAIN_MAX + 1];

	if (!conf_name_valid(o->site) || strcmp(o->site, "local") == 0 || strcmp(o->site, "nobody") == 0 || !o->n_endpoints || !o->n_domains)
		return false;
	for (size_t i = 0; i < o->n_endpoints; i++)
		if (!conf_host_port_valid(o->endpoints[i], false))
			return false;
	for (size_t i = 0; i < o->n_domains; i++) {
		if (!fb_domain_normal(o->domains[i], normal) || strcmp(normal, o->domains[i]) != 0)
			return false;
		for (size_t k = 0; k < i; k++)
			if (strcmp(o->domains[k], o->domains[i]) == 0)
				return false;
	}
	return true;
}
