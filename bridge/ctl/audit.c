#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/availability/reason.h"
#include "bridge/base/json.h"
#include "bridge/base/text.h"
#include "bridge/ctl/audit.h"
#include "bridge/ctl/verbs.h"

int ctl_audit_open(const struct conf *c)
{
	int dir = audit_folder_open(c->state_dir);

	if (dir < 0)
		ctl_say("%s/audit: %s%s", c->state_dir, strerror(errno),
		        errno == ENOENT ? ". Nothing has been written down yet." : ". Run this as the user that owns it.");
	return dir;
}

void ctl_audit_print(const char *s)
{
	struct buf b;

	buf_init(&b, 2 * AUDIT_LINE_MAX);
	text_safe(&b, s);
	fputs(buf_cstr(&b), stdout);
	buf_free(&b);
}

/* ---- verify ---- */

struct verifying {
	bool json;
	struct buf out;
};

static void on_finding(void *arg, const struct audit_finding *f)
{
	struct verifying *v = arg;

	if (v->json) {
		json_open(&v->out, NULL, '{');
		json_bool(&v->out, "problem", f->is_problem);
		json_str(&v->out, "file", f->file);
		json_int(&v->out, "line", (int64_t)f->line);
		json_str(&v->out, "text", f->text);
		json_close(&v->out, '}');
		return;
	}
	ctl_audit_print(f->file);
	if (f->line)
		printf(":%" PRIu64, f->line);
	fputs(f->is_problem ? ": " : ": note: ", stdout);
	ctl_audit_print(f->text);
	puts(".");
}

static void print_counts(struct verifying *v, const struct audit_counts *n)
{
	char hex[AUDIT_HEX];

	text_hex(hex, n->head, AUDIT_HASH);
	if (!v->json) {
		printf("%" PRIu64 " records in %" PRIu64 " segments (%" PRIu64 " being written), %" PRIu64 " in the spine: %s.\n",
		       n->records, n->segments, n->live, n->changes,
		       n->problems ? "NOT as they were written" : "all are as they were written");
		printf("The spine ends with record %" PRIu64
		       ", hash %s. Kept elsewhere, it can be asked for later: audit verify --anchor HASH\n",
		       n->head_n, hex);
		return;
	}
	json_close(&v->out, ']');
	json_int(&v->out, "records", (int64_t)n->records);
	json_int(&v->out, "segments", (int64_t)n->segments);
	json_int(&v->out, "live", (int64_t)n->live);
	json_int(&v->out, "spine_records", (int64_t)n->changes);
	json_int(&v->out, "problems", (int64_t)n->problems);
	json_int(&v->out, "head_record", (int64_t)n->head_n);
	json_str(&v->out, "head", hex);
	json_close(&v->out, '}');
	json_print(&v->out);
}

static int verify(int argc, char **argv, const char *conf_path)
{
	struct verifying v = {.json = false};
	const char *anchor_text = NULL;
	const struct ctl_option options[] = {{"json", .flag = &v.json}, {"anchor", .value = &anchor_text}, {0}};
	uint8_t anchor[AUDIT_HASH];
	struct audit_counts counts;
	struct ctl_words words;
	struct conf *c;
	int dir, r;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("audit");
	if (anchor_text && !audit_unhex(anchor, anchor_text)) {
		ctl_say("'%s' is no hash; use the one that an earlier `audit verify` printed", anchor_text);
		return CTL_USAGE;
	}
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	dir = ctl_audit_open(c);
	conf_free(c);
	if (dir < 0)
		return CTL_NO;
	buf_init(&v.out, 64 << 20);
	json_open(&v.out, NULL, '{');
	json_open(&v.out, "findings", '[');
	r = audit_verify(dir, anchor_text ? anchor : NULL, on_finding, &v, &counts);
	if (r < 0)
		ctl_say("the audit could not be read: %s", strerror(errno));
	else
		print_counts(&v, &counts);
	buf_free(&v.out);
	close(dir);
	return r == 0 && counts.problems == 0 ? CTL_DONE : CTL_NO;
}

/* ---- show ---- */

struct shown {
	char time[32];
	size_t i; /* in the order of the files, which decides when times are equal */
	char *raw;
};
struct showing {
	const char *requester, *target, *peer, *id, *result, *kind, *since_text, *until_text;
	int64_t since, until; /* seconds since 1970 */
	struct shown *list;
	size_t n, room;
};

static bool wanted(const char *want, const struct audit_record *r, const char *key)
{
	const char *have = audit_record_get(r, key);

	return !want || (have && text_ieq(want, have));
}

static bool keep(void *arg, const struct audit_record *r, const char *raw, const char *file, uint64_t line)
{
	struct showing *s = arg;

	if (!wanted(s->requester, r, "requester") || !wanted(s->target, r, "target") || !wanted(s->peer, r, "peer") ||
	    !wanted(s->id, r, "id") || !wanted(s->result, r, "result") || (s->kind && strcmp(s->kind, r->kind) != 0))
		return true;
	if (r->seconds < s->since || r->seconds >= s->until)
		return true;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		if (!(s->list = realloc(s->list, s->room * sizeof(*s->list))))
			abort();
	}
	snprintf(s->list[s->n].time, sizeof(s->list[s->n].time), "%s", r->time);
	s->list[s->n].i = s->n;
	if (!(s->list[s->n].raw = strdup(raw)))
		abort();
	s->n++;
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;
	int r = strcmp(x->time, y->time);

	return r ? r : x->i < y->i ? -1 : x->i > y->i;
}

static const char *or_dash(const struct audit_record *r, const char *key)
{
	const char *s = audit_record_get(r, key);

	return s ? s : "-";
}

/* One line for people. */
static void print_record(const struct audit_record *r)
{
	static const char *const columns[] = {"direction", "peer", "requester", "target", "level", "result"};

	printf("%s  ", r->time);
	if (strcmp(r->kind, "query") == 0) {
		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
			ctl_audit_print(or_dash(r, columns[i]));
			fputs(i == 2 ? " -> " : "  ", stdout);
		}
		printf("rule ");
		ctl_audit_print(or_dash(r, "rule"));
		printf("  id ");
		ctl_audit_print(or_dash(r, "id"));
	} else {
		ctl_audit_print(r->kind);
		for (size_t i = 0; i < r->n_fields; i++) {
			fputs("  ", stdout);
			ctl_audit_print(r->fields[i].key);
			putchar('=');
			ctl_audit_print(r->fields[i].value ? r->fields[i].value : "-");
		}
	}
	putchar('\n');
}

static void print_shown(struct showing *s, bool json)
{
	struct audit_record r;

	if (s->n)
		qsort(s->list, s->n, sizeof(*s->list), by_time);
	for (size_t i = 0; i < s->n; i++) {
		if (json)
			puts(s->list[i].raw);
		else if (audit_record_read(s->list[i].raw, strlen(s->list[i].raw), &r) == AUDIT_WHOLE)
			print_record(&r);
		free(s->list[i].raw);
	}
	free(s->list);
}

/* A word that no record has would find nothing, and look as if nothing had happened. False after a sentence. */
static bool words_are_known(const struct showing *s)
{
	static const char *const kinds[] = {"query", "refused", "change", "change-failed", "gap", "serving", "stopped", "segment-opened", "checkpoint",
	                                    "segment-closed", "pruned", "torn"};
	size_t i = 0, n = sizeof(kinds) / sizeof(kinds[0]);

	while (s->kind && i < n && strcmp(s->kind, kinds[i]) != 0)
		i++;
	if (i == n)
		ctl_say("there is no kind of record called %s; availbridge(8) lists those that there are", s->kind);
	else if (s->result && !text_ieq(s->result, "cancelled") && !text_ieq(fb_reason_row(fb_reason_named(s->result))->word, s->result))
		ctl_say("there is no result called %s; availbridge(8) lists those that there are", s->result);
	else
		return true;
	return false;
}

static int show(int argc, char **argv, const char *conf_path)
{
	struct showing s = {.until = INT64_MAX};
	bool json = false;
	const struct ctl_option options[] = {{"requester", .value = &s.requester},
	                                     {"target", .value = &s.target},
	                                     {"peer", .value = &s.peer},
	                                     {"id", .value = &s.id},
	                                     {"result", .value = &s.result},
	                                     {"kind", .value = &s.kind},
	                                     {"since", .value = &s.since_text},
	                                     {"until", .value = &s.until_text},
	                                     {"json", .flag = &json},
	                                     {0}};
	struct ctl_words words;
	struct conf *c;
	uint64_t bad;
	int dir, r;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("audit");
	if (!ctl_audit_time(s.since_text, &s.since) || !ctl_audit_time(s.until_text, &s.until) || !words_are_known(&s))
		return CTL_USAGE;
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	dir = ctl_audit_open(c);
	conf_free(c);
	if (dir < 0)
		return CTL_NO;
	r = audit_each(dir, keep, &s, &bad);
	close(dir);
	if (r < 0)
		ctl_say("the audit could not be read: %s", strerror(errno));
	print_shown(&s, json);
	if (bad)
		ctl_say("%" PRIu64 " lines are no whole records and were left out; `availbridge audit verify` says which", bad);
	return r == 0 ? CTL_DONE : CTL_NO;
}

int ctl_audit(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"show", show}, {"verify", verify}, {"compare", ctl_audit_compare}, {0}};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
