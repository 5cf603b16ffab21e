#ifndef TESTS_UNIT_PROCESS_DAEMON_H
#define TESTS_UNIT_PROCESS_DAEMON_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "bridge/base/loop.h"
#include "bridge/ctl/ctl.h"
#include "bridge/process/control.h"
#include "bridge/process/process.h"
#include "tests/unit/check.h"

/* A whole daemon: this program is executed anew for each role, as the real one is. */
enum { CALL_MS = 20000, PATIENCE_MS = 20000 };

static char dir[] = "/tmp/test_process.XXXXXX", conf[200], sock[200], logs[200];
static pid_t daemon_pid;

static inline bool is_free(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	bool ok;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	ok = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
	close(fd);
	return ok;
}

/*
 * Two ports, one behind the other, that no other test of this machine uses while this one runs; returns the first. Who holds a block of a hundred is known by a
 * name in the kernel, as for sites.py. They are from below the range out of which the kernel takes them for clients, so that no connection lands on one.
 */
static inline int two_ports(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int held = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (int tries = 0, first = 10000 + getpid() % 220 * 100; tries < 220; tries++, first = first < 31900 ? first + 100 : 10000) {
		int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "availbridge-ports-%d", first);

		if (bind(held, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) != 0)
			continue;
		for (int port = first; port < first + 100; port += 2)
			if (is_free(port) && is_free(port + 1))
				return port;
		close(held);
		held = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	abort();
}

/* `availbridge init` of a site that listens there; its exit code. */
static inline int make_site(int front_port, int link_port)
{
	char site[200], front[40], link[40];
	char *argv[] = {"availbridge", "init", "--site", "test", "--domain", "a.example", "--dir", site, "--front", front, "--link",
	                link, "--public-url", "https://localhost", "--user", "", NULL};
	int saved = dup(1), null = open("/dev/null", O_WRONLY), code;

	snprintf(site, sizeof site, "%s/site", dir);
	snprintf(conf, sizeof conf, "%s/site/availbridge.conf", dir);
	snprintf(sock, sizeof sock, "%s/site/state/control.sock", dir);
	snprintf(logs, sizeof logs, "%s/log", dir);
	snprintf(front, sizeof front, "127.0.0.1:%d", front_port);
	snprintf(link, sizeof link, "127.0.0.1:%d", link_port);
	fflush(stdout);
	dup2(null, 1);
	code = ctl_main(16, argv);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	close(null);
	return code;
}

/* As `serve`; what it says goes to the log. */
static inline pid_t start_daemon(const char *log_to)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open(log_to, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 2);
	_exit(process_supervise(conf, NULL));
}

/* What the daemon answers to a request on its control socket, until the next call; ${code} is negative if it does not. */
static inline const char *ask(const char *request, int *code)
{
	static struct buf reply;
	struct buf error;

	buf_init(&error, 4096);
	buf_free(&reply);
	buf_init(&reply, 1 << 20);
	*code = control_call(sock, request, NULL, 0, CALL_MS, &reply, &error);
	if (*code < 0)
		buf_puts(&reply, buf_cstr(&error));
	buf_free(&error);
	return buf_cstr(&reply);
}

static inline void pause_a_little(void)
{
	poll(NULL, 0, 20);
}

static int patience = PATIENCE_MS;

/* Asks for the status until it can be had and holds ${want} (NULL: is there at all) and not ${unwanted}; the status, or NULL. */
static inline const char *status_with(const char *want, const char *unwanted)
{
	int64_t end = loop_ms() + patience;
	const char *s;
	int code;

	for (;;) {
		s = ask("status json", &code);
		if (code == 0 && (!want || strstr(s, want)) && (!unwanted || !strstr(s, unwanted)))
			return s;
		if (loop_ms() > end) {
			fprintf(stderr, "last status: %s\n", s);
			return NULL;
		}
		pause_a_little();
	}
}

/* The pid of the ${n}th process called ${role} in a status. */
static inline pid_t pid_of(const char *status, const char *role, int n)
{
	char word[64];
	const char *at = status;

	snprintf(word, sizeof word, "\"process\":\"%s\",\"pid\":", role);
	for (; n >= 0 && at; n--)
		at = (at = strstr(at, word)) ? at + strlen(word) : NULL;
	return at ? atoi(at) : -1;
}

static inline void write_conf(const char *text)
{
	CHECK_INT(file_write(conf, text, strlen(text), 0600), 0);
}

/* The daemon ends as `systemctl stop` ends it: with everything that it started. */
static inline void test_stop(void)
{
	const char *s = status_with("\"state\":\"running\"", NULL);
	pid_t bridge = s ? pid_of(s, "bridge", 0) : -1;
	int status;

	CHECK_INT(kill(daemon_pid, SIGTERM), 0);
	CHECK(waitpid(daemon_pid, &status, 0) == daemon_pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(kill(bridge, 0) != 0 && errno == ESRCH);
	CHECK(access(sock, F_OK) != 0);
}

/* A site on ports of its own, for which no daemon runs yet. */
static inline void site_begin(void)
{
	int port = two_ports();

	if (!mkdtemp(dir))
		abort();
	CHECK_INT(make_site(port, port + 1), 0);
}

/* Removes the site, and shows the daemon's log if something went wrong; what main() returns. */
static inline int site_done(void)
{
	char command[300];

	if (check_failed) {
		fprintf(stderr, "the daemon's log:\n");
		snprintf(command, sizeof command, "cat %s >&2", logs);
		if (system(command) != 0)
			fprintf(stderr, "there is none\n");
	}
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK_INT(system(command), 0);
	return check_done();
}
#endif
