/* links: all */
#include "bridge/process/worker.h"
#include "pki/password.h"
#include "tests/unit/check.h"

/* The password of each is its own name with an 'x' behind it. */
static struct conf_account account(const char *name, const char *address)
{
	struct conf_account a = {.name = (char *)name, .address = (char *)address,
	                         .kind = address ? CONF_FOR_USER : CONF_FOR_ORGANISATION};
	char password[80];
	struct buf hash;

	snprintf(password, sizeof password, "%sx", name);
	buf_init(&hash, 1000);
	if (pki_password_hash(&hash, password) != 0)
		abort();
	a.password = strdup(buf_cstr(&hash));
	buf_free(&hash);
	return a;
}

int main(void)
{
	struct conf_account list[] = {account("alice", "alice@a.example"), account("CORP\\bob", "bob@a.example"), account("bob",
		NULL),
	                              account("twin1", "twin@a.example"), account("twin2", "twin@a.example"), account("broken",
	                              	NULL)};
	struct conf c = {.accounts = list, .n_accounts = 6};
	size_t i;

	CHECK_INT(login_check(&c, "alice", "alicex"), FB_YES);
	CHECK_INT(login_check(&c, "alice", "alice"), FB_NO);
	CHECK_INT(login_check(&c, "alice", ""), FB_NO);
	CHECK_INT(login_check(&c, "Alice", "alicex"), FB_NO); /* a name counts as it is written */
	CHECK_INT(login_check(&c, "ANY\\alice", "alicex"), FB_YES);
	CHECK_INT(login_check(&c, "ALICE@A.Example", "alicex"), FB_YES);
	CHECK_INT(login_check(&c, "CORP\\bob", "CORP\\bobx"), FB_YES); /* as typed comes first */
	CHECK_INT(login_check(&c, "CORP\\bob", "bobx"), FB_NO);
	CHECK_INT(login_check(&c, "OTHER\\bob", "bobx"), FB_YES);
	CHECK_INT(login_check(&c, "twin@a.example", "twin1x"), FB_NO); /* whose password would it be? */
	CHECK_INT(login_check(&c, "nobody", "x"), FB_NO);
	CHECK_INT(login_check(&c, "", ""), FB_NO);
	strcpy(list[5].password, "scrypt:1:");
	CHECK_INT(login_check(&c, "broken", "brokenx"), FB_COULD_NOT_TELL);
	free(list[5].password);
	list[5].password = NULL; /* thrown away: could not tell, not no */
	CHECK_INT(login_check(&c, "broken", "brokenx"), FB_COULD_NOT_TELL);
	for (i = 0; i < 5; i++)
		free(list[i].password);
	return check_done();
}
