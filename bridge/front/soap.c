#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/ews/request.h"
#include "bridge/ews/response.h"
#include "bridge/front/parts.h"

enum { ANSWER_MAX = 60 << 20 };

/* The directory is asked whom a server of ours named. It answers even when nobody waits any more. */
struct naming {
	struct front_soap *s; /* NULL = the asker went away */
};

struct front_soap {
	const struct front_doors *doors;
	struct ews_request *request; /* NULL = it was refused unread */
	struct fb_requester requester;
	char request_id[FB_REQUEST_ID_LEN + 1];
	char client_id[FB_CLIENT_ID_MAX + 1];
	struct naming *naming;    /* under way */
	void *handle;             /* of the question under way */
	struct loop_timer *timer; /* until there is an answer: the hard stop; then: hand it over */
	struct buf out;
	int status;               /* 0 = no answer yet */
	void (*done)(void *arg, int status, struct buf *body);
	void *arg;
};

static void soap_free(struct front_soap *s)
{
	if (s->naming)
		s->naming->s = NULL;
	loop_timer_free(s->timer);
	ews_request_free(s->request);
	buf_free(&s->out);
	free(s);
}

/* Clients show nobody what a fault says: whoever looks for the reason of a hash mark finds it in the log, under the id that the text ends with. */
static void put_fault(struct front_soap *s, const struct ews_fault *f)
{
	struct ews_fault named = *f;
	char text[700];

	log_event(LOG_LEVEL_INFO, "fault", LS("request-id", s->request_id), LS("client-request-id", *s->client_id ? s->client_id : NULL),
	          LS("operation", front_soap_operation(s)), LS("code", f->code), LI("line", f->line), LI("column", f->column), LS("why", f->text));
	snprintf(text, sizeof(text), "%s (request %s)", f->text, s->request_id);
	named.text = text;
	s->status = ews_write_fault(&s->out, &named) < 0 ? -1 : 500;
}

static void write_fault(struct front_soap *s, const char *code, const char *sentence)
{
	put_fault(s, &(struct ews_fault){.code = code, .text = sentence});
}

/* Hands the answer over; a writer that ran out of room becomes a fault, never half an answer. */
static void hand_over(struct front_soap *s, int status)
{
	if (status < 0 || s->out.failed) {
		buf_free(&s->out);
		buf_init(&s->out, ANSWER_MAX);
		write_fault(s, "ErrorInternalServerError", "The answer is larger than this server can send. Ask about fewer people or a shorter time.");
		status = 500;
	}
	s->done(s->arg, status, &s->out);
	soap_free(s);
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

	if (s->handle)
		s->doors->cancel(s->doors->door, s->handle);
	if (s->handle || s->naming)
		write_fault(s, "ErrorTimeoutExpired", "The question was not answered in time.");
	s->handle = NULL;
	hand_over(s, s->status);
}

static void refuse(struct front_soap *s)
{
	write_fault(s, "ErrorServerBusy", "The server has too many questions open. Try again in a moment.");
}

static void ask(struct front_soap *s)
{
	struct fb_query *q = &s->request->query;

	strcpy(q->request_id, s->request_id);
	snprintf(q->client_id, sizeof(q->client_id), "%s", s->client_id);
	q->requester = s->requester;
	s->handle = s->doors->ask(s->doors->door, q, on_answers, s);
	if (!s->handle)
		refuse(s);
}

/*
 * The directory's word on who was named. One of our people asks as that person. Nobody of ours: the organisation asks, as if
 * nobody had been named. Could not tell is an error, since rules may give the person less than the organisation.
 */
static void on_named(void *arg, const struct fb_entry *who)
{
	struct naming *naming = arg;
	struct front_soap *s = naming->s;
	enum fb_fact exists = who ? who->exists : FB_COULD_NOT_TELL;

	free(naming);
	if (s) {
		s->naming = NULL;
		if (exists == FB_YES) {
			s->requester.is_person = true;
			strcpy(s->requester.name, who->address); /* whose account it is stays known: it pays as well */
		}
		if (exists == FB_COULD_NOT_TELL)
			write_fault(s, "ErrorADUnavailable", "The directory could not be asked who the requester is.");
		else
			ask(s);
		if (s->status && s->timer) /* else front_soap_ask() is still on its way, and sets it */
			loop_timer_again(s->timer, 0);
	}
	fb_entry_release(who);
}

/* Asks for the person whom the server named, or for the server. */
static void ask_named(struct front_soap *s, bool may_name)
{
	const char *name = s->request->named_address ? s->request->named_address : s->request->named_sid;

	if (!may_name || !name) {
		ask(s);
		return;
	}
	s->naming = malloc(sizeof(*s->naming));
	if (!s->naming) {
		write_fault(s, "ErrorServerBusy", "There is no memory for this request at the moment.");
		return;
	}
	*s->naming = (struct naming){s};
	s->doors->identify(s->doors->door, name, on_named, s->naming);
}

struct front_soap *front_soap_ask(const struct front_doors *doors, const struct fb_requester *requester, bool may_name,
                                  const char *client_id, const void *xml, size_t n, void (*done)(void *arg, int status, struct buf *body), void *arg)
{
	struct front_soap *s = calloc(1, sizeof(*s));
	bool full = doors->full(doors->door);

	if (!s)
		return NULL;
	*s = (struct front_soap){.doors = doors, .requester = *requester, .done = done, .arg = arg, .request = full ? NULL : ews_read(xml, n)};
	buf_init(&s->out, ANSWER_MAX);
	fb_request_id_new(s->request_id);
	snprintf(s->client_id, sizeof(s->client_id), "%s", client_id);
	if (!s->request && !full) {
		soap_free(s);
		return NULL;
	}
	if (full)
		refuse(s);
	else if (s->request->fault.code)
		put_fault(s, &s->request->fault);
	else if (s->request->operation == EWS_GET_USER_AVAILABILITY)
		ask_named(s, may_name);
	else
		s->status = ews_write_other(&s->out, s->request, requester->is_person ? requester->name : "");
	s->timer = loop_timer_new(doors->loop, s->status ? 0 : doors->hard_stop_ms, on_timer, s);
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
	return s->request ? ews_operation_name(s->request->operation) : NULL;
}
