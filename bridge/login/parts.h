#ifndef BRIDGE_LOGIN_PARTS_H
#define BRIDGE_LOGIN_PARTS_H
#include "bridge/login/kerberos.h"
#include "bridge/login/login.h"
#include "bridge/login/nt_hashes.h"
#include "bridge/login/ntlm_message.h"
#include "bridge/login/ntlm_verify.h"
#include "bridge/login/spnego.h"

/* What the files of login/ share among themselves; no other room includes it. */

struct login_acceptor {
	const struct conf *conf;
	const struct login_directory *directory;
	struct pki_legacy *legacy;  /* NULL = no NTLM */
	struct nt_hashes *hashes;   /* NULL = there are none */
	struct kerberos *kerberos;  /* NULL = no Kerberos */
	uint8_t nobody[PKI_MD];     /* the NT hash of no password: for accounts that have none */
	char computer[16], domain[16], host[FB_DOMAIN_MAX + 1]; /* how we call ourselves in a Type 2 */
};

/* True if Windows takes the two for the same name. */
bool login_same_name(const char *a, const char *b);

/* What a login of several steps has seen so far: login_reply.memory, unpacked. Borrowed from it. */
struct login_handshake {
	bool wrapped;                            /* SPNEGO around NTLM */
	bool mic_needed;                         /* NTLM was not the client's first choice, so its mechListMIC must come */
	struct login_bytes mechs;                /* what that is about */
	struct login_bytes negotiate, challenge; /* Type 1 and Type 2; p NULL = none yet */
};
/* Puts it into r->memory and says LOGIN_MORE. */
void login_handshake_keep(const struct login_handshake *h, struct login_reply *r);
/* Reads it back. False if there is none. */
bool login_handshake_read(struct login_bytes memory, struct login_handshake *h);

/* Basic: the account's password, else the directory's word. */
void login_password(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r);
/* Appends the Type 2 that answers the Type 1 ${message} to ${out}. False if it is none. */
bool login_ntlm_challenge(const struct login_acceptor *a, struct login_bytes message, struct buf *out);
/* Checks the Type 3 ${message} of the handshake ${h}: fills r->typed, r->account and r->result, and ${s} after LOGIN_YES. */
void login_ntlm_authenticate(const struct login_acceptor *a, const struct login_handshake *h, struct login_bytes message,
                             struct login_bytes end_point, struct login_reply *r, struct ntlm_session *s);
/* NTLM messages without SPNEGO around them, under either scheme. */
void login_raw_ntlm(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r);
/* Negotiate: SPNEGO, or what comes in its place. */
void login_negotiate(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r);
#endif
