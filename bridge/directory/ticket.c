#include "bridge/directory/ticket.h"
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "bridge/base/watch.h"

enum { SPARE_S = 300 };
/* Where SASL's GSSAPI looks for it: one cache of this process. */
static const char cache_name[] = "MEMORY:availbridge-directory";

struct ticket {
	krb5_context context;
	krb5_principal principal;
	krb5_keytab keytab;
	krb5_ccache cache;
	krb5_creds creds;
	const char *step; /* what was being done, for the sentence */
};

static krb5_error_code get(struct ticket *t, const char *keytab, const char *principal)
{
	krb5_error_code r;

	t->step = "the principal's name";
	if ((r = krb5_parse_name(t->context, principal, &t->principal)))
		return r;
	t->step = "the keytab";
	if ((r = krb5_kt_resolve(t->context, keytab, &t->keytab)))
		return r;
	t->step = "getting a ticket";
	if ((r = krb5_get_init_creds_keytab(t->context, &t->creds, t->principal, t->keytab, 0, NULL, NULL)))
		return r;
	t->step = "keeping the ticket";
	if ((r = krb5_cc_resolve(t->context, cache_name, &t->cache)) || (r = krb5_cc_initialize(t->context, t->cache, t->principal)))
		return r;
	return krb5_cc_store_cred(t->context, t->cache, &t->creds);
}

static void clear(struct ticket *t)
{
	krb5_free_cred_contents(t->context, &t->creds);
	if (t->cache)
		krb5_cc_close(t->context, t->cache);
	if (t->keytab)
		krb5_kt_close(t->context, t->keytab);
	krb5_free_principal(t->context, t->principal);
	krb5_free_context(t->context);
}

/*
 * The KDC knows no such login. Others of its errors, and its silence, say nothing of the key. After a refusal the library asks the primary KDC,
 * too: if that one is silent, the refusal is a refusal all the same.
 */
static bool is_refusal(krb5_error_code r)
{
	return r == KRB5KDC_ERR_PREAUTH_FAILED || r == KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN || r == KRB5KDC_ERR_CLIENT_REVOKED ||
	       r == KRB5KDC_ERR_KEY_EXP || r == KRB5KRB_AP_ERR_BAD_INTEGRITY;
}

static void say(struct ticket *t, const char *keytab, const char *principal, krb5_error_code r, bool late, struct buf *error)
{
	const char *text = krb5_get_error_message(t->context, r);

	buf_printf(error, "no Kerberos ticket for %s from the keytab %s (%s): %s", principal, keytab, t->step,
	           late && !is_refusal(r) ? "no KDC of its realm answered in time" : text);
	krb5_free_error_message(t->context, text);
}

enum fb_fact ticket_get(const char *keytab, const char *principal, int64_t *good_until, int64_t deadline, struct buf *error)
{
	struct ticket t = {.step = "Kerberos"};
	krb5_error_code r;
	bool late;

	if (*good_until > time(NULL) + SPARE_S)
		return FB_YES;
	setenv("KRB5CCNAME", cache_name, 1);
	if (krb5_init_context(&t.context)) {
		buf_puts(error, "the Kerberos library cannot read its settings (/etc/krb5.conf)");
		return FB_COULD_NOT_TELL;
	}
	watch_kerberos(-1, deadline);
	r = get(&t, keytab, principal);
	late = watch_end();
	if (r)
		say(&t, keytab, principal, r, late, error);
	else
		*good_until = t.creds.times.endtime;
	clear(&t);
	return !r ? FB_YES : is_refusal(r) ? FB_NO : FB_COULD_NOT_TELL;
}
