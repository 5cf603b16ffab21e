#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/ews/request.h"
#include "bridge/ews/response.h"
#include "bridge/front/parts.h"

enum { ANSWER_MAX = 60 << 20 };

struct front_soap {
	const struct front_doors *doors;
	struct ews_request *request;
	struct fb_requester requester;
	char request_id[FB_REQUEST_ID_LEN + 1];
	void *handle;             /* of the question under way */
	struct loop_timer *timer; /* until there is an answer: the hard stop; then: hand it over */
	struct buf out;
	int status;               /* 0 = no answer yet */
	void (*done)(void *arg, int status, struct buf *body);
	void *arg;
};

static void soap_free(struct front_soap *s)
{
	loop_timer_free(s->timer);
	ews_request_free(s->request);
	buf_free(&s->out);
	free(s);
}

/* Hands the answer over; a writer that ran out of room becomes a fault, never half an answer. */
static void hand_over(struct front_soap *s, int status)
{
	if (status < 0 || s->out.failed) {
		buf_free(&s->out);
		buf_init(&s->out, ANSWER_MAX);
		ews_write_fault_code(&s->out, "ErrorInternalServerError",
		                     "The answer is larger than this server can send. Ask about fewer people or a shorter time.");
		status = 500;
	}
	s->done(s->arg, status, &s->out);
	soap_free(s);
}

static void write_fault(struct front_soap *s, const char *code, const char *sentence)
{
	char text[256];

	snprintf(text, sizeof(text), "%s (request %s)", sentence, s->request_id);
	s->status = ews_write_fault_code(&s->out, code, text) < 0 ? -1 : 500;
}

static void on_answers(void *arg, struct acl_released *const *answers)
{
	struct front_soap *s = arg;

	s->handle = NULL;
	hand_over(s, ews_write_availability(&s->out, s->request, answers, s->request_id) < 0 ? -1 : 200);
}

static void on_timer(void *arg)
{
	struct front_soap *s = arg;

	if (s->handle) {
		s->doors->cancel(s->doors->door, s->handle);
		s->handle = NULL;
		write_fault(s, "ErrorTimeoutExpired", "The question was not answered in time.");
	}
	hand_over(s, s->status);
}

static void ask(struct front_soap *s, const char *client_id)
{
	struct fb_query *q = &s->request->query;

	strcpy(q->request_id, s->request_id);
	snprintf(q->client_id, sizeof(q->client_id), "%s", client_id);
	q->requester = s->requester;
	s->handle = s->doors->ask(s->doors->door, q, on_answers, s);
	if (!s->handle)
		write_fault(s, "ErrorServerBusy", "The server has too many questions open. Try again in a moment.");
}

struct front_soap *front_soap_ask(const struct front_doors *doors, const struct fb_requester *requester, const char *client_id,
                                  const void *xml, size_t n, void (*done)(void *arg, int status, struct buf *body), void *arg)
{
	struct front_soap *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct front_soap){.doors = doors, .requester = *requester, .done = done, .arg = arg, .request = ews_read(xml, n)};
	buf_init(&s->out, ANSWER_MAX);
	fb_request_id_new(s->request_id);
	if (!s->request) {
		soap_free(s);
		return NULL;
	}
	if (s->request->fault.code)
		s->status = ews_write_fault(&s->out, &s->request->fault) < 0 ? -1 : 500;
	else if (s->request->operation == EWS_GET_USER_AVAILABILITY)
		ask(s, client_id);
	else
		s->status = ews_write_other(&s->out, s->request, requester->is_person ? requester->name : "");
	s->timer = loop_timer_new(doors->loop, s->handle ? doors->hard_stop_ms : 0, on_timer, s);
	return s;
}

void front_soap_cancel(struct front_soap *s)
{
	if (s->handle)
		s->doors->cancel(s->doors->door, s->handle);
	soap_free(s);
}

const char *front_soap_id(const struct front_soap *s)
{
	return s->request_id;
}

const char *front_soap_operation(const struct front_soap *s)
{
	return ews_operation_name(s->request->operation);
}
