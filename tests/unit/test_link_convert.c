/* links: base availability address_space link gen */
#include <time.h>
#include "bridge/base/arena.h"
#include "bridge/base/text.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"
#include "bridge/link/convert.h"
#include "bridge/link/wire.h"
#include "link.pb-c.h"

/* Messages in and out but for answers (test_link_answers.c), and everything that must not come in. */
#define PB(name) Availbridge__Link__V1__##name

static struct fb_mailbox boxes[FB_MAX_MAILBOXES];
static struct fb_query q;

static bool reads(const ProtobufCMessage *m, struct fb_query *out)
{
	struct buf b;
	const char *why = NULL;
	bool ok;

	buf_init(&b, 1 << 20);
	CHECK(wire_pack(&b, m) == 0);
	memset(out, 0, sizeof *out);
	ok = link_query_read(buf_ptr(&b), b.len, out, &why);
	CHECK(ok || (why && why[0]));
	free(out->mailboxes);
	buf_free(&b);
	return ok;
}

static void queries(void)
{
	struct fb_query out;
	struct buf b;
	const char *why;

	world_query(&q, boxes, 100);
	q.window.end = q.window.start + 62 * 86400;
	q.interval = 5;
	buf_init(&b, LINK_QUERY_BYTES);
	CHECK(link_query_write(&b, &q) == 0);
	memset(&out, 0, sizeof out);
	CHECK(link_query_read(buf_ptr(&b), b.len, &out, &why));
	CHECK_INT(out.n, 100);
	CHECK_STR(out.mailboxes[99].address, "p99@b.example");
	CHECK_STR(out.mailboxes[99].asked, "p99@b.example");
	CHECK_INT(out.window.start, q.window.start);
	CHECK_INT(out.window.end, q.window.end);
	CHECK_INT(out.interval, 5);
	CHECK_INT(out.view, 7);
	free(out.mailboxes);
	for (size_t n = 0; n < b.len; n++) { /* cut anywhere it is a shorter query or none, and never one with a whole tail */
		memset(&out, 0, sizeof out);
		CHECK(!link_query_read(buf_ptr(&b), n, &out, &why));
	}
	buf_free(&b);
	q.n = 101;
	buf_init(&b, LINK_QUERY_BYTES);
	CHECK(link_query_write(&b, &q) < 0);
	buf_free(&b);
}

static void queries_refused(void)
{
	PB(Requester) who = AVAILBRIDGE__LINK__V1__REQUESTER__INIT;
	PB(QueryRequest) m = AVAILBRIDGE__LINK__V1__QUERY_REQUEST__INIT;
	char *names[101], longest[330];
	struct fb_query out;

	for (int i = 0; i < 101; i++)
		names[i] = (char *)"bob@b.example";
	who.who_case = AVAILBRIDGE__LINK__V1__REQUESTER__WHO_DOMAIN;
	who.domain = (char *)"A.Example";
	m.requester = &who;
	m.mailboxes = names;
	m.n_mailboxes = 1;
	m.start = 1772409600;
	m.end = m.start + 86400;
	m.interval_minutes = 30;
	m.view = 4;
	CHECK(reads(&m.base, &out));
	CHECK_STR(out.requester.name, "a.example");
	CHECK_INT(out.view, FB_VIEW_DETAILS | FB_VIEW_EVENTS);
	m.n_mailboxes = 0;
	CHECK(!reads(&m.base, &out));
	m.n_mailboxes = 101;
	CHECK(!reads(&m.base, &out));
	m.n_mailboxes = 1;
	m.view = 0;
	CHECK(!reads(&m.base, &out));
	m.view = 8;
	CHECK(!reads(&m.base, &out));
	m.view = 1;
	m.interval_minutes = 4;
	CHECK(!reads(&m.base, &out));
	m.interval_minutes = 1441;
	CHECK(!reads(&m.base, &out));
	m.interval_minutes = 4294967295u;
	CHECK(!reads(&m.base, &out));
	m.interval_minutes = 30;
	m.end = m.start;
	CHECK(!reads(&m.base, &out));
	m.end = m.start + 63 * 86400;
	CHECK(!reads(&m.base, &out));
	m.start = INT64_MIN;
	CHECK(!reads(&m.base, &out));
	m.end = INT64_MAX;
	CHECK(!reads(&m.base, &out));
	m.start = 1772409600;
	m.end = m.start + 86400;
	who.domain = (char *)"not a domain";
	CHECK(!reads(&m.base, &out));
	who.domain = (char *)"";
	CHECK(!reads(&m.base, &out));
	who.who_case = AVAILBRIDGE__LINK__V1__REQUESTER__WHO_ADDRESS;
	who.address = (char *)"a.example";
	CHECK(!reads(&m.base, &out));
	m.requester = NULL;
	CHECK(!reads(&m.base, &out));
	m.requester = &who;
	who.address = (char *)"eve@a.example";
	CHECK(reads(&m.base, &out));
	memset(longest, 'a', sizeof longest);
	longest[321] = 0;
	names[0] = longest;
	CHECK(!reads(&m.base, &out));
	names[0] = (char *)"bob@b.example\xff";
	CHECK(!reads(&m.base, &out));
}

/* Bytes by hand: what no encoder writes. */
static void bytes_refused(void)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{"\x12\x0d""bob\0b.example", 15},          /* a zero byte in a mailbox */
		{"\x12\xff\xff\xff\xff\x0f", 6},           /* a length past the end */
		{"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
		{"\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 13}, /* a number of eleven bytes */
		{"\x18\x01\x18\x02", 4},                   /* start twice */
		{"\x1a\x01x", 3},                          /* start as a text */
		{"\x13", 1},                               /* a group */
		{"\x00\x01", 2},                           /* field number 0 */
	};
	const char *why;
	struct fb_query out;
	struct buf b;

	world_query(&q, boxes, 1);
	buf_init(&b, LINK_QUERY_BYTES);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) { /* behind a good query */
		buf_reset(&b);
		link_query_write(&b, &q);
		CHECK(link_query_read(buf_ptr(&b), b.len, &out, &why));
		free(out.mailboxes);
		buf_add(&b, rows[i].bytes, rows[i].n);
		if (!CHECK(!link_query_read(buf_ptr(&b), b.len, &out, &why)))
			fprintf(stderr, "\trow %zu\n", i);
	}
	buf_reset(&b);
	link_query_write(&b, &q);
	for (int i = 0; i < 16; i++)
		buf_add(&b, "\xf8\x06\x01", 3); /* field 111: a newer peer's */
	CHECK(link_query_read(buf_ptr(&b), b.len, &out, &why));
	free(out.mailboxes);
	buf_add(&b, "\xf8\x06\x01", 3);
	CHECK(!link_query_read(buf_ptr(&b), b.len, &out, &why));
	buf_free(&b);
}

static void hellos(void)
{
	struct conf c;
	struct conf_peer peers[2];
	struct conf_address_space own, spaces[2];
	struct address_space *t;
	char *claimed[] = {(char *)"b.example", (char *)"a.example", (char *)"x.example"};
	struct link_hello h;
	struct buf b;
	const char *why;

	world_conf(&c, peers, &own, "site\x1b[31m", "b.example", "site-a", NULL);
	spaces[0] = own;
	spaces[1] = (struct conf_address_space){.forest_name = (char *)"a.example", .peer = (char *)"site-a"};
	c.spaces = spaces;
	c.n_spaces = 2;
	t = address_space_new(&c);
	buf_init(&b, LINK_HELLO_BYTES);
	CHECK(link_hello_answer(&b, &c, t, "site-a", &(struct link_hello){.domains = claimed, .n_domains = 3}, 1893456000) == 0);
	CHECK(link_hello_read(buf_ptr(&b), b.len, true, &h, &why));
	CHECK_STR(h.site, "site?[31m");
	CHECK_INT(h.n_domains, 1);
	CHECK_STR(h.domains[0], "b.example");
	CHECK(h.time > 1700000000);
	CHECK_INT(h.front_expires, 1893456000);
	CHECK_INT(h.n_not_ours, 2); /* of what was claimed, what the table gives to another, or to nobody */
	CHECK(h.n_not_ours == 2 && strcmp(h.not_ours[0], "b.example") == 0 && strcmp(h.not_ours[1], "x.example") == 0);
	link_hello_free(&h);
	address_space_free(t);
	buf_reset(&b);
	spaces[0].forest_name = (char *)"no domain";
	CHECK(link_hello_write(&b, &c) == 0);
	CHECK(link_hello_read(buf_ptr(&b), b.len, false, &h, &why));
	CHECK_INT(h.n_domains, 0);
	link_hello_free(&h);
	buf_reset(&b);
	for (int i = 0; i <= LINK_HELLO_DOMAINS; i++)
		buf_puts(&b, "\x1a\x03""a.b");
	CHECK(!link_hello_read(buf_ptr(&b), b.len, true, &h, &why));
	buf_free(&b);
}

/* However wide the table is, a Hello costs no more than a question does: a peer may say it as often as it likes. */
static void hellos_to_a_wide_table(void)
{
	enum { WIDE = 100000 };
	struct conf_address_space own, *spaces = calloc(WIDE, sizeof *spaces);
	char (*names)[24] = calloc(WIDE, sizeof *names), claimed[LINK_HELLO_DOMAINS][32];
	struct link_hello asked = {.domains = calloc(LINK_HELLO_DOMAINS, sizeof(char *)), .n_domains = LINK_HELLO_DOMAINS};
	struct address_space *t;
	struct conf_peer peers[2];
	clock_t began;
	struct conf c;
	struct buf b;

	world_conf(&c, peers, &own, "site-b", "b.example", "site-a", NULL);
	for (int i = 0; i < WIDE; i++) {
		snprintf(names[i], sizeof names[i], "d%d.example", i);
		spaces[i] = (struct conf_address_space){.forest_name = names[i], .peer = (char *)"site-a"};
	}
	for (int i = 0; i < LINK_HELLO_DOMAINS; i++) {
		snprintf(claimed[i], sizeof claimed[i], "nobody%d.example", i);
		asked.domains[i] = claimed[i];
	}
	c.spaces = spaces;
	c.n_spaces = WIDE;
	t = address_space_new(&c);
	buf_init(&b, LINK_HELLO_BYTES);
	began = clock();
	for (int i = 0; i < 100; i++) {
		buf_reset(&b);
		CHECK(link_hello_answer(&b, &c, t, "site-a", &asked, 0) == 0);
	}
	CHECK((clock() - began) / CLOCKS_PER_SEC < 2);
	buf_free(&b);
	address_space_free(t);
	free(asked.domains);
	free(names);
	free(spaces);
}

static void announcements(void)
{
	struct link_announce a = {.n_spki = 91, .n_signature = 71, .spki = {1, 2}, .signature = {3, 4}, .retired = {5}}, back;
	const char *why;
	struct buf b;

	buf_init(&b, LINK_ANNOUNCE_BYTES);
	CHECK(link_announce_write(&b, &a) == 0);
	CHECK(link_announce_read(buf_ptr(&b), b.len, &back, &why));
	CHECK(!back.retires && back.n_spki == 91 && back.n_signature == 71 && back.spki[1] == 2 && back.signature[1] == 4);
	buf_reset(&b);
	a.retires = true;
	CHECK(link_announce_write(&b, &a) == 0);
	CHECK(link_announce_read(buf_ptr(&b), b.len, &back, &why));
	CHECK(back.retires && memcmp(back.retired, a.retired, LINK_PIN_BYTES) == 0);
	CHECK(!link_announce_read(buf_ptr(&b), b.len - 1, &back, &why));
	CHECK(!link_announce_read((const uint8_t *)"\x1a\x03""abc", 5, &back, &why));
	CHECK_STR(why, "retired_pin is not 32 bytes");
	CHECK(!link_announce_read((const uint8_t *)"\x0a\x01""a\x0a\x01""b", 6, &back, &why));
	for (int taken = LINK_NOT_TAKEN; taken <= LINK_WAITS; taken++) {
		buf_reset(&b);
		CHECK(link_announced_write(&b, (enum link_taken)taken) == 0);
		CHECK_INT(link_announced_read(buf_ptr(&b), b.len), taken);
	}
	CHECK_INT(link_announced_read((const uint8_t *)"\x08\x07", 2), LINK_NOT_TAKEN);
	CHECK_INT(link_announced_read((const uint8_t *)"\x08", 1), LINK_NOT_TAKEN);
	buf_free(&b);
}

int main(void)
{
	queries();
	queries_refused();
	bytes_refused();
	hellos();
	hellos_to_a_wide_table();
	announcements();
	return check_done();
}
