/* links: all */
#include "tests/unit/process_daemon.h"

/* A daemon that starts, says how it is, takes new settings or refuses them, and stops. */

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
	CHECK(strstr(ask("query alice@a.example", &code), "Fault") && code == 0); /* an empty request: a fault is an answer */
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

int main(int argc, char **argv)
{
	int role = process_role(argc, argv);

	if (role >= 0)
		return role;
	if (argc > 1) /* a verb that the supervisor runs by itself: this program has none, and must not test itself once more */
		return 0;
	site_begin();
	if (test_start()) {
		test_second_daemon();
		test_reload();
		test_stop();
	}
	return site_done();
}
