/* links: base availability conf pki directory */
#include "bridge/directory/directory.h"
#include "tests/unit/check.h"

/* What the settings alone say of an address. */

static void keep(void *arg, const struct fb_entry *who)
{
	*(const struct fb_entry **)arg = who;
}

static const struct fb_entry *look_up(struct directory *d, const char *address)
{
	const struct fb_entry *e = NULL;

	directory_look_up(d, address, keep, &e);
	CHECK(e && e->refs == 1);
	if (!e)
		exit(1);
	CHECK_STR(e->address, address);
	CHECK_STR(e->moved_to, "");
	return e;
}

static enum fb_fact member(struct directory *d, const char *group, const char *address)
{
	const struct fb_entry *e = look_up(d, address);
	enum fb_fact fact = fb_entry_member(e, group);

	fb_entry_release(e);
	return fact;
}

static enum fb_fact hidden(struct directory *d, const char *address)
{
	const struct fb_entry *e = look_up(d, address);
	enum fb_fact fact = e->hidden;

	fb_entry_release(e);
	return fact;
}

int main(void)
{
	char *members[] = {"zoe@a.example", "b.example", "anna@a.example"}, *hide[] = {"ghost@a.example", "boss@a.example"};
	char *serves[] = {"group:served", "*"};
	struct conf_group groups[] = {{"board", members, 3}, {"empty", NULL, 0}, {"idle", members, 3}, {"served", members, 3}};
	struct conf_rule rules[] = {{.requester = "group:board", .target = "group:empty"}, {.requester = "group:bored", .target = "group:CN=x,DC=a"},
	                            {.requester = "group:board", .target = "*"}};
	struct conf_peer peers[] = {{.name = "local", .rules = rules, .n_rules = 3}};
	struct conf_backend backends[] = {{.name = "b", .serves = serves, .n_serves = 2}};
	struct conf_directory server = {.file = NULL};
	struct conf c = {.hidden = hide, .n_hidden = 2, .groups = groups, .n_groups = 4, .peers = peers, .n_peers = 1, .backends = backends,
	                 .n_backends = 1};
	struct directory *d = directory_new(NULL, &c, NULL, NULL);
	const struct fb_entry *e;

	CHECK_INT(member(d, "board", "anna@a.example"), FB_YES);
	CHECK_INT(member(d, "board", "zoe@a.example"), FB_YES);
	CHECK_INT(member(d, "board", "carl@b.example"), FB_YES);
	CHECK_INT(member(d, "board", "carl@x.b.example"), FB_NO);
	CHECK_INT(member(d, "board", "carl@a.example"), FB_NO);
	CHECK_INT(member(d, "empty", "anna@a.example"), FB_NO);
	CHECK_INT(member(d, "served", "anna@a.example"), FB_YES);
	/* no such group, one of the directory, one that nobody mentions: nobody can tell */
	CHECK_INT(member(d, "bored", "anna@a.example"), FB_COULD_NOT_TELL);
	CHECK_INT(member(d, "CN=x,DC=a", "anna@a.example"), FB_COULD_NOT_TELL);
	CHECK_INT(member(d, "idle", "anna@a.example"), FB_COULD_NOT_TELL);
	CHECK_INT(fb_entry_member(NULL, "board"), FB_COULD_NOT_TELL);
	CHECK_INT(hidden(d, "boss@a.example"), FB_YES);
	CHECK_INT(hidden(d, "ghost@a.example"), FB_YES);
	CHECK_INT(hidden(d, "anna@a.example"), FB_NO);
	/* each group once, and a holder more keeps the entry */
	e = look_up(d, "anna@a.example");
	CHECK_INT(e->n_groups, 5);
	CHECK(fb_entry_hold(e) == e);
	fb_entry_release(e);
	CHECK_INT(e->refs, 1);
	CHECK_INT(e->exists, FB_COULD_NOT_TELL); /* without a directory the backend knows */
	fb_entry_release(e);
	fb_entry_release(NULL);
	/* the settings' own order stays */
	CHECK_STR(members[0], "zoe@a.example");
	directory_free(d);
	directory_free(NULL);
	/* a directory that nobody can ask: what the settings say is known, the rest is not */
	c.directory = &server;
	d = directory_new(NULL, &c, NULL, NULL);
	CHECK_INT(hidden(d, "boss@a.example"), FB_YES);
	CHECK_INT(hidden(d, "anna@a.example"), FB_COULD_NOT_TELL);
	CHECK_INT(member(d, "board", "anna@a.example"), FB_YES);
	directory_free(d);
	d = directory_new(NULL, &(struct conf){0}, NULL, NULL);
	CHECK_INT(hidden(d, "anna@a.example"), FB_NO);
	directory_free(d);
	return check_done();
}
