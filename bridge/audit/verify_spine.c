#include "bridge/audit/verify_own.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/text.h"

/* The spine: what it says of the segments, where it begins and where it ends. */

struct verify_known *verify_find(struct verify *v, const char *name)
{
	for (size_t i = v->n_known; i > 0; i--) /* what is said is mostly said of the newest */
		if (strcmp(v->known[i - 1].name, name) == 0)
			return &v->known[i - 1];
	return NULL;
}

static struct verify_known *know(struct verify *v, const char *name, const char *file, uint64_t line)
{
	struct verify_known *k = verify_find(v, name), *more;

	if (k)
		return k;
	more = realloc(v->known, (v->n_known + 1) * sizeof *more);
	if (!more)
		abort();
	v->known = more;
	k = &more[v->n_known++];
	*k = (struct verify_known){.line = line};
	snprintf(k->name, sizeof k->name, "%s", name);
	snprintf(k->file, sizeof k->file, "%s", file);
	return k;
}

static void learn(struct verify *v, const struct walk *w, const char *file)
{
	const struct audit_record *r = &w->record;
	const char *name = audit_record_get(r, "segment");
	const char *pruned = strcmp(r->kind, "pruned") == 0 ? audit_record_get(r, "file") : NULL;
	bool opened = strcmp(r->kind, "segment-opened") == 0, closed = strcmp(r->kind, "segment-closed") == 0;
	char base[AUDIT_NAME];
	struct verify_known *k;

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

void verify_head_file(struct verify *v)
{
	enum { NUMBER = 20, ALL = NUMBER + 1 + 2 * AUDIT_HASH + 1 };
	int fd = file_open_own(v->dir, "head", O_RDONLY);
	char text[ALL + 2] = "";
	int64_t n = 0;

	if (fd < 0 && errno != ENOENT)
		verify_say(v, true, "head", 0, "the file cannot be read: %s", strerror(errno));
	if (fd < 0)
		return;
	if (read(fd, text, ALL + 1) == ALL && text[NUMBER] == ' ' && text[ALL - 1] == '\n') {
		text[NUMBER] = text[ALL - 1] = 0;
		v->has_head_file = text_int(text, 0, INT64_MAX, &n) && audit_unhex(v->head_file, text + NUMBER + 1);
		v->head_n = (uint64_t)n;
	}
	if (!v->has_head_file)
		verify_say(v, true, "head", 0, "the file does not hold a number and a hash any more");
	close(fd);
}

/* The first spine file that is there must be the first that was ever made, or follow one that the spine says was removed. */
static void check_beginning(struct verify *v, const char *first, const uint8_t prev[AUDIT_HASH], uint64_t n)
{
	unsigned number = (unsigned)strtoul(first + 6, NULL, 10);
	const struct verify_known *k;
	char before[AUDIT_NAME];

	if (number == 1)
		return;
	snprintf(before, sizeof before, "spine-%06u.jsonl", number - 1);
	k = verify_find(v, before);
	if (!k || !k->pruned || !k->has_last || k->n + 1 != n || memcmp(k->last, prev, AUDIT_HASH) != 0)
		verify_say(v, true, first, 1, "the spine begins here, but no record says that %s was removed for its age", before);
	else
		v->spine_pruned = true;
}

void verify_spine(struct verify *v, char **names, size_t n)
{
	static const uint8_t zero[AUDIT_HASH];
	uint8_t first_prev[AUDIT_HASH] = {0};
	uint64_t first_n = 0;
	struct walk *w;

	verify_start(v, zero);
	v->free_start = n && strcmp(names[0], "spine-000001.jsonl") != 0;
	for (size_t i = 0; i < n; i++) {
		if (i && strtoul(names[i] + 6, NULL, 10) != strtoul(names[i - 1] + 6, NULL, 10) + 1)
			verify_say(v, true, names[i], 0, "the spine file before this one is missing");
		if (!(w = verify_open(v, names[i])))
			continue;
		while (walk_next(w)) {
			bool whole = verify_step(v, w, names[i]);

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
			verify_say(v, i + 1 < n || w->newline, names[i], v->junk_line,
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
		verify_say(v, true, "head", 0, "the file is missing");
	if (v->has_head_file && !v->head_seen)
		verify_say(v, true, "head", 0, "the spine does not hold the record that stood at its end: records are missing there");
	if (v->anchor && !v->anchor_seen)
		verify_say(v, true, n ? names[n - 1] : "spine", 0,
		    "no record of the spine has the hash that was given: it was replaced, or records are missing");
}
