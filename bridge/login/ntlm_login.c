#include <stdio.h>
#include <string.h>
#include <time.h>
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/login/parts.h"

void login_handshake_keep(const struct login_handshake *h, struct login_reply *r)
{
	pack_u8(&r->memory, h->wrapped);
	pack_u8(&r->memory, h->mic_needed);
	pack_bytes(&r->memory, h->mechs.p, h->mechs.n);
	pack_bytes(&r->memory, h->negotiate.p, h->negotiate.n);
	pack_bytes(&r->memory, h->challenge.p, h->challenge.n);
	r->result = r->memory.failed || r->token.failed ? LOGIN_COULD_NOT_TELL : LOGIN_MORE;
}

bool login_handshake_read(struct login_bytes memory, struct login_handshake *h)
{
	struct unpack u = unpack_start(memory.p, memory.n);

	h->wrapped = unpack_u8(&u);
	h->mic_needed = unpack_u8(&u);
	h->mechs.p = unpack_bytes(&u, &h->mechs.n);
	h->negotiate.p = unpack_bytes(&u, &h->negotiate.n);
	h->challenge.p = unpack_bytes(&u, &h->challenge.n);
	return memory.p && unpack_done(&u);
}

/* Now, in 100 ns since 1601. */
static uint64_t file_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec + 11644473600) * 10000000 + (uint64_t)now.tv_nsec / 100;
}

bool login_ntlm_challenge(const struct login_acceptor *a, struct login_bytes message, struct buf *out)
{
	const struct ntlm_names names = {a->computer, a->domain, a->host, a->conf->primary_domain};
	uint8_t challenge[NTLM_CHALLENGE];
	uint32_t flags;

	if (message.n > NTLM_MESSAGE_MAX || !ntlm_read_negotiate(message.p, message.n, &flags))
		return false;
	text_random(challenge, sizeof(challenge));
	return ntlm_put_challenge(out, flags, challenge, &names, file_time()) == 0;
}

/* MD5 of the channel binding; NULL if there is none. */
static const uint8_t *binding_of(const struct login_acceptor *a, struct login_bytes end_point, uint8_t out[PKI_MD])
{
	return end_point.p && ntlm_channel_binding(a->legacy, end_point.p, end_point.n, out) == 0 ? out : NULL;
}

/* Of an account that there is the missing hash counts for more than a proof that nobody could look at. */
static const char *why_not(const struct conf_account *account, const uint8_t *hash, const struct ntlm_session *s)
{
	if (!account)
		return "no account is meant by this name";
	return hash ? s->why : "the account has no NT hash, without which it cannot log in by NTLM: `availbridge account passwd --ntlm` gives it one";
}

void login_ntlm_authenticate(const struct login_acceptor *a, const struct login_handshake *h, struct login_bytes message,
                             struct login_bytes end_point, struct login_reply *r, struct ntlm_session *s)
{
	const struct conf_account *account;
	struct ntlm_authenticate m;
	struct ntlm_exchange x = {h->negotiate, h->challenge, message, NULL};
	uint8_t binding[PKI_MD];
	const uint8_t *hash;
	enum fb_fact fact;

	login_reply_why(r, "the client's last NTLM message cannot be read");
	if (!h->challenge.p || !ntlm_read_authenticate(message.p, message.n, &m))
		return;
	snprintf(r->typed, sizeof(r->typed), "%s%s%s", m.domain, *m.domain ? "\\" : "", m.user);
	account = login_account(a->conf, r->typed);
	hash = nt_hashes_of(a->hashes, account ? account->name : r->typed);
	x.binding = binding_of(a, end_point, binding);
	fact = ntlm_verify(a->legacy, &m, &x, account && hash ? hash : a->nobody, s);
	if (fact == FB_YES && account && hash) {
		r->result = LOGIN_YES;
		snprintf(r->account, sizeof(r->account), "%s", account->name);
	} else if (fact == FB_COULD_NOT_TELL) {
		r->result = LOGIN_COULD_NOT_TELL;
	} else {
		login_reply_why(r, why_not(account, hash, s));
	}
}

void login_raw_ntlm(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r)
{
	struct login_handshake h = {0};
	struct ntlm_session s;

	login_reply_why(r, a->legacy ? "the client's NTLM messages do not follow each other on one connection, or cannot be read"
	                             : "no account has an NT hash, so nobody can log in by NTLM");
	if (!a->legacy)
		return;
	if (ntlm_type(q->token.p, q->token.n) == NTLM_TYPE_AUTHENTICATE) {
		if (login_handshake_read(q->memory, &h) && !h.wrapped)
			login_ntlm_authenticate(a, &h, q->token, q->end_point, r, &s);
		explicit_bzero(&s, sizeof(s));
	} else if (login_ntlm_challenge(a, q->token, &r->token)) {
		h.negotiate = q->token;
		h.challenge = (struct login_bytes){buf_ptr(&r->token), r->token.len};
		login_handshake_keep(&h, r);
	}
}
