/* links: all */
#include <sys/socket.h>
#include <sys/un.h>
#include "bridge/audit/record.h"
#include "bridge/audit/spine.h"
#include "tests/unit/ctl_site.h"

/* What a peer may see and has seen, and how it is cut off from a daemon that runs. */

/* A peer that may see when somebody is busy. */
static void add_peer(void)
{
	CHECK_INT(run_here("peer add site-b --endpoint b.example:7443 --pin " PIN2 " --domain b.example --domain b2.example"), 0);
	CHECK_INT(run_here("peer set site-b --free-busy-access-enabled yes --free-busy-access-level AvailabilityOnly"), 0);
}

/* What the other site's export holds may be anything: no byte of it is a command to our terminal. */
static void compare(void)
{
	static const uint8_t zero[AUDIT_HASH];
	uint8_t hash[AUDIT_HASH];
	char line[512];
	struct buf b;

	buf_init(&b, 4096);
	CHECK_INT(audit_line_put(&b, 1, audit_now(), "query",
	                         A_FIELDS(A_STR("id", "1"), A_STR("requester", "anna@b.example\x1b]0;x\x07"), A_STR("target", "\xc2\x9b" "2J"),
	                                  A_STR("peer", "site-a"), A_STR("direction", "in"), A_STR("level", "None"), A_STR("result", "ok")),
	                         zero, hash), 0);
	site_write("export", buf_cstr(&b));
	buf_free(&b);
	snprintf(line, sizeof(line), "audit compare %s/export --peer site-b --since 2020-01-01 --until 2100-01-01", site_dir);
	CHECK_INT(run_here(line), 1);
	CHECK(says("only site-b: ") && says("anna@b.example?]0;x?") && !strchr(said, '\x1b') && !strstr(said, "\xc2\x9b"));
}

/* Adds to ${b} that one of a.example asked about one of b.example, in ours, or that so many more were refused, in the other site's export. */
static void put_asked(struct buf *b, const char *kind, const char *peer, const char *direction, const char *result, const uint8_t before[AUDIT_HASH])
{
	uint8_t hash[AUDIT_HASH];
	const char *id = strcmp(kind, "query") == 0 ? result : NULL;

	CHECK_INT(audit_line_put(b, 1, audit_now(), kind,
	                         A_FIELDS(A_STR("id", id), A_STR("requester", "anna@a.example"), A_STR("target", id ? "bob@b.example" : NULL),
	                                  A_STR("peer", peer), A_STR("direction", direction), A_STR("level", id ? "Limited" : NULL),
	                                  A_STR("result", result), A_INT("mailboxes", 9), A_INT("seconds", 60)),
	                         before, hash), 0);
}

/* A sum of what the other site refused excuses no record of what it answered, whatever it says, and of the rest what is in it. */
static void compare_sums(void)
{
	static const char *const results[] = {"ok", "no-access"};
	static const uint8_t zero[AUDIT_HASH];
	struct audit_segment segment;
	struct buf b, error;
	char line[512];
	int dir, fd;

	snprintf(line, sizeof line, "%s/state", site_dir);
	buf_init(&error, 1024);
	dir = audit_folder_make(line, getuid(), getgid(), &error);
	CHECK(dir >= 0);
	for (size_t i = 0; i < 2; i++) {
		CHECK((fd = audit_segment_open(dir, 1, &segment, &error)) >= 0);
		buf_init(&b, 4096);
		put_asked(&b, "query", "site-b", "out", results[i], segment.link);
		CHECK_INT(write(fd, buf_ptr(&b), b.len), (long)b.len);
		close(fd);
		buf_free(&b);
	}
	buf_init(&b, 4096);
	for (size_t i = 0; i < 2; i++)
		put_asked(&b, "refused", "site-a", "in", results[i], zero);
	site_write("export", buf_cstr(&b));
	buf_free(&b);
	snprintf(line, sizeof line, "audit compare %s/export --peer site-b --since 2020-01-01 --until 2100-01-01", site_dir);
	CHECK_INT(run_here(line), 1);
	CHECK(says("1 only here") && says("1 that were asked were refused at the other side") && says("bob@b.example\tok"));
	CHECK_INT(audit_segments_close(dir, &(size_t){0}, &error), 0);
	close(dir);
	buf_free(&error);
}

/* Refused for many minutes, each minute with a sum: each record finds its own, in whatever order the questions' ids and the sums are. */
static void compare_many_sums(void)
{
	enum { MINUTES = 20 };
	static const uint8_t zero[AUDIT_HASH];
	uint8_t hash[AUDIT_HASH], before[AUDIT_HASH];
	struct audit_segment segment;
	struct buf ours, theirs, error;
	char line[512], id[16];
	int64_t began = 1735689600000; /* 2025-01-01 */
	int dir, fd;

	snprintf(line, sizeof line, "%s/state", site_dir);
	buf_init(&error, 1024);
	buf_init(&ours, 1 << 16);
	buf_init(&theirs, 1 << 16);
	CHECK((dir = audit_folder_make(line, getuid(), getgid(), &error)) >= 0);
	CHECK((fd = audit_segment_open(dir, 1, &segment, &error)) >= 0);
	memcpy(before, segment.link, AUDIT_HASH);
	for (int64_t i = 0; i < MINUTES; i++) {
		snprintf(id, sizeof id, "%d", (int)(1000 - i));
		CHECK_INT(audit_line_put(&ours, (uint64_t)i + 1, began + i * 60000 + 30000, "query",
		                         A_FIELDS(A_STR("id", id), A_STR("target", "x@b.example"), A_STR("peer", "site-b"), A_STR("direction", "out"),
		                                  A_STR("level", "Limited"), A_STR("result", "no-access")),
		                         before, hash), 0);
		memcpy(before, hash, AUDIT_HASH);
		CHECK_INT(audit_line_put(&theirs, 1, began + (MINUTES - i) * 60000, "refused",
		                         A_FIELDS(A_STR("peer", "site-a"), A_STR("direction", "in"), A_STR("result", "no-access"), A_INT("mailboxes", 1),
		                                  A_INT("seconds", 60)),
		                         zero, hash), 0);
	}
	CHECK_INT(write(fd, buf_ptr(&ours), ours.len), (long)ours.len);
	close(fd);
	site_write("export", buf_cstr(&theirs));
	snprintf(line, sizeof line, "audit compare %s/export --peer site-b --since 2025-01-01 --until 2025-01-02", site_dir);
	CHECK_INT(run_here(line), 0);
	CHECK(says("0 only here") && says("20 that were asked were refused at the other side"));
	CHECK_INT(audit_segments_close(dir, &(size_t){0}, &error), 0);
	close(dir);
	buf_free(&ours);
	buf_free(&theirs);
	buf_free(&error);
}

static void rules(void)
{
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester B.example --target * --level reviewer"), 0);
	CHECK(says("Rule 1 of site-b"));
	CHECK_INT(run_here("rule add --peer site-b --direction out --requester * --target * --level LimitedDetails"), 0);
	CHECK(says("Rule 1 of site-b"));
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester * --target * --level None"), 0);
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester bob@b.example --target anna@a.example --level "
	                   "AvailabilityOnly --position 2"),
	          0);
	CHECK(says("Rule 2 of site-b"));
	CHECK_INT(run_here("rule list --peer site-b --direction in --json"), 0);
	CHECK_STR(
		said,
		"[{\"peer\":\"site-b\",\"direction\":\"in\",\"number\":1,\"requester\":\"b.example\",\"target\":\"*\",\"level\":"
	    "\"LimitedDetails\"},"
		"{\"peer\":\"site-b\",\"direction\":\"in\",\"number\":2,\"requester\":\"bob@b.example\",\"target\":\"anna@a.example\","
	    "\"level\":\"AvailabilityOnly\"},"
		"{\"peer\":\"site-b\",\"direction\":\"in\",\"number\":3,\"requester\":\"*\",\"target\":\"*\",\"level\":\"None\"}]\n");
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester * --target * --level None --position 5"), 1);
	CHECK(says("--position is 1 to 4"));
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester * --target * --level None --position 0"), 2);
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester * --target group:nosuch --level None"), 1);
	CHECK(says("there is no group nosuch"));
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester a@ --target * --level None"), 2);
	CHECK_INT(run_here("rule add --peer site-b --direction up --requester * --target * --level None"), 2);
	CHECK_INT(run_here("rule add --peer local --direction out --requester * --target * --level None"), 2);
	CHECK_INT(run_here("rule add --peer site-x --direction in --requester * --target * --level None"), 1);
	CHECK_INT(run_here("rule remove --peer site-b --direction in 4"), 1);
	CHECK_INT(run_here("rule remove --peer site-b --direction in x"), 2);
	CHECK_INT(run_here("rule remove --peer site-b --direction in 2"), 0);
	CHECK(says("rule in bob@b.example anna@a.example AvailabilityOnly"));
	CHECK_INT(run_here("rule remove --peer site-b --direction in 2"), 0);
	CHECK_INT(run_here("rule add --peer local --direction in --requester * --target boss@a.example --level None --position 1"), 0);
	CHECK_INT(run_here("rule list --peer local"), 0);
	CHECK(says("boss@a.example"));
}

/* A directory that cannot be asked keeps no rule from being written, but it is said that nobody looked. */
static void rules_of_a_directory(void)
{
	char path[4200];

	site_write("directory.conf", "server ldaps://127.0.0.1:1\npreset openldap\nbase dc=a,dc=example\nbind none\ntimeout 1\n");
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester bob@b.example --target anna@a.example --level None"), 0);
	CHECK(says("did not tell whether anna@a.example is somebody's alias") && !says("whether bob@b.example"));
	CHECK_INT(run_here("rule add --peer site-b --direction in --requester * --target a.example --level None"), 0);
	CHECK(!says("alias"));
	CHECK_INT(run_here("rule remove --peer site-b --direction in 3"), 0);
	CHECK_INT(run_here("rule remove --peer site-b --direction in 2"), 0);
	snprintf(path, sizeof(path), "%s/directory.conf", site_dir);
	CHECK_INT(unlink(path), 0);
}

static void explain(void)
{
	/* no calendar is asked, nor whether there is one */
	CHECK_INT(run_here("explain --requester bob@b.example --target anna@a.example"), 0);
	CHECK(says("level      AvailabilityOnly") && says("Rule 1 is the first that matches") && says("But anna@a.example has no calendar: until there is one"));
	site_write("calendars/anna@a.example.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n");
	CHECK_INT(run_here("explain --requester bob@b.example --target anna@a.example --json"), 0);
	/* the rule gives details, the peer's cap does not */
	CHECK(says("\"route\":\"local\",\"peer\":\"site-b\",\"direction\":\"in\"") && says("\"level\":\"AvailabilityOnly\""));
	CHECK(says("\"exists\":\"yes\"") && says("\"backend\":\"calendars\"") && !says("has no calendar"));
	CHECK_INT(run_here("explain --requester anna@a.example --target bob@b.example"), 0);
	CHECK_INT(run_here("explain --requester anna@a.example --target boss@a.example"), 1);
	CHECK_INT(run_here("explain --requester anna@a.example --target eve@e.example"), 1);
	CHECK_INT(run_here("explain --requester eve@e.example --target anna@a.example"), 1);
	CHECK_INT(run_here("explain --requester a.example --target bob@b.example"), 0);
	CHECK_INT(run_here("explain --requester anna@a.example"), 2);
	CHECK_INT(run_here("explain --requester anna --target bob"), 2);
}

/* Something that listens at ${name} as the daemon would, reads one request and answers ${answer} (NULL = hangs up). */
static pid_t stand_in(const char *name, const char *answer, char *request_file)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(a.sun_path, sizeof(a.sun_path), "%.70s/%.30s", site_dir, name);
	unlink(a.sun_path);
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 4) < 0)
		abort();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		char request[256];

		for (;;) {
			int c = accept(s, NULL, NULL);
			size_t n = 0;
			ssize_t got;

			while ((got = read(c, request + n, sizeof(request) - n)) > 0)
				n += (size_t)got;
			FILE *f = n ? fopen(request_file, "we") : NULL;

			if (f) {
				fwrite(request, 1, n, f);
				fclose(f);
			}
			if (n && answer && write(c, answer, strlen(answer)) < 0)
				_exit(1);
			close(c);
		}
	}
	close(s);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* disable and remove act at once on the daemon that runs, and say so if it does not answer. */
static void cut_off(void)
{
	char file[256];
	pid_t pid;

	snprintf(file, sizeof(file), "%s/request", site_dir);
	pid = stand_in("state/control.sock", "0\ndone\n", file);
	CHECK_INT(run_here("peer disable site-b"), 0);
	CHECK(says("Its links are cut."));
	CHECK_STR(content("request"), "peer-shut site-b\n");
	CHECK_INT(run_here("peer show site-b --json"), 0);
	CHECK_STR(content("request"), "peer-show site-b json\n");
	CHECK_STR(said, "done\n");
	CHECK_INT(run_here("status --json"), 0);
	CHECK_STR(content("request"), "status json\n");
	CHECK_INT(run_here("reload"), 0);
	CHECK_STR(content("request"), "reload\n");
	end(pid);
	pid = stand_in("state/control.sock", "1\nno such peer\n", file);
	CHECK_INT(run_here("peer disable site-b"), 1);
	CHECK(says("did not cut its links: no such peer"));
	end(pid);
	pid = stand_in("state/control.sock", NULL, file);
	CHECK_INT(run_here("peer disable site-b"), 1);
	CHECK(says("did not answer") && has_line("peers.d/site-b.conf", "enabled no"));
	/* also with settings that are broken by now: the daemon that runs knew better ones */
	site_write("peers.d/site-z.conf", "rubbish\n");
	CHECK_INT(run_here("peer remove site-b"), 1);
	CHECK(says("did not answer") && !*content("peers.d/site-b.conf") && !strstr(content("address-spaces.conf"), "site-b"));
	end(pid);
	site_remove("peers.d/site-z.conf");
	/* its socket stays behind, but nobody listens */
	CHECK_INT(run_here("status"), 1);
	CHECK(says("no daemon is running"));
}

static void replace_in_main(const char *was, const char *is)
{
	char text[1 << 16];
	const char *all = content("availbridge.conf"), *at = strstr(all, was);

	if (!CHECK(at != NULL))
		return;
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - all), all, is, at + strlen(was));
	site_write("availbridge.conf", text);
}

/*
 * Where the daemon listens and where the NT hashes are stands in the main file, whatever is wrong with the others; and where that cannot be read, it is
 * not known.
 */
static void elsewhere(void)
{
	char file[256], line[512];
	pid_t pid;

	replace_in_main("\"state/control.sock\"", "\"other.sock\"");
	replace_in_main("\"nt-hashes.conf\"", "\"others.conf\"");
	site_write("secret", "hunter2\n");
	snprintf(line, sizeof(line), "account add bea --stands-for server --ntlm --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 0);
	CHECK(strstr(content("others.conf"), "bea nt=") != NULL);
	CHECK_INT(run_here("peer add site-q --endpoint q:7443 --pin " PIN2), 0);
	site_write("peers.d/site-z.conf", "rubbish\n");
	snprintf(line, sizeof(line), "account passwd bea --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 0);
	CHECK(!strstr(content("others.conf"), "bea"));
	snprintf(file, sizeof(file), "%s/request", site_dir);
	pid = stand_in("other.sock", "0\ndone\n", file);
	CHECK_INT(run_here("peer disable site-q"), 0);
	CHECK(says("Its links are cut."));
	CHECK_STR(content("request"), "peer-shut site-q\n");
	end(pid);
	replace_in_main("\nsite = ", "\n}site = "); /* behind a string libconfig would leak its memory */
	CHECK_INT(run_here("peer disable site-q"), 1);
	CHECK(says("it is not known whether that is the place") && !strstr(said, "no link to cut"));
	CHECK_INT(run_here(line), 1);
	CHECK(says("it is not known where NT hashes are kept"));
	replace_in_main("\n}site = ", "\nsite = ");
	site_remove("peers.d/site-z.conf");
	CHECK_INT(run_here("check"), 0);
}

int main(void)
{
	init_site();
	add_peer();
	compare();
	compare_sums();
	compare_many_sums();
	rules();
	rules_of_a_directory();
	explain();
	cut_off();
	elsewhere();
	return site_done();
}
