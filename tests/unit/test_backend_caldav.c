/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/fetch_engine.h"
#include "bridge/availability/clock.h"
#include "tests/unit/https_world.h"

/* The CalDAV engine against a server that says what no real one says on demand; real ones: tests/forests/caldav.py. */

struct rule {
	const char *request; /* "METHOD /path", or "METHOD /path\ntext" where the text stands in the request's body */
	int status;          /* 0 = closes without a word, -1 = says nothing, -2 = 404 once two wait for it */
	const char *body, *headers;
};
static const struct rule *rules;
static char seen[4096], last_body[4096];
static struct world_connection *held;
static int stop_after; /* so many requests that are met with silence; 0 = never */

static struct conf conf = {.working_zone = (char *)"Europe/Berlin", .working_days = 62, .working_start = 480, .working_end = 1020};
static struct conf_backend backend;
static struct http *http;
static void *engine;
static enum fetch_health health;
static int64_t health_pause;
static bool leave_alone; /* what on_health() answers */

static struct {
	int n;
	enum fb_reason reason;
	char why[1024], events[2048];
} got;

static void answer(struct world_connection *c, const char *head, const char *body)
{
	size_t n = strcspn(head, "\r");
	char request[512];
	snprintf(request, sizeof request, "%.*s", (int)(n - strlen(" HTTP/1.1")), head);
	snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s\n", request);
	snprintf(last_body, sizeof last_body, "%s", body);
	for (const struct rule *r = rules; r && r->request; r++) {
		size_t len = strlen(request);
		if (strncmp(r->request, request, len) != 0 || (r->request[len] && (r->request[len] != '\n' || !strstr(body, r->request + len + 1))))
			continue;
		if (r->status > 0)
			world_say(c, r->status, r->headers ? r->headers : "", r->body ? r->body : "");
		else if (!r->status)
			world_close(c);
		else if (r->status == -2 && held) {
			world_say(held, 404, "", "");
			world_say(c, 404, "", "");
			held = NULL;
		} else if (r->status == -2)
			held = c;
		else if (stop_after && !--stop_after)
			loop_stop(world_loop);
		return;
	}
	world_say(c, 404, "", "");
}

static bool on_health(void *arg, enum fetch_health h, int64_t pause, const char *why)
{
	health = h;
	health_pause = pause;
	return !leave_alone;
}

static void on_done(void *arg, const struct fb_answer *a, const char *why)
{
	struct buf b;
	buf_init(&b, sizeof got.events);
	for (size_t i = 0; i < a->n_events; i++) {
		buf_puts(&b, i ? " " : "");
		fb_time_put_utc(&b, a->events[i].start);
		buf_putc(&b, '/');
		fb_time_put_utc(&b, a->events[i].end);
		buf_printf(&b, "=%s", fb_busy_name(a->events[i].busy));
	}
	snprintf(got.events, sizeof got.events, "%s", buf_cstr(&b));
	snprintf(got.why, sizeof got.why, "%s", why ? why : "");
	buf_free(&b);
	got.n++;
	got.reason = a->reason;
	loop_stop(world_loop);
}

static void close_engine(void)
{
	if (engine)
		caldav_engine.close(engine);
	http_free(http);
	engine = http = NULL;
}

/* A backend of its own for the next questions; what is NULL is not set. */
static void open_engine(enum conf_caldav_method method, const char *calendar, const char *principal, const char *freebusy_url)
{
	static char base[64];
	struct buf error;
	buf_init(&error, 4096);
	close_engine();
	snprintf(base, sizeof base, "https://localhost:%d/dav/", world_port);
	backend = (struct conf_backend){.name = "dav", .type = CONF_BACKEND_CALDAV, .url = base, .auth = CONF_AUTH_NONE, .ca_file = world_ca, .concurrency = 10,
	                                .timeout_ms = 20000, .window_days = 62, .method = method, .calendar = (char *)calendar,
	                                .principal = (char *)principal, .freebusy_url = (char *)freebusy_url};
	http = http_new(world_loop, &conf, &backend, &error);
	CHECK(http != NULL);
	engine = caldav_engine.open(&(struct fetch_site){.loop = world_loop, .http = http, .conf = &conf, .backend = &backend, .health = on_health}, &error);
	CHECK(engine != NULL);
	buf_free(&error);
}

/* Asks about 2 March 2026, 0 to 24 h UTC. */
static void ask_about(const char *address, const struct rule *list, int64_t left_ms)
{
	struct fetch_question q = {.address = address, .window = {1772409600, 1772496000}, .interval = 30, .left_ms = left_ms};
	rules = list;
	seen[0] = last_body[0] = 0;
	memset(&got, 0, sizeof got);
	health = FETCH_WORKS;
	CHECK(caldav_engine.ask(engine, &q, on_done, NULL) != NULL);
	loop_run(world_loop);
	CHECK_INT(got.n, 1);
}

static void expect(const char *address, const struct rule *list, enum fb_reason reason, const char *events_or_why)
{
	ask_about(address, list, 15000);
	CHECK_STR(fb_reason_row(got.reason)->word, fb_reason_row(reason)->word);
	if (reason == FB_OK)
		CHECK_STR(got.events, events_or_why);
	else if (!CHECK(strstr(got.why, events_or_why)))
		fprintf(stderr, "why: %s\nexpected: %s\n", got.why, events_or_why);
}

#define NS "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\""
#define MULTI(inside) "<D:multistatus " NS ">" inside "</D:multistatus>"
#define PROPS(href, props) "<D:response><D:href>" href "</D:href><D:propstat><D:prop>" props "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
#define IS_CALENDAR "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
#define IS_HOME "<D:resourcetype><D:collection/></D:resourcetype>"
#define CALENDAR(inside) "BEGIN:VCALENDAR\nVERSION:2.0\n" inside "END:VCALENDAR\n"
#define EVENT(uid, start, end, more) CALENDAR("BEGIN:VEVENT\nUID:" uid "\nDTSTART:" start "\nDTEND:" end "\n" more "END:VEVENT\n")
#define DATA(href, text) PROPS(href, "<C:calendar-data><![CDATA[" text "]]></C:calendar-data>")
#define NINE EVENT("nine", "20260302T090000Z", "20260302T100000Z", "")
#define NINE_BUSY "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z=Busy"
#define CALENDAR_RULE(path) {"PROPFIND " path, 207, MULTI(PROPS(path, IS_CALENDAR)), NULL}
#define XML "Content-Type: application/xml\r\n"

static void events(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)), NULL}, {0}}, FB_OK, NINE_BUSY);
	CHECK_STR(seen, "PROPFIND /c/anna/\nREPORT /c/anna/\nPROPFIND /c/anna/\n");
	/* an empty calendar is free; what is none is not */
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(""), NULL}, {0}}, FB_OK, "");
	expect("anna@a.example", (const struct rule[]){{0}}, FB_NO_ACCESS, "no such thing (404)");
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 207, MULTI(""), NULL}, {0}}, FB_NO_ACCESS, "no such thing");
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {0}}, FB_NO_ACCESS, "404");
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 403, NULL, NULL}, {0}}, FB_NO_ACCESS, "no right");
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 403, NULL, NULL}, {0}}, FB_NO_ACCESS, "no right");
	/* what goes wrong is said, and is not free */
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 500, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "status 500");
	CHECK_INT(health, FETCH_WORKS); /* it may be this mailbox alone */
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 503, NULL, "Retry-After: 7\r\n"}, {0}}, FB_BUSY, "busy (503)");
	CHECK_INT(health, FETCH_BUSY);
	CHECK_INT(health_pause, 7000);
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 502, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "status 502");
	CHECK_INT(health, FETCH_DOWN);
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 401, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "refuses our login");
	CHECK_INT(health, FETCH_REFUSED);
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 0, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "");
	CHECK_INT(health, FETCH_DOWN);
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 200, "<html>Sign in</html>", NULL}, {0}}, FB_CALENDAR_FAILED, "status 200");
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 207, "<html>Sign in</html>", NULL}, {0}}, FB_CALENDAR_FAILED, "multistatus cannot be read");
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI("<D:response><D:href>/c/anna/1.ics</D:href></D:response>"), NULL}, {0}},
	       FB_CALENDAR_FAILED, "without its calendar-data");
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)
	       "<D:response><D:href>/c/anna/2.ics</D:href><D:status>HTTP/1.1 404 Gone</D:status></D:response>"), NULL}, {0}}, FB_OK, NINE_BUSY);
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)
	       "<D:response><D:href>/c/anna/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>"), NULL}, {0}}, FB_CALENDAR_FAILED, "507");
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/c/anna/1.ics", NINE)
	       DATA("/c/anna/2.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\nDTSTART:20261302T090000Z\nEND:VEVENT\nEND:VCALENDAR\n")), NULL}, {0}}, FB_CALENDAR_FAILED, "line 4");
	ask_about("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", -1, NULL, NULL}, {0}}, 300);
	CHECK_INT(got.reason, FB_TIMEOUT);
	CHECK_INT(health, FETCH_WORKS); /* the asker had little time: that says nothing against the server */
}

/* All events are asked for, and cut to the window here: dates are in another zone than the server's, and rules are read otherwise by some. */
static void windows(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/\n<C:comp-filter name=\"VEVENT\"/>", 207, MULTI(DATA("/1", EVENT("d", "20260301", "20260302", ""))
	       DATA("/2", EVENT("e", "20260303", "20260304", "")) DATA("/3", EVENT("f", "20260304T000000Z", "20260305T000000Z", ""))), NULL}, {0}}, FB_OK,
	       "2026-03-02T23:00:00Z/2026-03-03T23:00:00Z=Busy");
}

#define LISTED(href) PROPS(href, "<D:resourcetype/>")
#define LIST_RULES(status, missing, list) (const struct rule[]){ \
	{"PROPFIND /c/anna/", 207, MULTI(PROPS("/c/anna/", IS_CALENDAR) list), NULL}, \
	{"REPORT /c/anna/\ncalendar-query", 207, MULTI(DATA("/c/anna/1.ics", NINE)), NULL}, \
	{"REPORT /c/anna/\n<D:prop><C:calendar-data/></D:prop><D:href>/c/anna/&amp;2.ics</D:href></C:calendar-multiget>", status, missing, NULL}, {0}}

/* What the server lists but does not give is asked for by name; a server that then keeps it to itself has failed. */
static void missing(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", LIST_RULES(207, MULTI(DATA("/c/anna/&amp;2.ics", EVENT("ten", "20260302T100000Z", "20260302T110000Z", ""))),
	       LISTED("/c/anna/1.ics") LISTED("/c/anna/&amp;2.ics") PROPS("/c/anna/more/", IS_HOME)), FB_OK, NINE_BUSY " 2026-03-02T10:00:00Z/2026-03-02T11:00:00Z=Busy");
	CHECK_STR(seen, "PROPFIND /c/anna/\nREPORT /c/anna/\nPROPFIND /c/anna/\nREPORT /c/anna/\n");
	expect("anna@a.example", LIST_RULES(404, NULL, LISTED("/c/anna/1.ics")), FB_OK, NINE_BUSY); /* nothing is missing */
	/* a task, and what is gone by now */
	expect("anna@a.example", LIST_RULES(207, MULTI(DATA("/c/anna/&amp;2.ics", CALENDAR("BEGIN:VTODO\nUID:t\nDTSTART:20260302T120000Z\nEND:VTODO\n"))),
	       LISTED("/c/anna/&amp;2.ics")), FB_OK, NINE_BUSY);
	expect("anna@a.example", LIST_RULES(207, MULTI("<D:response><D:href>/c/anna/&amp;2.ics</D:href><D:status>HTTP/1.1 404 Gone</D:status></D:response>"),
	       LISTED("/c/anna/&amp;2.ics")), FB_OK, NINE_BUSY);
	expect("anna@a.example", LIST_RULES(207, MULTI("<D:response><D:href>/c/anna/&amp;2.ics</D:href><D:status>HTTP/1.1 403 No</D:status></D:response>"),
	       LISTED("/c/anna/&amp;2.ics")), FB_CALENDAR_FAILED, "&2.ics without its calendar-data (status 403)");
	expect("anna@a.example", LIST_RULES(207, MULTI(""), LISTED("/c/anna/&amp;2.ics")), FB_CALENDAR_FAILED, "of 1 events that the server lists it gives 0");
	expect("anna@a.example", LIST_RULES(500, NULL, LISTED("/c/anna/&amp;2.ics")), FB_CALENDAR_FAILED, "status 500");
	expect("anna@a.example", LIST_RULES(207, MULTI(""), "<D:response><D:href>/c/anna/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>"),
	       FB_CALENDAR_FAILED, "does not list all");
}

#define STATUS(href, line) "<D:response><D:href>" href "</D:href><D:status>HTTP/1.1 " line "</D:status></D:response>"
#define HOME_RULES(members) {"PROPFIND /p/anna/", 207, MULTI(PROPS("/p/anna/", "<D:resourcetype><D:principal/></D:resourcetype>" \
                             "<C:calendar-home-set><D:href>/h/anna/</D:href></C:calendar-home-set>")), NULL}, \
                            {"PROPFIND /h/anna/", 207, MULTI(PROPS("/h/anna/", IS_HOME "<D:owner><D:href>/p/anna/</D:href></D:owner>") members), NULL}, \
                            CALENDAR_RULE("/h/anna/one/"), CALENDAR_RULE("/h/anna/two/"), \
                            {"REPORT /h/anna/one/", 207, MULTI(DATA("/1", NINE)), NULL}, \
                            {"REPORT /h/anna/two/", 207, MULTI(DATA("/2", EVENT("ten", "20260302T100000Z", "20260302T110000Z", "STATUS:TENTATIVE\n"))), NULL}

static void homes(void)
{
	open_engine(CONF_CALDAV_EVENTS, NULL, "/p/{user}/", NULL);
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) PROPS("/h/anna/inbox/", IS_HOME) PROPS("/h/anna/two/", IS_CALENDAR)), {0}},
	       FB_OK, NINE_BUSY " 2026-03-02T10:00:00Z/2026-03-02T11:00:00Z=Tentative");
	CHECK_STR(seen, "PROPFIND /p/anna/\nPROPFIND /h/anna/\nREPORT /h/anna/one/\nPROPFIND /h/anna/one/\nREPORT /h/anna/two/\nPROPFIND /h/anna/two/\n");
	/* transparent, for tasks, or another's: no part in this person's time */
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR "<D:owner><D:href>/p/anna/</D:href></D:owner>")
	       PROPS("/h/anna/two/", IS_CALENDAR "<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>")
	       PROPS("/h/anna/three/", IS_CALENDAR "<C:supported-calendar-component-set><C:comp name=\"VTODO\"/></C:supported-calendar-component-set>")
	       PROPS("/h/anna/four/", IS_CALENDAR "<D:owner><D:href>/p/bob/</D:href></D:owner>")), {0}}, FB_OK, NINE_BUSY);
	/* the same owner, written in another way */
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR "<D:owner><D:href>/p/anna/</D:href></D:owner>")
	       PROPS("/h/anna/two/", IS_CALENDAR "<D:owner><D:href>/p/anna</D:href></D:owner>")), {0}}, FB_OK,
	       NINE_BUSY " 2026-03-02T10:00:00Z/2026-03-02T11:00:00Z=Tentative");
	/* a home without a calendar that we may see: SOGo has such a one for people who do not exist */
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/inbox/", IS_HOME)), {0}}, FB_NO_ACCESS, "no calendar that our account may see");
	/* one of two calendars fails: the answer would have a hole */
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) PROPS("/h/anna/gone/", IS_CALENDAR)), {0}}, FB_NO_ACCESS, "404");
	/* what may be a calendar and is not shown leaves a hole as well; what is gone does not */
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) STATUS("/h/anna/two/", "403 Forbidden")), {0}}, FB_NO_ACCESS, "what it is (403)");
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) STATUS("/h/anna/", "507 Insufficient Storage")), {0}}, FB_CALENDAR_FAILED,
	       "what it is (507)");
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) "<D:response><D:href>/h/anna/two/</D:href><D:propstat><D:prop><D:resourcetype/>"
	       "</D:prop><D:status>HTTP/1.1 500 Oops</D:status></D:propstat></D:response>"), {0}}, FB_CALENDAR_FAILED, "what it is (500)");
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("/h/anna/one/", IS_CALENDAR) STATUS("/h/anna/two/", "404 Not Found")), {0}}, FB_OK, NINE_BUSY);
	/* hrefs that lead elsewhere are not followed */
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("https://evil.example/h/", IS_CALENDAR)), {0}}, FB_CALENDAR_FAILED, "at another place: https://evil");
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("//evil.example/h/", IS_CALENDAR)), {0}}, FB_CALENDAR_FAILED, "at another place");
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("one/", IS_CALENDAR)), {0}}, FB_CALENDAR_FAILED, "at another place");
	expect("anna@a.example", (const struct rule[]){HOME_RULES(PROPS("http://localhost/h/anna/one/", IS_CALENDAR)), {0}}, FB_CALENDAR_FAILED, "at another place");
}

/* Addresses are put into paths in one place, encoded. */
static void addresses(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{domain}/{user}/{address}/", NULL, NULL);
	expect("o'neil+%x?#&@a.example", (const struct rule[]){{0}}, FB_NO_ACCESS, "404");
	CHECK_STR(seen, "PROPFIND /c/a.example/o%27neil%2B%25x%3F%23%26/o%27neil%2B%25x%3F%23%26@a.example/\n");
	expect("\xc3\xa4@a.example", (const struct rule[]){{0}}, FB_NO_ACCESS, "404");
	CHECK_STR(seen, "PROPFIND /c/a.example/%C3%A4/%C3%A4@a.example/\n");
	/* a base with a placeholder is where a person's calendars are */
	static char base[64];
	open_engine(CONF_CALDAV_EVENTS, NULL, NULL, NULL);
	caldav_engine.close(engine);
	snprintf(base, sizeof base, "https://localhost:%d/b/{user}/", world_port);
	backend.url = base;
	engine = caldav_engine.open(&(struct fetch_site){.loop = world_loop, .http = http, .conf = &conf, .backend = &backend, .health = on_health}, NULL);
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/b/anna/"), {"REPORT /b/anna/", 207, MULTI(DATA("/1", NINE)), NULL}, {0}}, FB_OK, NINE_BUSY);
	open_engine(CONF_CALDAV_EVENTS, "https://other.example/{user}/", NULL, NULL);
	expect("anna@a.example", (const struct rule[]){{0}}, FB_CALENDAR_FAILED, "leads away from");
	CHECK_STR(seen, "");
}

#define FREEBUSY(more) CALENDAR("BEGIN:VFREEBUSY\n" more "END:VFREEBUSY\n")
#define ALL_DAY "DTSTART:20260302T000000Z\nDTEND:20260303T000000Z\n"
#define TEXT "Content-Type: text/calendar; charset=utf-8\r\n"
#define REPORT_RULES(status, body, headers) (const struct rule[]){{"REPORT /c/anna/", status, body, headers}, {0}}

static void reports(void)
{
	open_engine(CONF_CALDAV_REPORT, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY "FREEBUSY:20260302T090000Z/PT1H\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260302T110000Z/20260302T120000Z\n"
	       "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260302T130000Z/PT1H,20260302T150000Z/PT1H\nFREEBUSY;FBTYPE=X-LUNCH:20260302T170000Z/PT1H\n"
	       "FREEBUSY;FBTYPE=FREE:20260302T190000Z/PT1H\n"), TEXT), FB_OK,
	       NINE_BUSY " 2026-03-02T11:00:00Z/2026-03-02T12:00:00Z=Tentative 2026-03-02T13:00:00Z/2026-03-02T14:00:00Z=OOF "
	       "2026-03-02T15:00:00Z/2026-03-02T16:00:00Z=OOF 2026-03-02T17:00:00Z/2026-03-02T18:00:00Z=Busy 2026-03-02T19:00:00Z/2026-03-02T20:00:00Z=Free");
	CHECK(strstr(last_body, "<C:time-range start=\"20260302T000000Z\" end=\"20260303T000000Z\"/>"));
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY), TEXT), FB_OK, "");
	/* of what it does not speak there is no data */
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY("DTSTART:20260302T060000Z\nDTEND:20260302T180000Z\nFREEBUSY:20260302T090000Z/PT1H\n"), TEXT), FB_OK,
	       "2026-03-02T00:00:00Z/2026-03-02T06:00:00Z=NoData " NINE_BUSY " 2026-03-02T18:00:00Z/2026-03-03T00:00:00Z=NoData");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY("DTSTART:20260402T060000Z\nDTEND:20260402T180000Z\n"), TEXT), FB_OK,
	       "2026-03-02T00:00:00Z/2026-03-03T00:00:00Z=NoData");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY("FREEBUSY:20260302T090000Z/PT1H\n"), TEXT), FB_CALENDAR_FAILED, "does not say which time");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY("DTSTART:20260302T000000\nDTEND:20260303T000000\n"), TEXT), FB_CALENDAR_FAILED, "does not say which time");
	expect("anna@a.example", REPORT_RULES(200, CALENDAR(""), TEXT), FB_CALENDAR_FAILED, "no VFREEBUSY");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY "FREEBUSY:20260302T090000Z\n"), TEXT), FB_CALENDAR_FAILED, "no period");
	expect("anna@a.example", REPORT_RULES(200, "BEGIN:VCALENDAR\n", TEXT), FB_CALENDAR_FAILED, "cut off");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY), "Content-Type: text/html\r\n"), FB_CALENDAR_FAILED, "not text/calendar");
	expect("anna@a.example", REPORT_RULES(200, FREEBUSY(ALL_DAY), NULL), FB_CALENDAR_FAILED, "not text/calendar");
	/* what does not know the report is no failure of the mailbox's, but with no other way left it is */
	expect("anna@a.example", REPORT_RULES(207, MULTI("<D:response><D:href>/c/anna/1.ics</D:href></D:response>"), XML), FB_CALENDAR_FAILED, "does not know this report");
	expect("anna@a.example", REPORT_RULES(501, NULL, NULL), FB_CALENDAR_FAILED, "does not know this request (501)");
	expect("anna@a.example", REPORT_RULES(403, "<D:error xmlns:D=\"DAV:\"><D:supported-report/></D:error>", XML), FB_CALENDAR_FAILED, "does not know this request");
	expect("anna@a.example", REPORT_RULES(403, NULL, NULL), FB_NO_ACCESS, "no right");
	/* the same host may send us on, and no other */
	expect("anna@a.example", (const struct rule[]){{"REPORT /c/anna/", 301, NULL, "Location: /c/moved/\r\n"}, {"REPORT /c/moved/", 200, FREEBUSY(ALL_DAY), TEXT}, {0}}, FB_OK, "");
	expect("anna@a.example", REPORT_RULES(301, NULL, "Location: https://evil.example/\r\n"), FB_CALENDAR_FAILED, "");
}

static void urls(void)
{
	open_engine(CONF_CALDAV_URL, NULL, NULL, "/f/{user}.ifb?start={start}&end={end}");
	expect("anna@a.example", (const struct rule[]){{"GET /f/anna.ifb?start=2026-03-02T00%3A00%3A00Z&end=2026-03-03T00%3A00%3A00Z", 200,
	       FREEBUSY(ALL_DAY "ATTENDEE:MAILTO:Anna@a.example\nFREEBUSY:20260302T090000Z/PT1H\n"), TEXT}, {0}}, FB_OK, NINE_BUSY);
	open_engine(CONF_CALDAV_URL, NULL, NULL, "/f/{user}.ifb");
	expect("anna@a.example", (const struct rule[]){{"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:bob@a.example\n"), TEXT}, {0}}, FB_CALENDAR_FAILED, "somebody else");
	expect("anna@a.example", (const struct rule[]){{"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:annabel@a.example\n"), TEXT}, {0}}, FB_CALENDAR_FAILED,
	       "somebody else");
	expect("anna@a.example", (const struct rule[]){{"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:anna@corp.example\n"), TEXT}, {0}}, FB_OK, "");
	/* SOGo, of people whom it does not know */
	expect("anna@a.example", (const struct rule[]){{"GET /f/anna.ifb", 200, FREEBUSY(ALL_DAY "ATTENDEE:mailto:(null)\n"), TEXT}, {0}}, FB_NO_ACCESS, "about nobody");
	expect("anna@a.example", (const struct rule[]){{0}}, FB_NO_ACCESS, "404");
}

#define PRINCIPAL_RULES(outbox) \
	{"PROPFIND /dav/", 207, MULTI(PROPS("/dav/", "<D:current-user-principal><D:href>/p/bridge/</D:href></D:current-user-principal>")), NULL}, \
	{"PROPFIND /p/bridge/", 207, MULTI(PROPS("/p/bridge/", "<C:schedule-outbox-URL><D:href>" outbox "</D:href></C:schedule-outbox-URL>" \
	 "<C:calendar-user-address-set><D:href>mailto:bridge@a.example</D:href></C:calendar-user-address-set>")), NULL}
#define SCHEDULE(who, status, data) "<C:schedule-response " NS "><C:response><C:recipient>" who "</C:recipient><C:request-status>" status "</C:request-status>" \
                                    data "</C:response></C:schedule-response>"
#define CALENDAR_DATA(text) "<C:calendar-data><![CDATA[" text "]]></C:calendar-data>"
#define ANNA "<D:href>mailto:anna@a.example</D:href>"
#define POST_RULES(body) (const struct rule[]){PRINCIPAL_RULES("/o/"), {"POST /o/", 200, body, XML}, {"PROPFIND /p/bob/", 207, MULTI(PROPS("/p/bob/", IS_HOME)), NULL}, {0}}

static void outboxes(void)
{
	const char *nine = SCHEDULE(ANNA, "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY "ATTENDEE:mailto:anna@a.example\nFREEBUSY:20260302T090000Z/PT1H\n")));
	open_engine(CONF_CALDAV_OUTBOX, NULL, NULL, NULL);
	expect("anna@a.example", POST_RULES(nine), FB_OK, NINE_BUSY);
	CHECK_STR(seen, "PROPFIND /dav/\nPROPFIND /p/bridge/\nPOST /o/\n");
	CHECK(strstr(last_body, "METHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n"));
	CHECK(strstr(last_body, "\r\nDTSTART:20260302T000000Z\r\nDTEND:20260303T000000Z\r\nORGANIZER:mailto:bridge@a.example\r\nATTENDEE:mailto:anna@a.example\r\n"));
	/* the outbox is known now */
	expect("anna@a.example", POST_RULES(nine), FB_OK, NINE_BUSY);
	CHECK_STR(seen, "POST /o/\n");
	/* it has moved: that is a failure once */
	expect("anna@a.example", (const struct rule[]){PRINCIPAL_RULES("/new/"), {"POST /new/", 200, nine, XML}, {0}}, FB_NO_ACCESS, "404");
	expect("anna@a.example", (const struct rule[]){PRINCIPAL_RULES("/new/"), {"POST /new/", 200, nine, XML}, {0}}, FB_OK, NINE_BUSY);
	open_engine(CONF_CALDAV_OUTBOX, NULL, "/p/{user}/", NULL);
	/* SOGo: no href */
	expect("anna@a.example", POST_RULES(SCHEDULE("mailto:Anna@A.example", "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY)))), FB_OK, "");
	expect("anna@a.example", POST_RULES(SCHEDULE("mailto:bob@a.example", "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY)))), FB_CALENDAR_FAILED, "does not speak of the one");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY "ATTENDEE:mailto:bob@a.example\n")))), FB_CALENDAR_FAILED, "somebody else");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "2.0;Success", "")), FB_CALENDAR_FAILED, "no calendar-data");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "3.7;Invalid calendar user", "")), FB_NO_ACCESS, "3.7;Invalid");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "3.8;No authority", "")), FB_NO_ACCESS, "3.8");
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "4.0;Odd", CALENDAR_DATA(FREEBUSY(ALL_DAY)))), FB_CALENDAR_FAILED, "4.0;Odd");
	expect("anna@a.example", POST_RULES("<C:schedule-response " NS "/>"), FB_CALENDAR_FAILED, "does not speak of the one");
	expect("anna@a.example", POST_RULES("<html/>"), FB_CALENDAR_FAILED, "schedule-response cannot be read");
	/* Cyrus says 5.1 of people who do not exist, who are told from failures by their principal */
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "5.1;Service unavailable", "")), FB_NO_ACCESS, "no such person");
	expect("bob@a.example", POST_RULES(SCHEDULE("mailto:bob@a.example", "5.1;Service unavailable", "")), FB_CALENDAR_FAILED, "who has a principal");
	open_engine(CONF_CALDAV_OUTBOX, NULL, NULL, NULL);
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "5.1;Service unavailable", "")), FB_CALENDAR_FAILED, "were principal set");
	/* a long address is folded, not cut */
	expect("a-very-long-name.of-somebody.who-has-many-names.and-likes-to-be-called-by-all@long-domain.a.example", POST_RULES("<html/>"), FB_CALENDAR_FAILED, "");
	CHECK(strstr(last_body, "ATTENDEE:mailto:a-very-long-name.of-somebody.who-has-many-names.and-likes-t\r\n o-be-called-by-all@long-domain.a.example\r\n"));
}

static void discovery(void)
{
	const char *free_day = SCHEDULE(ANNA, "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY)));
	open_engine(CONF_CALDAV_OUTBOX, NULL, NULL, NULL);
	expect("anna@a.example", (const struct rule[]){PRINCIPAL_RULES("https://evil.example/o/"), {0}}, FB_CALENDAR_FAILED, "an outbox at another place");
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /dav/", 502, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "502");
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /dav/", 401, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "refuses our login");
	expect("anna@a.example", (const struct rule[]){{0}}, FB_CALENDAR_FAILED, "neither the url nor /.well-known/caldav");
	CHECK_STR(seen, "PROPFIND /dav/\nPROPFIND /.well-known/caldav\n");
	/* our account may be unknown to the server: that says nothing of anna */
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /dav/", 207, MULTI(PROPS("/dav/", "<D:current-user-principal><D:href>/gone/</D:href></D:current-user-principal>")), NULL},
	       {0}}, FB_CALENDAR_FAILED, "our account has no principal");
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /.well-known/caldav", 301, NULL, "Location: /found/\r\n"},
	       {"PROPFIND /found/", 207, MULTI(PROPS("/found/", "<D:current-user-principal><D:href>/me/</D:href></D:current-user-principal>")), NULL},
	       {"PROPFIND /me/", 207, MULTI(PROPS("/me/", "<C:schedule-outbox-URL><D:href>/o/</D:href></C:schedule-outbox-URL>")), NULL}, {"POST /o/", 200, free_day, XML}, {0}},
	       FB_OK, "");
	CHECK(strstr(last_body, "\r\nORGANIZER:/me/\r\n"));
}

static void automatic(void)
{
	const struct rule few[] = {PRINCIPAL_RULES("/o/"), {"REPORT /c/anna/", 501, NULL, NULL}, {"PROPFIND /c/anna/", 405, NULL, NULL},
	                           {"POST /o/", 200, SCHEDULE(ANNA, "2.0;Success", CALENDAR_DATA(FREEBUSY(ALL_DAY))), XML}, {0}};
	open_engine(CONF_CALDAV_AUTO, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", few, FB_OK, "");
	CHECK_STR(seen, "PROPFIND /c/anna/\nREPORT /c/anna/\nPROPFIND /dav/\nPROPFIND /p/bridge/\nPOST /o/\n");
	/* what the server does not know it is not asked again */
	expect("anna@a.example", few, FB_OK, "");
	CHECK_STR(seen, "POST /o/\n");
	/* what it refuses of one person it may not of the next */
	const struct rule mixed[] = {{"PROPFIND /c/anna/", 403, NULL, NULL}, {"REPORT /c/anna/", 200, FREEBUSY(ALL_DAY), TEXT}, CALENDAR_RULE("/c/bob/"),
	                             {"REPORT /c/bob/", 207, MULTI(DATA("/1", NINE)), NULL}, {0}};
	open_engine(CONF_CALDAV_AUTO, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", mixed, FB_OK, "");
	expect("bob@a.example", mixed, FB_OK, NINE_BUSY);
	/* a failure is the answer: the next way could only hide it */
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 500, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "500");
	CHECK_STR(seen, "PROPFIND /c/anna/\nREPORT /c/anna/\n");
	/* refused here and unknown there is refused */
	expect("carl@a.example", (const struct rule[]){{"PROPFIND /c/carl/", 403, NULL, NULL}, {"REPORT /c/carl/", 501, NULL, NULL}, {0}}, FB_NO_ACCESS, "no right");
	/* so is what is not there and cannot be delivered to */
	open_engine(CONF_CALDAV_AUTO, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "5.1;Service unavailable", "")), FB_NO_ACCESS, "5.1");
	open_engine(CONF_CALDAV_AUTO, NULL, NULL, NULL);
	expect("anna@a.example", (const struct rule[]){{0}}, FB_CALENDAR_FAILED, "set calendar or principal");
	CHECK_STR(seen, "PROPFIND /dav/\nPROPFIND /.well-known/caldav\n");
	/* a server that knew nothing may have been out of order */
	open_engine(CONF_CALDAV_AUTO, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", (const struct rule[]){{"PROPFIND /c/anna/", 405, NULL, NULL}, {"REPORT /c/anna/", 405, NULL, NULL}, {"PROPFIND /dav/", 405, NULL, NULL},
	       {"PROPFIND /.well-known/caldav", 405, NULL, NULL}, {0}}, FB_CALENDAR_FAILED, "does not know this request");
	expect("anna@a.example", (const struct rule[]){CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/1", NINE)), NULL}, {0}}, FB_OK, NINE_BUSY);
}

/* Questions that nobody waits for any more end without a word, also with the engine. */
static void dropped(void)
{
	const struct rule silent[] = {{"PROPFIND /c/anna/", -1, NULL, NULL}, {0}};
	struct fetch_question q = {.address = "anna@a.example", .window = {1772409600, 1772496000}, .interval = 30, .left_ms = 5000};
	void *ticket;
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	rules = silent;
	memset(&got, 0, sizeof got);
	ticket = caldav_engine.ask(engine, &q, on_done, NULL);
	caldav_engine.drop(ticket);
	ticket = caldav_engine.ask(engine, &q, on_done, NULL);
	caldav_engine.ask(engine, &q, on_done, NULL);
	stop_after = 2; /* both are under way */
	loop_run(world_loop);
	caldav_engine.drop(ticket);
	close_engine();
	CHECK_INT(got.n, 0);
}

static int told, to_tell;

static void count_told(void *arg, const struct fb_answer *a, const char *why)
{
	CHECK_INT(a->reason, *(const enum fb_reason *)arg);
	if (++told == to_tell)
		loop_stop(world_loop);
}

/* ${limit} at a time; once the server is to be left alone, those that wait fail without a try. */
static void turns(int limit, int status, enum fb_reason reason, int questions, int expected)
{
	const struct rule list[] = {{"PROPFIND /c/anna/", status, NULL, NULL}, {0}};
	struct fetch_question q = {.address = "anna@a.example", .window = {1772409600, 1772496000}, .interval = 30, .left_ms = 5000};
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	backend.concurrency = limit;
	leave_alone = status == 401 || status == 503;
	rules = list;
	seen[0] = 0;
	told = 0;
	to_tell = questions;
	for (int i = 0; i < questions; i++)
		caldav_engine.ask(engine, &q, count_told, &reason);
	loop_run(world_loop);
	leave_alone = false;
	CHECK_INT(told, questions);
	int asked = 0;
	for (const char *s = seen; (s = strchr(s, '\n')); s++)
		asked++;
	CHECK_INT(asked, expected);
}

int main(void)
{
	world_start(answer);
	events();
	windows();
	missing();
	homes();
	addresses();
	reports();
	urls();
	outboxes();
	discovery();
	automatic();
	dropped();
	turns(1, 404, FB_NO_ACCESS, 5, 5);
	turns(2, -2, FB_NO_ACCESS, 8, 8); /* two that end at once make room for two */
	turns(1, 401, FB_CALENDAR_FAILED, 5, 1); /* a wrong password is not tried again and again */
	turns(2, 503, FB_BUSY, 5, 2);
	close_engine();
	world_end();
	return check_done();
}
