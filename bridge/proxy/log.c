#include "bridge/proxy/query.h"
#include "bridge/base/log.h"
#include "bridge/base/text.h"

/* What decided. Why there is no such target is told here alone: outside all of these are one. */
static const char *rule_word(const struct proxy_mailbox *m, char out[24])
{
	const struct acl_verdict *v = m->verdict;
	bool moved;

	if (!v || v->rule == 0)
		return "none";
	if (v->rule == -1)
		return "switch";
	if (v->rule < 0) {
		moved = look_up_is_moved(m->pq->p->t, m->whom); /* asked about the hidden, too: else they are answered a little sooner */
		return m->facts.hidden == FB_YES ? "hidden" : moved ? "moved" : m->whom->disabled ? "disabled" : "unknown";
	}
	out[text_int_put(out, v->rule)] = 0;
	return out;
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

const char *log_direction(const struct proxy_mailbox *m)
{
	return m->route == AS_PEER && !m->pq->asker ? "out" : "in";
}

/* What a mailbox's line in the log and its record say alike; ${rule} is memory for its number. */
static struct audit_query describe(const struct proxy_mailbox *m, const char *result, char rule[24])
{
	const struct fb_query *q = &m->pq->q;

	return (struct audit_query){
		.id = q->request_id,
		.client_id = or_null(q->client_id),
		.requester = q->requester.name,
		.target = *m->address ? m->address : q->mailboxes[m->i].asked,
		.peer = m->peer ? m->peer->name : NULL,
		.direction = log_direction(m),
		.rule = rule_word(m, rule),
		.level = m->verdict ? fb_level_name(m->verdict->level) : NULL,
		.result = result,
	};
}

enum audit_said log_audit(struct proxy_mailbox *m, const char *result, void (*written)(void *arg, bool ok))
{
	const struct proxy_doors *doors = m->pq->p->doors;
	char rule[24];
	const struct audit_query what = describe(m, result, rule);

	return doors->audit(doors->door, &what, written, m);
}

void log_mailbox(const struct proxy_mailbox *m, enum fb_reason reason)
{
	char rule[24];
	const struct audit_query q = describe(m, fb_reason_row(reason)->word, rule);

	log_event(LOG_LEVEL_INFO, "mailbox", LS("request-id", q.id), LS("client-request-id", q.client_id), LS("requester", q.requester),
	          LS("target", q.target), LS("peer", q.peer), LS("direction", q.direction), LS("access-level", q.level), LS("rule", q.rule),
	          LS("result", q.result), LI("ms", loop_ms() - m->pq->began));
}

void log_query(const struct proxy_query *pq, const char *result)
{
	const struct fb_query *q = &pq->q;

	if (!pq->told && !refused_in_full(pq))
		return;
	log_event(LOG_LEVEL_INFO, "query", LS("request-id", q->request_id), LS("client-request-id", or_null(q->client_id)),
	          LS("requester", q->requester.name), LS("from", pq->asker ? pq->asker->name : "front"), LI("mailboxes", q->n),
	          LI("unanswered", pq->unanswered), LS("view", fb_view_name(q->view)), LS("result", result),
	          LI("ms", loop_ms() - pq->began));
}
