/* links: all */
#include "tests/unit/ctl_site.h"

/* Peers, and the keys of both sides. */

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

/* PIN5 was shut out: the key beside it cannot bring it back, the admin can, and then it may be announced again. */
static void back_by_word(void)
{
	char *noted = strdup(content("state/unpinned"));

	site_write("state/unpinned", "site-d sha256:12 0\n");
	CHECK_INT(run_here("peer take-next site-d --under " PIN1 " --pin " PIN5), 0);
	CHECK(says("refused: it cannot be told there") && !strstr(content("peers.d/site-d.conf"), "next-pin"));
	site_write("state/unpinned", noted);
	free(noted);
	CHECK_INT(run_here("peer take-next site-d --under " PIN1 " --pin " PIN5), 0);
	CHECK(says("refused: that key was shut out there by `peer unpin`") && !strstr(content("peers.d/site-d.conf"), "next-pin"));
	CHECK_INT(run_here("peer set site-d --next-pin " PIN4), 0);
	CHECK_INT(run_here("peer set site-d --pin " PIN1), 0);
	CHECK_INT(run_here("peer take-next site-d --under " PIN1 " --pin " PIN5), 0);
	CHECK(says("refused: that key was shut out there by `peer unpin`"));
	CHECK_INT(run_here("peer set site-d --next-pin " PIN5), 0);
	site_write("peers.d/site-d.conf", "enabled yes\nendpoint d:1\npin " PIN1 " from=" PIN3 "," PIN4 "\n");
}

/* Who dials, several endpoints; keys that are shut out, with what whoever stole them may have announced. */
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
	back_by_word();
	CHECK_INT(run_here("peer take-next site-d --under " PIN1 " --pin " PIN5), 0);
	CHECK(says("taken") && has_line("peers.d/site-d.conf", "next-pin " PIN5 " from=" PIN1 "," PIN3 "," PIN4));
	CHECK_INT(run_here("peer drop-old site-d --under " PIN5 " --pin " PIN1), 0);
	CHECK(says("taken") && has_line("peers.d/site-d.conf", "pin " PIN5 " from=" PIN1 "," PIN3 "," PIN4));
	many_ancestors();
	CHECK_INT(run_here("peer remove site-d"), 0);
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
	/* whoever stands under the second key has not retired the first; whoever stands under the first comes second */
	CHECK_INT(run_here("peer take-next site-u --under " PIN5 " --pin " PIN4), 0);
	CHECK(says("refused: there is no room") && says("identity retire"));
	CHECK_INT(run_here("peer take-next site-u --under " PIN1 " --pin " PIN4), 0);
	CHECK(says("refused: another next key was taken there before this one"));
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
	CHECK(run_here("peer confirm-next site-w") == 1 && says("no next key"));
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

int main(void)
{
	init_site();
	peers();
	links();
	unproven_keys();
	waiting_keys();
	identity_fails();
	return site_done();
}
