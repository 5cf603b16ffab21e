#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "bridge/availability/address.h"
#include "bridge/availability/zone.h"
#include "bridge/conf/parts.h"

/* What is allowed and odd: it can never match, serves nobody, hides nobody. */

/* The domain of a rule's word, or NULL for * and groups. */
static const char *domain_of(const char *word)
{
	if (strcmp(word, "*") == 0 || strncmp(word, "group:", 6) == 0)
		return NULL;
	return strchr(word, '@') ? fb_address_domain(word) : word;
}

static void warn_rule(const struct conf *c, const struct conf_address_space **list, const struct conf_peer *p,
                      const struct conf_rule *r, struct conf_problems *w)
{
	const char *asker = r->in ? p->name : "local", *asked = r->in ? "local" : p->name;
	const char *from = domain_of(r->requester), *to = domain_of(r->target);

	if (from && !conf_is_of(c, list, from, asker))
		conf_problem_add(w, p->file, r->line, "Give the domain its row with `availbridge address-space add`, or remove the rule.",
		                 "the rule can never match: %s is no domain of %s", from, asker);
	if (to && !conf_is_of(c, list, to, asked))
		conf_problem_add(w, p->file, r->line, "Give the domain its row with `availbridge address-space add`, or remove the rule.",
		                 "the rule can never match: %s is no domain of %s", to, asked);
}

static bool serves_domain(const struct conf_backend *b, const char *domain)
{
	for (size_t k = 0; k < b->n_serves; k++)
		if (strcmp(b->serves[k], "*") == 0 || strcmp(b->serves[k], domain) == 0)
			return true;
	return false;
}

/* Two people who are called alike, in two of our domains, would be one at a place that takes the name alone. */
static void warn_places(const struct conf *c, const struct conf_backend *b, struct conf_problems *w)
{
	const char *const places[] = {b->url, b->calendar, b->principal, b->freebusy_url};
	const char *first = NULL, *second = NULL;

	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, "local") == 0 && serves_domain(b, c->spaces[i].forest_name)) {
			second = first;
			first = c->spaces[i].forest_name;
		}
	for (size_t i = 0; second && i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i] && strstr(places[i], "{user}") && !strstr(places[i], "{domain}") && !strstr(places[i], "{address}"))
			conf_problem_add(w, b->file, 0, "Write {domain} or {address} into it, unless such two are always one person.",
			                 "%s is the same place for NAME@%s and NAME@%s", places[i], second, first);
}

/* How long HOST[:PORT] in the https URL ${url} is, without the port that https has anyway; its place is in ${at}. */
static size_t origin(const char *url, const char **at)
{
	size_t n;

	*at = strstr(url, "://");
	*at = *at ? *at + 3 : url;
	n = strcspn(*at, "/");
	return n > 4 && strncmp(*at + n - 4, ":443", 4) == 0 ? n - 4 : n;
}

static void warn_self(const struct conf *c, const struct conf_backend *b, struct conf_problems *w)
{
	const char *own, *theirs;
	size_t n = origin(c->public_url, &own);

	if (b->type == CONF_BACKEND_EWS && b->url && origin(b->url, &theirs) == n && strncasecmp(own, theirs, n) == 0)
		conf_problem_add(w, b->file, 0, "Write the URL of the server that has the mailboxes.",
		                 "url is that of this bridge itself (public_url): each question would go round until it is given up");
}

static void warn_backends(const struct conf *c, const struct conf_address_space **list, struct conf_problems *w)
{
	for (size_t i = 0; i < c->n_backends; i++) {
		warn_places(c, &c->backends[i], w);
		warn_self(c, &c->backends[i], w);
		for (size_t k = 0; k < c->backends[i].n_serves; k++) {
			const struct conf_backend *b = &c->backends[i];
			const char *domain = domain_of(b->serves[k]);

			if (domain && !conf_is_of(c, list, domain, "local"))
				conf_problem_add(w, b->file, b->serves_lines[k],
				                 "Give the domain to local with `availbridge address-space add`, or remove the line.",
				                 "the backend is never asked about it: %s is none of our domains", domain);
		}
	}
}

/* A typing error in `hidden` shows whom it was to hide, and one in a group takes them out of it. */
static void warn_people(const struct conf *c, const struct conf_address_space **list, struct conf_problems *w)
{
	for (size_t i = 0; i < c->n_hidden; i++)
		if (!conf_is_of(c, list, domain_of(c->hidden[i]), "local"))
			conf_problem_add(w, c->file, conf_setting_line(c, "hidden"), "Mend the address, or remove it.",
			                 "hidden names %s, which is in none of our domains: that hides nobody", c->hidden[i]);
	for (size_t i = 0; i < c->n_groups; i++)
		for (size_t k = 0; k < c->groups[i].n; k++)
			if (!conf_row_of(c, list, domain_of(c->groups[i].members[k])))
				conf_problem_add(w, c->file, conf_setting_line(c, "groups"), "Mend it, or give the domain its row with `availbridge address-space add`.",
				                 "the group %s has the member %s, and no row is for that domain: that is nobody", c->groups[i].name, c->groups[i].members[k]);
}

/* Small images of systems come without the package. */
static void warn_zones(struct conf_problems *w)
{
	if (!fb_zone_named("Europe/London"))
		conf_problem_add(w, FB_ZONE_FOLDER, 0, "Install the package tzdata.", "no time zone can be read there, and so no calendar that names one");
}

void conf_warnings(const struct conf *c, struct conf_problems *warnings)
{
	const struct conf_address_space **list = conf_rows_sorted(c);

	for (size_t i = 0; i < c->n_peers; i++) {
		const struct conf_peer *p = &c->peers[i];
		const struct conf_rule *all[2] = {NULL, NULL};
		bool domain = i == 0;

		for (size_t k = 0; k < c->n_spaces && !domain; k++)
			domain = strcmp(c->spaces[k].peer, p->name) == 0;
		if (!domain)
			conf_problem_add(warnings, p->file, 0, "Run `availbridge address-space add --forest-name THEIR-DOMAIN --peer NAME`.",
			                 "no domain points to the peer %s, so it can neither ask nor answer", p->name);
		for (size_t k = 0; k < p->n_rules; k++) {
			const struct conf_rule *r = &p->rules[k];

			warn_rule(c, list, p, r, warnings);
			if (all[r->in])
				conf_problem_add(warnings, p->file, r->line, "Move it up or remove it.",
				                 "the rule can never match: line %d already matches all", all[r->in]->line);
			else if (strcmp(r->requester, "*") == 0 && strcmp(r->target, "*") == 0)
				all[r->in] = r;
		}
	}
	warn_people(c, list, warnings);
	warn_backends(c, list, warnings);
	warn_zones(warnings);
	free(list);
}
