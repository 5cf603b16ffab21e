#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "bridge/conf/keywords.h"

/* directory.conf: the directory server. */

static const char *const attribute_words[CONF_ATTRIBUTES] = {
	"mail", "aliases", "target", "hidden", "disabled", "member", "sid", "upn", "account", "recipient-type",
	"object-class-person", "object-class-group"};

/* What the attributes are called where the settings do not say; "" = there is none. */
static const char *const presets[][CONF_ATTRIBUTES] = {
	[CONF_ACTIVE_DIRECTORY] = {"mail", "proxyAddresses", "targetAddress", "msExchHideFromAddressLists", "userAccountControl", "member",
	                           "objectSid", "userPrincipalName", "sAMAccountName", "msExchRecipientTypeDetails", "person", "group"},
	[CONF_OPENLDAP] = {"mail", "mailLocalAddress", "", "", "pwdAccountLockedTime", "member", "", "", "uid", "", "person", "groupOfNames"},
};

/* ldaps://HOST[:PORT] or ldap://HOST[:PORT]: the host as in an https URL. */
static char *normal_server(const char *s)
{
	size_t n = text_istarts(s, "ldaps://") ? 8 : text_istarts(s, "ldap://") ? 7 : 0;
	char url[300];

	if (!n || strlen(s) > 270 || strchr(s + n, '/'))
		return NULL;
	snprintf(url, sizeof(url), "https://%s", s + n);
	return conf_url_valid(url) ? conf_dup(s) : NULL;
}

/* A DN; the empty one is the root, as the Global Catalog knows it. */
static char *normal_base(const char *s)
{
	return strlen(s) <= CONF_DN_MAX && (!*s || conf_group_is_dn(s)) ? conf_dup(s) : NULL;
}

static char *normal_credential(const char *s)
{
	return conf_name_valid(s) ? conf_dup(s) : NULL;
}

/* An attribute's name as RFC 4512 has it (descr or OID), or nothing. */
static bool attribute_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;");

	return !s[n] && n <= 128 && s[0] != '-' && s[0] != ';' && s[0] != '.';
}

/* WORD=ATTR */
static bool read_attribute(struct keyword_file *f, const struct keyword *k, const char *word)
{
	struct conf_directory *d = f->base;
	size_t n = strcspn(word, "=");

	for (size_t i = 0; i < CONF_ATTRIBUTES && word[n]; i++)
		if (strlen(attribute_words[i]) == n && strncmp(attribute_words[i], word, n) == 0 && !d->attributes[i] &&
		    attribute_valid(word + n + 1)) {
			d->attributes[i] = conf_dup(word + n + 1);
			return true;
		}
	return false;
}

static void put_attributes(struct buf *out, const struct keyword *k, const void *base)
{
	const struct conf_directory *d = base;

	for (size_t i = 0; i < CONF_ATTRIBUTES; i++)
		buf_printf(out, "%s %s=%s\n", k->name, attribute_words[i], d->attributes[i]);
}

static const struct keyword_kind keyword_attribute = {read_attribute, put_attributes};

#define AT(field) offsetof(struct conf_directory, field)

static const struct keyword rows[] = {
	{"server", &keyword_list, AT(servers), .form = "ldaps://HOST[:PORT], or ldap://HOST[:PORT] for StartTLS", .normal = normal_server,
	 .at_n = AT(n_servers), .repeat = true, .required = true},
	{"preset", &keyword_choice, AT(preset), .form = "active-directory|openldap", .words = "active-directory|openldap", .required = true},
	{"base", &keyword_text, AT(base), .form = "DN, or \"\" for the root", .normal = normal_base, .required = true},
	{"bind", &keyword_choice, AT(bind), .form = "none|simple|gssapi", .words = "none|simple|gssapi", .required = true},
	{"bind-name", &keyword_text, AT(bind_name), .form = "DN-or-UPN"},
	{"password-file", &keyword_path, AT(password.file), .form = "PATH"},
	{"password-credential", &keyword_text, AT(password.credential), .form = "NAME", .normal = normal_credential},
	{"keytab", &keyword_path, AT(keytab), .form = "PATH"},
	{"principal", &keyword_text, AT(principal), .form = "NAME"},
	{"ca-file", &keyword_path, AT(ca_file), .form = "PATH"},
	{"timeout", &keyword_duration, AT(timeout_ms), .form = "\"3 s\", from 100 ms to 30 s", .preset = "3 s", .min = 100, .max = 30000},
	{"cache", &keyword_duration, AT(cache_ms), .form = "\"60 s\", at most 10 min", .preset = "60 s", .min = 0, .max = 600000},
	{"attribute", &keyword_attribute, 0,
	 .form = "WORD=ATTR, each WORD once: mail, aliases, target, hidden, disabled, member, sid, upn, account, recipient-type, "
	 "object-class-person or object-class-group",
	 .repeat = true},
	{"login", &keyword_yes_no, AT(login), .form = "yes|no", .preset = "no"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
_Static_assert((size_t)ROWS <= KEYWORDS_MAX, "make room for the lines of all rows");

const char *conf_directory_setting_name(size_t i)
{
	return i < ROWS ? rows[i].name : NULL;
}

static void check_bind(struct keyword_file *f, const struct conf_directory *d)
{
	static const char *const words[] = {"bind none", "bind simple", "bind gssapi"};
	bool simple = d->bind == CONF_BIND_SIMPLE, gssapi = d->bind == CONF_BIND_GSSAPI;
	const char *with = words[d->bind];

	keywords_expect(f, "bind-name", simple, simple, with);
	keywords_expect_password(f, simple, with);
	keywords_expect(f, "keytab", gssapi, gssapi, with);
	keywords_expect(f, "principal", gssapi, gssapi, with);
}

static void check_servers(struct keyword_file *f, const struct conf_directory *d)
{
	if (d->n_servers > CONF_DIRECTORY_SERVERS)
		conf_problem_add(f->l->problems, f->path, keywords_line(f, "server"), "Leave the nearest ones.",
		                 "%zu servers are named, and at most %d are tried",
		                 d->n_servers, CONF_DIRECTORY_SERVERS);
}

static bool exists(const struct conf_loading *l, const char *path)
{
	const struct conf_change *change = conf_change_of(l, path);

	return change ? change->text != NULL : access(path, F_OK) == 0;
}

void conf_read_directory(struct conf_loading *l)
{
	struct conf_directory *d = calloc(1, sizeof(*d));
	struct keyword_file f = {.l = l, .noun = "the directory", .rows = rows, .n = ROWS, .base = d};
	char path[4096];

	if (!d)
		abort();
	if (conf_file_path(path, sizeof(path), l->c->file, "directory.conf") < 0 || !exists(l, path)) {
		free(d);
		return;
	}
	f.path = d->file = conf_dup(path);
	if (keywords_read(&f))
		check_bind(&f, d);
	check_servers(&f, d);
	for (size_t i = 0; i < CONF_ATTRIBUTES; i++)
		if (!d->attributes[i])
			d->attributes[i] = conf_dup(presets[d->preset][i]);
	l->c->directory = d;
}

void conf_put_directory(struct buf *out, const struct conf_directory *d)
{
	keywords_put(out, rows, ROWS, d, 0);
}

void conf_free_directory(struct conf_directory *d)
{
	if (!d)
		return;
	keywords_free(rows, ROWS, d);
	for (size_t i = 0; i < CONF_ATTRIBUTES; i++)
		free(d->attributes[i]);
	free(d->file);
	free(d);
}
