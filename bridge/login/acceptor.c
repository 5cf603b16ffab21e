#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/login/parts.h"

/* A NetBIOS name out of the first label of ${name}; an address has no names, so it gets ${otherwise}. */
static void short_name(char out[16], const char *name, const char *otherwise)
{
	size_t n = strcspn(name, ".:/");

	snprintf(out, 16, "%.*s", (int)(n < 15 ? n : 15), isalpha((unsigned char)*name) ? name : otherwise);
	for (char *p = out; *p; p++)
		*p = (char)toupper((unsigned char)*p);
}

static void name_ourselves(struct login_acceptor *a)
{
	const char *host = strstr(a->conf->public_url, "://");

	host = host ? host + 3 : a->conf->public_url;
	snprintf(a->host, sizeof(a->host), "%.*s", (int)(*host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/")), host);
	short_name(a->computer, a->host, "BRIDGE");
	short_name(a->domain, a->conf->primary_domain, "DOMAIN");
}

/*
 * NTLM: the provider is loaded only where there are hashes, so that a system without it is no worse off for those who need none.
 */
static void open_ntlm(struct login_acceptor *a, struct conf_problems *problems)
{
	struct buf error;

	a->hashes = nt_hashes_read(a->conf, problems);
	if (!a->hashes || nt_hashes_usable(a->hashes, a->conf) == 0)
		return;
	buf_init(&error, 4096);
	a->legacy = pki_legacy_new(&error);
	if (!a->legacy)
		conf_problem_add(problems, a->conf->nt_hashes, 0, "Install it, or set login_ntlm to \"no\".", "%s", buf_cstr(&error));
	buf_free(&error);
}

static void open_kerberos(struct login_acceptor *a, struct conf_problems *problems)
{
	struct buf error;

	if (!*a->conf->keytab)
		return;
	buf_init(&error, 4096);
	a->kerberos = kerberos_new(a->conf->keytab, strcmp(a->conf->tickets_without_pac, "yes") == 0, &error);
	if (!a->kerberos)
		conf_problem_add(problems, a->conf->file, conf_setting_line(a->conf, "keytab"), "Mend it, or take the setting out.", "%s",
		                 buf_cstr(&error));
	buf_free(&error);
}

struct login_acceptor *login_acceptor_new(const struct conf *c, const struct login_directory *d, struct conf_problems *problems)
{
	struct login_acceptor *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->conf = c;
	a->directory = d;
	text_random(a->nobody, sizeof(a->nobody));
	name_ourselves(a);
	open_ntlm(a, problems);
	open_kerberos(a, problems);
	return a;
}

void login_acceptor_free(struct login_acceptor *a)
{
	if (!a)
		return;
	nt_hashes_free(a->hashes);
	pki_legacy_free(a->legacy);
	kerberos_free(a->kerberos);
	free(a);
}

bool login_acceptor_can(const struct login_acceptor *a, enum login_scheme scheme)
{
	if (scheme == LOGIN_BASIC)
		return true;
	return a->legacy || (scheme == LOGIN_NEGOTIATE && a->kerberos);
}

void login_rehearse(const struct login_acceptor *a)
{
	struct login_acceptor alone = *a; /* the directory is not for trying out */
	static const uint8_t negotiate[16] = "NTLMSSP\0\1\0\0\0\1";
	const struct login_question tries[] = {
		{.scheme = LOGIN_BASIC, .user = "@", .password = ""},
		{.scheme = LOGIN_NTLM, .token = {negotiate, sizeof(negotiate)}},
	};
	struct login_reply r;

	alone.directory = NULL;
	login_reply_init(&r);
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		login_answer(&alone, &tries[i], &r);
		login_reply_wipe(&r);
	}
}

static void warn_scheme(const struct login_acceptor *a, enum login_scheme scheme, const char *setting, const char *word, const char *fix,
                        struct conf_problems *warnings)
{
	if (strcmp(word, "yes") == 0 && !login_acceptor_can(a, scheme))
		conf_problem_add(warnings, a->conf->file, conf_setting_line(a->conf, setting), fix,
		                 "%s is on, but cannot work: it is not offered", setting);
}

void login_warnings(const struct conf *c, struct conf_problems *warnings)
{
	struct login_acceptor *a = login_acceptor_new(c, NULL, warnings);
	bool ntlm = strcmp(c->login_ntlm, "no") != 0 && login_acceptor_can(a, LOGIN_NTLM);
	bool negotiate = strcmp(c->login_negotiate, "no") != 0 && login_acceptor_can(a, LOGIN_NEGOTIATE);

	warn_scheme(a, LOGIN_NEGOTIATE, "login_negotiate", c->login_negotiate,
	            "Name a keytab, or give an account an NT hash: availbridge account passwd NAME --ntlm", warnings);
	warn_scheme(a, LOGIN_NTLM, "login_ntlm", c->login_ntlm, "Give an account an NT hash: availbridge account passwd NAME --ntlm",
	            warnings);
	if (strcmp(c->login_basic, "no") == 0 && !ntlm && !negotiate)
		conf_problem_add(warnings, c->file, conf_setting_line(c, "login_basic"),
		                 "Set it to \"yes\", or make another scheme work.",
		                 "nobody can log in: Basic is off and no other scheme can work");
	login_acceptor_free(a);
}

bool login_acceptor_has_nt_hash(const struct login_acceptor *a, const char *name)
{
	return a->hashes && nt_hashes_of(a->hashes, name);
}

void login_answer(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r)
{
	switch (q->scheme) {
	case LOGIN_BASIC:
		login_password(a, q, r);
		break;
	case LOGIN_NTLM:
		login_raw_ntlm(a, q, r);
		break;
	case LOGIN_NEGOTIATE:
		login_negotiate(a, q, r);
		break;
	case LOGIN_SCHEMES:
		break;
	}
}
