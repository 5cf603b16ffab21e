#include <stdio.h>
#include <string.h>
#include <time.h>
#include "bridge/base/text.h"
#include "bridge/ctl/pair.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"

/* One of two admins on the phone invites the other. */

enum { CALL_MS = 10000, VALID_DEFAULT = 900, VALID_MIN = 1, VALID_MAX = 7 * 86400, EXTRA_MS = 15000 };

/* Asks the daemon; false after a sentence, unless it answered with code 0. */
static bool ask_daemon(const char *conf_path, const char *request, int timeout_ms)
{
	struct buf reply;
	int code = CTL_NO;
	enum ctl_daemon d;

	buf_init(&reply, 1 << 20);
	d = ctl_daemon_call(conf_path, request, timeout_ms, &code, &reply);
	while (reply.len && buf_ptr(&reply)[reply.len - 1] == '\n')
		reply.len--;
	if (d == CTL_DAEMON_ABSENT)
		ctl_say("no daemon is running with %s, and it is the daemon that opens the door to a guest; start it with "
		        "`availbridge serve`", conf_path);
	else if (d == CTL_DAEMON_SILENT)
		ctl_say("the daemon did not answer: %s", buf_cstr(&reply));
	else if (code != CTL_DONE)
		ctl_say("%s", buf_cstr(&reply));
	buf_free(&reply);
	return d == CTL_DAEMON_ANSWERED && code == CTL_DONE;
}

/* "90", "90s", "15m", "2h", "1d" in seconds; 0 if it is none of these or out of range. */
static int64_t read_valid(const char *s)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t n = strlen(s);
	char number[16];
	int64_t v, by = 1;

	if (!n || n >= sizeof(number))
		return 0;
	strcpy(number, s);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (number[n - 1] == units[i].unit) {
			by = units[i].seconds;
			number[n - 1] = 0;
			break;
		}
	return text_int(number, 1, VALID_MAX, &v) && v * by >= VALID_MIN && v * by <= VALID_MAX ? v * by : 0;
}

static int invite(const char *conf_path, const char *name, int64_t valid, const struct ctl_words *endpoints, bool wait)
{
	char request[PKI_INVITATION_TEXT_MAX + 128];
	struct pki_invitation inv = {.expires = (uint64_t)(time(NULL) + valid)};
	struct conf *c = ctl_load(conf_path);
	bool ok = c && pair_own_pin(c, inv.pin) && pair_offer(c, endpoints, &inv.offer);
	struct buf text;

	buf_init(&text, 4096);
	if (ok && conf_peer_named(c, name)) {
		ctl_say("there is a peer %s already; choose another name, or `availbridge peer remove %s` first", name, name);
		ok = false;
	}
	conf_free(c);
	text_random(inv.id, sizeof(inv.id));
	text_random(inv.secret, sizeof(inv.secret));
	if (ok && pki_invitation_print(&text, &inv) < 0) {
		ctl_say("this site has too many domains for an invitation of one line; pair the manual way: `identity show` and `peer "
		        "add` on both sides");
		ok = false;
	}
	snprintf(request, sizeof(request), "invite %s %s", name, buf_cstr(&text));
	ok = ok && ask_daemon(conf_path, request, CALL_MS);
	if (ok) {
		printf("%s\n\n", buf_cstr(&text));
		printf("Send this text to the admin of %s, who runs: availbridge peer accept TEXT\n"
		       "It works once, for one key, and for %lld s. It holds a secret: who uses it first is named in the log.\n\n",
		       name, (long long)valid);
		fflush(stdout);
	}
	explicit_bzero(request, sizeof(request));
	explicit_bzero(&inv, sizeof(inv));
	buf_wipe(&text);
	if (!ok)
		return CTL_NO;
	if (!wait)
		return CTL_DONE;
	snprintf(request, sizeof(request), "invite-wait %s", name);
	return ask_daemon(conf_path, request, (int)(valid * 1000 + EXTRA_MS)) ? pair_show(conf_path, name) : CTL_NO;
}

int ctl_peer_invite(int argc, char **argv, const char *conf_path)
{
	const char *name = NULL, *valid_text = NULL;
	bool no_wait = false, cancel = false;
	struct ctl_words words, endpoints = {0};
	const struct ctl_option options[] = {{"name", .value = &name},  {"valid", .value = &valid_text}, {"endpoint", .many = &endpoints},
	                                     {"no-wait", .flag = &no_wait}, {"cancel", .flag = &cancel}, {0}};
	char request[96];
	int64_t valid = VALID_DEFAULT;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n || !name)
		return ctl_usage("peer");
	if (!ctl_peer_name(name))
		return CTL_USAGE;
	if (valid_text && !(valid = read_valid(valid_text))) {
		ctl_say("'%s' is no time for an invitation: write 1s to 7d, for example 15m", valid_text);
		return CTL_USAGE;
	}
	if (!cancel)
		return invite(conf_path, name, valid, &endpoints, !no_wait);
	snprintf(request, sizeof(request), "uninvite %s", name);
	if (!ask_daemon(conf_path, request, CALL_MS))
		return CTL_NO;
	printf("The invitation for %s is withdrawn.\n", name);
	return CTL_DONE;
}
