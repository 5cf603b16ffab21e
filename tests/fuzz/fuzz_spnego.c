/* links: base availability conf pki login */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/login/login.h"
#include "bridge/login/spnego.h"

/* Goal: any bytes as a token of SPNEGO, and as a whole step of Negotiate, before which another step was: nobody gets in. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct login_bytes part, const uint8_t *data, size_t size)
{
	if (part.p && (part.p < data || part.p + part.n > data + size))
		__builtin_trap();
}

/* What we write we read back. */
static void back(const struct spnego_response *r)
{
	struct spnego_response again;
	struct buf out;

	buf_init(&out, 1 << 20);
	if (spnego_put_response(&out, r->state == SPNEGO_NOT_SAID ? SPNEGO_REJECT : r->state, SPNEGO_NTLM, r->token, r->mic) == 0 &&
	    (!spnego_read_response(buf_ptr(&out), out.len, &again) || again.token.n != r->token.n || again.mic.n != r->mic.n))
		__builtin_trap();
	buf_free(&out);
}

/* An acceptor with one account and one hash, made once. */
static const struct login_acceptor *acceptor(void)
{
	static struct conf_account account = {.name = (char *)"anna"};
	static struct conf c = {.accounts = &account, .n_accounts = 1, .public_url = (char *)"https://mail.a.example",
	                        .primary_domain = (char *)"a.example", .keytab = (char *)""};
	static struct login_acceptor *a;
	static char path[] = "/tmp/fuzz_spnego.XXXXXX";
	struct conf_problems problems = {0};
	FILE *f;

	if (a)
		return a;
	f = fdopen(mkstemp(path), "w");
	if (!f || fputs("anna nt=a4f49c406510bdcab6824ee7c30fd852\n", f) < 0 || fclose(f) != 0)
		abort();
	c.nt_hashes = path;
	a = login_acceptor_new(&c, NULL, &problems);
	remove(path);
	if (!login_acceptor_can(a, LOGIN_NEGOTIATE))
		abort();
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t split = size ? data[0] % size : 0;
	struct login_question q = {.scheme = LOGIN_NEGOTIATE, .token = {data, size}};
	struct spnego_response response;
	struct spnego_init init;
	struct login_reply r;

	if (spnego_read_init(data, size, &init)) {
		inside(init.list, data, size);
		inside(init.token, data, size);
		inside(init.mic, data, size);
	}
	if (spnego_read_response(data, size, &response))
		back(&response);
	login_reply_init(&r);
	login_answer(acceptor(), &q, &r);
	q.memory = (struct login_bytes){buf_ptr(&r.memory), r.memory.len};
	q.token = (struct login_bytes){data + split, size - split};
	if (r.result == LOGIN_YES)
		__builtin_trap();
	login_answer(acceptor(), &q, &r);
	if (r.result == LOGIN_YES)
		__builtin_trap();
	login_reply_wipe(&r);
	return 0;
}
