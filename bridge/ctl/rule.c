#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/json.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/look_up.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"

enum { MAX_RULES = 1000000 };

/* The file that holds the rules of ${peer}; false after a sentence if there is no such peer. */
static bool file_of(char out[80], const char *conf_path, const char *peer)
{
	char path[4096];
	FILE *f;

	if (!conf_name_valid(peer) || strcmp(peer, "nobody") == 0) {
		ctl_say("'%s' cannot be the name of a peer", peer);
		return false;
	}
	snprintf(out, 80, "peers.d/%s.conf", peer);
	if (strcmp(peer, "local") == 0)
		return true;
	f = conf_file_path(path, sizeof(path), conf_path, out) == 0 ? fopen(path, "re") : NULL;
	if (!f) {
		ctl_say("there is no peer %s; add it with `availbridge peer add`", peer);
		return false;
	}
	fclose(f);
	return true;
}

/* in or out; for our own people only in. */
static bool direction_is_right(const char *direction, const char *peer)
{
	bool out = strcmp(direction, "out") == 0;

	if (!out && strcmp(direction, "in") != 0)
		ctl_say("--direction is in (what they may see of ours) or out (what we may ask of theirs), not '%s'", direction);
	else if (out && strcmp(peer, "local") == 0)
		ctl_say("rules about our own people (--peer local) have --direction in");
	else
		return true;
	return false;
}

static bool is_rule(const struct line *line, const char *direction)
{
	return line->n >= 2 && strcmp(line->words[0], "rule") == 0 && strcmp(line->words[1], direction) == 0;
}

/* The line of the ${number}th rule of ${direction} (1-based), SIZE_MAX if there are fewer; how many there are in ${count}. */
static size_t find_rule(const struct lines *l, const char *direction, int64_t number, int64_t *count)
{
	size_t found = SIZE_MAX;

	*count = 0;
	for (size_t i = 0; i < l->n; i++)
		if (is_rule(&l->list[i], direction) && ++*count == number)
			found = i;
	return found;
}

/* A requester or target in normal form (malloc'd), or NULL after a sentence. */
static char *word_of(const char *what, const char *s)
{
	char *word = conf_rule_word(s);

	if (!word)
		ctl_say("'%s' is no %s; write an address, a domain, *, group:NAME or group:DN", s, what);
	return word;
}

/* Writes ${rule} as the ${position}th of its direction (0 = last) into the file of ${peer}. */
static int insert(const char *conf_path, const char *file, const char *peer, const char *direction, const char *rule,
                  int64_t position)
{
	struct ctl_edit edit;
	struct lines *l;
	int64_t count;
	size_t at;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = ctl_edit_read(&edit, file, ctl_header_local);
	if (!l) {
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	at = find_rule(l, direction, position, &count);
	if (position > count + 1) {
		ctl_say("%s has %lld rules of direction %s, so --position is 1 to %lld", peer, (long long)count, direction,
		        (long long)count + 1);
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	ctl_edit_put(&edit, file, l, SIZE_MAX, NULL, at, rule);
	lines_free(l);
	if (ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	return ctl_edit_done("Rule %lld of %s: %s.", (long long)(position ? position : count + 1), peer, rule);
}

/* The rule is written all the same: whoever it names may be somebody of that address tomorrow. */
static void warn_of_aliases(const char *conf_path, const char *from, const char *to, enum fb_level level)
{
	const char *const words[] = {from, to};
	char person[FB_ADDRESS_MAX + 1];
	struct conf *c = ctl_load(conf_path);
	struct ctl_people *people = c && c->directory ? ctl_people_new(c) : NULL;

	for (size_t i = 0; people && i < sizeof(words) / sizeof(*words); i++)
		switch (ctl_alias_of(people, words[i], person)) {
		case FB_YES:
			ctl_say("%s is an alias of %s, and rules see that address alone: this one matches nobody%s. Remove it and name %s.", words[i],
			        person, level == FB_LEVEL_NONE ? ", so its None denies nothing" : "", person);
			break;
		case FB_COULD_NOT_TELL:
			ctl_say("the directory did not tell whether %s is somebody's alias; if it is, this rule matches nobody. `availbridge doctor` looks "
			        "again.", words[i]);
			break;
		case FB_NO:
			break;
		}
	ctl_people_free(people);
	conf_free(c);
}

static int add(int argc, char **argv, const char *conf_path)
{
	const char *peer = NULL, *direction = NULL, *requester = NULL, *target = NULL, *level_text = NULL, *position_text = NULL;
	const struct ctl_option options[] = {{"peer", .value = &peer},
	                                     {"direction", .value = &direction},
	                                     {"requester", .value = &requester},
	                                     {"target", .value = &target},
	                                     {"level", .value = &level_text},
	                                     {"position", .value = &position_text},
	                                     {0}};
	struct ctl_words words;
	char file[80], *from, *to = NULL;
	int64_t position = 0;
	enum fb_level level;
	struct buf rule;
	int code = CTL_USAGE;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n || !peer || !direction || !requester || !target || !level_text)
		return ctl_usage("rule");
	if (!direction_is_right(direction, peer))
		return CTL_USAGE;
	if (!fb_level_named(level_text, &level)) {
		ctl_say("'%s' is no level; write None, AvailabilityOnly or LimitedDetails", level_text);
		return CTL_USAGE;
	}
	if (position_text && !text_int(position_text, 1, MAX_RULES, &position)) {
		ctl_say("--position is a number from 1 on, not '%s'", position_text);
		return CTL_USAGE;
	}
	buf_init(&rule, 4096);
	if ((from = word_of("requester", requester)) && (to = word_of("target", target))) {
		buf_printf(&rule, "rule %s", direction);
		lines_put_word(&rule, from);
		lines_put_word(&rule, to);
		lines_put_word(&rule, fb_level_name(level));
		code = file_of(file, conf_path, peer) ? insert(conf_path, file, peer, direction, buf_cstr(&rule), position) : CTL_NO;
		fflush(stdout);
		if (code == CTL_DONE)
			warn_of_aliases(conf_path, from, to, level);
	}
	buf_free(&rule);
	free(from);
	free(to);
	return code;
}

static int remove_rule(int argc, char **argv, const char *conf_path)
{
	const char *peer = NULL, *direction = NULL;
	const struct ctl_option options[] = {{"peer", .value = &peer}, {"direction", .value = &direction}, {0}};
	struct ctl_words words;
	struct ctl_edit edit;
	struct lines *l;
	int64_t number, count = 0;
	char file[80], *rule = NULL;
	size_t at = SIZE_MAX;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1 || !peer || !direction)
		return ctl_usage("rule");
	if (!direction_is_right(direction, peer))
		return CTL_USAGE;
	if (!text_int(words.list[0], 1, MAX_RULES, &number)) {
		ctl_say("'%s' is no rule's number; see `availbridge rule list`", words.list[0]);
		return CTL_USAGE;
	}
	if (!file_of(file, conf_path, peer) || ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = ctl_edit_read(&edit, file, ctl_header_local);
	if (l && (at = find_rule(l, direction, number, &count)) == SIZE_MAX)
		ctl_say("%s has %lld rules of direction %s; there is no rule %lld", peer, (long long)count, direction, (long long)number);
	if (at == SIZE_MAX) {
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	rule = strndup(l->list[at].raw, l->list[at].raw_len);
	ctl_edit_put(&edit, file, l, at, NULL, SIZE_MAX, NULL);
	lines_free(l);
	at = ctl_edit_commit(&edit) == 0 ? 0 : SIZE_MAX;
	if (at == 0)
		ctl_edit_done("Removed from %s: %s.", peer, rule ? rule : "the rule");
	free(rule);
	return at == 0 ? CTL_DONE : CTL_NO;
}

static void put_rule(struct buf *b, bool json, const struct conf_peer *p, const struct conf_rule *r, int number)
{
	if (!json) {
		buf_printf(b, "%-16s %-3s %4d  %-32s %-32s %s\n", p->name, r->in ? "in" : "out", number, r->requester, r->target,
		           fb_level_name(r->level));
		return;
	}
	json_open(b, NULL, '{');
	json_str(b, "peer", p->name);
	json_str(b, "direction", r->in ? "in" : "out");
	json_int(b, "number", number);
	json_str(b, "requester", r->requester);
	json_str(b, "target", r->target);
	json_str(b, "level", fb_level_name(r->level));
	json_close(b, '}');
}

static int list(int argc, char **argv, const char *conf_path)
{
	const char *peer = NULL, *direction = NULL;
	bool json = false, found = false;
	const struct ctl_option options[] = {{"peer", .value = &peer}, {"direction", .value = &direction}, {"json", .flag = &json}, {0}};
	struct ctl_words words;
	struct conf *c;
	struct buf b;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("rule");
	if (direction && !direction_is_right(direction, peer ? peer : ""))
		return CTL_USAGE;
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	buf_init(&b, CTL_LIST_MAX);
	if (json)
		json_open(&b, NULL, '[');
	for (size_t i = 0; i < c->n_peers; i++) {
		const struct conf_peer *p = &c->peers[i];
		int numbers[2] = {0, 0};

		if (peer && strcmp(peer, p->name) != 0)
			continue;
		found = true;
		for (size_t k = 0; k < p->n_rules; k++) {
			int number = ++numbers[p->rules[k].in];

			if (!direction || p->rules[k].in == (strcmp(direction, "in") == 0))
				put_rule(&b, json, p, &p->rules[k], number);
		}
	}
	if (json)
		json_close(&b, ']');
	if (found)
		printf("%s%s", buf_cstr(&b), json ? "\n" : "");
	else
		ctl_say("there is no peer %s", peer);
	buf_free(&b);
	conf_free(c);
	return found ? CTL_DONE : CTL_NO;
}

int ctl_rule(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"add", add}, {"remove", remove_rule}, {"list", list}, {0}};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
