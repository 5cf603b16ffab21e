/* links: base budget availability acl conf pki ews trace */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "bridge/budget/siphash.h"
#include "bridge/trace/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A head and a body out of the input with a password, a token and a subject in their places among it: whatever stands around them, none of
 * them comes out, and each record is one. The secret is a hash of the input, so that no input can hold it.
 */
static void check(int fd, struct buf *out, const char *secret, const char *basic)
{
	off_t n = lseek(fd, 0, SEEK_END);

	if (n < 0 || pread(fd, buf_reserve(out, (size_t)n), (size_t)n, 0) != n)
		abort();
	buf_commit(out, (size_t)n);
	if (memmem(buf_ptr(out), out->len, secret, strlen(secret)) || memmem(buf_ptr(out), out->len, basic, strlen(basic)))
		abort();
	if (out->len < 3 || memcmp(buf_ptr(out), "== ", 3) != 0 || memmem(buf_ptr(out) + 1, out->len - 1, "\n== ", 4))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[TRACE_KEY] = {1};
	const struct trace_about about = {.side = "front", .what = "request", .protocol = "TLSv1.3 TLS_AES_256_GCM_SHA384"};
	size_t a = size > 0 ? data[0] * (size - 1) / 255 : 0, b = size - (size > 0) - a;
	const uint8_t *text = data + (size > 0);
	int fd = memfd_create("trace", MFD_CLOEXEC);
	struct trace *t = trace_new(fd, key, TRACE_FILE_MAX);
	struct trace_record *r = trace_begin(t, &about);
	const uint64_t number = siphash((const uint64_t[2]){1, 2}, data, size);
	char secret[17], pair[40];
	struct buf head, body, out, basic;

	text_hex(secret, &number, sizeof number);
	snprintf(pair, sizeof pair, "bob:%s", secret);
	buf_init(&basic, 100);
	text_base64(&basic, pair, strlen(pair));
	buf_init(&head, 1 << 20);
	buf_init(&body, 1 << 20);
	buf_init(&out, 16 << 20);
	buf_add(&head, text, a);
	buf_printf(&head, "\r\nAuthorization: Basic %s\r\nCookie: s=%s\r\n%s\r\n", buf_cstr(&basic), secret, secret);
	buf_add(&body, text + a, b);
	buf_printf(&body, "<Subject>%s</Subject><Location a=\"%s\"><![CDATA[%s]]></Location><!-- %s -->", secret, secret, secret, secret);
	buf_add(&body, text, a);
	trace_head(r, buf_ptr(&head), head.len);
	trace_body(r, buf_ptr(&body), body.len);
	trace_note(r, "the end");
	trace_end(r, NULL);
	check(fd, &out, secret, buf_cstr(&basic));
	trace_free(t);
	close(fd);
	buf_free(&head);
	buf_free(&body);
	buf_free(&out);
	buf_free(&basic);
	return 0;
}
