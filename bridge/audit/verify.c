#include "bridge/audit/verify_own.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void __attribute__((format(printf, 5, 6)))
verify_say(struct verify *v, bool is_problem, const char *file, uint64_t line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	v->counts->problems += is_problem;
	v->cb(v->arg, &(struct audit_finding){is_problem, file, line, text});
}

int audit_verify(int dir, const uint8_t *anchor, audit_finding_cb *cb, void *arg, struct audit_counts *out)
{
	struct verify v = {.dir = dir, .cb = cb, .arg = arg, .counts = out, .anchor = anchor};
	int lock = audit_lock(dir, true), r = -1, why;
	size_t n, n_segments = 0;
	char **spine, **segments = NULL;

	*out = (struct audit_counts){.records = 0};
	if (lock < 0 && errno == ETIMEDOUT)
		return -1;
	/* Nobody appends to the spine while it is read. Segments go on: they may be longer than it says, never shorter. */
	spine = audit_names(dir, audit_is_spine, &n);
	if (spine || errno == 0) {
		verify_head_file(&v);
		verify_spine(&v, spine, n);
		segments = audit_names(dir, verify_is_segment, &n_segments);
		r = segments || errno == 0 ? 0 : -1; /* what was not seen is not missing */
	}
	why = errno;
	if (lock >= 0)
		close(lock);
	if (r == 0)
		verify_segments(&v, segments, n_segments);
	audit_names_free(spine, n);
	audit_names_free(segments, n_segments);
	free(v.known);
	errno = why;
	return r;
}
