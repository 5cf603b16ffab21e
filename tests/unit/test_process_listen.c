/* links: all */
#include "bridge/process/listen.h"
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/process/control.h"
#include "tests/unit/check.h"

static void test_split(void)
{
	char host[20];
	const char *port;

	CHECK(listen_split("127.0.0.1:443", host, sizeof host, &port) && strcmp(host, "127.0.0.1") == 0 && strcmp(port, "443") == 0);
	CHECK(listen_split(":443", host, sizeof host, &port) && host[0] == 0);
	CHECK(listen_split("[::1]:7443", host, sizeof host, &port) && strcmp(host, "::1") == 0);
	CHECK(!listen_split("::1:7443", host, sizeof host, &port));
	CHECK(!listen_split("host", host, sizeof host, &port) && !listen_split("host:", host, sizeof host, &port));
	CHECK(!listen_split("a-name-that-is-much-too-long:1", host, sizeof host, &port));
}

static int port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return -1;
	return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port);
}

static bool can_connect(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), r = connect(fd, (struct sockaddr *)&to, sizeof to);

	close(fd);
	return r == 0;
}

static void test_listen(void)
{
	struct listening a, b;
	struct buf error;
	char taken[40];

	buf_init(&error, 4096);
	CHECK_INT(listen_open(&a, "127.0.0.1:0", &error), 0);
	CHECK(a.n == 1 && can_connect(port_of(a.fds[0])));
	snprintf(taken, sizeof taken, "127.0.0.1:%d", port_of(a.fds[0]));
	CHECK_INT(listen_open(&b, taken, &error), -1);
	CHECK(strstr(buf_cstr(&error), taken) && strstr(buf_cstr(&error), "another program"));
	listen_close(&b);
	listen_close(&a);
	CHECK_INT(listen_open(&a, ":0", &error), 0); /* every address, IPv4 too, with or without IPv6 on this machine */
	CHECK(a.n >= 1 && can_connect(port_of(a.fds[0])));
	listen_close(&a);
	buf_reset(&error);
	CHECK_INT(listen_open(&a, "192.0.2.1:0", &error), -1); /* RFC 5737: nobody's */
	CHECK(strstr(buf_cstr(&error), "no such address") != NULL);
	listen_close(&a);
	CHECK_INT(listen_open(&a, "nonsense", &error), -1);
	listen_close(&a);
	buf_free(&error);
}

/* A reload while there are no descriptors keeps what is open, and does not go on with less. */
static void test_no_descriptors(void)
{
	struct listening *now, *next;
	struct rlimit r, few;
	struct buf error;
	int port, fd;

	buf_init(&error, 4096);
	now = listen_pair_open("127.0.0.1:0", "127.0.0.1:0", NULL, &error);
	if (!CHECK(now && now[0].n == 1 && now[1].n == 1))
		return;
	port = port_of(now[0].fds[0]);
	getrlimit(RLIMIT_NOFILE, &r);
	fd = dup(0);
	for (rlim_t more = 0; more < 2; more++) { /* none; one */
		few = (struct rlimit){.rlim_cur = (rlim_t)fd + more, .rlim_max = r.rlim_max};
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
		close(fd);
		buf_reset(&error);
		next = listen_pair_open("127.0.0.1:0", "127.0.0.1:0", now, &error);
		CHECK(!next && strstr(buf_cstr(&error), "cannot go on listening on 127.0.0.1:0: Too many open files"));
		listen_pair_free(next);
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &r), 0);
		CHECK_INT(dup(0), fd);
	}
	close(fd);
	next = listen_pair_open("127.0.0.1:0", "127.0.0.1:0", now, &error);
	listen_pair_free(now);
	CHECK(next && next[0].n == 1 && next[1].n == 1 && port_of(next[0].fds[0]) == port && can_connect(port));
	listen_pair_free(next);
	buf_free(&error);
}

static void test_control_socket(void)
{
	char dir[] = "/tmp/test_process_listen.XXXXXX", path[100], target[100], inner[100];
	struct buf error, reply;
	struct stat st;
	int fd;

	if (!mkdtemp(dir))
		abort();
	buf_init(&error, 4096);
	buf_init(&reply, 4096);
	file_join(inner, sizeof inner, dir, "state");
	file_join(path, sizeof path, inner, "sock");
	file_join(target, sizeof target, dir, "precious");
	fd = listen_control(path, getuid(), getgid(), &error);
	CHECK(fd >= 0 && stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0600);
	CHECK(stat(inner, &st) == 0 && (st.st_mode & 07777) == 0700); /* made for it */
	CHECK_INT(listen_control(path, getuid(), getgid(), &error), -1);
	CHECK(strstr(buf_cstr(&error), "already serves") != NULL);
	close(fd); /* the daemon is gone, its socket is not */
	buf_reset(&error);
	CHECK_INT(control_call(path, "status text", NULL, 0, 1000, &reply, &error), -1);
	CHECK(strstr(buf_cstr(&error), "availbridge serve") != NULL);
	fd = listen_control(path, getuid(), getgid(), &error);
	CHECK(fd >= 0);
	/* nobody answers in time */
	buf_reset(&error);
	CHECK_INT(control_call(path, "status text", NULL, 0, 50, &reply, &error), -1);
	CHECK(strstr(buf_cstr(&error), "did not answer") != NULL);
	close(fd);
	unlink(path);
	/* a link that somebody planted is neither followed nor replaced */
	CHECK_INT(file_write(target, "x", 1, 0600), 0);
	CHECK_INT(symlink(target, path), 0);
	CHECK_INT(listen_control(path, getuid(), getgid(), &error), -1);
	CHECK(lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && lstat(target, &st) == 0 && S_ISREG(st.st_mode));
	unlink(path);
	unlink(target);
	rmdir(inner);
	CHECK_INT(rmdir(dir), 0);
	buf_free(&error);
	buf_free(&reply);
}

int main(void)
{
	test_split();
	test_listen();
	test_no_descriptors();
	test_control_socket();
	return check_done();
}
