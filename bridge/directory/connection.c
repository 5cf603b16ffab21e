#include "bridge/directory/connection.h"
#include <gssapi/gssapi.h>
#include <openldap.h>
#include <sasl/sasl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/base/loop.h"
#include "bridge/base/watch.h"
#include "bridge/directory/connection_inside.h"
#include "bridge/directory/network.h"
#include "pki/certificate.h"

enum { INCOMING_MAX = 4 << 20, GOODBYE_MS = 100 };
/* Which authorities count when the settings name no file: those of the system. */
static const char system_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

struct timeval connection_left(int64_t deadline)
{
	int64_t ms = deadline - loop_ms();

	if (ms < 1)
		ms = 1;
	return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

void connection_say(struct connection *c, const char *what, int code, struct buf *error)
{
	char *more = NULL;

	buf_printf(error, "%s: %s: %s", c->url, what, ldap_err2string(code));
	if (ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more) == LDAP_OPT_SUCCESS && more && *more)
		buf_printf(error, " (%s)", more);
	ldap_memfree(more);
}

LDAPMessage *connection_wait(struct connection *c, int id, const char *what, int64_t deadline, struct buf *error)
{
	struct timeval left = connection_left(deadline);
	LDAPMessage *m = NULL;
	int r = ldap_result(c->ld, id, LDAP_MSG_ONE, &left, &m);

	if (r > 0)
		return m;
	if (r == 0) {
		ldap_abandon_ext(c->ld, id, NULL, NULL);
		buf_printf(error, "%s: %s: no answer in time", c->url, what);
	} else {
		ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &r);
		connection_say(c, what, r, error);
	}
	return NULL;
}

/* ---- connecting ---- */

/*
 * Whatever /etc/ldap/ldap.conf or the environment might say: the library reads neither (LDAPNOINIT), and nothing here is left
 * to its defaults.
 */
static int set_up(struct connection *c, const struct conf_directory *d)
{
	const int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER, demand = LDAP_OPT_X_TLS_DEMAND;
	const int tls_min = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0, binding = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;
	const char *authorities = d->ca_file ? d->ca_file : system_authorities;
	ber_len_t incoming = INCOMING_MAX;
	Sockbuf *sb = NULL;
	int r = ldap_set_option(c->ld, LDAP_OPT_PROTOCOL_VERSION, &version);

	r |= ldap_set_option(c->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	r |= ldap_set_option(c->ld, LDAP_OPT_DEREF, &never);
	r |= ldap_set_option(c->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	r |= ldap_set_option(c->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
	r |= ldap_set_option(c->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls_min);
	r |= ldap_set_option(c->ld, LDAP_OPT_X_TLS_CACERTFILE, authorities);
	r |= ldap_set_option(c->ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON);
	r |= ldap_set_option(c->ld, LDAP_OPT_X_SASL_SECPROPS, "noanonymous,noplain,maxssf=0");
	r |= ldap_set_option(c->ld, LDAP_OPT_X_SASL_CBINDING, &binding);
	r |= ldap_set_option(c->ld, LDAP_OPT_X_TLS_NEWCTX, &client);
	r |= ldap_get_option(c->ld, LDAP_OPT_SOCKBUF, &sb);
	if (r == LDAP_OPT_SUCCESS && sb)
		ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &incoming);
	return r == LDAP_OPT_SUCCESS ? 0 : -1;
}

/*
 * Whether the ca-file holds nothing to trust a server by, which the library finds at the handshake with GnuTLS and before it with OpenSSL; says
 * so.
 */
static bool trusts_nobody(const struct conf_directory *d, struct buf *error)
{
	if (!d->ca_file || pki_authorities_check(d->ca_file, error) == 0)
		return false;
	buf_puts(error, "; so no server can be trusted");
	return true;
}

/* A certificate that it does not trust is an unknown error to the library with GnuTLS (Debian 12); with OpenSSL (Debian 13) it says so. */
static void say_tls(struct connection *c, const struct conf_directory *d, int code, bool late, struct buf *error)
{
	char *more = NULL;

	ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	if (late)
		buf_printf(error, "%s: the TLS handshake did not end in time", c->url);
	else if (trusts_nobody(d, error))
		; /* and that is the sentence */
	else if (more && (strstr(more, "unknown error") || strstr(more, "certificate verify failed")))
		buf_printf(error, "%s: its certificate does not hold: it is not signed by a CA in %s, not made for this host name, or out of date",
		           c->url, d->ca_file ? d->ca_file : system_authorities);
	else
		buf_printf(error, "%s: the TLS handshake failed: %s", c->url, more && *more ? more : ldap_err2string(code));
	ldap_memfree(more);
}

/* ldap:// must take StartTLS before it hears anything else of us. */
static int start_tls(struct connection *c, const struct conf_directory *d, int64_t deadline, struct buf *error)
{
	bool plain = strncmp(c->url, "ldap:", 5) == 0, late;
	int r, refused = 0;

	watch_descriptor(c->fd, deadline);
	r = plain ? ldap_start_tls_s(c->ld, NULL, NULL) : ldap_install_tls(c->ld);
	late = watch_end();
	if (r == LDAP_SUCCESS && ldap_tls_inplace(c->ld))
		return 0;
	ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &refused);
	if (plain && !late && refused > 0)
		connection_say(c, "the server does not take StartTLS, and without it nothing is said to it", r, error);
	else
		say_tls(c, d, r, late, error);
	return -1;
}

/* A connection of our own making, so that we can end it: libldap gets the descriptor. */
static int connect_now(struct connection *c, int64_t deadline, struct buf *error)
{
	LDAPURLDesc *u = NULL;
	int r;

	if (ldap_url_parse(c->url, &u) != LDAP_URL_SUCCESS) {
		buf_printf(error, "%s: the library does not understand this URL", c->url);
		return -1;
	}
	buf_printf(error, "%s: ", c->url);
	c->fd = network_connect(u->lud_host, u->lud_port, deadline, error);
	ldap_free_urldesc(u);
	if (c->fd < 0)
		return -1;
	buf_reset(error);
	if ((r = ldap_init_fd(c->fd, LDAP_PROTO_TCP, c->url, &c->ld)) == LDAP_SUCCESS)
		return 0;
	close(c->fd);
	buf_printf(error, "%s: %s", c->url, ldap_err2string(r));
	return -1;
}

struct connection *connection_open(const struct conf_directory *d, const char *url, int64_t deadline, struct buf *error)
{
	struct connection *c = calloc(1, sizeof *c);

	if (!c)
		abort();
	c->url = url;
	if (connect_now(c, deadline, error) != 0) {
		free(c);
		return NULL;
	}
	if (set_up(c, d) == 0) {
		if (start_tls(c, d, deadline, error) == 0)
			return c;
	} else if (!trusts_nobody(d, error))
		buf_printf(error, "%s: TLS cannot be set up: see that %s is there, holds certificates in PEM and can be read by the daemon's user", url,
		           d->ca_file ? d->ca_file : system_authorities);
	connection_free(c);
	return NULL;
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	watch_descriptor(c->fd, loop_ms() + GOODBYE_MS);
	ldap_unbind_ext(c->ld, NULL, NULL);
	watch_end();
	free(c);
}

/* ---- logging in ---- */

/* What a domain controller means by the "data" of a bind that it refuses: an error of Windows' (winerror.h, NTSTATUS), in hexadecimal digits. */
static const char *meaning(const char *diagnostic)
{
	static const struct {
		const char *code, *words;
	} known[] = {
		{"525,", "there is no such account"}, {"52e,", "no such account, or a wrong password"}, {"52f,", "a restriction of the account"},
		{"530,", "not at this time of the day"}, {"531,", "not from this machine"}, {"532,", "the password has expired"},
		{"533,", "the account is disabled"}, {"701,", "the account has expired"}, {"773,", "the password must be changed first"},
		{"775,", "the account is locked out"},
	};
	const char *data = strstr(diagnostic, ", data ");

	for (size_t i = 0; data && i < sizeof known / sizeof *known; i++)
		if (strncmp(data + 7, known[i].code, strlen(known[i].code)) == 0)
			return known[i].words;
	return NULL;
}

/* No such entry, or one without a password, is as good as a wrong password. */
static bool is_refusal(int code)
{
	return code == LDAP_INVALID_CREDENTIALS || code == LDAP_INAPPROPRIATE_AUTH || code == LDAP_NO_SUCH_OBJECT;
}

static enum fb_fact judge_bind(struct connection *c, LDAPMessage *m, struct buf *error)
{
	char *more = NULL;
	int code = LDAP_OTHER, r = ldap_parse_result(c->ld, m, &code, NULL, &more, NULL, NULL, 1);

	if (r != LDAP_SUCCESS)
		code = r;
	if (code != LDAP_SUCCESS) {
		const char *means = more ? meaning(more) : NULL;

		buf_printf(error, "%s: the bind was refused: %s%s%s", c->url, ldap_err2string(code), means ? ", which means: " : "", means ? means : "");
		if (more && *more)
			buf_printf(error, " (%s)", more);
	}
	ldap_memfree(more);
	return code == LDAP_SUCCESS ? FB_YES : is_refusal(code) ? FB_NO : FB_COULD_NOT_TELL;
}

enum fb_fact connection_bind(struct connection *c, const char *name, const char *password, int64_t deadline, struct buf *error)
{
	struct berval secret = {strlen(password), (char *)(uintptr_t)password};
	LDAPMessage *m = NULL;
	int id, r;

	if (!*name || !*password) {
		buf_printf(error, "%s: a bind without a name or a password is none", c->url);
		return FB_NO;
	}
	watch_descriptor(c->fd, deadline + CONNECTION_SPARE_MS);
	if ((r = ldap_sasl_bind(c->ld, name, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &id)) == LDAP_SUCCESS)
		m = connection_wait(c, id, "the bind", deadline, error);
	else
		connection_say(c, "the bind cannot be sent", r, error);
	watch_end();
	return m ? judge_bind(c, m, error) : FB_COULD_NOT_TELL;
}

int connection_prepare_gssapi(struct buf *error)
{
	int r = sasl_client_init(NULL);

	if (r != SASL_OK) {
		buf_printf(error, "the SASL library cannot be used: %s", sasl_errstring(r, NULL, NULL));
		return -1;
	}
	for (const char **have = sasl_global_listmech(); have && *have; have++)
		if (strcmp(*have, "GSSAPI") == 0)
			return 0;
	buf_puts(error, "SASL has no GSSAPI here: install libsasl2-modules-gssapi-mit");
	return -1;
}

/*
 * The mechanism asks for nothing that the ticket does not say. This is the moment to give it ${ticket}: there is a SASL context by now, and it has
 * not looked for one by itself yet.
 */
static int answer(LDAP *ld, unsigned flags, void *ticket, void *in)
{
	if (ticket)
		ldap_set_option(ld, LDAP_OPT_X_SASL_GSS_CREDS, ticket);
	for (sasl_interact_t *i = in; i->id != SASL_CB_LIST_END; i++) {
		i->result = "";
		i->len = 0;
	}
	return LDAP_SUCCESS;
}

/*
 * The mechanism is given our ticket: what it acquires by itself, Cyrus SASL 2.1.28 never frees, 18 KiB for each bind. Where there is none to be
 * given, it says why.
 */
enum fb_fact connection_bind_gssapi(struct connection *c, int64_t deadline, struct buf *error)
{
	gss_cred_id_t ticket = GSS_C_NO_CREDENTIAL;
	OM_uint32 ignored;
	int r;

	watch_kerberos(c->fd, deadline);
	gss_acquire_cred(&ignored, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET, GSS_C_INITIATE, &ticket, NULL, NULL);
	r = ldap_sasl_interactive_bind_s(c->ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, answer, ticket);
	watch_end();
	gss_release_cred(&ignored, &ticket);
	if (r == LDAP_SUCCESS)
		return FB_YES;
	connection_say(c, "the Kerberos bind failed", r, error);
	return r == LDAP_INVALID_CREDENTIALS ? FB_NO : FB_COULD_NOT_TELL;
}
