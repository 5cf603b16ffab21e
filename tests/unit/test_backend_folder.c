/* links: base availability conf dns pki ews acl budget trace backend */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/backend/ics.h"
#include "tests/unit/check.h"

#define EVENT(uid, rest) "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:" uid "\n" rest "END:VEVENT\nEND:VCALENDAR\n"
#define SERIES EVENT("s", "DTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\n")
#define MOVED EVENT("s", "RECURRENCE-ID:20260303T080000Z\nDTSTART:20260303T100000Z\nDURATION:PT1H\n")

static char root[] = "/tmp/availbridge-test-XXXXXX";
static int dir_fd;
static struct ics_stamps stamps;
static struct buf error;

static const char *exchanged, *by; /* the folder that is exchanged at the next listing, and removed with all that is in it before it is read */
static int written;                /* at so many of the next listings the folder is written to */

int scandirat(int fd, const char *name, struct dirent ***list, int (*want)(const struct dirent *), int (*order)(const struct dirent **, const struct dirent **))
{
	int (*real)(int, const char *, struct dirent ***, int (*)(const struct dirent *), int (*)(const struct dirent **, const struct dirent **)) =
		(__typeof__(&scandirat))dlsym(RTLD_NEXT, "scandirat");
	bool now = exchanged && strcmp(name, exchanged) == 0;

	if (now)
		CHECK(!renameat(dir_fd, exchanged, dir_fd, "away") && !renameat(dir_fd, by, dir_fd, exchanged));
	exchanged = now ? NULL : exchanged;
	if (written) {
		struct timespec t[2] = {{written, 0}, {written, 0}};
		CHECK(!utimensat(fd, name, t, 0));
		written--;
	}
	*list = NULL;
	return now ? 0 : real(fd, name, list, want, order);
}

static void put(const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Sets both times of ${name} back, so that it counts as settled as far as mtime goes. */
static void age(const char *name, long seconds)
{
	struct timespec t[2] = {{seconds, 0}, {seconds, 0}};
	CHECK(!utimensat(dir_fd, name, t, 0));
}

static struct fb_answer *fetch(const char *address)
{
	struct fb_window w = {1772323200, 1775001600}; /* March 2026 */
	struct ics_options o = {.floating = fb_zone_utc()};
	ics_stamps_free(&stamps);
	buf_reset(&error);
	return ics_fetch(dir_fd, address, w, &o, &stamps, &error);
}

static void expect(const char *address, enum fb_reason reason, size_t events)
{
	struct fb_answer *a = fetch(address);
	if (CHECK(a)) {
		CHECK_INT(a->reason, reason);
		CHECK_INT(a->n_events, events);
	}
	fb_answer_free(a);
}

static void test_fetch(void)
{
	put("one@a.example.ics", SERIES);
	expect("one@a.example", FB_OK, 2);
	CHECK_INT(stamps.n, 2);
	CHECK(ics_stamps_hold(&stamps, dir_fd));
	expect("two@a.example", FB_NO_ACCESS, 0);
	CHECK(!mkdirat(dir_fd, "many@a.example", 0700));
	expect("many@a.example", FB_OK, 0);
	CHECK(!mkdirat(dir_fd, "many@a.example/.git", 0700));
	expect("many@a.example", FB_OK, 0);
	CHECK(!mkdirat(dir_fd, "many@a.example/work", 0700));
	expect("many@a.example", FB_CALENDAR_FAILED, 0);
	CHECK_STR(buf_cstr(&error), "many@a.example: it holds folders and no .ics file: the .ics files must lie in it itself");
	CHECK(!unlinkat(dir_fd, "many@a.example/work", AT_REMOVEDIR) && !symlinkat("nowhere", dir_fd, "many@a.example/work"));
	expect("many@a.example", FB_OK, 0);
	CHECK(!unlinkat(dir_fd, "many@a.example/work", 0) && !symlinkat(".git", dir_fd, "many@a.example/work"));
	expect("many@a.example", FB_CALENDAR_FAILED, 0);
	put("many@a.example/b.ics", SERIES);
	put("many@a.example/a.ics", MOVED);
	put("many@a.example/C.ICS", EVENT("c", "DTSTART:20260306T080000Z\nDURATION:PT1H\n"));
	expect("many@a.example", FB_OK, 3);
	CHECK(!unlinkat(dir_fd, "many@a.example/C.ICS", 0));
	put("many@a.example/notes.txt", "no calendar");
	put("many@a.example/.hidden.ics", "no calendar");
	expect("many@a.example", FB_OK, 2);
	struct fb_answer *a = fetch("many@a.example");
	if (CHECK(a && a->n_events == 2)) /* the override in one file moves the occurrence of the series in the other */
		CHECK_INT(a->events[1].start - a->events[0].start, 26 * 3600);
	fb_answer_free(a);
	put("many@a.example.ics", EVENT("x", "DTSTART:20260305T080000Z\nDURATION:PT1H\n"));
	expect("many@a.example", FB_OK, 3);
}

static void test_exchanged(void)
{
	CHECK(!mkdirat(dir_fd, "swap@a.example", 0700) && !mkdirat(dir_fd, "new", 0700));
	put("swap@a.example/a.ics", SERIES);
	put("new/a.ics", EVENT("n", "DTSTART:20260302T080000Z\nDURATION:PT1H\n"));
	expect("swap@a.example", FB_OK, 2);
	exchanged = "swap@a.example";
	by = "new";
	expect("swap@a.example", FB_OK, 1);
	written = 5;
	expect("swap@a.example", FB_OK, 1);
	CHECK(written == 0);
	written = 1000;
	expect("swap@a.example", FB_CALENDAR_FAILED, 0);
	CHECK_STR(buf_cstr(&error), "swap@a.example: it was changed while it was read, again and again");
	written = 0;
	expect("swap@a.example", FB_OK, 1);
	CHECK(!unlinkat(dir_fd, "away/a.ics", 0) && !unlinkat(dir_fd, "away", AT_REMOVEDIR));
	CHECK(!unlinkat(dir_fd, "swap@a.example/a.ics", 0) && !unlinkat(dir_fd, "swap@a.example", AT_REMOVEDIR));
}

static void test_faults(void)
{
	put("many@a.example/c.ics", EVENT("y", "DTSTART:2026\n"));
	expect("many@a.example", FB_CALENDAR_FAILED, 0);
	CHECK_STR(buf_cstr(&error), "many@a.example/c.ics: line 4: this DTSTART is no date or time: it must look like 20260302 or 20260302T080000Z");
	CHECK(ics_stamps_hold(&stamps, dir_fd));
	CHECK(!unlinkat(dir_fd, "many@a.example/c.ics", 0));
	CHECK(!ics_stamps_hold(&stamps, dir_fd));
	put("empty@a.example.ics", "");
	expect("empty@a.example", FB_CALENDAR_FAILED, 0);
	CHECK(!mkfifoat(dir_fd, "pipe@a.example.ics", 0600));
	expect("pipe@a.example", FB_CALENDAR_FAILED, 0);
	CHECK_STR(buf_cstr(&error), "pipe@a.example.ics: this is no regular file");
	/* a link to a disk that is away is somebody's calendar, too */
	CHECK(!symlinkat("nowhere", dir_fd, "loose@a.example.ics"));
	CHECK_INT(ics_exists(dir_fd, "loose@a.example"), FB_YES);
	expect("loose@a.example", FB_CALENDAR_FAILED, 0);
	CHECK_STR(buf_cstr(&error), "loose@a.example.ics: No such file or directory");
	put("plain@a.example", SERIES);
	expect("plain@a.example", FB_CALENDAR_FAILED, 0);
	expect("../one@a.example", FB_NO_ACCESS, 0);
	expect("", FB_NO_ACCESS, 0);
}

#define ZONED(uid, offset) "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:" offset "\nTZOFFSETTO:" offset "\n" \
	"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:" uid "\nDTSTART;TZID=Ours:20260302T080000\nDURATION:PT1H\n" \
	"RRULE:FREQ=DAILY;COUNT=2\nEXDATE;TZID=Ours:20260303T080000\nEND:VEVENT\nEND:VCALENDAR\n"

/* One file for each event, as CalDAV programs keep them: each has its own VTIMEZONE, and a name means its own file's. */
static void test_many_files(void)
{
	char name[64], uid[32], text[1024];
	CHECK(!mkdirat(dir_fd, "zones@a.example", 0700));
	put("zones@a.example/a.ics", ZONED("a", "+0100"));
	put("zones@a.example/b.ics", SERIES);
	put("zones@a.example/c.ics", ZONED("c", "-0800"));
	expect("zones@a.example", FB_OK, 4);
	CHECK_STR(buf_cstr(&error), "");
	CHECK(!mkdirat(dir_fd, "caldav@a.example", 0700));
	for (int i = 0; i < 9000; i++) {
		snprintf(name, sizeof name, "caldav@a.example/%d.ics", i);
		snprintf(uid, sizeof uid, "%d", i);
		snprintf(text, sizeof text, ZONED("%s", "%s"), i % 2 ? "+0100" : "-0800", i % 2 ? "+0100" : "-0800", uid);
		put(name, text);
	}
	expect("caldav@a.example", FB_OK, 9000);
	CHECK_STR(buf_cstr(&error), "");
}

static void test_stamps(void)
{
	put("one@a.example.ics", SERIES);
	expect("one@a.example", FB_OK, 2);
	CHECK(!stamps.settled); /* it changed just now, and might once more within the same tick */
	age("one@a.example.ics", 1000);
	CHECK(!ics_stamps_hold(&stamps, dir_fd));
	expect("one@a.example", FB_OK, 2);
	CHECK(!stamps.settled); /* the change time cannot be set back */
	/* a stamp of a whole second may be from a file system that has no finer ones: it counts longer */
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	const int64_t whole = now.tv_sec + 1;
	age("one@a.example.ics", whole);
	while (now.tv_sec < whole || now.tv_nsec < 150000000)
		clock_gettime(CLOCK_REALTIME, &now);
	expect("one@a.example", FB_OK, 2);
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK(!stamps.settled || now.tv_sec >= whole + 2);
	age("one@a.example.ics", 1000);
	expect("one@a.example", FB_OK, 2);
	put("new.ics", SERIES);
	CHECK(ics_stamps_hold(&stamps, dir_fd));
	CHECK(!renameat(dir_fd, "new.ics", dir_fd, "one@a.example.ics"));
	CHECK(!ics_stamps_hold(&stamps, dir_fd)); /* same size, other file */
	expect("one@a.example", FB_OK, 2);
	CHECK(!symlinkat("nowhere", dir_fd, "one@a.example")); /* what was absent has come, as a link */
	CHECK(!ics_stamps_hold(&stamps, dir_fd));
	expect("one@a.example", FB_CALENDAR_FAILED, 0);
	CHECK(!unlinkat(dir_fd, "one@a.example", 0));
	expect("one@a.example", FB_OK, 2);
	CHECK(!mkdirat(dir_fd, "one@a.example", 0700)); /* and as itself */
	CHECK(!ics_stamps_hold(&stamps, dir_fd));
	expect("one@a.example", FB_OK, 2);
	put("one@a.example/more.ics", SERIES);
	CHECK(!ics_stamps_hold(&stamps, dir_fd));
	ics_stamps_free(&stamps);
	CHECK(!ics_stamps_hold(&stamps, dir_fd));
}

static void test_exists(void)
{
	CHECK_INT(ics_exists(dir_fd, "one@a.example"), FB_YES);
	CHECK_INT(ics_exists(dir_fd, "many@a.example"), FB_YES);
	CHECK_INT(ics_exists(dir_fd, "nobody@a.example"), FB_NO);
	CHECK_INT(ics_exists(dir_fd, "../etc"), FB_NO);
	/* a link that goes in circles is there, and its mailbox's own trouble */
	CHECK(!symlinkat("ring@a.example.ics", dir_fd, "ring@a.example.ics"));
	CHECK_INT(ics_exists(dir_fd, "ring@a.example"), FB_YES);
	expect("ring@a.example", FB_CALENDAR_FAILED, 0);
	CHECK_STR(buf_cstr(&error), "ring@a.example.ics: Too many levels of symbolic links");
	CHECK_INT(ics_exists(dir_fd, "."), FB_NO);
	char longest[FB_ADDRESS_MAX + 1];
	memset(longest, 'a', FB_ADDRESS_MAX);
	memcpy(longest + 300, "@a.example", 11);
	CHECK_INT(ics_exists(dir_fd, longest), FB_NO);
	expect(longest, FB_NO_ACCESS, 0);
	CHECK_INT(ics_exists(-5, "one@a.example"), FB_COULD_NOT_TELL);
}

int main(void)
{
	char command[64];
	buf_init(&error, 4096);
	CHECK(mkdtemp(root) != NULL);
	dir_fd = open(root, O_RDONLY | O_DIRECTORY);
	test_fetch();
	test_exchanged();
	test_faults();
	test_many_files();
	test_stamps();
	test_exists();
	ics_stamps_free(&stamps);
	buf_free(&error);
	close(dir_fd);
	snprintf(command, sizeof command, "rm -rf %s", root);
	CHECK(system(command) == 0);
	return check_done();
}
