/* links: base availability conf pki login */
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/login/pac.h"

/* Goal: any bytes as what a KDC says of an account. A name that is read is UTF-8 and within its limit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[PAC_NAME_MAX + 1];
	bool ok = pac_account((struct login_bytes){data, size}, name);
	size_t n = strnlen(name, sizeof name);

	if (n > PAC_NAME_MAX || (ok ? n == 0 || !text_utf8_valid(name, n) : n != 0))
		__builtin_trap();
	return 0;
}
