/* links: all */
#include "bridge/process/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/file.h"
#include "tests/unit/check.h"

/* What somebody who runs code inside a role would try. Each gives true if it was allowed. */
static const char *folder; /* the calendars, with the file "in" */
static int pair[2], terminal; /* that it has */

static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool read_passwd(void)
{
	return can_open("/etc/passwd", O_RDONLY);
}

static bool read_promised(void)
{
	return can_open("/etc/hostname", O_RDONLY);
}

static bool read_calendar(void)
{
	char path[300];

	file_join(path, sizeof path, folder, "in");
	return can_open(path, O_RDONLY);
}

static bool read_zone(void)
{
	return can_open("/usr/share/zoneinfo/Europe/Berlin", O_RDONLY);
}

static bool write_calendar(void)
{
	char path[300];

	file_join(path, sizeof path, folder, "in");
	return can_open(path, O_WRONLY) || can_open(path, O_RDWR) || unlink(path) == 0 || rename(path, folder) == 0 || chmod(path,
		0777) == 0;
}

static bool make_file(void)
{
	char path[300];

	file_join(path, sizeof path, folder, "new");
	return can_open(path, O_WRONLY | O_CREAT) || mkdir(path, 0700) == 0 || symlink("/etc/passwd", path) == 0;
}

static bool open_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool open_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool open_raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool start_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		execl("/bin/true", "true", (char *)NULL); /* does not return if it may */
	return pid >= 0;
}

static bool trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool kill_parent(void)
{
	return kill(getppid(), 0) == 0;
}

/* The kernel sends it when something comes on a descriptor: it may be any signal, to any process of the same user. */
static bool signal_by_descriptor(void)
{
	pid_t whom = getppid();

	return fcntl(pair[0], F_SETSIG, SIGURG) == 0 || fcntl(pair[0], F_SETOWN, whom) == 0 || ioctl(pair[0], FIOSETOWN, &whom) == 0;
}

static bool use_terminal(void)
{
	struct winsize size = {24, 80, 0, 0};

	return ioctl(terminal, TIOCSWINSZ, &size) == 0;
}

/* The socket "log" in the folder is like that of the system's log, to which everybody may write. */
static bool tell_log(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int ends[2];

	file_join(to.sun_path, sizeof to.sun_path, folder, "log");
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0 && connect(ends[0], (struct sockaddr *)&to, sizeof to) == 0;
}

static bool make_pair(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
	       fcntl(ends[1], F_DUPFD_CLOEXEC, 3) >= 0;
}

static bool run_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool raise_limits(void)
{
	return setuid(1) == 0;
}

static bool get_memory(void)
{
	return mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool get_much_memory(void)
{
	return mmap(NULL, (size_t)1 << 32, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool listen_somewhere(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && listen(fd, 1) == 0; /* at a port of the kernel's choice */
}

static void *nothing(void *arg)
{
	return arg;
}

static bool start_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static bool resolve_name(void)
{
	struct addrinfo *list = NULL;

	return getaddrinfo("localhost", "443", NULL, &list) == 0 && list;
}

enum role { BRIDGE, CALENDAR, LOGIN, NETWORK, ROLES };

static int enter(enum role r)
{
	switch (r) {
	case BRIDGE:
		return sandbox_bridge();
	case CALENDAR:
		return sandbox_calendar_worker(folder, 256);
	case NETWORK:
		return sandbox_network_worker((const char *const[]){NULL, "/etc/hostname"}, 2);
	default:
		return sandbox_login_worker();
	}
}

/* What comes of ${what} inside the role: 1 allowed, 0 refused, -1 if the child ended otherwise. */
static int try_in(enum role r, bool (*what)(void))
{
	pid_t parent = getpid(), pid = fork();
	int status;

	if (pid == 0)
		_exit(sandbox_begin(parent) != 0 || enter(r) != 0 ? 7 : what() ? 1 : 0);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return -1;
	return WEXITSTATUS(status);
}

/* Which role may do what: bridge, calendar worker, login worker, workers that ask servers. Landlock is needed where -1 stands for "0 if there". */
static const struct {
	const char *name;
	bool (*what)(void);
	int may[ROLES];
} table[] = {
	{"read a file of the system", read_passwd, {0, -1, 0, 1}},
	{"read a calendar", read_calendar, {0, 1, 0, -1}},
	{"read a time zone", read_zone, {0, 1, 0, 1}},
	{"change a calendar", write_calendar, {0, 0, 0, 0}},
	{"make a file", make_file, {0, 0, 0, 0}},
	{"open a TCP socket", open_socket, {1, 0, 0, 1}},
	{"read a file that it was promised", read_promised, {0, -1, 0, 1}},
	{"listen", listen_somewhere, {0, 0, 0, 0}},
	{"start a thread", start_thread, {0, 0, 0, 1}},
	{"resolve a name", resolve_name, {0, 0, 0, 1}},
	{"open a unix socket", open_unix_socket, {0, 0, 0, 0}},
	{"open a raw socket", open_raw_socket, {0, 0, 0, 0}},
	{"start a process", start_process, {0, 0, 0, 0}},
	{"trace its parent", trace_parent, {0, 0, 0, 0}},
	{"signal its parent", kill_parent, {0, 0, 0, 0}},
	{"have the kernel signal its parent", signal_by_descriptor, {0, 0, 0, 0}},
	{"use a terminal", use_terminal, {0, 0, 0, 0}},
	{"write to the system's log", tell_log, {0, 0, 0, 0}},
	{"make a pair of sockets", make_pair, {1, 0, 0, 1}},
	{"run memory that it wrote", run_memory, {0, 0, 0, 0}},
	{"change its user", raise_limits, {0, 0, 0, 0}},
	{"get some memory", get_memory, {1, 1, 1, 1}},
	{"get 4 GiB", get_much_memory, {1, 0, 1, 1}},
};

/* Whoever is of the same user may not look into any of them. */
static bool is_hidden(void)
{
	pid_t parent = getpid(), pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(sandbox_begin(parent) == 0 && prctl(PR_GET_DUMPABLE) == 0);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* A daemon that was started with less memory than a worker may take. */
static bool lives_on_little(void)
{
	const struct rlimit little = {200 << 20, 200 << 20};
	pid_t parent = getpid(), pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(setrlimit(RLIMIT_AS, &little) == 0 && sandbox_begin(parent) == 0 && enter(CALENDAR) == 0);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static bool have_landlock(void)
{
	pid_t parent = getpid(), pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(sandbox_begin(parent) == 0 && sandbox_login_worker() == 0 && sandbox_has_landlock());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* A socket ${name} that takes datagrams from everybody. */
static int log_socket(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
		abort();
	return fd;
}

int main(void)
{
	char dir[] = "/tmp/test_process_sandbox.XXXXXX", in[300], log[100];
	bool landlock;
	int log_fd;
	size_t i, r;
	int want;

#ifdef __SANITIZE_ADDRESS__
	printf("%s: 1 passed, 0 failed (the sanitizer cannot live in the sandbox)\n", "test_process_sandbox.c");
	return 0;
#endif
	CHECK(is_hidden());
	if (!mkdtemp(dir))
		return 1;
	folder = dir;
	file_join(in, sizeof in, dir, "in");
	CHECK_INT(file_write(in, "x", 1, 0600), 0);
	file_join(log, sizeof log, dir, "log");
	log_fd = log_socket(log);
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(terminal >= 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	CHECK(signal_by_descriptor() && use_terminal() && tell_log()); /* without a sandbox */
	landlock = have_landlock();
	CHECK(lives_on_little());
	for (i = 0; i < sizeof table / sizeof *table; i++)
		for (r = 0; r < ROLES; r++) {
			want = table[i].may[r];
			if (want < 0 && !landlock)
				continue;
			if (!CHECK_INT(try_in((enum role)r, table[i].what), want > 0))
				fprintf(stderr, "\trole %zu: %s\n", r, table[i].name);
		}
	CHECK(read_calendar()); /* nothing was harmed */
	close(log_fd);
	unlink(log);
	unlink(in);
	CHECK_INT(rmdir(dir), 0);
	return check_done();
}
