#define ACL_DECIDE_C
#include "bridge/acl/decide.h"
#include <string.h>

/*
 * WHERE ACCESS IS DECIDED. Every helper answers yes, no or could-not-tell; only acl_decide() writes a verdict.
 */

enum { RULE_NONE = 0, RULE_SWITCH = -1, RULE_NO_SUCH_TARGET = -2 };

static enum fb_fact yes_if(bool b)
{
	return b ? FB_YES : FB_NO;
}

/* Does the ${word} of a rule mean the person ${address}? */
static enum fb_fact means_person(const struct acl_question *q, const char *word, const char *address)
{
	if (strcmp(word, "*") == 0)
		return FB_YES;
	if (strncmp(word, "group:", 6) == 0)
		return q->member(q->member_arg, word + 6, address);
	return yes_if(strcmp(word, strchr(word, '@') ? address : fb_address_domain(address)) == 0);
}

static enum fb_fact matches_requester(const struct acl_question *q, const char *word)
{
	if (q->requester->is_person)
		return means_person(q, word, q->requester->name);
	/* an organisation is nobody in particular: no address, no group */
	return yes_if(strcmp(word, "*") == 0 || strcmp(word, q->requester->name) == 0);
}

/* Do both sides of ${rule} match? No beats could-not-tell: a rule that cannot match needs no fact. */
static enum fb_fact matches(const struct acl_question *q, const struct conf_rule *rule)
{
	enum fb_fact requester = matches_requester(q, rule->requester), target = means_person(q, rule->target, q->target);

	if (requester == FB_NO || target == FB_NO)
		return FB_NO;
	return requester == FB_YES && target == FB_YES ? FB_YES : FB_COULD_NOT_TELL;
}

/* What the rules of one direction say. */
struct said {
	enum fb_fact matched; /* could-not-tell: stopped at ${number} for want of a fact */
	int number;           /* 1-based within the direction, 0 = none */
	enum fb_level level;
};

static struct said first_match(const struct acl_question *q)
{
	struct conf_rules_walk walk = conf_rules_about(q->peer, q->in, q->requester->name, q->target);
	const struct conf_rule *rule;
	int number;

	while ((rule = conf_rules_next(&walk, &number))) {
		enum fb_fact m = matches(q, rule);

		if (m != FB_NO)
			return (struct said){m, number, m == FB_YES ? rule->level : FB_LEVEL_NONE};
	}
	return (struct said){FB_NO, RULE_NONE, FB_LEVEL_NONE};
}

/* May this requester ask this peer about anybody at all? A rule for every target that says None ends the list for it. */
static bool may_ask_at_all(const struct acl_question *q)
{
	struct conf_rules_walk walk = conf_rules_asking(q->peer, q->requester->name);
	const struct conf_rule *rule;
	int number;

	while ((rule = conf_rules_next(&walk, &number))) {
		enum fb_fact requester = matches_requester(q, rule->requester);

		if (requester != FB_NO && rule->level > FB_LEVEL_NONE)
			return true;
		if (requester == FB_YES && strcmp(rule->target, "*") == 0)
			return false;
	}
	return false;
}

struct acl_verdict acl_decide(const struct acl_question *q)
{
	/* always evaluated, so that a switched-off peer or an unknown target costs the same */
	struct said said = first_match(q);
	struct acl_verdict v = {.level = FB_LEVEL_NONE, .reason = FB_NO_ACCESS, .rule = said.number};

	if (q->in && !(q->peer->enabled && q->peer->access_enabled)) {
		v.rule = RULE_SWITCH;
		return v;
	}
	if (said.matched == FB_COULD_NOT_TELL) {
		v.reason = FB_DIRECTORY_FAILED;
		return v;
	}
	if (q->in && said.level > q->peer->access_level) {
		said.level = q->peer->access_level;
		v.capped = true;
	}
	if (said.level == FB_LEVEL_NONE) {
		if (!q->in && !may_ask_at_all(q))
			v.reason = FB_NOT_ALLOWED;
		return v;
	}
	/* the facts come last: whom the rules deny learns nothing from them, not even that they could not be had */
	if (q->in && (q->facts.exists == FB_COULD_NOT_TELL || q->facts.hidden == FB_COULD_NOT_TELL)) {
		v.reason = FB_DIRECTORY_FAILED;
		return v;
	}
	if (q->in && (q->facts.exists != FB_YES || q->facts.hidden != FB_NO)) {
		v.rule = RULE_NO_SUCH_TARGET;
		return v;
	}
	v.level = said.level;
	v.reason = FB_OK;
	return v;
}
