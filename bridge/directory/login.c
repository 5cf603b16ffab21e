#include <string.h>
#include <time.h>
#include "bridge/base/log.h"
#include "bridge/directory/requester.h"

enum { REFUSAL_US = 200000 };

/* A name that nobody has costs the server, and whoever measures, the same bind. */
static const char nobody_dn[] = "CN=availbridge-nobody";

static void say(const struct directory_session *s, const char *why)
{
	log_event(LOG_LEVEL_WARN, "login-failed", LS("server", s->d->servers[s->server]), LS("why", why));
}

/*
 * A server is quicker about a name that it does not know than about a password that is wrong, by what its hash costs. So a
 * refusal comes at a full fifth of a second, whoever it was about; many of them are slowed down by the front before they come
 * here.
 */
static void wait_out(int64_t began)
{
	int64_t left = REFUSAL_US - (session_us() - began) % REFUSAL_US;
	const struct timespec t = {0, left * 1000};

	nanosleep(&t, NULL);
}

/* By a connection of its own: the session stays bound as it was. */
static enum fb_fact try_password(struct directory_session *s, const char *dn, const char *password)
{
	struct connection *c;
	enum fb_fact ok = FB_COULD_NOT_TELL;
	int64_t began = session_us();

	buf_reset(&s->why);
	if ((c = connection_open(s->d, s->d->servers[s->server], s->deadline, &s->why)))
		ok = connection_bind(c, dn, password, s->deadline, &s->why);
	connection_free(c);
	session_step(s, "password", began, "%s", ok == FB_YES ? "right" : buf_cstr(&s->why));
	return ok;
}

/* Behind a no, for the log alone: who asks hears the same of all of them. */
static void say_why_not(struct directory_session *s, const struct directory_answer *a, struct groups_entry *e, struct buf *why)
{
	if (a->exists == FB_NO)
		buf_puts(why, "it knows nobody by this name");
	else if (a->disabled)
		buf_printf(why, "%s is disabled", buf_cstr(&e->dn));
	else if (!*a->address)
		buf_printf(why, "%s has no address in a domain of ours", buf_cstr(&e->dn));
	else
		buf_puts(why, buf_cstr(&s->why));
}

enum fb_fact directory_login(struct directory_session *s, const char *user, const char *password, char address[FB_ADDRESS_MAX + 1],
                             struct buf *why)
{
	struct directory_answer a = {0};
	enum fb_fact ok = FB_NO;
	const int64_t began = session_us();
	struct groups_entry e;
	struct buf nobody;

	address[0] = 0;
	if (!*password || strlen(user) > DIRECTORY_TEXT_MAX) {
		buf_puts(why, *password ? "the name is too long" : "it is not asked about an empty password, which would be no login at all");
		return FB_NO;
	}
	groups_entry_init(&e);
	buf_init(&nobody, DIRECTORY_TEXT_MAX * 2);
	session_begin(s);
	requester_find(s, DIRECTORY_NAME, user, &a, &e);
	if (a.exists == FB_COULD_NOT_TELL) {
		say(s, buf_cstr(&s->why));
		ok = FB_COULD_NOT_TELL;
	} else if (a.exists == FB_YES && !a.disabled && *a.address) {
		if ((ok = try_password(s, buf_cstr(&e.dn), password)) == FB_COULD_NOT_TELL)
			say(s, buf_cstr(&s->why));
		if (ok == FB_YES)
			memcpy(address, a.address, sizeof a.address);
	} else {
		buf_printf(&nobody, "%s%s%s", nobody_dn, *s->d->base ? "," : "", s->d->base);
		if (session_connect(s) == 0)
			try_password(s, buf_cstr(&nobody), password);
	}
	if (ok == FB_NO) {
		say_why_not(s, &a, &e, why);
		wait_out(began);
	}
	buf_free(&nobody);
	groups_entry_free(&e);
	return ok;
}
