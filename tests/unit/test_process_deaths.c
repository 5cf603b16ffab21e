/* links: all */
#include <dirent.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "tests/unit/process_daemon.h"

/* A daemon whose processes die, hang, or find no room on the machine. */

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

int main(int argc, char **argv)
{
	int role = process_role(argc, argv);

	if (role >= 0)
		return role;
	if (argc > 1) /* a verb that the supervisor runs by itself: this program has none, and must not test itself once more */
		return 0;
	forks_left = mmap(NULL, 2 * sizeof *forks_left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (forks_left == MAP_FAILED)
		return 1;
	*forks_left = -1;
	full = forks_left + 1;
	site_begin();
	daemon_pid = start_daemon(logs);
	if (CHECK(status_with("\"state\":\"running\"", "\"pid\":0") != NULL)) {
		test_deaths();
		test_stuck_worker();
		test_supervisor_killed();
		test_no_more_processes();
		test_room_again();
		test_stop();
	}
	return site_done();
}
