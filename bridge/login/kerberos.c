#include "bridge/login/kerberos.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include "bridge/base/file.h"
#include "bridge/base/log.h"
#include "bridge/login/pac.h"
#include "bridge/login/parts.h"

/* The keys live in a keytab of this process's memory: the library would open the file anew for every ticket. */
static const char memory_keytab[] = "MEMORY:availbridge-front";
enum { REALMS_MAX = 16, WORDS_MAX = 1000 };

struct kerberos {
	krb5_context ctx;
	krb5_keytab keys;
	gss_cred_id_t cred;
	char *realms[REALMS_MAX]; /* of the keys */
	size_t n_realms;
	bool without_pac;         /* their tickets may lack a PAC */
};

static void put_krb5_error(struct buf *error, krb5_context ctx, krb5_error_code code)
{
	const char *words = krb5_get_error_message(ctx, code);

	buf_puts(error, words);
	krb5_free_error_message(ctx, words);
}

/* Appends the words of the library about one of its two codes. */
static void put_status(struct buf *error, OM_uint32 code, int type)
{
	OM_uint32 minor, more = 0;
	gss_buffer_desc words;

	do {
		if (gss_display_status(&minor, code, type, (gss_OID)gss_mech_krb5, &more, &words) != GSS_S_COMPLETE)
			return;
		buf_printf(error, "%s%.*s", error->len ? "; " : "", (int)words.length, (const char *)words.value);
		gss_release_buffer(&minor, &words);
	} while (more);
}

static bool knows_realm(const struct kerberos *k, const char *realm)
{
	for (size_t i = 0; i < k->n_realms; i++)
		if (strcmp(k->realms[i], realm) == 0)
			return true;
	return false;
}

/* One key into memory, and its realm onto the list. */
static krb5_error_code copy_key(struct kerberos *k, krb5_keytab_entry *entry)
{
	const krb5_data *realm = krb5_princ_realm(k->ctx, entry->principal);
	char *name = strndup(realm->data, realm->length);

	if (name && k->n_realms < REALMS_MAX && !knows_realm(k, name))
		k->realms[k->n_realms++] = name;
	else
		free(name);
	return krb5_kt_add_entry(k->ctx, k->keys, entry);
}

/* How many keys were copied, or -1 after a sentence. */
static int copy_keys(struct kerberos *k, const char *path, struct buf *error)
{
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_error_code code;
	krb5_keytab file;
	char name[4200];
	int n = 0;

	snprintf(name, sizeof(name), "FILE:%s", path);
	code = krb5_kt_resolve(k->ctx, name, &file);
	if (code == 0) {
		code = krb5_kt_start_seq_get(k->ctx, file, &cursor);
		while (code == 0 && (code = krb5_kt_next_entry(k->ctx, file, &entry, &cursor)) == 0) {
			code = copy_key(k, &entry);
			krb5_free_keytab_entry_contents(k->ctx, &entry);
			n++;
		}
		if (code == KRB5_KT_END)
			code = krb5_kt_end_seq_get(k->ctx, file, &cursor);
		krb5_kt_close(k->ctx, file);
	}
	if (code)
		put_krb5_error(error, k->ctx, code);
	return code ? -1 : n;
}

/* The credential whose keys and replay cache are not on any disk. */
static bool acquire(struct kerberos *k, struct buf *error)
{
	gss_key_value_element_desc elements[] = {{"keytab", memory_keytab}, {"rcache", "none:"}};
	const gss_key_value_set_desc store = {2, elements};
	gss_OID_set_desc mechs = {1, (gss_OID)gss_mech_krb5};
	OM_uint32 minor, major;

	major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechs, GSS_C_ACCEPT, &store, &k->cred, NULL, NULL);
	if (major == GSS_S_COMPLETE)
		return true;
	put_status(error, major, GSS_C_GSS_CODE);
	put_status(error, minor, GSS_C_MECH_CODE);
	return false;
}

static OM_uint32 accept_token(const struct kerberos *k, OM_uint32 *minor, gss_ctx_id_t *ctx, struct login_bytes token,
                              struct login_bytes end_point, gss_name_t *name, gss_buffer_t answer, OM_uint32 *flags)
{
	gss_buffer_desc in = {token.n, (void *)token.p};
	struct gss_channel_bindings_struct binding = {0};
	OM_uint32 major;
	struct buf data;

	buf_init(&data, WORDS_MAX);
	buf_puts(&data, "tls-server-end-point:");
	buf_add(&data, end_point.p, end_point.n);
	binding.application_data = (gss_buffer_desc){data.len, buf_ptr(&data)};
	major = gss_accept_sec_context(minor, ctx, k->cred, &in, end_point.p ? &binding : GSS_C_NO_CHANNEL_BINDINGS, name, NULL, answer,
	                               flags, NULL, NULL);
	buf_free(&data);
	return major;
}

/* No ticket at all: with the first one the library reads its settings, and later, in the sandbox, there are no files. */
static void rehearse(const struct kerberos *k)
{
	static const uint8_t none[] = "\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00";
	gss_buffer_desc answer = GSS_C_EMPTY_BUFFER;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 minor, flags;

	accept_token(k, &minor, &ctx, (struct login_bytes){none, sizeof(none) - 1}, (struct login_bytes){NULL, 0}, &name, &answer,
	             &flags);
	gss_release_buffer(&minor, &answer);
	gss_release_name(&minor, &name);
	gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
}

static bool fill(struct kerberos *k, const char *path, struct buf *why)
{
	int n;

	if (file_is_loose(path)) {
		buf_puts(why, "others than its owner may read or write it; run: chmod 600 on it");
		return false;
	}
	if (krb5_init_context(&k->ctx) != 0 || krb5_kt_resolve(k->ctx, memory_keytab, &k->keys) != 0) {
		buf_puts(why, "Kerberos cannot be set up; look at /etc/krb5.conf");
		return false;
	}
	n = copy_keys(k, path, why);
	if (n == 0)
		buf_puts(why, "it holds no key");
	if (n <= 0 || !acquire(k, why))
		return false;
	rehearse(k);
	return true;
}

struct kerberos *kerberos_new(const char *path, bool without_pac, struct buf *error)
{
	struct kerberos *k = calloc(1, sizeof(*k));
	struct buf why;

	if (!k)
		abort();
	k->without_pac = without_pac;
	buf_init(&why, WORDS_MAX);
	if (!fill(k, path, &why)) {
		buf_printf(error, "the keytab %s cannot be used: %s", path, buf_cstr(&why));
		kerberos_free(k);
		k = NULL;
	}
	buf_free(&why);
	return k;
}

void kerberos_free(struct kerberos *k)
{
	OM_uint32 minor;

	if (!k)
		return;
	gss_release_cred(&minor, &k->cred);
	if (k->keys)
		krb5_kt_close(k->ctx, k->keys);
	while (k->n_realms)
		free(k->realms[--k->n_realms]);
	if (k->ctx)
		krb5_free_context(k->ctx);
	free(k);
}

/* What to do about it, by the library's words: GSSAPI gives codes of its own for Kerberos's. NULL = nothing that is known. */
static const char *fix_of(OM_uint32 major, const char *why)
{
	static const struct {
		const char *words, *fix;
	} known[] = {
		{"keytab", "The domain has another key of this service than the keytab: make the keytab anew, and have the client log on again."},
		{"ntegrity check", "The domain has another key of this service than the keytab: make the keytab anew, and have the client log on again."},
		{"lock skew", "Set the clocks of the client, of the domain's controllers and of this machine: they are more than five minutes apart."},
		{"icket expired", "See that the clock of this machine is right, and have the client log on again."},
		{"icket not yet valid", "Set the clock of this machine: it is behind the domain's."},
	};

	if (GSS_ROUTINE_ERROR(major) == GSS_S_BAD_BINDINGS)
		return "The client saw another certificate than front_certificate: let whatever stands in between show the same.";
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strstr(why, known[i].words))
			return known[i].fix;
	return NULL;
}

/* Why a ticket was not taken is the admin's to know: a clock, a key's version. The client hears a plain no. */
static void log_refusal(OM_uint32 major, OM_uint32 minor)
{
	struct buf why;

	buf_init(&why, WORDS_MAX);
	put_status(&why, major, GSS_C_GSS_CODE);
	put_status(&why, minor, GSS_C_MECH_CODE);
	log_event(LOG_LEVEL_INFO, "ticket-refused", LS("why", buf_cstr(&why)), LS("fix", fix_of(major, buf_cstr(&why))));
	buf_free(&why);
}

/* One part of what the KDC wrote into the ticket about its account, if it is signed by it. What a client put there is not read. */
static enum fb_fact pac_part(gss_name_t name, const char *part, char account[PAC_NAME_MAX + 1])
{
	gss_buffer_desc attribute = {strlen(part), (void *)(uintptr_t)part}, info = GSS_C_EMPTY_BUFFER, words = GSS_C_EMPTY_BUFFER;
	int authenticated = 0, complete, more = -1;
	OM_uint32 minor, major = gss_get_name_attribute(&minor, name, &attribute, &authenticated, &complete, &info, &words, &more);
	bool read = major == GSS_S_COMPLETE && authenticated && (!account || pac_account((struct login_bytes){info.value, info.length}, account));

	gss_release_buffer(&minor, &info);
	gss_release_buffer(&minor, &words);
	return read ? FB_YES : major == GSS_S_UNAVAILABLE ? FB_NO : FB_COULD_NOT_TELL;
}

/* Is ${account} a computer's that is not called as ${principal} is? What has a / in it is no account's name, but a service's of a computer. */
static bool is_of_a_computer(const char *account, const char *principal)
{
	char name[KERBEROS_PRINCIPAL_MAX + 1];

	snprintf(name, sizeof name, "%.*s", (int)(strrchr(principal, '@') - principal), principal);
	return account[strlen(account) - 1] == '$' && !strchr(name, '/') && !login_same_name(account, name);
}

/*
 * Is the ticket that of ${principal}'s own account? Where no account is called NAME, Active Directory gives whoever asks for NAME's ticket
 * that of NAME$, a computer's ([MS-KILE] 3.3.5.6.1), and every user may add a computer under a name of his choice. He may also ask for a
 * ticket without the PAC, which alone tells of it ([MS-KILE] 2.2.3). MIT's KDC writes PACs, too, from 1.20 on, that name no account: it knows
 * none but the principal.
 */
static bool is_own(const struct kerberos *k, gss_name_t name, const char *principal, bool ours)
{
	char account[PAC_NAME_MAX + 1] = "";
	enum fb_fact named = pac_part(name, "urn:mspac:logon-info", account), there = pac_part(name, "urn:mspac:client-info", NULL);
	const char *why = NULL;

	if (named == FB_COULD_NOT_TELL || there == FB_COULD_NOT_TELL)
		why = "what the KDC says in it of the account cannot be read, or is not signed by it";
	else if (there == FB_NO && ours && !k->without_pac)
		why = "it has no PAC, which alone says whether it is a computer's. In an Active Directory see the client's settings, and that "
		      "userAccountControl of the keytab's account is without NO_AUTH_DATA_REQUIRED; if its KDC is not one of Active Directory and writes "
		      "none, set tickets_without_pac to yes";
	else if (named == FB_YES && is_of_a_computer(account, principal))
		why = "it is the ticket of a computer that asked for it by another name: there is no account of the principal's";
	if (why)
		log_event(LOG_LEVEL_WARN, "ticket-refused", LS("principal", principal), LS("computer", named == FB_YES ? account : NULL), LS("why", why));
	return !why;
}

/* The client's name with its realm. False if it is too long or has a zero in it. */
static bool display(const struct kerberos *k, gss_name_t name, char principal[KERBEROS_PRINCIPAL_MAX + 1], bool *ours)
{
	OM_uint32 minor;
	gss_buffer_desc text;
	const char *at;
	bool ok;

	if (gss_display_name(&minor, name, &text, NULL) != GSS_S_COMPLETE)
		return false;
	ok = text.length <= KERBEROS_PRINCIPAL_MAX && !memchr(text.value, 0, text.length);
	snprintf(principal, KERBEROS_PRINCIPAL_MAX + 1, "%.*s", (int)(ok ? text.length : 0), (const char *)text.value);
	gss_release_buffer(&minor, &text);
	at = strrchr(principal, '@');
	*ours = at && knows_realm(k, at + 1);
	return ok && at;
}

/* Whose ticket it is that was good, if that is somebody. */
static bool names_somebody(const struct kerberos *k, gss_name_t name, OM_uint32 flags, char principal[KERBEROS_PRINCIPAL_MAX + 1], bool *ours)
{
	if (!(flags & GSS_C_ANON_FLAG) && display(k, name, principal, ours))
		return is_own(k, name, principal, *ours);
	log_event(LOG_LEVEL_INFO, "ticket-refused", LS("why", "it names nobody, or by too long a name"));
	return false;
}

enum fb_fact kerberos_accept(struct kerberos *k, struct login_bytes token, struct login_bytes end_point, struct buf *answer,
                             char principal[KERBEROS_PRINCIPAL_MAX + 1], bool *ours)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	gss_name_t name = GSS_C_NO_NAME;
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, ignored, flags = 0, major = accept_token(k, &minor, &ctx, token, end_point, &name, &out, &flags);
	enum fb_fact fact = FB_NO;

	*principal = 0;
	*ours = false;
	if (major == GSS_S_COMPLETE && names_somebody(k, name, flags, principal, ours))
		fact = buf_add(answer, out.value, out.length) == 0 ? FB_YES : FB_COULD_NOT_TELL;
	else if (GSS_ROUTINE_ERROR(major) == GSS_S_NO_CRED || GSS_ROUTINE_ERROR(major) == GSS_S_CREDENTIALS_EXPIRED)
		fact = FB_COULD_NOT_TELL;
	if (major != GSS_S_COMPLETE)
		log_refusal(major, minor);
	gss_release_name(&ignored, &name);
	gss_release_buffer(&ignored, &out);
	gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
	return fact;
}
