/* links: base availability conf pki address_space acl */
#include "tests/unit/proxy_world.h"

/* What is looked up before anything is decided: late, failed, moved, by another name. */

static void called_by_its_own_name(void)
{
	struct fb_query q = question("alias-alice@a.example", "alias-y@a.example", "y@a.example", "x@c.example", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.looked_up, 4);
	CHECK_INT(w.n_fetches, 2);
	CHECK_STR(w.fetches[0].address, "y@a.example");
	CHECK_INT(w.fetches[0].interval, 30);
	CHECK(w.fetches[0].deadline_ms > 0 && w.fetches[0].deadline_ms <= settings.query_deadline_ms);
	CHECK_STR(asked("site-c")->q.requester.name, "alice@a.example");
	asked("site-c")->done(asked("site-c")->arg, FB_OK, NULL);
	CHECK_INT(w.done, 1);
	CHECK_STR(w.subjects[0], "y@a.example"); /* the answer stands where the other name was asked */
	CHECK(recorded("in local y@a.example LimitedDetails 1 ok"));
	world_free();
	/* rules see that name: what they deny is denied by every name */
	q = question("b.example", "alias-denied@a.example", "alias-open@a.example", NULL);
	world_new();
	ask_as("site-b", &q);
	CHECK_INT(w.reasons[0], FB_NO_ACCESS);
	CHECK_INT(w.reasons[1], FB_OK);
	CHECK(recorded("in site-b denied@a.example None 1 no-access"));
	world_free();
	/* what others are called is theirs to say */
	q = question("alias-bob@b.example", "open@a.example", NULL);
	world_new();
	ask_as("site-b", &q);
	CHECK_INT(w.reasons[0], FB_OK);
	CHECK(recorded("in site-b open@a.example AvailabilityOnly 2 ok"));
	world_free();
	q = question("alice@a.example", "alias-x@b.example", NULL);
	world_new();
	ask_ours(&q);
	CHECK_STR(w.asks[0].q.mailboxes[0].address, "alias-x@b.example");
	w.asks[0].done(w.asks[0].arg, FB_OK, NULL);
	world_free();
}

/* Outside all of them are one; the record tells them apart. */
static void why_there_is_none(void)
{
	struct fb_query q = question("alice@a.example", "unknown@a.example", "hidden@a.example", "moved@a.example", "elsewhere@a.example", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.n_fetches, 0);
	CHECK_INT(w.n_asks, 0); /* nor is the other site asked to which it moved */
	for (size_t i = 0; i < q.n; i++)
		CHECK_INT(w.reasons[i], FB_NO_ACCESS);
	CHECK(recorded("in local unknown@a.example None unknown no-access"));
	CHECK(recorded("in local hidden@a.example None hidden no-access"));
	CHECK(recorded("in local moved@a.example None moved no-access"));
	CHECK(recorded("in local elsewhere@a.example None moved no-access"));
	world_free();
}

static void could_not_be_asked(void)
{
	struct fb_query q = question("alice@a.example", "unsure@a.example", "y@a.example", "empty@a.example", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.reasons[0], FB_DIRECTORY_FAILED);
	CHECK_INT(w.reasons[1], FB_OK);
	CHECK_INT(w.reasons[2], FB_DIRECTORY_FAILED);
	CHECK_INT(w.n_fetches, 1);
	world_free();
	/* whom the rules deny learns not even that */
	q = question("b.example", "denied@a.example", NULL);
	world_new();
	w.hold_look_ups = true;
	ask_as("site-b", &q);
	w.look_ups[0].cb(w.look_ups[0].arg, fb_entry_new("denied@a.example", 0));
	CHECK_INT(w.reasons[0], FB_NO_ACCESS);
	world_free();
}

/* The last of them is waited for: no answer, not even a refusal, leaves before. */
static void all_before_the_first(void)
{
	struct fb_query q = question("bob@b.example", "denied@a.example", "unknown@a.example", "open@a.example", "x@c.example", NULL);

	world_new();
	w.hold_look_ups = true;
	ask_as("site-b", &q);
	CHECK_INT(w.looked_up, 4);
	CHECK_INT(w.answers, 1); /* what is not ours is nobody's secret */
	for (size_t i = 4; i-- > 1;)
		answer_look_up(&w.look_ups[i]);
	CHECK_INT(w.answers, 1);
	CHECK_INT(w.n_fetches, 0);
	answer_look_up(&w.look_ups[0]);
	CHECK_INT(w.answers, 4);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[2], FB_OK);
	world_free();
}

static void late(void)
{
	struct fb_query q = question("alice@a.example", "y@a.example", "x@b.example", NULL);
	struct proxy_query *pq;

	be_hasty(true);
	world_new();
	w.hold_look_ups = true;
	ask_ours(&q);
	CHECK_INT(w.looked_up, 3);
	answer_look_up(&w.look_ups[0]);
	turn(settings.query_deadline_ms * 4);
	be_hasty(false);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_TIMEOUT);
	CHECK_INT(w.reasons[1], FB_TIMEOUT);
	CHECK_INT(proxy_open(w.p), 0);
	/* what comes now starts nothing any more */
	answer_look_up(&w.look_ups[1]);
	answer_look_up(&w.look_ups[2]);
	CHECK_INT(w.n_fetches + w.n_asks, 0);
	world_free();
	world_new();
	w.hold_look_ups = true;
	pq = ask_ours(&q);
	answer_look_up(&w.look_ups[1]);
	proxy_cancel(pq);
	answer_look_up(&w.look_ups[2]);
	answer_look_up(&w.look_ups[0]);
	CHECK_INT(w.done + (int)(w.n_fetches + w.n_asks), 0);
	world_free();
	/* the daemon ends while look-ups are open */
	world_new();
	w.hold_look_ups = true;
	ask_ours(&q);
	answer_look_up(&w.look_ups[0]);
	world_free();
}

static void groups(void)
{
	static struct conf_rule of_groups[] = {
		{.in = true, .requester = "group:board", .target = "*", .level = FB_LEVEL_LIMITED_DETAILS},
		{.in = true, .requester = "*", .target = "group:board", .level = FB_LEVEL_NONE},
		{.in = true, .requester = "*", .target = "*", .level = FB_LEVEL_AVAILABILITY_ONLY},
		{.in = false, .requester = "group:board", .target = "group:board", .level = FB_LEVEL_LIMITED_DETAILS},
		{.in = false, .requester = "*", .target = "plain@b.example", .level = FB_LEVEL_AVAILABILITY_ONLY},
	};
	static const struct {
		const char *requester, *target;
		enum fb_reason reason;
	} cases[] = {
		{"member@b.example", "member@a.example", FB_OK},
		{"bob@b.example", "member@a.example", FB_NO_ACCESS},
		{"bob@b.example", "open@a.example", FB_OK},
		{"vague@b.example", "open@a.example", FB_DIRECTORY_FAILED},
		{"empty@b.example", "open@a.example", FB_DIRECTORY_FAILED},
		{"bob@b.example", "vague@a.example", FB_DIRECTORY_FAILED},
		{"b.example", "open@a.example", FB_OK}, /* an organisation is in no group */
		{"b.example", "vague@a.example", FB_DIRECTORY_FAILED},
	};
	struct conf_peer was = peers[1];

	peers[1].rules = of_groups;
	peers[1].n_rules = 5;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fb_query q = question(cases[i].requester, cases[i].target, NULL);

		world_new();
		ask_as("site-b", &q);
		if (!CHECK_INT(w.reasons[0], cases[i].reason))
			fprintf(stderr, "\t%s about %s\n", cases[i].requester, cases[i].target);
		world_free();
	}
	/* ours about theirs: their people may be in our groups too */
	struct fb_query q = question("member@a.example", "member@b.example", "x@b.example", "vague@b.example", "plain@b.example", NULL);

	world_new();
	ask_ours(&q);
	if (CHECK_INT(w.n_asks, 1) && CHECK_INT(w.asks[0].q.n, 2))
		CHECK_STR(w.asks[0].q.mailboxes[0].address, "member@b.example");
	w.asks[0].done(w.asks[0].arg, FB_OK, NULL);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[1], FB_NO_ACCESS);
	CHECK_INT(w.reasons[2], FB_DIRECTORY_FAILED);
	world_free();
	peers[1] = was;
}

int main(void)
{
	called_by_its_own_name();
	why_there_is_none();
	could_not_be_asked();
	all_before_the_first();
	late();
	groups();
	return check_done();
}
