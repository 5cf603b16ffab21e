#include "bridge/proxy/query.h"
#include <stdio.h>
#include <string.h>

/* The rules that decide between the two, without a question to anybody. False if there are none: then why and reason are set. */
static const struct conf_peer *find_rules(const struct conf *c, const struct address_space *t, const char *from, const char *to,
                                          struct proxy_explanation *out)
{
	const struct conf_address_space *asking = NULL, *asked = NULL;
	enum as_route who = address_space_route(t, from, &asking);
	const struct conf_peer *peer;

	out->route = address_space_route(t, to, &asked);
	if (who != AS_LOCAL && who != AS_PEER) {
		out->reason = FB_NOT_ALLOWED;
		snprintf(out->why, sizeof out->why, "No row for %s: neither our own people nor a peer may speak for it.", from);
		return NULL;
	}
	if (who == AS_PEER && out->route != AS_LOCAL) {
		out->reason = FB_NO_ACCESS;
		snprintf(out->why, sizeof out->why, "%s is not ours, and a peer's question is never routed on.", to);
		return NULL;
	}
	if (out->route != AS_LOCAL && out->route != AS_PEER) {
		out->reason = FB_NO_ADDRESS_SPACE;
		snprintf(out->why, sizeof out->why, out->route == AS_NOBODY ? "The row for %s says nobody." : "No row for %s.", to);
		return NULL;
	}
	out->direction = out->route == AS_PEER ? "out" : "in";
	peer = conf_peer_named(c, who == AS_PEER ? asking->peer : out->route == AS_PEER ? asked->peer : "local");
	if (!peer || !peer->enabled) {
		out->reason = who == AS_PEER ? FB_NOT_ALLOWED : FB_PEER_FAILED;
		out->peer = peer ? peer->name : NULL;
		snprintf(out->why, sizeof out->why, peer ? "The peer %s is disabled." : "The row names the peer %s, which does not exist.",
		         peer ? peer->name : who == AS_PEER ? asking->peer : asked->peer);
		return NULL;
	}
	return peer;
}

static const struct conf_rule *nth_rule(const struct conf_peer *peer, bool in, int number)
{
	for (size_t i = 0; i < peer->n_rules; i++)
		if (peer->rules[i].in == in && --number == 0)
			return &peer->rules[i];
	return NULL;
}

/* Why there is no such target. */
static void say_no_target(struct proxy_explanation *out, const struct address_space *t, const struct fb_entry *whom)
{
	const char *to = *whom->moved_to ? whom->moved_to : whom->address;

	if (whom->hidden == FB_YES)
		snprintf(out->why, sizeof out->why, "%s is hidden: it answers as if it did not exist.", whom->address);
	else if (look_up_is_moved(t, whom))
		snprintf(out->why, sizeof out->why, "The mailbox has moved to %s, outside of our domains: it answers as if it did not exist.", to);
	else if (whom->disabled)
		snprintf(out->why, sizeof out->why, "The account of %s is disabled: it answers as if it did not exist.", whom->address);
	else
		snprintf(out->why, sizeof out->why, "There is no mailbox %s.", whom->address);
}

static void say_why(struct proxy_explanation *out, const struct conf_peer *peer, const struct acl_verdict *v,
                    const struct judge_pair *pair)
{
	bool known = pair->facts.exists != FB_COULD_NOT_TELL && pair->facts.hidden != FB_COULD_NOT_TELL;
	char *w = out->why;
	size_t n = sizeof out->why;

	if (v->rule == -1)
		snprintf(w, n, "The switch of %s is off: peer set %s --free-busy-access-enabled yes turns it on.", peer->name, peer->name);
	else if (v->reason == FB_DIRECTORY_FAILED && !known)
		snprintf(w, n, "The directory could not be asked about %s.", pair->target);
	else if (v->reason == FB_DIRECTORY_FAILED)
		snprintf(w, n, "Rule %d needs a fact that could not be had; nothing below it is tried.", v->rule);
	else if (v->reason == FB_NOT_ALLOWED)
		snprintf(w, n, "No out rule of %s gives this requester anything, whatever the target.", peer->name);
	else if (v->rule == 0)
		snprintf(w, n, "No %s rule of %s matches, and no match is None.", out->direction, peer->name);
	else
		snprintf(w, n, "Rule %d is the first that matches%s.", v->rule, v->capped ? "; the peer's access level caps it" : "");
}

void proxy_explain(const struct conf *c, const struct address_space *t, const char *requester, const struct fb_entry *who,
                   const char *target, const struct fb_entry *whom, enum fb_fact exists, struct proxy_explanation *out)
{
	struct fb_requester asking = {.is_person = strchr(requester, '@') != NULL};
	const struct conf_peer *peer;
	bool in;

	memset(out, 0, sizeof *out);
	strncpy(asking.name, look_up_name(t, requester, who), sizeof asking.name - 1);
	peer = find_rules(c, t, asking.is_person ? fb_address_domain(asking.name) : asking.name, fb_address_domain(target), out);
	if (!peer)
		return;
	in = out->route == AS_LOCAL;
	const struct judge_pair pair = {&asking, look_up_name(t, target, whom), who, whom,
	                                in ? look_up_facts(t, whom, exists) : (struct fb_facts){FB_YES, FB_NO}};
	const struct acl_verdict v = judge_one(peer, in, &pair);

	out->peer = peer->name;
	out->level = v.level;
	out->reason = v.reason;
	out->rule_number = v.rule > 0 ? v.rule : 0;
	out->rule = nth_rule(peer, in, v.rule > 0 ? v.rule : 0);
	if (v.rule == -2)
		say_no_target(out, t, whom);
	else
		say_why(out, peer, &v, &pair);
}
