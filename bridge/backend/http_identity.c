#include <stdio.h>
#include <string.h>
#include "bridge/backend/http_own.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "pki/certificate.h"

enum { PASSWORD_MAX = 1024, PEM_MAX = 1 << 20 };

/* A key that others may read is refused. ${what} is the setting's name. */
static int check_rights(const char *what, const char *path, struct buf *error)
{
	if (!path || !file_is_loose(path))
		return 0;
	buf_printf(error, "%s %s: group or others have rights to it. Take them away: chmod 600 %s", what, path, path);
	return -1;
}

static int read_pem(struct buf *out, const char *what, const char *path, struct buf *error)
{
	enum file_result r;

	if (!path)
		return 0;
	r = file_read(path, out);
	if (r == FILE_OK && out->len)
		return 0;
	buf_printf(error, "%s %s: %s", what, path,
	           r == FILE_TOO_BIG ? "it is over 1 MiB" :
	           r == FILE_OK      ? "it is empty" :
	           r == FILE_ABSENT  ? "there is no such file" :
	                               "it cannot be read");
	return -1;
}

static void spell_pin(struct http_identity *id, const struct conf_backend *b)
{
	struct buf pin;

	if (!b->has_pin)
		return;
	buf_init(&pin, sizeof id->pin - 1);
	buf_puts(&pin, "sha256//");
	text_base64(&pin, b->pin, sizeof b->pin);
	snprintf(id->pin, sizeof id->pin, "%s", buf_cstr(&pin));
	buf_free(&pin);
}

/* What ${auth} needs and the system's libcurl was built without, or NULL. */
static const char *lacking(enum conf_auth auth)
{
	const int has = curl_version_info(CURLVERSION_NOW)->features;

	if (auth == CONF_AUTH_NTLM && !(has & CURL_VERSION_NTLM))
		return "NTLM";
	return auth == CONF_AUTH_NEGOTIATE && !(has & CURL_VERSION_SPNEGO) ? "Kerberos" : NULL;
}

static void say_lacking(struct buf *out, enum conf_auth auth)
{
	buf_printf(out, "auth %s cannot work: libcurl %s of this machine is built without %s", auth == CONF_AUTH_NTLM ? "ntlm" : "negotiate",
	           curl_version_info(CURLVERSION_NOW)->version, lacking(auth));
}

static void begin(struct http_identity *id, const struct conf_backend *b)
{
	*id = (struct http_identity){.auth = b->auth, .user = b->user, .ca_file = b->ca_file};
	buf_init(&id->password, PASSWORD_MAX);
	buf_init(&id->certificate, PEM_MAX);
	buf_init(&id->key, PEM_MAX);
	spell_pin(id, b);
}

/* Looks at whatever else than the password a login of ${b} needs, and reads it. -1 with a sentence. */
static int read_files(struct http_identity *id, const struct conf_backend *b, struct buf *error)
{
	if (lacking(b->auth)) {
		say_lacking(error, b->auth);
		return -1;
	}
	if (check_rights("keytab", b->keytab, error) != 0 || check_rights("client-key", b->client_key, error) != 0)
		return -1;
	if (b->ca_file && pki_authorities_check(b->ca_file, error) != 0)
		return -1;
	if (read_pem(&id->certificate, "client-certificate", b->client_certificate, error) != 0)
		return -1;
	return read_pem(&id->key, "client-key", b->client_key, error);
}

void http_check(const struct conf *c, struct conf_problems *problems)
{
	struct http_identity id;
	struct buf what;

	buf_init(&what, 8192);
	for (size_t i = 0; i < c->n_backends; i++) {
		const struct conf_backend *b = &c->backends[i];

		begin(&id, b);
		buf_reset(&what);
		if (read_files(&id, b, &what) != 0 || (b->auth == CONF_AUTH_NEGOTIATE && http_keytab_check(b->keytab, b->user, &what) != 0))
			conf_problem_add(problems, b->file, 0, "Mend it, or take the backend out: a daemon does not begin with it.", "%s", buf_cstr(&what));
		http_identity_free(&id);
	}
	buf_free(&what);
}

int http_identity_read(struct http_identity *id, const struct conf *c, const struct conf_backend *b, struct buf *error)
{
	begin(id, b);
	if (read_files(id, b, error) != 0)
		return -1;
	if ((b->auth == CONF_AUTH_BASIC || b->auth == CONF_AUTH_NTLM) && conf_secret_read(c, &b->password, &id->password, error) != 0)
		return -1;
	return b->auth == CONF_AUTH_NEGOTIATE ? http_keytab_offer(b->keytab, b->user, error) : 0;
}

void http_identity_free(struct http_identity *id)
{
	buf_wipe(&id->password);
	buf_free(&id->certificate);
	buf_wipe(&id->key);
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

/* Borrowed: the identity outlives every handle. */
static bool set_blob(CURL *easy, CURLoption option, const struct buf *b)
{
	struct curl_blob blob = {.data = buf_ptr(b), .len = b->len, .flags = CURL_BLOB_NOCOPY};

	return !b->len || SET(option, &blob);
}

/* One bit alone: what the server offers besides is not looked at, so that it cannot ask for something weaker. */
static bool set_login(struct http_identity *id, CURL *easy)
{
	const char *user = id->user ? id->user : "";

	switch (id->auth) {
	case CONF_AUTH_BASIC:
		return SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) && SET(CURLOPT_USERNAME, user) && SET(CURLOPT_PASSWORD, buf_cstr(&id->password));
	case CONF_AUTH_NTLM:
		return SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_NTLM) && SET(CURLOPT_USERNAME, user) && SET(CURLOPT_PASSWORD, buf_cstr(&id->password));
	case CONF_AUTH_NEGOTIATE: /* who we are stands in the keytab */
		return SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_NEGOTIATE) && SET(CURLOPT_USERNAME, "") && SET(CURLOPT_PASSWORD, "");
	default:
		return true;
	}
}

/*
 * By the CA file or the system's CAs. A pin without a CA file takes the place of the chain: the key itself is known, as on the
 * link. The name in the certificate is checked in every case.
 */
static bool set_verification(const struct http_identity *id, CURL *easy)
{
	bool pin_alone = id->pin[0] && !id->ca_file;

	return SET(CURLOPT_SSL_VERIFYPEER, pin_alone ? 0L : 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
	       SET(CURLOPT_CAPATH, NULL) && /* a folder, or text in memory, would keep curl from reading the CAs only once */
	       (!id->ca_file || SET(CURLOPT_CAINFO, id->ca_file)) && (!id->pin[0] || SET(CURLOPT_PINNEDPUBLICKEY, id->pin)) &&
	       SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

bool http_identity_apply(struct http_identity *id, CURL *easy)
{
	return set_verification(id, easy) && set_blob(easy, CURLOPT_SSLCERT_BLOB, &id->certificate) &&
	       set_blob(easy, CURLOPT_SSLKEY_BLOB, &id->key) && set_login(id, easy);
}

/*
 * Of a server that offers other ways to log in than the settings': a sentence, lasting until the next one. NULL if it offers theirs, or says
 * nothing.
 */
static const char *not_offered(const struct http_identity *id, CURL *easy)
{
	static const struct {
		long bit;
		enum conf_auth auth; /* CONF_AUTH_NONE: we have no such */
		const char *name;
	} schemes[] = {{CURLAUTH_NEGOTIATE, CONF_AUTH_NEGOTIATE, "Negotiate"}, {CURLAUTH_NTLM, CONF_AUTH_NTLM, "NTLM"},
	               {CURLAUTH_BASIC, CONF_AUTH_BASIC, "Basic"}, {CURLAUTH_DIGEST, CONF_AUTH_NONE, "Digest"},
	               {CURLAUTH_BEARER, CONF_AUTH_NONE, "Bearer"}};
	static char said[160];
	char offered[64] = "";
	long bits = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTPAUTH_AVAIL, &bits);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t n = strlen(offered);

		if (!(bits & schemes[i].bit))
			continue;
		if (schemes[i].auth == id->auth && id->auth != CONF_AUTH_NONE)
			return NULL;
		snprintf(offered + n, sizeof offered - n, "%s%s", n ? ", " : "", schemes[i].name);
	}
	snprintf(said, sizeof said, "it refused our login (HTTP 401), as it offers %s and not what auth names: see auth", offered);
	return *offered ? said : NULL;
}

enum http_outcome http_identity_outcome(const struct http_identity *id, CURL *easy, const char **why)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 401 || (*why = not_offered(id, easy)) || id->auth != CONF_AUTH_NEGOTIATE || http_keytab_has_ticket())
		return HTTP_ANSWERED;
	if (http_keytab_is_refused()) {
		*why = "the KDC does not take the key in keytab, so there is no ticket to log in with: see user, and make the keytab anew";
		return HTTP_ANSWERED;
	}
	*why = "it wants a Kerberos ticket, and none could be got for it: is a KDC there, does it know the service HTTP/ of the host in url, "
	       "is the clock right?";
	return HTTP_UNREACHABLE;
}

void http_identity_renew(const struct http_identity *id)
{
	if (id->auth == CONF_AUTH_NEGOTIATE)
		http_keytab_forget();
}
