#include "bridge/audit/verify_own.h"
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* The segments: each is as the spine says that it was. */

static void check_end(struct verify *v, const struct walk *w, const struct verify_known *k, const char *file, bool live)
{
	uint64_t torn = v->junk_line ? v->junk_end - v->junk_start : 0;
	bool closed = k && (k->closed || k->pruned);

	if (k && k->n != UINT64_MAX && v->n < k->n)
		verify_say(v, true, file, 0, "records %" PRIu64 " to %" PRIu64 " are missing at its end", v->n + 1, k->n);
	else if (closed && v->n > k->n)
		verify_say(v, true, file, 0, "it has %" PRIu64 " records, but had %" PRIu64 " when it was closed: lines were added", v->n, k->n);
	else if (closed && k->has_last && memcmp(v->last, k->last, AUDIT_HASH) != 0)
		verify_say(v, true, file, 0, "its last record is another than when it was closed");
	if (torn && live && !closed && !w->newline)
		verify_say(v, false, file, v->junk_line, "the last line is cut short: it is being written, or a crash cut it");
	else if (torn && k && k->closed && torn == k->torn && verify_region(w, v->junk_start, torn, k->torn_hash))
		verify_say(v, false, file, v->junk_line, "a crash cut this line short; it was so when the file was closed");
	else if (torn)
		verify_say(v, true, file, v->junk_line,
		    "this is no record any more: it was changed, or something was written behind the last one");
	else if (k && k->closed && k->torn)
		verify_say(v, true, file, 0, "%" PRIu64 " bytes that a crash had left at its end are gone", k->torn);
}

/* Between two looks a segment may have been closed. */
static struct walk *open_segment(struct verify *v, char *file)
{
	if (audit_is_live(file) && faccessat(v->dir, file, F_OK, 0) != 0)
		strcpy(strrchr(file, '.'), ".jsonl");
	return verify_open(v, file);
}

static void verify_segment(struct verify *v, char *file)
{
	static const uint8_t zero[AUDIT_HASH];
	char name[AUDIT_NAME];
	struct walk *w;
	struct verify_known *k;
	bool live;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(file, "."), file);
	k = verify_find(v, name);
	live = k ? !k->closed : audit_is_live(file);
	if (!(w = open_segment(v, file)))
		return;
	if (k)
		k->seen = true;
	else if (live && walk_is_empty(w)) { /* made this moment; the spine's record comes next */
		walk_free(w);
		return;
	}
	if (k && !k->opened && !v->spine_pruned && k->closed && k->n == 0 && walk_is_empty(w))
		verify_say(v, false, file, 0, "a crash came before anything was written here, and before the spine told of it");
	else if (!k || (!k->opened && !v->spine_pruned))
		verify_say(v, true, file, 0, "no record of the spine opens this file: it was put here, or the spine was changed");
	verify_start(v, k && k->opened ? k->link : zero);
	v->free_start = !k || !k->opened;
	v->counts->segments++;
	v->counts->live += live;
	while (walk_next(w)) {
		v->counts->records += verify_step(v, w, file);
		/* How far it had come once: that very record must still be there. */
		if (k && w->what == AUDIT_WHOLE && w->record.n == k->n && k->has_last && !k->closed && !k->pruned &&
		    memcmp(k->last, w->record.hash, AUDIT_HASH) != 0)
			verify_say(v, true, file, w->line, "record %" PRIu64 " is another than the spine's checkpoint says", k->n);
	}
	check_end(v, w, k, file, live);
	walk_free(w);
}

bool verify_is_segment(const char *name)
{
	return audit_is_closed(name) || audit_is_live(name);
}

static bool is_stranger(const char *name)
{
	return name[0] != '.' && !verify_is_segment(name) && !audit_is_spine(name) && strcmp(name, "head") != 0 && strcmp(name, "lock") != 0;
}

void verify_segments(struct verify *v, char **names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		verify_segment(v, names[i]);
	for (i = 0; i < v->n_known; i++)
		if (!v->known[i].seen && !v->known[i].pruned && !audit_is_spine(v->known[i].name))
			verify_say(v, true, v->known[i].file, v->known[i].line, "the segment %s that the spine tells of here is missing",
			    v->known[i].name);
	names = audit_names(v->dir, is_stranger, &n);
	for (i = 0; i < n; i++)
		verify_say(v, false, names[i], 0, "this file is none of the audit's");
	audit_names_free(names, n);
}
