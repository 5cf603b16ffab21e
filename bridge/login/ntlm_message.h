#ifndef BRIDGE_LOGIN_NTLM_MESSAGE_H
#define BRIDGE_LOGIN_NTLM_MESSAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "bridge/login/bytes.h"

/* The layout of NTLM's three messages ([MS-NLMP] 2.2), read strictly. Pure: bytes in, a struct out. */
enum { NTLM_MESSAGE_MAX = 4096, NTLM_CHALLENGE = 8, NTLM_NAME_MAX = 256, NTLM_MIC_AT = 72, NTLM_MIC = 16 };

enum ntlm_type { NTLM_NEITHER = 0, NTLM_TYPE_NEGOTIATE = 1, NTLM_TYPE_CHALLENGE = 2, NTLM_TYPE_AUTHENTICATE = 3 };

/* NegotiateFlags (2.2.2.5), those that mean something here. */
enum ntlm_flag {
	NTLM_UNICODE = 0x00000001,
	NTLM_OEM = 0x00000002,
	NTLM_REQUEST_TARGET = 0x00000004,
	NTLM_SIGN = 0x00000010,
	NTLM_SEAL = 0x00000020,
	NTLM_NTLM = 0x00000200,
	NTLM_ALWAYS_SIGN = 0x00008000,
	NTLM_TARGET_IS_SERVER = 0x00020000,
	NTLM_EXTENDED_SECURITY = 0x00080000,
	NTLM_TARGET_INFO = 0x00800000,
	NTLM_VERSION = 0x02000000,
	NTLM_128 = 0x20000000,
	NTLM_KEY_EXCHANGE = 0x40000000,
	NTLM_56 = 0x80000000
};

/* AvId (2.2.2.1), those that mean something here. */
enum ntlm_av {
	NTLM_AV_END = 0,
	NTLM_AV_COMPUTER = 1,
	NTLM_AV_DOMAIN = 2,
	NTLM_AV_DNS_COMPUTER = 3,
	NTLM_AV_DNS_DOMAIN = 4,
	NTLM_AV_FLAGS = 6,
	NTLM_AV_TIMESTAMP = 7,
	NTLM_AV_CHANNEL_BINDINGS = 10
};
enum { NTLM_AV_FLAG_MIC = 2 }; /* in the value of NTLM_AV_FLAGS: the message carries a MIC */

/* Which message the ${n} bytes at ${p} are; NTLM_NEITHER if they do not begin like one. */
enum ntlm_type ntlm_type(const uint8_t *p, size_t n);
/*
 * Type 1: its flags. The names that it may carry count for nothing and are not looked at; it may end behind the flags, as with
 * the short ones of curl and Node.js. False if it is none.
 */
bool ntlm_read_negotiate(const uint8_t *p, size_t n, uint32_t *flags);

/* How we call ourselves in a Type 2: UTF-8, 1..NTLM_NAME_MAX bytes each; the first two are NetBIOS names. */
struct ntlm_names {
	const char *computer, *domain, *dns_computer, *dns_domain;
};
/*
 * Appends the Type 2 that answers a Type 1 with ${asked} flags: ${challenge}, our ${names}, and ${time} (100 ns since 1601),
 * which obliges clients of today to send a MIC. -1 if ${out} is full or a name is not right.
 */
int ntlm_put_challenge(struct buf *out, uint32_t asked, const uint8_t challenge[NTLM_CHALLENGE], const struct ntlm_names *names,
                       uint64_t time);

/* Type 3. */
struct ntlm_authenticate {
	uint32_t flags;
	struct login_bytes lm, nt, session_key;
	char user[NTLM_NAME_MAX + 1], domain[NTLM_NAME_MAX + 1]; /* UTF-8, as the client wrote them */
	bool has_mic;                                            /* there is room for one at NTLM_MIC_AT, where no other part lies */
};
/* False if it is none, a part reaches out of it, or a name is not right. ${out} borrows from ${p}. */
bool ntlm_read_authenticate(const uint8_t *p, size_t n, struct ntlm_authenticate *out);

/* What an NTLMv2 response says beside its proof ([MS-NLMP] 2.2.2.7). */
struct ntlm_response {
	struct login_bytes blob;    /* what the proof is about */
	uint32_t av_flags;         /* 0 = not given */
	struct login_bytes binding; /* MsvAvChannelBindings: 16 bytes; p NULL = not given */
};
/* Reads the NT response of a Type 3. False if it is no NTLMv2 response (24 bytes are NTLMv1's, 0 nobody's) or malformed. */
bool ntlm_read_response(struct login_bytes nt, struct ntlm_response *out);
#endif
