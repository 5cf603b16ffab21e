#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bridge/backend/http_own.h"
#include "bridge/base/loop.h"
#include "bridge/base/watch.h"

/*
 * The key with which curl's GSSAPI gets its tickets, copied into a keytab in memory: GSSAPI takes the first key of the client
 * keytab that the environment names, whosever it is, and in memory there is no other; nor is the file opened again. It stays
 * for the process's life.
 */
static const char memory[] = "MEMORY:availbridge";
/* A first KDC that is down costs a second for each of four answers. */
enum { KDC_MS = 5000, KDC_REST_MS = 10000, REFUSED_MS = 1500, RENEW_MS = 1000 };
static int64_t silent_until; /* loop_ms() */
enum { KDC_ERRORS = 127 }; /* what a KDC may answer; behind them are the library's own */

struct copying {
	krb5_context context;
	krb5_principal principal;
	krb5_keytab file, copy;
	int found;
};
static struct {
	char *principal; /* NULL: nothing is offered yet */
	krb5_context context;
	krb5_keytab keytab; /* one in memory goes with its last handle */
} offered;

static krb5_error_code copy_keys(struct copying *c)
{
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_error_code r = krb5_kt_start_seq_get(c->context, c->file, &cursor);

	if (r)
		return r;
	while (!r && !(r = krb5_kt_next_entry(c->context, c->file, &entry, &cursor))) {
		if (krb5_principal_compare(c->context, entry.principal, c->principal)) {
			r = krb5_kt_add_entry(c->context, c->copy, &entry);
			c->found += !r;
		}
		krb5_free_keytab_entry_contents(c->context, &entry);
	}
	krb5_kt_end_seq_get(c->context, c->file, &cursor);
	return r == KRB5_KT_END ? 0 : r;
}

static krb5_error_code copy(struct copying *c, const char *path, const char *principal)
{
	krb5_error_code r;

	if ((r = krb5_parse_name(c->context, principal, &c->principal)) || (r = krb5_kt_resolve(c->context, path, &c->file)) ||
	    (r = krb5_kt_resolve(c->context, memory, &c->copy)))
		return r;
	return copy_keys(c);
}

static void clean(struct copying *c)
{
	if (c->file)
		krb5_kt_close(c->context, c->file);
	if (c->copy)
		krb5_kt_close(c->context, c->copy);
	krb5_free_principal(c->context, c->principal);
	if (c->context)
		krb5_free_context(c->context);
}

/* Takes over the copy and its context. */
static void offer(struct copying *c, const char *principal)
{
	if (setenv("KRB5_CLIENT_KTNAME", memory, 1) != 0 || setenv("KRB5CCNAME", memory, 1) != 0 || !(offered.principal = strdup(principal)))
		abort();
	offered.context = c->context;
	offered.keytab = c->copy;
	krb5_kt_close(c->context, c->file);
	krb5_free_principal(c->context, c->principal);
	*c = (struct copying){0};
}

/* A ticket for a service, or one to get such tickets with? */
static bool is_granting(const krb5_creds *c)
{
	const krb5_data *first = &c->server->data[0];

	return first->length == strlen(KRB5_TGS_NAME) && memcmp(first->data, KRB5_TGS_NAME, first->length) == 0;
}

static bool has(bool granting)
{
	krb5_cc_cursor cursor;
	krb5_ccache tickets;
	krb5_creds creds;
	bool found = false;

	if (!offered.principal || krb5_cc_resolve(offered.context, memory, &tickets))
		return false;
	if (krb5_cc_start_seq_get(offered.context, tickets, &cursor) == 0) {
		while (krb5_cc_next_cred(offered.context, tickets, &cursor, &creds) == 0) {
			found |= creds.server->length == 2 && !krb5_is_config_principal(offered.context, creds.server) && is_granting(&creds) == granting &&
			         creds.times.endtime > time(NULL);
			krb5_free_cred_contents(offered.context, &creds);
		}
		krb5_cc_end_seq_get(offered.context, tickets, &cursor);
	}
	krb5_cc_close(offered.context, tickets);
	return found;
}

bool http_keytab_has_ticket(void)
{
	return has(false);
}

/*
 * GSSAPI asks for other tickets when half of their time is over, and once in half a minute from then on, and does with the old ones if it gets none.
 * It notes in the cache when it will do so.
 */
static bool is_renewal_due(void)
{
	krb5_ccache tickets;
	krb5_data due;
	char seconds[32];
	bool is = false;

	if (krb5_cc_resolve(offered.context, memory, &tickets))
		return false;
	if (krb5_cc_get_config(offered.context, tickets, NULL, "refresh_time", &due) == 0) {
		snprintf(seconds, sizeof seconds, "%.*s", (int)due.length, due.data);
		is = strtoll(seconds, NULL, 10) <= time(NULL);
		krb5_free_data_contents(offered.context, &due);
	}
	krb5_cc_close(offered.context, tickets);
	return is;
}

bool http_keytab_watch(void)
{
	int64_t now = loop_ms();
	bool there = has(false);

	if (there && !is_renewal_due())
		return false;
	watch_kerberos(-1, now < silent_until ? now : now + (there ? RENEW_MS : KDC_MS));
	return true;
}

void http_keytab_watch_end(void)
{
	int64_t now = loop_ms();

	if (watch_end() && now >= silent_until)
		silent_until = now + KDC_REST_MS;
}

/* The library asks for a password when the KDC has answered that it wants one. */
static krb5_error_code no_password(krb5_context context, void *asked, const char *name, const char *banner, int n, krb5_prompt prompts[])
{
	*(bool *)asked = true;
	return KRB5_LIBOS_CANTREADPWD;
}

/* Is a KDC there that answers? Asked without the key, which it did not take if it is. */
static bool is_answered(krb5_principal client)
{
	krb5_creds creds = {0};
	krb5_error_code r;
	bool asked = false;

	watch_kerberos(-1, loop_ms() + REFUSED_MS);
	r = krb5_get_init_creds_password(offered.context, &creds, client, NULL, no_password, &asked, 0, NULL, NULL);
	watch_end();
	krb5_free_cred_contents(offered.context, &creds);
	return asked || (r > KRB5KDC_ERR_NONE && r <= KRB5KDC_ERR_NONE + KDC_ERRORS);
}

/*
 * Behind a refusal the library asks the primary KDC, too, and that one may be silent: so silence alone does not tell that nothing was refused.
 * It is asked about once for all of the time in which no KDC is asked.
 */
bool http_keytab_is_refused(void)
{
	static int64_t told_until;
	static bool told;
	krb5_principal client;

	if (!offered.principal || has(true))
		return false;
	if (loop_ms() < told_until)
		return told;
	if (krb5_parse_name(offered.context, offered.principal, &client))
		return false;
	told = is_answered(client);
	told_until = silent_until;
	krb5_free_principal(offered.context, client);
	return told;
}

void http_keytab_forget(void)
{
	krb5_ccache tickets;

	if (offered.principal && krb5_cc_resolve(offered.context, memory, &tickets) == 0)
		krb5_cc_destroy(offered.context, tickets);
}

/* The keys of ${principal} in ${path}, into ${c}, which is to be cleaned in any case. 0, or -1 with a sentence. */
static int read_keys(struct copying *c, const char *path, const char *principal, struct buf *error)
{
	krb5_error_code r;

	if (krb5_init_context(&c->context)) {
		buf_puts(error, "the Kerberos library cannot read its settings (/etc/krb5.conf)");
		return -1;
	}
	if ((r = copy(c, path, principal))) {
		const char *text = krb5_get_error_message(c->context, r);

		buf_printf(error, "keytab %s: %s", path, text);
		krb5_free_error_message(c->context, text);
	} else if (!c->found) {
		buf_printf(error, "keytab %s: it has no key of %s; `klist -k %s` shows whose it has", path, principal, path);
	}
	return r || !c->found ? -1 : 0;
}

int http_keytab_check(const char *path, const char *principal, struct buf *error)
{
	struct copying c = {0};
	int r = read_keys(&c, path, principal, error);

	clean(&c);
	return r;
}

int http_keytab_offer(const char *path, const char *principal, struct buf *error)
{
	struct copying c = {0};

	if (offered.principal && strcmp(offered.principal, principal) == 0)
		return 0;
	if (offered.principal) {
		buf_printf(error, "keytab %s: this process has the key of %s already", path, offered.principal);
		return -1;
	}
	if (read_keys(&c, path, principal, error) == 0)
		offer(&c, principal);
	clean(&c);
	return offered.principal ? 0 : -1;
}
