/* links: base availability conf dns pki ews acl budget trace backend */
#include "tests/unit/caldav_server.h"

/* CalDAV: the way that a server leaves open, and many questions at once. */

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
	const struct rule mixed[] = {{"PROPFIND /c/anna/", 403, NULL, NULL}, {"REPORT /c/anna/", 200, FREEBUSY(ALL_DAY), TEXT},
	                             CALENDAR_RULE("/c/bob/"), {"REPORT /c/bob/", 207, MULTI(DATA("/1", NINE)), NULL}, {0}};
	open_engine(CONF_CALDAV_AUTO, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", mixed, FB_OK, "");
	expect("bob@a.example", mixed, FB_OK, NINE_BUSY);
	/* a failure is the answer: the next way could only hide it */
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 500, NULL, NULL}), FB_CALENDAR_FAILED, "500");
	CHECK_STR(seen, "PROPFIND /c/anna/\nREPORT /c/anna/\n");
	/* refused here and unknown there is refused */
	expect("carl@a.example", RULES({"PROPFIND /c/carl/", 403, NULL, NULL}, {"REPORT /c/carl/", 501, NULL, NULL}), FB_NO_ACCESS,
	       "no right");
	/* so is what is not there and cannot be delivered to */
	open_engine(CONF_CALDAV_AUTO, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", POST_RULES(SCHEDULE(ANNA, "5.1;Service unavailable", "")), FB_NO_ACCESS, "5.1");
	open_engine(CONF_CALDAV_AUTO, NULL, NULL, NULL);
	expect("anna@a.example", NO_RULES, FB_CALENDAR_FAILED, "set calendar or principal");
	CHECK_STR(seen, "PROPFIND /dav/\nPROPFIND /.well-known/caldav\n");
	/* a server that knew nothing may have been out of order */
	open_engine(CONF_CALDAV_AUTO, "/c/{user}/", NULL, NULL);
	expect("anna@a.example",
	       RULES({"PROPFIND /c/anna/", 405, NULL, NULL}, {"REPORT /c/anna/", 405, NULL, NULL}, {"PROPFIND /dav/", 405, NULL, NULL},
	       {"PROPFIND /.well-known/caldav", 405, NULL, NULL}), FB_CALENDAR_FAILED, "does not know this request");
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", 207, MULTI(DATA("/1", NINE)), NULL}), FB_OK,
	       NINE_BUSY);
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

/* A calendar that is larger than we take fails for its owner alone: the server is well. */
static void too_large(void)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("anna@a.example", RULES(CALENDAR_RULE("/c/anna/"), {"REPORT /c/anna/", -3, NULL, NULL}), FB_CALENDAR_FAILED, "larger answer");
	CHECK_INT(health, FETCH_WORKS);
}

static int told, to_tell;

static void count_told(void *arg, const struct fb_answer *a, const char *why)
{
	CHECK_INT(a->reason, *(const enum fb_reason *)arg);
	if (++told == to_tell)
		loop_stop(world_loop);
}

/* ${questions} at once, of which each comes to ${reason}. Returns how many calls were made. */
static int many(int status, enum fb_reason reason, int questions)
{
	const struct rule list[] = {{"PROPFIND /c/anna/", status, NULL, NULL}, {0}};
	struct fetch_question q = {.address = "anna@a.example", .window = {1772409600, 1772496000}, .interval = 30, .left_ms = 5000};
	int asked = 0;
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
	for (const char *s = seen; (s = strchr(s, '\n')); s++)
		asked++;
	return asked;
}

/* ${limit} at a time; once the server is to be left alone, those that wait fail without a try. */
static void turns(int limit, int status, enum fb_reason reason, int questions, int expected)
{
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	backend.concurrency = limit;
	CHECK_INT(many(status, reason, questions), expected);
}

/* Once the login has worked there are as many calls at once as the settings say, until it is refused. */
static void proven(void)
{
	const struct rule silent[] = {{"PROPFIND /c/anna/", -1, NULL, NULL}, {0}};
	struct fetch_question q = {.address = "anna@a.example", .window = {1772409600, 1772496000}, .interval = 30, .left_ms = 5000};
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	expect("bob@a.example", NO_RULES, FB_NO_ACCESS, "404");
	rules = silent;
	memset(&got, 0, sizeof got);
	for (int i = 0; i < 5; i++)
		caldav_engine.ask(engine, &q, on_done, NULL);
	stop_after = 5; /* all are under way */
	loop_run(world_loop);
	CHECK_INT(got.n, 0);
	open_engine(CONF_CALDAV_EVENTS, "/c/{user}/", NULL, NULL);
	CHECK_INT(many(404, FB_NO_ACCESS, 5), 5);
	CHECK_INT(many(401, FB_CALENDAR_FAILED, 5), 5); /* all had gone out */
	CHECK_INT(many(401, FB_CALENDAR_FAILED, 5), 2);
	close_engine();
}

int main(void)
{
	world_start(answer);
	automatic();
	too_large();
	dropped();
	turns(1, 404, FB_NO_ACCESS, 5, 5);
	turns(2, -2, FB_NO_ACCESS, 8, 8); /* two that end at once make room for two */
	turns(1, 401, FB_CALENDAR_FAILED, 5, 1); /* a wrong password is not tried again and again */
	turns(10, 401, FB_CALENDAR_FAILED, 9, 2); /* nor by many at once */
	proven();
	turns(2, 503, FB_BUSY, 5, 2);
	close_engine();
	world_end();
	return check_done();
}
