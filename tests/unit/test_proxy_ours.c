/* links: base availability conf pki address_space acl */
#include "tests/unit/proxy_world.h"

/* Our own people's questions: whatever the doors do, each mailbox gets its own answer, in the order asked, once. */

static void order_is_kept(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", "y@a.example", "z@c.example", "v@b.example", "y@a.example", NULL);
	struct ask_call *b, *c;

	world_new();
	ask_ours(&q);
	CHECK_INT(w.n_asks, 2);
	b = asked("site-b");
	c = asked("site-c");
	CHECK_INT(b->q.n, 2);
	CHECK_INT(c->q.n, 1);
	peer_says(b, 1);
	peer_says(c, 0);
	c->done(c->arg, FB_OK, NULL);
	peer_says(b, 0);
	CHECK_INT(w.done, 0);
	b->done(b->arg, FB_OK, NULL);
	CHECK_INT(w.done, 1);
	CHECK_STR(w.subjects[0], "x@b.example");
	CHECK_STR(w.subjects[1], "y@a.example");
	CHECK_STR(w.subjects[2], ""); /* site-c: our own out rule gives times only */
	CHECK_STR(w.subjects[3], "v@b.example");
	CHECK_STR(w.subjects[4], "y@a.example");
	for (size_t i = 0; i < q.n; i++) {
		CHECK_INT(w.reasons[i], FB_OK);
		CHECK_STR(w.digits[i], "2000");
	}
	CHECK_INT(proxy_open(w.p), 0);
	world_free();
}

static void one_bad_never_touches_another(void)
{
	struct fb_query q = question("alice@a.example", "y@a.example", "", "q@nowhere.example", "q@n.example", "unknown@a.example",
	                             "hidden@a.example", "broken@a.example", "unsure@a.example", "x@d.example", "x@e.example",
	                             "secret@b.example", "z@a.example", NULL);
	const enum fb_reason expected[] = {FB_OK, FB_BAD_ADDRESS, FB_NO_ADDRESS_SPACE, FB_NO_ADDRESS_SPACE, FB_NO_ACCESS,
	                                   FB_NO_ACCESS, FB_CALENDAR_FAILED, FB_DIRECTORY_FAILED, FB_PEER_FAILED, FB_NOT_ALLOWED,
	                                   FB_NO_ACCESS, FB_OK};

	world_new();
	ask_ours(&q);
	CHECK_INT(w.done, 1);
	for (size_t i = 0; i < q.n; i++)
		if (!CHECK_INT(w.reasons[i], expected[i]))
			fprintf(stderr, "\tfor %s\n", q.mailboxes[i].asked);
	CHECK_STR(w.subjects[0], "y@a.example");
	CHECK_STR(w.subjects[11], "z@a.example");
	CHECK_INT(w.n_asks, 0);
	CHECK_INT(w.looked_up, 10); /* the requester and every target that has a row, also those that get nothing */
	world_free();
}

static void requester_as_the_row_says(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", "x@b2.example", "x@c.example", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.n_asks, 3); /* site-b twice: its two rows differ in their method */
	CHECK(!w.asks[0].q.requester.is_person);
	CHECK_STR(w.asks[0].q.requester.name, "a.example");
	CHECK(w.asks[1].q.requester.is_person);
	CHECK_STR(w.asks[1].q.requester.name, "alice@a.example");
	CHECK(w.asks[2].q.requester.is_person);
	for (size_t i = 0; i < w.n_asks; i++)
		w.asks[i].done(w.asks[i].arg, FB_OK, NULL);
	CHECK_INT(w.done, 1);
	world_free();

	/* No user known: the organisation, also on a per-user row. */
	q = question("other-name.example", "x@c.example", NULL);
	world_new();
	ask_ours(&q);
	CHECK(!w.asks[0].q.requester.is_person);
	CHECK_STR(w.asks[0].q.requester.name, "a.example");
	w.asks[0].done(w.asks[0].arg, FB_OK, NULL);
	world_free();
}

static void own_verdict_counts_too(void)
{
	struct fb_query q = question("alice@a.example", "times@b.example", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.asks[0].q.view, FB_VIEW_MERGED | FB_VIEW_EVENTS); /* what nobody may see is not even asked for */
	peer_says(&w.asks[0], 0);
	w.asks[0].done(w.asks[0].arg, FB_OK, NULL);
	CHECK_INT(w.views[0], FB_VIEW_MERGED | FB_VIEW_EVENTS);
	CHECK_STR(w.subjects[0], "");
	world_free();
}

static void end_without_answers(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", "y@b.example", "z@c.example", "l@a.example", NULL);

	world_new();
	ask_ours(&q);
	peer_says(asked("site-b"), 0);
	asked("site-b")->done(asked("site-b")->arg, FB_OK, NULL);
	asked("site-c")->done(asked("site-c")->arg, FB_BUSY, "later");
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_OK);
	CHECK_INT(w.reasons[1], FB_PEER_FAILED); /* the peer ended well and said nothing of it */
	CHECK_INT(w.reasons[2], FB_BUSY);
	CHECK_INT(w.reasons[3], FB_OK);
	world_free();
}

/* What a peer's whole question came to is each of its mailboxes', and why is one line for the admin. */
static void why_it_failed(void)
{
	static const struct {
		enum fb_reason end, mailbox;
		const char *line; /* NULL = none: it ended well, and each mailbox has a line of its own */
	} cases[] = {{FB_BUSY, FB_BUSY, "event=ask-failed request-id=%s peer=site-b result=busy text=\"it said so\""},
	             {FB_TIMEOUT, FB_TIMEOUT, "event=ask-failed request-id=%s peer=site-b result=timeout text=\"it said so\""},
	             {FB_NOT_COMPUTED, FB_PEER_FAILED, "event=ask-failed request-id=%s peer=site-b result=not-computed"},
	             {FB_OK, FB_PEER_FAILED, NULL}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fb_query q = question("alice@a.example", "x@b.example", "y@b.example", NULL);
		char log[4096] = "", line[256];
		FILE *f = tmpfile();

		world_new();
		log_setup(fileno(f), false, LOG_LEVEL_WARN, "test");
		ask_ours(&q);
		w.asks[0].done(w.asks[0].arg, cases[i].end, "it said so");
		CHECK_INT(w.reasons[0], cases[i].mailbox);
		CHECK_INT(w.reasons[1], cases[i].mailbox);
		rewind(f);
		log[fread(log, 1, sizeof log - 1, f)] = 0;
		snprintf(line, sizeof line, cases[i].line ? cases[i].line : "ask-failed", q.request_id);
		CHECK_INT(strstr(log, line) != NULL, cases[i].line != NULL);
		world_free();
		log_setup(2, false, LOG_LEVEL_ERROR, "test");
		fclose(f);
	}
}

static void late_is_a_failure(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", "y@b.example", "l@a.example", "m@a.example", NULL);

	be_hasty(true);
	world_new();
	w.hold_fetches = true;
	ask_ours(&q);
	CHECK(w.asks[0].deadline_ms <= settings.query_deadline_ms);
	peer_says(&w.asks[0], 1);
	answer_fetch(&w.fetches[0]);
	turn(settings.query_deadline_ms * 4);
	be_hasty(false);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_TIMEOUT);
	CHECK_INT(w.reasons[1], FB_OK);
	CHECK_INT(w.reasons[2], FB_OK);
	CHECK_INT(w.reasons[3], FB_TIMEOUT);
	/* The doors answer after all: nobody is told, nothing breaks. */
	peer_says(&w.asks[0], 0);
	w.asks[0].done(w.asks[0].arg, FB_TIMEOUT, "late");
	answer_fetch(&w.fetches[1]);
	CHECK_INT(w.done, 1);
	world_free();
}

static void cancelled_is_silent(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", "l@a.example", NULL);
	struct proxy_query *pq;

	be_hasty(true);
	world_new();
	w.hold_fetches = true;
	pq = ask_ours(&q);
	CHECK_INT(proxy_open(w.p), 1);
	proxy_cancel(pq);
	CHECK_INT(proxy_open(w.p), 0);
	peer_says(&w.asks[0], 0);
	w.asks[0].done(w.asks[0].arg, FB_OK, NULL);
	answer_fetch(&w.fetches[0]);
	turn(settings.query_deadline_ms * 2);
	be_hasty(false);
	CHECK_INT(w.done, 0);
	world_free();
	/* Before its first step. */
	world_new();
	proxy_cancel(proxy_ask(w.p, &q, ours_done, NULL));
	turn(2);
	CHECK_INT(w.looked_up, 0);
	CHECK_INT(w.done, 0);
	world_free();
}

static void a_peer_cannot_answer_twice_or_beside(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", "y@b.example", NULL);
	struct fb_answer *other = busy_answer("other", 0);

	world_new();
	ask_ours(&q);
	peer_says(&w.asks[0], 0);
	w.asks[0].answer(w.asks[0].arg, 0, other);
	w.asks[0].answer(w.asks[0].arg, 2, other);
	w.asks[0].done(w.asks[0].arg, FB_OK, NULL);
	CHECK_STR(w.subjects[0], "x@b.example");
	CHECK_INT(w.reasons[1], FB_PEER_FAILED);
	fb_answer_free(other);
	world_free();
}

static void too_many_are_refused(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", NULL);
	size_t n = 0;

	world_new();
	CHECK(!proxy_full(w.p));
	while (n < 2 * PROXY_MAX_OPEN && proxy_ask(w.p, &q, ours_done, NULL))
		n++;
	CHECK_INT(n, PROXY_MAX_OPEN);
	CHECK(proxy_full(w.p));
	world_free();
	world_new();
	q.n = FB_MAX_MAILBOXES + 1; /* its doors let none in; who looks at them is not even begun with */
	CHECK(!proxy_ask(w.p, &q, ours_done, NULL));
	world_free();
}

int main(void)
{
	order_is_kept();
	one_bad_never_touches_another();
	requester_as_the_row_says();
	own_verdict_counts_too();
	end_without_answers();
	why_it_failed();
	late_is_a_failure();
	cancelled_is_silent();
	a_peer_cannot_answer_twice_or_beside();
	too_many_are_refused();
	return check_done();
}
