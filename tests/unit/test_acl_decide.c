/* links: base availability conf pki acl */
#include "bridge/acl/decide.h"
#include "bridge/availability/reason.h"
#include "tests/unit/check.h"

/* Runs tests/rules/cases.txt, where each case stands beside its rules in words. */

enum { MAX_RULES = 16, MAX_GROUPS = 4, MAX_WORDS = 12 };

static struct {
	char name[64];
	char *members[8];
	size_t n;
} groups[MAX_GROUPS];
static size_t n_groups;
static struct conf_rule rules[MAX_RULES];
static struct conf_peer peer;
static char text[1 << 16];

static enum fb_fact member(void *arg, const char *group, const char *address)
{
	for (size_t i = 0; i < n_groups; i++) {
		if (strcmp(groups[i].name, group) != 0)
			continue;
		for (size_t k = 0; k < groups[i].n; k++) {
			const char *m = groups[i].members[k];

			if (strcmp(m, "?") == 0)
				return FB_COULD_NOT_TELL;
			if (strcmp(m, address) == 0 || strcmp(m, fb_address_domain(address)) == 0)
				return FB_YES;
		}
		return FB_NO;
	}
	return FB_COULD_NOT_TELL;
}

static void read_peer(char **w, size_t n)
{
	peer = (struct conf_peer){
		.name = w[1], .enabled = true, .access_enabled = true, .access_level = FB_LEVEL_LIMITED_DETAILS, .rules = rules};
	n_groups = 0;
	for (size_t i = 2; i < n; i++) {
		if (strcmp(w[i], "off") == 0)
			peer.access_enabled = false;
		else if (strcmp(w[i], "disabled") == 0)
			peer.enabled = false;
		else
			CHECK(strncmp(w[i], "cap=", 4) == 0 && fb_level_named(w[i] + 4, &peer.access_level));
	}
}

static void read_group(char **w, size_t n)
{
	strcpy(groups[n_groups].name, w[1]);
	groups[n_groups].n = n - 2;
	memcpy(groups[n_groups].members, w + 2, (n - 2) * sizeof(*w));
	n_groups++;
}

static void read_rule(char **w)
{
	struct conf_rule *r = &rules[peer.n_rules++];

	*r = (struct conf_rule){.in = strcmp(w[1], "in") == 0, .requester = w[2], .target = w[3]};
	CHECK(fb_level_named(w[4], &r->level));
}

static struct fb_facts facts_of(const char *s)
{
	struct fb_facts f = {FB_YES, FB_NO};

	if (strcmp(s, "unknown") == 0)
		f.exists = FB_NO;
	else if (strcmp(s, "hidden") == 0)
		f.hidden = FB_YES;
	else if (strcmp(s, "exists?") == 0)
		f.exists = FB_COULD_NOT_TELL;
	else if (strcmp(s, "hidden?") == 0)
		f.hidden = FB_COULD_NOT_TELL;
	else if (strcmp(s, "-") == 0)
		f = (struct fb_facts){FB_COULD_NOT_TELL, FB_COULD_NOT_TELL};
	else
		CHECK_STR(s, "exists");
	return f;
}

static void run_case(char **w, size_t n, int line)
{
	struct fb_requester requester = {.is_person = strchr(w[1], '@') != NULL};
	struct acl_question q = {.peer = &peer,
	                         .in = strcmp(w[0], "in") == 0,
	                         .requester = &requester,
	                         .target = w[2],
	                         .facts = facts_of(w[3]),
	                         .member = member};
	bool capped = n > 7 && strcmp(w[7], "capped") == 0, ok;
	char got[128], want[128];

	strcpy(requester.name, w[1]);
	conf_index_rules(&peer);
	struct acl_verdict v = acl_decide(&q);

	conf_unindex_rules(&peer);

	snprintf(got, sizeof(got), "%s %d %s%s", fb_level_name(v.level), v.rule, fb_reason_row(v.reason)->word,
	         v.capped ? " capped" : "");
	snprintf(want, sizeof(want), "%s %s %s%s", w[5], w[6],
	         n > 7 && !capped            ? w[7]
	         : strcmp(w[5], "None") == 0 ? "no-access"
	                                     : "ok",
	         capped ? " capped" : "");
	ok = CHECK_STR(got, want);
	if (!ok)
		fprintf(stderr, "\tin tests/rules/cases.txt:%d\n", line);
}

static void read_line(char *s, int line)
{
	char *w[MAX_WORDS];
	size_t n = 0;

	for (char *word = strtok(s, " \t\n"); word && n < MAX_WORDS; word = strtok(NULL, " \t\n"))
		w[n++] = word;
	if (n == 0 || w[0][0] == '#')
		return;
	if (strcmp(w[0], "peer") == 0)
		read_peer(w, n);
	else if (strcmp(w[0], "group") == 0)
		read_group(w, n);
	else if (strcmp(w[0], "rule") == 0)
		read_rule(w);
	else if (CHECK(n >= 7 && strcmp(w[4], "->") == 0))
		run_case(w, n, line);
}

/* All-zero is nothing: a verdict that nobody wrote shows nothing. */
static void zero_is_nothing(void)
{
	struct acl_verdict v = {0};

	CHECK_INT(v.level, FB_LEVEL_NONE);
	CHECK(v.reason != FB_OK);
}

/* ---- the rules that are looked at are those that could match: against a look at all of them ---- */

enum { RANDOM_RULES = 80, ROUNDS = 3000 };
static const char *const words[] = {"*", "*", "group:yes", "group:no", "group:unknown", "anna@a.example", "ben@a.example", "cem@sub.a.example",
                                    "anna@b.example", "a.example", "sub.a.example", "b.example", "example"};
static const char *const people[] = {"anna@a.example", "ben@a.example", "cem@sub.a.example", "anna@b.example", "dora@c.example"};
static const char *const askers[] = {"anna@a.example", "ben@a.example", "anna@b.example", "a.example", "b.example", "c.example", "example"};

#define PICK(list) ((char *)(list)[(size_t)rand() % (sizeof(list) / sizeof(*(list)))])

static enum fb_fact member_by_name(void *arg, const char *group, const char *address)
{
	return strcmp(group, "yes") == 0 ? FB_YES : strcmp(group, "no") == 0 ? FB_NO : FB_COULD_NOT_TELL;
}

static enum fb_fact means(const char *word, const char *whom, bool is_person)
{
	if (strcmp(word, "*") == 0 || strcmp(word, whom) == 0)
		return FB_YES;
	if (!is_person)
		return FB_NO;
	if (strncmp(word, "group:", 6) == 0)
		return member_by_name(NULL, word + 6, whom);
	return strcmp(word, strchr(whom, '@') + 1) == 0 ? FB_YES : FB_NO;
}

/* The number of the first rule of the direction that is not out of the question, by looking at each; 0 = none. */
static int plain_scan(const struct acl_question *q)
{
	int number = 0;

	for (size_t i = 0; i < peer.n_rules; i++) {
		const struct conf_rule *r = &peer.rules[i];

		if (r->in != q->in)
			continue;
		number++;
		if (means(r->requester, q->requester->name, q->requester->is_person) != FB_NO && means(r->target, q->target, true) != FB_NO)
			return number;
	}
	return 0;
}

/* The same for whether the requester may ask about anybody at all. */
static bool plainly_allowed(const struct acl_question *q)
{
	for (size_t i = 0; i < peer.n_rules; i++) {
		const struct conf_rule *r = &peer.rules[i];
		enum fb_fact who = r->in ? FB_NO : means(r->requester, q->requester->name, q->requester->is_person);

		if (who != FB_NO && r->level > FB_LEVEL_NONE)
			return true;
		if (who == FB_YES && strcmp(r->target, "*") == 0)
			return false;
	}
	return false;
}

static void against_plain_scan(void)
{
	static struct conf_rule some[RANDOM_RULES];
	int refused[2] = {0, 0};

	peer = (struct conf_peer){.name = (char *)"p", .enabled = true, .access_enabled = true, .access_level = FB_LEVEL_LIMITED_DETAILS, .rules = some};
	for (int round = 0; round < ROUNDS; round++) {
		struct fb_requester requester = {.is_person = false};
		struct acl_question q = {.peer = &peer, .in = rand() % 2, .requester = &requester, .target = PICK(people), .facts = {FB_YES, FB_NO}, .member = member_by_name};

		peer.n_rules = (size_t)rand() % (round % 2 ? RANDOM_RULES : 8);
		for (size_t i = 0; i < peer.n_rules; i++)
			some[i] = (struct conf_rule){.in = rand() % 2, .requester = PICK(words), .target = PICK(words), .level = (enum fb_level)(rand() % 3)};
		for (size_t i = 0; round % 4 >= 2 && i < peer.n_rules; i++)
			if (rand() % 10)
				some[i].level = FB_LEVEL_NONE;
		strcpy(requester.name, PICK(askers));
		requester.is_person = strchr(requester.name, '@') != NULL;
		conf_index_rules(&peer);

		const struct acl_verdict v = acl_decide(&q);

		CHECK_INT(v.rule, plain_scan(&q));
		if (v.reason != FB_NO_ACCESS && v.reason != FB_NOT_ALLOWED)
			continue;
		CHECK_INT(v.reason == FB_NOT_ALLOWED, !q.in && !plainly_allowed(&q));
		refused[v.reason == FB_NOT_ALLOWED]++;
	}
	CHECK(refused[0] > 100 && refused[1] > 100);
	conf_unindex_rules(&peer);
}

/* However many rules there are, whether somebody may ask at all is found in a few of them. */
static void many_rules(void)
{
	enum { MANY = 10000 };
	static struct conf_rule many[MANY];
	static char targets[MANY][32];
	static const char *const who[] = {"anna@a.example", "a.example", "group:yes", "*"};
	struct conf_rules_walk walk;
	int number, looks = 0;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(targets[i], sizeof(targets[i]), "p%zu@b.example", i);
		many[i] = (struct conf_rule){.requester = (char *)who[i % 4], .target = i < MANY / 2 ? targets[i] : (char *)"*", .level = FB_LEVEL_NONE};
	}
	peer = (struct conf_peer){.name = (char *)"p", .rules = many, .n_rules = MANY};
	conf_index_rules(&peer);
	for (walk = conf_rules_asking(&peer, "anna@a.example"); conf_rules_next(&walk, &number); looks++)
		;
	CHECK_INT(looks, 4); /* of each word the one that says None of everybody */
	conf_unindex_rules(&peer);
}

int main(void)
{
	FILE *f = fopen("tests/rules/cases.txt", "r");
	char *at = text;

	zero_is_nothing();
	if (!CHECK(f != NULL))
		return check_done();
	for (int line = 1; at < text + sizeof(text) - 1024 && fgets(at, 1024, f); line++) {
		size_t n = strlen(at) + 1;

		read_line(at, line);
		at += n;
	}
	CHECK(feof(f));
	fclose(f);
	CHECK(check_passed > 60);
	against_plain_scan();
	many_rules();
	return check_done();
}
