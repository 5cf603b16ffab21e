/* links: all */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/audit/record.h"
#include "bridge/audit/spine.h"
#include "bridge/conf/conf.h"
#include "bridge/ctl/ctl.h"
#include "bridge/process/control.h"
#include "tests/unit/conf_site.h"

/* The verbs as a person types them, in a site of their own. No daemon runs but where a test puts something in its place. */

static char said[1 << 16]; /* standard output and standard error of the last verb */
#define PIN2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define PIN5 "sha256:5555555555555555555555555555555555555555555555555555555555555555"
#define PIN1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define PIN4 "sha256:4444444444444444444444444444444444444444444444444444444444444444"
#define PIN3 "sha256:3333333333333333333333333333333333333333333333333333333333333333"

/* Runs `availbridge LINE` in a child; '|' stands for a blank inside a word. Returns its exit code. */
static int run(const char *line)
{
	char copy[2048], *argv[64];
	int argc = 0, status, out[2];
	size_t n = 0;
	ssize_t got;

	snprintf(copy, sizeof(copy), "availbridge %s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " ")) {
		for (char *s = w; (s = strchr(s, '|')); s++)
			*s = ' ';
		argv[argc++] = w;
	}
	argv[argc] = NULL;
	if (pipe2(out, O_CLOEXEC) < 0)
		abort();
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		exit(ctl_main(argc, argv));
	}
	close(out[1]);
	while (n < sizeof(said) - 1 && (got = read(out[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = 0;
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 99;
	return WEXITSTATUS(status);
}

static int run_here(const char *line)
{
	char whole[2048];

	snprintf(whole, sizeof(whole), "%s -c %s", line, site_main);
	return run(whole);
}

static bool says(const char *text)
{
	if (strstr(said, text))
		return true;
	fprintf(stderr, "\tsaid: %s", said);
	return false;
}

/* The whole of one of the site's files. */
static const char *content(const char *name)
{
	static char text[1 << 16];
	char path[256];
	FILE *f;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	if ((f = fopen(path, "re"))) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = 0;
	return text;
}

static bool has_line(const char *name, const char *line)
{
	const char *s = content(name);
	size_t n = strlen(line);

	for (; s; s = strchr(s, '\n'), s += s != NULL)
		if (strncmp(s, line, n) == 0 && (s[n] == '\n' || !s[n]))
			return true;
	return false;
}

static void init(void)
{
	char line[512];
	struct stat st;

	strcpy(site_dir, "/tmp/test-verbs-XXXXXX");
	CHECK(mkdtemp(site_dir) != NULL);
	strcat(site_dir, "/deep/a");
	snprintf(site_main, sizeof(site_main), "%s/availbridge.conf", site_dir);
	snprintf(line, sizeof(line),
	         "init --site site-a --domain A.example --domain a2.example --dir %s --front 127.0.0.1:8443 --link :7443 --user=", site_dir);
	CHECK_INT(run(line), 0);
	CHECK(says(site_main));
	CHECK(has_line("address-spaces.conf", "a.example local") && has_line("address-spaces.conf", "a2.example local"));
	CHECK(has_line("peers.d/local.conf", "rule in * * AvailabilityOnly"));
	CHECK(has_line("availbridge.conf", "site = \"site-a\";"));
	CHECK_INT(run_here("check"), 0);
	CHECK_STR(said, "ok\n");
	for (const char *const *name = (const char *const[]){"/accounts.conf", "/identity.key", "/front.key", NULL}; *name; name++) {
		snprintf(line, sizeof(line), "%s%s", site_dir, *name);
		CHECK(stat(line, &st) == 0 && (st.st_mode & 077) == 0);
	}
	/* a second time changes nothing */
	snprintf(line, sizeof(line), "init --site other --domain o.example --dir %s", site_dir);
	CHECK_INT(run(line), 1);
	CHECK(says("nothing is overwritten"));
	CHECK_INT(run_here("check"), 0);
	CHECK(has_line("availbridge.conf", "site = \"site-a\";"));
}

/* What fails leaves nothing behind. */
static void init_fails(void)
{
	char line[512], path[256];

	snprintf(path, sizeof(path), "%s-b", site_dir);
	for (const char *const *wrong =
	         (const char *const[]){"--site local --domain b.example", "--site s --domain b..example",
	                               "--site s --domain b.example --front x", "--site s --domain b.example --public-url http://h",
	                               "--site s --domain b.example extra", "--site s", NULL};
	     *wrong; wrong++) {
		snprintf(line, sizeof(line), "init --dir %s %s", path, *wrong);
		CHECK_INT(run(line), 2);
	}
	snprintf(line, sizeof(line), "init --dir %s --site s --domain b.example --calendars /proc/nowhere", path);
	CHECK_INT(run(line), 1);
	CHECK(access(path, F_OK) < 0);
	snprintf(line, sizeof(line), "init --dir %s --site s --domain b.example --user nobody-of-this-name", path);
	CHECK_INT(run(line), 1);
	CHECK(says("there is no user 'nobody-of-this-name'") && access(path, F_OK) < 0);
}

static void table(void)
{
	CHECK_INT(run(""), 2);
	CHECK_INT(run("help"), 0);
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++) {
		char line[64];

		CHECK_INT(run("help"), 0);
		CHECK(says(v->name) && says(v->about));
		snprintf(line, sizeof(line), "help %s", v->name);
		CHECK_INT(run(line), 0);
		CHECK(strncmp(v->synopsis, v->name, strlen(v->name)) == 0);
		snprintf(line, sizeof(line), "%s --no-such-option", v->name);
		CHECK_INT(run(line), 2);
		snprintf(line, sizeof(line), "%s --help", v->name);
		CHECK_INT(run(line), 0);
	}
	CHECK_INT(run("version"), 0);
	CHECK_STR(said, "availbridge " VERSION "\n");
	CHECK_INT(run("--version"), 0);
	CHECK_INT(run("version --json"), 0);
	CHECK_STR(said, "{\"version\":\"" VERSION "\"}\n");
	CHECK_INT(run("chekc"), 2);
	CHECK(says("did you mean check?"));
	/* of a verb with many forms, the one that was meant */
	CHECK_INT(run("peer set x"), 2);
	CHECK(says("  availbridge peer set NAME") && !strstr(said, "peer invite") && !strstr(said, "peer show"));
	CHECK_INT(run("peer sohw x"), 2);
	CHECK(says("there is no peer sohw; did you mean show?") && says("peer invite"));
	CHECK_INT(run("check -c"), 2);
	CHECK_INT(run("-c /nowhere/x.conf check"), 1);
	CHECK(says("/nowhere/x.conf:1: there is no such file"));
	CHECK_INT(run("-c /nowhere/x.conf peer disable b"), 1);
}

static void spaces(void)
{
	CHECK_INT(run_here("address-space add --forest-name N.example --peer nobody --access-method peruserfb"), 0);
	CHECK(says("next `availbridge reload`"));
	CHECK(has_line("address-spaces.conf", "n.example nobody PerUserFB"));
	CHECK_INT(run_here("address-space get n.example"), 0);
	CHECK_INT(run_here("address-space get --forest-name n.example --json"), 0);
	CHECK_STR(said, "{\"forest_name\":\"n.example\",\"peer\":\"nobody\",\"access_method\":\"PerUserFB\"}\n");
	CHECK_INT(run_here("address-space get x.example"), 1);
	/* a domain has one owner */
	CHECK_INT(run_here("address-space add --forest-name n.example --peer local"), 1);
	CHECK(says("n.example belongs to nobody already"));
	/* the same owner: the whole row is replaced */
	CHECK_INT(run_here("address-space add --forest-name n.example --peer nobody"), 0);
	CHECK(has_line("address-spaces.conf", "n.example nobody OrgWideFB") &&
	      !has_line("address-spaces.conf", "n.example nobody PerUserFB"));
	CHECK_INT(run_here("address-space add --forest-name m.example --peer site-x"), 1);
	CHECK(says("which is no peer") && says("nothing was changed"));
	CHECK(!strstr(content("address-spaces.conf"), "m.example"));
	CHECK_INT(run_here("address-space list --json"), 0);
	CHECK(says("[{\"forest_name\":\"a.example\",\"peer\":\"local\",\"access_method\":\"OrgWideFB\"},"));
	CHECK_INT(run_here("address-space remove n.example"), 0);
	CHECK(!strstr(content("address-spaces.conf"), "n.example"));
	CHECK_INT(run_here("address-space remove n.example"), 1);
	/* the last local domain cannot go, and comments stay as they were */
	CHECK_INT(run_here("address-space remove a2.example"), 0);
	CHECK_INT(run_here("address-space remove a.example"), 1);
	CHECK(strstr(content("address-spaces.conf"), "# Whose each SMTP domain is") != NULL);
	CHECK_INT(run_here("address-space add --forest-name bad..example --peer local"), 2);
	CHECK_INT(run_here("address-space add --forest-name c.example"), 2);
	CHECK_INT(run_here("address-space add --forest-name c.example --peer local --access-method Public"), 2);
}

static void peers(void)
{
	char own[128], line[512];

	CHECK_INT(run_here("identity show"), 0);
	CHECK(sscanf(said, "%100s", own) == 1 && strlen(own) == 71);
	CHECK_INT(run_here("peer add site-b --endpoint b.example:7443 --pin " PIN2 " --domain B.example --domain b2.example"), 0);
	CHECK(has_line("peers.d/site-b.conf", "enabled yes") && has_line("peers.d/site-b.conf", "free-busy-access-enabled no"));
	CHECK(has_line("peers.d/site-b.conf", "pin " PIN2) && !strstr(content("peers.d/site-b.conf"), "\nrule "));
	CHECK(has_line("address-spaces.conf", "b.example site-b OrgWideFB") &&
	      has_line("address-spaces.conf", "b2.example site-b OrgWideFB"));
	/* twelve mistakes: each is refused, shows both sides of it and names the remedy */
	snprintf(line, sizeof(line), "peer add site-c --endpoint c.example:7443 --pin %s", own);
	CHECK_INT(run_here(line), 1);
	CHECK(says("our own") && says(own) && says("identity show"));
	CHECK_INT(run_here("peer add site-c --endpoint c.example:7443 --pin " PIN2), 1);
	CHECK(says("site-b") && says(PIN2));
	CHECK_INT(run_here("peer add site-c --endpoint c.example:7443 --pin " PIN3 " --domain b.example"), 1);
	CHECK(says("b.example belongs to site-b already"));
	CHECK_INT(run_here("peer add site-c --endpoint c.example:7443 --pin " PIN3 " --domain a.example"), 1);
	CHECK(says("a.example belongs to local already"));
	CHECK_INT(run_here("peer add site-b --endpoint c.example:7443 --pin " PIN3), 1);
	CHECK(says("there is a peer site-b already"));
	CHECK_INT(run_here("peer add site-c --endpoint c.example --pin " PIN3), 2);
	CHECK_INT(run_here("peer add site-c --endpoint c.example:7443 --pin sha256:12"), 2);
	CHECK(says("is no pin"));
	CHECK_INT(run_here("peer add local --endpoint c.example:7443 --pin " PIN3), 2);
	CHECK_INT(run_here("peer add ../x --endpoint c.example:7443 --pin " PIN3), 2);
	CHECK_INT(run_here("peer add site-c --endpoint c.example:7443 --pin " PIN3 " --domain c..example"), 2);
	CHECK_INT(run_here("peer add site-c --endpoint c.example:7443 --pin " PIN3 " --domain c.example --domain C.example"), 2);
	CHECK_INT(run_here("peer add site-c --pin " PIN3), 2);
	CHECK(access(site_dir, F_OK) == 0 && !*content("peers.d/site-c.conf"));

	CHECK_INT(run_here("peer set site-b --free-busy-access-enabled yes --free-busy-access-level availabilityonly"), 0);
	CHECK(has_line("peers.d/site-b.conf", "free-busy-access-enabled yes") &&
	      has_line("peers.d/site-b.conf", "free-busy-access-level AvailabilityOnly"));
	CHECK_INT(run_here("peer set site-b"), 2);
	CHECK_INT(run_here("peer set site-b --free-busy-access-enabled maybe"), 2);
	CHECK_INT(run_here("peer set site-b --free-busy-access-level Full"), 2);
	CHECK_INT(run_here("peer set site-x --free-busy-access-enabled yes"), 1);
	CHECK_INT(run_here("peer list --json"), 0);
	CHECK_STR(said, "[{\"name\":\"site-b\",\"enabled\":true,\"unconfirmed\":null,\"endpoints\":[\"b.example:7443\"],\"dial\":\"both\",\"pins\":[\"" PIN2
	                "\"],\"free_busy_access_enabled\":true,"
	                "\"free_busy_access_level\":\"AvailabilityOnly\",\"domains\":[\"b.example\",\"b2.example\"],\"rules\":0}]\n");
	CHECK_INT(run_here("peer disable site-b"), 0);
	CHECK(says("No daemon is running") && has_line("peers.d/site-b.conf", "enabled no"));
	CHECK_INT(run_here("peer enable site-b"), 0);
	CHECK(says("next `availbridge reload`") && has_line("peers.d/site-b.conf", "enabled yes"));
	CHECK_INT(run_here("peer show site-b"), 1);
	CHECK(says(PIN2) && says("no daemon is running"));
	CHECK_INT(run_here("status"), 1);
	CHECK_INT(run_here("reload"), 1);
	CHECK(says("no daemon is running"));
}

/* Who dials, several endpoints; keys that are shut out, with what whoever stole them may have announced. */
/* Of more keys than are kept the oldest are forgotten; whoever asks for one that may be among them is told so, and nothing is done. */
static void many_ancestors(void)
{
	char file[8192], line[8192], *at = file;

	at += sprintf(at, "enabled yes\nendpoint d:1\npin " PIN1 " from=");
	for (int i = 0; i < CONF_FROM_MAX; i++)
		at += sprintf(at, "%ssha256:%064x", i ? "," : "", 0x1000 + i);
	sprintf(at, "\n");
	site_write("peers.d/site-d.conf", file);
	CHECK_INT(run_here("peer take-next site-d --under " PIN1 " --pin " PIN5), 0);
	CHECK(says("taken"));
	at = line + sprintf(line, "next-pin " PIN5 " from=" PIN1);
	for (int i = 0; i < CONF_FROM_MAX - 1; i++)
		at += sprintf(at, ",sha256:%064x", 0x1000 + i);
	CHECK(has_line("peers.d/site-d.conf", line));
	sprintf(line, "peer unpin sha256:%064x", 0x2000);
	CHECK_INT(run_here(line), 1);
	CHECK(says("no peer has the pin") && says("only the last 64 are kept") && says("peer disable site-d"));
	sprintf(line, "peer unpin sha256:%064x", 0x1000 + CONF_FROM_MAX - 1);
	CHECK_INT(run_here(line), 0);
	CHECK(says("comes from it by 64 announcements") && has_line("peers.d/site-d.conf", "enabled no"));
}

static void links(void)
{
	CHECK_INT(run_here("peer add site-d --pin " PIN3 " --dial in"), 0);
	CHECK(has_line("peers.d/site-d.conf", "dial in") && !strstr(content("peers.d/site-d.conf"), "\nendpoint"));
	CHECK_INT(run_here("peer add site-e --pin " PIN3 " --dial out"), 2);
	CHECK_INT(run_here("peer set site-d --dial sideways"), 2);
	CHECK_INT(run_here("peer set site-d --dial both"), 1);
	CHECK(says("the peer has no endpoint"));
	CHECK_INT(run_here("peer set site-d --dial both --endpoint d1.example:7443 --endpoint d2.example:7443"), 0);
	CHECK(strstr(content("peers.d/site-d.conf"), "\nendpoint d1.example:7443\nendpoint d2.example:7443\n") != NULL);
	CHECK(has_line("peers.d/site-d.conf", "dial both"));
	CHECK_INT(run_here("peer set site-d --endpoint d3.example:7443"), 0);
	CHECK(has_line("peers.d/site-d.conf", "endpoint d3.example:7443") && !strstr(content("peers.d/site-d.conf"), "d1.example"));
	CHECK_INT(run_here("peer set site-d --endpoint d3.example"), 2);

	/* the current key goes, the next one was announced under another: it stays and is the current one */
	site_write("peers.d/site-d.conf", "enabled yes\nendpoint d:1\npin " PIN3 " # old\nrule in * * None\nnext-pin " PIN1 " from=" PIN4 "\n");
	CHECK_INT(run_here("peer unpin " PIN3), 0);
	CHECK(says("The pin " PIN3 " of the peer site-d is removed.") && !says("So is"));
	CHECK_STR(content("peers.d/site-d.conf"), "enabled yes\nendpoint d:1\npin " PIN1 " from=" PIN4 "\nrule in * * None\n");
	/* whoever had the key that announced it is not in the file any more, but may have been the thief */
	CHECK_INT(run_here("peer unpin " PIN4), 0);
	CHECK(says("So is the pin " PIN1 ", which was announced under it.") && says("No pin is left"));
	CHECK_STR(content("peers.d/site-d.conf"), "enabled no\nendpoint d:1\nrule in * * None\n");
	CHECK_INT(run_here("peer enable site-d"), 1);
	CHECK(says("the peer has no pin"));
	/* of a next key nobody knows whence, it could be the thief's */
	site_write("peers.d/site-d.conf", "enabled yes\nendpoint d:1\npin " PIN3 "\nnext-pin " PIN1 "\n");
	CHECK_INT(run_here("peer unpin " PIN3), 0);
	CHECK(says("So is the pin " PIN1) && has_line("peers.d/site-d.conf", "enabled no") && !strstr(content("peers.d/site-d.conf"), "pin"));
	/* the next one alone */
	site_write("peers.d/site-d.conf", "enabled yes\nendpoint d:1\npin " PIN3 "\nnext-pin " PIN1 " from=" PIN3 "\n");
	CHECK_INT(run_here("peer unpin " PIN1), 0);
	CHECK_STR(content("peers.d/site-d.conf"), "enabled yes\nendpoint d:1\npin " PIN3 "\n");
	CHECK_INT(run_here("peer unpin " PIN1), 1);
	CHECK(says("no peer has the pin " PIN1));
	CHECK_INT(run_here("peer unpin nonsense"), 2);
	/* a thief who announced twice and retired what he had before: the first key finds the last one, and what follows it by the file alone */
	site_write("peers.d/site-d.conf", "enabled yes\nendpoint d:1\npin " PIN1 " from=" PIN3 "," PIN4 "\nnext-pin " PIN5 " from=" PIN1 "\n");
	CHECK_INT(run_here("peer unpin " PIN4), 0);
	CHECK(says("So is the pin " PIN1 ", which comes from it by 2 announcements") && says("So is the pin " PIN5 ", which was announced under that one."));
	CHECK_STR(content("peers.d/site-d.conf"), "enabled no\nendpoint d:1\n");
	/* what is announced keeps the whole line of its ancestors, and so does what is dropped */
	site_write("peers.d/site-d.conf", "enabled yes\nendpoint d:1\npin " PIN1 " from=" PIN3 "," PIN4 "\n");
	CHECK_INT(run_here("peer take-next site-d --under " PIN1 " --pin " PIN5), 0);
	CHECK(says("taken") && has_line("peers.d/site-d.conf", "next-pin " PIN5 " from=" PIN1 "," PIN3 "," PIN4));
	CHECK_INT(run_here("peer drop-old site-d --under " PIN5 " --pin " PIN1), 0);
	CHECK(says("taken") && has_line("peers.d/site-d.conf", "pin " PIN5 " from=" PIN1 "," PIN3 "," PIN4));
	many_ancestors();
	CHECK_INT(run_here("peer remove site-d"), 0);
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
	CHECK_INT(run_here("explain --requester bob@b.example --target anna@a.example"), 1);
	CHECK(says("There is no mailbox anna@a.example"));
	site_write("calendars/anna@a.example.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n");
	CHECK_INT(run_here("explain --requester bob@b.example --target anna@a.example --json"), 0);
	/* the rule gives details, the peer's cap does not */
	CHECK(says("\"route\":\"local\",\"peer\":\"site-b\",\"direction\":\"in\"") && says("\"level\":\"AvailabilityOnly\""));
	CHECK(says("\"exists\":\"yes\"") && says("\"backend\":\"calendars\""));
	CHECK_INT(run_here("explain --requester anna@a.example --target bob@b.example"), 0);
	CHECK_INT(run_here("explain --requester anna@a.example --target boss@a.example"), 1);
	CHECK_INT(run_here("explain --requester anna@a.example --target eve@e.example"), 1);
	CHECK_INT(run_here("explain --requester eve@e.example --target anna@a.example"), 1);
	CHECK_INT(run_here("explain --requester a.example --target bob@b.example"), 0);
	CHECK_INT(run_here("explain --requester anna@a.example"), 2);
	CHECK_INT(run_here("explain --requester anna --target bob"), 2);
}

static void accounts(void)
{
	char line[512];

	site_write("secret", "hunter2 with blanks\nsecond line\n");
	snprintf(line, sizeof(line), "account add anna --stands-for user:Anna@A.example --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 0);
	CHECK(!strstr(said, "hunter2") && !strstr(content("accounts.conf"), "hunter2"));
	CHECK(strstr(content("accounts.conf"), "\nanna stands-for=user:anna@a.example password=scrypt:") != NULL);
	CHECK_INT(run_here(line), 1);
	CHECK(says("there is an account anna already"));
	snprintf(line, sizeof(line), "account add the|office --stands-for organisation --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 0);
	CHECK_INT(run_here("account list --json"), 0);
	CHECK_STR(said, "[{\"name\":\"anna\",\"stands_for\":\"user:anna@a.example\",\"ntlm\":false},{\"name\":\"the "
	                "office\",\"stands_for\":\"organisation\",\"ntlm\":false}]\n");
	snprintf(line, sizeof(line), "account add eve --stands-for user:eve@b.example --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 1);
	CHECK(says("in none of our domains"));
	snprintf(line, sizeof(line), "account add eve --stands-for everybody --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 2);
	CHECK_INT(run_here("account add a:b --stands-for server"), 2);
	CHECK_INT(run_here("account add eve --stands-for server --password-file /nowhere"), 1);
	/* standard input is empty here */
	CHECK_INT(run_here("account add eve --stands-for server"), 1);
	CHECK_INT(run_here("account remove the|office"), 0);
	CHECK_INT(run_here("account remove the|office"), 1);
	site_remove("secret");
}

/* What an administrator wrote by hand stays, byte for byte, but for the entry itself; and a broken file is not made worse. */
static void by_hand(void)
{
	const char *text = "# mine\n\n  enabled   yes # of course\nendpoint b.example:7443\npin " PIN2
					   "\n# rules\nrule in * * AvailabilityOnly\n";

	site_write("peers.d/site-b.conf", text);
	CHECK_INT(run_here("peer disable site-b"), 0);
	CHECK_STR(content("peers.d/site-b.conf"),
	          "# mine\n\nenabled no\nendpoint b.example:7443\npin " PIN2 "\n# rules\nrule in * * AvailabilityOnly\n");
	CHECK_INT(
		run_here("rule add --peer site-b --direction in --requester b.example --target a.example --level None --position 1"), 0);
	CHECK_STR(content("peers.d/site-b.conf"), "# mine\n\nenabled no\nendpoint b.example:7443\npin " PIN2
	                                          "\n# rules\nrule in b.example a.example None\nrule in * * AvailabilityOnly\n");
	site_write("peers.d/site-z.conf", "enabled yes\n");
	CHECK_INT(run_here("check"), 1);
	CHECK(says("site-z.conf:1: the peer has no pin."));
	CHECK_INT(run_here("check --json"), 1);
	CHECK(says("{\"ok\":false,\"problems\":[{\"file\":"));
	CHECK_INT(run_here("peer enable site-b"), 0);
	CHECK_INT(run_here("peer remove site-z"), 0);
	CHECK_INT(run_here("check"), 0);
}

/* Certificates and keys are looked at too, and a fault is shown where the setting stands. */
static void keys(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/front.key", site_dir);
	chmod(path, 0640);
	CHECK_INT(run_here("check"), 1);
	CHECK(says("availbridge.conf:") && !strstr(said, "availbridge.conf:1:") && says("front.key"));
	chmod(path, 0600);
	CHECK_INT(run_here("check"), 0);
}

/* What the daemon passes on without the word of the peer's key in use may be the word of whoever runs in a bridge: the admin is asked, nothing is dropped. */
static void unproven_keys(void)
{
	CHECK_INT(run_here("peer add site-u --endpoint u:7443 --pin " PIN1), 0);
	CHECK_INT(run_here("peer take-next site-u --under " PIN1 " --pin " PIN5 " --proof 00.00"), 0);
	CHECK_STR(said, "waits\n");
	CHECK(!strstr(content("peers.d/site-u.conf"), "\nnext-pin"));
	CHECK_INT(run_here("peer confirm-next site-u"), 0);
	CHECK(has_line("peers.d/site-u.conf", "next-pin " PIN5 " from=" PIN1));
	CHECK_INT(run_here("peer drop-old site-u --under " PIN5 " --pin " PIN1 " --proof 00.00"), 0);
	CHECK(says("refused: nothing shows") && has_line("peers.d/site-u.conf", "pin " PIN1));
	CHECK_INT(run_here("peer drop-old site-u --under " PIN5 " --pin " PIN1), 0);
	CHECK_STR(said, "taken\n");
	/* One that waited does so no more once it is taken, because the peer has learned to prove it or the admin wrote it down himself. */
	CHECK_INT(run_here("peer take-next site-u --under " PIN5 " --pin " PIN1 " --proof 00.00"), 0);
	CHECK_STR(said, "waits\n");
	CHECK_INT(run_here("peer take-next site-u --under " PIN5 " --pin " PIN1), 0);
	CHECK_STR(said, "taken\n");
	CHECK(run_here("peer confirm-next site-u") != 0 && says("no next key"));
	CHECK_INT(run_here("peer drop-old site-u --under " PIN1 " --pin " PIN5), 0);
	CHECK_INT(run_here("peer take-next site-u --under " PIN1 " --pin " PIN5 " --proof 00.00"), 0);
	CHECK_STR(said, "waits\n");
	CHECK_INT(run_here("peer set site-u --next-pin " PIN5), 0);
	CHECK(run_here("peer confirm-next site-u") != 0 && says("no next key"));
	CHECK_INT(run_here("peer remove site-u"), 0);
}

/* A key that waits for the admin was announced by another key; when that is the peer's no more, nobody can confirm it. */
static void waiting_keys(void)
{
	char conf[1 << 16], line[512], next[80], *at;

	strcpy(conf, content("availbridge.conf"));
	at = strstr(conf, "\naccept_next = \"yes\";");
	CHECK(at != NULL);
	memmove(at + strlen("\naccept_next = \"confirm\""), at + strlen("\naccept_next = \"yes\""), strlen(at + strlen("\naccept_next = \"yes\"")) + 1);
	memcpy(at, "\naccept_next = \"confirm\"", strlen("\naccept_next = \"confirm\""));
	site_write("availbridge.conf", conf);
	CHECK_INT(run_here("peer add site-w --endpoint w:7443 --pin " PIN1), 0);
	CHECK_INT(run_here("peer take-next site-w --under " PIN1 " --pin " PIN5), 0);
	CHECK_STR(said, "waits\n");
	/* as it should be */
	CHECK_INT(run_here("peer confirm-next site-w"), 0);
	CHECK(has_line("peers.d/site-w.conf", "next-pin " PIN5 " from=" PIN1));
	CHECK_INT(run_here("peer confirm-next site-w"), 1);
	/* the peer has got a new key by hand, since its old one was stolen */
	CHECK_INT(run_here("peer set site-w --pin " PIN1), 0);
	CHECK_INT(run_here("peer take-next site-w --under " PIN1 " --pin " PIN5), 0);
	CHECK_STR(said, "waits\n");
	CHECK_INT(run_here("peer set site-w --pin " PIN3), 0);
	CHECK_INT(run_here("peer confirm-next site-w"), 1);
	CHECK(says(PIN1) && says("forgotten") && !strstr(content("peers.d/site-w.conf"), "\nnext-pin"));
	/* what waited so stands in nobody's way */
	CHECK_INT(run_here("peer set site-w --pin " PIN1), 0);
	CHECK_INT(run_here("peer take-next site-w --under " PIN1 " --pin " PIN5), 0);
	CHECK_INT(run_here("peer set site-w --pin " PIN3), 0);
	CHECK_INT(run_here("peer take-next site-w --under " PIN3 " --pin " PIN4), 0);
	CHECK_STR(said, "waits\n");
	/* the whole peer is another one of the same name */
	CHECK_INT(run_here("peer remove site-w"), 0);
	CHECK_INT(run_here("peer add site-w --endpoint w:7443 --pin " PIN1), 0);
	CHECK_INT(run_here("peer confirm-next site-w"), 1);
	CHECK(!strstr(content("peers.d/site-w.conf"), "\nnext-pin"));
	/* and has not taken what the one before had taken */
	CHECK_INT(run_here("identity next"), 0);
	CHECK(says("sha256:") && sscanf(strstr(said, "sha256:"), "%71[^.]", next) == 1);
	snprintf(line, sizeof(line), "site-w %s 1800000000\n", next);
	site_write("state/next-taken", line);
	CHECK_INT(run_here("peer remove site-w"), 0);
	CHECK_INT(run_here("peer add site-w --endpoint w:7443 --pin " PIN1), 0);
	CHECK_INT(run_here("identity promote"), 1);
	CHECK(says("site-w have") && says("not taken the next key"));
	CHECK_INT(run_here("peer remove site-w"), 0);
}

/* How often the audit has a record of ${kind} whose command is ${verb}. */
static size_t records(const char *kind, const char *verb)
{
	char mark[64], command[64];
	size_t n = 0;

	CHECK_INT(run_here("audit show --json"), 0);
	snprintf(mark, sizeof(mark), "\"kind\":\"%s\"", kind);
	snprintf(command, sizeof(command), "\"identity\",\"%s\"", verb);
	for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
		n += strstr(line, mark) && strstr(line, command);
	return n;
}

/* A step of the keys that cannot be done is in the audit as one that was not. */
static void identity_fails(void)
{
	char path[4200];
	size_t failed;

	CHECK_INT(run_here("identity next"), 1); /* an earlier one stands there: nothing is begun */
	CHECK_INT(records("change-failed", "next"), 0);
	site_write("identity-next.key", "no key\n");
	CHECK_INT(run_here("identity promote --force"), 1);
	CHECK_INT(records("change", "promote"), 1);
	CHECK_INT(records("change-failed", "promote"), 1);
	snprintf(path, sizeof(path), "%s/identity-next.key", site_dir);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/identity-next.pem", site_dir);
	CHECK_INT(unlink(path), 0);
	failed = records("change", "next");
	CHECK_INT(run_here("identity next"), 1);
	CHECK_INT(records("change", "next"), failed + 1);
	CHECK_INT(records("change-failed", "next"), 1);
	snprintf(path, sizeof(path), "%s/identity-next.key", site_dir);
	CHECK_INT(rmdir(path), 0);
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

/* Two verbs at once: neither loses the other's edit. */
static void at_once(void)
{
	enum { N = 6 };
	pid_t pids[N];

	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			char line[128];

			snprintf(line, sizeof(line), "address-space add --forest-name p%d.example --peer nobody", i);
			_exit(run_here(line));
		}
	}
	for (int i = 0; i < N; i++) {
		char row[64];
		int status;

		CHECK(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
		snprintf(row, sizeof(row), "p%d.example nobody OrgWideFB", i);
		CHECK(has_line("address-spaces.conf", row));
	}
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

/* What a link leads to may be anybody's, and its rights are no rights of a file. */
static void linked(void)
{
	char path[256], line[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/accounts.conf", site_dir);
	site_write("real.conf", content("accounts.conf"));
	CHECK(unlink(path) == 0 && symlink("real.conf", path) == 0);
	site_write("secret", "hunter2\n");
	snprintf(line, sizeof(line), "account add linda --stands-for server --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 1);
	CHECK(says("accounts.conf is a symbolic link") && says("nothing was changed"));
	CHECK(lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && !strstr(content("real.conf"), "linda"));
	CHECK_INT(run_here("check"), 0);
	snprintf(line, sizeof(line), "%s/real.conf", site_dir);
	CHECK(unlink(path) == 0 && rename(line, path) == 0);
}

/* What nothing is there for is said, and no command is printed that would do half of it. */
static void exchange(void)
{
	char line[512];

	CHECK_INT(run_here("peer add site-x --endpoint x:7443 --pin " PIN4), 0);
	CHECK_INT(run_here("exchange-setup site-x"), 1);
	CHECK(says("# MISSING: no domain in the table is site-x's") && !strstr(said, "AvailabilityAddressSpace -") && !strstr(said, "$login"));
	CHECK_INT(run_here("address-space add --forest-name x.example --peer site-x"), 0);
	site_write("secret", "hunter2\n");
	snprintf(line, sizeof(line), "account add it's|$(us) --stands-for organisation --ntlm --password-file %s/secret", site_dir);
	CHECK_INT(run_here(line), 0);
	CHECK_INT(run_here("exchange-setup site-x --user it's|$(us)"), 0);
	CHECK(says("\n$login = Get-Credential -Credential 'it''s $(us)'\n"));
	CHECK(says("\nAdd-AvailabilityAddressSpace -ForestName 'x.example' -AccessMethod OrgWideFB -Credentials $login -TargetAutodiscoverEpr 'https://"));
	CHECK_INT(run_here("exchange-setup site-x --version 2010 --remove"), 0);
	CHECK_STR(strchr(said, '\n'), "\nRemove-AvailabilityAddressSpace 'x.example' -Confirm:$false\n# Exchange may remember them for a while.\n");
	CHECK_INT(run_here("exchange-setup site-x site-y"), 2);
}

int main(void)
{
	init();
	init_fails();
	table();
	spaces();
	peers();
	links();
	unproven_keys();
	waiting_keys();
	identity_fails();
	compare();
	compare_sums();
	rules();
	rules_of_a_directory();
	explain();
	accounts();
	exchange();
	by_hand();
	keys();
	at_once();
	cut_off();
	linked();
	elsewhere();
	*strstr(site_dir, "/deep") = 0;
	site_end();
	return check_done();
}
