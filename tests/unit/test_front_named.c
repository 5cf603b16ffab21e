/* links: base availability conf acl address_space ews login pki budget trace front */
#include <fcntl.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/front/front.h"
#include "tests/unit/check.h"

/* Whom a server of ours may ask for: SerializedSecurityContext, and from whom it counts. */
static struct loop *loop;

/* ---- the house behind the doors ---- */
static struct {
	int asks, identifies;
	bool held;                    /* the directory does not answer at once */
	bool lost;                    /* it answers nothing */
	enum fb_fact exists;
	char name[70000];             /* that the directory was asked about */
	struct fb_requester requester;
	void (*found)(void *arg, const struct fb_entry *who);
	void *found_arg;
	void (*done)(void *arg, struct acl_released *const *answers);
	void *done_arg;
	struct loop_timer *timer;
} house;

static void answer(void)
{
	struct fb_entry *e;

	if (house.lost) {
		house.found(house.found_arg, NULL);
		return;
	}
	e = fb_entry_new("anna@a.example", 0);
	e->exists = house.exists;
	house.found(house.found_arg, e);
}

static void door_identify(void *door, const char *name, void (*cb)(void *arg, const struct fb_entry *who), void *arg)
{
	house.identifies++;
	snprintf(house.name, sizeof(house.name), "%s", name);
	house.found = cb;
	house.found_arg = arg;
	if (!house.held)
		answer();
}

static void pay(void *arg)
{
	struct acl_released *r = acl_release_reason(FB_NO_ACCESS);

	loop_timer_free(house.timer);
	house.done(house.done_arg, &r);
	acl_released_free(r);
}

static bool door_full(void *door)
{
	return false;
}

static void *door_ask(void *door, const struct fb_query *q, void (*done)(void *arg, struct acl_released *const *answers), void *arg)
{
	house.asks++;
	house.requester = q->requester;
	house.done = done;
	house.done_arg = arg;
	house.timer = loop_timer_new(loop, 0, pay, NULL);
	return &house;
}

static void door_cancel(void *door, void *handle)
{
	loop_timer_free(house.timer);
}

static struct front_doors doors = {.full = door_full, .ask = door_ask, .cancel = door_cancel, .identify = door_identify, .hard_stop_ms = 200};

/* ---- an asker ---- */
static const struct fb_requester company = {.is_person = false, .name = "a.example", .account = "exchange"};
static int status;
static char *body;

static void on_done(void *arg, int s, struct buf *text)
{
	char id[] = "0123456789abcdef";
	char *p;

	status = s;
	free(body);
	body = strdup(buf_cstr(text));
	for (p = body; *p; p++) /* request ids differ from one to the next */
		if (strspn(p, id) >= 32)
			memset(p, '-', 32);
	loop_stop(loop);
}

static const char *request(const char *header)
{
	static char text[80000];

	snprintf(text, sizeof(text),
	         "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\" "
	         "xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><s:Header>%s</s:Header><s:Body><m:GetUserAvailabilityRequest>"
	         "<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>bob@b.example</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"
	         "</t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-03-02T00:00:00</t:StartTime>"
	         "<t:EndTime>2026-03-03T00:00:00</t:EndTime></t:TimeWindow></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest></s:Body></s:Envelope>",
	         header);
	return text;
}

static struct front_soap *begin(const char *header, bool may_name)
{
	const char *text = request(header);

	status = 0;
	memset(&house.requester, 0, sizeof(house.requester));
	house.asks = house.identifies = 0;
	*house.name = 0;
	return front_soap_ask(&doors, &company, may_name, "", text, strlen(text), on_done, NULL);
}

static int ask(const char *header, bool may_name)
{
	begin(header, may_name);
	loop_run(loop);
	return status;
}

#define CONTEXT(inside) "<t:SerializedSecurityContext>" inside "</t:SerializedSecurityContext>"
#define ANNA "<t:PrimarySmtpAddress>anna@a.example</t:PrimarySmtpAddress>"
#define SID "<t:UserSid>S-1-5-21-1-2-3-500</t:UserSid>"

static void named(void)
{
	house.exists = FB_YES;
	CHECK_INT(ask(CONTEXT(SID ANNA), true), 200);
	CHECK_STR(house.name, "anna@a.example");
	CHECK(house.requester.is_person);
	CHECK_STR(house.requester.name, "anna@a.example");
	CHECK_STR(house.requester.account, "exchange"); /* whose budget pays for whomever it names */
	CHECK_INT(ask(CONTEXT(SID), true), 200);
	CHECK_STR(house.name, "S-1-5-21-1-2-3-500");
	CHECK(house.requester.is_person);
	CHECK_INT(ask("<m:SerializedSecurityContext>" ANNA "</m:SerializedSecurityContext>", true), 200); /* where later versions put it is not published */
	CHECK(house.requester.is_person);
	/* nobody of ours, or nobody named: the organisation, as its account */
	house.exists = FB_NO;
	CHECK_INT(ask(CONTEXT(ANNA), true), 200);
	CHECK_INT(house.identifies, 1);
	CHECK(!house.requester.is_person);
	CHECK_STR(house.requester.name, "a.example");
	CHECK_STR(house.requester.account, "exchange");
	CHECK_INT(ask(CONTEXT(""), true), 200);
	CHECK_INT(house.identifies, 0);
	CHECK(!house.requester.is_person);
	/* could not ask: nobody's rights are those of somebody unknown */
	house.exists = FB_COULD_NOT_TELL;
	CHECK_INT(ask(CONTEXT(ANNA), true), 500);
	CHECK_INT(house.asks, 0);
	CHECK(strstr(body, "ErrorADUnavailable") != NULL);
	house.lost = true;
	CHECK_INT(ask(CONTEXT(ANNA), true), 500);
	CHECK_INT(house.asks, 0);
	CHECK(strstr(body, "ErrorADUnavailable") != NULL);
	house.lost = false;
}

/* From whoever else it changes nothing, whatever stands in it: the same question, the same bytes. */
static void ignored(void)
{
	static char huge[71000];
	const char *const headers[] = {
		CONTEXT(SID ANNA), CONTEXT("<t:UserSid><t:x/></t:UserSid>"), CONTEXT(ANNA ANNA "text") CONTEXT(SID), CONTEXT("<t:PrimarySmtpAddress xmlns:x=\"u\" x:y=\"z\"/>"),
		"<t:SerializedSecurityContext s:mustUnderstand=\"1\">" SID "<t:GroupSids><t:GroupIdentifier/></t:GroupSids></t:SerializedSecurityContext>", huge};
	char *without;

	snprintf(huge, sizeof(huge), "<t:SerializedSecurityContext><t:UserSid>%066000d</t:UserSid></t:SerializedSecurityContext>", 1);
	house.exists = FB_YES;
	CHECK_INT(ask("", false), 200);
	without = strdup(body);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		CHECK_INT(ask(headers[i], false), 200);
		CHECK_INT(house.identifies, 0);
		CHECK(!house.requester.is_person);
		CHECK_STR(house.requester.account, "exchange");
		CHECK_STR(body, without);
	}
	free(without);
}

/* The directory is slow: the hard stop comes first, or the client goes away, or it answers after all. */
static void slow_directory(void)
{
	struct front_soap *s;

	house.held = true;
	house.exists = FB_YES;
	CHECK_INT(ask(CONTEXT(ANNA), true), 500);
	CHECK(strstr(body, "ErrorTimeoutExpired") != NULL);
	answer(); /* to nobody */
	CHECK_INT(house.asks, 0);
	s = begin(CONTEXT(ANNA), true);
	front_soap_cancel(s);
	answer();
	CHECK_INT(house.asks, 0);
	begin(CONTEXT(ANNA), true);
	answer();
	loop_run(loop);
	CHECK_INT(status, 200);
	CHECK(house.requester.is_person);
	begin(CONTEXT(ANNA), true);
	house.exists = FB_COULD_NOT_TELL;
	answer();
	loop_run(loop);
	CHECK_INT(status, 500);
	CHECK(strstr(body, "ErrorADUnavailable") != NULL);
}

int main(void)
{
	log_setup(open("/dev/null", O_WRONLY), false, LOG_LEVEL_ERROR, "test");
	loop = loop_new();
	doors.loop = loop;
	named();
	ignored();
	slow_directory();
	free(body);
	loop_free(loop);
	return check_done();
}
