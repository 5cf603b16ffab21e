/* links: base availability conf pki directory */
#include "bridge/directory/directory.h"
#include "bridge/directory/job.h"
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

/* ---- with workers, which the test itself plays ---- */

struct asked {
	directory_reply_cb *cb;
	void *arg;
	enum directory_kind kind;
	char text[64];
	int64_t deadline_ms;
};
enum { PEOPLE = 3000 /* several in each bucket */ };
static struct asked asked[PEOPLE + 64];
static size_t n_asked;

static void submit(void *pool, const void *job, size_t len, int64_t deadline_ms, directory_reply_cb *cb, void *arg)
{
	struct asked *a = &asked[n_asked++];
	const char *text = "";

	*a = (struct asked){cb, arg, 0, "", deadline_ms};
	CHECK(directory_job_unpack(job, len, &a->kind, &text));
	snprintf(a->text, sizeof(a->text), "%s", text);
}

static void reply(size_t i, const struct directory_answer *a)
{
	struct buf b;

	buf_init(&b, DIRECTORY_REPLY_MAX);
	directory_answer_pack(&b, a);
	asked[i].cb(asked[i].arg, buf_ptr(&b), b.len, NULL);
	buf_free(&b);
}

static const struct fb_entry *found[8];
static size_t n_found;

static void find(void *arg, const struct fb_entry *who)
{
	found[n_found++] = who;
}

static void forget_found(void)
{
	while (n_found)
		fb_entry_release(found[--n_found]);
}

static struct conf with_server(void)
{
	static struct conf_address_space spaces[] = {{.forest_name = "a.example", .peer = "local"}, {.forest_name = "b.example", .peer = "site-b"}};
	static struct conf_rule rules[] = {{.requester = "group:board", .target = "group:CN=x,DC=a"}, {.requester = "group:CN=y,DC=a", .target = "*"}};
	static struct conf_peer peers[] = {{.name = "local", .rules = rules, .n_rules = 2}};
	static char *members[] = {"anna@a.example"}, *hide[] = {"ghost@a.example"};
	static struct conf_group groups[] = {{"board", members, 1}};
	static struct conf_directory server = {.cache_ms = 60000};

	return (struct conf){.hidden = hide, .n_hidden = 1, .groups = groups, .n_groups = 1, .peers = peers, .n_peers = 1, .spaces = spaces, .n_spaces = 2,
	                     .directory = &server, .query_deadline_ms = 10000};
}

static void test_answers(struct directory *d)
{
	enum fb_fact facts[2] = {FB_YES, FB_NO};
	struct directory_answer a = {.exists = FB_YES, .address = "anna@a.example", .n_groups = 2, .groups = facts};

	/* two who ask for the same: one job, and both hear of it; the canonical address is the one in the groups of the settings */
	directory_look_up(d, "info@a.example", find, NULL);
	directory_look_up(d, "info@a.example", find, NULL);
	CHECK_INT(n_asked, 1);
	CHECK_STR(asked[0].text, "info@a.example");
	CHECK_INT(asked[0].deadline_ms, 9000);
	CHECK_INT(n_found, 0);
	reply(0, &a);
	CHECK_INT(n_found, 2);
	CHECK(found[0] == found[1]);
	CHECK_STR(found[0]->address, "anna@a.example");
	CHECK_INT(found[0]->exists, FB_YES);
	CHECK_INT(found[0]->hidden, FB_NO);
	CHECK_INT(fb_entry_member(found[0], "board"), FB_YES);
	CHECK_INT(fb_entry_member(found[0], "CN=x,DC=a"), FB_YES);
	CHECK_INT(fb_entry_member(found[0], "CN=y,DC=a"), FB_NO);
	forget_found();
	/* kept */
	directory_look_up(d, "info@a.example", find, NULL);
	CHECK_INT(n_asked, 1);
	CHECK_INT(n_found, 1);
	forget_found();
	/* a name is no address, even with the same letters */
	directory_identify(d, "info@a.example", find, NULL);
	CHECK_INT(n_asked, 2);
	CHECK_INT(asked[1].kind, DIRECTORY_NAME);
	a.disabled = true;
	reply(1, &a);
	CHECK_INT(found[0]->exists, FB_NO);
	CHECK(found[0]->disabled);
	forget_found();
	directory_identify(d, "S-1-5-21-1-2-3-500", find, NULL);
	CHECK_INT(asked[2].kind, DIRECTORY_SID);
	a.disabled = false;
	a.address[0] = 0;
	reply(2, &a);
	CHECK_INT(found[0]->exists, FB_NO); /* nobody whom a rule could name */
	forget_found();
}

static void test_failures(struct directory *d)
{
	enum fb_fact facts[3] = {FB_NO, FB_NO, FB_NO};
	struct directory_answer a = {.exists = FB_COULD_NOT_TELL, .passing = true, .n_groups = 2, .groups = facts};
	size_t first = n_asked;

	/* the worker died */
	directory_look_up(d, "ben@a.example", find, NULL);
	asked[first].cb(asked[first].arg, NULL, 0, "the worker died");
	CHECK_INT(found[0]->exists, FB_COULD_NOT_TELL);
	CHECK_INT(found[0]->hidden, FB_COULD_NOT_TELL);
	CHECK_INT(fb_entry_member(found[0], "CN=x,DC=a"), FB_COULD_NOT_TELL);
	CHECK_INT(fb_entry_member(found[0], "board"), FB_NO); /* the settings know */
	CHECK_STR(found[0]->address, "ben@a.example");
	forget_found();
	/* the server did not answer */
	directory_look_up(d, "carl@a.example", find, NULL);
	reply(first + 1, &a);
	CHECK_INT(found[0]->exists, FB_COULD_NOT_TELL);
	CHECK_INT(found[0]->hidden, FB_COULD_NOT_TELL);
	forget_found();
	/* an answer for other groups than ours is none */
	a = (struct directory_answer){.exists = FB_YES, .address = "dora@a.example", .n_groups = 3, .groups = facts};
	directory_look_up(d, "dora@a.example", find, NULL);
	reply(first + 2, &a);
	CHECK_INT(found[0]->exists, FB_COULD_NOT_TELL);
	forget_found();
	/* hidden by the settings stays hidden, whoever knows what else */
	directory_look_up(d, "ghost@a.example", find, NULL);
	asked[first + 3].cb(asked[first + 3].arg, NULL, 0, "the worker died");
	CHECK_INT(found[0]->hidden, FB_YES);
	forget_found();
}

/* Who is hidden by the settings is so by whatever name: the one that was asked, and the one that the directory gives. Where somebody went is told. */
static void test_other_names(void)
{
	static const struct {
		const char *asked, *canonical, *moved_to;
		enum fb_fact hidden;
	} cases[] = {{"info@a.example", "ghost@a.example", "", FB_YES}, {"ghost@a.example", "anna@a.example", "", FB_YES},
	             {"info@a.example", "anna@a.example", "new@b.example", FB_NO}};
	enum fb_fact facts[2] = {FB_NO, FB_NO};
	struct conf c = with_server();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct directory *d = directory_new(&c, submit, NULL);
		struct directory_answer a = {.exists = FB_YES, .n_groups = 2, .groups = facts};
		size_t job = n_asked;

		snprintf(a.address, sizeof(a.address), "%s", cases[i].canonical);
		snprintf(a.moved_to, sizeof(a.moved_to), "%s", cases[i].moved_to);
		directory_look_up(d, cases[i].asked, find, NULL);
		reply(job, &a);
		CHECK_INT(found[0]->hidden, cases[i].hidden);
		CHECK_STR(found[0]->address, cases[i].canonical);
		CHECK_STR(found[0]->moved_to, cases[i].moved_to);
		forget_found();
		directory_free(d);
	}
}

static size_t strangers;

/* ${arg} is who was asked about. */
static void is_that_one(void *arg, const struct fb_entry *who)
{
	strangers += strcmp(who->address, arg) != 0;
	n_found++;
	fb_entry_release(who);
}

static void test_many_at_once(void)
{
	static char addresses[PEOPLE][32];
	enum fb_fact facts[2] = {FB_NO, FB_NO};
	struct conf c = with_server();
	struct directory *d = directory_new(&c, submit, NULL);
	struct directory_answer a = {.exists = FB_YES, .n_groups = 2, .groups = facts};

	n_asked = 0;
	for (size_t i = 0; i < PEOPLE; i++) {
		snprintf(addresses[i], sizeof(*addresses), "p%zu@a.example", i);
		directory_look_up(d, addresses[i], is_that_one, addresses[i]);
	}
	CHECK_INT(n_asked, PEOPLE);
	for (size_t i = n_asked; i > 0; i--) {
		strcpy(a.address, asked[i - 1].text);
		reply(i - 1, &a);
	}
	CHECK_INT(n_found, PEOPLE);
	CHECK_INT(strangers, 0);
	n_found = n_asked = 0;
	directory_free(d);
}

/* That nothing could be told is kept for a moment, even where nothing else is: a server that is down is not asked for each question. */
static void test_failure_is_kept(void)
{
	struct conf c = with_server();
	struct conf_directory server = *c.directory;
	struct directory *d;
	size_t job = n_asked;

	server.cache_ms = 0;
	c.directory = &server;
	d = directory_new(&c, submit, NULL);
	directory_look_up(d, "anna@a.example", find, NULL);
	asked[job].cb(asked[job].arg, NULL, 0, "the worker died");
	directory_look_up(d, "anna@a.example", find, NULL);
	CHECK_INT(n_asked, job + 1);
	CHECK(n_found == 2 && found[1]->exists == FB_COULD_NOT_TELL);
	forget_found();
	directory_free(d);
	/* where nobody can be asked nothing is known of a name either */
	d = directory_new(&c, NULL, NULL);
	directory_identify(d, "anna@a.example", find, NULL);
	CHECK_INT(found[0]->exists, FB_COULD_NOT_TELL);
	forget_found();
	directory_free(d);
}

static void test_server(void)
{
	struct conf c = with_server();
	struct directory *d = directory_new(&c, submit, NULL);

	test_answers(d);
	test_failures(d);
	/* freed while a worker has a question: nobody hears of it, and nothing is lost */
	size_t last = n_asked;

	directory_look_up(d, "emil@a.example", find, NULL);
	directory_look_up(d, "carl@b.example", find, NULL); /* not ours, but there are groups of the directory */
	CHECK_INT(n_asked, last + 2);
	directory_free(d);
	asked[last].cb(asked[last].arg, NULL, 0, "too late");
	asked[last + 1].cb(asked[last + 1].arg, NULL, 0, "too late");
	CHECK_INT(n_found, 0);
	/* without groups of the directory nobody asks for those who are not ours */
	c.n_peers = 0;
	d = directory_new(&c, submit, NULL);
	directory_look_up(d, "carl@b.example", find, NULL);
	CHECK_INT(n_asked, last + 2);
	CHECK_INT(n_found, 1);
	forget_found();
	directory_free(d);
	/* without a server nobody is known by name */
	c.directory = NULL;
	d = directory_new(&c, NULL, NULL);
	directory_identify(d, "LABA\\anna", find, NULL);
	CHECK_INT(found[0]->exists, FB_NO);
	forget_found();
	directory_free(d);
}

int main(void)
{
	test_server();
	test_other_names();
	test_failure_is_kept();
	test_many_at_once();
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
	struct directory *d = directory_new(&c, NULL, NULL);
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
	for (size_t i = 1; i < e->n_groups; i++) /* they are found by halving */
		CHECK(strcmp(e->groups[i - 1].group, e->groups[i].group) < 0);
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
	d = directory_new(&c, NULL, NULL);
	CHECK_INT(hidden(d, "boss@a.example"), FB_YES);
	CHECK_INT(hidden(d, "anna@a.example"), FB_COULD_NOT_TELL);
	CHECK_INT(member(d, "board", "anna@a.example"), FB_YES);
	directory_free(d);
	d = directory_new(&(struct conf){0}, NULL, NULL);
	CHECK_INT(hidden(d, "anna@a.example"), FB_NO);
	directory_free(d);
	return check_done();
}
