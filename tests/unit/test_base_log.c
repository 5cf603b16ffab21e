/* links: base */
#include "bridge/base/log.h"
#include <fcntl.h>
#include <unistd.h>
#include "tests/unit/check.h"

static char line[16384];

/* What log_event() wrote since the last call. */
static const char *written(int pipe_end)
{
	ssize_t n = read(pipe_end, line, sizeof line - 1);

	line[n > 0 ? n : 0] = 0;
	return line;
}

/* The line from its event on: the time in front is not ours to foresee. */
static const char *event_part(int pipe_end)
{
	const char *at = strstr(written(pipe_end), "event");

	return at ? at : line;
}

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

static void test_text(int to, int from)
{
	log_setup(to, false, LOG_LEVEL_INFO, "bridge");
	log_event(LOG_LEVEL_INFO, "link-up", LS("peer", "b.example"), LI("ms", -5), LS("none", NULL));
	CHECK_STR(event_part(from), "event=link-up peer=b.example ms=-5 none=-\n");
	CHECK(strncmp(line, "time=20", 7) == 0 && strstr(line, "Z level=info role=bridge event=") != NULL);
	log_event(LOG_LEVEL_INFO, "x", LS("a", "two words"), LS("b", ""), LS("c", "-"), LS("d", "a=b"));
	CHECK_STR(event_part(from), "event=x a=\"two words\" b=\"\" c=\"-\" d=\"a=b\"\n");
	log_error("peer %s: \"gone\"", "b");
	CHECK_STR(event_part(from), "event=error text=\"peer b: \\\"gone\\\"\"\n");
	log_event(LOG_LEVEL_DEBUG, "hidden");
	log_event(LOG_LEVEL_INFO, "bare");
	CHECK_STR(event_part(from), "event=bare\n");
}

static void test_injection(int to, int from)
{
	log_setup(to, false, LOG_LEVEL_INFO, "");
	log_event(LOG_LEVEL_INFO, "x", LS("a", "1\r\ntime=0 event=faked\x1b[2J"));
	CHECK_STR(event_part(from), "event=x a=\"1\\x0D\\x0Atime=0 event=faked\\x1B[2J\"\n");
	log_event(LOG_LEVEL_INFO, "x", LS("a", "\xff\xc0\xaf m\xc3\xbcller \x7f"));
	CHECK_STR(event_part(from), "event=x a=\"\\xFF\\xC0\\xAF m\xc3\xbcller \\x7F\"\n");
	log_event(LOG_LEVEL_INFO, "x", LS("a", "\xc2\x85\xe2\x80\xa8\\"));
	CHECK_STR(event_part(from), "event=x a=\"\\xC2\\x85\\xE2\\x80\\xA8\\\\\"\n");
	/* what a terminal would show from right to left */
	log_event(LOG_LEVEL_INFO, "x", LS("a", "\xe2\x80\xae" "ko"));
	CHECK_STR(event_part(from), "event=x a=\"\\xE2\\x80\\xAEko\"\n");
}

static void test_json(int to, int from)
{
	log_setup(to, true, LOG_LEVEL_INFO, "bridge");
	log_event(LOG_LEVEL_WARN, "x", LS("a", "q\"\\\r\n\x1b\xff"), LI("n", 7), LS("z", NULL));
	CHECK_STR(event_part(from), "event\":\"x\",\"a\":\"q\\\"\\\\\\u000d\\u000a\\u001b\xef\xbf\xbd\",\"n\":7,\"z\":null}\n");
	CHECK(strncmp(line, "{\"time\":\"20", 11) == 0);
}

static void test_length(int to, int from, bool json)
{
	static char big[9000];
	size_t i;

	log_setup(to, json, LOG_LEVEL_INFO, "bridge");
	for (i = 3900; i < 4200; i++) { /* the cut falls on each byte near the end once */
		memset(big, i % 2 ? '\n' : 'a', sizeof big);
		big[i] = 0;
		log_event(LOG_LEVEL_INFO, "x", LS("a", big), LS("b", big));
		written(from);
		if (!CHECK(strlen(line) <= 4096 && count(line, '\n') == 1 && strstr(line, json ? ",\"cut\":1}\n" : " cut=1\n") != NULL))
			break;
		CHECK_INT(count(line, '"') % 2, 0);
	}
	memset(big, ' ', sizeof big);
	for (i = 0; i < 24; i++) { /* many quoted values one behind the other */
		big[170] = 0;
		log_event(LOG_LEVEL_INFO, "x", LS("a", big), LS("b", big), LS("c", big), LS("d", big), LS("e", big), LS("f", big),
		          LS("g", big), LS("h", big), LS("i", big), LS("j", big), LS("k", big), LS("l", big), LS("m", big), LS("n", big),
		          LS("o", big), LS("p", big), LS("q", big), LS("r", big), LS("s", big), LS("t", big), LS("u", big), LS("v",
		          	big + i));
		CHECK(strlen(written(from)) <= 4096 && count(line, '\n') == 1);
	}
}

/* Many lines in few writes, none before its time, and each write to a pipe short enough to be one piece. */
static void test_hold(void)
{
	size_t lines = 0, writes = 0;
	int p[2];

	if (!CHECK(pipe2(p, O_DIRECT | O_NONBLOCK) == 0)) /* each read(2) gives what one write(2) wrote */
		return;
	log_setup(p[1], false, LOG_LEVEL_INFO, "bridge");
	log_hold(true);
	for (int i = 0; i < 300; i++)
		log_event(LOG_LEVEL_INFO, "x", LI("i", i));
	CHECK_STR(written(p[0]), "");
	log_flush();
	for (; *written(p[0]); writes++) {
		lines += count(line, '\n');
		CHECK(strlen(line) <= 4096 && line[strlen(line) - 1] == '\n');
	}
	CHECK_INT(lines, 300);
	CHECK(writes < 30);
	log_event(LOG_LEVEL_INFO, "first");
	log_error("no time to lose");
	CHECK(strstr(written(p[0]), "event=first") && strstr(line, "event=error"));
	log_event(LOG_LEVEL_INFO, "last");
	log_hold(false);
	CHECK_STR(event_part(p[0]), "event=last\n");
	log_event(LOG_LEVEL_INFO, "at-once");
	CHECK_STR(event_part(p[0]), "event=at-once\n");
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	int p[2];

	if (pipe(p) != 0 || fcntl(p[0], F_SETFL, O_NONBLOCK) != 0)
		return 1;
	test_text(p[1], p[0]);
	test_injection(p[1], p[0]);
	test_json(p[1], p[0]);
	test_length(p[1], p[0], false);
	test_length(p[1], p[0], true);
	test_hold();
	CHECK_INT(log_level_named("warn"), LOG_LEVEL_WARN);
	CHECK_INT(log_level_named("loud"), -1);
	return check_done();
}
