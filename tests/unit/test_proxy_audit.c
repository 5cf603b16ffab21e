/* links: base availability conf pki address_space acl */
#include "tests/unit/proxy_world.h"

/* Each mailbox has its record before its answer leaves; what cannot be written down does not leave. */

static void one_record_a_mailbox(void)
{
	struct fb_query q =
		question("alice@a.example", "x@b.example", "y@a.example", "", "q@nowhere.example", "secret@b.example", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.n_records, 4); /* x@b.example is still on its way */
	peer_says(asked("site-b"), 0);
	asked("site-b")->done(asked("site-b")->arg, FB_OK, NULL);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.n_records, 5);
	CHECK(recorded("out site-b x@b.example LimitedDetails 3 ok"));
	CHECK(recorded("in local y@a.example LimitedDetails 1 ok"));
	CHECK(recorded("in - no address - none bad-address"));
	CHECK(recorded("in - q@nowhere.example - none no-address-space"));
	CHECK(recorded("out site-b secret@b.example None 1 no-access"));
	world_free();
}

static void a_peers_answer_comes_after_its_record(void)
{
	struct fb_query q = question("b.example", "open@a.example", "denied@a.example", "z@elsewhere.example", NULL);

	world_new();
	ask_as("site-b", &q);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.answers, 3);
	CHECK_INT(w.n_records, 3);
	CHECK(w.records_at_first_answer >= 1);
	CHECK(recorded("in site-b open@a.example AvailabilityOnly 2 ok"));
	CHECK(recorded("in site-b denied@a.example None 1 no-access"));
	CHECK(recorded("in site-b z@elsewhere.example - none no-access"));
	world_free();
	/* a call that is refused as a whole */
	q = question("stranger.example", "open@a.example", "y@a.example", NULL);
	world_new();
	ask_as("site-b", &q);
	CHECK_INT(w.end, FB_NOT_ALLOWED);
	CHECK_INT(w.n_records, 2);
	CHECK(recorded("in site-b open@a.example - none not-allowed"));
	world_free();
}

static void unwritten_is_refused(void)
{
	struct fb_query ours = question("alice@a.example", "y@a.example", NULL);
	struct fb_query theirs;

	world_new();
	w.audit_says = AUDIT_REFUSED;
	ask_ours(&ours);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_BUSY);
	CHECK_STR(w.digits[0], "");
	CHECK_STR(w.subjects[0], "");
	world_free();
	theirs = question("b.example", "open@a.example", NULL);
	world_new();
	w.audit_says = AUDIT_REFUSED;
	ask_as("site-b", &theirs);
	CHECK_INT(w.answers, 1);
	CHECK_INT(w.reasons[0], FB_BUSY);
	CHECK_STR(w.digits[0], "");
	world_free();
}

static void it_waits_for_the_disk(void)
{
	struct fb_query ours = question("alice@a.example", "y@a.example", "z@a.example", NULL);
	struct fb_query theirs;

	world_new();
	w.audit_says = AUDIT_WAITS;
	ask_ours(&ours);
	CHECK_INT(w.n_waiting, 2);
	CHECK_INT(w.done, 0);
	audit_goes_on(true);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_OK);
	CHECK_STR(w.subjects[1], "z@a.example");
	CHECK_INT(proxy_open(w.p), 0);
	world_free();
	theirs = question("b.example", "open@a.example", NULL);
	world_new();
	w.audit_says = AUDIT_WAITS;
	ask_as("site-b", &theirs);
	CHECK_INT(w.answers, 0);
	audit_goes_on(false);
	CHECK_INT(w.answers, 1);
	CHECK_INT(w.done, 1);
	CHECK_INT(w.reasons[0], FB_BUSY);
	CHECK_STR(w.digits[0], "");
	world_free();
	/* the deadline does not answer again what is only waiting */
	world_new();
	w.audit_says = AUDIT_WAITS;
	be_hasty(true);
	ask_as("site-b", &theirs);
	turn(350);
	be_hasty(false);
	CHECK_INT(w.answers, 0);
	CHECK_INT(w.n_records, 1);
	audit_goes_on(true);
	CHECK_INT(w.answers, 1);
	CHECK_INT(w.reasons[0], FB_OK);
	CHECK_INT(w.done, 1);
	world_free();
}

static void cancelled_is_written_down(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", "y@a.example", NULL);
	struct proxy_query *pq;

	world_new();
	pq = ask_ours(&q);
	proxy_cancel(pq);
	CHECK_INT(w.n_records, 2);
	CHECK(recorded("out site-b x@b.example LimitedDetails 3 cancelled"));
	asked("site-b")->done(asked("site-b")->arg, FB_OK, NULL);
	CHECK_INT(w.n_records, 2);
	CHECK_INT(w.done, 0);
	world_free();
	/* while it waits for the disk */
	world_new();
	w.audit_says = AUDIT_WAITS;
	q = question("alice@a.example", "y@a.example", NULL);
	pq = ask_ours(&q);
	proxy_cancel(pq);
	audit_goes_on(true);
	CHECK_INT(w.n_records, 1);
	CHECK_INT(w.done, 0);
	world_free();
}

/* So it is where the process ends before the answers have come. */
static void cut_off_is_written_down(void)
{
	struct fb_query q = question("alice@a.example", "x@b.example", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.n_records, 0);
	world_free();
	CHECK_INT(w.n_records, 1);
	CHECK(recorded("out site-b x@b.example LimitedDetails 3 cancelled"));
}

int main(void)
{
	one_record_a_mailbox();
	a_peers_answer_comes_after_its_record();
	unwritten_is_refused();
	it_waits_for_the_disk();
	cancelled_is_written_down();
	cut_off_is_written_down();
	return check_done();
}
