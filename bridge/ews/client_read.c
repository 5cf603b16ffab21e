#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ews/client_reading.h"

enum { REPLY_ARENA = 64 << 20 };

static bool response_open(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);

	if (a->at == a->n)
		return soap_fault(s, "ErrorInvalidRequest", "The server answered for more mailboxes than were asked.");
	a->now = fb_answer_new(FB_OK);
	if (!a->now)
		return soap_fault(s, "ErrorInternalServerError", "There was no memory to read the answer.");
	a->list[a->at] = a->now;
	a->broken = a->told = a->success = a->viewed = a->listed = false;
	a->reason = FB_NOT_COMPUTED;
	a->text = NULL;
	return true;
}

/* Why it failed, as the server says it: a code alone does not say which of its own parts did. */
static void keep_text(const struct answers *a)
{
	if (a->text && a->said && a->said->texts)
		a->said->texts[a->at] = strlen(a->text) > EWS_CLIENT_TEXT_MAX ? strndup(a->text, text_utf8_whole(a->text, EWS_CLIENT_TEXT_MAX)) : strdup(a->text);
}

/*
 * Nothing is FB_OK but a Success (with NoError, or no code) and a view that holds what it says: never free by omission. Digits
 * that are missing beside an array of events can be worked out from it; an array that is missing cannot.
 */
static bool response_close(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);
	bool no_error = a->reason == FB_OK || (a->reason == FB_NOT_COMPUTED && a->success);
	bool ok = a->success && no_error && a->viewed && (a->listed || ((a->now->view & FB_VIEW_MERGED) && a->now->merged)) && !a->broken;
	enum fb_reason why = a->success || no_error || a->reason == FB_NOT_COMPUTED ? FB_CALENDAR_FAILED : a->reason;

	if (ok) {
		if (!a->listed)
			a->now->view = FB_VIEW_MERGED; /* events that were left out are not an empty calendar */
		else if (a->now->view == FB_VIEW_MERGED)
			a->now->view |= FB_VIEW_EVENTS; /* more than it says it gives */
		if (!a->now->merged)
			a->now->view &= ~(unsigned)FB_VIEW_MERGED;
		fb_answer_sort(a->now);
	} else {
		keep_text(a);
		fb_answer_free(a->now);
		a->list[a->at] = a->now = fb_answer_new(why);
		if (!a->now)
			return soap_fault(s, "ErrorInternalServerError", "There was no memory to read the answer.");
	}
	a->at++;
	return true;
}

/* A Warning is of something that was not done, whatever else is there: what is missing would be taken for free time. Of two messages none counts. */
static bool message_open(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);
	const char *class = soap_attribute(s, "ResponseClass");

	if (a->told)
		spoil(s);
	a->told = true;
	a->success = class && strcmp(class, "Success") == 0;
	return true;
}

/* Codes that we never write ourselves, as far as they mean one of our reasons. */
static enum fb_reason reason_of(const char *code)
{
	static const struct {
		const char *code;
		enum fb_reason reason;
	} theirs[] = {
		{"ErrorInternalServerError", FB_CALENDAR_FAILED}, /* of ours it would be that no code was given */
		{"ErrorMailRecipientNotFound", FB_NO_ACCESS}, {"ErrorInvalidAccessLevel", FB_NO_ACCESS},  {"ErrorExceededConnectionCount", FB_BUSY},
		{"ErrorADOperation", FB_DIRECTORY_FAILED},    {"ErrorNonExistentMailbox", FB_NO_ACCESS},    {"ErrorAccessDenied", FB_NO_ACCESS},
	};

	for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
		if (strcmp(theirs[i].code, code) == 0)
			return theirs[i].reason;
	return fb_reason_of_code(code);
}

static bool message_text(struct soap *s, const char *text)
{
	answers_of(s)->text = *text ? arena_strdup(s->arena, text) : NULL;
	return true;
}

static bool code(struct soap *s, const char *text)
{
	struct answers *a = answers_of(s);
	size_t n = strnlen(text, EWS_CLIENT_CODE_MAX - 1);

	if (a->reason != FB_NOT_COMPUTED)
		spoil(s); /* it has two codes */
	a->reason = reason_of(text);
	if (a->said && a->said->codes) {
		memcpy(a->said->codes[a->at], text, n);
		a->said->codes[a->at][n] = 0;
	}
	return true;
}

static bool version_open(struct soap *s, const char *text)
{
	const char *major = soap_attribute(s, "MajorVersion");

	answers_of(s)->is_2007 = major && strcmp(major, "8") == 0;
	return true;
}

static bool fault_code(struct soap *s, const char *text)
{
	answers_of(s)->fault_code = arena_strdup(s->arena, text);
	return true;
}

static bool fault_text(struct soap *s, const char *text)
{
	answers_of(s)->fault_text = arena_strdup(s->arena, text);
	return true;
}

/* <t:MessageXml><t:Value Name="BackOffMilliseconds">: how long a server with too much to do wants to be left alone. */
static bool value_open(struct soap *s, const char *text)
{
	const char *name = soap_attribute(s, "Name");

	answers_of(s)->is_back_off = name && strcmp(name, "BackOffMilliseconds") == 0;
	return true;
}

static bool value_close(struct soap *s, const char *text)
{
	int64_t ms;

	if (answers_of(s)->is_back_off && text_int(text, 0, INT32_MAX, &ms))
		answers_of(s)->back_off_ms = (int)ms;
	return true;
}

static const struct soap_row values_rows[] = {
	{NS_TYPES, "Value", 0, NULL, value_open, value_close},
	{0},
};
static const struct soap_row message_rows[] = {
	{NS_MESSAGES, "ResponseCode", 0, NULL, NULL, code},
	{NS_MESSAGES, "MessageText", SOAP_CUT, NULL, NULL, message_text},
	{NS_MESSAGES, "MessageXml", SOAP_LAX, values_rows, NULL, NULL},
	{0},
};
static const struct soap_row response_rows[] = {
	{NS_MESSAGES, "ResponseMessage", SOAP_LAX, message_rows, message_open, NULL},
	{NS_MESSAGES, "FreeBusyView", SOAP_LAX, client_view_rows, NULL, NULL},
	{0},
};
static const struct soap_row array_rows[] = {
	{NS_MESSAGES, "FreeBusyResponse", SOAP_LAX, response_rows, response_open, response_close},
	{0},
};
static const struct soap_row gua_rows[] = {
	{NS_MESSAGES, "FreeBusyResponseArray", SOAP_LAX, array_rows, NULL, NULL},
	{0},
};
static const struct soap_row detail_rows[] = {
	{NS_ERRORS, "ResponseCode", 0, NULL, NULL, fault_code},
	{NS_TYPES, "MessageXml", SOAP_LAX, values_rows, NULL, NULL},
	{0},
};
static const struct soap_row fault_rows[] = {
	{"", "faultstring", 0, NULL, NULL, fault_text},
	{"", "detail", SOAP_LAX, detail_rows, NULL, NULL},
	{0},
};
static const struct soap_row body_rows[] = {
	{NS_MESSAGES, "GetUserAvailabilityResponse", SOAP_LAX, gua_rows, NULL, NULL},
	{NS_SOAP, "Fault", SOAP_LAX, fault_rows, NULL, NULL},
	{0},
};
static const struct soap_row header_rows[] = {
	{NS_TYPES, "ServerVersionInfo", SOAP_LAX, (const struct soap_row[]){{0}}, version_open, NULL},
	{0},
};
static const struct soap_row envelope_rows[] = {
	{NS_SOAP, "Header", SOAP_LAX, header_rows, NULL, NULL},
	{NS_SOAP, "Body", SOAP_REQUIRED | SOAP_LAX, body_rows, NULL, NULL},
	{0},
};
static const struct soap_row roots[] = {
	{NS_SOAP, "Envelope", SOAP_REQUIRED, envelope_rows, NULL, NULL},
	{0},
};

static void forget(struct fb_answer **answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fb_answer_free(answers[i]);
		answers[i] = NULL;
	}
}

static void begin(struct soap *s)
{
	struct answers *a = answers_of(s);

	arena_reset(s->arena);
	forget(a->list, a->n);
	if (a->said && a->said->codes)
		memset(a->said->codes, 0, a->n * sizeof *a->said->codes);
	for (size_t i = 0; a->said && a->said->texts && i < a->n; i++) {
		free(a->said->texts[i]);
		a->said->texts[i] = NULL;
	}
	*a = (struct answers){.zone.serial.lenient = true, .requester = a->requester, .list = a->list, .n = a->n, .said = a->said,
	                      .is_2007 = a->said && a->said->is_2007};
}

/* Reads the frame; false with a sentence in ${error}. */
static bool whole(struct soap *s, const struct answers *a, const void *p, size_t len, struct buf *error)
{
	if (!soap_read(s, p, len, EWS_CLIENT_REPLY_MAX, roots))
		buf_printf(error, "The server's answer is no GetUserAvailabilityResponse: %s", s->fault.text);
	else if (a->fault_code || a->fault_text)
		buf_printf(error, "The server refused the request: %s (%s)", a->fault_text ? a->fault_text : "it gave no reason",
		           a->fault_code ? a->fault_code : "no code");
	else if (a->at != a->n)
		buf_printf(error, "The server answered for %zu mailboxes; %zu were asked.", a->at, a->n);
	else
		return true;
	return false;
}

/* Copies out what the whole of it said before the arena goes. */
static void tell(const struct answers *a)
{
	if (!a->said)
		return;
	snprintf(a->said->fault, sizeof a->said->fault, "%s", a->fault_code ? a->fault_code : a->fault_text ? "Fault" : "");
	a->said->back_off_ms = a->back_off_ms;
}

int ews_client_read(const void *p, size_t len, const struct fb_zone *zone, struct fb_answer **answers, size_t n, struct buf *error,
                    struct ews_client_said *said)
{
	struct answers a = {.requester = zone, .list = answers, .n = n, .said = said};
	struct soap s = {.arg = &a, .arena = arena_new(REPLY_ARENA), .mend = ' ', .begin = begin, .unknown = client_view_unknown};
	bool ok;

	memset(answers, 0, n * sizeof *answers);
	if (!s.arena) {
		buf_puts(error, "There was no memory to read the answer.");
		return -1;
	}
	ok = whole(&s, &a, p, len, error);
	tell(&a);
	arena_free(s.arena);
	if (!ok)
		forget(answers, n);
	return ok ? 0 : -1;
}
