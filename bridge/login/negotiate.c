#include <stdio.h>
#include <string.h>
#include "bridge/login/parts.h"

static const struct login_bytes nothing = {NULL, 0};

/* ---- Kerberos ---- */

/*
 * The principal is known: which account of ours, or which person of the directory's, is that? The directory is asked about realms
 * of our keys alone: in its eyes bob@C.EXAMPLE may also be an address of one of ours, which a realm that ours trusts could then
 * claim.
 */
static void name_principal(const struct login_acceptor *a, const char *principal, bool ours, struct login_reply *r)
{
	const struct conf_account *account = login_account_of_principal(a->conf, principal, ours);
	enum fb_fact fact = FB_NO;

	if (account) {
		snprintf(r->account, sizeof(r->account), "%s", account->name);
		fact = FB_YES;
	} else if (ours && a->directory && a->directory->principal) {
		fact = a->directory->principal(a->directory->arg, principal, r->address);
	}
	r->result = fact == FB_YES ? LOGIN_YES : fact == FB_NO ? LOGIN_NO : LOGIN_COULD_NOT_TELL;
	login_reply_why(r, "the ticket is right, but neither an account nor the directory knows its principal");
}

/* ${mech}: SPNEGO is around it and this is how the client calls it; SPNEGO_OTHER = nothing is around it. */
static void accept_ticket(const struct login_acceptor *a, struct login_bytes token, struct login_bytes end_point, enum spnego_mech mech,
                          struct login_reply *r)
{
	char principal[KERBEROS_PRINCIPAL_MAX + 1];
	enum fb_fact fact;
	struct buf answer;
	bool ours;

	buf_init(&answer, LOGIN_TOKEN_MAX / 2);
	login_reply_why(r, "the Kerberos ticket is not taken: event=ticket-refused says why");
	fact = kerberos_accept(a->kerberos, token, end_point, &answer, principal, &ours);
	if (fact == FB_YES) {
		const struct login_bytes said = {answer.len ? buf_ptr(&answer) : NULL, answer.len};

		snprintf(r->typed, sizeof(r->typed), "%s", principal);
		name_principal(a, principal, ours, r);
		if (mech != SPNEGO_OTHER)
			spnego_put_response(&r->token, SPNEGO_COMPLETED, mech, said, nothing);
		else
			buf_add(&r->token, said.p, said.n);
	} else if (fact == FB_COULD_NOT_TELL) {
		r->result = LOGIN_COULD_NOT_TELL;
	}
	buf_free(&answer);
}

/* ---- NTLM inside SPNEGO ---- */

/* Answers the client's Type 1, or asks for it if ${message} is none yet. */
static void challenge(const struct login_acceptor *a, struct login_handshake *h, struct login_bytes message, struct login_reply *r)
{
	struct login_bytes said = nothing;
	struct buf type2;

	buf_init(&type2, NTLM_MESSAGE_MAX);
	if (!message.p || login_ntlm_challenge(a, message, &type2)) {
		if (message.p)
			said = (struct login_bytes){buf_ptr(&type2), type2.len};
		h->negotiate = message;
		h->challenge = said;
		spnego_put_response(&r->token, h->mic_needed && !said.p ? SPNEGO_REQUEST_MIC : SPNEGO_INCOMPLETE, SPNEGO_NTLM, said,
		                    nothing);
		login_handshake_keep(h, r);
	}
	buf_free(&type2);
}

/* The list of mechanisms was not changed on its way: the client's signature of it, if it must or does give one. */
static bool mic_fits(const struct login_acceptor *a, const struct login_handshake *h, struct login_bytes mic,
                     const struct ntlm_session *s)
{
	uint8_t right[PKI_MD], differ = 0;

	if (!mic.p)
		return !h->mic_needed;
	if (mic.n != PKI_MD || ntlm_sign(a->legacy, s, true, h->mechs.p, h->mechs.n, right) < 0)
		return false;
	for (size_t i = 0; i < PKI_MD; i++)
		differ = (uint8_t)(differ | (right[i] ^ mic.p[i]));
	return differ == 0;
}

static void finish(const struct login_acceptor *a, const struct login_handshake *h, const struct login_question *q,
                   const struct spnego_response *said, struct login_reply *r)
{
	uint8_t mic[PKI_MD];
	struct ntlm_session s = {.flags = 0};

	login_ntlm_authenticate(a, h, said->token, q->end_point, r, &s);
	if (r->result == LOGIN_YES && !mic_fits(a, h, said->mic, &s)) {
		r->result = LOGIN_NO;
		*r->account = 0;
		login_reply_why(r, "the client's list of mechanisms was changed on its way, or is not signed");
	} else if (r->result == LOGIN_YES) {
		bool sign = said->mic.p && ntlm_sign(a->legacy, &s, false, h->mechs.p, h->mechs.n, mic) == 0;

		spnego_put_response(&r->token, SPNEGO_COMPLETED, SPNEGO_OTHER, nothing,
		                    sign ? (struct login_bytes){mic, PKI_MD} : nothing);
	}
	explicit_bzero(&s, sizeof(s));
}

/* ---- SPNEGO ---- */

static bool is_kerberos(enum spnego_mech m)
{
	return m == SPNEGO_KERBEROS || m == SPNEGO_MS_KERBEROS;
}

/*
 * The client's first token. Kerberos is taken where it is the client's first choice (whose token comes along); else NTLM wherever
 * it stands. A client that likes something else better, offers Kerberos behind it and no NTLM, is refused: it would need a
 * ticket's session kept between two steps.
 */
static void begin(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r)
{
	struct login_handshake h = {.wrapped = true};
	struct spnego_init init;

	login_reply_why(r, "nothing that the client offers inside Negotiate works here: Kerberos needs a keytab, NTLM an account with an NT hash");
	if (!spnego_read_init(q->token.p, q->token.n, &init))
		return;
	if (a->kerberos && is_kerberos(init.mechs[0]) && init.token.p) {
		accept_ticket(a, init.token, q->end_point, init.mechs[0], r);
		return;
	}
	for (size_t i = 0; a->legacy && i < init.n; i++) {
		if (init.mechs[i] != SPNEGO_NTLM)
			continue;
		h.mic_needed = i > 0;
		h.mechs = init.list;
		challenge(a, &h, i == 0 ? init.token : nothing, r);
		return;
	}
}

static void go_on(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r)
{
	struct spnego_response said;
	struct login_handshake h;

	if (!a->legacy || !spnego_read_response(q->token.p, q->token.n, &said) || !said.token.p ||
	    !login_handshake_read(q->memory, &h) || !h.wrapped)
		return;
	if (!h.challenge.p)
		challenge(a, &h, said.token, r);
	else
		finish(a, &h, q, &said, r);
}

void login_negotiate(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r)
{
	login_reply_why(r, "what the client sent inside Negotiate does not follow what came before, or cannot be read");
	switch (spnego_kind(q->token.p, q->token.n)) {
	case SPNEGO_KIND_INIT:
		begin(a, q, r);
		break;
	case SPNEGO_KIND_RESPONSE:
		go_on(a, q, r);
		break;
	case SPNEGO_KIND_KERBEROS:
		if (a->kerberos)
			accept_ticket(a, q->token, q->end_point, SPNEGO_OTHER, r);
		break;
	case SPNEGO_KIND_NTLM:
		login_raw_ntlm(a, q, r);
		break;
	case SPNEGO_KIND_UNKNOWN:
		break;
	}
}
