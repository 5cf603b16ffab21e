#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "bridge/conf/conf.h"
#include "bridge/ctl/account_secret.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/https.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "pki/certificate.h"

/*
 * The PowerShell that makes this site's Exchange ask the bridge, from the settings alone; what is missing for it stands in front as
 * comments.
 */

enum { SPACES_MAX = 100 /* Active Directory returns no more address spaces than that */ };

struct setup {
	struct conf *c;
	const char *peer, *user, *method; /* as given, or NULL */
	bool old, remove;                 /* Exchange 2010; take away instead of add */
	const struct conf_account *account;
	char host[256], port[8];          /* of public_url */
	size_t missing, domains;
	struct buf out;
};

/*
 * A PowerShell literal. What PowerShell takes for a single quote (the ASCII one and U+2018 to U+201B) is doubled; nothing else means
 * anything between them.
 */
static void quote(struct buf *out, const char *s)
{
	buf_putc(out, '\'');
	for (; *s; s++) {
		const unsigned char *u = (const unsigned char *)s;

		if (*s == '\'') {
			buf_puts(out, "''");
		} else if (u[0] == 0xe2 && u[1] == 0x80 && u[2] >= 0x98 && u[2] <= 0x9b) {
			buf_add(out, s, 3);
			buf_add(out, s, 3);
			s += 2;
		} else {
			buf_putc(out, *s);
		}
	}
	buf_putc(out, '\'');
}

/* One thing that has to be done first. */
static void missing(struct setup *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void missing(struct setup *s, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' '; /* the comment ends with its line */
	buf_printf(&s->out, "# MISSING: %s\n", text);
	s->missing++;
}

static bool wanted(const struct setup *s, const struct conf_address_space *row)
{
	if (strcmp(row->peer, "local") == 0 || strcmp(row->peer, "nobody") == 0)
		return false;
	return !s->peer || strcmp(row->peer, s->peer) == 0;
}

static bool usable(const struct conf_account *a)
{
	return a->kind == CONF_FOR_ORGANISATION || a->kind == CONF_FOR_SERVER;
}

/* The account that was named, or the first one that stands for the organisation or a server. */
static void find_account(struct setup *s)
{
	for (size_t i = 0; i < s->c->n_accounts && !s->account; i++)
		if (s->user ? text_ieq(s->c->accounts[i].name, s->user) : usable(&s->c->accounts[i]))
			s->account = &s->c->accounts[i];
	if (s->account && !usable(s->account)) {
		missing(s, "the account %s stands for one person; Exchange asks for all of them.", s->account->name);
		s->account = NULL;
	} else if (!s->account && s->user) {
		missing(s, "there is no account %s.", s->user);
	} else if (!s->account) {
		missing(s, "no account of the bridge stands for the organisation. Run: availbridge account add exchange --stands-for organisation --ntlm "
		           "--password-file FILE, then availbridge reload");
	}
}

/* Can Exchange log in with the account by the scheme that the method takes? */
static void check_login(struct setup *s)
{
	struct nt_hashes *hashes;

	if (strcmp(s->method, "OrgWideFBBasic") == 0) {
		if (strcmp(s->c->login_basic, "yes") != 0)
			missing(s, "OrgWideFBBasic logs in by Basic, which the front does not offer: login_basic is %s.", s->c->login_basic);
		return;
	}
	if (strcmp(s->method, "PerUserFB") == 0 && s->account && s->account->kind != CONF_FOR_SERVER)
		missing(s, "PerUserFB names a person; the bridge hears the name only from an account that stands for `server`, and %s "
		           "does not.", s->account->name);
	if (strcmp(s->c->login_ntlm, "no") == 0) {
		missing(s, "%s logs in by NTLM where there is no trust, which the front does not offer: login_ntlm is no.", s->method);
		return;
	}
	hashes = account_nt_hashes(s->c);
	if (s->account && (!hashes || !nt_hashes_of(hashes, s->account->name)))
		missing(s, "%s logs in by NTLM where there is no trust, and the account %s has no NT hash. Run: availbridge account "
		           "passwd --ntlm with its name, "
		           "then availbridge reload", s->method, s->account->name);
	nt_hashes_free(hashes);
}

static bool covered(struct setup *s, const char *name)
{
	struct buf names;
	int r;

	buf_init(&names, 8192);
	r = pki_cert_covers(s->c->front_certificate, name, &names);
	if (r < 0)
		missing(s, "the front's certificate cannot be read: %s", buf_cstr(&names));
	else if (r == 0)
		missing(s, "the front's certificate %s does not cover %s; it names %s. Put one that does, with its chain, in its place.",
		        s->c->front_certificate, name, buf_cstr(&names));
	buf_free(&names);
	return r == 1;
}

static bool is_loopback(const char *host)
{
	return text_ieq(host, "localhost") || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static void check_way(struct setup *s)
{
	char name[FB_DOMAIN_MAX + 16];

	if (https_split_url(s->c->public_url, s->host, s->port) != 0) {
		missing(s, "public_url is %s, which is no https URL.", s->c->public_url);
		return;
	}
	if (is_loopback(s->host))
		missing(s, "public_url is %s, which means each machine itself; give it the name by which Exchange reaches this bridge.",
		        s->c->public_url);
	covered(s, s->host);
	if (!s->old)
		return;
	if (strcmp(s->port, "443") != 0)
		missing(s, "Exchange 2010 asks at port 443 alone; public_url has port %s. Let the front be reached at 443.", s->port);
	for (size_t i = 0; i < s->c->n_spaces; i++) {
		if (!wanted(s, &s->c->spaces[i]))
			continue;
		snprintf(name, sizeof name, "autodiscover.%s", s->c->spaces[i].forest_name);
		if (!covered(s, name))
			return; /* the others are of the same certificate: the sentence names what it has */
	}
}

static void check_peers(struct setup *s)
{
	for (size_t i = 0; i < s->c->n_spaces; i++)
		s->domains += wanted(s, &s->c->spaces[i]);
	if (s->domains == 0)
		missing(s, s->peer ? "no domain in the table is %s's. Run: availbridge address-space add --forest-name DOMAIN --peer %s"
		                   : "no domain in the table is a peer's. Pair with one first (availbridge peer invite).", s->peer, s->peer);
	if (s->domains > SPACES_MAX)
		missing(s, "%zu domains: Active Directory returns at most %d address spaces, so some of these would not be seen.",
		        s->domains, SPACES_MAX);
	for (size_t i = 0; i < s->c->n_peers && !s->remove; i++) {
		const struct conf_peer *p = &s->c->peers[i];

		if (!p->enabled && (!s->peer || strcmp(p->name, s->peer) == 0))
			missing(s, "the peer %s is switched off. Run: availbridge peer enable %s", p->name, p->name);
	}
}

static void put_trust(struct setup *s)
{
	const char *name = strrchr(s->c->front_ca, '/');

	buf_puts(&s->out, "\n# Each Exchange server must trust the issuer of the front's certificate, and all between, in the machine's store.\n");
	if (access(s->c->front_ca, R_OK) != 0)
		return;
	buf_puts(&s->out, "# If that is the CA which `init` made, copy its file there and run this on each of them, in an elevated "
	                  "shell:\ncertutil -addstore -f Root ");
	quote(&s->out, name ? name + 1 : s->c->front_ca);
	buf_putc(&s->out, '\n');
}

static void put_checks(struct setup *s, const char *domain)
{
	buf_printf(&s->out, "\n# %s\n# These must print nothing: what they find is preferred to the address space and hides the "
	                    "bridge.\n", domain);
	buf_puts(&s->out, "Get-OrganizationRelationship | Where-Object { $_.DomainNames -contains ");
	quote(&s->out, domain);
	buf_puts(&s->out, " } | Format-List Name, Enabled, FreeBusyAccessEnabled, DomainNames\n");
	if (s->old)
		return;
	buf_puts(&s->out, "Get-IntraOrganizationConnector | Where-Object { $_.TargetAddressDomains -contains ");
	quote(&s->out, domain);
	buf_puts(&s->out, " } | Format-List Name, Enabled, TargetAddressDomains\n");
}

/* 2010 finds the bridge by name alone. */
static void put_name(struct setup *s, const char *domain)
{
	char name[FB_DOMAIN_MAX + 16];

	snprintf(name, sizeof name, "autodiscover.%s", domain);
	buf_printf(&s->out, "# This must print the address of %s: let these Exchange servers, and only they, resolve the name so (a "
	                    "zone or a hosts entry of their own).\n"
	                    "[System.Net.Dns]::GetHostAddresses(", s->host);
	quote(&s->out, name);
	buf_puts(&s->out, ") | Format-List IPAddressToString\n");
}

static void put_add(struct setup *s, const char *domain)
{
	put_checks(s, domain);
	if (s->old)
		put_name(s, domain);
	buf_puts(&s->out, "Add-AvailabilityAddressSpace -ForestName ");
	quote(&s->out, domain);
	buf_printf(&s->out, " -AccessMethod %s -Credentials $login", s->method);
	if (!s->old) {
		char url[600];

		snprintf(url, sizeof url, "%.500s/autodiscover/autodiscover.xml", s->c->public_url);
		buf_puts(&s->out, " -TargetAutodiscoverEpr ");
		quote(&s->out, url);
	}
	buf_puts(&s->out, "\nGet-AvailabilityAddressSpace ");
	quote(&s->out, domain);
	buf_printf(&s->out, " | Format-List ForestName, AccessMethod, UserName%s\n", s->old ? "" : ", TargetAutodiscoverEpr");
}

static void put_remove(struct setup *s, const char *domain)
{
	buf_puts(&s->out, "Remove-AvailabilityAddressSpace ");
	quote(&s->out, domain);
	buf_puts(&s->out, " -Confirm:$false\n");
}

static void put_login(struct setup *s)
{
	buf_puts(&s->out, "\n# The password is that of the bridge's account.\n$login = Get-Credential -Credential ");
	quote(&s->out, s->account ? s->account->name : "exchange");
	buf_putc(&s->out, '\n');
	if (strcmp(s->method, "PerUserFB") == 0)
		buf_puts(&s->out, "# PerUserFB: Exchange may name the person who asks. The bridge believes only an account that stands "
		                  "for `server`, and only about its own people;\n"
		                  "# whether Exchange does so without a trust is not known (docs/exchange.md).\n");
	else if (!s->old && strcmp(s->method, "OrgWideFB") == 0)
		buf_puts(&s->out, "# If the log of the bridge shows that this login never comes through, --access-method "
		                  "OrgWideFBBasic (2013 and 2016) says Basic.\n");
}

static void put_script(struct setup *s)
{
	if (s->domains && !s->remove)
		put_login(s);
	for (size_t i = 0; i < s->c->n_spaces; i++) {
		if (!wanted(s, &s->c->spaces[i]))
			continue;
		if (s->remove)
			put_remove(s, s->c->spaces[i].forest_name);
		else
			put_add(s, s->c->spaces[i].forest_name);
	}
	if (s->domains)
		buf_puts(&s->out, s->remove ? "# Exchange may remember them for a while.\n"
		                            : "\n# There is no Set-AvailabilityAddressSpace: to change one, run what `exchange-setup "
		                              "--remove` prints, then this again.\n");
}

/* Which of Exchange's words goes with which of its versions: the list of 2010 has no OrgWideFBBasic. */
static bool take_method(struct setup *s)
{
	static const char *const words[] = {"OrgWideFB", "PerUserFB", "OrgWideFBBasic"};
	const char *found = s->method ? NULL : words[0];

	for (size_t i = 0; i < 3; i++)
		if (s->method && text_ieq(s->method, words[i]))
			found = words[i];
	if (!found) {
		ctl_say("'%s' is none of OrgWideFB, PerUserFB and OrgWideFBBasic", s->method);
		return false;
	}
	s->method = found;
	if (s->old && strcmp(s->method, "OrgWideFBBasic") == 0) {
		ctl_say("Exchange 2010 has no OrgWideFBBasic");
		return false;
	}
	return true;
}

static bool take_version(struct setup *s, const char *version)
{
	static const char *const newer[] = {"2013", "2016", "2019", "SE"};

	s->old = version && strcmp(version, "2010") == 0;
	if (!version || s->old)
		return true;
	for (size_t i = 0; i < 4; i++)
		if (text_ieq(version, newer[i]))
			return true;
	ctl_say("'%s' is none of 2010, 2013, 2016, 2019 and SE", version);
	return false;
}

static int run(struct setup *s, const char *conf_path)
{
	s->c = ctl_load(conf_path);
	if (!s->c)
		return CTL_NO;
	if (s->peer && (!conf_peer_named(s->c, s->peer) || strcmp(s->peer, "local") == 0)) {
		ctl_say("there is no peer '%s'; `availbridge peer list` shows them", s->peer);
		conf_free(s->c);
		return CTL_NO;
	}
	buf_init(&s->out, CTL_LIST_MAX);
	buf_printf(&s->out, "# For the Exchange Management Shell of %s (Exchange %s).\n", s->c->primary_domain,
	           s->old ? "2010" : "2013, 2016, 2019, SE");
	check_peers(s);
	if (!s->remove) {
		find_account(s);
		check_login(s);
		check_way(s);
		put_trust(s);
	}
	put_script(s);
	fputs(buf_cstr(&s->out), stdout);
	if (s->missing)
		ctl_say("%zu thing%s missing: see the lines that begin with # MISSING", s->missing, s->missing == 1 ? " is" : "s are");
	buf_free(&s->out);
	conf_free(s->c);
	return s->missing ? CTL_NO : CTL_DONE;
}

int ctl_exchange_setup(int argc, char **argv, const char *conf_path)
{
	struct setup s = {0};
	const char *version = NULL;
	const struct ctl_option options[] = {{"version", .value = &version}, {"access-method", .value = &s.method}, {"user", .value = &s.user},
	                                     {"remove", .flag = &s.remove}, {0}};
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n > 1 || !take_version(&s, version) || !take_method(&s))
		return ctl_usage("exchange-setup");
	s.peer = words.n ? words.list[0] : NULL;
	return run(&s, conf_path);
}
