/* links: base availability conf dns pki ews acl budget trace backend */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/backend/calendars.h"
#include "tests/unit/check.h"

/* The two halves of the backend in one process: jobs wait in a queue until the test runs them as a worker would. */
#define EVENT(day) "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:" day "T080000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n"
enum { DAY = 86400, MARCH = 1772323200, MAX_JOBS = 16 };

static struct {
	uint8_t *data;
	size_t len;
	calendars_reply_cb *cb;
	void *arg;
} jobs[MAX_JOBS];
static size_t n_jobs, submitted, answers;
static enum fb_reason last;
static size_t last_events;
static char root[] = "/tmp/availbridge-test-XXXXXX";
static int dir_fd;
static struct conf conf = {.working_zone = (char *)"Europe/Berlin", .working_days = 62, .working_start = 480, .working_end = 1020, .cache_mib = 1};

static void submit(void *pool, const void *job, size_t len, calendars_reply_cb *cb, void *arg)
{
	jobs[n_jobs].data = malloc(len);
	memcpy(jobs[n_jobs].data, job, len);
	jobs[n_jobs].len = len;
	jobs[n_jobs].cb = cb;
	jobs[n_jobs++].arg = arg;
	submitted++;
}

/* Does all that waits, or fails it if ${dead}. */
static void work(bool dead)
{
	while (n_jobs) {
		struct buf reply;
		size_t i = --n_jobs;
		uint8_t *data = jobs[i].data;
		buf_init(&reply, 32 << 20);
		if (!dead)
			calendars_work(&conf, dir_fd, data, jobs[i].len, &reply);
		jobs[i].cb(jobs[i].arg, dead ? NULL : buf_ptr(&reply), reply.len, "the worker died");
		buf_free(&reply);
		free(data);
	}
}

static void done(void *arg, const struct fb_answer *raw)
{
	answers++;
	last = raw->reason;
	last_events = raw->n_events;
}

static void put(const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Until ${name}'s change lies the 100 ms back from which on it is kept: a file's change time cannot be set, so time itself is the input. */
static void settle(const char *name)
{
	struct stat st;
	CHECK(!fstatat(dir_fd, name, &st, 0));
	int64_t ns = st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec + 101 * 1000000LL;
	struct timespec until = {ns / 1000000000, ns % 1000000000};
	CHECK_INT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
}

static void ask(struct calendars *c, const char *address, int64_t start, int64_t days)
{
	calendars_fetch(c, address, (struct fb_window){start, start + days * DAY}, done, NULL);
}

static void test_keeps(struct calendars *c)
{
	put("a@a.example.ics", EVENT("20260302"));
	settle("a@a.example.ics");
	ask(c, "a@a.example", MARCH, 7);
	CHECK_INT(answers, 0);
	work(false);
	CHECK_INT(answers, 1);
	CHECK_INT(last, FB_OK);
	CHECK_INT(last_events, 1);
	CHECK_INT(submitted, 1);
	ask(c, "a@a.example", MARCH, 7); /* a hit, and so is the week after */
	ask(c, "a@a.example", MARCH + 7 * DAY, 7);
	CHECK_INT(submitted, 1);
	CHECK_INT(answers, 3);
	ask(c, "a@a.example", MARCH + 300 * DAY, 7);
	CHECK_INT(submitted, 2);
	work(false);
	CHECK_INT(last_events, 0);
	put("a@a.example.ics", EVENT("20260302") EVENT("20260303")); /* a change is seen by the next question, and not kept while it is hot */
	ask(c, "a@a.example", MARCH, 7);
	work(false);
	CHECK_INT(last_events, 2);
	CHECK_INT(submitted, 3);
	ask(c, "a@a.example", MARCH, 7);
	CHECK_INT(submitted, 4);
	work(false);
}

static void forget_inside(void *arg, const struct fb_answer *raw)
{
	ask(arg, "a@a.example", MARCH + 400 * DAY, 7); /* takes the place of what this call was lent */
	put("a@a.example.ics", EVENT("20260302"));
	ask(arg, "a@a.example", MARCH, 7);
	done(NULL, raw);
}

static void test_lent(struct calendars *c)
{
	settle("a@a.example.ics");
	ask(c, "a@a.example", MARCH, 7);
	work(false);
	CHECK_INT(last_events, 2);
	last_events = 0;
	calendars_fetch(c, "a@a.example", (struct fb_window){MARCH, MARCH + DAY}, forget_inside, c);
	CHECK_INT(last_events, 2);
	work(false);
	CHECK_INT(last_events, 1); /* what was put meanwhile: one calendar's jobs are done one behind the other */
}

static void test_shares(struct calendars *c)
{
	size_t before = submitted, had = answers;
	put("b@a.example.ics", EVENT("20260302"));
	settle("b@a.example.ics");
	ask(c, "b@a.example", MARCH, 7);
	ask(c, "b@a.example", MARCH, 7);
	ask(c, "b@a.example", MARCH + DAY, 3);
	CHECK_INT(submitted, before + 1);
	work(false);
	CHECK_INT(answers, had + 3);
	CHECK_INT(last, FB_OK);
}

static size_t seen[3];

static void note(void *arg, const struct fb_answer *raw)
{
	*(size_t *)arg = raw->n_events;
}

/* Who asks after a change gets the change, though a worker has just read what was there before. */
static void test_change_in_flight(struct calendars *c)
{
	const struct fb_window w = {MARCH, MARCH + 7 * DAY};
	struct buf old;
	size_t before = submitted;
	put("f@a.example.ics", EVENT("20260302"));
	settle("f@a.example.ics");
	calendars_fetch(c, "f@a.example", w, note, &seen[0]);
	buf_init(&old, 1 << 20);
	calendars_work(&conf, dir_fd, jobs[0].data, jobs[0].len, &old);
	put("f@a.example.ics", EVENT("20260302") EVENT("20260303"));
	calendars_fetch(c, "f@a.example", w, note, &seen[1]);
	calendars_fetch(c, "f@a.example", w, note, &seen[2]);
	uint8_t *data = jobs[0].data;
	n_jobs = 0;
	jobs[0].cb(jobs[0].arg, buf_ptr(&old), old.len, NULL);
	free(data);
	CHECK_INT(seen[0], 1);
	CHECK_INT(seen[1], 0); /* not yet */
	work(false);
	CHECK_INT(seen[1], 2);
	CHECK_INT(seen[2], 2);
	CHECK_INT(submitted, before + 2);
	buf_free(&old);
}

/* What in a folder could not be read is read as soon as it can be. */
static void test_mended_in_folder(struct calendars *c)
{
	CHECK(!mkdirat(dir_fd, "g@a.example", 0700) && !mkdirat(dir_fd, "elsewhere", 0700));
	CHECK(!symlinkat("../elsewhere/x", dir_fd, "g@a.example/x.ics"));
	settle("g@a.example");
	ask(c, "g@a.example", MARCH, 7);
	work(false);
	CHECK_INT(last, FB_CALENDAR_FAILED);
	put("elsewhere/x", EVENT("20260302"));
	ask(c, "g@a.example", MARCH, 7);
	work(false);
	CHECK_INT(last, FB_OK);
	CHECK_INT(last_events, 1);
}

/* A calendar that kills its workers has one of them at a time, and what waits for it does not cost another. */
static void test_one_worker_each(struct calendars *c)
{
	size_t before = submitted, had = answers;
	ask(c, "b@a.example", MARCH + 900 * DAY, 7);
	ask(c, "b@a.example", MARCH + 1000 * DAY, 7);
	ask(c, "b@a.example", MARCH + 1100 * DAY, 7);
	CHECK_INT(submitted, before + 1);
	work(true);
	CHECK_INT(submitted, before + 1);
	CHECK_INT(answers, had + 3);
	CHECK_INT(last, FB_CALENDAR_FAILED);
	ask(c, "b@a.example", MARCH + 900 * DAY, 7);
	ask(c, "b@a.example", MARCH + 1000 * DAY, 7);
	work(false);
	CHECK_INT(submitted, before + 3);
	CHECK_INT(answers, had + 5);
	CHECK_INT(last, FB_OK);
	/* nobody was free: that is not the calendar's fault, and what waits goes on */
	ask(c, "b@a.example", MARCH + 1200 * DAY, 7);
	ask(c, "b@a.example", MARCH + 1300 * DAY, 7);
	uint8_t *data = jobs[0].data;
	n_jobs = 0;
	jobs[0].cb(jobs[0].arg, NULL, CALENDARS_NO_WORKER, "no worker became free in time");
	free(data);
	CHECK_INT(last, FB_BUSY);
	work(false);
	CHECK_INT(last, FB_OK);
	CHECK_INT(answers, had + 7);
}

static void test_fails(struct calendars *c)
{
	put("bad@a.example.ics", "BEGIN:VCALENDAR\n");
	ask(c, "bad@a.example", MARCH, 7);
	work(false);
	CHECK_INT(last, FB_CALENDAR_FAILED);
	ask(c, "b@a.example", MARCH + 100 * DAY, 7);
	work(true);
	CHECK_INT(last, FB_CALENDAR_FAILED);
	CHECK_INT(last_events, 0);
	ask(c, "b@a.example", MARCH, 7); /* and the next one works */
	work(false);
	CHECK_INT(last, FB_OK);
	ask(c, "nobody@a.example", MARCH, 7);
	work(false);
	CHECK_INT(last, FB_NO_ACCESS);
	CHECK_INT(calendars_exists(c, "b@a.example"), FB_YES);
	CHECK_INT(calendars_exists(c, "nobody@a.example"), FB_NO);
}

/* Every second of a day in May: too much for the wide window that is worth keeping, nothing to the March that was asked for. */
static void test_too_much_beside(struct calendars *c)
{
	put("dense@a.example.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260404T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY\nEND:VEVENT\n"
	                           "BEGIN:VEVENT\nDTSTART:20260302T080000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n");
	size_t had = answers;
	ask(c, "dense@a.example", MARCH, 7);
	ask(c, "dense@a.example", MARCH + DAY, 7);
	work(false);
	CHECK_INT(answers, had + 2);
	CHECK_INT(last, FB_OK);
	/* what is too much for a long time is kept as such, and stands in the way of no shorter one */
	settle("dense@a.example.ics");
	ask(c, "dense@a.example", MARCH + 30 * DAY, 30);
	ask(c, "dense@a.example", MARCH + 30 * DAY, 2);
	work(false);
	CHECK_INT(answers, had + 4);
	CHECK_INT(last, FB_OK);
	ask(c, "dense@a.example", MARCH + 30 * DAY, 30);
	work(false);
	CHECK_INT(last, FB_CALENDAR_FAILED);
	size_t jobs_before = submitted;
	ask(c, "dense@a.example", MARCH + 30 * DAY, 30);
	ask(c, "dense@a.example", MARCH + 29 * DAY, 31);
	CHECK_INT(submitted, jobs_before);
	CHECK_INT(last, FB_CALENDAR_FAILED);
	ask(c, "dense@a.example", MARCH + 30 * DAY, 2);
	work(false);
	CHECK_INT(last, FB_OK);
}

int main(void)
{
	char command[64];
	CHECK(mkdtemp(root) != NULL);
	dir_fd = open(root, O_RDONLY | O_DIRECTORY);
	struct calendars *c = calendars_new(&conf, dir_fd, submit, NULL);
	test_keeps(c);
	test_lent(c);
	test_shares(c);
	test_change_in_flight(c);
	test_mended_in_folder(c);
	test_one_worker_each(c);
	test_fails(c);
	test_too_much_beside(c);
	size_t had = answers;
	ask(c, "b@a.example", MARCH + 500 * DAY, 7);
	ask(c, "b@a.example", MARCH + 600 * DAY, 7); /* behind it */
	calendars_free(c);
	work(false); /* the reply finds nobody, and is let go */
	CHECK_INT(answers, had);
	close(dir_fd);
	snprintf(command, sizeof command, "rm -rf %s", root);
	CHECK(system(command) == 0);
	return check_done();
}
