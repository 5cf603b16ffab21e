#include <stdio.h>
#include <string.h>
#include "bridge/base/loop.h"
#include "bridge/ctl/doctor.h"
#include "bridge/ctl/look_up.h"

/* Rules, groups and the hidden ones are by canonical address: one that names somebody's alias means nobody, and denies or hides nothing. */

static const char hop[] = "aliases";
enum { ASK_MS = 20000, SHOWN = 20 };

struct naming {
	struct doctor *d;
	struct ctl_people *people;
	int64_t end;
	size_t found, untold;
};

/* Is ${word} an address of ours that is somebody's alias? Then the canonical one is in ${out}. */
static bool is_alias(struct naming *n, const char *word, char out[FB_ADDRESS_MAX + 1])
{
	enum fb_fact alias = loop_ms() < n->end ? ctl_alias_of(n->people, word, out) : FB_COULD_NOT_TELL;

	n->untold += alias == FB_COULD_NOT_TELL;
	return alias == FB_YES;
}

static void in_rule(struct naming *n, const struct conf_peer *p, const struct conf_rule *r, int number, const char *word)
{
	const char *direction = r->in ? "in" : "out";
	char person[FB_ADDRESS_MAX + 1], what[1024];

	if (!is_alias(n, word, person) || n->found++ >= SHOWN)
		return;
	snprintf(what, sizeof what, "rule %d of %s, direction %s, names %s, which is an alias of %s: it matches nobody%s", number, p->name, direction,
	         word, person, r->level == FB_LEVEL_NONE ? ", so this None denies nothing" : "");
	doctor_failed(n->d, NULL, hop, DOCTOR_HERE, what,
	              "write %s in its place: `availbridge rule remove --peer %s --direction %s %d`, then `rule add` with --position %d, then "
	              "`availbridge reload`.", person, p->name, direction, number, number);
}

static void in_rules(struct naming *n, const struct conf_peer *p)
{
	int numbers[2] = {0, 0};

	for (size_t i = 0; i < p->n_rules; i++) {
		const struct conf_rule *r = &p->rules[i];
		int number = ++numbers[r->in];

		in_rule(n, p, r, number, r->requester);
		in_rule(n, p, r, number, r->target);
	}
}

static void in_group(struct naming *n, const struct conf_group *g)
{
	char person[FB_ADDRESS_MAX + 1], what[1024];

	for (size_t i = 0; i < g->n; i++) {
		if (!is_alias(n, g->members[i], person) || n->found++ >= SHOWN)
			continue;
		snprintf(what, sizeof what, "the group %s has the member %s, which is an alias of %s: that is nobody", g->name, g->members[i], person);
		doctor_failed(n->d, NULL, hop, DOCTOR_HERE, what, "write %s in its place in %s, then `availbridge reload`.", person, n->d->conf->file);
	}
}

/* Of two addresses of one person the alias alone would be hidden, and the person be seen under the other. */
static void in_hidden(struct naming *n)
{
	const struct conf *c = n->d->conf;
	char person[FB_ADDRESS_MAX + 1], what[1024];

	for (size_t i = 0; i < c->n_hidden; i++) {
		if (!is_alias(n, c->hidden[i], person) || n->found++ >= SHOWN)
			continue;
		snprintf(what, sizeof what, "hidden names %s, which is an alias of %s: whoever asks for %s sees that there is such a person", c->hidden[i],
		         person, person);
		doctor_failed(n->d, NULL, hop, DOCTOR_HERE, what, "write %s in its place in %s, then `availbridge reload`.", person, c->file);
	}
}

void doctor_aliases(struct doctor *d)
{
	struct naming n = {.d = d, .end = loop_ms() + ASK_MS};
	const struct conf *c = d->conf;

	if (!c->directory)
		return;
	if (!(n.people = ctl_people_new(c))) {
		doctor_skipped(d, hop, "out of memory");
		return;
	}
	for (size_t i = 0; i < c->n_peers; i++)
		in_rules(&n, &c->peers[i]);
	for (size_t i = 0; i < c->n_groups; i++)
		in_group(&n, &c->groups[i]);
	in_hidden(&n);
	if (n.found > SHOWN)
		doctor_skipped(d, hop, "%zu more of rules, groups and hidden name an alias", n.found - SHOWN);
	else if (n.untold)
		doctor_skipped(d, hop, "of %zu address%s in rules, groups and hidden the directory did not tell whose %s", n.untold,
		               n.untold == 1 ? "" : "es", n.untold == 1 ? "it is" : "they are");
	else if (!n.found)
		doctor_ok(d, hop, "no rule, no group and nothing hidden names somebody of ours by an alias");
	ctl_people_free(n.people);
}
