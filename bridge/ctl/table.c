#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "bridge/base/json.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/audit.h"
#include "bridge/ctl/verbs.h"

static const char default_conf[] = "/etc/availbridge/availbridge.conf";

const struct ctl_verb ctl_verbs[] = {
	{"init",
	 "init --site NAME --domain DOMAIN [--domain ...] --dir DIR [--front HOST:PORT] [--link HOST:PORT] [--public-url URL] "
	 "[--calendars DIR] [--user USER]",
	 "Makes a new site: commented settings, keys and certificates, folders.", ctl_init},
	{"serve", "serve [--trace DIR]", "Runs the daemon in the foreground until SIGTERM.", ctl_serve},
	{"check", "check [--verbose] [--json]", "Looks over every file and prints each problem with its line and its fix.",
	 ctl_check},
	{"reload", "reload", "Takes the files as they are now into use; if anything is wrong, nothing changes.", ctl_reload},
	{"status", "status [--json]", "Shows the daemon's processes, its peers and what will expire.", ctl_status},
	{"doctor", "doctor [PEER] [--target ADDRESS] [--user NAME --password-file FILE] [--json]",
	 "Tries each hop from the settings to a peer's answer, and says of the one that fails which side must do what.", ctl_doctor},
	{"address-space",
	 "address-space add --forest-name DOMAIN --peer PEER|local|nobody [--access-method OrgWideFB|PerUserFB] [--resolver ADDRESS:PORT]\n"
	 "address-space remove DOMAIN\n"
	 "address-space get DOMAIN [--json]\n"
	 "address-space list [--json]",
	 "Edits the one list of domains: whose each is.", ctl_address_space},
	{"peer",
	 "peer invite --name NAME [--valid 15m] [--endpoint HOST:PORT ...] [--no-wait]\n"
	 "peer invite --name NAME --cancel\n"
	 "peer accept TEXT|- [--name NAME] [--endpoint HOST:PORT ...] [--yes] [--resolver ADDRESS:PORT]\n"
	 "peer confirm NAME [--yes] [--resolver ADDRESS:PORT]\n"
	 "peer check-domains [NAME|local] [--resolver ADDRESS:PORT] [--json]\n"
	 "peer add NAME --endpoint HOST:PORT ... --pin PIN [--domain DOMAIN ...] [--dial both|out|in] [--resolver ADDRESS:PORT]\n"
	 "peer remove NAME\n"
	 "peer enable NAME\n"
	 "peer disable NAME\n"
	 "peer unpin PIN\n"
	 "peer set NAME [--free-busy-access-enabled yes|no] [--free-busy-access-level LEVEL] [--endpoint HOST:PORT ...] [--dial "
	 "both|out|in] [--pin PIN] [--next-pin PIN]\n"
	 "peer confirm-next NAME\n"
	 "peer take-next NAME --under PIN --pin PIN [--proof TEXT]\n"
	 "peer drop-old NAME --under PIN --pin PIN [--proof TEXT]\n"
	 "peer drop-due\n"
	 "peer moved NAME [--from ADDRESSES]\n"
	 "peer list [--json]\n"
	 "peer show NAME [--json]",
	 "Edits and shows the other sites.", ctl_peer},
	{"rule",
	 "rule add --peer PEER|local --direction in|out --requester WHO --target WHO --level LEVEL [--position N]\n"
	 "rule remove --peer PEER|local --direction in|out N\n"
	 "rule list [--peer PEER|local] [--direction in|out] [--json]",
	 "Edits the rules: who may see how much of whose calendar.", ctl_rule},
	{"account",
	 "account add NAME --stands-for user:ADDRESS|organisation|server [--password-file FILE] [--ntlm]\n"
	 "account passwd NAME [--password-file FILE] [--ntlm]\n"
	 "account remove NAME\n"
	 "account list [--json]",
	 "Edits who may log in at the front.", ctl_account},
	{"identity",
	 "identity show [--json]\n"
	 "identity next\n"
	 "identity promote [--force]\n"
	 "identity retire\n"
	 "identity rotate\n"
	 "identity encrypt\n"
	 "identity decrypt",
	 "Prints this site's pin, for the other side's `peer add`; changes the link's key without an outage.", ctl_identity},
	{"audit",
	 "audit show [--requester WHO] [--target ADDRESS] [--peer PEER] [--result WORD] [--id ID] [--kind KIND] [--since TIME] "
	 "[--until TIME] [--json]\n"
	 "audit verify [--anchor HASH] [--json]\n"
	 "audit compare FILE [--peer PEER] [--as NAME] [--since TIME] [--until TIME]",
	 "Shows who asked about whom and who changed what; finds what was changed or cut; holds the other site's audit against ours.", ctl_audit},
	{"explain", "explain --requester ADDRESS|DOMAIN --target ADDRESS [--json]",
	 "Says which row and which rule decide, and why; asks no peer and no calendar.", ctl_explain},
	{"directory", "directory test ADDRESS|SID|UPN|DOMAIN\\NAME [--requester] [--password-file FILE] [--json]",
	 "Looks somebody up in the directory and prints what was found, where, and how long each step took.", ctl_directory},
	{"query",
	 "query --requester ADDRESS --start TIME --end TIME [--interval MINUTES] [--zone ZONE] [--view VIEW] [--json|--xml] "
	 "ADDRESS...\n"
	 "query --user NAME --password-file FILE --start TIME --end TIME [...] ADDRESS...",
	 "Asks the running daemon as a client would, and prints the grid.", ctl_query},
	{"freebusy",
	 "freebusy --calendar FILE.ics --start TIME --end TIME [--zone ZONE] [--interval MINUTES] --json\n"
	 "freebusy --batch",
	 "Computes one calendar file offline.", ctl_freebusy},
	{"exchange-setup", "exchange-setup [PEER] [--version 2010|2013|2016|2019|SE] [--access-method "
	                   "OrgWideFB|OrgWideFBBasic|PerUserFB] [--user NAME] [--remove]",
	 "Prints the PowerShell that makes this site's Exchange ask the bridge, and what is missing for it.", ctl_exchange_setup},
	{"help", "help [VERB]", "Prints the verbs, or the forms of one.", ctl_help},
	{"version", "version [--json]", "Prints the version.", ctl_version},
	{0},
};

static const struct ctl_verb *find(const char *name)
{
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static void print_all(FILE *out)
{
	fputs("Usage: availbridge [-c FILE] VERB ...\n\n", out);
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++)
		fprintf(out, "  %-14s %s\n", v->name, v->about);
	fprintf(out, "\n`availbridge help VERB` prints the forms of one. -c FILE names the main file instead of\n%s.\n"
	             "Exit codes: 0 done, 1 the answer is no or a check failed, 2 usage.\n", default_conf);
}

static int unknown(const char *name)
{
	const char *names[sizeof(ctl_verbs) / sizeof(ctl_verbs[0])], *near;
	size_t n = 0;

	for (; ctl_verbs[n].name; n++)
		names[n] = ctl_verbs[n].name;
	near = text_nearest(name, names, n);
	ctl_say("there is no verb '%s'%s%s%s", name, near ? "; did you mean " : "", near ? near : "",
	        near ? "?" : "; see `availbridge help`");
	return CTL_USAGE;
}

int ctl_help(int argc, char **argv, const char *conf_path)
{
	const struct ctl_verb *v;

	if (argc == 1) {
		print_all(stdout);
		return CTL_DONE;
	}
	if (argc > 2)
		return ctl_usage("help");
	if (!(v = find(argv[1])))
		return unknown(argv[1]);
	printf("%s\n\n", v->about);
	for (const char *s = v->synopsis; *s; s += strcspn(s, "\n"), s += *s == '\n')
		printf("  availbridge %.*s\n", (int)strcspn(s, "\n"), s);
	return CTL_DONE;
}

int ctl_version(int argc, char **argv, const char *conf_path)
{
	bool json = false;
	const struct ctl_option options[] = {{"json", .flag = &json}, {0}};
	struct ctl_words words;
	struct buf b;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("version");
	if (!json) {
		puts("availbridge " VERSION);
		return CTL_DONE;
	}
	buf_init(&b, 4096);
	json_open(&b, NULL, '{');
	json_str(&b, "version", VERSION);
	json_close(&b, '}');
	json_print(&b);
	return CTL_DONE;
}

/* Takes -c FILE out of ${argv} wherever it stands, up to "--". Returns the new count, -1 after a sentence. */
static int take_conf(int argc, char **argv, const char **conf_path)
{
	int n = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[n++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "-c") != 0) {
			argv[n++] = argv[i];
			continue;
		}
		if (++i == argc) {
			ctl_say("-c needs a file");
			return -1;
		}
		*conf_path = argv[i];
	}
	argv[n] = NULL;
	return n;
}

int ctl_written(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	ctl_say("not all could be printed: %s", strerror(errno));
	return code == CTL_DONE ? CTL_NO : code;
}

int ctl_main(int argc, char **argv)
{
	const char *conf_path = default_conf;
	const struct ctl_verb *v;

	argc = take_conf(argc, argv, &conf_path);
	if (argc < 0)
		return CTL_USAGE;
	if (argc < 2) {
		print_all(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--version") == 0)
		argv[1] += strspn(argv[1], "-");
	v = find(strcmp(argv[1], "h") == 0 ? "help" : argv[1]);
	if (!v)
		return unknown(argv[1]);
	for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0) {
			argv[0] = "help";
			argv[1] = (char *)v->name;
			return ctl_written(ctl_help(2, argv, conf_path));
		}
	ctl_audit_command(argc - 1, argv + 1);
	return ctl_written(v->run(argc - 1, argv + 1, conf_path));
}
