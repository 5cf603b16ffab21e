/* links: base dns */
#include "bridge/dns/resolve.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/check.h"

/* A name server of the test's own, in a child: what it answers is decided by the first label of the name. */

struct srv {
	int priority, weight, port;
	const char *target;
};
static const struct srv several[] = {{20, 0, 1, "late.a.example"}, {10, 0, 8443, "never.a.example"}, {10, 60000, 443, "often.a.example"}, {0}};
static const struct srv one[] = {{0, 0, 8443, "dav.a.example"}, {0}};
static const struct srv none[] = {{0, 0, 0, ""}, {0}};
static char server[32];

static size_t put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static size_t put_name(uint8_t *p, const char *name)
{
	size_t n = 0;
	while (*name) {
		size_t label = strcspn(name, ".");
		p[n++] = (uint8_t)label;
		memcpy(p + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	p[n++] = 0;
	return n;
}

/* The head of a record of ${type} with ${len} bytes of data, about the name in the question. */
static size_t put_head(uint8_t *p, int type, size_t len)
{
	static const uint8_t head[] = {0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60};
	memcpy(p, head, sizeof head);
	p[3] = (uint8_t)type;
	put16(p + sizeof head, (unsigned)len);
	return sizeof head + 2;
}

static size_t put_srv(uint8_t *p, const struct srv *s)
{
	uint8_t name[256];
	size_t len = put_name(name, s->target), n = put_head(p, 33, len + 6);
	n += put16(p + n, (unsigned)s->priority);
	n += put16(p + n, (unsigned)s->weight);
	n += put16(p + n, (unsigned)s->port);
	memcpy(p + n, name, len);
	return n + len;
}

/* The answer in place of the question of ${n} bytes; returns its length, 0 = silence. */
static size_t reply(uint8_t *p, size_t n)
{
	static const uint8_t text[] = {6, 'p', 'a', 't', 'h', '=', '/', 3, 'd', 'a', 'v'};
	const char *label = (const char *)p + 13;
	const struct srv *list = !memcmp(label, "several", 7) ? several : !memcmp(label, "one", 3) ? one : !memcmp(label, "none", 4) ? none : NULL;
	unsigned count = 0;
	n = 12 + strlen((const char *)p + 12) + 5; /* what follows the question is not repeated */
	p[2] = 0x81;
	p[3] = 0x80;
	memset(p + 6, 0, 6);
	if (!memcmp(label, "failed", 6))
		p[3] = 0x82;
	else if (!memcmp(label, "absent", 6))
		p[3] = 0x83;
	for (; list && list->target; list++, count++)
		n += put_srv(p + n, list);
	if (!memcmp(label, "text", 4)) {
		n += put_head(p + n, 16, sizeof text);
		memcpy(p + n, text, sizeof text);
		n += sizeof text;
		count = 1;
	} else if (!memcmp(label, "cut", 3)) { /* says that there is a record, and has none */
		count = 1;
	}
	put16(p + 6, count);
	return n;
}

static pid_t start(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(server, sizeof server, "127.0.0.1:%d", ntohs(a.sin_port));
	pid_t pid = fork();
	while (pid == 0) {
		uint8_t p[1500] = {0};
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		n = sizeof a;
		ssize_t got = recvfrom(fd, p, 512, 0, (struct sockaddr *)&a, &n);
		size_t len = got > 12 ? reply(p, (size_t)got) : 0;
		if (len)
			sendto(fd, p, len, 0, (struct sockaddr *)&a, n);
	}
	close(fd);
	return pid;
}

static void take(void *arg, const char *text)
{
	snprintf(arg, 100, "%s", text);
}

int main(void)
{
	struct resolve_place place;
	struct buf error;
	char text[100] = "";
	int often = 0, never = 0;
	pid_t pid = start();
	buf_init(&error, 1024);
	CHECK_INT(resolve_srv("one.a.example", server, &place, &error), RESOLVE_FOUND);
	CHECK_STR(place.host, "dav.a.example");
	CHECK_INT(place.port, 8443);
	/* the lowest priority, by weight: one of weight 0 stands for a millionth here */
	for (int i = 0; i < 50; i++) {
		CHECK_INT(resolve_srv("several.a.example", server, &place, &error), RESOLVE_FOUND);
		often += !strcmp(place.host, "often.a.example");
		never += !strcmp(place.host, "late.a.example");
	}
	CHECK(often >= 49);
	CHECK_INT(never, 0);
	CHECK_INT(resolve_srv("none.a.example", server, &place, &error), RESOLVE_FOUND);
	CHECK_STR(place.host, "");
	CHECK_INT(resolve_srv("absent.a.example", server, &place, &error), RESOLVE_NONE);
	CHECK_INT(resolve_srv("empty.a.example", server, &place, &error), RESOLVE_NONE);
	CHECK_INT(error.len, 0);
	CHECK_INT(resolve_srv("failed.a.example", server, &place, &error), RESOLVE_COULD_NOT);
	CHECK(strstr(buf_cstr(&error), "did not say"));
	buf_reset(&error);
	CHECK_INT(resolve_srv("cut.a.example", server, &place, &error), RESOLVE_COULD_NOT);
	CHECK_INT(resolve_txt("text.a.example", server, take, text, &error), RESOLVE_FOUND);
	CHECK_STR(text, "path=/dav");
	CHECK_INT(resolve_txt("absent.a.example", server, take, text, &error), RESOLVE_NONE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	buf_free(&error);
	return check_done();
}
