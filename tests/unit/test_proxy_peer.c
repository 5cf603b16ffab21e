/* links: base availability conf pki address_space acl */
#include "tests/unit/proxy_world.h"

/* A peer's question: who may speak, what is ours, and that nothing tells unknown, hidden and denied apart. */

static void unknown_hidden_and_denied_are_alike(void)
{
	struct fb_query q = question("b.example", "unknown@a.example", "hidden@a.example", "denied@a.example", "open@a.example",
	                             "moved@a.example", "elsewhere@a.example", "alias-denied@a.example", NULL);

	world_new();
	ask_as("site-b", &q);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.end, FB_OK);
	CHECK_INT(w.answers, 7);
	for (size_t i = 0; i < 7; i++) {
		if (i == 3)
			continue;
		CHECK_INT(w.reasons[i], FB_NO_ACCESS);
		CHECK_INT(w.views[i], 0);
		CHECK_STR(w.digits[i], "");
	}
	CHECK_INT(w.reasons[3], FB_OK);
	CHECK_STR(w.digits[3], "2000");
	CHECK_STR(w.subjects[3], "");
	CHECK_INT(w.looked_up_at_first_answer, 7); /* all were looked up before anything left */
	CHECK_INT(w.n_fetches, 1);
	world_free();
}

static void only_for_its_own_domains(void)
{
	const char *const strangers[] = {"a.example", "eve@a.example", "c.example", "eve@c.example", "nowhere.example",
	                                 "eve@sub.b.example", "n.example"};

	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
		struct fb_query q = question(strangers[i], "open@a.example", NULL);

		world_new();
		ask_as("site-b", &q);
		CHECK_INT(w.done, 1);
		CHECK_INT(w.end, FB_NOT_ALLOWED);
		CHECK_INT(w.answers, 0);
		CHECK_INT(w.n_fetches, 0);
		world_free();
	}
	struct fb_query q = question("bob@b2.example", "open@a.example", NULL);

	world_new();
	ask_as("site-b", &q);
	CHECK_INT(w.reasons[0], FB_OK);
	world_free();
}

static void never_routed_on(void)
{
	struct fb_query q = question("b.example", "x@c.example", "x@b.example", "x@nowhere.example", "", "open@a.example", NULL);
	FILE *log = tmpfile();
	char line[4096];
	size_t lines = 0;

	world_new();
	log_setup(fileno(log), false, LOG_LEVEL_WARN, "test");
	ask_as("site-b", &q);
	rewind(log);
	while (fgets(line, sizeof line, log))
		if (strstr(line, "event=not-ours"))
			lines += CHECK(strstr(line, "target=x@c.example mailboxes=4 ") != NULL);
	CHECK_INT(lines, 1); /* a question, not a mailbox: whoever asks may name a hundred */
	fclose(log);
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
	CHECK_INT(w.n_asks, 0);
	CHECK_INT(w.answers, 5);
	for (size_t i = 0; i < 4; i++)
		CHECK_INT(w.reasons[i], FB_NO_ACCESS);
	CHECK_INT(w.reasons[4], FB_OK);
	world_free();
}

static void a_disabled_peer_gets_nothing(void)
{
	struct fb_query q = question("d.example", "open@a.example", NULL);

	world_new();
	ask_as("site-d", &q);
	CHECK_INT(w.end, FB_NOT_ALLOWED);
	CHECK_INT(w.answers, 0);
	world_free();
}

static void the_switch_is_off(void)
{
	struct fb_query q = question("b.example", "open@a.example", "unknown@a.example", NULL);

	world_new();
	peers[1].access_enabled = false;
	ask_as("site-b", &q);
	peers[1].access_enabled = true;
	CHECK_INT(w.end, FB_OK);
	CHECK_INT(w.reasons[0], FB_NO_ACCESS);
	CHECK_INT(w.reasons[1], FB_NO_ACCESS);
	CHECK_INT(w.looked_up, 2);
	CHECK_INT(w.n_fetches, 0);
	world_free();
}

static void late_and_cancelled(void)
{
	struct fb_query q = question("b.example", "open@a.example", "also@a.example", NULL);
	struct proxy_query *pq;

	be_hasty(true);
	world_new();
	w.hold_fetches = true;
	ask_as("site-b", &q);
	answer_fetch(&w.fetches[1]);
	CHECK_INT(w.answers, 1);
	turn(1000);
	be_hasty(false);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_TIMEOUT);
	CHECK_INT(w.reasons[1], FB_OK);
	answer_fetch(&w.fetches[0]);
	CHECK_INT(w.answers, 2);
	world_free();

	world_new();
	w.hold_fetches = true;
	pq = ask_as("site-b", &q);
	proxy_cancel(pq);
	answer_fetch(&w.fetches[0]);
	answer_fetch(&w.fetches[1]);
	CHECK_INT(w.answers, 0);
	CHECK_INT(w.done, 0);
	world_free();
}

/* Peers have places of their own: they cannot take those of our people, nor more than there are. */
static void too_many_of_a_peer(void)
{
	struct fb_query q = question("bob@b.example", "x@a.example", NULL), own;
	struct pki_peer seal = {"site-b"};
	size_t n = 0;

	world_new();
	while (n < 2 * PROXY_MAX_OPEN && proxy_answer_peer(w.p, &seal, &q, 300, &peer_events, NULL))
		n++;
	CHECK_INT(n, PROXY_MAX_OPEN);
	CHECK(!proxy_full(w.p));
	own = question("alice@a.example", "y@a.example", NULL);
	CHECK(proxy_ask(w.p, &own, ours_done, NULL) != NULL);
	CHECK_INT(proxy_open(w.p), PROXY_MAX_OPEN + 1);
	world_free();
}

/* A peer that gives us a day has no more of us than our own people have. */
static void too_much_time(void)
{
	struct fb_query q = question("bob@b.example", "x@a.example", NULL);
	struct pki_peer seal = {"site-b"};

	be_hasty(true);
	world_new();
	w.hold_fetches = true;
	w.n = q.n;
	proxy_answer_peer(w.p, &seal, &q, 86400000, &peer_events, NULL);
	turn(2);
	CHECK(w.n_fetches == 1 && w.fetches[0].deadline_ms > 300 && w.fetches[0].deadline_ms <= settings.hard_stop_ms);
	turn(settings.hard_stop_ms * 4);
	be_hasty(false);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_TIMEOUT);
	answer_fetch(&w.fetches[0]);
	world_free();
}

static void keep_entry(void *arg, const struct fb_entry *who)
{
	*(const struct fb_entry **)arg = who;
}

static struct proxy_explanation explained(const char *requester, const char *target)
{
	const struct fb_entry *who = NULL, *whom = NULL;
	struct proxy_explanation e;

	if (strchr(requester, '@'))
		fake_look_up(NULL, requester, keep_entry, &who);
	fake_look_up(NULL, target, keep_entry, &whom);
	proxy_explain(&settings, w.t, requester, who, target, whom, whom ? whom->exists : FB_COULD_NOT_TELL, &e);
	fb_entry_release(who);
	fb_entry_release(whom);
	return e;
}

static void explanations(void)
{
	struct proxy_explanation e;

	world_new();
	e = explained("alice@a.example", "x@b.example");
	CHECK_INT(e.route, AS_PEER);
	CHECK_STR(e.peer, "site-b");
	CHECK_STR(e.direction, "out");
	CHECK_INT(e.rule_number, 3);
	CHECK(e.rule == &b_rules[4]);
	CHECK_INT(e.level, FB_LEVEL_LIMITED_DETAILS);
	e = explained("bob@b.example", "denied@a.example");
	CHECK_STR(e.direction, "in");
	CHECK_INT(e.rule_number, 1);
	CHECK(e.rule == &b_rules[0]);
	CHECK_INT(e.level, FB_LEVEL_NONE);
	e = explained("b.example", "hidden@a.example");
	CHECK_INT(e.level, FB_LEVEL_NONE);
	CHECK_INT(e.reason, FB_NO_ACCESS);
	e = explained("alice@a.example", "x@a.example");
	CHECK_STR(e.peer, "local");
	CHECK_INT(e.level, FB_LEVEL_LIMITED_DETAILS);
	CHECK_INT(explained("alice@a.example", "x@n.example").reason, FB_NO_ADDRESS_SPACE);
	CHECK_INT(explained("alice@a.example", "x@nowhere.example").reason, FB_NO_ADDRESS_SPACE);
	CHECK_INT(explained("alice@a.example", "x@d.example").reason, FB_PEER_FAILED);
	CHECK_INT(explained("alice@a.example", "x@e.example").reason, FB_NOT_ALLOWED);
	CHECK_INT(explained("bob@b.example", "x@c.example").reason, FB_NO_ACCESS);
	CHECK_INT(explained("eve@nowhere.example", "x@a.example").reason, FB_NOT_ALLOWED);
	CHECK(strstr(explained("b.example", "hidden@a.example").why, "hidden@a.example is hidden") != NULL);
	CHECK(strstr(explained("b.example", "unknown@a.example").why, "There is no mailbox unknown@a.example") != NULL);
	CHECK_INT(explained("b.example", "unsure@a.example").reason, FB_DIRECTORY_FAILED);
	CHECK(strstr(explained("b.example", "moved@a.example").why, "has moved to new@b.example, outside") != NULL);
	CHECK(strstr(explained("b.example", "empty@a.example").why, "could not be asked about empty@a.example") != NULL);
	CHECK_INT(explained("b.example", "alias-denied@a.example").rule_number, 1);
	CHECK_INT(w.n_fetches + w.n_asks, 0);
	world_free();
}

int main(void)
{
	unknown_hidden_and_denied_are_alike();
	only_for_its_own_domains();
	never_routed_on();
	a_disabled_peer_gets_nothing();
	the_switch_is_off();
	late_and_cancelled();
	too_many_of_a_peer();
	too_much_time();
	explanations();
	return check_done();
}
