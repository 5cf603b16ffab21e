#include "bridge/audit/verify.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/audit/walk.h"
#include "bridge/base/text.h"
#include "pki/digest.h"

/* What the spine says of one segment, or of a spine file that was removed. */
struct known {
	char name[AUDIT_NAME];
	char file[AUDIT_NAME]; /* and the spine's record that said so first */
	uint64_t line;
	bool opened, closed, pruned, seen;
	uint8_t link[AUDIT_HASH];
	uint64_t n;            /* records at the last checkpoint, or when it was closed or pruned */
	uint8_t last[AUDIT_HASH];
	bool has_last;
	uint64_t torn;
	uint8_t torn_hash[AUDIT_HASH];
};
struct verify {
	int dir;
	audit_finding_cb *cb;
	void *arg;
	struct audit_counts *counts;
	struct known *known;
	size_t n_known;
	bool spine_pruned;
	/* the chain in hand */
	bool free_start;       /* whatever its first record follows is right */
	uint64_t n;
	uint8_t last[AUDIT_HASH];
	uint64_t junk_line, junk_lines, junk_start, junk_end; /* bytes that are no record, until a "torn" record explains them */
	const uint8_t *anchor;
	bool anchor_seen, head_seen, has_head_file;
	uint64_t head_n;
	uint8_t head_file[AUDIT_HASH];
};

static void __attribute__((format(printf, 5, 6)))
say(struct verify *v, bool is_problem, const char *file, uint64_t line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	v->counts->problems += is_problem;
	v->cb(v->arg, &(struct audit_finding){is_problem, file, line, text});
}

static struct known *find(struct verify *v, const char *name)
{
	for (size_t i = v->n_known; i > 0; i--) /* what is said is mostly said of the newest */
		if (strcmp(v->known[i - 1].name, name) == 0)
			return &v->known[i - 1];
	return NULL;
}

static struct known *know(struct verify *v, const char *name, const char *file, uint64_t line)
{
	struct known *k = find(v, name), *more;

	if (k)
		return k;
	more = realloc(v->known, (v->n_known + 1) * sizeof *more);
	if (!more)
		abort();
	v->known = more;
	k = &more[v->n_known++];
	*k = (struct known){.line = line};
	snprintf(k->name, sizeof k->name, "%s", name);
	snprintf(k->file, sizeof k->file, "%s", file);
	return k;
}

/* ---- one chain ---- */

static void start_chain(struct verify *v, const uint8_t link[AUDIT_HASH])
{
	v->n = 0;
	v->junk_line = 0;
	memcpy(v->last, link, AUDIT_HASH);
}

static bool region_hash_is(const struct walk *w, uint64_t start, uint64_t len, const uint8_t hash[AUDIT_HASH])
{
	uint8_t real[AUDIT_HASH];
	bool same = false;
	char *data = len <= 1 << 20 ? malloc(len + 1) : NULL;

	if (data && pread(fileno(w->f), data, len, (off_t)start) == (ssize_t)len) {
		pki_sha256(real, data, len);
		same = memcmp(real, hash, AUDIT_HASH) == 0;
	}
	free(data);
	return same;
}

/* Lines that are no record are right if the next record says that they were torn, and how many bytes. True if it does. */
static bool settle_junk(struct verify *v, const struct walk *w, const char *file)
{
	const struct audit_record *r = &w->record;
	uint8_t hash[AUDIT_HASH];
	uint64_t bytes = (uint64_t)audit_record_number(r, "bytes");
	bool told = w->what == AUDIT_WHOLE && strcmp(r->kind, "torn") == 0 && audit_record_hash(r, "sha256", hash) &&
	            (bytes == v->junk_end - v->junk_start || bytes + 1 == v->junk_end - v->junk_start) &&
	            region_hash_is(w, v->junk_start, bytes, hash);

	if (told)
		say(v, false, file, v->junk_line, "a crash cut this line short; the record behind it says so");
	else
		say(v, true, file, v->junk_line, "this is no record any more: it was changed, or something was written between");
	v->junk_line = 0;
	return told;
}

/*
 * The present line as the next record of the chain: complains, then goes on from what stands there, so that one fault is said
 * once.
 */
static bool step(struct verify *v, const struct walk *w, const char *file)
{
	const struct audit_record *r = &w->record;
	uint64_t spoilt = 0; /* records that may have stood in lines that were complained of already */

	if (w->what == AUDIT_NO_RECORD) {
		if (!v->junk_line) {
			v->junk_line = w->line;
			v->junk_start = w->start;
			v->junk_lines = 0;
		}
		v->junk_lines++;
		v->junk_end = w->end;
		return false;
	}
	if (v->junk_line && !settle_junk(v, w, file))
		spoilt = v->junk_lines;
	if (w->what == AUDIT_CHANGED)
		say(v, true, file, w->line, "record %" PRIu64 " was changed: its hash does not fit what it says", r->n);
	if (v->free_start)
		v->free_start = false;
	else if (r->n > v->n + 1 + spoilt)
		say(v, true, file, w->line, "records %" PRIu64 " to %" PRIu64 " are missing before this line", v->n + 1, r->n - 1);
	else if (r->n < v->n + 1)
		say(v, true, file, w->line, "record %" PRIu64 " stands behind record %" PRIu64 ": lines were added or moved", r->n, v->n);
	else if (r->n == v->n + 1 && memcmp(r->prev, v->last, AUDIT_HASH) != 0)
		say(v, true, file, w->line,
		    v->n ? "record %" PRIu64 " does not follow the one before it: one of them was replaced"
		         : "record %" PRIu64 " does not follow what opened this file: its beginning was replaced",
		    r->n);
	v->n = r->n;
	memcpy(v->last, r->hash, AUDIT_HASH);
	return w->what == AUDIT_WHOLE;
}

static struct walk *open_walk(struct verify *v, const char *file)
{
	int fd = openat(v->dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct walk *w = fd < 0 ? NULL : walk_new(fd);

	if (!w)
		say(v, true, file, 0, "the file cannot be read: %s", strerror(errno));
	return w;
}

/* ---- the spine ---- */

static void learn(struct verify *v, const struct walk *w, const char *file)
{
	const struct audit_record *r = &w->record;
	const char *name = audit_record_get(r, "segment");
	const char *pruned = strcmp(r->kind, "pruned") == 0 ? audit_record_get(r, "file") : NULL;
	bool opened = strcmp(r->kind, "segment-opened") == 0, closed = strcmp(r->kind, "segment-closed") == 0;
	char base[AUDIT_NAME];
	struct known *k;

	if (pruned && !audit_is_spine(pruned)) {
		snprintf(base, sizeof base, "%.*s", (int)strcspn(pruned, "."), pruned);
		name = base;
	} else if (pruned) {
		name = pruned;
	}
	if (!name || (!pruned && !opened && !closed && strcmp(r->kind, "checkpoint") != 0))
		return;
	k = know(v, name, file, w->line);
	if (opened) {
		k->opened = true;
		memcpy(k->link, r->hash, AUDIT_HASH);
		return;
	}
	k->closed |= closed;
	k->pruned |= pruned != NULL;
	k->n = (uint64_t)audit_record_number(r, "records");
	k->has_last = audit_record_hash(r, "last", k->last);
	if (closed) {
		k->torn = (uint64_t)audit_record_number(r, "torn");
		audit_record_hash(r, "torn_sha256", k->torn_hash);
	}
}

static void note_heads(struct verify *v, const struct audit_record *r)
{
	if (v->anchor && memcmp(v->anchor, r->hash, AUDIT_HASH) == 0)
		v->anchor_seen = true;
	if (v->has_head_file && r->n == v->head_n && memcmp(v->head_file, r->hash, AUDIT_HASH) == 0)
		v->head_seen = true;
}

static void read_head_file(struct verify *v)
{
	enum { NUMBER = 20, ALL = NUMBER + 1 + 2 * AUDIT_HASH + 1 };
	int fd = openat(v->dir, "head", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[ALL + 2] = "";
	int64_t n = 0;

	if (fd < 0)
		return;
	if (read(fd, text, ALL + 1) == ALL && text[NUMBER] == ' ' && text[ALL - 1] == '\n') {
		text[NUMBER] = text[ALL - 1] = 0;
		v->has_head_file = text_int(text, 0, INT64_MAX, &n) && audit_unhex(v->head_file, text + NUMBER + 1);
		v->head_n = (uint64_t)n;
	}
	if (!v->has_head_file)
		say(v, true, "head", 0, "the file does not hold a number and a hash any more");
	close(fd);
}

/* The first spine file that is there must be the first that was ever made, or follow one that the spine says was removed. */
static void check_beginning(struct verify *v, const char *first, const uint8_t prev[AUDIT_HASH], uint64_t n)
{
	unsigned number = (unsigned)strtoul(first + 6, NULL, 10);
	const struct known *k;
	char before[AUDIT_NAME];

	if (number == 1)
		return;
	snprintf(before, sizeof before, "spine-%06u.jsonl", number - 1);
	k = find(v, before);
	if (!k || !k->pruned || !k->has_last || k->n + 1 != n || memcmp(k->last, prev, AUDIT_HASH) != 0)
		say(v, true, first, 1, "the spine begins here, but no record says that %s was removed for its age", before);
	else
		v->spine_pruned = true;
}

static void verify_spine(struct verify *v, char **names, size_t n)
{
	static const uint8_t zero[AUDIT_HASH];
	uint8_t first_prev[AUDIT_HASH] = {0};
	uint64_t first_n = 0;
	struct walk *w;

	start_chain(v, zero);
	v->free_start = n && strcmp(names[0], "spine-000001.jsonl") != 0;
	for (size_t i = 0; i < n; i++) {
		if (i && strtoul(names[i] + 6, NULL, 10) != strtoul(names[i - 1] + 6, NULL, 10) + 1)
			say(v, true, names[i], 0, "the spine file before this one is missing");
		if (!(w = open_walk(v, names[i])))
			continue;
		while (walk_next(w)) {
			bool whole = step(v, w, names[i]);

			if (w->what != AUDIT_NO_RECORD && first_n == 0) {
				first_n = w->record.n;
				memcpy(first_prev, w->record.prev, AUDIT_HASH);
			}
			if (!whole)
				continue;
			v->counts->changes++;
			note_heads(v, &w->record);
			learn(v, w, names[i]);
		}
		if (v->junk_line)
			say(v, i + 1 < n || w->newline, names[i], v->junk_line,
			    i + 1 < n || w->newline
			        ? "this is no record any more: it was changed, or something was written behind the last one"
			        : "the last line is cut short, as by a crash; the next record will say so");
		v->junk_line = 0;
		walk_free(w);
	}
	v->counts->head_n = v->n;
	memcpy(v->counts->head, v->last, AUDIT_HASH);
	if (n)
		check_beginning(v, names[0], first_prev, first_n);
	if (!v->has_head_file && v->n > 1 && faccessat(v->dir, "head", F_OK, 0) != 0)
		say(v, true, "head", 0, "the file is missing");
	if (v->has_head_file && !v->head_seen)
		say(v, true, "head", 0, "the spine does not hold the record that stood at its end: records are missing there");
	if (v->anchor && !v->anchor_seen)
		say(v, true, n ? names[n - 1] : "spine", 0,
		    "no record of the spine has the hash that was given: it was replaced, or records are missing");
}

/* ---- segments ---- */

static void check_end(struct verify *v, const struct walk *w, const struct known *k, const char *file, bool live)
{
	uint64_t torn = v->junk_line ? v->junk_end - v->junk_start : 0;
	bool closed = k && (k->closed || k->pruned);

	if (k && k->n != UINT64_MAX && v->n < k->n)
		say(v, true, file, 0, "records %" PRIu64 " to %" PRIu64 " are missing at its end", v->n + 1, k->n);
	else if (closed && v->n > k->n)
		say(v, true, file, 0, "it has %" PRIu64 " records, but had %" PRIu64 " when it was closed: lines were added", v->n, k->n);
	else if (closed && k->has_last && memcmp(v->last, k->last, AUDIT_HASH) != 0)
		say(v, true, file, 0, "its last record is another than when it was closed");
	if (torn && live && !closed && !w->newline)
		say(v, false, file, v->junk_line, "the last line is cut short: it is being written, or a crash cut it");
	else if (torn && k && k->closed && torn == k->torn && region_hash_is(w, v->junk_start, torn, k->torn_hash))
		say(v, false, file, v->junk_line, "a crash cut this line short; it was so when the file was closed");
	else if (torn)
		say(v, true, file, v->junk_line,
		    "this is no record any more: it was changed, or something was written behind the last one");
	else if (k && k->closed && k->torn)
		say(v, true, file, 0, "%" PRIu64 " bytes that a crash had left at its end are gone", k->torn);
}

/* Between two looks a segment may have been closed. */
static struct walk *open_segment(struct verify *v, char *file)
{
	if (audit_is_live(file) && faccessat(v->dir, file, F_OK, 0) != 0)
		strcpy(strrchr(file, '.'), ".jsonl");
	return open_walk(v, file);
}

static void verify_segment(struct verify *v, char *file)
{
	static const uint8_t zero[AUDIT_HASH];
	char name[AUDIT_NAME];
	struct walk *w;
	struct known *k;
	bool live;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(file, "."), file);
	k = find(v, name);
	live = k ? !k->closed : audit_is_live(file);
	if (!(w = open_segment(v, file)))
		return;
	if (k)
		k->seen = true;
	else if (live && walk_is_empty(w)) { /* made this moment; the spine's record comes next */
		walk_free(w);
		return;
	}
	if (!k || (!k->opened && !v->spine_pruned))
		say(v, true, file, 0, "no record of the spine opens this file: it was put here, or the spine was changed");
	start_chain(v, k && k->opened ? k->link : zero);
	v->free_start = !k || !k->opened;
	v->counts->segments++;
	v->counts->live += live;
	while (walk_next(w)) {
		v->counts->records += step(v, w, file);
		/* How far it had come once: that very record must still be there. */
		if (k && w->what == AUDIT_WHOLE && w->record.n == k->n && k->has_last && !k->closed && !k->pruned &&
		    memcmp(k->last, w->record.hash, AUDIT_HASH) != 0)
			say(v, true, file, w->line, "record %" PRIu64 " is another than the spine's checkpoint says", k->n);
	}
	check_end(v, w, k, file, live);
	walk_free(w);
}

static bool is_segment(const char *name)
{
	return audit_is_closed(name) || audit_is_live(name);
}

static bool is_stranger(const char *name)
{
	return name[0] != '.' && !is_segment(name) && !audit_is_spine(name) && strcmp(name, "head") != 0 && strcmp(name, "lock") != 0;
}

static void verify_segments(struct verify *v, char **names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		verify_segment(v, names[i]);
	for (i = 0; i < v->n_known; i++)
		if (!v->known[i].seen && !v->known[i].pruned && !audit_is_spine(v->known[i].name))
			say(v, true, v->known[i].file, v->known[i].line, "the segment %s that the spine tells of here is missing",
			    v->known[i].name);
	names = audit_names(v->dir, is_stranger, &n);
	for (i = 0; i < n; i++)
		say(v, false, names[i], 0, "this file is none of the audit's");
	audit_names_free(names, n);
}

int audit_verify(int dir, const uint8_t *anchor, audit_finding_cb *cb, void *arg, struct audit_counts *out)
{
	struct verify v = {.dir = dir, .cb = cb, .arg = arg, .counts = out, .anchor = anchor};
	int lock = audit_lock(dir, true), r = -1;
	size_t n, n_segments = 0;
	char **spine, **segments = NULL;

	*out = (struct audit_counts){.records = 0};
	if (lock < 0 && errno == ETIMEDOUT)
		return -1;
	/* Nobody appends to the spine while it is read. Segments go on: they may be longer than it says, never shorter. */
	spine = audit_names(dir, audit_is_spine, &n);
	if (spine || errno == 0) {
		read_head_file(&v);
		verify_spine(&v, spine, n);
		segments = audit_names(dir, is_segment, &n_segments);
		r = 0;
	}
	if (lock >= 0)
		close(lock);
	if (r == 0)
		verify_segments(&v, segments, n_segments);
	audit_names_free(spine, n);
	audit_names_free(segments, n_segments);
	free(v.known);
	return r;
}
