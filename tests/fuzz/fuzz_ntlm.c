/* links: base availability conf pki login */
#include <stdlib.h>
#include <string.h>
#include "bridge/login/ntlm_verify.h"

/* Goal: any bytes as a Type 1 or a Type 3. What is read lies inside the message, and nothing proves a password that it was not made with. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct login_bytes part, const uint8_t *data, size_t size)
{
	if (part.p && (part.p < data || part.p + part.n > data + size))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[PKI_MD] = {1, 2, 3}, binding[PKI_MD] = {4, 5, 6}, challenge[48] = {7, 8, 9};
	static struct pki_legacy *legacy;
	struct ntlm_authenticate m;
	struct ntlm_session s;
	struct buf error;
	uint32_t flags;

	buf_init(&error, 1000);
	if (!legacy && !(legacy = pki_legacy_new(&error)))
		abort();
	buf_free(&error);
	ntlm_read_negotiate(data, size, &flags);
	if (ntlm_read_authenticate(data, size, &m)) {
		const struct ntlm_exchange x = {{challenge, 16}, {challenge, sizeof(challenge)}, {data, size}, binding};

		inside(m.nt, data, size);
		inside(m.session_key, data, size);
		if (strlen(m.user) > NTLM_NAME_MAX || ntlm_verify(legacy, &m, &x, hash, &s) == FB_YES)
			__builtin_trap();
	}
	return 0;
}
