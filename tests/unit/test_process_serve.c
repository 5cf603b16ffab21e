/* links: all */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

static char dir[] = "/tmp/test_process_serve.XXXXXX", conf[200], sock[200], logs[200];
static pid_t daemon_pid;
static volatile int *forks_left; /* how often the daemon may fork still; negative: as it likes */

/* In the place of libc's, in this program and in the daemon: a machine that has no room for more processes. */
pid_t fork(void)
{
	if (forks_left && *forks_left == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (forks_left && *forks_left > 0)
		--*forks_left;
	return _Fork();
}

static volatile int *full; /* no segment of an audit can be made */

/* In the place of libc's as well. */
int openat(int at, const char *name, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (full && *full && flags & O_CREAT && strstr(name, ".live")) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_openat, at, name, flags, mode);
}

/* Ports that are free now. They stay reserved until the caller closes *${fd}. */
static int free_port(int *fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int on = 1;

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(*fd, (struct sockaddr *)&a, sizeof a) != 0 || getsockname(*fd, (struct sockaddr *)&a, &n) != 0)
		abort();
	return ntohs(a.sin_port);
}

static int make_site(int front_port, int link_port)
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
static pid_t start_daemon(const char *log_to)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open(log_to, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 2);
	_exit(process_supervise(conf, NULL));
}

static const char *ask(const char *request, int *code)
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

static void pause_a_little(void)
{
	poll(NULL, 0, 20);
}

static int patience = PATIENCE_MS;

/* Asks for the status until it can be had and holds ${want} (NULL: is there at all) and not ${unwanted}; the status, or NULL. */
static const char *status_with(const char *want, const char *unwanted)
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
static pid_t pid_of(const char *status, const char *role, int n)
{
	char word[64];
	const char *at = status;

	snprintf(word, sizeof word, "\"process\":\"%s\",\"pid\":", role);
	for (; n >= 0 && at; n--)
		at = (at = strstr(at, word)) ? at + strlen(word) : NULL;
	return at ? atoi(at) : -1;
}

static bool test_start(void)
{
	const char *s;
	struct stat st;
	int code;

	CHECK(strstr(ask("status text", &code), "availbridge serve") != NULL); /* nobody is there yet: it says how to change that */
	CHECK_INT(code, -1);
	daemon_pid = start_daemon(logs);
	s = status_with("\"state\":\"running\"", "\"pid\":0");
	if (!CHECK(s != NULL))
		return false;
	CHECK(strstr(s, "\"site\":\"test\"") && strstr(s, "\"name\":\"login\",\"workers\":2,\"ready\":2"));
	CHECK(stat(sock, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(strstr(ask("status text", &code), "generation 1: running") && code == 0);
	CHECK(strstr(ask("nonsense", &code), "does not know") && code == 1);
	CHECK(strstr(ask("peer-show nobody text", &code), "no peer nobody") && code == 1);
	CHECK(strstr(ask("query eve@elsewhere.example", &code), "not one of ours") && code == 1);
	CHECK(strstr(ask("query alice@a.example", &code), "Fault") && code == 1); /* an empty request */
	return true;
}

static void test_second_daemon(void)
{
	char path[200];
	struct buf said;
	pid_t pid;
	int status;

	snprintf(path, sizeof path, "%s/second", dir);
	pid = start_daemon(path);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1);
	buf_init(&said, 4096);
	CHECK_INT(file_read(path, &said), FILE_OK);
	CHECK(strstr(buf_cstr(&said), "already serves") != NULL);
	buf_free(&said);
	CHECK(status_with(NULL, NULL) != NULL);
	unlink(path);
}

/* kill -9 of any process: another takes its place, and the rest stay. */
static void test_deaths(void)
{
	static const char *const roles[] = {"calendar-worker", "login-worker", "bridge"};
	char dead[40];
	const char *s;
	pid_t pid;
	size_t i;

	for (i = 0; i < 3; i++) {
		s = status_with("\"state\":\"running\"", "\"pid\":0");
		pid = s ? pid_of(s, roles[i], 0) : -1;
		if (!CHECK(pid > 0))
			return;
		CHECK_INT(kill(pid, SIGKILL), 0);
		snprintf(dead, sizeof dead, "\"pid\":%d,", pid);
		CHECK((s = status_with("\"restarts\":1", dead)) != NULL);
		CHECK(status_with("\"name\":\"calendar\",\"workers\":2,\"ready\":2", "\"pid\":0") != NULL);
		CHECK(status_with("\"name\":\"login\",\"workers\":2,\"ready\":2", "\"pid\":0") != NULL);
	}
}

static void write_conf(const char *text)
{
	CHECK_INT(file_write(conf, text, strlen(text), 0600), 0);
}

static void check_reload_refused(const char *text, const char *why)
{
	const char *s;
	int code;

	write_conf(text);
	s = ask("reload", &code);
	CHECK_INT(code, 1);
	if (!CHECK(strstr(s, why) != NULL))
		fprintf(stderr, "\tsaid: %s\n", s);
	CHECK(strstr(s, "generation 1 runs on") != NULL);
}

static void test_reload(void)
{
	char key[200], other[8192], dead[40];
	struct buf good;
	const char *at, *s;
	pid_t pid;
	int code;

	buf_init(&good, 65536);
	CHECK_INT(file_read(conf, &good), FILE_OK);
	check_reload_refused("nonsense = 1;\n", "nonsense");
	check_reload_refused("@include \"/tmp\"\n", "@include");
	check_reload_refused("site = \"never closed\n", "availbridge.conf:");
	snprintf(key, sizeof key, "%s/site/front.key", dir);
	CHECK_INT(chmod(key, 0640), 0);
	check_reload_refused(buf_cstr(&good), "private key");
	CHECK_INT(chmod(key, 0600), 0);
	at = strstr(buf_cstr(&good), "calendars = ");
	snprintf(other, sizeof other, "%.*scalendars = \"no/such/folder\";\n%s", (int)(at - buf_cstr(&good)), buf_cstr(&good),
	         strchr(at, '\n'));
	check_reload_refused(other, "no/such/folder");
	/* what is started again still has the settings that were checked, not what an editor is making of them */
	write_conf("site = \"half an edit\n");
	s = status_with("\"state\":\"running\"", "\"pid\":0");
	pid = s ? pid_of(s, "bridge", 0) : -1;
	snprintf(dead, sizeof dead, "\"pid\":%d,", pid);
	CHECK(pid > 0 && kill(pid, SIGKILL) == 0);
	CHECK(status_with("\"name\":\"login\",\"workers\":2,\"ready\":2", dead) != NULL);
	CHECK(status_with("\"site\":\"test\"", "\"pid\":0") != NULL);
	write_conf(buf_cstr(&good));
	CHECK(strstr(ask("reload", &code), "Generation") && code == 0);
	CHECK(status_with("\"state\":\"running\"", "\"number\":1,") != NULL); /* the first is gone */
	buf_free(&good);
}

/* The ResponseCodes of one question about ${who}, asked as alice@a.example. */
static const char *ask_about(const char *who, struct buf *reply)
{
	static const char *const form =
	    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\" "
	    "xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><s:Body><m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias>"
	    "<t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
	    "<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime>"
	    "</t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>%s</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"
	    "</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-03-02T00:00:00</t:StartTime><t:EndTime>2026-03-03T00:00:00</t:EndTime></t:TimeWindow>"
	    "<t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>FreeBusyMerged</t:RequestedView></t:FreeBusyViewOptions>"
	    "</m:GetUserAvailabilityRequest></s:Body></s:Envelope>";
	struct buf body, error;

	buf_init(&body, 1 << 16);
	buf_init(&error, 4096);
	buf_printf(&body, form, who);
	if (control_call(sock, "query alice@a.example", buf_ptr(&body), body.len, CALL_MS, reply, &error) < 0)
		buf_puts(reply, buf_cstr(&error));
	buf_free(&body);
	buf_free(&error);
	return buf_cstr(reply);
}

/* A worker that hangs is an error for its mailbox, never free time, and is replaced; a healthy one answers. */
static void test_stuck_worker(void)
{
	static const char calendar[] = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
	                               "DTSTART:20260302T080000Z\r\nDTEND:20260302T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
	const char *s = status_with("\"state\":\"running\"", "\"pid\":0");
	char path[200], text[8192], dead[2][40];
	struct buf good, reply;
	const char *at;
	pid_t stuck;
	int code, i;

	snprintf(path, sizeof path, "%s/site/calendars/bob@a.example.ics", dir);
	CHECK_INT(file_write(path, calendar, sizeof calendar - 1, 0600), 0);
	buf_init(&good, 65536);
	CHECK_INT(file_read(conf, &good), FILE_OK);
	at = strstr(buf_cstr(&good), "worker_seconds = ");
	snprintf(text, sizeof text, "%.*sworker_seconds = 1;%s", (int)(at - buf_cstr(&good)), buf_cstr(&good), strchr(at, '\n'));
	buf_free(&good);
	write_conf(text);
	s = ask("reload", &code);
	if (!CHECK_INT(code, 0))
		fprintf(stderr, "\tsaid: %s\n", s);
	s = status_with("\"state\":\"running\"", "\"state\":\"draining\"");
	for (i = 0; s && i < 2; i++) {
		stuck = pid_of(s, "calendar-worker", i);
		CHECK(stuck > 0 && kill(stuck, SIGSTOP) == 0);
		snprintf(dead[i], sizeof dead[i], "\"pid\":%d,", stuck);
	}
	buf_init(&reply, 1 << 20);
	s = ask_about("bob@a.example", &reply);
	if (!CHECK(strstr(s, "ErrorFreeBusyGenerationFailed") && !strstr(s, "NoError")))
		fprintf(stderr, "\tsaid: %s\n", s);
	s = status_with("\"restarts\":1", NULL);
	CHECK(s && (!strstr(s, dead[0]) || !strstr(s, dead[1])));
	CHECK(status_with("\"workers\":2,\"ready\":2,\"busy\":0,\"jobs\":0,\"waiting\":0,\"trouble\":null},{\"name\":\"login\"", "\"pid\":0") != NULL);
	/* one of the two still stands still: it costs its own time, then it is replaced as well */
	for (i = 0; i < 2; i++) {
		buf_reset(&reply);
		s = ask_about("bob@a.example", &reply);
	}
	if (!CHECK(strstr(s, "NoError") && strstr(s, "000000002200000000000000")))
		fprintf(stderr, "\tsaid: %s\n", s);
	buf_free(&reply);
}

static bool is_gone(pid_t pid)
{
	int64_t end = loop_ms() + PATIENCE_MS;
	char path[64], state = 0;
	FILE *f;

	while (loop_ms() < end) {
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		f = fopen(path, "r");
		if (!f)
			return true;
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 'Z';
		fclose(f);
		if (state == 'Z') /* ended, and nobody has asked how: not ours to do */
			return true;
		pause_a_little();
	}
	return false;
}

/* The supervisor is killed: no child may stay; the next daemon takes the sockets over. */
static void test_supervisor_killed(void)
{
	const char *s = status_with("\"state\":\"running\"", "\"pid\":0");
	pid_t bridge = s ? pid_of(s, "bridge", 0) : -1, worker = s ? pid_of(s, "calendar-worker", 1) : -1;
	int status;

	CHECK(bridge > 0 && worker > 0);
	CHECK(kill(daemon_pid, SIGKILL) == 0 && waitpid(daemon_pid, &status, 0) == daemon_pid);
	CHECK(is_gone(bridge) && is_gone(worker));
	daemon_pid = start_daemon(logs);
	CHECK(status_with("\"state\":\"running\"", "\"pid\":0") != NULL);
}

/* A worker for which there is no process when its bridge is started again gets one when there are some. */
static void test_no_more_processes(void)
{
	const char *s = status_with("\"state\":\"running\"", "\"pid\":0");
	char dead[40];
	pid_t pid;

	for (int i = 0; i < 8; i++) { /* the oftener it ends at once, the later it is started again: its workers have ended by then */
		pid = s ? pid_of(s, "bridge", 0) : -1;
		if (!CHECK(pid > 0))
			return;
		*forks_left = i < 3 ? -1 : 1;
		CHECK_INT(kill(pid, SIGKILL), 0);
		snprintf(dead, sizeof dead, "\"pid\":%d,", pid);
		patience = i < 3 ? PATIENCE_MS : 3000;
		s = status_with(i < 3 ? "\"state\":\"running\"" : "\"process\":\"login-worker\",\"pid\":0", dead);
		patience = PATIENCE_MS;
		*forks_left = -1;
		if (i >= 3 && s)
			break;
		if (i >= 3) /* a worker was quicker than the bridge */
			s = status_with("\"state\":\"running\"", "\"pid\":0");
	}
	CHECK(s != NULL);
	CHECK(status_with("\"name\":\"login\",\"workers\":2,\"ready\":2", "\"pid\":0") != NULL);
}

static int segments_open(void)
{
	char path[240];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof path, "%s/site/state/audit", dir);
	for (d = opendir(path); d && (e = readdir(d));)
		n += strstr(e->d_name, ".live") != NULL;
	if (d)
		closedir(d);
	return n;
}

/* A bridge that starts while the disk is full has what it records in soon after there is room, and not a minute later. */
static void test_room_again(void)
{
	const char *s = status_with("\"state\":\"running\"", "\"pid\":0");
	int64_t end = loop_ms() + PATIENCE_MS;
	char dead[40];
	pid_t pid = s ? pid_of(s, "bridge", 0) : -1;

	CHECK_INT(segments_open(), 1);
	*full = 1;
	snprintf(dead, sizeof dead, "\"pid\":%d,", pid);
	if (!CHECK(pid > 0 && kill(pid, SIGKILL) == 0))
		return;
	CHECK(status_with("\"state\":\"running\"", dead) != NULL && status_with("\"state\":\"running\"", "\"pid\":0") != NULL);
	CHECK_INT(segments_open(), 0);
	*full = 0;
	while (!segments_open() && loop_ms() < end)
		pause_a_little();
	CHECK_INT(segments_open(), 1);
}

static void test_stop(void)
{
	const char *s = status_with("\"state\":\"running\"", NULL);
	pid_t bridge = s ? pid_of(s, "bridge", 0) : -1;
	int status;

	CHECK_INT(kill(daemon_pid, SIGTERM), 0);
	CHECK(waitpid(daemon_pid, &status, 0) == daemon_pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(kill(bridge, 0) != 0 && errno == ESRCH);
	CHECK(access(sock, F_OK) != 0);
}

int main(int argc, char **argv)
{
	int role = process_role(argc, argv), front, link, fds[2];
	char command[300];

	if (role >= 0)
		return role;
	if (argc > 1) /* a verb that the supervisor runs by itself: this program has none, and must not test itself once more */
		return 0;
	forks_left = mmap(NULL, 2 * sizeof *forks_left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (forks_left == MAP_FAILED || !mkdtemp(dir))
		return 1;
	*forks_left = -1;
	full = forks_left + 1;
	front = free_port(&fds[0]);
	link = free_port(&fds[1]);
	CHECK_INT(make_site(front, link), 0);
	close(fds[0]);
	close(fds[1]);
	if (test_start()) {
		test_second_daemon();
		test_deaths();
		test_reload();
		test_stuck_worker();
		test_supervisor_killed();
		test_no_more_processes();
		test_room_again();
		test_stop();
	}
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
