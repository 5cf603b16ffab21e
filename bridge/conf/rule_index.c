#include <stdlib.h>
#include <string.h>
#include "bridge/conf/conf.h"

/*
 * Rules by the word that decides most about them: an address or a domain as the target, else as the requester. Those with neither (everybody and
 * groups) stand in a list of their own. So a pair needs a look at five lists, however many rules there are about others.
 *
 * Whether somebody may ask at all is decided by two `out` rules of each requester's word: the first that gives something, and the first that says
 * None of everybody. These are found by the requester, and stand in one list where that is everybody or a group.
 */
enum { NONE = UINT32_MAX };
enum kind { TARGET_OUT, TARGET_IN, REQUESTER_OUT, REQUESTER_IN, WILD_OUT, WILD_IN, ASKER };

struct slot {
	const char *word; /* NULL = free; of a rule */
	enum kind kind;
	uint32_t first, last; /* of an ASKER: the rule that gives something, the one that ends it */
};

struct conf_rule_index {
	struct slot wild[2], askers;
	size_t mask;
	struct slot *slots;
	uint32_t *next; /* of each rule, the next in its list */
	uint32_t *next_asker; /* the same in the list of askers */
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

static void append(struct slot *list, uint32_t *next, uint32_t i)
{
	*(list->first == NONE ? &list->first : &next[list->last]) = i;
	list->last = i;
	next[i] = NONE;
}

/* Notes rule ${i}, of the direction out, if it is one of the two of its requester. */
static void add_asker(struct conf_rule_index *x, const struct conf_rule *r, uint32_t i)
{
	bool gives = r->level > FB_LEVEL_NONE;
	struct slot *s = slot_of(x, ASKER, r->requester);

	if (!s->word)
		*s = (struct slot){r->requester, ASKER, NONE, NONE};
	x->next_asker[i] = NONE;
	if ((gives ? s->first : s->last) != NONE || (!gives && strcmp(r->target, "*") != 0))
		return;
	*(gives ? &s->first : &s->last) = i;
	if (!is_exact(r->requester))
		append(&x->askers, x->next_asker, i);
}

void conf_index_rules(struct conf_peer *p)
{
	struct conf_rule_index *x = calloc(1, sizeof *x);
	size_t size = 4;
	int numbers[2] = {0, 0};

	while (size < 4 * p->n_rules)
		size *= 2;
	conf_unindex_rules(p);
	if (!x || !(x->slots = calloc(size, sizeof *x->slots)) || !(x->next = calloc(p->n_rules + 1, sizeof *x->next)) ||
	    !(x->next_asker = calloc(p->n_rules + 1, sizeof *x->next_asker)) || !(x->number = calloc(p->n_rules + 1, sizeof *x->number)))
		abort();
	x->mask = size - 1;
	x->wild[0] = (struct slot){"", WILD_OUT, NONE, NONE};
	x->wild[1] = (struct slot){"", WILD_IN, NONE, NONE};
	x->askers = (struct slot){"", ASKER, NONE, NONE};
	for (uint32_t i = 0; i < p->n_rules; i++) {
		append(list_for(x, &p->rules[i]), x->next, i);
		if (!p->rules[i].in)
			add_asker(x, &p->rules[i], i);
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
	free(p->index->next_asker);
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
	return (struct conf_rules_walk){p, x->next, {
		x->wild[in].first,
		first_of(x, TARGET_OUT + in, target),
		first_of(x, TARGET_OUT + in, fb_address_domain(target)),
		first_of(x, REQUESTER_OUT + in, requester),
		first_of(x, REQUESTER_OUT + in, fb_address_domain(requester)),
	}};
}

struct conf_rules_walk conf_rules_asking(const struct conf_peer *p, const char *requester)
{
	static const struct slot nothing = {NULL, ASKER, NONE, NONE};
	const struct conf_rule_index *x = p->index;
	const struct slot *self, *domain;

	if (!x)
		abort(); /* as above */
	self = slot_of(x, ASKER, requester);
	domain = slot_of(x, ASKER, fb_address_domain(requester));
	if (!self->word)
		self = &nothing;
	if (!domain->word)
		domain = &nothing;
	return (struct conf_rules_walk){p, x->next_asker, {x->askers.first, self->first, self->last, domain->first, domain->last}};
}

const struct conf_rule *conf_rules_next(struct conf_rules_walk *w, int *number)
{
	uint32_t *least = &w->at[0], i;

	for (i = 1; i < CONF_RULES_LISTS; i++)
		if (w->at[i] < *least)
			least = &w->at[i];
	if ((i = *least) == NONE)
		return NULL;
	*least = w->next[i];
	*number = w->peer->index->number[i];
	return &w->peer->rules[i];
}
