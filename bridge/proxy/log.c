#include "bridge/proxy/query.h"
#include <stdio.h>
#include "bridge/base/log.h"

static const char *rule_word(const struct acl_verdict *v, char out[24])
{
	if (!v || v->rule == 0)
		return "none";
	if (v->rule == -1)
		return "switch";
	if (v->rule < 0)
		return "look-up";
	snprintf(out, 24, "%d", v->rule);
	return out;
}

void log_mailbox(const struct proxy_mailbox *m, enum fb_reason reason)
{
	const struct fb_query *q = &m->pq->q;
	char rule[24];

	log_event(LOG_LEVEL_INFO, "mailbox", LS("request-id", q->request_id),
	          LS("client-request-id", *q->client_id ? q->client_id : NULL), LS("requester", q->requester.name),
	          LS("target", *m->address ? m->address : q->mailboxes[m->i].asked),
	          LS("peer", m->peer ? m->peer->name : NULL), LS("direction", m->route == AS_PEER && !m->pq->asker ? "out" : "in"),
	          LS("level", m->verdict ? fb_level_name(m->verdict->level) : NULL), LS("rule", rule_word(m->verdict, rule)),
	          LS("result", fb_reason_row(reason)->word), LI("ms", loop_ms() - m->pq->began));
}

void log_query(const struct proxy_query *pq, const char *result)
{
	const struct fb_query *q = &pq->q;

	log_event(LOG_LEVEL_INFO, "query", LS("request-id", q->request_id), LS("client-request-id", *q->client_id ? q->client_id : NULL),
	          LS("requester", q->requester.name), LS("from", pq->asker ? pq->asker->name : "front"), LI("mailboxes", q->n),
	          LI("unanswered", pq->unanswered), LS("view", fb_view_name(q->view)), LS("result", result),
	          LI("ms", loop_ms() - pq->began));
}
