#include <stdlib.h>
#include <string.h>
#include "bridge/conf/conf.h"

/*
 * Rules by the word that decides most about them: an address or a domain as the target, else as the requester. Those with neither (everybody and
 * groups) stand in a list of their own. So a pair needs a look at five lists, however many rules there are about others.
 */
enum { NONE = UINT32_MAX };
enum kind { TARGET_OUT, TARGET_IN, REQUESTER_OUT, REQUESTER_IN, WILD_OUT, WILD_IN };

struct slot {
	const char *word; /* NULL = free; of a rule */
	enum kind kind;
	uint32_t first, last;
};

struct conf_rule_index {
	struct slot wild[2];
	size_t mask;
	struct slot *slots;
	uint32_t *next; /* of each rule, the next in its list */
	int *number;    /* of each rule, within its direction, from 1 */
};

static bool is_exact(const char *word)
{
	return strcmp(word, "*") != 0 && strncmp(word, "group:", 6) != 0;
}

/* FNV-1a; the words are the admin's own, so nobody outside can choose what collides. */
static size_t hash(enum kind kind, const char *word)
{
	uint64_t h = 14695981039346656037u ^ kind;

	for (; *word; word++)
		h = (h ^ (unsigned char)*word) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static struct slot *slot_of(const struct conf_rule_index *x, enum kind kind, const char *word)
{
	size_t i = hash(kind, word) & x->mask;

	while (x->slots[i].word && (x->slots[i].kind != kind || strcmp(x->slots[i].word, word) != 0))
		i = (i + 1) & x->mask;
	return &x->slots[i];
}

static struct slot *list_for(struct conf_rule_index *x, const struct conf_rule *r)
{
	bool by_target = is_exact(r->target);
	const char *word = by_target ? r->target : r->requester;
	enum kind kind = (by_target ? TARGET_OUT : REQUESTER_OUT) + r->in;
	struct slot *s;

	if (!is_exact(word))
		return &x->wild[r->in];
	s = slot_of(x, kind, word);
	if (!s->word)
		*s = (struct slot){word, kind, NONE, NONE};
	return s;
}

void conf_index_rules(struct conf_peer *p)
{
	struct conf_rule_index *x = calloc(1, sizeof *x);
	size_t size = 2;
	int numbers[2] = {0, 0};

	while (size < 2 * p->n_rules)
		size *= 2;
	conf_unindex_rules(p);
	if (!x || !(x->slots = calloc(size, sizeof *x->slots)) || !(x->next = calloc(p->n_rules + 1, sizeof *x->next)) ||
	    !(x->number = calloc(p->n_rules + 1, sizeof *x->number)))
		abort();
	x->mask = size - 1;
	x->wild[0] = (struct slot){"", WILD_OUT, NONE, NONE};
	x->wild[1] = (struct slot){"", WILD_IN, NONE, NONE};
	for (uint32_t i = 0; i < p->n_rules; i++) {
		struct slot *s = list_for(x, &p->rules[i]);

		*(s->first == NONE ? &s->first : &x->next[s->last]) = i;
		s->last = i;
		x->next[i] = NONE;
		x->number[i] = ++numbers[p->rules[i].in];
	}
	p->index = x;
}

void conf_unindex_rules(struct conf_peer *p)
{
	if (!p->index)
		return;
	free(p->index->slots);
	free(p->index->next);
	free(p->index->number);
	free(p->index);
	p->index = NULL;
}

static uint32_t first_of(const struct conf_rule_index *x, enum kind kind, const char *word)
{
	const struct slot *s = slot_of(x, kind, word);

	return s->word ? s->first : NONE;
}

struct conf_rules_walk conf_rules_about(const struct conf_peer *p, bool in, const char *requester, const char *target)
{
	const struct conf_rule_index *x = p->index;

	if (!x)
		abort(); /* an index that was forgotten must not look like a peer without rules */
	return (struct conf_rules_walk){p, {
		x->wild[in].first,
		first_of(x, TARGET_OUT + in, target),
		first_of(x, TARGET_OUT + in, fb_address_domain(target)),
		first_of(x, REQUESTER_OUT + in, requester),
		first_of(x, REQUESTER_OUT + in, fb_address_domain(requester)),
	}};
}

const struct conf_rule *conf_rules_next(struct conf_rules_walk *w, int *number)
{
	uint32_t *least = &w->at[0], i;

	for (i = 1; i < CONF_RULES_LISTS; i++)
		if (w->at[i] < *least)
			least = &w->at[i];
	if ((i = *least) == NONE)
		return NULL;
	*least = w->peer->index->next[i];
	*number = w->peer->index->number[i];
	return &w->peer->rules[i];
}
