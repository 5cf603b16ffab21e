#ifndef BRIDGE_LOGIN_SPNEGO_H
#define BRIDGE_LOGIN_SPNEGO_H
#include <stdbool.h>
#include "bridge/base/buf.h"
#include "bridge/login/bytes.h"

/* The tokens of SPNEGO (RFC 4178 4.2) and the wrapper around them (RFC 2743 3.1), in DER. Pure. */

enum spnego_mech {
	SPNEGO_OTHER = 0,
	SPNEGO_NTLM,        /* 1.3.6.1.4.1.311.2.2.10 */
	SPNEGO_KERBEROS,    /* 1.2.840.113554.1.2.2 */
	SPNEGO_MS_KERBEROS  /* 1.2.840.48018.1.2.2: how Windows writes the one above, whose tokens it means */
};
enum spnego_state { SPNEGO_COMPLETED = 0, SPNEGO_INCOMPLETE, SPNEGO_REJECT, SPNEGO_REQUEST_MIC, SPNEGO_NOT_SAID };
enum { SPNEGO_MECHS_MAX = 16 };

enum spnego_kind {
	SPNEGO_KIND_UNKNOWN = 0,
	SPNEGO_KIND_INIT,     /* the first token of SPNEGO */
	SPNEGO_KIND_RESPONSE, /* a later one */
	SPNEGO_KIND_KERBEROS, /* a Kerberos token without SPNEGO around it */
	SPNEGO_KIND_NTLM      /* an NTLM message without SPNEGO around it */
};
/* What the ${n} bytes at ${p} begin like. */
enum spnego_kind spnego_kind(const uint8_t *p, size_t n);

struct spnego_init {
	enum spnego_mech mechs[SPNEGO_MECHS_MAX]; /* in the order of the client's liking */
	size_t n;                                 /* at least 1 */
	struct login_bytes list;                  /* their list as it stands there: what a mechListMIC is about */
	struct login_bytes token, mic;
};
/*
 * Reads a NegTokenInit in its wrapper. False if it is none, malformed, or names more than SPNEGO_MECHS_MAX. ${out} borrows from
 * ${p}.
 */
bool spnego_read_init(const uint8_t *p, size_t n, struct spnego_init *out);

struct spnego_response {
	enum spnego_state state;
	struct login_bytes token, mic;
};
/* Reads a NegTokenResp. False if it is none or malformed. ${out} borrows from ${p}. */
bool spnego_read_response(const uint8_t *p, size_t n, struct spnego_response *out);
/* Appends a NegTokenResp; ${mech} SPNEGO_OTHER and parts whose p is NULL are left out. -1 if ${out} is full. */
int spnego_put_response(struct buf *out, enum spnego_state state, enum spnego_mech mech, struct login_bytes token,
                        struct login_bytes mic);
#endif
