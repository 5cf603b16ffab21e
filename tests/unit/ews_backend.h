#ifndef TESTS_UNIT_EWS_BACKEND_H
#define TESTS_UNIT_EWS_BACKEND_H
#include <sys/stat.h>
#include "bridge/availability/clock.h"
#include "bridge/backend/fetch_job.h"
#include "bridge/backend/fetcher.h"
#include "bridge/base/log.h"
#include "tests/unit/https_world.h"

/* A fetcher for the server of https_world.h, which plays Exchange: what it is to say of a mailbox stands in the mailbox's name. */
static struct conf ews_conf;
static struct conf_backend ews_backend;
static struct fetcher *ews_fetcher;
static int ews_open_jobs;

enum { HOUR = 3600, DAY = 86400 };
static const int64_t monday = 1772409600; /* 2026-03-02T00:00:00Z */

struct reply {
	int n;
	struct fb_answer *a;
};

static inline void on_reply(void *arg, const uint8_t *data, size_t len)
{
	struct reply *r = arg;
	struct unpack u = unpack_start(data, len);

	r->n++;
	fb_answer_free(r->a);
	r->a = fb_answer_unpack(&u);
	CHECK(r->a && unpack_done(&u));
	if (--ews_open_jobs == 0)
		loop_stop(world_loop);
}

static inline void ask_over(struct reply *r, const char *address, struct fb_window w, int interval, int64_t left_ms)
{
	const struct fetch_job j = {address, w, interval, 0, left_ms};
	struct buf b;

	buf_init(&b, FETCH_JOB_MAX);
	fetch_job_pack(&b, &j);
	ews_open_jobs++;
	fetcher_work(ews_fetcher, buf_ptr(&b), b.len, on_reply, r);
	buf_free(&b);
}

/* Asks about a day, without waiting. */
static inline void ask_day(struct reply *r, const char *address)
{
	ask_over(r, address, (struct fb_window){monday, monday + DAY}, 60, 20000);
}

static inline void wait_all(void)
{
	if (ews_open_jobs)
		loop_run(world_loop);
}

/* Asks about a day and waits; what became of it. */
static inline enum fb_reason reason_of_day(const char *address)
{
	struct reply r = {0};
	enum fb_reason reason;

	ask_day(&r, address);
	wait_all();
	CHECK_INT(r.n, 1);
	reason = r.a ? r.a->reason : FB_NOT_COMPUTED;
	fb_answer_free(r.a);
	return reason;
}

static inline void open_fetcher(void)
{
	static char url[100];
	struct buf error;

	buf_init(&error, 4096);
	snprintf(url, sizeof url, "https://localhost:%d/EWS/Exchange.asmx", world_port);
	ews_conf.user = (char[]){""};
	ews_conf.dir = world_dir;
	ews_backend.name = "exchange";
	ews_backend.url = url;
	ews_backend.ca_file = world_ca;
	ews_backend.version = 2016;
	if (!ews_backend.concurrency) {
		ews_backend.concurrency = 10;
		ews_backend.batch = 100;
		ews_backend.window_days = 62;
		ews_backend.timeout_ms = 8000;
	}
	ews_fetcher = fetcher_new(world_loop, &ews_conf, &ews_backend, &error);
	if (!CHECK(ews_fetcher != NULL))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_free(&error);
}

/* Starts anew, with what the test has changed in ews_backend. */
static inline void reopen_fetcher(void)
{
	fetcher_free(ews_fetcher);
	open_fetcher();
}

/* The text between <${tag}> and its end in ${xml}, the ${i}th; "" if there is none. Good until the next eight calls. */
static inline const char *xml_text(const char *xml, const char *tag, int i)
{
	static char texts[8][400];
	static int at;
	char open[60];
	char *out = texts[at++ % 8];

	snprintf(open, sizeof open, "<%s>", tag);
	for (xml = strstr(xml, open); xml && i > 0; i--)
		xml = strstr(xml + 1, open);
	snprintf(out, 400, "%.*s", xml ? (int)strcspn(xml + strlen(open), "<") : 0, xml ? xml + strlen(open) : "");
	return out;
}
#endif
