/* links: base availability conf pki login */
#include <dlfcn.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "bridge/login/login.h"
#include "bridge/login/nt_hashes.h"
#include "pki/password.h"
#include "tests/unit/check.h"

/* What a password costs, which is how long it takes: this stands before OpenSSL's own, and counts. */
static uint64_t work;

int EVP_PBE_scrypt(const char *pass, size_t pass_len, const unsigned char *salt, size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t most,
                   unsigned char *key, size_t key_len)
{
	__typeof__(EVP_PBE_scrypt) *real;

	*(void **)&real = dlsym(RTLD_NEXT, "EVP_PBE_scrypt");
	work += n * r * p;
	return real(pass, pass_len, salt, salt_len, n, r, p, most, key, key_len);
}

/* The password of each is its own name with an 'x' behind it. */
static struct conf_account account(const char *name, const char *address)
{
	struct conf_account a = {.name = (char *)name, .address = (char *)address, .kind = address ? CONF_FOR_USER : CONF_FOR_ORGANISATION};
	char password[80];
	struct buf hash;

	snprintf(password, sizeof(password), "%sx", name);
	buf_init(&hash, 1000);
	if (pki_password_hash(&hash, password) != 0)
		abort();
	a.password = strdup(buf_cstr(&hash));
	buf_free(&hash);
	return a;
}

enum { ACCOUNTS = 8 };
static struct conf_account list[ACCOUNTS];
static struct conf_address_space spaces[] = {{.forest_name = (char *)"a.example", .peer = (char *)"local"},
                                             {.forest_name = (char *)"b.example", .peer = (char *)"site-b"}};
static char hashes_path[] = "/tmp/test_login_account.XXXXXX";
static struct conf c = {.spaces = spaces, .n_spaces = 2, .accounts = list, .n_accounts = ACCOUNTS, .public_url = (char *)"https://mail.a.example", .primary_domain = (char *)"a.example",
                        .nt_hashes = hashes_path, .keytab = (char *)""};

static const char *means(const char *user)
{
	const struct conf_account *a = login_account(&c, user);

	return a ? a->name : NULL;
}

static void names(void)
{
	CHECK_STR(means("alice"), "alice");
	CHECK_STR(means("ALICE"), "alice");
	CHECK_STR(means("ANY\\Alice"), "alice");
	CHECK_STR(means("ALICE@A.Example"), "alice");
	CHECK_STR(means("CORP\\bob"), "CORP\\bob"); /* as typed comes first */
	CHECK_STR(means("corp\\BOB"), "CORP\\bob");
	CHECK_STR(means("OTHER\\bob"), "bob");
	CHECK_STR(means("j\xc3\x9crgen"), "J\xc3\xbcrgen"); /* upper case beyond ASCII */
	CHECK_STR(means("twin@a.example"), NULL); /* whose would it be? nor is it the name of who is called so */
	CHECK_STR(means("twin"), "twin");
	CHECK_STR(means("broken@A.Example"), "broken"); /* who stands for no person, at a domain of ours */
	CHECK_STR(means("j\xc3\x9crgen@a.example"), "J\xc3\xbcrgen");
	CHECK_STR(means("bob@a.example"), "CORP\\bob"); /* an address comes first */
	CHECK_STR(means("twin1@a.example"), NULL);       /* a person's account is not called by another's address */
	CHECK_STR(means("broken@b.example"), NULL);
	CHECK_STR(means("broken@"), NULL);
	CHECK_STR(means("@a.example"), NULL);
	CHECK_STR(means("ANY\\broken@a.example"), NULL);
	CHECK_STR(means("nobody"), NULL);
	CHECK_STR(means(""), NULL);
	CHECK_STR(means("ANY\\"), NULL);
	CHECK_STR(means("alice\xff"), NULL);

	struct conf alone = c; /* who has no address is not called by none */

	alone.accounts = &list[5];
	alone.n_accounts = 1;
	CHECK(login_account(&alone, "broken") == &list[5]);
	CHECK(!login_account(&alone, ""));
}

static const char *principal(const char *p, bool ours)
{
	const struct conf_account *a = login_account_of_principal(&c, p, ours);

	return a ? a->name : NULL;
}

static void principals(void)
{
	CHECK_STR(principal("alice@A.EXAMPLE", true), "alice");
	CHECK_STR(principal("Alice@A.EXAMPLE", true), "alice");
	CHECK_STR(principal("alice@EVIL.EXAMPLE", false), NULL); /* a realm that ours trusts names nobody of ours */
	CHECK_STR(principal("twin@a.example", true), "twin");    /* by its name: an address is no principal, and two have this one */
	CHECK_STR(principal("@A.EXAMPLE", true), NULL);
	CHECK_STR(principal("alice/admin@A.EXAMPLE", true), NULL);
}

static char bound_as[LOGIN_USER_MAX + 64];

static enum fb_fact bind_anna(void *arg, const char *user, const char *password, char address[FB_ADDRESS_MAX + 1], struct buf *why)
{
	++*(int *)arg;
	snprintf(bound_as, sizeof(bound_as), "%s", user);
	if (strcmp(password, "down") == 0)
		return FB_COULD_NOT_TELL;
	if (strcmp(user, "anna@a.example") != 0 || strcmp(password, "secret") != 0) {
		buf_puts(why, "the account is locked out");
		return FB_NO;
	}
	strcpy(address, "anna.b@a.example");
	return FB_YES;
}

static enum login_result ask(const struct login_acceptor *a, const char *user, const char *password, struct login_reply *r)
{
	const struct login_question q = {.scheme = LOGIN_BASIC, .user = user, .password = password};

	login_reply_wipe(r);
	login_answer(a, &q, r);
	return r->result;
}

static uint64_t work_of(const struct login_acceptor *a, const char *user, const char *password)
{
	struct login_reply r;

	login_reply_init(&r);
	work = 0;
	ask(a, user, password, &r);
	login_reply_wipe(&r);
	return work;
}

/* Whether there is such an account costs the same. */
static void same_work(const struct login_acceptor *a)
{
	uint64_t right = work_of(a, "alice", "alicex");

	CHECK(right > 0);
	CHECK_INT(work_of(a, "alice", "wrong"), right);
	CHECK_INT(work_of(a, "nobody", "wrong"), right);
	CHECK_INT(work_of(a, "anna@a.example", "wrong"), right);
	CHECK_INT(work_of(a, "anna@a.example", "secret"), right);
}

static void passwords(void)
{
	struct conf_problems problems = {0};
	int asked = 0;
	const struct login_directory d = {.bind = bind_anna, .arg = &asked};
	struct login_acceptor *plain = login_acceptor_new(&c, NULL, &problems), *with = login_acceptor_new(&c, &d, &problems);
	struct login_reply r;

	login_reply_init(&r);
	CHECK_INT(ask(plain, "alice", "alicex", &r), LOGIN_YES);
	CHECK_STR(r.account, "alice");
	CHECK_STR(r.typed, "alice");
	CHECK_INT(ask(plain, "alice", "alice", &r), LOGIN_NO);
	CHECK_STR(r.account, "");
	CHECK_INT(ask(plain, "alice", "", &r), LOGIN_NO);
	CHECK_INT(ask(plain, "CORP\\bob", "bobx", &r), LOGIN_NO);
	CHECK_INT(ask(plain, "nobody", "x", &r), LOGIN_NO);
	CHECK_INT(ask(plain, "broken", "brokenx", &r), LOGIN_COULD_NOT_TELL);
	CHECK_INT(ask(plain, "anna@a.example", "secret", &r), LOGIN_NO);
	CHECK_INT(asked, 0);
	CHECK_INT(ask(with, "anna@a.example", "secret", &r), LOGIN_YES);
	CHECK_STR(r.address, "anna.b@a.example");
	CHECK_STR(r.account, "");
	CHECK_INT(ask(with, "anna@a.example", "wrong", &r), LOGIN_NO);
	CHECK_INT(ask(with, "anna@a.example", "down", &r), LOGIN_COULD_NOT_TELL);
	asked = 0;
	CHECK_INT(ask(with, "alice", "alicex", &r), LOGIN_YES);
	CHECK_STR(r.account, "alice");
	CHECK_INT(asked, 0);
	CHECK_INT(ask(with, "alice", "secret", &r), LOGIN_NO); /* the directory cannot open an account of ours, but it is asked */
	CHECK_INT(asked, 1);
	CHECK_STR(r.address, "");
	CHECK_STR(bound_as, "availbridge-nobody"); /* about somebody else of the same kind, so that it takes as long as for a name without an account */
	CHECK_INT(ask(with, "CORP\\alice", "secret", &r), LOGIN_NO);
	CHECK_STR(bound_as, "CORP\\availbridge-nobody");
	CHECK_INT(ask(with, "alice@a.example", "secret", &r), LOGIN_NO);
	CHECK_STR(bound_as, "availbridge-nobody@a.example");
	login_reply_wipe(&r);
	same_work(plain);
	same_work(with);
	login_acceptor_free(plain);
	login_acceptor_free(with);
	CHECK_INT(problems.n, 0);
	conf_problems_free(&problems);
}

static void write_hashes(const char *text, mode_t mode)
{
	FILE *f = fopen(hashes_path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(hashes_path, mode) != 0)
		abort();
}

static void hashes(void)
{
	static const int wrong[] = {3, 5, 6};
	struct conf_problems problems = {0};
	struct login_acceptor *a;
	struct nt_hashes *h;

	write_hashes("# ours\nAlice nt=a4f49c406510bdcab6824ee7c30fd852\nbob nt=00\nnobody nt=a4f49c406510bdcab6824ee7c30fd853\n"
	             "ALICE nt=a4f49c406510bdcab6824ee7c30fd852\n\"CORP\\\\bob\" md4=a4f49c406510bdcab6824ee7c30fd852\n", 0600);
	h = nt_hashes_read(&c, &problems);
	CHECK_INT(problems.n, 3);
	for (size_t i = 0; i < problems.n; i++)
		CHECK_INT(problems.list[i].line, wrong[i]);
	conf_problems_free(&problems);
	if (CHECK(h != NULL)) {
		CHECK(nt_hashes_of(h, "alice") && memcmp(nt_hashes_of(h, "alice"), "\xa4\xf4\x9c", 3) == 0);
		CHECK(nt_hashes_of(h, "bob") == NULL);
		CHECK_INT(nt_hashes_usable(h, &c), 1);
	}
	nt_hashes_free(h);
	write_hashes("alice nt=a4f49c406510bdcab6824ee7c30fd852\n", 0640);
	problems = (struct conf_problems){0};
	CHECK(nt_hashes_read(&c, &problems) == NULL);
	CHECK_INT(problems.n, 1);
	conf_problems_free(&problems);
	write_hashes("nobody nt=a4f49c406510bdcab6824ee7c30fd852\n", 0600);
	problems = (struct conf_problems){0};
	a = login_acceptor_new(&c, NULL, &problems);
	CHECK(!login_acceptor_can(a, LOGIN_NTLM));
	CHECK(!login_acceptor_can(a, LOGIN_NEGOTIATE));
	CHECK(login_acceptor_can(a, LOGIN_BASIC));
	login_acceptor_free(a);
	write_hashes("alice nt=a4f49c406510bdcab6824ee7c30fd852\n", 0600);
	a = login_acceptor_new(&c, NULL, &problems);
	CHECK(login_acceptor_can(a, LOGIN_NTLM));
	CHECK(login_acceptor_can(a, LOGIN_NEGOTIATE));
	CHECK(login_acceptor_has_nt_hash(a, "alice") && !login_acceptor_has_nt_hash(a, "bob"));
	login_acceptor_free(a);
	CHECK_INT(problems.n, 0);
	unlink(hashes_path);
	setenv("OPENSSL_MODULES", "/nonexistent", 1);
	a = login_acceptor_new(&c, NULL, &problems);
	CHECK_INT(problems.n, 0); /* no hashes: nothing is missing */
	login_acceptor_free(a);
	write_hashes("alice nt=a4f49c406510bdcab6824ee7c30fd852\n", 0600);
	a = login_acceptor_new(&c, NULL, &problems);
	CHECK(!login_acceptor_can(a, LOGIN_NTLM));
	CHECK_INT(problems.n, 1);
	login_acceptor_free(a);
	conf_problems_free(&problems);
	unsetenv("OPENSSL_MODULES");
}

/* A Type 3 that nothing came before, or after something else, is a no. */
static void steps(void)
{
	static const uint8_t first[] = "NTLMSSP\0\1\0\0\0\6\x82\x08\0";
	static uint8_t third[120] = "NTLMSSP\0\3";
	struct login_question q = {.scheme = LOGIN_NTLM, .token = {first, 16}};
	struct conf_problems problems = {0};
	struct login_acceptor *a = login_acceptor_new(&c, NULL, &problems);
	struct login_reply r, other;

	login_reply_init(&r);
	login_reply_init(&other);
	login_answer(a, &q, &r);
	CHECK_INT(r.result, LOGIN_MORE);
	CHECK(r.token.len > 56 && r.memory.len > r.token.len);
	login_answer(a, &q, &other);
	CHECK(memcmp(buf_ptr(&r.token) + 24, buf_ptr(&other.token) + 24, 8) != 0); /* each its own challenge */
	q.token = (struct login_bytes){third, sizeof(third)};
	login_reply_wipe(&other);
	login_answer(a, &q, &other);
	CHECK_INT(other.result, LOGIN_NO);
	q.memory = (struct login_bytes){buf_ptr(&r.memory), r.memory.len};
	login_answer(a, &q, &other);
	CHECK_INT(other.result, LOGIN_NO);
	q.scheme = LOGIN_NEGOTIATE;
	q.token = (struct login_bytes){(const uint8_t *)"garbage", 7};
	login_answer(a, &q, &other);
	CHECK_INT(other.result, LOGIN_NO);
	login_reply_wipe(&r);
	login_reply_wipe(&other);
	login_acceptor_free(a);
	conf_problems_free(&problems);
}

static void packed(void)
{
	const struct login_question q = {LOGIN_NTLM, NULL, NULL, {(const uint8_t *)"tok\0en", 6}, {NULL, 0}, {(const uint8_t *)"end", 3}};
	struct login_question back;
	struct login_reply r, got;
	struct buf b;

	buf_init(&b, LOGIN_QUESTION_MAX);
	login_question_pack(&b, &q);
	CHECK(login_question_unpack(buf_ptr(&b), b.len, &back));
	CHECK(back.scheme == LOGIN_NTLM && !back.user && back.token.n == 6 && memcmp(back.token.p, "tok\0en", 6) == 0);
	CHECK(!back.memory.p && back.end_point.n == 3);
	for (size_t n = 0; n < b.len; n++)
		CHECK(!login_question_unpack(buf_ptr(&b), n, &back));
	buf_ptr(&b)[0] = LOGIN_BASIC;
	CHECK(!login_question_unpack(buf_ptr(&b), b.len, &back)); /* without a name */
	buf_reset(&b);
	login_reply_init(&r);
	login_reply_init(&got);
	r.result = LOGIN_YES;
	strcpy(r.typed, "D\\anna");
	strcpy(r.account, "anna");
	buf_puts(&r.token, "token");
	login_reply_pack(&b, &r);
	CHECK(login_reply_unpack(buf_ptr(&b), b.len, &got));
	CHECK(got.result == LOGIN_YES && got.token.len == 5 && got.memory.len == 0);
	CHECK_STR(got.account, "anna");
	for (size_t n = 0; n < b.len; n++)
		CHECK(!login_reply_unpack(buf_ptr(&b), n, &got) && got.result == LOGIN_COULD_NOT_TELL);
	strcpy(r.address, "anna@a.example"); /* an account and a person at once */
	buf_reset(&b);
	login_reply_pack(&b, &r);
	CHECK(!login_reply_unpack(buf_ptr(&b), b.len, &got));
	login_reply_wipe(&r);
	login_reply_wipe(&got);
	buf_free(&b);
}

int main(void)
{
	size_t i;

	close(mkstemp(hashes_path));
	unlink(hashes_path);
	list[0] = account("alice", "alice@a.example"), list[1] = account("CORP\\bob", "bob@a.example"), list[2] = account("bob", NULL);
	list[3] = account("twin1", "twin@a.example"), list[4] = account("twin2", "twin@a.example"), list[5] = account("broken", NULL);
	list[6] = account("J\xc3\xbcrgen", NULL), list[7] = account("twin", NULL);
	strcpy(list[5].password, "scrypt:1:");
	names();
	principals();
	passwords();
	hashes();
	steps();
	packed();
	unlink(hashes_path);
	for (i = 0; i < ACCOUNTS; i++)
		free(list[i].password);
	return check_done();
}
