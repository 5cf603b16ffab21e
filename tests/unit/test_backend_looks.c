/* links: base availability conf dns pki ews acl budget trace backend */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/backend/looks.h"
#include "bridge/base/log.h"
#include "tests/unit/check.h"

enum { KEPT_MS = 1000 }; /* what was looked at is not looked at again for so long */

static char root[] = "/tmp/availbridge-test-XXXXXX", other[] = "/tmp/availbridge-test-XXXXXX";
static int dir_fd;
static struct loop *loop;
static struct looks *looks;
static struct loop_timer *pause_timer;

static void put(const char *name, const char *text, int how)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | how, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void pause_loop(void *arg)
{
	loop_stop(loop);
}

/* What the kernel has told until now is heard. */
static void hear(void)
{
	loop_timer_again(pause_timer, 0);
	loop_run(loop);
}

static struct ics_stamps stamps_of(const char *address)
{
	struct ics_options o = {.floating = fb_zone_utc()};
	struct ics_stamps s;
	struct buf error;

	buf_init(&error, 1000);
	fb_answer_free(ics_fetch(dir_fd, address, (struct fb_window){1772323200, 1775001600}, &o, &s, &error));
	buf_free(&error);
	return s;
}

/* A calendar is there and is changed by ${change}: is that seen once the kernel's word is heard? */
static void test_change(const char *address, void (*change)(const char *file))
{
	struct ics_stamps s = stamps_of(address);
	char file[100];

	snprintf(file, sizeof file, "%s.ics", address);
	CHECK_INT(looks_exists(looks, address), FB_YES);
	CHECK(looks_hold(looks, address, &s));
	change(file);
	hear();
	CHECK(!looks_hold(looks, address, &s));
	ics_stamps_free(&s);
}

static void append(const char *file)
{
	put(file, "X", O_APPEND);
}

static void replace(const char *file)
{
	put("new", "", O_TRUNC);
	CHECK(renameat(dir_fd, "new", dir_fd, file) == 0);
}

static void drop(const char *file)
{
	CHECK(unlinkat(dir_fd, file, 0) == 0);
}

static void cover(const char *file)
{
	char name[100];

	snprintf(name, sizeof name, "%.*s", (int)strlen(file) - 4, file);
	CHECK(mkdirat(dir_fd, name, 0700) == 0);
}

/* The kernel tells of what happens to names in the folder: what is changed under another name is not trusted to it. */
static void elsewhere(const char *file)
{
	int fd = openat(open(other, O_PATH), "second", O_WRONLY | O_APPEND);

	CHECK(fd >= 0 && write(fd, "X", 1) == 1);
	close(fd);
}

static void test_names(void)
{
	char path[100];

	for (int i = 0; i < 4; i++) {
		put("a@a.example.ics", "", O_TRUNC);
		hear();
		test_change("a@a.example", (void (*[])(const char *)){append, replace, drop, cover}[i]);
	}
	snprintf(path, sizeof path, "%s/second", other);
	put("hard@a.example.ics", "", O_TRUNC);
	CHECK(linkat(dir_fd, "hard@a.example.ics", AT_FDCWD, path, 0) == 0);
	hear();
	test_change("hard@a.example", elsewhere);
	CHECK(symlinkat(path, dir_fd, "soft@a.example.ics") == 0);
	hear();
	test_change("soft@a.example", elsewhere);
	CHECK(unlink(path) == 0);
}

static void test_kept(void)
{
	int64_t began = loop_ms();
	struct ics_stamps s;

	CHECK_INT(looks_exists(looks, "nobody@a.example"), FB_NO);
	put("nobody@a.example.ics", "", 0);
	CHECK(looks_exists(looks, "nobody@a.example") == FB_NO || loop_ms() - began >= KEPT_MS); /* it was looked at a moment ago, and nothing was heard since */
	hear();
	CHECK_INT(looks_exists(looks, "nobody@a.example"), FB_YES);
	CHECK_INT(looks_exists(looks, "../etc"), FB_NO);
	/* Without a word of the kernel it is looked at anew in the end. */
	s = stamps_of("nobody@a.example");
	CHECK(looks_hold(looks, "nobody@a.example", &s));
	put("nobody@a.example.ics", "X", O_APPEND);
	for (int64_t end = loop_ms() + 10000; looks_hold(looks, "nobody@a.example", &s) && loop_ms() < end;)
		usleep(1000);
	CHECK(!looks_hold(looks, "nobody@a.example", &s));
	ics_stamps_free(&s);
}

/* Nobody tells: each question looks. */
static void test_unwatched(void)
{
	struct looks *k = looks_new(dir_fd);
	struct ics_stamps s;

	put("u@a.example.ics", "", O_TRUNC);
	s = stamps_of("u@a.example");
	CHECK(looks_hold(k, "u@a.example", &s));
	put("u@a.example.ics", "X", O_APPEND);
	CHECK(!looks_hold(k, "u@a.example", &s));
	drop("u@a.example.ics");
	CHECK_INT(looks_exists(k, "u@a.example"), FB_NO);
	ics_stamps_free(&s);
	looks_free(k);
}

/* Whoever puts another folder in the place of this one has to reload: until then it is this one that is read, and the log says so. */
static void test_moved(void)
{
	char away[] = "/tmp/availbridge-test-XXXXXX", text[4096] = "";
	int pipes[2];

	CHECK(mkdtemp(away) && pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == 0);
	log_setup(pipes[1], false, LOG_LEVEL_INFO, "test");
	CHECK(rename(root, away) == 0);
	hear();
	CHECK(rename(away, root) == 0);
	hear();
	log_setup(2, false, LOG_LEVEL_INFO, "test");
	CHECK(read(pipes[0], text, sizeof text - 1) > 0);
	CHECK(strstr(text, "event=folder-moved") && strstr(text, "in its place"));
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	char command[100];

	if (!mkdtemp(root) || !mkdtemp(other))
		return 1;
	dir_fd = open(root, O_PATH | O_DIRECTORY);
	loop = loop_new();
	pause_timer = loop_timer_new(loop, 0, pause_loop, NULL);
	looks = looks_new(dir_fd);
	looks_watch(looks, loop);
	test_names();
	test_kept();
	test_moved();
	test_unwatched();
	looks_free(looks);
	loop_timer_free(pause_timer);
	loop_free(loop);
	snprintf(command, sizeof command, "rm -rf %s %s", root, other);
	return system(command) || check_done();
}
