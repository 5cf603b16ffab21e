/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/backends.h"
#include <fcntl.h>
#include <unistd.h>
#include "bridge/backend/fetch_job.h"
#include "bridge/base/log.h"
#include "tests/unit/check.h"

/* Three backends and the folder; the workers are played here, and reply when the test says so. */
static char *serves_exchange[] = {"b.example", "group:staff", "solo@c.example"};
static char *serves_cyrus[] = {"anna@b.example", "group:CN=Cyrus,DC=b"};
static char *serves_rest[] = {"*"};
static struct conf_backend list[] = {
	{.name = "cyrus", .serves = serves_cyrus, .n_serves = 2},
	{.name = "exchange", .serves = serves_exchange, .n_serves = 3},
	{.name = "rest", .serves = serves_rest, .n_serves = 1},
};
static struct conf conf = {.backends = list, .n_backends = 3, .cache_mib = 1};
static void *pools[] = {"cyrus", "exchange", "rest"};

static struct {
	const char *pool;
	char address[200];
	struct fetch_job job;
	calendars_reply_cb *cb;
	void *arg;
} asked[64];
static int n_asked, folder_asked;

static void submit(void *pool, const void *job, size_t len, int64_t deadline_ms, calendars_reply_cb *cb, void *arg)
{
	CHECK(fetch_job_unpack(job, len, &asked[n_asked].job));
	CHECK(asked[n_asked].job.left_ms > 0 && asked[n_asked].job.left_ms <= deadline_ms);
	snprintf(asked[n_asked].address, sizeof asked->address, "%s", asked[n_asked].job.address);
	asked[n_asked].pool = pool;
	asked[n_asked].cb = cb;
	asked[n_asked++].arg = arg;
}

static void folder_submit(void *pool, const void *job, size_t len, calendars_reply_cb *cb, void *arg)
{
	folder_asked++;
	cb(arg, NULL, CALENDARS_NO_WORKER, "none");
}

static struct backends *backends;
static int answers;
static enum fb_reason last;
static char last_merged[64];

static void done(void *arg, const struct fb_answer *a)
{
	answers++;
	last = a->reason;
	snprintf(last_merged, sizeof last_merged, "%s", a->merged ? a->merged : "");
}

static const struct fb_window day = {1772409600, 1772409600 + 86400};

static void fetch(const char *address, const struct fb_entry *who, int interval)
{
	backends_fetch(backends, who, address, day, interval, 0, 9000, done, NULL);
}

/* The ${i}th question is answered: ${merged} NULL and reason OK = no digits. */
static void reply(int i, enum fb_reason reason, const char *merged)
{
	struct fb_answer *a = fb_answer_new(reason);
	struct buf b;

	a->view = FB_VIEW_EVENTS;
	a->merged = (char *)merged;
	buf_init(&b, 4096);
	fetch_reply_pack(&b, a);
	asked[i].cb(asked[i].arg, buf_ptr(&b), b.len, NULL);
	buf_free(&b);
	fb_answer_free(a);
}

static struct fb_entry *entry_in(const char *group, enum fb_fact member)
{
	struct fb_entry *e = fb_entry_new("x@b.example", 2);

	e->groups[0].group = "CN=Cyrus,DC=b"; /* by name */
	e->groups[1].group = "staff";
	e->groups[0].member = strcmp(group, "staff") == 0 ? FB_NO : member;
	e->groups[1].member = strcmp(group, "staff") == 0 ? member : FB_NO;
	return e;
}

static void test_choice(void)
{
	static const struct {
		const char *address, *group;
		enum fb_fact member;
		const char *pool; /* NULL: the directory's failure */
	} cases[] = {
		{"anna@b.example", "staff", FB_NO, "cyrus"},
		{"anna@b.example", "staff", FB_YES, "cyrus"},
		{"anna@b.example", "staff", FB_COULD_NOT_TELL, "cyrus"}, /* by address, whatever the groups */
		{"bob@b.example", "staff", FB_NO, "exchange"},
		{"bob@b.example", "CN=Cyrus,DC=b", FB_YES, "cyrus"},
		{"bob@b.example", "CN=Cyrus,DC=b", FB_COULD_NOT_TELL, NULL},
		{"bob@b.example", "staff", FB_COULD_NOT_TELL, NULL},
		{"bob@c.example", "staff", FB_YES, "exchange"},
		{"bob@c.example", "staff", FB_NO, "rest"},
		{"solo@c.example", "staff", FB_NO, "exchange"},
		{"bob@sub.b.example", "staff", FB_NO, "rest"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fb_entry *e = entry_in(cases[i].group, cases[i].member);

		n_asked = answers = 0;
		fetch(cases[i].address, e, 60);
		CHECK_INT(n_asked, cases[i].pool ? 1 : 0);
		if (!CHECK_STR(n_asked ? asked[0].pool : NULL, cases[i].pool))
			fprintf(stderr, "\tcase %zu\n", i);
		CHECK_INT(backends_exists(backends, e, cases[i].address), cases[i].pool ? FB_YES : FB_COULD_NOT_TELL);
		if (n_asked) {
			CHECK_STR(asked[0].address, cases[i].address);
			CHECK_INT(answers, 0);
			reply(0, FB_NO_ACCESS, NULL);
		}
		CHECK_INT(answers, 1);
		CHECK_INT(last, cases[i].pool ? FB_NO_ACCESS : FB_DIRECTORY_FAILED);
		fb_entry_release(e);
	}
	CHECK_INT(folder_asked, 0);
}

/* Whom no backend serves the folder serves; without backends that is everybody. */
static void test_folder(void)
{
	struct fb_entry *e = entry_in("staff", FB_NO);

	for (int round = 0; round < 2; round++) {
		conf.n_backends = round == 0 ? 2 : 0;
		backends_free(backends);
		struct calendars *folder = calendars_new(&conf, open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC), folder_submit, NULL);
		backends = backends_new(&conf, folder, submit, pools);
		n_asked = answers = folder_asked = 0;
		fetch("bob@c.example", e, 60);
		CHECK_INT(n_asked, 0);
		CHECK_INT(folder_asked, 1);
		CHECK_INT(last, FB_BUSY);
		CHECK_INT(backends_exists(backends, e, "bob@c.example"), FB_NO);
		backends_free(backends);
		backends = NULL;
		calendars_free(folder);
	}
	conf.n_backends = 3;
	backends = backends_new(&conf, NULL, submit, pools);
	fb_entry_release(e);
}

/* Identical questions in flight are one; others are not. */
static void test_shared(void)
{
	struct fb_entry *e = entry_in("staff", FB_NO);

	n_asked = answers = 0;
	for (int i = 0; i < 5; i++)
		fetch("bob@b.example", e, 1440);
	fetch("eve@b.example", e, 1440);
	fetch("bob@b.example", e, 720);
	CHECK_INT(n_asked, 3);
	reply(0, FB_OK, "2");
	CHECK_INT(answers, 5);
	CHECK_STR(last_merged, "2");
	reply(1, FB_TIMEOUT, NULL);
	CHECK_INT(last, FB_TIMEOUT);
	reply(2, FB_OK, "2"); /* digits of another interval: the reply cannot be right */
	CHECK_INT(last, FB_CALENDAR_FAILED);
	CHECK_INT(answers, 7);
	fetch("bob@b.example", e, 1440); /* nothing is kept */
	CHECK_INT(n_asked, 4);
	asked[3].cb(asked[3].arg, NULL, CALENDARS_NO_WORKER, "none");
	CHECK_INT(last, FB_BUSY);
	fetch("bob@b.example", e, 1440);
	asked[4].cb(asked[4].arg, NULL, 0, "it died");
	CHECK_INT(last, FB_CALENDAR_FAILED);
	fetch("bob@b.example", e, 1440);
	asked[5].cb(asked[5].arg, (const uint8_t *)"junk", 4, NULL);
	CHECK_INT(last, FB_CALENDAR_FAILED);

	/* One that has hardly any time left is not joined. */
	backends_fetch(backends, e, "bob@b.example", day, 1440, 0, 10, done, NULL);
	fetch("bob@b.example", e, 1440);
	CHECK_INT(n_asked, 8);
	reply(6, FB_TIMEOUT, NULL);
	reply(7, FB_OK, "1");
	CHECK_INT(last, FB_OK);
	fb_entry_release(e);
}

static void again(void *arg, const struct fb_answer *a)
{
	done(arg, a);
	fetch("bob@b.example", NULL, 1440);
}

static void free_all(void *arg, const struct fb_answer *a)
{
	done(arg, a);
	backends_free(backends);
	backends = NULL;
}

static void test_kept(void)
{
	struct fb_entry *e = entry_in("staff", FB_NO);

	list[1].cache_ms = 60000;
	n_asked = answers = 0;
	fetch("bob@b.example", e, 1440);
	reply(0, FB_OK, "3");
	for (int i = 0; i < 3; i++)
		fetch("bob@b.example", e, 1440);
	CHECK_INT(n_asked, 1);
	CHECK_INT(answers, 4);
	CHECK_STR(last_merged, "3");
	fetch("bob@b.example", e, 720);
	CHECK_INT(n_asked, 2);
	reply(1, FB_BUSY, NULL); /* a failure is never kept */
	fetch("bob@b.example", e, 720);
	CHECK_INT(n_asked, 3);
	reply(2, FB_OK, "33");

	list[1].cache_ms = 1; /* runs out */
	fetch("eve@b.example", e, 1440);
	reply(3, FB_OK, "1");
	int64_t end = loop_ms() + 2;
	while (loop_ms() < end)
		;
	fetch("eve@b.example", e, 1440);
	CHECK_INT(n_asked, 5);
	reply(4, FB_OK, "2");

	/* No more is kept than fits. */
	list[1].cache_ms = 60000;
	conf.cache_mib = 0;
	fetch("tom@b.example", e, 1440);
	reply(5, FB_OK, "1");
	fetch("tom@b.example", e, 1440);
	CHECK_INT(n_asked, 7);
	reply(6, FB_OK, "1");
	conf.cache_mib = 1;
	list[1].cache_ms = 0;
	fb_entry_release(e);
}

/* A callback may ask the same again, or end it all. */
static void test_inside(void)
{
	struct fb_entry *e = entry_in("staff", FB_NO);

	n_asked = answers = 0;
	list[1].cache_ms = 60000;
	backends_fetch(backends, e, "zoe@b.example", day, 1440, 0, 9000, again, NULL);
	reply(0, FB_OK, "1");
	CHECK_INT(answers, 2);
	CHECK_INT(last, FB_DIRECTORY_FAILED); /* asked about without an entry, a member of nobody knows what */
	list[1].cache_ms = 0;
	backends_fetch(backends, e, "bob@b.example", day, 1440, 0, 9000, free_all, NULL);
	fetch("bob@b.example", e, 1440);
	backends_fetch(backends, e, "later@b.example", day, 1440, 0, 9000, done, NULL);
	reply(1, FB_OK, "1");
	CHECK_INT(answers, 3);
	reply(2, FB_OK, "1"); /* after the end: nobody hears it */
	CHECK_INT(answers, 3);
	fb_entry_release(e);
}

int main(void)
{
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_INFO, "test");
	backends = backends_new(&conf, NULL, submit, pools);
	test_choice();
	test_folder();
	test_shared();
	test_kept();
	test_inside();
	return check_done();
}
