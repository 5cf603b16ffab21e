/* links: base availability conf pki address_space acl */
#include "tests/unit/log_help.h"
#include "tests/unit/proxy_world.h"

/* What is refused before anything is looked up is written down so many times, and counted from then on: whoever may ask cannot fill the disk. */

enum { QUERIES = 30, EACH = 100, AT_ONCE = 1000 };

static FILE *log_file;
static int64_t began;

static void begin(void)
{
	world_new();
	began = loop_ms();
	log_file = tmpfile();
	log_setup(fileno(log_file), false, LOG_LEVEL_INFO, "test");
}

static size_t lines_of(const char *event)
{
	return log_lines(log_file, event);
}

/* Nothing more is under way: what was counted is written down. */
static void end(void)
{
	world_free();
	fclose(log_file);
	log_setup(2, false, LOG_LEVEL_ERROR, "test");
}

/* ${requester} asks about a hundred mailboxes, of ours or (not ${ours}) of nobody's. */
static struct fb_query hundred(const char *requester, bool ours)
{
	static char names[EACH][32];
	struct fb_query q = question(requester, NULL);

	for (q.n = 0; q.n < EACH; q.n++) {
		snprintf(names[q.n], sizeof names[q.n], "x%zu@%s", q.n, ours ? "a.example" : "nowhere.example");
		boxes[q.n] = (struct fb_mailbox){names[q.n], names[q.n]};
	}
	return q;
}

static void ask(const char *peer, const struct fb_query *q)
{
	w.done = 0;
	if (peer)
		ask_as(peer, q);
	else
		ask_ours(q);
	for (int i = 0; i < 1000 && !w.done; i++)
		turn(2);
	*w.paid = 0;
	CHECK_INT(w.done, 1);
}

/* So many are written one by one, and one more for each second that passed; each mailbox is either there or in the sum. */
static void check_bounded(size_t counted_lines)
{
	size_t seconds = (size_t)(loop_ms() - began) / 1000 + 2;

	CHECK(w.n_records >= AT_ONCE / 2 && w.n_records < AT_ONCE + seconds);
	CHECK_INT(w.n_records + w.counted, QUERIES * EACH);
	CHECK(counted_lines <= w.n_records + seconds);
}

static void ours(const char *requester, bool over, const char *sum)
{
	size_t lines;

	begin();
	w.broke = over ? requester : NULL;
	for (int i = 0; i < QUERIES; i++) {
		struct fb_query q = hundred(requester, over);

		ask(NULL, &q);
		CHECK_INT(w.reasons[99], over ? FB_BUSY : FB_NO_ADDRESS_SPACE);
	}
	lines = lines_of("event=mailbox");
	CHECK(lines_of("event=query") < QUERIES);
	CHECK_INT(w.n_sums, 0);
	end();
	check_bounded(lines);
	CHECK_INT(w.n_sums, 1);
	CHECK_STR(w.sum, sum);
}

/* A peer may make up who asks: only so many names are kept, and not one line or record more is written. */
static void of_a_peer(void)
{
	size_t lines;
	char name[64];

	begin();
	for (int i = 0; i < QUERIES; i++) {
		for (int k = 0; k < EACH; k++) {
			struct fb_query q;

			snprintf(name, sizeof name, "eve%d@c.example", i * EACH + k);
			q = question(name, "open@a.example", NULL);
			ask("site-b", &q);
			CHECK_INT(w.end, FB_NOT_ALLOWED);
		}
	}
	lines = lines_of("event=not-allowed");
	end();
	check_bounded(lines);
	CHECK_INT(w.n_sums, 65);
	CHECK(w.unnamed > AT_ONCE && w.unnamed == w.counted - 64);
	CHECK_STR(w.sum, "in site-b - not-allowed");
}

/* Whom a peer makes up takes the name of nobody else out of the sums. */
static void beside_a_peer(void)
{
	struct fb_query q;
	char name[64];

	begin();
	for (int i = 0; i < AT_ONCE + 200; i++) {
		snprintf(name, sizeof name, "eve%d@c.example", i);
		q = question(name, "open@a.example", NULL);
		ask("site-b", &q);
	}
	for (int i = 0; i < 2 * AT_ONCE / EACH; i++) {
		q = hundred("anna@a.example", false);
		ask(NULL, &q);
	}
	end();
	CHECK_STR(w.sum, "in - anna@a.example no-address-space");
	CHECK(w.unnamed > 0);
}

/* What cannot be written is kept and said again, and then nothing of it is lacking. While one cannot, the others are not tried. */
static void no_room(void)
{
	begin();
	for (int i = 0; i < QUERIES; i++) {
		struct fb_query q = hundred(i % 2 ? "anna@a.example" : "ben@a.example", false);

		ask(NULL, &q);
	}
	w.refuses_sums = true;
	tell(w.p->refused);
	CHECK_INT(w.refused_sums, 1);
	CHECK_INT(w.n_sums, 0);
	w.refuses_sums = false;
	end();
	CHECK_INT(w.n_sums, 2);
	CHECK_INT(w.n_records + w.counted, QUERIES * EACH);
}

/* From the first of them to the record lie as many seconds as the clock says, by which the other site's records are found; however it was set, or stood. */
static void clock_is_set(time_t ahead, int64_t least)
{
	begin();
	for (int i = 0; i < QUERIES; i++) {
		struct fb_query q = hundred("anna@a.example", false);

		ask(NULL, &q);
	}
	clock_ahead = ahead;
	end();
	clock_ahead = 0;
	CHECK_INT(w.n_sums, 1);
	CHECK(w.seconds >= least && w.seconds < least + 10);
}

/* A question that is given up before it begins costs nothing either. */
static void given_up_at_once(void)
{
	struct pki_peer seal = {"site-b"};

	begin();
	for (int i = 0; i < QUERIES; i++) {
		struct fb_query q = hundred("bob@b.example", true);

		proxy_cancel(proxy_answer_peer(w.p, &seal, &q, 300, &peer_events, NULL));
	}
	end();
	check_bounded(0);
	CHECK_STR(w.sum, "in site-b bob@b.example cancelled");
}

/* Whoever is in his budget has a record for each mailbox, however often he asks and whatever came of it. */
static void paid_for(void)
{
	begin();
	for (int i = 0; i < 1100; i++) {
		struct fb_query q = question("anna@a.example", "denied@a.example", NULL);

		w.looked_up = w.n_fetches = 0;
		ask(NULL, &q);
	}
	CHECK_INT(lines_of("event=mailbox"), 1100);
	CHECK_INT(lines_of("event=query"), 1100);
	end();
	CHECK_INT(w.n_records, 1100);
	CHECK_INT(w.n_sums, 0);
}

int main(void)
{
	ours("anna@a.example", true, "in local anna@a.example busy");
	ours("anna@a.example", false, "in - anna@a.example no-address-space");
	of_a_peer();
	beside_a_peer();
	no_room();
	clock_is_set(8 * 3600, 8 * 3600);
	clock_is_set(-3600, 0);
	given_up_at_once();
	paid_for();
	return check_done();
}
