/* links: base availability conf pki */
#include "bridge/conf/conf.h"
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "bridge/base/text.h"
#include "pki/identity.h"
#include "tests/unit/conf_site.h"

#define PIN1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define PIN2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define HASH "scrypt:16384:8:1:AAAAAAAAAAAAAAAAAAAAAA==:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PEER "enabled yes\nendpoint b.example:7443\npin " PIN1 "\n"

static void whole(void)
{
	struct conf_problems p = {0};
	struct conf *c;

	site_write("address-spaces.conf", "A.Example local\nb.example site-b PerUserFB\nb\xc3\xbc"
	                                  "cher.example. site-b\nold.example nobody orgwidefb\n");
	site_write("accounts.conf",
	           "anna stands-for=user:Anna@a.example password=" HASH "\n\"the org\" stands-for=organisation password=" HASH
	           "\nex stands-for=server password=" HASH "\n");
	site_write("peers.d/site-b.conf",
	           PEER "next-pin " PIN2 "\nendpoint [::1]:7444\nfree-busy-access-enabled yes\nfree-busy-access-level reviewer\n"
	                "rule in B.example * AvailabilityOnly\nrule out * Bob@B.EXAMPLE LimitedDetails\n");
	site_write("peers.d/.swap.conf", "rubbish\n");
	site_write("peers.d/site-b.conf~", "rubbish\n");
	c = conf_load(site_main, &p);
	CHECK_INT(p.n, 0);
	if (!CHECK(c != NULL))
		return;
	CHECK_STR(c->site, "site-a");
	CHECK_STR(c->primary_domain, "a.example");
	CHECK_STR(c->front_listen, "127.0.0.1:8443");
	CHECK_STR(c->public_url, "https://localhost:8443");
	CHECK(strncmp(c->calendars, site_dir, strlen(site_dir)) == 0 && strcmp(c->calendars + strlen(site_dir), "/calendars") == 0);
	CHECK_INT(c->query_deadline_ms, 10000);
	CHECK_INT(c->hard_stop_ms, 20000);
	CHECK_INT(c->working_start, 540);
	CHECK_INT(c->working_days, 0x3e);
	CHECK_INT(c->n_spaces, 4);
	CHECK_STR(c->spaces[0].forest_name, "a.example");
	CHECK_INT(c->spaces[1].method, CONF_PER_USER_FB);
	CHECK_STR(c->spaces[2].forest_name, "xn--bcher-kva.example");
	CHECK_INT(c->spaces[2].method, CONF_ORG_WIDE_FB);
	CHECK_STR(c->spaces[3].peer, "nobody");
	CHECK_INT(c->n_accounts, 3);
	CHECK_STR(c->accounts[0].address, "anna@a.example");
	CHECK_STR(c->accounts[1].name, "the org");
	CHECK_INT(c->accounts[2].kind, CONF_FOR_SERVER);
	CHECK_STR(c->accounts[0].password, HASH);
	conf_forget_passwords(c);
	CHECK(c->accounts[0].password == NULL);
	CHECK_INT(c->n_peers, 2);
	CHECK_STR(c->peers[0].name, "local");
	CHECK(c->peers[0].enabled && c->peers[0].access_enabled && c->peers[0].access_level == FB_LEVEL_LIMITED_DETAILS);
	const struct conf_peer *b = conf_peer_named(c, "site-b");

	CHECK(b == &c->peers[1] && b->enabled && b->access_enabled && b->access_level == FB_LEVEL_LIMITED_DETAILS);
	CHECK_INT(b->n_endpoints, 2);
	CHECK_INT(b->n_pins, 2);
	CHECK_INT(b->pins[0][0], 0x11);
	CHECK_INT(b->pins[1][31], 0x22);
	CHECK_INT(b->n_rules, 2);
	CHECK(b->rules[0].in && !b->rules[1].in);
	CHECK_STR(b->rules[0].requester, "b.example");
	CHECK_STR(b->rules[1].target, "bob@b.example");
	CHECK(conf_peer_named(c, "site-c") == NULL && conf_group_named(c, "x") == NULL);
	conf_free(c);
	site_remove("accounts.conf");
	conf_free(NULL);
}

/* What a peer's file does not say is off. */
static void nothing_is_off(void)
{
	struct conf_problems p = {0};
	struct conf *c;

	site_write("peers.d/site-b.conf", "endpoint b.example:7443\npin " PIN1 "\n");
	site_write("address-spaces.conf", "a.example local\n");
	c = conf_load(site_main, &p);
	CHECK_INT(p.n, 0);
	if (c)
		CHECK(!c->peers[1].enabled && !c->peers[1].access_enabled && c->peers[1].access_level == FB_LEVEL_NONE &&
		      c->peers[1].n_rules == 0);
	conf_free(c);
	site_remove("peers.d/site-b.conf");
}

/* One file with one fault each: what is said of it. */
static void one_fault(const char *file, const char *text, const char *want)
{
	char was[8192] = "", path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", site_dir, file);
	if ((f = fopen(path, "re"))) {
		was[fread(was, 1, sizeof(was) - 1, f)] = 0;
		fclose(f);
	}
	site_write(file, text);
	CHECK_STR(site_problems(), want);
	if (*was)
		site_write(file, was);
	else
		site_remove(file);
}

#define MAIN "site = \"s\";\npublic_url = \"https://h\";\nhidden = [];\n"

static void main_file(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{MAIN, ""},
		{"\xef\xbb\xbf" MAIN, "availbridge.conf:1: the file begins with a byte order mark, which no editor shows\n"},
		{"site = \"s\";\r\npublic_url = \"https://h\";\r\n# a comment\r\nhidden = [];\r\n", ""},
		{MAIN "bridges = 2;\nquery_deadline = 5;\nhard_stop = \"1500 ms\";",
	     "availbridge.conf:6: hard_stop comes before query_deadline\n"},
		{MAIN "query_dedline = 5;", "availbridge.conf:4: there is no setting 'query_dedline'\n"},
		{MAIN "bridges = 0;", "availbridge.conf:4: the value of bridges is not right\n"},
		{MAIN "bridges = 65;", "availbridge.conf:4: the value of bridges is not right\n"},
		{MAIN "bridges = \"2\";", "availbridge.conf:4: the value of bridges is not right\n"},
		{MAIN "bridges = 2.0;", "availbridge.conf:4: the value of bridges is not right\n"},
		{MAIN "query_deadline = \"10 h\";", "availbridge.conf:4: the value of query_deadline is not right\n"},
		{MAIN "query_deadline = \"99999999999 s\";", "availbridge.conf:4: the value of query_deadline is not right\n"},
		{MAIN "query_deadline = -1;", "availbridge.conf:4: the value of query_deadline is not right\n"},
		{MAIN "query_deadline = \"1 ms\";", "availbridge.conf:4: the value of query_deadline is not right\n"},
		{MAIN "front_listen = \"localhost\";", "availbridge.conf:4: the value of front_listen is not right\n"},
		{MAIN "front_listen = \"localhost:0\";", "availbridge.conf:4: the value of front_listen is not right\n"},
		{MAIN "link_listen = \"::1:7443\";", "availbridge.conf:4: the value of link_listen is not right\n"},
		{MAIN "working_days = \"Mon Mon\";", "availbridge.conf:4: the value of working_days is not right\n"},
		{MAIN "working_start = \"9:00\";", "availbridge.conf:4: the value of working_start is not right\n"},
		{MAIN "working_start = \"17:00\";", "availbridge.conf:4: the working day ends before it starts\n"},
		{MAIN "working_zone = \"Mars/Base\";", "availbridge.conf:4: the value of working_zone is not right\n"},
		{MAIN "log_format = \"xml\";", "availbridge.conf:4: the value of log_format is not right\n"},
		{MAIN "log_format = \"tex\";", "availbridge.conf:4: the value of log_format is not right\n"},
		{MAIN "primary_domain = \"b.example\";", "availbridge.conf:4: primary_domain b.example is not one of our own domains\n"},
		{MAIN "groups = { board = [\"anna@\", \"b.example\"]; };",
	     "availbridge.conf:4: board has a member that is no address: 'anna@'\n"},
		{MAIN "groups = [\"anna@a.example\"];", "availbridge.conf:4: groups is no group of lists\n"},
		{MAIN "x = 1;\ny = 2;\nbridges = 0;", "availbridge.conf:4: there is no setting 'x'\navailbridge.conf:5: there is no "
	                                          "setting 'y'\navailbridge.conf:6: the value of bridges is not right\n"},
		{"site = \"s\";\npublic_url = \"https://h\";\n", "availbridge.conf:0: the setting hidden is missing\n"},
		{"hidden = [];",
	     "availbridge.conf:0: the setting site is missing\navailbridge.conf:0: the setting public_url is missing\n"},
		{MAIN "  @include \"/etc\"\n", "availbridge.conf:4: @include is not allowed here\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		one_fault("availbridge.conf", cases[i].text, cases[i].want);
	one_fault("availbridge.conf", "site = \"local\";\npublic_url = \"http://h\";\nhidden = [\"a.example\"];",
	          "availbridge.conf:1: the value of site is not right\navailbridge.conf:2: the value of public_url is not right\n"
	          "availbridge.conf:3: hidden has a member that is no address: 'a.example'\n");
	site_write("availbridge.conf", MAIN "site = \"t\";");
	CHECK(strstr(site_problems(), "availbridge.conf:4: this setting stands in the file already") != NULL);
	site_write("availbridge.conf", MAIN "bridges = ;");
	CHECK(strstr(site_problems(), "availbridge.conf:4: the file cannot be understood") != NULL);
	site_write("availbridge.conf", MAIN "calendars = \"nowhere\";");
	CHECK(strstr(site_problems(), "availbridge.conf:4: the calendars folder") != NULL);
}

/* Of a folder of calendars on a file server that shuts out root nothing is said to a root who will be another user, but to one who stays root. */
static void shut_out(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	char calendars[128];
	int status = -1;

	snprintf(calendars, sizeof calendars, "%s/calendars", site_dir);
	if (geteuid() != 0)
		return;
	CHECK_INT(chown(calendars, 65534, 65534), 0);
	if (fork() == 0) {
		syscall(SYS_capset, &header, none);
		site_write("availbridge.conf", MAIN "user = \"\";");
		bool told = strstr(site_problems(), "cannot be used: Permission denied") != NULL;
		site_write("availbridge.conf", MAIN "user = \"nobody\";");
		_exit(told && !*site_problems() ? 0 : 1);
	}
	wait(&status);
	CHECK_INT(status, 0);
	CHECK_INT(chown(calendars, 0, 0), 0);
}

static void other_files(void)
{
	site_write("availbridge.conf", MAIN "groups = { board = [\"anna@a.example\"]; };");
	one_fault("address-spaces.conf", "a.example local\nb.example site-x\n",
	          "address-spaces.conf:2: b.example points to 'site-x', which is no peer\n");
	one_fault("address-spaces.conf", "a.example local\nb.example nobody\nB.EXAMPLE local\n",
	          "address-spaces.conf:3: b.example is nobody's already in line 2\n");
	one_fault("address-spaces.conf", "# none\n", "address-spaces.conf:0: no domain is our own\n");
	one_fault("address-spaces.conf", "a.example local\nb..example local\nc.example\nd.example local PerUser\n",
	          "address-spaces.conf:2: 'b..example' is no domain\naddress-spaces.conf:3: an address space has two or three words, "
	          "not 1\n"
	          "address-spaces.conf:4: 'PerUser' is no access method\n");
	one_fault("accounts.conf", "a stands-for=user:x@b.example password=" HASH "\nA stands-for=server password=" HASH "\n",
	          "accounts.conf:1: x@b.example is in none of our domains\naccounts.conf:2: the account A is there twice\n");
	one_fault("accounts.conf",
	          "a stands-for=all password=" HASH "\nb:c stands-for=server password=" HASH
	          "\nd stands-for=server password=plain\ne\n",
	          "accounts.conf:1: a stands for nobody: 'all'\naccounts.conf:2: the account's name cannot be used to log in\n"
	          "accounts.conf:3: the password of d is no hash\naccounts.conf:4: this is no account\n");
	one_fault("peers.d/site-b.conf", PEER "rule in * * None\nrule in * group:bored None\nrule in group:board * None\n",
	          "peers.d/site-b.conf:5: there is no group bored\n");
	one_fault("peers.d/site-b.conf",
	          PEER
	          "rull in * * None\nrule up * * None\nrule in * * Some\nrule in * *\nrule in a b@ None\nenabled no\nenabled maybe\n",
	          "peers.d/site-b.conf:4: 'rull' is no setting of a peer\npeers.d/site-b.conf:5: 'up' is no "
	          "direction\npeers.d/site-b.conf:6: 'Some' is no level\n"
	          "peers.d/site-b.conf:7: rule has 5 words, not 4\npeers.d/site-b.conf:8: 'b@' is no target\npeers.d/site-b.conf:9: "
	          "enabled is given twice\n"
	          "peers.d/site-b.conf:10: enabled is given twice\n");
	one_fault(
		"peers.d/site-b.conf",
		"next-pin " PIN1 "\npin x\nendpoint b.example\nfree-busy-access-enabled on\nfree-busy-access-level Full\n",
		"peers.d/site-b.conf:1: next-pin stands out of order\npeers.d/site-b.conf:2: 'x' is no pin\npeers.d/site-b.conf:3: "
	    "the value of endpoint is not right: 'b.example'\n"
		"peers.d/site-b.conf:4: the value of free-busy-access-enabled is not right: 'on'\npeers.d/site-b.conf:5: the value of free-busy-access-level is not right: 'Full'\n");
	one_fault("peers.d/site-b.conf", "enabled yes\n",
	          "peers.d/site-b.conf:0: the peer has no pin\npeers.d/site-b.conf:0: the peer has no endpoint\n");
	one_fault("peers.d/site-b.conf", PEER "unconfirmed \"one two\"\n",
	          "peers.d/site-b.conf:4: the peer is enabled before its six words were compared\n");
	one_fault("peers.d/site-b.conf", PEER "next-pin " PIN1 "\n", "peers.d/site-b.conf:4: pin and next-pin are the same: " PIN1 "\n");
	one_fault("peers.d/local.conf", "enabled no\nrule out * * None\n",
	          "peers.d/local.conf:1: 'enabled' is no setting of our own people\n"
	          "peers.d/local.conf:2: rules about our own people have the direction in\n");
	one_fault("peers.d/nobody.conf", PEER, "peers.d:0: 'nobody' cannot be the name of a peer\n");
	one_fault("peers.d/a b.conf", PEER, "peers.d:0: 'a b' cannot be the name of a peer\n");
	site_write("peers.d/site-b.conf", PEER);
	one_fault("peers.d/site-c.conf", PEER, "peers.d/site-c.conf:3: site-c has the same pin as site-b: " PIN1 "\n");
	site_remove("peers.d/site-b.conf");
}

static void loose_accounts(void)
{
	char path[128];

	site_write("accounts.conf", "a stands-for=server password=" HASH "\n");
	CHECK_STR(site_problems(), "");
	snprintf(path, sizeof(path), "%s/accounts.conf", site_dir);
	chmod(path, 0640);
	CHECK(strstr(site_problems(), "accounts.conf:0: others than its owner may read or write this file") != NULL);
	chmod(path, 0600);
}

static void own_pin(void)
{
	char key[128], cert[128], text[PKI_PIN_TEXT], peer[512];
	uint8_t pin[PKI_PIN_LEN];
	struct buf error;

	buf_init(&error, 4096);
	snprintf(key, sizeof(key), "%s/identity.key", site_dir);
	snprintf(cert, sizeof(cert), "%s/identity.pem", site_dir);
	CHECK_INT(pki_identity_create("site-a", key, cert, &error), 0);
	CHECK_INT(pki_identity_pin(cert, pin, &error), 0);
	pki_pin_text(text, pin);
	snprintf(peer, sizeof(peer), "enabled yes\nendpoint b.example:1\npin %s\n", text);
	site_write("peers.d/site-b.conf", peer);
	CHECK(strstr(site_problems(), "is our own pin, not the peer's") != NULL);
	site_remove("peers.d/site-b.conf");
	buf_free(&error);
}

static void too_big(void)
{
	static char text[(1 << 20) + 2];

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, MAIN, sizeof(MAIN) - 1);
	text[1 << 20] = 0;
	one_fault("availbridge.conf", text, "");
	text[1 << 20] = ' ';
	one_fault("availbridge.conf", text, "availbridge.conf:0: the file is larger than 1048576 bytes\n");
	/* names that the parser would compare for minutes */
	for (size_t at = sizeof(MAIN) - 1, i = 0; i < 11000; i++)
		at += (size_t)sprintf(text + at, "x%zu = 1;\n", i);
	one_fault("availbridge.conf", text, "availbridge.conf:0: the file has more than 10000 settings and groups\n");
}

/* A file that is wrong in every line is not told in every line. */
static void many_problems(void)
{
	struct conf_problems p = {0};

	for (int i = 0; i < 100000; i++)
		conf_problem_add(&p, "x", i, "y", "z %d", i);
	CHECK_INT(p.n, 1001);
	CHECK_STR(p.list[999].what, "z 999");
	CHECK_STR(p.list[1000].what, "there is more; it is not shown");
	conf_problems_free(&p);
}

/* An edit that is not written yet is judged as if it were. */
static void changed(void)
{
	struct conf_problems p = {0};
	char rows[128], peer[128], local[128];
	struct conf *c;

	conf_file_path(rows, sizeof(rows), site_main, "address-spaces.conf");
	conf_file_path(peer, sizeof(peer), site_main, "peers.d/site-n.conf");
	conf_file_path(local, sizeof(local), site_main, "peers.d/local.conf");
	const struct conf_change both[] = {{peer, PEER}, {rows, "a.example local\nn.example site-n\n"}}, gone[] = {{local, NULL}};

	c = conf_load_changed(site_main, both, 2, &p);
	CHECK(c && conf_peer_named(c, "site-n") && c->n_spaces == 2);
	conf_free(c);
	CHECK(conf_load_changed(site_main, both + 1, 1, &p) == NULL && p.n == 1);
	conf_problems_free(&p);
	c = conf_load_changed(site_main, gone, 1, &p);
	CHECK(c && c->peers[0].n_rules == 0);
	conf_free(c);
	c = conf_load(site_main, &p);
	CHECK(c && c->n_peers == 1 && c->peers[0].n_rules == 1);
	conf_free(c);
}

static void warnings(void)
{
	struct conf_problems p = {0};
	struct conf *c;

	site_write("peers.d/site-b.conf", PEER
	           "rule in c.example * None\nrule in * * None\nrule in b.example x@c.example None\nrule out * c.example None\n");
	site_write("address-spaces.conf", "a.example local\n");
	c = conf_load(site_main, &p);
	CHECK(c != NULL);
	if (c)
		conf_warnings(c, &p);
	CHECK_INT(p.n, 6);
	conf_problems_free(&p);
	conf_free(c);
	site_remove("peers.d/site-b.conf");
	/* what a typing error would show, or take out of a group */
	site_write("availbridge.conf", "site = \"s\";\npublic_url = \"https://h\";\nhidden = [\"boss@a.example\", \"chief@a.exmaple\"];\n"
	                               "groups = { board = [\"anna@a.example\", \"a.example\", \"eve@c.example\"]; };\n");
	c = conf_load(site_main, &p);
	if (CHECK(c != NULL))
		conf_warnings(c, &p);
	if (CHECK_INT(p.n, 2)) {
		CHECK(p.list[0].line == 3 && strstr(p.list[0].what, "chief@a.exmaple"));
		CHECK(p.list[1].line == 4 && strstr(p.list[1].what, "eve@c.example"));
	}
	conf_problems_free(&p);
	conf_free(c);
}

/* What is printed as in force is itself a main file that means the same. */
static void print(void)
{
	struct conf_problems p = {0};
	struct conf *c;
	struct buf once, again;

	site_write("availbridge.conf", MAIN "hard_stop = \"12500 ms\";\ngroups = { board = [\"anna@a.example\", \"b.example\"]; x = "
	                                    "[]; };\nworking_days = \"Sun Sat\";\nuser = \"a\\\"b\";");
	c = conf_load(site_main, &p);
	if (!CHECK(c != NULL))
		return;
	buf_init(&once, 1 << 20);
	buf_init(&again, 1 << 20);
	conf_print(&once, c);
	conf_free(c);
	site_write("availbridge.conf", buf_cstr(&once));
	c = conf_load(site_main, &p);
	CHECK(c != NULL);
	if (c)
		conf_print(&again, c);
	CHECK_STR(buf_cstr(&again), buf_cstr(&once));
	CHECK(strstr(buf_cstr(&once), "\nworking_days = \"Sat Sun\"\n") != NULL);
	CHECK(strstr(buf_cstr(&once), "\nhard_stop = \"12500 ms\"\n") != NULL);
	conf_free(c);
	buf_free(&once);
	buf_free(&again);
}

/* Every setting stands in the sample and in the manual. */
static void documented(void)
{
	static char manual[1 << 17];
	char want[64];
	struct buf b;
	FILE *f = fopen("docs/availbridge.conf.5", "re");

	if (CHECK(f != NULL)) {
		manual[fread(manual, 1, sizeof(manual) - 1, f)] = 0;
		fclose(f);
	}
	buf_init(&b, 1 << 20);
	conf_sample(&b, &(struct conf_site){"s", "a.example", ":1", ":2", "https://h", "c", ""});
	for (size_t i = 0; conf_setting_name(i); i++) {
		snprintf(want, sizeof(want), "\n%s = ", conf_setting_name(i));
		if (!CHECK(strstr(buf_cstr(&b), want) != NULL))
			fprintf(stderr, "\t%s is not in the sample\n", conf_setting_name(i));
		snprintf(want, sizeof(want), "\n.B %s\n", conf_setting_name(i));
		if (!CHECK(strstr(manual, want) != NULL))
			fprintf(stderr, "\t%s is not in docs/availbridge.conf.5\n", conf_setting_name(i));
	}
	buf_free(&b);
}

int main(void)
{
	site_new();
	whole();
	nothing_is_off();
	main_file();
	shut_out();
	other_files();
	loose_accounts();
	own_pin();
	too_big();
	many_problems();
	changed();
	warnings();
	print();
	documented();
	site_end();
	return check_done();
}
