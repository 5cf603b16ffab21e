/* links: base availability conf pki address_space acl */
#include "tests/unit/proxy_world.h"

/* Every target is paid for before anything is looked up; who cannot pay is told so, whoever the target is. */

static void ours_pay_for_each(void)
{
	struct fb_query q = question("alice@a.example", "costly@a.example", "y@a.example", "costly-unknown@a.example",
	                             "costly@b.example", "q@nowhere.example", "", NULL);

	world_new();
	ask_ours(&q);
	CHECK_INT(w.done, 1);
	CHECK_STR(w.paid, "/alice@a.example:costly@a.example /alice@a.example:y@a.example "
	                  "/alice@a.example:costly-unknown@a.example /alice@a.example:costly@b.example ");
	CHECK(!w.looked_up_before_paid);
	CHECK_INT(w.looked_up, 2); /* the one target that is left, and who asks */
	CHECK_INT(w.n_fetches, 1);
	CHECK_INT(w.n_asks, 0);
	CHECK_INT(w.reasons[0], FB_BUSY);
	CHECK_INT(w.reasons[1], FB_OK);
	CHECK_INT(w.reasons[2], FB_BUSY);
	CHECK_INT(w.reasons[3], FB_BUSY);
	CHECK_INT(w.reasons[4], FB_NO_ADDRESS_SPACE);
	CHECK(recorded("in local costly@a.example - none busy"));
	world_free();
}

static void a_peer_pays(void)
{
	struct fb_query q = question("b.example", "costly-denied@a.example", "open@a.example", "costly-hidden@a.example", NULL);

	world_new();
	ask_as("site-b", &q);
	CHECK_INT(w.done, 1);
	CHECK_STR(w.paid, "site-b/b.example:costly-denied@a.example site-b/b.example:open@a.example "
	                  "site-b/b.example:costly-hidden@a.example ");
	CHECK(!w.looked_up_before_paid);
	CHECK_INT(w.looked_up, 1);
	CHECK_INT(w.reasons[0], FB_BUSY);
	CHECK_INT(w.reasons[1], FB_OK);
	CHECK_INT(w.reasons[2], FB_BUSY);
	CHECK_INT(w.end, FB_OK);
	world_free();
	/* whoever may not ask at all spends nothing of anybody's */
	q = question("stranger.example", "open@a.example", NULL);
	world_new();
	ask_as("site-b", &q);
	CHECK_STR(w.paid, "");
	world_free();
}

static void others_are_not_touched(void)
{
	struct fb_query q = question("alice@a.example", "y@a.example", NULL);

	world_new();
	w.broke = "alice@a.example";
	ask_ours(&q);
	CHECK_INT(w.reasons[0], FB_BUSY);
	q = question("carl@a.example", "y@a.example", NULL);
	w.done = 0;
	ask_ours(&q);
	CHECK_INT(w.reasons[0], FB_OK);
	world_free();
}

int main(void)
{
	ours_pay_for_each();
	a_peer_pays();
	others_are_not_touched();
	return check_done();
}
