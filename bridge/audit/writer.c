#include "bridge/audit/writer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/audit/chain.h"
#include "bridge/base/log.h"

enum { SYNC_MS = 20, ALERT_MS = 60000 };

struct waiting {
	void (*written)(void *arg, bool ok);
	void *arg;
};
struct audit_writer {
	struct loop *l;
	bool sync, refuse;
	struct audit_chain chain;
	struct waiting *waiting;
	size_t n, room;
	struct loop_timer *timer; /* runs while something waits */
	uint64_t lost, lost_all;  /* records; since the last that went well, and ever */
	bool half;                /* the last record's end came late */
	bool failing;             /* the log has said so, and not yet that it is over */
	int64_t alerted;          /* loop_ms() of the last alert, 0 = none */
	int why;                  /* errno of the first loss */
};

struct audit_writer *audit_writer_new(struct loop *l, bool sync, bool refuse)
{
	static const uint8_t none[AUDIT_HASH];
	struct audit_writer *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->l = l;
	w->sync = sync;
	w->refuse = refuse;
	audit_chain_start(&w->chain, -1, none);
	return w;
}

/* ---- when it cannot be written ---- */

static void alert(struct audit_writer *w)
{
	if (w->alerted && loop_ms() - w->alerted < ALERT_MS)
		return;
	w->alerted = loop_ms();
	w->failing = true;
	log_event(LOG_LEVEL_ERROR, "audit-failed",
	          LS("why", w->chain.fd < 0 ? "the supervisor could not give a file" : strerror(w->why)),
	          LS("answers", w->refuse ? "refused" : "unrecorded"), LI("records", w->lost),
	          LS("fix", "make room in state_dir; audit_full says what becomes of the answers meanwhile"));
}

static enum audit_said lose(struct audit_writer *w, uint64_t records)
{
	w->why = errno;
	w->lost += records;
	w->lost_all += records;
	alert(w);
	return w->refuse ? AUDIT_REFUSED : AUDIT_SAID;
}

/* Records are written again: the first of them says what is lacking before it. */
static bool fill_gap(struct audit_writer *w)
{
	enum audit_append r;

	if (!w->lost)
		return true;
	r = audit_chain_append(&w->chain, "gap",
	                       A_FIELDS(A_INT("lost", w->lost), A_INT("late", w->half),
	                                A_STR("answers", w->refuse ? "refused" : "unrecorded"), A_STR("why", strerror(w->why))));
	switch (r) {
	case AUDIT_NOT_WRITTEN:
		return false;
	case AUDIT_HALF_WRITTEN: /* its end comes with the next record; it counts what was lost until now */
		w->lost = 0;
		w->half = false;
		return false;
	case AUDIT_APPENDED:
		break;
	}
	if (w->failing)
		log_event(LOG_LEVEL_WARN, "audit-again", LI("lost", w->lost));
	w->lost = 0;
	w->half = w->failing = false;
	return true;
}

/* ---- waiting for the disk ---- */

static bool sync_now(struct audit_writer *w)
{
	return w->chain.fd < 0 || fdatasync(w->chain.fd) == 0;
}

/* Whoever is called may say the next record: those wait for the next round. */
static void call_all(struct audit_writer *w, bool ok)
{
	struct waiting *list = w->waiting;
	size_t n = w->n;

	w->waiting = NULL;
	w->n = w->room = 0;
	for (size_t i = 0; i < n; i++)
		list[i].written(list[i].arg, ok);
	free(list);
}

static void flush(struct audit_writer *w)
{
	bool ok = sync_now(w);

	loop_timer_free(w->timer);
	w->timer = NULL;
	if (!ok)
		ok = lose(w, w->n) == AUDIT_SAID;
	call_all(w, ok);
}

static void on_timer(void *arg)
{
	flush(arg);
}

static bool wait_for_disk(struct audit_writer *w, void (*written)(void *arg, bool ok), void *arg)
{
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		struct waiting *more = realloc(w->waiting, room * sizeof *more);

		if (!more)
			return false;
		w->waiting = more;
		w->room = room;
	}
	w->waiting[w->n++] = (struct waiting){written, arg};
	if (!w->timer)
		w->timer = loop_timer_new(w->l, SYNC_MS, on_timer, w);
	return true;
}

/* ---- saying it ---- */

enum audit_said audit_writer_say(struct audit_writer *w, const struct audit_query *q, void (*written)(void *arg, bool ok),
                                 void *arg)
{
	enum audit_append r = AUDIT_NOT_WRITTEN;

	if (fill_gap(w))
		r = audit_chain_append(&w->chain, "query",
		                       A_FIELDS(A_STR("id", q->id), A_STR("client_id", q->client_id), A_STR("requester", q->requester),
		                                A_STR("target", q->target), A_STR("peer", q->peer), A_STR("direction", q->direction),
		                                A_STR("rule", q->rule), A_STR("level", q->level), A_STR("result", q->result)));
	if (r != AUDIT_APPENDED) {
		w->half |= r == AUDIT_HALF_WRITTEN;
		return lose(w, 1);
	}
	if (!w->sync || !written)
		return AUDIT_SAID;
	if (wait_for_disk(w, written, arg))
		return AUDIT_WAITS;
	return sync_now(w) ? AUDIT_SAID : lose(w, 1);
}

void audit_writer_turn(struct audit_writer *w, int fd, const uint8_t link[AUDIT_HASH])
{
	int old = w->chain.fd;

	if (w->n)
		flush(w);
	audit_chain_start(&w->chain, fd, link);
	if (old >= 0)
		close(old);
}

void audit_writer_free(struct audit_writer *w)
{
	if (!w)
		return;
	loop_timer_free(w->timer);
	if (w->sync)
		sync_now(w);
	if (w->chain.fd >= 0)
		close(w->chain.fd);
	free(w->waiting);
	free(w);
}

uint64_t audit_writer_lost(const struct audit_writer *w)
{
	return w->lost_all;
}
