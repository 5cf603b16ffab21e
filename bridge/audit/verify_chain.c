#include "bridge/audit/verify_own.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "pki/digest.h"

/* One chain of records: each follows the one before it, and says what it says. */

void verify_start(struct verify *v, const uint8_t link[AUDIT_HASH])
{
	v->n = 0;
	v->junk_line = 0;
	memcpy(v->last, link, AUDIT_HASH);
}

bool verify_region(const struct walk *w, uint64_t start, uint64_t len, const uint8_t hash[AUDIT_HASH])
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
	            verify_region(w, v->junk_start, bytes, hash);

	if (told)
		verify_say(v, false, file, v->junk_line, "a crash cut this line short; the record behind it says so");
	else
		verify_say(v, true, file, v->junk_line, "this is no record any more: it was changed, or something was written between");
	v->junk_line = 0;
	return told;
}

bool verify_step(struct verify *v, const struct walk *w, const char *file)
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
		verify_say(v, true, file, w->line, "record %" PRIu64 " was changed: its hash does not fit what it says", r->n);
	if (v->free_start)
		v->free_start = false;
	else if (r->n > v->n + 1 + spoilt)
		verify_say(v, true, file, w->line, "records %" PRIu64 " to %" PRIu64 " are missing before this line", v->n + 1, r->n - 1);
	else if (r->n < v->n + 1)
		verify_say(v, true, file, w->line, "record %" PRIu64 " stands behind record %" PRIu64 ": lines were added or moved", r->n, v->n);
	else if (r->n == v->n + 1 && memcmp(r->prev, v->last, AUDIT_HASH) != 0)
		verify_say(v, true, file, w->line,
		    v->n ? "record %" PRIu64 " does not follow the one before it: one of them was replaced"
		         : "record %" PRIu64 " does not follow what opened this file: its beginning was replaced",
		    r->n);
	v->n = r->n;
	memcpy(v->last, r->hash, AUDIT_HASH);
	return w->what == AUDIT_WHOLE;
}

struct walk *verify_open(struct verify *v, const char *file)
{
	int fd = file_open_own(v->dir, file, O_RDONLY);
	struct walk *w = fd < 0 ? NULL : walk_new(fd);

	if (!w)
		verify_say(v, true, file, 0, "the file cannot be read: %s", strerror(errno));
	return w;
}
