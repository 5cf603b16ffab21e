/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/remote.h"
#include <fcntl.h>
#include "bridge/backend/fetch_job.h"
#include "bridge/base/log.h"
#include "tests/unit/check.h"

/* Questions that share one are the same in all that they ask: whose answer it is, of which window, and from where. The workers are played here. */

enum { PEOPLE = 5000 /* several in each bucket */ };
static struct conf_backend list[] = {{.name = "cyrus", .type = CONF_BACKEND_CALDAV}, {.name = "exchange", .type = CONF_BACKEND_EWS}};
static struct conf conf = {.backends = list, .n_backends = 2};
static void *pools[] = {"cyrus", "exchange"};
static const struct fb_window day = {1772409600, 1772409600 + 86400};

static struct {
	char address[64];
	struct fb_window window;
	calendars_reply_cb *cb;
	void *arg;
} jobs[PEOPLE + 64];
static int n_jobs;

static void submit(void *pool, const void *job, size_t len, int64_t deadline_ms, calendars_reply_cb *cb, void *arg)
{
	struct fetch_job j;

	CHECK(fetch_job_unpack(job, len, &j));
	snprintf(jobs[n_jobs].address, sizeof jobs->address, "%s", j.address);
	jobs[n_jobs].window = j.window;
	jobs[n_jobs].cb = cb;
	jobs[n_jobs++].arg = arg;
}

/* The ${i}th question's calendar: busy for a second, so many after its window begins as the number in its address says. */
static void reply(int i)
{
	struct fb_answer *a = fb_answer_new(FB_OK);
	int64_t start = jobs[i].window.start + atoi(jobs[i].address + 1);
	struct buf b;

	a->view = FB_VIEW_EVENTS;
	fb_answer_add(a, &(struct fb_event){.start = start, .end = start + 1, .busy = FB_BUSY_TIME});
	buf_init(&b, 4096);
	fetch_reply_pack(&b, a);
	jobs[i].cb(jobs[i].arg, buf_ptr(&b), b.len, NULL);
	buf_free(&b);
	fb_answer_free(a);
}

static int wrong, right;

/* ${arg} is the number of who asked. */
static void done(void *arg, const struct fb_answer *a)
{
	int own = *(int *)arg;

	if (a->reason == FB_OK && a->n_events == 1 && a->events[0].start == day.start + own)
		right++;
	else
		wrong++;
}

static void each_has_its_own(void)
{
	static int numbers[PEOPLE];
	struct remote *r = remote_new(&conf, submit, pools);
	char address[64];

	n_jobs = right = wrong = 0;
	for (int i = 0; i < PEOPLE; i++) {
		numbers[i] = i;
		snprintf(address, sizeof address, "p%d@b.example", i);
		remote_fetch(r, 0, address, day, 30, 0, 9000, done, &numbers[i]);
	}
	CHECK_INT(n_jobs, PEOPLE);
	for (int i = n_jobs; i > 0; i--)
		reply(i - 1);
	CHECK_INT(right, PEOPLE);
	CHECK_INT(wrong, 0);
	remote_free(r);
}

static void only_the_same_are_one(void)
{
	const struct fb_window later = {day.start, day.end + 86400};
	struct remote *r = remote_new(&conf, submit, pools);
	int number = 7;

	n_jobs = right = wrong = 0;
	for (int twice = 0; twice < 2; twice++) {
		remote_fetch(r, 0, "p7@b.example", day, 30, 0, 9000, done, &number);
		remote_fetch(r, 0, "p7@b.example", later, 30, 0, 9000, done, &number);
		remote_fetch(r, 0, "p7@b.example", day, 60, 0, 9000, done, &number);
		remote_fetch(r, 1, "p7@b.example", day, 30, 0, 9000, done, &number);
		remote_fetch(r, 0, "p7@b.example", day, 30, 1, 9000, done, &number); /* it may be the same one come round a ring */
		CHECK_INT(n_jobs, 5);
	}
	for (int i = 0; i < 5; i++)
		reply(i);
	CHECK_INT(right, 10);
	remote_free(r);
}

/* A ring ends where it can be one: at a backend that is a bridge, perhaps. */
static void rings_end(void)
{
	struct remote *r = remote_new(&conf, submit, pools);
	int number = 7;

	n_jobs = right = wrong = 0;
	remote_fetch(r, 1, "p7@b.example", day, 30, FB_HOPS_MAX - 1, 9000, done, &number);
	CHECK_INT(n_jobs, 1);
	remote_fetch(r, 1, "p7@b.example", day, 30, FB_HOPS_MAX, 9000, done, &number);
	CHECK_INT(n_jobs, 1);
	CHECK_INT(wrong, 1); /* a failure, at once */
	remote_fetch(r, 0, "p7@b.example", day, 30, FB_HOPS_MAX, 9000, done, &number);
	CHECK_INT(n_jobs, 2);
	reply(0);
	reply(1);
	CHECK_INT(right, 2);
	remote_free(r);
}

int main(void)
{
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	each_has_its_own();
	only_the_same_are_one();
	rings_end();
	return check_done();
}
