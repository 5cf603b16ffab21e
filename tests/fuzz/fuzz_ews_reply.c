/* links: base availability ews acl conf pki */
#include "bridge/ews/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Another server's answer, whatever it is: three answers or an error. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char codes[3][EWS_CLIENT_CODE_MAX];
	struct ews_client_said said = {.codes = codes};
	struct fb_answer *answers[3];
	struct buf error;

	buf_init(&error, 65536);
	if (ews_client_read(data, size, fb_zone_utc(), answers, size % 4 % 3 + 1, &error, &said) == 0)
		for (size_t i = 0; i < size % 4 % 3 + 1; i++)
			fb_answer_free(answers[i]);
	buf_free(&error);
	return 0;
}
