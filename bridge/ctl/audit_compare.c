#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/reason.h"
#include "bridge/ctl/audit.h"

/*
 * Each mailbox that crosses a link is written down at both ends under the same request id: "out" where it was asked, "in" where
 * it was answered. What only one side has was lost, removed, or never happened.
 */

enum { CLOCKS = 300 }; /* seconds by which the clocks of two sites may differ */

struct row {
	char *key;       /* request id, direction as we see it, target */
	char *text;      /* for people */
	char time[32];
	int64_t seconds;
	bool out;        /* it was asked there */
	bool alone;      /* the other side has none with that key */
	bool may_lack;   /* the other side need not have it: the question may never have reached it */
};
/* What was refused there and only counted. */
struct sum {
	char result[32];
	int64_t since, until;
	int64_t left; /* mailboxes that were not found at the asking side yet */
};
struct side {
	const char *peer;    /* the records that belong here have this peer */
	bool ours;
	struct row *list;
	size_t n, room;
	struct sum *sums;
	size_t n_sums;
	int64_t first, last; /* of all records, whatever their kind */
	uint64_t bad;
};

bool ctl_audit_time(const char *s, int64_t *seconds)
{
	int64_t read;

	if (!s)
		return true;
	if (fb_time_parse(s, &read) != FB_TIME_BAD && (strlen(s) == 10 || s[strlen(s) - 1] == 'Z')) {
		*seconds = read;
		return true;
	}
	ctl_say("'%s' is no time; write 2026-03-02 or 2026-03-02T08:00:00Z", s);
	return false;
}

/* What an asking side wrote that may never have left it: its own rules said no, or the link or the clock did. */
static bool may_lack(const struct audit_record *r, bool out)
{
	static const char *const words[] = {"peer-failed", "timeout",          "busy",       "not-computed",
	                                    "cancelled",   "no-address-space", "bad-address"};
	const char *level = audit_record_get(r, "level"), *result = audit_record_get(r, "result");

	if (!out)
		return false;
	if (!level || !result || strcmp(level, "None") == 0)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(result, words[i]) == 0)
			return true;
	return false;
}

static char *format(const char *a, const char *b, const char *c, const char *d)
{
	char *out;

	if (asprintf(&out, "%s\t%s\t%s\t%s", a, b, c, d) < 0)
		abort();
	return out;
}

/*
 * A record of the kind "refused". Who asked is of no help: over the link it may be the organisation, whoever it was there. The other
 * side may have made it up: what was answered was not refused, and no record of it is to be lacking for that.
 */
static void take_sum(struct side *s, const struct audit_record *r, const char *result)
{
	int64_t seconds = audit_record_number(r, "seconds");
	struct sum *sum;

	if (strcmp(result, fb_reason_row(FB_OK)->word) == 0 || seconds < 0 || seconds > r->seconds)
		return;
	if (!(s->sums = realloc(s->sums, (s->n_sums + 1) * sizeof(*s->sums))))
		abort();
	sum = &s->sums[s->n_sums++];
	*sum = (struct sum){.since = r->seconds - seconds - CLOCKS, .until = r->seconds + CLOCKS,
	                    .left = audit_record_number(r, "mailboxes")};
	snprintf(sum->result, sizeof sum->result, "%s", result);
}

static bool take(void *arg, const struct audit_record *r, const char *raw, const char *file, uint64_t line)
{
	const char *id = audit_record_get(r, "id"), *target = audit_record_get(r, "target"), *peer = audit_record_get(r, "peer");
	const char *direction = audit_record_get(r, "direction"), *requester = audit_record_get(r, "requester");
	const char *result = audit_record_get(r, "result");
	struct side *s = arg;
	struct row *row;
	bool out;

	if (s->first == 0 || r->seconds < s->first)
		s->first = r->seconds;
	if (r->seconds > s->last)
		s->last = r->seconds;
	if (!peer || !direction || strcmp(peer, s->peer) != 0)
		return true;
	if (strcmp(r->kind, "refused") == 0 && strcmp(direction, "in") == 0 && result)
		take_sum(s, r, result);
	if (strcmp(r->kind, "query") != 0 || !id || !target)
		return true;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		if (!(s->list = realloc(s->list, s->room * sizeof(*s->list))))
			abort();
	}
	out = strcmp(direction, "out") == 0;
	row = &s->list[s->n++];
	*row = (struct row){.seconds = r->seconds, .out = out, .may_lack = may_lack(r, out)};
	row->key = format(id, out == s->ours ? "out" : "in", target, "");
	row->text = format(id, requester ? requester : "-", target, result ? result : "-");
	snprintf(row->time, sizeof(row->time), "%s", r->time);
	return true;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static void side_free(struct side *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].key);
		free(s->list[i].text);
	}
	free(s->list);
	free(s->sums);
}

/* ---- comparing ---- */

struct comparing {
	int64_t since, until; /* what both sides can know */
	const char *peer;
	uint64_t both, only_here, only_there, outside, excused, counted;
};

/*
 * Is ${row} one of those that ${other} refused and only counted? Each of them stands for one. Rows come in the order of their times, and
 * of the sums, which overlap, the one that ends first is taken: so no row takes what a later one could not do without.
 */
static bool is_in_sum(struct side *other, const struct row *row)
{
	const char *result = strrchr(row->text, '\t') + 1;

	for (struct sum *s = other->sums; s < other->sums + other->n_sums; s++)
		if (s->left > 0 && strcmp(s->result, result) == 0 && row->seconds >= s->since && row->seconds <= s->until) {
			s->left--;
			return true;
		}
	return false;
}

static void alone(struct comparing *k, const struct row *row, struct side *other, bool ours)
{
	if (row->seconds < k->since || row->seconds >= k->until) {
		k->outside++;
	} else if (row->may_lack) {
		k->excused++;
	} else if (row->out && is_in_sum(other, row)) {
		k->counted++;
	} else {
		printf("only %s: ", ours ? "here" : k->peer);
		ctl_audit_print(row->time);
		fputs("  ", stdout);
		for (char *rest = row->text, *part; (part = strsep(&rest, "\t"));) {
			ctl_audit_print(part);
			putchar(rest ? '\t' : '\n');
		}
		*(ours ? &k->only_here : &k->only_there) += 1;
	}
}

static int by_time(const void *a, const void *b)
{
	int64_t x = ((const struct row *)a)->seconds, y = ((const struct row *)b)->seconds;

	return (x > y) - (x < y);
}

static int by_end(const void *a, const void *b)
{
	int64_t x = ((const struct sum *)a)->until, y = ((const struct sum *)b)->until;

	return (x > y) - (x < y);
}

static void tell_alone(struct comparing *k, struct side *side, struct side *other)
{
	if (side->n)
		qsort(side->list, side->n, sizeof *side->list, by_time);
	if (other->n_sums)
		qsort(other->sums, other->n_sums, sizeof *other->sums, by_end);
	for (size_t i = 0; i < side->n; i++)
		if (side->list[i].alone)
			alone(k, &side->list[i], other, side->ours);
}

/* Both are in the order of their keys. */
static void merge(struct comparing *k, struct side *ours, struct side *theirs)
{
	size_t i = 0, j = 0;

	while (i < ours->n || j < theirs->n) {
		int r = i == ours->n ? 1 : j == theirs->n ? -1 : strcmp(ours->list[i].key, theirs->list[j].key);

		if (r == 0)
			k->both++;
		else
			(r < 0 ? &ours->list[i] : &theirs->list[j])->alone = true;
		i += r <= 0;
		j += r >= 0;
	}
	tell_alone(k, ours, theirs);
	tell_alone(k, theirs, ours);
}

/* Reads both sides. -1 after a sentence. */
static int read_both(const struct conf *c, const char *path, struct side *ours, struct side *theirs)
{
	int dir = ctl_audit_open(c), fd, r;

	if (dir < 0)
		return -1;
	r = audit_each(dir, take, ours, &ours->bad);
	close(dir);
	if (r < 0) {
		ctl_say("the audit could not be read: %s", strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || audit_each_in(fd, path, take, theirs, &theirs->bad) < 0) {
		ctl_say("%s: %s", path, strerror(errno));
		return -1;
	}
	if (theirs->n == 0 && theirs->first == 0) {
		ctl_say("%s holds no record; it should be what `availbridge audit show --json` printed at the other site", path);
		return -1;
	}
	return 0;
}

static int report(const struct comparing *k, const struct side *ours, const struct side *theirs)
{
	printf("%" PRIu64 " are at both sides, %" PRIu64 " only here, %" PRIu64 " only at %s.\n", k->both, k->only_here,
	       k->only_there, k->peer);
	if (k->excused)
		printf("%" PRIu64 " that failed on their way or were refused before it are at one side alone, as they may be.\n",
		       k->excused);
	if (k->counted)
		printf("%" PRIu64 " that were asked were refused at the other side, which counted them.\n", k->counted);
	if (k->outside)
		printf("%" PRIu64 " lie outside the time that both sides cover; --since and --until set another.\n", k->outside);
	if (theirs->bad)
		printf("%" PRIu64 " lines of the file are no records as they were written: it was changed on its way.\n", theirs->bad);
	if (ours->bad)
		printf("%" PRIu64 " lines of ours are no records; see `availbridge audit verify`.\n", ours->bad);
	return k->only_here || k->only_there || theirs->bad || ours->bad ? CTL_NO : CTL_DONE;
}

/* The peer whose export it is: the one that was named, or the only one there is. NULL after a sentence. */
static const char *peer_of(const struct conf *c, const char *name)
{
	if (name && conf_peer_named(c, name))
		return name;
	if (name)
		ctl_say("there is no peer %s", name);
	else if (c->n_peers == 2)
		return c->peers[1].name;
	else
		ctl_say("whose export is it? Name it with --peer NAME");
	return NULL;
}

/* ${since} and ${until}: 0 = as long as both sides kept an audit. */
static int compare(const struct conf *c, const char *path, struct side *ours, struct side *theirs, int64_t since, int64_t until)
{
	struct comparing k = {.peer = ours->peer};

	if (read_both(c, path, ours, theirs) < 0)
		return CTL_NO;
	/* A match counts whenever it was; what stands alone counts only while both sides kept an audit. */
	k.since = since ? since : ours->first > theirs->first ? ours->first : theirs->first;
	k.until = until ? until : (ours->last < theirs->last ? ours->last : theirs->last) + 1;
	if (ours->n)
		qsort(ours->list, ours->n, sizeof(*ours->list), by_key);
	if (theirs->n)
		qsort(theirs->list, theirs->n, sizeof(*theirs->list), by_key);
	merge(&k, ours, theirs);
	return report(&k, ours, theirs);
}

int ctl_audit_compare(int argc, char **argv, const char *conf_path)
{
	const char *peer = NULL, *as = NULL, *since = NULL, *until = NULL;
	const struct ctl_option options[] = {
		{"peer", .value = &peer}, {"as", .value = &as}, {"since", .value = &since}, {"until", .value = &until}, {0}};
	struct side ours = {.ours = true}, theirs = {.ours = false};
	int64_t from = 0, to = 0;
	struct ctl_words words;
	struct conf *c;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("audit");
	if (!ctl_audit_time(since, &from) || !ctl_audit_time(until, &to))
		return CTL_USAGE;
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	ours.peer = peer_of(c, peer);
	theirs.peer = as ? as : c->site;
	if (ours.peer)
		code = compare(c, words.list[0], &ours, &theirs, from, to);
	side_free(&ours);
	side_free(&theirs);
	conf_free(c);
	return code;
}
