#include <stdio.h>
#include <string.h>
#include "bridge/login/parts.h"
#include "pki/password.h"

enum { WHY_MAX = 32 << 10 }; /* a DN may be long */

/* A name of the shape of ${user} that nobody has: the directory looks for it by the same steps. */
static void nobody_like(const char *user, char *out, size_t size)
{
	static const char nobody[] = "availbridge-nobody";
	const char *slash = strchr(user, '\\'), *at = slash ? NULL : strrchr(user, '@');

	snprintf(out, size, "%.*s%s%s", slash ? (int)(slash - user) + 1 : 0, user, nobody, at ? at : "");
}

/* An account of ours is ours to judge; of everybody else the directory may know. */
static enum fb_fact check(const struct login_acceptor *a, const struct conf_account *account, const struct login_question *q,
                          struct login_reply *r, struct buf *why)
{
	int right = account && account->password ? pki_password_verify(account->password, q->password) : -1;

	if (!account)
		pki_password_verify_nobody(q->password);
	if (a->directory && a->directory->bind) {
		/* asked before any no, with a name that nobody has where it is not for the directory to say: how long it takes tells nothing */
		char nobody[LOGIN_USER_MAX + 32];
		enum fb_fact fact = FB_NO;

		nobody_like(q->user, nobody, sizeof(nobody));
		if (right != 1)
			fact = a->directory->bind(a->directory->arg, account ? nobody : q->user, q->password, r->address, why);

		if (!account)
			return fact;
		*r->address = 0;
	}
	if (right == 1)
		snprintf(r->account, sizeof(r->account), "%s", account->name);
	return right == 1 ? FB_YES : !account || right == 0 ? FB_NO : FB_COULD_NOT_TELL;
}

static void say_why_not(const struct login_acceptor *a, const struct conf_account *account, struct buf *directory, struct login_reply *r)
{
	char why[LOGIN_WHY_MAX + 1] = "no account is meant by this name";

	if (account)
		snprintf(why, sizeof(why), "the password is wrong");
	else if (a->directory && a->directory->bind)
		snprintf(why, sizeof(why), "no account is meant by this name, and the directory does not take it: %s", buf_cstr(directory));
	login_reply_why(r, why);
}

void login_password(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r)
{
	const struct conf_account *account = login_account(a->conf, q->user);
	struct buf why;

	buf_init(&why, WHY_MAX);
	snprintf(r->typed, sizeof(r->typed), "%s", q->user);
	switch (check(a, account, q, r, &why)) {
	case FB_YES:
		r->result = LOGIN_YES;
		break;
	case FB_NO:
		r->result = LOGIN_NO;
		say_why_not(a, account, &why, r);
		break;
	case FB_COULD_NOT_TELL:
		r->result = LOGIN_COULD_NOT_TELL;
	}
	buf_free(&why);
}
