/* links: base availability conf acl address_space ews login pki budget trace front */
#include "tests/unit/front_world.h"

/* Connections: those that wait, that go away, that are too many, that stand idle; and the front that goes before them. */
static char got[70000];

static void failures(void)
{
	struct client *c;

	house.ask_full = true;
	CHECK_INT(once(post("/ews/exchange.asmx", ALICE, availability), got, sizeof(got)), 500);
	CHECK(strstr(got, "ErrorServerBusy"));
	house.ask_full = false;

	/* Where nothing more is taken, it is not even read: this is no request. */
	house.full = true;
	house.asks = 0;
	c = dial("192.0.2.1");
	CHECK_INT(ask(c, post("/ews/exchange.asmx", ALICE, "nothing")), 500);
	CHECK(strstr(c->body, "ErrorServerBusy"));
	CHECK_INT(house.asks, 0);
	house.full = false;
	CHECK_INT(ask(c, post("/ews/exchange.asmx", ALICE, availability)), 200);
	hang_up(c);

	/* The house never answers: the hard stop does. */
	house.ask_hangs = true;
	doors.hard_stop_ms = 30;
	house.cancels = 0;
	c = dial("192.0.2.1");
	CHECK_INT(ask(c, post("/ews/exchange.asmx", ALICE, availability)), 500);
	CHECK(strstr(c->body, "ErrorTimeoutExpired"));
	CHECK_INT(house.cancels, 1);
	CHECK_INT(ask(c, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	doors.hard_stop_ms = 20000;

	/* The client goes away: the question is cancelled. */
	put(c, post("/ews/exchange.asmx", ALICE, availability));
	house.asks = 0;
	while (!house.asks) {
		spin(10);
		timed_out = false;
	}
	hang_up(c);
	while (house.cancels < 2 && !timed_out)
		spin(10000);
	CHECK_INT(house.cancels, 2);
	CHECK_INT(front_open(front), 0);
	house.ask_hangs = false;
}

static void late_logins(void)
{
	struct client *c = dial("192.0.2.1");
	int before = house.logins;

	house.login_hangs = true;
	put(c, post("/ews/exchange.asmx", "Authorization: Basic YWxpY2U6c2VjcmV0Mg==\r\n", availability));
	while (house.logins == before)
		spin(10);
	hang_up(c);
	settle();
	CHECK_INT(front_open(front), 0);
	pay(held); /* the worker's answer comes to nobody */
	house.login_hangs = false;
}

/* A client that goes away after any number of bytes leaves nothing behind. */
static void cut_anywhere(void)
{
	const char *whole = post("/ews/exchange.asmx", ALICE, availability);
	size_t n = strlen(whole);

	for (size_t cut = 1; cut < n; cut += n / 50) {
		struct client *c = dial("192.0.2.3");

		pki_stream_write(c->s, whole, cut);
		for (int i = 0; !c->up && i < 1000; i++)
			spin(1);
		CHECK(c->up && !c->down);
		hang_up(c);
		settle();
		CHECK_INT(front_open(front), 0);
	}
}

static void many_connections(void)
{
	struct client *c[4];

	settle();
	for (int i = 0; i < 4; i++) {
		c[i] = dial(i < 3 ? "192.0.2.7" : "192.0.2.8");
		if (i < 2)
			CHECK_INT(ask(c[i], "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	}
	CHECK_INT(front_open(front), 3); /* two an address, and three are two and one */
	wait_down(c[0]);                 /* whoever logged in makes room when idle longest, if nobody else can */
	for (int i = 1; i < 4; i++)
		CHECK_INT(ask(c[i], "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	for (int i = 0; i < 4; i++)
		hang_up(c[i]);
	settle();
	/* ... and not while a stranger can, nor when at work. */
	c[0] = dial("192.0.2.7");
	CHECK_INT(ask(c[0], "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	c[1] = dial("192.0.2.7");
	c[2] = dial("192.0.2.7");
	wait_down(c[1]);
	CHECK(!c[0]->down);
	house.ask_hangs = true;
	house.asks = 0;
	put(c[0], post("/ews/exchange.asmx", ALICE, availability));
	put(c[2], post("/ews/exchange.asmx", ALICE, availability));
	while (house.asks < 2)
		spin(10);
	c[3] = dial("192.0.2.7");
	wait_down(c[3]);
	CHECK(!c[0]->down && !c[2]->down);
	for (int i = 0; i < 4; i++)
		hang_up(c[i]);
	settle();
	house.ask_hangs = false;
	for (int i = 0; i < 4; i++)
		c[i] = dial((const char *[]){"1", "2", "3", "4"}[i]);
	CHECK_INT(front_open(front), 3); /* three in all */
	wait_down(c[0]);                 /* the first gave way to the last */
	CHECK_INT(ask(c[3], "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	for (int i = 0; i < 4; i++)
		hang_up(c[i]);
	settle();
}

static void idle_and_drain(void)
{
	struct client *idle = dial("192.0.2.1"), *busy, *fresh, *late;

	/* idle_seconds is 1 here */
	CHECK_INT(ask(idle, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	wait_down(idle);
	hang_up(idle);
	settle();
	/* An empty line behind a request is no beginning of another, of which the rest would be waited for and then asked for. */
	idle = dial("192.0.2.1");
	CHECK_INT(ask(idle, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n\r\n"), 404);
	wait_down(idle);
	CHECK_INT(idle->in.len, 0);
	hang_up(idle);
	settle();
	idle = dial("192.0.2.1");
	busy = dial("192.0.2.1");
	CHECK_INT(ask(idle, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	house.asks = 0;
	put(busy, post("/ews/exchange.asmx", ALICE, availability));
	house.ask_hangs = true;
	while (!house.asks)
		spin(10);
	fresh = dial("192.0.2.2");
	while (!fresh->up && !fresh->down)
		spin(10);
	front_drain(front);
	wait_down(idle);
	CHECK(!busy->down);
	/* its first request may be on the way: it is answered, and then the connection ends */
	CHECK(!fresh->down);
	CHECK_INT(ask(fresh, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	CHECK(strstr(fresh->head, "Connection: close\r\n"));
	wait_down(fresh);
	hang_up(fresh);
	late = dial("192.0.2.9");
	wait_down(late);
	CHECK(held != NULL);
	held->timer = loop_timer_new(loop, 0, pay, held);
	CHECK_INT(next_answer(busy, false), 200);
	CHECK(strstr(busy->head, "Connection: close\r\n"));
	wait_down(busy);
	hang_up(idle);
	hang_up(busy);
	hang_up(late);
	settle();
	CHECK_INT(front_open(front), 0);
	house.ask_hangs = false;
}

/* The front goes while a worker and a client wait. */
static void front_goes(void)
{
	struct client *c;

	front_free(front);
	front = front_new(loop, &conf, table, server_tls, &doors);
	c = dial("192.0.2.1");
	house.login_hangs = true;
	house.logins = 0;
	put(c, post("/ews/exchange.asmx", ALICE, availability));
	while (!house.logins)
		spin(10);
	front_free(front);
	pay(held);
	hang_up(c);
}

int main(void)
{
	build();
	failures();
	late_logins();
	cut_anywhere();
	many_connections();
	idle_and_drain();
	front_goes();
	return tear_down();
}
