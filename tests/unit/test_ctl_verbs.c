/* links: all */
#include "tests/unit/ctl_site.h"

/* A new site, the table of the verbs, and what stands in the site's own files: domains, accounts, and what was written by hand. */

static void init(void)
{
	char line[512];
	struct stat st;

	init_site();
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
	/* a next key that nobody can be told of keeps no daemon from starting */
	CHECK_INT(run_here("identity next"), 0);
	CHECK_INT(run_here("check"), 0);
	CHECK(!says("next key"));
	snprintf(path, sizeof(path), "%s/identity-next.key", site_dir);
	chmod(path, 0640);
	CHECK_INT(run_here("check"), 0);
	CHECK(says("the next key of the link cannot be announced") && says("chmod 600"));
	unlink(path);
	snprintf(path, sizeof(path), "%s/identity-next.pem", site_dir);
	unlink(path);
	CHECK_INT(run_here("check"), 0);
	CHECK(!says("next key"));
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

int main(void)
{
	init();
	init_fails();
	table();
	spaces();
	accounts();
	exchange();
	by_hand();
	keys();
	at_once();
	linked();
	return site_done();
}
