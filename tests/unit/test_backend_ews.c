/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/breaker.h"
#include "tests/unit/ews_backend.h"

#define ENVELOPE_HEAD "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><s:Header><t:ServerVersionInfo MajorVersion=\"15\"/></s:Header><s:Body>"
#define ENVELOPE_TAIL "</s:Body></s:Envelope>"
#define FINE "<m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"

/* ---- Exchange, as this test plays it ---- */

static struct {
	int calls, mailboxes, at_once, most_at_once;
	char sizes[2000];     /* how many mailboxes each call was about: "1 99 " */
	char last[200000];    /* the last request's body */
	char head[8192];
	int64_t longest;      /* window of a call, in seconds */
	int most_days;        /* not 0: refuses what is longer */
	bool hold;            /* keeps every call until release_calls() */
	int status;           /* not 0: answers every call with it */
	const char *headers, *body;
} exchange;

static struct world_connection *held[64];
static int n_held;

static void put_event(struct buf *out, const char *start, const char *end, const char *busy)
{
	buf_printf(out, "<t:CalendarEvent><t:StartTime>%s</t:StartTime><t:EndTime>%s</t:EndTime><t:BusyType>%s</t:BusyType></t:CalendarEvent>", start, end, busy);
}

static void put_error(struct buf *out, const char *code)
{
	buf_printf(out, "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Error\"><m:MessageText>EX01.corp.example: secret stack trace</m:MessageText>"
	           "<m:ResponseCode>%s</m:ResponseCode></m:ResponseMessage></m:FreeBusyResponse>", code);
}

/* Does it say of the mailbox ${name} in its digits that there is something between? That is where its events are, and "part" has more. */
static bool is_taken(const char *name, int64_t start, int64_t end)
{
	static const struct {
		const char *name;
		int64_t start, end;
	} all[] = {
		{"touch", 9 * HOUR, 10 * HOUR + 1800}, {"touch", 12 * HOUR, 12 * HOUR + 1800}, {"long", 20 * HOUR, 60 * DAY + 10 * HOUR},
		{"part", 9 * HOUR, 10 * HOUR}, {"part", 14 * HOUR, 15 * HOUR},
	};
	bool known = false, taken = false;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strncmp(name, all[i].name, strlen(all[i].name)) == 0) {
			known = true;
			taken |= start < monday + all[i].end && end > monday + all[i].start;
		}
	return known ? taken : start < monday + 10 * HOUR && end > monday + 9 * HOUR;
}

/* Always away: not what its events give, but what it says. */
static void put_digits(struct buf *out, const char *name, struct fb_window w, int interval)
{
	size_t slots = fb_merged_length(w, interval), less = strncmp(name, "short", 5) == 0 || strncmp(name, "only-short", 10) == 0 ||
	                                                     strncmp(name, "empty-short", 11) == 0;

	for (size_t i = 0; strncmp(name, "empty-fine", 10) == 0 && i < slots; i++)
		buf_putc(out, '0'); /* of half the interval: what is busy then stands where the day is over */
	for (size_t i = 0; i + less < slots; i++) {
		int64_t start = w.start + (int64_t)i * interval * 60, end = start + interval * 60;

		if (strncmp(name, "gap", 3) == 0)
			buf_putc(out, i == slots - 1 ? '4' : '0');
		else
			buf_putc(out, strncmp(name, "only-free", 9) != 0 && is_taken(name, start, end < w.end ? end : w.end) ? '3' : '0');
	}
}

/* ${n} events at the beginning of ${w}, each with a subject of ${length} bytes. */
static void put_many(struct buf *out, struct fb_window w, int n, int length)
{
	for (int i = 0; i < n; i++) {
		buf_puts(out, "<t:CalendarEvent><t:StartTime>");
		fb_time_put_wall(out, w.start + i);
		buf_puts(out, "</t:StartTime><t:EndTime>");
		fb_time_put_wall(out, w.start + HOUR + i);
		buf_printf(out, "</t:EndTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails><t:Subject>%0*d</t:Subject>"
		           "<t:IsPrivate>false</t:IsPrivate></t:CalendarEventDetails></t:CalendarEvent>", length, i);
	}
}

/* What it says of one mailbox, by its name: "busy9" has 09:00 to 10:00, "error-X" that code, ... */
static void put_mailbox(struct buf *out, const char *name, struct fb_window w, int interval)
{
	if (strncmp(name, "error-", 6) == 0) {
		char code[80];
		snprintf(code, sizeof code, "%.*s", (int)strcspn(name + 6, "@"), name + 6);
		put_error(out, code);
		return;
	}
	buf_puts(out, "<m:FreeBusyResponse>" FINE "<m:FreeBusyView><t:FreeBusyViewType>");
	buf_puts(out, strncmp(name, "only", 4) == 0 ? "MergedOnly" : "FreeBusyMerged");
	buf_puts(out, "</t:FreeBusyViewType>");
	if (strncmp(name, "no-digits", 9) != 0 && (strncmp(name, "part-half", 9) != 0 || w.start == monday)) {
		buf_puts(out, "<t:MergedFreeBusy>");
		put_digits(out, name, w, interval);
		buf_puts(out, "</t:MergedFreeBusy>");
	}
	if (strncmp(name, "only-empty", 10) == 0)
		buf_puts(out, "<t:CalendarEventArray/>");
	if (strncmp(name, "only", 4) != 0) {
		buf_puts(out, "<t:CalendarEventArray>");
		if (strncmp(name, "empty", 5) == 0)
			;
		else if (strncmp(name, "fat", 3) == 0 || strncmp(name, "crowd", 5) == 0)
			put_many(out, w, *name == 'f' ? 150 : 6000, *name == 'f' ? 60000 : 1);
		else if (strncmp(name, "odd", 3) == 0)
			put_event(out, "2026-03-02T09:00:00", "2026-03-02T10:00:00", "Hurried");
		else if (strncmp(name, "touch", 5) == 0) {
			put_event(out, "2026-03-03T00:00:00", "2026-03-03T01:00:00", "Busy");
			put_event(out, "2026-03-02T11:00:00+01:00", "2026-03-02T11:30:00+0100", "OOF");
			put_event(out, "2026-03-02T09:00:00Z", "2026-03-02T10:00:00", "Tentative");
			put_event(out, "2026-03-01T23:00:00", "2026-03-02T00:00:00", "Busy");
			put_event(out, "2026-03-02T12:00:00", "2026-03-02T12:30:00", "NoData");
		} else if (strncmp(name, "long", 4) == 0) {
			put_event(out, "2026-03-02T20:00:00", "2026-05-01T10:00:00", "OOF");
			if (w.start > monday)
				put_event(out, "2026-04-20T10:00:00", "2026-04-20T11:00:00", "Busy");
		} else {
			put_event(out, "2026-03-02T09:00:00", "2026-03-02T10:00:00", "Busy");
			if (strncmp(name, "part-free", 9) == 0)
				put_event(out, "2026-03-02T14:00:00", "2026-03-02T15:00:00", "Free");
		}
		buf_puts(out, "</t:CalendarEventArray>");
	}
	buf_puts(out, "</m:FreeBusyView></m:FreeBusyResponse>");
}

/* The answer to ${body}; false if it is to hang for ever. */
static bool answer_to(struct buf *out, const char *body)
{
	struct fb_window w;
	int n = 0, interval = atoi(xml_text(body, "t:MergedFreeBusyIntervalInMinutes", 0));
	bool hangs = false, faults = false;

	fb_time_parse_in(xml_text(body, "t:StartTime", 0), fb_zone_utc(), &w.start);
	fb_time_parse_in(xml_text(body, "t:EndTime", 0), fb_zone_utc(), &w.end);
	exchange.longest = w.end - w.start > exchange.longest ? w.end - w.start : exchange.longest;
	buf_puts(out, ENVELOPE_HEAD "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>");
	for (const char *at = strstr(body, "<t:Address>"); at; at = strstr(at + 1, "<t:Address>"), n++) {
		if (strncmp(at + 11, "years", 5) == 0 && w.end - w.start > 42 * DAY)
			put_error(out, "ErrorTimeIntervalTooBig");
		else
			put_mailbox(out, at + 11, w, interval);
		hangs |= strncmp(at + 11, "hang", 4) == 0;
		faults |= strncmp(at + 11, "fault", 5) == 0;
		if (strncmp(at + 11, "twice", 5) == 0)
			put_error(out, "ErrorServerBusy");
	}
	buf_puts(out, "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>" ENVELOPE_TAIL);
	if (faults || (exchange.most_days && w.end - w.start > exchange.most_days * DAY)) {
		buf_reset(out);
		buf_printf(out, ENVELOPE_HEAD "<s:Fault><faultcode>x</faultcode><faultstring>No.</faultstring><detail>"
		           "<e:ResponseCode xmlns:e=\"http://schemas.microsoft.com/exchange/services/2006/errors\">%s</e:ResponseCode></detail></s:Fault>" ENVELOPE_TAIL,
		           faults ? "ErrorInternalServerError" : "ErrorTimeIntervalTooBig");
	}
	exchange.mailboxes += n;
	snprintf(exchange.sizes + strlen(exchange.sizes), sizeof exchange.sizes - strlen(exchange.sizes), "%d ", n);
	return !hangs;
}

static void play(struct world_connection *c, const char *head, const char *body)
{
	struct buf out;

	buf_init(&out, 16 << 20);
	exchange.calls++;
	snprintf(exchange.last, sizeof exchange.last, "%s", body);
	snprintf(exchange.head, sizeof exchange.head, "%s", head);
	if (exchange.status)
		world_say(c, exchange.status, exchange.headers ? exchange.headers : "", exchange.body ? exchange.body : "");
	else if (answer_to(&out, body)) {
		if (exchange.hold && n_held < 64) {
			snprintf(c->user, sizeof c->user, "%s", "held");
			held[n_held++] = c;
			exchange.most_at_once = n_held > exchange.most_at_once ? n_held : exchange.most_at_once;
			buf_reset(&c->in);
			buf_add(&c->in, buf_ptr(&out), out.len); /* kept there until it is released: the client sends nothing meanwhile */
		} else
			world_say(c, 200, "Content-Type: text/xml\r\n", buf_cstr(&out));
	}
	buf_free(&out);
}

static void forget_calls(void)
{
	memset(&exchange, 0, sizeof exchange);
}

static void release_call(void)
{
	struct world_connection *c = held[--n_held];
	char *kept = strndup(buf_cstr(&c->in), c->in.len);

	buf_reset(&c->in);
	world_say(c, 200, "", kept);
	free(kept);
}

static void wait_a_little(void)
{
	struct loop_timer *t = loop_timer_new(world_loop, 5, (loop_cb *)loop_stop, world_loop);

	loop_run(world_loop);
	loop_timer_free(t);
}

/* ---- tests ---- */

static void test_one(void)
{
	struct reply r = {0};

	forget_calls();
	ask_day(&r, "busy9@b.example");
	wait_all();
	CHECK_INT(r.a->reason, FB_OK);
	CHECK_INT(r.a->n_events, 1);
	CHECK_INT(r.a->events[0].start, monday + 9 * HOUR);
	CHECK_INT(r.a->view, FB_VIEW_MERGED | FB_VIEW_EVENTS);
	CHECK_STR(r.a->merged, "000000000300000000000000"); /* not what its events give, but what it said */
	fb_answer_free(r.a);
	CHECK(strncmp(exchange.head, "POST /EWS/Exchange.asmx HTTP/1.1\r\n", 34) == 0);
	CHECK(strcasestr(exchange.head, "\r\nContent-Type: text/xml; charset=utf-8\r\n") != NULL);
	CHECK(strcasestr(exchange.head, "\r\nSOAPAction: \"http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability\"\r\n") != NULL);
	CHECK_STR(xml_text(exchange.last, "t:StartTime", 0), "2026-03-02T00:00:00");
	CHECK_STR(xml_text(exchange.last, "t:RequestedView", 0), "DetailedMerged");
	CHECK(strstr(exchange.last, "Version=\"Exchange2016\"") != NULL);
}

static void test_versions(void)
{
	static const struct {
		int version;
		const char *word;
	} cases[] = {{2007, "\"Exchange2007_SP1\""}, {2010, "\"Exchange2010\""}, {2013, "\"Exchange2013\""}, {2016, "\"Exchange2016\""}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ews_backend.version = cases[i].version; /* borrowed by the fetcher */
		CHECK_INT(reason_of_day("busy9@b.example"), FB_OK);
		CHECK(strstr(exchange.last, cases[i].word) != NULL);
	}
}

/* Of several questions at once each comes back to its asker, and few calls are made. */
static void test_batches(void)
{
	static struct reply r[250];
	char address[60];

	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	forget_calls();
	memset(r, 0, sizeof r);
	for (int i = 0; i < 250; i++) {
		snprintf(address, sizeof address, "%s%d@b.example", i % 10 == 3 ? "error-ErrorNoFreeBusyAccess@" : "busy", i);
		ask_day(&r[i], address);
	}
	wait_all();
	for (int i = 0; i < 250; i++) {
		CHECK(r[i].n == 1 && r[i].a->reason == (i % 10 == 3 ? FB_NO_ACCESS : FB_OK));
		fb_answer_free(r[i].a);
	}
	CHECK_INT(exchange.mailboxes, 250);
	CHECK_STR(exchange.sizes, "100 100 50 ");

	/* Another window or another interval is another call. */
	forget_calls();
	memset(r, 0, sizeof r);
	ask_day(&r[0], "a@b.example");
	ask_over(&r[1], "b@b.example", (struct fb_window){monday, monday + DAY}, 30, 20000);
	ask_over(&r[2], "c@b.example", (struct fb_window){monday, monday + 2 * DAY}, 60, 20000);
	wait_all();
	CHECK_INT(exchange.calls, 3);
	CHECK_INT(strlen(r[1].a->merged), 48);
	CHECK_INT(strlen(r[2].a->merged), 48);
	for (int i = 0; i < 3; i++)
		fb_answer_free(r[i].a);

	ews_backend.batch = 1;
	forget_calls();
	memset(r, 0, sizeof r);
	for (int i = 0; i < 5; i++)
		ask_day(&r[i], "same@b.example");
	wait_all();
	CHECK_STR(exchange.sizes, "1 1 1 1 1 ");
	for (int i = 0; i < 5; i++)
		fb_answer_free(r[i].a);
	ews_backend.batch = 100;
}

static void test_split(void)
{
	struct fb_window w = {monday, monday + 62 * DAY};
	struct reply r = {0};

	ews_backend.window_days = 42;
	forget_calls();
	ask_over(&r, "long@b.example", w, 60, 20000);
	wait_all();
	CHECK_INT(exchange.calls, 2);
	CHECK_INT(r.a->reason, FB_OK);
	CHECK_INT(r.a->n_events, 2); /* the one of both parts comes once */
	CHECK_INT(r.a->events[0].start, monday + 20 * HOUR);
	CHECK_INT(strlen(r.a->merged), 62 * 24);
	CHECK(fb_merged_valid(r.a->merged, w, 60));
	CHECK_INT(strspn(r.a->merged, "0"), 20); /* the digits of the second part stand behind those of the first */
	CHECK_INT(strspn(r.a->merged + 20, "3"), 59 * 24 + 14);
	fb_answer_free(r.a);

	/* An interval that no day is a multiple of: parts are whole intervals long, and so are the digits. */
	memset(&r, 0, sizeof r);
	forget_calls();
	ask_over(&r, "long@b.example", w, 77, 20000);
	wait_all();
	CHECK_INT(exchange.calls, 2);
	CHECK_INT(strlen(r.a->merged), fb_merged_length(w, 77));
	fb_answer_free(r.a);

	memset(&r, 0, sizeof r);
	ews_backend.window_days = 1;
	forget_calls();
	ask_over(&r, "no-digits@b.example", w, 1440, 20000);
	wait_all();
	CHECK_INT(exchange.calls, 62);
	CHECK_INT(r.a->reason, FB_OK);
	CHECK_STR(r.a->merged, NULL);
	CHECK_INT(r.a->view, FB_VIEW_EVENTS);
	fb_answer_free(r.a);

	/* However the interval falls, no call asks for more than the server takes. */
	memset(&r, 0, sizeof r);
	forget_calls();
	ask_over(&r, "long@b.example", (struct fb_window){monday, monday + 62 * DAY + HOUR}, 721, 20000);
	wait_all();
	CHECK_INT(r.a->reason, FB_OK);
	CHECK_INT(exchange.longest, 721 * 60);
	CHECK_INT(strlen(r.a->merged), 124);
	fb_answer_free(r.a);

	/* Events that are not all of it, in a part with digits, and a part without: what is missing can be told by neither. */
	memset(&r, 0, sizeof r);
	ews_backend.window_days = 42;
	ask_over(&r, "part-half@b.example", w, 60, 20000);
	wait_all();
	CHECK_INT(r.a->reason, FB_CALENDAR_FAILED);
	fb_answer_free(r.a);
	/* Parts that fit, and together do not: by their texts, or by their number. */
	for (int i = 0; i < 2; i++) {
		memset(&r, 0, sizeof r);
		ask_over(&r, i ? "crowd@b.example" : "fat@b.example", w, 60, 20000);
		wait_all();
		CHECK_INT(r.a->reason, FB_TOO_BIG);
		fb_answer_free(r.a);
	}
	ews_backend.window_days = 1;

	memset(&r, 0, sizeof r);
	ask_over(&r, "error-ErrorResultSetTooBig@b.example", w, 1440, 20000);
	wait_all();
	CHECK_INT(r.a->reason, FB_TOO_BIG);
	fb_answer_free(r.a);
	ews_backend.window_days = 62;
}

/* An Exchange that takes less at once than the settings say, and says so of the call or of a mailbox, is asked again, about less, and so from then on. */
static void test_short_windows(void)
{
	const struct fb_window w = {monday, monday + 62 * DAY};
	static const char *const names[] = {"long@b.example", "years@b.example"};

	for (int i = 0; i < 2; i++)
		for (int round = 0; round < 2; round++) {
			struct reply r = {0};

			if (round == 0)
				reopen_fetcher();
			forget_calls();
			exchange.most_days = i == 0 ? 42 : 0;
			ask_over(&r, names[i], w, 60, 20000);
			wait_all();
			CHECK_INT(r.a->reason, FB_OK);
			CHECK_INT(exchange.calls, round == 0 ? 3 : 2);
			CHECK(r.a->merged && fb_merged_valid(r.a->merged, w, 60));
			fb_answer_free(r.a);
		}
	/* Beside others in the call, who are not asked again; several windows of one question; and one that takes still less says no, and no more. */
	struct reply r[3] = {{0}};

	ews_backend.window_days = 50;
	reopen_fetcher();
	forget_calls();
	ask_over(&r[0], "years@b.example", w, 60, 20000);
	ask_over(&r[1], "busy@b.example", w, 60, 20000);
	ask_over(&r[2], "years2@b.example", (struct fb_window){monday, monday + 50 * DAY}, 60, 20000);
	wait_all();
	for (int i = 0; i < 3; i++) {
		CHECK_INT(r[i].n, 1);
		CHECK_INT(r[i].a->reason, FB_OK);
		fb_answer_free(r[i].a);
	}
	memset(r, 0, sizeof r);
	exchange.most_days = 30;
	ask_over(&r[0], "long@b.example", w, 60, 20000);
	wait_all();
	CHECK_INT(r[0].a->reason, FB_CALENDAR_FAILED);
	fb_answer_free(r[0].a);
	ews_backend.window_days = 62;
	forget_calls();
	reopen_fetcher();
}

/* What other servers write is read as it is meant, or not at all; never as free. */
static void test_lenient(void)
{
	struct reply r = {0};

	ask_day(&r, "touch@b.example");
	wait_all();
	CHECK_INT(r.a->reason, FB_OK);
	CHECK_INT(r.a->n_events, 3);
	CHECK_INT(r.a->events[0].busy, FB_TENTATIVE);
	CHECK_INT(r.a->events[0].end, monday + 10 * HOUR);
	CHECK_INT(r.a->events[1].start, monday + 10 * HOUR);
	CHECK_INT(r.a->events[1].end, monday + 10 * HOUR + 1800);
	CHECK_INT(r.a->events[2].busy, FB_NODATA);
	fb_answer_free(r.a);

	static const struct {
		const char *name;
		enum fb_reason reason;
		unsigned view;
		bool digits;
	} cases[] = {
		{"odd@b.example", FB_CALENDAR_FAILED, 0, false}, {"no-digits@b.example", FB_OK, FB_VIEW_EVENTS, false},
		{"short@b.example", FB_OK, FB_VIEW_MERGED | FB_VIEW_EVENTS, false}, {"only@b.example", FB_OK, FB_VIEW_MERGED, true},
		{"only-short@b.example", FB_CALENDAR_FAILED, 0, false}, {"only-free@b.example", FB_OK, FB_VIEW_MERGED | FB_VIEW_EVENTS, true},
		/* digits that tell of more than the events do: those are not all of it, and never shown as if they were */
		{"empty@b.example", FB_OK, FB_VIEW_MERGED, true}, {"only-empty@b.example", FB_OK, FB_VIEW_MERGED, true}, {"gap@b.example", FB_OK, FB_VIEW_MERGED, true},
		{"empty-short@b.example", FB_CALENDAR_FAILED, 0, false}, {"empty-fine@b.example", FB_CALENDAR_FAILED, 0, false}, /* and what is busy in digits that cannot be used is not free */
		/* where some are there, they go out beside the digits, and never alone */
		{"part@b.example", FB_OK, FB_VIEW_MERGED | FB_VIEW_EVENTS, true}, {"part-free@b.example", FB_OK, FB_VIEW_MERGED | FB_VIEW_EVENTS, true},
		{"error-ErrorMailRecipientNotFound@b.example", FB_NO_ACCESS, 0, false}, {"error-ErrorNoFreeBusyAccess@b.example", FB_NO_ACCESS, 0, false},
		{"error-ErrorAccessDenied@b.example", FB_NO_ACCESS, 0, false}, {"error-ErrorNonExistentMailbox@b.example", FB_NO_ACCESS, 0, false},
		{"error-ErrorTimeoutExpired@b.example", FB_TIMEOUT, 0, false}, {"error-ErrorADUnavailable@b.example", FB_DIRECTORY_FAILED, 0, false},
		{"error-ErrorProxyRequestProcessingFailed@b.example", FB_CALENDAR_FAILED, 0, false}, {"error-NoError@b.example", FB_CALENDAR_FAILED, 0, false},
		{"error-ErrorAddressSpaceNotFound@b.example", FB_CALENDAR_FAILED, 0, false}, {"error-Whatever@b.example", FB_CALENDAR_FAILED, 0, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&r, 0, sizeof r);
		ask_day(&r, cases[i].name);
		wait_all();
		if (!CHECK_INT(r.a->reason, cases[i].reason) || !CHECK_INT(r.a->view, cases[i].view) || !CHECK_INT(r.a->merged != NULL, cases[i].digits) ||
		    !CHECK_INT(r.a->events_short, strncmp(cases[i].name, "part", 4) == 0))
			fprintf(stderr, "\t%s\n", cases[i].name);
		fb_answer_free(r.a);
	}
}

/* One mailbox that hangs costs its batch once; then it is asked alone, and the others have their answers. */
static void test_hangs(void)
{
	static struct reply r[20];
	char address[60];

	ews_backend.timeout_ms = 1000;
	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	for (int round = 0; round < 3; round++) {
		forget_calls();
		memset(r, 0, sizeof r);
		for (int i = 0; i < 10; i++) {
			snprintf(address, sizeof address, "%s%d@b.example", i == 4 ? "hang" : "busy", i);
			ask_day(&r[i], address);
		}
		wait_all();
		for (int i = 0; i < 10; i++) {
			CHECK_INT(r[i].n, 1);
			CHECK_INT(r[i].a->reason, i == 4 || round == 0 ? FB_TIMEOUT : FB_OK);
			fb_answer_free(r[i].a);
		}
		const char *sizes = round == 0 ? "10 " : round == 1 ? "1 1 1 1 1 1 1 1 1 1 " : "1 9 ";
		CHECK(strcmp(exchange.sizes, sizes) == 0 || (round == 2 && strcmp(exchange.sizes, "9 1 ") == 0));
	}

	/* The one with little time hears in time, the one with much is still answered. */
	ews_backend.timeout_ms = 8000;
	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	forget_calls();
	memset(r, 0, sizeof r);
	exchange.hold = true;
	n_held = 0;
	ask_over(&r[0], "hasty@b.example", (struct fb_window){monday, monday + DAY}, 60, 100);
	ask_over(&r[1], "patient@b.example", (struct fb_window){monday, monday + DAY}, 60, 20000);
	while (r[0].n == 0) {
		ews_open_jobs = 1;
		loop_run(world_loop);
	}
	CHECK_INT(r[0].a->reason, FB_TIMEOUT);
	CHECK_INT(r[1].n, 0);
	CHECK_INT(n_held, 1);
	char *kept = strndup(buf_cstr(&held[0]->in), held[0]->in.len);
	buf_reset(&held[0]->in);
	world_say(held[0], 200, "", kept);
	free(kept);
	ews_open_jobs = 1;
	loop_run(world_loop);
	CHECK_INT(r[1].a->reason, FB_OK);
	CHECK_STR(exchange.sizes, "2 ");
	fb_answer_free(r[0].a);
	fb_answer_free(r[1].a);
	forget_calls();
	/* Its haste said nothing against the mailbox: it shares its call with others, as before. */
	memset(r, 0, sizeof r);
	ask_day(&r[0], "hasty@b.example");
	ask_day(&r[1], "patient@b.example");
	wait_all();
	CHECK_STR(exchange.sizes, "2 ");
	fb_answer_free(r[0].a);
	fb_answer_free(r[1].a);
	forget_calls();
}

/* Whoever asks in haste and alone, be it again and again, says nothing against a backend that takes its time: others are answered as ever. */
static void test_haste(void)
{
	struct reply r = {0};
	char address[40];

	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	for (int i = 0; i < 2 * BREAKER_FAILURES; i++) {
		snprintf(address, sizeof address, "hang%d@b.example", i);
		ask_over(&r, address, (struct fb_window){monday, monday + DAY}, 60, 41 + i);
		wait_all();
		CHECK_INT(r.a->reason, FB_TIMEOUT);
	}
	CHECK_INT(r.n, 2 * BREAKER_FAILURES);
	fb_answer_free(r.a);
	CHECK_INT(reason_of_day("busy@b.example"), FB_OK);
	forget_calls();
}

/* One mailbox for which it refuses the whole call costs its batch another call each, and none of the others his answer. */
static void test_faults(void)
{
	static struct reply r[5];
	static const char *const names[] = {"a@b.example", "b@b.example", "fault@b.example", "d@b.example", "e@b.example"};

	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	for (int round = 0; round < 2; round++) {
		forget_calls();
		memset(r, 0, sizeof r);
		for (int i = 0; i < 5; i++)
			ask_day(&r[i], names[i]);
		wait_all();
		for (int i = 0; i < 5; i++) {
			CHECK_INT(r[i].n, 1);
			CHECK_INT(r[i].a->reason, i == 2 ? FB_CALENDAR_FAILED : FB_OK);
			fb_answer_free(r[i].a);
		}
		CHECK_INT(exchange.calls, round == 0 ? 6 : 2); /* who has answered is with the others again */
	}
	/* If it refuses each of them, that is the end of it. */
	forget_calls();
	memset(r, 0, sizeof r);
	for (int i = 0; i < 5; i++) {
		char address[40];

		snprintf(address, sizeof address, "fault%d@b.example", i);
		ask_day(&r[i], address);
	}
	wait_all();
	for (int i = 0; i < 5; i++) {
		CHECK_INT(r[i].a->reason, FB_CALENDAR_FAILED);
		fb_answer_free(r[i].a);
	}
	CHECK_INT(exchange.calls, 6);
	forget_calls();
}

/* Two calls at once: the backend wants to be left alone, it says to one of them, and what it refuses of the other is not asked anew then. */
static void test_fault_while_busy(void)
{
	static struct reply r[5];
	static const char *const names[] = {"a@b.example", "fault@b.example", "c@b.example", "years@b.example"};
	const struct fb_window quarter = {monday, monday + 60 * DAY};

	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	forget_calls();
	memset(r, 0, sizeof r);
	exchange.hold = true;
	n_held = 0;
	for (int i = 0; i < 4; i++)
		ask_over(&r[i], names[i], i < 3 ? (struct fb_window){monday, monday + DAY} : quarter, 60, 20000);
	for (int i = 0; i < 1000 && n_held < 2; i++)
		wait_a_little();
	CHECK_INT(n_held, 2);
	exchange.status = 503;
	ask_over(&r[4], "other@b.example", (struct fb_window){monday, monday + 2 * DAY}, 60, 20000);
	for (int i = 0; i < 1000 && !r[4].n; i++)
		wait_a_little();
	CHECK_INT(r[4].a->reason, FB_BUSY);
	exchange.status = 0;
	exchange.hold = false;
	CHECK_INT(exchange.calls, 3);
	while (n_held)
		release_call();
	wait_all();
	CHECK_INT(exchange.calls, 3);
	for (int i = 0; i < 5; i++) {
		CHECK_INT(r[i].n, 1);
		CHECK_INT(r[i].a->reason, i < 4 ? FB_CALENDAR_FAILED : FB_BUSY);
		fb_answer_free(r[i].a);
	}
	forget_calls();
}

/* A backend that answers for another number of mailboxes: all of the call fail, and each is asked alone next time. */
static void test_other_count(void)
{
	static struct reply r[3];
	static const char *const names[] = {"a@b.example", "twice@b.example", "c@b.example"};

	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	for (int round = 0; round < 2; round++) {
		memset(r, 0, sizeof r);
		for (int i = 0; i < 3; i++)
			ask_day(&r[i], names[i]);
		wait_all();
		for (int i = 0; i < 3; i++) {
			CHECK_INT(r[i].a->reason, round == 0 || i == 1 ? FB_CALENDAR_FAILED : FB_OK);
			fb_answer_free(r[i].a);
		}
	}
}

/* Down: answered at once without a call; back: noticed without anybody asking. */
static void test_breaker(void)
{
	static const struct {
		int status;
		const char *headers, *body;
		int calls; /* until it is left alone */
		enum fb_reason reason;
	} cases[] = {
		{503, "Retry-After: 1\r\n", "", 1, FB_BUSY},
		{500, "", "<html>oops</html>", 3, FB_CALENDAR_FAILED},
		{200, "", "", 3, FB_CALENDAR_FAILED},
		{404, "", "", 3, FB_CALENDAR_FAILED},
		{302, "Location: https://127.0.0.1/\r\n", "", 3, FB_CALENDAR_FAILED},
		{500, "", ENVELOPE_HEAD "<s:Fault><faultcode>x</faultcode><faultstring>Busy.</faultstring><detail><e:ResponseCode xmlns:e=\"http://schemas.microsoft.com/exchange/services/2006/errors\">"
		 "ErrorServerBusy</e:ResponseCode><t:MessageXml><t:Value Name=\"BackOffMilliseconds\">700</t:Value></t:MessageXml></detail></s:Fault>" ENVELOPE_TAIL, 1, FB_BUSY},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		reopen_fetcher();
		forget_calls();
		exchange.status = cases[i].status;
		exchange.headers = cases[i].headers;
		exchange.body = cases[i].body;
		for (int k = 0; k < cases[i].calls + 5; k++)
			CHECK_INT(reason_of_day("busy@b.example"), cases[i].reason);
		if (!CHECK_INT(exchange.calls, cases[i].calls))
			fprintf(stderr, "\tcase %zu\n", i);
		exchange.status = 0;
		int64_t end = loop_ms() + 20000;
		while (loop_ms() < end && reason_of_day("busy@b.example") != FB_OK)
			wait_a_little();
		CHECK_INT(reason_of_day("busy@b.example"), FB_OK);
	}
	/* A refused login is not tried over and over. */
	reopen_fetcher();
	forget_calls();
	exchange.status = 401;
	static struct reply r[20];
	memset(r, 0, sizeof r);
	for (int i = 0; i < 20; i++)
		ask_over(&r[i], "busy@b.example", (struct fb_window){monday + i * DAY, monday + i * DAY + DAY}, 60, 20000);
	wait_all();
	for (int i = 0; i < 20; i++) {
		CHECK_INT(r[i].a->reason, FB_CALENDAR_FAILED);
		fb_answer_free(r[i].a);
	}
	CHECK(exchange.calls <= 2);
	forget_calls();
	reopen_fetcher();
	CHECK_INT(reason_of_day("busy@b.example"), FB_OK);
}

/* A mailbox whose own server has too much to do is no reason to leave the others alone; that nobody can be asked about is. */
static void test_one_busy(void)
{
	struct reply r[2] = {0};

	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	forget_calls();
	ask_day(&r[0], "error-ErrorServerBusy@b.example");
	ask_day(&r[1], "busy@b.example");
	wait_all();
	CHECK_STR(exchange.sizes, "2 ");
	CHECK_INT(r[0].a->reason, FB_BUSY);
	CHECK_INT(r[1].a->reason, FB_OK);
	CHECK_INT(reason_of_day("busy@b.example"), FB_OK);
	CHECK_INT(reason_of_day("error-ErrorServerBusy@b.example"), FB_BUSY);
	CHECK_INT(reason_of_day("busy@b.example"), FB_BUSY);
	CHECK_INT(exchange.calls, 3);
	fb_answer_free(r[0].a);
	fb_answer_free(r[1].a);

	/* What had not been sent when it said so is not sent. */
	memset(r, 0, sizeof r);
	ews_backend.concurrency = 1;
	reopen_fetcher();
	forget_calls();
	ask_day(&r[0], "error-ErrorServerBusy@b.example");
	ask_over(&r[1], "busy@b.example", (struct fb_window){monday, monday + 2 * DAY}, 60, 20000);
	wait_all();
	CHECK_INT(r[0].a->reason, FB_BUSY);
	CHECK_INT(r[1].a->reason, FB_BUSY);
	CHECK_INT(exchange.calls, 1);
	fb_answer_free(r[0].a);
	fb_answer_free(r[1].a);
	ews_backend.concurrency = 10;
	forget_calls();
	reopen_fetcher();
}

/* An answer that was under way when the login was refused does not take that back. */
static void test_refused_meanwhile(void)
{
	struct reply r[2] = {0};

	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	forget_calls();
	exchange.hold = true;
	n_held = 0;
	ask_day(&r[0], "slow@b.example");
	while (n_held == 0)
		wait_a_little();
	exchange.hold = false;
	exchange.status = 401;
	ask_day(&r[1], "busy@b.example");
	while (r[1].n == 0)
		wait_a_little();
	CHECK_INT(r[1].a->reason, FB_CALENDAR_FAILED);
	release_call();
	wait_all();
	CHECK_INT(r[0].a->reason, FB_OK);
	exchange.status = 0;
	CHECK_INT(reason_of_day("busy@b.example"), FB_CALENDAR_FAILED);
	CHECK_INT(exchange.calls, 2);
	fb_answer_free(r[0].a);
	fb_answer_free(r[1].a);
	forget_calls();
	reopen_fetcher();
}

/* It was left alone because of mailboxes that hang: the probe asks for what people want now, not for ever for the last of those. */
static void test_probe(void)
{
	int64_t end = loop_ms() + 20000;

	ews_backend.timeout_ms = 500;
	reopen_fetcher();
	for (int i = 0; i < 3; i++)
		CHECK_INT(reason_of_day((const char *[]){"hang1@b.example", "hang2@b.example", "hang3@b.example"}[i]), FB_TIMEOUT);
	CHECK_INT(reason_of_day("busy@b.example"), FB_CALENDAR_FAILED);
	while (loop_ms() < end && reason_of_day("busy@b.example") != FB_OK)
		wait_a_little();
	CHECK_INT(reason_of_day("busy@b.example"), FB_OK);
	ews_backend.timeout_ms = 8000;

	/* ... and in one call, however much those want to know. */
	struct reply r = {0};
	ews_backend.window_days = 42;
	reopen_fetcher();
	forget_calls();
	exchange.status = 503;
	ask_over(&r, "busy@b.example", (struct fb_window){monday, monday + 62 * DAY}, 60, 20000);
	wait_all();
	CHECK_INT(r.a->reason, FB_BUSY);
	fb_answer_free(r.a);
	for (int before = exchange.calls; exchange.calls == before && loop_ms() < end;)
		wait_a_little();
	CHECK_STR(xml_text(exchange.last, "t:StartTime", 0), "2026-03-02T00:00:00");
	CHECK_STR(xml_text(exchange.last, "t:EndTime", 0), "2026-03-03T00:00:00");
	ews_backend.window_days = 62;
	forget_calls();
	reopen_fetcher();
}

static void test_concurrency(void)
{
	static struct reply r[30];

	ews_backend.concurrency = 3;
	reopen_fetcher();
	CHECK_INT(reason_of_day("first@b.example"), FB_OK);
	forget_calls();
	exchange.hold = true;
	n_held = 0;
	memset(r, 0, sizeof r);
	for (int i = 0; i < 30; i++)
		ask_over(&r[i], "busy@b.example", (struct fb_window){monday + i * DAY, monday + i * DAY + DAY}, 60, 20000);
	for (int done = 0; done < 30;) {
		while (n_held == 0)
			wait_a_little();
		release_call();
		done++;
	}
	wait_all();
	for (int i = 0; i < 30; i++) {
		CHECK_INT(r[i].a->reason, FB_OK);
		fb_answer_free(r[i].a);
	}
	CHECK(exchange.most_at_once <= 3);
	CHECK_INT(exchange.calls, 30);
	forget_calls();
	ews_backend.concurrency = 10;
}

/* Freed with questions open: no reply comes, nothing is lost (the sanitizer looks). */
static void test_free(void)
{
	struct reply r = {0};

	reopen_fetcher();
	ask_day(&r, "hang@b.example");
	ask_over(&r, "hang@b.example", (struct fb_window){monday, monday + 40 * DAY}, 60, 20000);
	fetcher_free(ews_fetcher);
	CHECK_INT(r.n, 0);
	ews_open_jobs = 0;
	open_fetcher();

	const uint8_t junk[] = "junk";
	ews_open_jobs = 1;
	fetcher_work(ews_fetcher, junk, sizeof junk, on_reply, &r);
	CHECK_INT(r.a->reason, FB_NOT_COMPUTED);
	ask_over(&r, "busy@b.example", (struct fb_window){monday, monday + DAY}, 60, 0);
	CHECK_INT(r.a->reason, FB_TIMEOUT);
	fb_answer_free(r.a);
}

int main(void)
{
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_INFO, "test");
	world_start(play);
	open_fetcher();
	test_one();
	test_versions();
	test_batches();
	test_split();
	test_short_windows();
	test_lenient();
	test_hangs();
	test_haste();
	test_faults();
	test_fault_while_busy();
	test_other_count();
	test_breaker();
	test_one_busy();
	test_refused_meanwhile();
	test_probe();
	test_concurrency();
	test_free();
	fetcher_free(ews_fetcher);
	world_end();
	return check_done();
}
