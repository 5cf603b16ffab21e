#ifndef TESTS_UNIT_CALDAV_SERVER_H
#define TESTS_UNIT_CALDAV_SERVER_H
#include "bridge/availability/clock.h"
#include "bridge/backend/fetch_engine.h"
#include "tests/unit/https_world.h"

/* The CalDAV engine against a server that says what no real one says on demand; real ones: tests/forests/caldav.py. */

struct rule {
	const char *request; /* "METHOD /path", or "METHOD /path\ntext" where the text stands in the request's body */
	int status;          /* 0 = closes without a word, -1 = says nothing, -2 = 404 once two wait for it, -3 = a multistatus of 1 GB */
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
		if (strncmp(r->request, request, len) != 0 ||
		    (r->request[len] && (r->request[len] != '\n' || !strstr(body, r->request + len + 1))))
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
		else if (r->status == -3)
			world_raw(c, "HTTP/1.1 207 Whatever\r\nContent-Length: 1000000000\r\n\r\n<");
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
	backend = (struct conf_backend){.name = "dav", .type = CONF_BACKEND_CALDAV, .url = base, .auth = CONF_AUTH_NONE,
	                                .ca_file = world_ca, .concurrency = 10, .timeout_ms = 20000, .window_days = 62,
	                                .method = method, .calendar = (char *)calendar, .principal = (char *)principal,
	                                .freebusy_url = (char *)freebusy_url};
	http = http_new(world_loop, &conf, &backend, &error);
	CHECK(http != NULL);
	engine = caldav_engine.open(&(struct fetch_site){.loop = world_loop, .http = http, .conf = &conf, .backend = &backend,
	                                                 .health = on_health}, &error);
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
#define PROPS(href, props) "<D:response><D:href>" href "</D:href><D:propstat><D:prop>" props "</D:prop>" \
                           "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
#define IS_CALENDAR "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
#define IS_HOME "<D:resourcetype><D:collection/></D:resourcetype>"
#define CALENDAR(inside) "BEGIN:VCALENDAR\nVERSION:2.0\n" inside "END:VCALENDAR\n"
#define EVENT(uid, start, end, more) CALENDAR("BEGIN:VEVENT\nUID:" uid "\nDTSTART:" start "\nDTEND:" end "\n" more "END:VEVENT\n")
#define DATA(href, text) PROPS(href, "<C:calendar-data><![CDATA[" text "]]></C:calendar-data>")
#define NINE EVENT("nine", "20260302T090000Z", "20260302T100000Z", "")
#define NINE_BUSY "2026-03-02T09:00:00Z/2026-03-02T10:00:00Z=Busy"
#define CALENDAR_RULE(path) {"PROPFIND " path, 207, MULTI(PROPS(path, IS_CALENDAR)), NULL}
#define RULES(...) (const struct rule[]){__VA_ARGS__, {0}}
#define NO_RULES (const struct rule[]){{0}}
#define XML "Content-Type: application/xml\r\n"

#define FREEBUSY(more) CALENDAR("BEGIN:VFREEBUSY\n" more "END:VFREEBUSY\n")
#define ALL_DAY "DTSTART:20260302T000000Z\nDTEND:20260303T000000Z\n"
#define TEXT "Content-Type: text/calendar; charset=utf-8\r\n"
#define PRINCIPAL_RULES(outbox) \
	{"PROPFIND /dav/", 207, MULTI(PROPS("/dav/", "<D:current-user-principal><D:href>/p/bridge/</D:href></D:current-user-principal>")), NULL}, \
	{"PROPFIND /p/bridge/", 207, MULTI(PROPS("/p/bridge/", "<C:schedule-outbox-URL><D:href>" outbox "</D:href></C:schedule-outbox-URL>" \
	 "<C:calendar-user-address-set><D:href>mailto:bridge@a.example</D:href></C:calendar-user-address-set>")), NULL}
#define SCHEDULE(who, status, data) "<C:schedule-response " NS "><C:response><C:recipient>" who "</C:recipient><C:request-status>" status \
                                    "</C:request-status>" data "</C:response></C:schedule-response>"
#define CALENDAR_DATA(text) "<C:calendar-data><![CDATA[" text "]]></C:calendar-data>"
#define ANNA "<D:href>mailto:anna@a.example</D:href>"
#define POST_RULES(body) RULES(PRINCIPAL_RULES("/o/"), {"POST /o/", 200, body, XML}, \
                               {"PROPFIND /p/bob/", 207, MULTI(PROPS("/p/bob/", IS_HOME)), NULL})
#endif
