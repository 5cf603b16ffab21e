#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/json.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"

static const char file[] = "address-spaces.conf";

static const char *method_name(enum conf_access_method m)
{
	return m == CONF_PER_USER_FB ? "PerUserFB" : "OrgWideFB";
}

/* The line of ${domain} (normal), or SIZE_MAX. */
static size_t find_line(const struct lines *l, const char *domain)
{
	char normal[FB_DOMAIN_MAX + 1];

	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].n && fb_domain_normal(l->list[i].words[0], normal) && strcmp(normal, domain) == 0)
			return i;
	return SIZE_MAX;
}

/* The one domain that is named by --forest-name or as a word. */
static bool take_domain(const char *option, const struct ctl_words *words, char domain[FB_DOMAIN_MAX + 1])
{
	const char *s = option ? option : words->n ? words->list[0] : NULL;

	if (!s || words->n + (option != NULL) != 1)
		return false;
	if (fb_domain_normal(s, domain))
		return true;
	ctl_say("'%s' is no domain", s);
	return false;
}

/* Does the main file say that a domain becomes no peer's without proof? The other files may be broken: this verb may be what mends them. */
static bool wants_proof(const char *conf_path)
{
	struct conf_problems problems = {0};
	struct conf *c = conf_load_main(conf_path, &problems);
	bool wants = c && strcmp(c->require_domain_proof, "yes") == 0;

	conf_free(c);
	conf_problems_free(&problems);
	return wants;
}

/* May ${peer} have ${domain}? What it has already is only written anew. False after a sentence. */
static bool is_proven(const char *conf_path, const char *peer, const char *domain, const char *resolver)
{
	const struct conf_peer *p;
	struct conf *c;
	bool ok;

	if (strcmp(peer, "local") == 0 || strcmp(peer, "nobody") == 0 || !wants_proof(conf_path))
		return true;
	if (!(c = ctl_load(conf_path)))
		return false;
	p = conf_peer_named(c, peer);
	ok = !p || !p->n_pins; /* a peer that is not there is refused with the edit, and one without a key can say nothing */
	for (size_t i = 0; i < c->n_spaces && !ok; i++)
		ok = strcmp(c->spaces[i].forest_name, domain) == 0 && strcmp(c->spaces[i].peer, peer) == 0;
	ok = ok || ctl_domains_proven(c, &domain, 1, p->pins[0], resolver);
	conf_free(c);
	return ok;
}

static int add(int argc, char **argv, const char *conf_path)
{
	const char *name = NULL, *peer = NULL, *method = NULL, *resolver = NULL;
	const struct ctl_option options[] = {{"forest-name", .value = &name}, {"peer", .value = &peer}, {"access-method", .value = &method},
	                                     {"resolver", .value = &resolver}, {0}};
	struct ctl_words words;
	struct ctl_edit edit;
	struct lines *l;
	char domain[FB_DOMAIN_MAX + 1], row[512];
	size_t at;

	if (ctl_args(argc, argv, options, &words) < 0 || !name || !peer || words.n)
		return ctl_usage("address-space");
	if (!fb_domain_normal(name, domain)) {
		ctl_say("'%s' is no domain", name);
		return CTL_USAGE;
	}
	if (!conf_name_valid(peer)) {
		ctl_say("'%s' cannot be the name of a peer", peer);
		return CTL_USAGE;
	}
	if (method && !text_ieq(method, "OrgWideFB") && !text_ieq(method, "PerUserFB")) {
		ctl_say("'%s' is no access method; write OrgWideFB or PerUserFB", method);
		return CTL_USAGE;
	}
	method = method_name(method && text_ieq(method, "PerUserFB") ? CONF_PER_USER_FB : CONF_ORG_WIDE_FB);
	if (!is_proven(conf_path, peer, domain, resolver) || ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	if (!(l = ctl_edit_read(&edit, file, ctl_header_spaces))) {
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	at = find_line(l, domain);
	if (at != SIZE_MAX && (l->list[at].n < 2 || strcmp(l->list[at].words[1], peer) != 0)) {
		ctl_say("%s belongs to %s already (%s:%d). A domain has one row: remove that one first with `availbridge address-space "
		        "remove %s`.",
		        domain, l->list[at].n < 2 ? "nothing" : l->list[at].words[1], file, l->list[at].number, domain);
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	snprintf(row, sizeof(row), "%s %s %s", domain, peer, method);
	ctl_edit_put(&edit, file, l, at, row, SIZE_MAX, at == SIZE_MAX ? row : NULL);
	lines_free(l);
	if (ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	return ctl_edit_done("%s now points to %s (%s).", domain, peer, method);
}

static int remove_row(int argc, char **argv, const char *conf_path)
{
	const char *name = NULL;
	const struct ctl_option options[] = {{"forest-name", .value = &name}, {0}};
	struct ctl_words words;
	struct ctl_edit edit;
	struct lines *l;
	char domain[FB_DOMAIN_MAX + 1];
	size_t at;

	if (ctl_args(argc, argv, options, &words) < 0 || !take_domain(name, &words, domain))
		return ctl_usage("address-space");
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = ctl_edit_read(&edit, file, ctl_header_spaces);
	at = l ? find_line(l, domain) : SIZE_MAX;
	if (at == SIZE_MAX) {
		if (l)
			ctl_say("%s has no row for %s", file, domain);
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	ctl_edit_put(&edit, file, l, at, NULL, SIZE_MAX, NULL);
	lines_free(l);
	if (ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	return ctl_edit_done("%s has no row any more.", domain);
}

static void put_json(struct buf *b, const struct conf_address_space *row)
{
	json_open(b, NULL, '{');
	json_str(b, "forest_name", row->forest_name);
	json_str(b, "peer", row->peer);
	json_str(b, "access_method", method_name(row->method));
	json_close(b, '}');
}

static void put_text(const struct conf_address_space *row)
{
	printf("%-32s %-16s %s\n", row->forest_name, row->peer, method_name(row->method));
}

static int get(int argc, char **argv, const char *conf_path)
{
	const char *name = NULL;
	bool json = false, found = false;
	const struct ctl_option options[] = {{"forest-name", .value = &name}, {"json", .flag = &json}, {0}};
	struct ctl_words words;
	char domain[FB_DOMAIN_MAX + 1];
	struct conf *c;
	struct buf b;

	if (ctl_args(argc, argv, options, &words) < 0 || !take_domain(name, &words, domain))
		return ctl_usage("address-space");
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	for (size_t i = 0; i < c->n_spaces && !found; i++) {
		if (strcmp(c->spaces[i].forest_name, domain) != 0)
			continue;
		found = true;
		if (!json) {
			put_text(&c->spaces[i]);
			continue;
		}
		buf_init(&b, 4096);
		put_json(&b, &c->spaces[i]);
		json_print(&b);
	}
	if (!found)
		ctl_say("%s has no row for %s", file, domain);
	conf_free(c);
	return found ? CTL_DONE : CTL_NO;
}

static int list(int argc, char **argv, const char *conf_path)
{
	bool json = false;
	struct conf *c;
	struct buf b;
	int code;

	if (!(c = ctl_load_list(argc, argv, conf_path, "address-space", &json, &code)))
		return code;
	buf_init(&b, CTL_LIST_MAX);
	json_open(&b, NULL, '[');
	for (size_t i = 0; i < c->n_spaces; i++)
		if (json)
			put_json(&b, &c->spaces[i]);
		else
			put_text(&c->spaces[i]);
	json_close(&b, ']');
	if (json)
		json_print(&b);
	buf_free(&b);
	conf_free(c);
	return CTL_DONE;
}

int ctl_address_space(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"add", add}, {"remove", remove_row}, {"get", get}, {"list", list}, {0}};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
