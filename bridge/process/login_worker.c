#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/process/messages.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/snapshot.h"
#include "bridge/process/worker.h"
#include "pki/password.h"

static const struct conf_account *named(const struct conf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_accounts; i++)
		if (strcmp(c->accounts[i].name, name) == 0)
			return &c->accounts[i];
	return NULL;
}

/* An address that one account alone stands for; with two it is nobody's. */
static const struct conf_account *of_address(const struct conf *c, const char *typed)
{
	const struct conf_account *found = NULL;
	char address[FB_ADDRESS_MAX + 1];
	size_t i;

	if (!fb_address_normal(typed, address))
		return NULL;
	for (i = 0; i < c->n_accounts; i++)
		if (c->accounts[i].address && strcmp(c->accounts[i].address, address) == 0) {
			if (found)
				return NULL;
			found = &c->accounts[i];
		}
	return found;
}

enum fb_fact login_check(const struct conf *c, const char *user, const char *password)
{
	const struct conf_account *a = named(c, user);
	const char *bare = strchr(user, '\\');
	int r;

	if (!a && bare)
		a = named(c, bare + 1);
	if (!a)
		a = of_address(c, user);
	if (!a) {
		pki_password_verify_nobody(password);
		return FB_NO;
	}
	r = a->password ? pki_password_verify(a->password, password) : -1;
	return r == 1 ? FB_YES : r == 0 ? FB_NO : FB_COULD_NOT_TELL;
}

static int work(void *arg, const uint8_t *job, size_t len, struct buf *reply)
{
	struct unpack u = unpack_start(job, len);
	const char *user = unpack_str(&u), *password = unpack_str(&u);

	pack_u8(reply, (uint8_t)(unpack_done(&u) && user && password ? login_check(arg, user, password) : FB_COULD_NOT_TELL));
	return 0;
}

int login_worker_role(int argc, char **argv)
{
	struct buf error;
	struct conf *c;
	int r;

	sandbox_hide();
	buf_init(&error, MESSAGE_TEXT_MAX);
	c = snapshot_of_role(argv[2], &error);
	if (!c) {
		log_error("%s", buf_cstr(&error));
		return 1;
	}
	log_setup(2, strcmp(c->log_format, "json") == 0, (enum log_level)log_level_named(c->log_level), "login-worker");
	/* the first hash makes the crypto library read its settings: once, before the files are out of reach */
	login_check(c, "@", "");
	if (sandbox_login_worker() != 0) {
		log_error("the login worker cannot give up its rights: %s", strerror(errno));
		return 1;
	}
	r = worker_loop(&(struct worker_limits){LOGIN_MAX, LOGIN_REPLY_MAX}, work, c);
	conf_free(c);
	return r;
}
