#ifndef BRIDGE_LOGIN_NTLM_VERIFY_H
#define BRIDGE_LOGIN_NTLM_VERIFY_H
#include "bridge/availability/facts.h"
#include "bridge/login/ntlm_message.h"
#include "pki/legacy.h"

/*
 * Is a Type 3 made with the password whose NT hash we have? NTLMv2 alone ([MS-NLMP] 3.3.2); LM and NTLMv1 are a no whatever they
 * say.
 */

/* The NT hash of a UTF-8 ${password}: MD4 of its UTF-16LE ([MS-NLMP] 3.3.1, NTOWFv1). -1 if it is not UTF-8 or out of memory. */
int ntlm_nt_hash(const struct pki_legacy *l, const char *password, uint8_t out[PKI_MD]);

/*
 * The MD5 of the gss_channel_bindings that a client names (RFC 2744 3.11, [MS-NLMP] 2.2.2.1): no addresses, and
 * "tls-server-end-point:" with the ${n} bytes of ${hash} (RFC 5929 4) as application data. -1 when out of memory.
 */
int ntlm_channel_binding(const struct pki_legacy *l, const uint8_t *hash, size_t n, uint8_t out[PKI_MD]);

/* The three messages of one connection, whole, and the binding of its TLS. */
struct ntlm_exchange {
	struct login_bytes negotiate, challenge, authenticate;
	const uint8_t *binding; /* as ntlm_channel_binding() makes it; NULL = there is none, any that a client names is then wrong */
};
/* What both sides know after a login: signs what SPNEGO wants signed. */
struct ntlm_session {
	uint8_t key[PKI_MD];
	uint32_t flags;
	const char *why; /* after FB_NO: which of the checks failed */
};
/*
 * Checks the proof under ${nt_hash}, the MIC where MsvAvFlags promises one, and the channel binding where one is named (all zero
 * = none). ${m} is x->authenticate as read. FB_YES fills ${s}, FB_NO its why alone; FB_COULD_NOT_TELL is out of memory. The same work for every hash
 * until the proof is right, so that an account that does not exist is checked with a random one.
 */
enum fb_fact ntlm_verify(const struct pki_legacy *l, const struct ntlm_authenticate *m, const struct ntlm_exchange *x,
                         const uint8_t nt_hash[PKI_MD], struct ntlm_session *s);
/*
 * The signature of the first message of ${n} bytes that the client (or else the server) signs in this session ([MS-NLMP]
 * 3.4.4.2). -1 if the session has no extended security, without which nothing is signed here, or out of memory.
 */
int ntlm_sign(const struct pki_legacy *l, const struct ntlm_session *s, bool client, const void *p, size_t n, uint8_t out[PKI_MD]);
#endif
