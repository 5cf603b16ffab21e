#include "bridge/audit/writer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/audit/chain.h"
#include "bridge/base/log.h"

enum { SYNC_MS = 20, ALERT_MS = 60000 };

/* What is known of a record that was added: those who are to be told wait for the end of the turn, or for the disk. */
struct record {
	void (*written)(void *arg, bool ok); /* NULL = nobody */
	void *arg;
	bool ok; /* the answer may leave */
};
struct audit_writer {
	struct loop *l;
	bool sync, refuse;
	struct audit_chain chain;
	struct record *records;
	size_t n, room, settled;  /* settled: of those it is known what became of them; the others are added to the chain only */
	uint64_t gap;             /* not 0: the first that is not settled is no question's, but says that so many are lacking */
	struct loop_timer *timer; /* runs while somebody is to be told */
	uint64_t lost, lost_all;  /* records; since the last that went well, and ever */
	bool half;                /* the last record's end came late */
	bool failing;             /* the log has said so, and not yet that it is over */
	int64_t alerted;          /* loop_ms() of the last alert, 0 = none */
	int why;                  /* errno of the first loss */
	size_t grown;             /* bytes, since somebody was told */
	void (*on_changed)(void *arg), (*on_grown)(void *arg); /* or NULL */
	void *arg;
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

static void say_changed(const struct audit_writer *w)
{
	if (w->on_changed)
		w->on_changed(w->arg);
}

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
	say_changed(w);
	alert(w);
	return w->refuse ? AUDIT_REFUSED : AUDIT_SAID;
}

/* The first of those that were just written, ${whole} of them whole and perhaps one ${half}, told of what was lacking: was it written? */
static void settle_gap(struct audit_writer *w, size_t whole, bool half)
{
	if (!w->gap)
		return;
	if (whole && w->failing)
		log_event(LOG_LEVEL_WARN, "audit-again", LI("lost", w->gap));
	if (whole || half) { /* half: its end comes with the next record */
		w->lost -= w->gap;
		w->half = false;
	}
	if (whole)
		w->failing = false;
	w->gap = 0;
	say_changed(w);
}

static void grow(struct audit_writer *w, size_t bytes)
{
	w->grown += bytes;
	if (w->grown < AUDIT_GROWN_BYTES)
		return;
	w->grown %= AUDIT_GROWN_BYTES;
	if (w->on_grown)
		w->on_grown(w->arg);
}

/* Writes what was added, and notes what becomes of each answer. */
static void write_added(struct audit_writer *w)
{
	size_t first = w->settled, count = w->n - first, bytes = w->chain.lines.len, whole, lacking;
	bool half, gap = w->gap != 0, may = true;
	int why;

	if (!count)
		return;
	whole = audit_chain_write(&w->chain, &half);
	why = errno;
	settle_gap(w, whole, half);
	lacking = count - whole - (gap && whole == 0);
	if (lacking) {
		errno = why;
		w->half |= half && !(gap && whole == 0);
		may = lose(w, lacking) == AUDIT_SAID;
	}
	for (size_t i = 0; i < count; i++)
		w->records[first + i].ok = i < whole || may;
	w->settled = w->n;
	grow(w, bytes);
}

static bool sync_now(struct audit_writer *w)
{
	return w->chain.fd < 0 || fdatasync(w->chain.fd) == 0;
}

/* Whoever is called may say the next record: those wait for the next round. */
static void call_all(struct audit_writer *w, bool ok)
{
	struct record *list = w->records;
	size_t n = w->n;

	w->records = NULL;
	w->n = w->room = w->settled = 0;
	for (size_t i = 0; i < n; i++)
		if (list[i].written)
			list[i].written(list[i].arg, list[i].ok && ok);
	free(list);
}

static void flush(struct audit_writer *w)
{
	size_t lacking = 0;
	bool ok = true;

	loop_timer_free(w->timer);
	w->timer = NULL;
	write_added(w);
	if (w->sync && !sync_now(w)) {
		for (size_t i = 0; i < w->n; i++)
			lacking += w->records[i].ok;
		ok = lose(w, lacking) == AUDIT_SAID;
	}
	call_all(w, ok);
}

static void on_timer(void *arg)
{
	flush(arg);
}

/* ---- saying it ---- */

static bool make_room(struct audit_writer *w, size_t n)
{
	size_t room = w->room ? 2 * w->room : 64;
	struct record *more;

	if (w->n + n <= w->room)
		return true;
	if (!(more = realloc(w->records, room * sizeof *more)))
		return false;
	w->records = more;
	w->room = room;
	return true;
}

/* The first record after some were lost says what is lacking before it. */
static bool add_gap(struct audit_writer *w)
{
	if (!w->lost || w->gap)
		return true;
	if (audit_chain_add(&w->chain, "gap", A_FIELDS(A_INT("lost", w->lost), A_INT("late", w->half),
	                                               A_STR("answers", w->refuse ? "refused" : "unrecorded"),
	                                               A_STR("why", strerror(w->why)))) != 0)
		return false;
	w->gap = w->lost;
	w->records[w->n++] = (struct record){NULL, NULL, false};
	return true;
}

static bool add(struct audit_writer *w, const char *kind, const struct audit_field *fields, void (*written)(void *arg, bool ok), void *arg)
{
	if (w->chain.fd < 0) {
		errno = EBADF;
		return false;
	}
	if (!make_room(w, 2) || !add_gap(w) || audit_chain_add(&w->chain, kind, fields) != 0)
		return false;
	w->records[w->n++] = (struct record){written, arg, false};
	return true;
}

static enum audit_said say(struct audit_writer *w, const char *kind, const struct audit_field *fields, void (*written)(void *arg, bool ok), void *arg)
{
	bool ok;

	if (!add(w, kind, fields, written, arg))
		return lose(w, 1);
	if (!written || w->chain.lines.len >= AUDIT_ADDED_BYTES)
		write_added(w);
	if (!written) {
		ok = w->records[w->n - 1].ok;
		if (!w->timer)
			w->n = w->settled = 0;
		return ok ? AUDIT_SAID : AUDIT_REFUSED;
	}
	if (!w->timer)
		w->timer = loop_timer_new(w->l, w->sync ? SYNC_MS : 0, on_timer, w);
	return AUDIT_WAITS;
}

enum audit_said audit_writer_say(struct audit_writer *w, const struct audit_query *q, void (*written)(void *arg, bool ok), void *arg)
{
	return say(w, "query",
	           A_FIELDS(A_STR("id", q->id), A_STR("client_id", q->client_id), A_STR("requester", q->requester), A_STR("target", q->target),
	                    A_STR("peer", q->peer), A_STR("direction", q->direction), A_STR("rule", q->rule), A_STR("level", q->level),
	                    A_STR("result", q->result)),
	           written, arg);
}

bool audit_writer_say_refused(struct audit_writer *w, const struct audit_refused *r)
{
	uint64_t lost = w->lost_all;
	bool half = w->half;

	say(w, "refused",
	    A_FIELDS(A_STR("requester", r->requester), A_STR("peer", r->peer), A_STR("direction", r->direction), A_STR("result", r->result),
	             A_INT("mailboxes", r->mailboxes), A_INT("seconds", r->seconds)),
	    NULL, NULL);
	return w->lost_all == lost || (w->half && !half); /* half: its end comes with the next record */
}

void audit_writer_turn(struct audit_writer *w, int fd, const uint8_t link[AUDIT_HASH])
{
	int old = w->chain.fd;

	while (w->n) /* whoever is told may say the next one, which belongs behind these */
		flush(w);
	if (w->chain.rest_len) /* its end never comes */
		w->half = false;
	audit_chain_start(&w->chain, fd, link);
	if (old >= 0)
		close(old);
}

void audit_writer_free(struct audit_writer *w)
{
	if (!w)
		return;
	loop_timer_free(w->timer);
	write_added(w);
	if (w->sync)
		sync_now(w);
	if (w->chain.fd >= 0)
		close(w->chain.fd);
	audit_chain_end(&w->chain);
	free(w->records);
	free(w);
}

uint64_t audit_writer_lost(const struct audit_writer *w)
{
	return w->lost_all;
}

bool audit_writer_fails(const struct audit_writer *w)
{
	return w->lost > 0;
}

void audit_writer_watch(struct audit_writer *w, void (*changed)(void *arg), void (*grown)(void *arg), void *arg)
{
	w->on_changed = changed;
	w->on_grown = grown;
	w->arg = arg;
}
