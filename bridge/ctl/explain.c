#include <stdio.h>
#include <string.h>
#include "bridge/base/json.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/look_up.h"
#include "bridge/ctl/serving.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/proxy/proxy.h"

static const char *route_name(enum as_route r)
{
	static const char *const names[] = {[AS_NO_ROW] = "no-row", [AS_NOBODY] = "nobody", [AS_LOCAL] = "local", [AS_PEER] = "peer"};

	return names[r];
}

/* One of the two, and what is known of them. */
struct side {
	const char *name;  /* address or domain */
	bool is_requester;
	struct ctl_known known; /* without an entry: an organisation */
	struct ctl_serving serving; /* of a target of ours */
	bool is_ours;
};

static const char *fact_word(enum fb_fact f)
{
	return f == FB_YES ? "yes" : f == FB_NO ? "no" : "could not tell";
}

/* Who said what stands in an entry: the settings know their own groups, and the hidden ones. */
static const char *source(const struct side *s, bool from_settings)
{
	return from_settings || !s->known.asked ? "settings" : *s->known.answer.server ? s->known.answer.server : "directory.conf";
}

/* Does a rule of these name the group of this side? */
static bool is_named(const struct conf *c, const struct proxy_explanation *x, const struct side *s, const char *group)
{
	const struct conf_peer *peer = x->peer ? conf_peer_named(c, x->peer) : NULL;
	bool in = x->direction && strcmp(x->direction, "in") == 0;

	for (size_t i = 0; peer && i < peer->n_rules; i++) {
		const char *word = s->is_requester ? peer->rules[i].requester : peer->rules[i].target;

		if (peer->rules[i].in == in && strncmp(word, "group:", 6) == 0 && strcmp(word + 6, group) == 0)
			return true;
	}
	return false;
}

static void put_side_json(struct buf *b, const struct conf *c, const struct proxy_explanation *x, const struct side *s)
{
	const struct fb_entry *e = s->known.entry;
	const struct directory_answer *a = &s->known.answer;

	json_open(b, s->is_requester ? "requester" : "target", '{');
	json_str(b, "address", e->address);
	json_str(b, "exists", fact_word(s->is_ours ? s->serving.exists : e->exists));
	json_str(b, "hidden", fact_word(e->hidden));
	json_bool(b, "disabled", e->disabled);
	json_str(b, "moved_to", *e->moved_to ? e->moved_to : NULL);
	json_str(b, "entry", *a->dn ? a->dn : NULL);
	json_str(b, "from", source(s, false));
	if (s->is_ours)
		json_str(b, "backend", ctl_serving_name(&s->serving));
	json_open(b, "groups", '[');
	for (size_t i = 0; i < e->n_groups; i++) {
		if (!is_named(c, x, s, e->groups[i].group))
			continue;
		json_open(b, NULL, '{');
		json_str(b, "group", e->groups[i].group);
		json_str(b, "member", fact_word(e->groups[i].member));
		json_str(b, "from", source(s, !conf_group_is_dn(e->groups[i].group)));
		json_close(b, '}');
	}
	json_close(b, ']');
	json_str(b, "why", *a->why ? a->why : NULL);
	json_close(b, '}');
}

static void put_line(const char *what, const char *value, const char *from)
{
	printf("  %-20s %s (%s)\n", what, value, from);
}

/* Whom the daemon would ask for the calendar, and what is known of it where there is no directory. */
static void put_serving(const struct conf *c, const struct side *s)
{
	const struct ctl_serving *v = &s->serving;
	const char *from = v->served == FB_NO ? c->calendars : v->backend ? v->backend->file : "a group of the directory decides";

	if (!s->known.asked && v->served == FB_NO)
		put_line("calendar", v->exists == FB_YES ? "is there" : v->exists == FB_NO ? "none" : "could not tell", c->calendars);
	put_line("backend", v->served == FB_COULD_NOT_TELL ? "could not tell" : ctl_serving_name(v), from);
}

static void put_side_text(const struct conf *c, const struct proxy_explanation *x, const struct side *s)
{
	const struct fb_entry *e = s->known.entry;
	const struct directory_answer *a = &s->known.answer;

	if (!e)
		return;
	printf("\n%s\n", s->name);
	if (s->known.asked)
		put_line("entry", *a->dn ? a->dn : a->exists == FB_NO ? "none" : "could not tell", source(s, false));
	if (strcmp(e->address, s->name) != 0)
		put_line("address", e->address, source(s, false));
	if (e->disabled)
		put_line("disabled", "yes", source(s, false));
	if (!s->is_requester)
		put_line("hidden", fact_word(e->hidden), source(s, e->hidden == FB_YES && !a->hidden));
	if (*e->moved_to)
		put_line("moved to", e->moved_to, source(s, false));
	if (s->is_ours)
		put_serving(c, s);
	for (size_t i = 0; i < e->n_groups; i++)
		if (is_named(c, x, s, e->groups[i].group))
			printf("  group:%s %s (%s)\n", e->groups[i].group, fact_word(e->groups[i].member), source(s, !conf_group_is_dn(e->groups[i].group)));
	if (*a->why)
		printf("  %s. `availbridge directory test %s` says more.\n", a->why, s->name);
}

static void put_json(const struct conf *c, const struct proxy_explanation *x, const struct side *who, const struct side *whom)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	json_open(&b, NULL, '{');
	json_str(&b, "requester", who->name);
	json_str(&b, "target", whom->name);
	json_str(&b, "route", route_name(x->route));
	json_str(&b, "peer", x->peer);
	json_str(&b, "direction", x->direction);
	if (x->rule) {
		json_open(&b, "rule", '{');
		json_int(&b, "number", x->rule_number);
		json_str(&b, "requester", x->rule->requester);
		json_str(&b, "target", x->rule->target);
		json_str(&b, "level", fb_level_name(x->rule->level));
		json_close(&b, '}');
	} else {
		json_str(&b, "rule", NULL);
	}
	json_str(&b, "level", fb_level_name(x->level));
	json_str(&b, "reason", fb_reason_row(x->reason)->word);
	json_str(&b, "why", x->why);
	json_open(&b, "known", '{');
	if (who->known.entry)
		put_side_json(&b, c, x, who);
	if (whom->known.entry)
		put_side_json(&b, c, x, whom);
	json_close(&b, '}');
	json_close(&b, '}');
	json_print(&b);
}

static void put_text(const struct conf *c, const struct proxy_explanation *x, const struct side *who, const struct side *whom)
{
	printf("requester  %s\ntarget     %s\nroute      %s\n", who->name, whom->name, route_name(x->route));
	if (x->peer)
		printf("rules of   %s, %s\n", x->peer, x->direction ? x->direction : "-");
	if (x->rule)
		printf("rule       %d: %s %s %s\n", x->rule_number, x->rule->requester, x->rule->target, fb_level_name(x->rule->level));
	printf("level      %s\nwhy        %s\n", fb_level_name(x->level), x->why);
	put_side_text(c, x, who);
	put_side_text(c, x, whom);
}

/*
 * No calendar is asked: that there is none yet is told beside the level, and does not decide it. What a directory says of somebody does.
 */
static enum fb_fact existence(const struct side *whom)
{
	return whom->known.asked ? whom->serving.exists : FB_YES;
}

/* The level holds once there is a calendar: until then whoever asks is told what is told of nobody. */
static void say_no_calendar(const struct side *whom, struct proxy_explanation *x)
{
	size_t n = strlen(x->why);

	if (x->level > FB_LEVEL_NONE && !whom->known.asked && whom->serving.exists == FB_NO)
		snprintf(x->why + n, sizeof x->why - n, " But %s has no calendar: until there is one the answer is no access.", whom->name);
}

int ctl_explain(int argc, char **argv, const char *conf_path)
{
	const char *requester = NULL, *target = NULL;
	bool json = false;
	const struct ctl_option options[] = {
		{"requester", .value = &requester}, {"target", .value = &target}, {"json", .flag = &json}, {0}};
	char from[FB_ADDRESS_MAX + 1], to[FB_ADDRESS_MAX + 1];
	struct proxy_explanation x = {0};
	struct ctl_words words;
	struct conf *c;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n || !requester || !target)
		return ctl_usage("explain");
	if (!ctl_who(requester, from) || !fb_address_normal(target, to)) {
		ctl_say("--requester is an address or a domain, --target an address");
		return CTL_USAGE;
	}
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	struct address_space *table = address_space_new(c);
	struct ctl_people *people = ctl_people_new(c);

	if (table && people) {
		struct side who = {.name = from, .is_requester = true}, whom = {.name = to};
		const struct conf_address_space *row;

		if (strchr(from, '@'))
			ctl_look_up(people, from, &who.known);
		ctl_look_up(people, to, &whom.known);
		whom.is_ours = address_space_route(table, fb_address_domain(to), &row) == AS_LOCAL;
		if (whom.is_ours)
			ctl_serving_find(c, whom.known.entry, &whom.serving);
		proxy_explain(c, table, from, who.known.entry, to, whom.known.entry, existence(&whom), &x);
		say_no_calendar(&whom, &x);
		(json ? put_json : put_text)(c, &x, &who, &whom);
		ctl_known_free(&who.known);
		ctl_known_free(&whom.known);
		code = x.level > FB_LEVEL_NONE ? CTL_DONE : CTL_NO;
	} else {
		ctl_say("out of memory");
	}
	ctl_people_free(people);
	address_space_free(table);
	conf_free(c);
	return code;
}
