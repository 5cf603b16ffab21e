/* links: base availability conf acl address_space ews login pki budget trace front */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/ews/client.h"
#include "bridge/front/front.h"
#include "pki/identity.h"
#include "tests/unit/check.h"

static char dir[] = "/tmp/front-XXXXXX";
static struct loop *loop;
static struct front *front;
static struct conf conf;
static struct address_space *table;
static struct pki_tls *server_tls, *client_tls;
static bool timed_out;

/* ---- the house behind the doors ---- */
static struct {
	int logins, asks, cancels;
	bool login_hangs, ask_hangs, ask_full, full;
	char user[400], client_id[80], request_id[80];
	struct fb_requester requester;
	size_t mailboxes;
} house;

struct pending {
	struct loop_timer *timer;
	void (*login_done)(void *arg, const struct login_reply *r);
	void (*ask_done)(void *arg, struct acl_released *const *answers);
	void *arg;
	struct login_reply reply;
	size_t n;
};
static struct pending *held; /* the last one that hangs */

static void pay(void *arg)
{
	struct pending *p = arg;
	struct acl_released *answers[FB_MAX_MAILBOXES];

	if (p->login_done) {
		p->login_done(p->arg, &p->reply);
	} else {
		for (size_t i = 0; i < p->n; i++)
			answers[i] = acl_release_reason(FB_NO_ACCESS);
		p->ask_done(p->arg, answers);
		for (size_t i = 0; i < p->n; i++)
			acl_released_free(answers[i]);
	}
	loop_timer_free(p->timer);
	free(p);
}

static void owe(struct pending *p, bool hang)
{
	held = hang ? p : NULL;
	p->timer = hang ? NULL : loop_timer_new(loop, 0, pay, p);
}

static void door_login(void *door, const struct login_question *q, void (*done)(void *arg, const struct login_reply *r), void *arg)
{
	const struct conf_account *a = login_account(&conf, q->user);
	struct pending *p = calloc(1, sizeof(*p));

	house.logins++;
	snprintf(house.user, sizeof(house.user), "%s", a ? a->name : q->user);
	*p = (struct pending){.login_done = done, .arg = arg};
	login_reply_init(&p->reply);
	strcpy(p->reply.typed, q->user);
	if (strcmp(q->user, "down") == 0)
		p->reply.result = LOGIN_COULD_NOT_TELL;
	else if (a && strcmp(q->password, "secret") == 0)
		p->reply.result = LOGIN_YES;
	snprintf(p->reply.account, sizeof(p->reply.account), "%s", p->reply.result == LOGIN_YES ? a->name : "");
	if (*q->user == '+') { /* the directory's */
		p->reply.result = LOGIN_YES;
		strcpy(p->reply.address, q->user);
	}
	owe(p, house.login_hangs);
}

static bool door_full(void *door)
{
	return house.full;
}

static void *door_ask(void *door, const struct fb_query *q, void (*done)(void *arg, struct acl_released *const *answers), void *arg)
{
	struct pending *p;

	house.asks++;
	house.requester = q->requester;
	house.mailboxes = q->n;
	strcpy(house.client_id, q->client_id);
	strcpy(house.request_id, q->request_id);
	if (house.ask_full)
		return NULL;
	p = calloc(1, sizeof(*p));
	*p = (struct pending){.ask_done = done, .arg = arg, .n = q->n};
	owe(p, house.ask_hangs);
	return p;
}

static void door_cancel(void *door, void *handle)
{
	struct pending *p = handle;

	house.cancels++;
	loop_timer_free(p->timer);
	free(p);
	held = NULL;
	loop_stop(loop);
}

static struct front_doors doors = {.full = door_full, .ask = door_ask, .cancel = door_cancel, .login = door_login};

/* ---- a client ---- */
struct client {
	struct pki_stream *s;
	struct buf in;
	bool up, down;
	int status;
	char head[4096];
	char *body;
};

/* Takes one whole answer off the front of what came. */
static bool take_answer(struct client *c, bool no_body)
{
	const char *text = buf_cstr(&c->in), *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length: ");
	size_t n = end && length && length < end && !no_body ? strtoul(length + 18, NULL, 10) : 0, head = end ? (size_t)(end - text) + 4 : 0;

	if (!end || c->in.len < head + n || head >= sizeof(c->head))
		return false;
	memcpy(c->head, text, head);
	c->head[head] = 0;
	c->status = atoi(c->head + 9);
	free(c->body);
	c->body = strndup(text + head, n);
	buf_consume(&c->in, head + n);
	return true;
}

static void client_up(void *arg)
{
	((struct client *)arg)->up = true;
}

static void client_data(void *arg, struct buf *in)
{
	struct client *c = arg;

	buf_add(&c->in, buf_ptr(in), in->len);
	buf_consume(in, in->len);
	loop_stop(loop);
}

static void client_down(void *arg, const char *why)
{
	((struct client *)arg)->down = true;
	loop_stop(loop);
}

static void on_guard(void *arg)
{
	timed_out = true;
	loop_stop(loop);
}

static void spin(int ms)
{
	struct loop_timer *guard = loop_timer_new(loop, ms, on_guard, NULL);

	timed_out = false;
	loop_run(loop);
	loop_timer_free(guard);
}

static struct client *dial(const char *address)
{
	static const struct pki_stream_events events = {client_up, client_data, NULL, client_down};
	struct client *c = calloc(1, sizeof(*c));
	int fd[2];

	buf_init(&c->in, 8 << 20);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	c->s = pki_stream_connect(loop, client_tls, fd[1], "localhost", NULL, 65536, &events, c);
	front_accept(front, fd[0], address);
	return c;
}

static void hang_up(struct client *c)
{
	pki_stream_free(c->s);
	buf_free(&c->in);
	free(c->body);
	free(c);
}

/* The status of the next answer; 0 = the connection ended without one. */
static int next_answer(struct client *c, bool no_body)
{
	while (!take_answer(c, no_body)) {
		if (c->down)
			return 0;
		spin(10000);
		if (timed_out) {
			CHECK(!"no answer in time");
			return -1;
		}
	}
	return c->status;
}

static void put(struct client *c, const char *text)
{
	pki_stream_write(c->s, text, strlen(text));
}

static int ask(struct client *c, const char *text)
{
	put(c, text);
	return next_answer(c, false);
}

/* One request on a connection of its own. */
static int once(const char *text, char *body, size_t size)
{
	struct client *c = dial("192.0.2.1");
	int status = ask(c, text);

	if (body)
		snprintf(body, size, "%s\n%s", c->head, c->body ? c->body : "");
	hang_up(c);
	return status;
}

static void wait_down(struct client *c)
{
	while (!c->down) {
		spin(10000);
		if (timed_out) {
			CHECK(!"the connection stayed open");
			return;
		}
	}
}

/* ---- requests ---- */
#define HOST "Host: localhost\r\n"
#define ALICE "Authorization: Basic YWxpY2U6c2VjcmV0\r\n"   /* alice:secret */
#define COMPANY "Authorization: Basic Y29tcGFueTpzZWNyZXQ=\r\n" /* company:secret */

static char availability[16384]; /* a GetUserAvailabilityRequest about two people */

static void make_request(void)
{
	struct fb_mailbox who[2] = {{"bob@b.example", "bob@b.example"}, {"carol@a.example", "carol@a.example"}};
	struct fb_query q = {.window = {1772409600, 1772496000}, .interval = 30, .view = FB_VIEW_MERGED, .n = 2, .mailboxes = who};
	struct fb_zone_rule utc = {0};
	struct buf b;

	buf_init(&b, sizeof(availability) - 1);
	CHECK_INT(ews_client_write(&b, &q, &utc, 2016), 0);
	strcpy(availability, buf_cstr(&b));
	buf_free(&b);
}

static const char *post(const char *path, const char *fields, const char *body)
{
	static char text[4][40000];
	static int i;
	char *p = text[i++ % 4];

	snprintf(p, 40000, "POST %s HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n%s", path, fields, strlen(body), body);
	return p;
}

static char got[70000];

static void logins(void)
{
	struct client *c = dial("192.0.2.1");

	/* Refused without credentials, and the very same connection goes on although the body was sent. */
	CHECK_INT(ask(c, post("/EWS/Exchange.asmx", "", availability)), 401);
	CHECK(strstr(c->head, "WWW-Authenticate: Basic realm=\"bridge.a.example\"\r\n"));
	CHECK(!strstr(c->head, "Connection: close") && !strstr(c->head, "X-SOAP"));
	CHECK_INT(house.logins, 0);
	CHECK_INT(ask(c, post("/EWS/Exchange.asmx", ALICE "client-request-id: {ab-1}\r\n", availability)), 200);
	CHECK_INT(house.logins, 1);
	CHECK_STR(house.user, "alice");
	CHECK(house.requester.is_person);
	CHECK_STR(house.requester.name, "alice@a.example");
	CHECK_STR(house.client_id, "{ab-1}");
	CHECK_INT(house.mailboxes, 2);
	CHECK(strstr(c->head, "Content-Type: text/xml; charset=utf-8\r\n") && strstr(c->head, "client-request-id: {ab-1}\r\n"));
	CHECK(strstr(strstr(c->head, "request-id: "), house.request_id));
	CHECK(strstr(c->body, "ErrorNoFreeBusyAccess") && strstr(c->body, house.request_id));
	/* A good credential is remembered, a bad one asked for each time. */
	CHECK_INT(ask(c, post("/ews/exchange.ASMX", ALICE "client-request-id: a b\r\n", availability)), 200);
	CHECK_INT(house.logins, 1);
	CHECK_STR(house.client_id, "");
	CHECK(!strstr(c->head, "client-request-id"));
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n", availability)), 401);
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n", availability)), 401);
	CHECK_INT(house.logins, 3);
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic !!!\r\n", availability)), 401);
	/* Nobody's account goes to the worker too. */
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic bm9ib2R5OnNlY3JldA==\r\n", availability)), 401);
	CHECK_STR(house.user, "nobody");
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic ZG93bjpzZWNyZXQ=\r\n", availability)), 503);
	/* A person of the directory's is that address, now and when it is remembered, whatever the address looks like. */
	for (int i = 0; i < 2; i++) {
		CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic K2Rvd25AYS5leGFtcGxlOnNlY3JldA==\r\n", availability)), 200);
		CHECK(house.requester.is_person);
		CHECK_STR(house.requester.name, "+down@a.example");
	}
	/* The name's case does not matter, the organisation is called by its domain. */
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic Q09NUEFOWTpzZWNyZXQ=\r\n", availability)), 200);
	CHECK_STR(house.user, "company");
	CHECK(!house.requester.is_person);
	CHECK_STR(house.requester.name, "a.example");
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic TEFCXGFsaWNlOnNlY3JldA==\r\n", availability)), 200); /* LAB\alice */
	CHECK_STR(house.user, "alice");
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic QWxpY2VAYS5leGFtcGxlOnNlY3JldA==\r\n", availability)), 200); /* Alice@a.example */
	CHECK_STR(house.user, "alice");
	CHECK_INT(ask(c, post("/ews/exchange.asmx", "Authorization: Basic YWxpY2VAYi5leGFtcGxlOnNlY3JldA==\r\n", availability)), 401); /* alice@b.example */
	hang_up(c);
}

static void paths(void)
{
	CHECK_INT(once("GET /nowhere HTTP/1.1\r\n" HOST "\r\n", NULL, 0), 401);
	CHECK_INT(once("GET /nowhere HTTP/1.1\r\n" HOST ALICE "\r\n", NULL, 0), 404);
	CHECK_INT(once("GET /ews/messages.xsd HTTP/1.1\r\n" HOST ALICE "\r\n", NULL, 0), 404);
	CHECK_INT(once("GET /ews/exchange.asmx/x HTTP/1.1\r\n" HOST ALICE "\r\n", NULL, 0), 404);
	CHECK_INT(once("GET /EWS/exchange.asmx HTTP/1.1\r\n" HOST ALICE "\r\n", got, sizeof(got)), 405);
	CHECK(strstr(got, "\r\nAllow: POST\r\n"));
	CHECK_INT(once("GET /Autodiscover/Autodiscover.xml HTTP/1.1\r\n" HOST "\r\n", got, sizeof(got)), 401);
	CHECK(strstr(got, "X-SOAP-Enabled: True\r\nX-WSSecurity-Enabled: False\r\nX-OAuth-Enabled: False\r\n"));
	CHECK_INT(once("GET /autodiscover/autodiscover.xml HTTP/1.1\r\n" HOST ALICE "\r\n", got, sizeof(got)), 200); /* as a browser of an admin does */
	CHECK(strstr(got, "<ErrorCode>600</ErrorCode>") && strstr(got, "X-SOAP-Enabled: True\r\n"));
	CHECK_INT(once("PUT /autodiscover/autodiscover.xml HTTP/1.1\r\n" HOST ALICE "\r\n", got, sizeof(got)), 405);
	CHECK(strstr(got, "\r\nAllow: GET, HEAD, POST\r\n"));
	CHECK_INT(once("GET /autodiscover/autodiscover.svc HTTP/1.1\r\n" HOST ALICE "\r\n", got, sizeof(got)), 405);
	CHECK(strstr(got, "X-SOAP-Enabled: True\r\n"));
	CHECK_INT(once("GET /autodiscover/autodiscover.json/v1.0/x@b.example?Protocol=EWS HTTP/1.1\r\n" HOST "\r\n", got, sizeof(got)), 200);
	CHECK(strstr(got, "application/json") && strstr(got, "https://bridge.a.example/EWS/Exchange.asmx"));
	CHECK_INT(once("POST /autodiscover/autodiscover.json HTTP/1.1\r\n" HOST "\r\n", got, sizeof(got)), 405);
	CHECK_INT(once("GET /autodiscover/autodiscover.jsonx HTTP/1.1\r\n" HOST "\r\n", got, sizeof(got)), 401);
	CHECK_INT(once(post("/autodiscover/autodiscover.svc", ALICE, "<x/>"), got, sizeof(got)), 500);
	CHECK_INT(once(post("/ews/exchange.asmx", ALICE, "no xml"), got, sizeof(got)), 500);
	CHECK(strstr(got, "text/xml") && strstr(got, "Fault"));
	CHECK(strstr(got, " (request ") && strstr(got, "<t:Violation>This is no XML document.</t:Violation>")); /* what was wrong, and where the log has it */
	CHECK_INT(once("BREW / HTTP/1.1\r\n" HOST "\r\n", got, sizeof(got)), 501);
	CHECK(strstr(got, "Connection: close"));
}

static void head_method(void)
{
	struct client *c = dial("192.0.2.1");

	/* HEAD has no body: the next answer starts where it would have been. */
	put(c, "HEAD /autodiscover/autodiscover.xml HTTP/1.1\r\n" HOST "\r\n");
	CHECK_INT(next_answer(c, true), 401);
	CHECK(!strstr(c->head, "Content-Length: 0"));
	CHECK_INT(ask(c, "GET /nowhere HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	hang_up(c);
}

static void bodies(void)
{
	struct client *c = dial("192.0.2.1");
	char text[20000];
	size_t n = strlen(availability);

	/* Chunked, in two chunks, with a trailer. */
	snprintf(text, sizeof(text), "POST /ews/exchange.asmx HTTP/1.1\r\n" HOST ALICE "Transfer-Encoding: chunked\r\n\r\n10\r\n%.16s\r\n%zx\r\n%s\r\n0\r\nA: b\r\n\r\n",
	         availability, n - 16, availability + 16);
	CHECK_INT(ask(c, text), 200);
	/* A client that waits is told to go on. */
	snprintf(text, sizeof(text), "POST /ews/exchange.asmx HTTP/1.1\r\n" HOST ALICE "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n", n);
	CHECK_INT(ask(c, text), 100);
	CHECK_INT(ask(c, availability), 200);
	/* Three at once are answered in order. */
	snprintf(text, sizeof(text), "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\nGET /autodiscover/autodiscover.xml HTTP/1.1\r\n" HOST "\r\n%s", post("/ews/exchange.asmx", ALICE, availability));
	CHECK_INT(ask(c, text), 404);
	CHECK_INT(next_answer(c, false), 401);
	CHECK_INT(next_answer(c, false), 200);
	/* A body that is refused but on its way is thrown away, in pieces too. */
	put(c, "POST /ews/exchange.asmx HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\nGET ");
	CHECK_INT(next_answer(c, false), 401);
	put(c, "\r\n0\r\n\r\n");
	CHECK_INT(ask(c, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	hang_up(c);

	/* Where no login is needed no body is: the answer does not wait for it, and it is no request. */
	c = dial("192.0.2.1");
	CHECK_INT(ask(c, "GET /autodiscover/autodiscover.json?Email=x@b.example&Protocol=EWS HTTP/1.1\r\n" HOST "Content-Length: 60000\r\n\r\nGET "), 200);
	CHECK(!strstr(c->head, "Connection: close"));
	for (size_t i = 4; i < 60000; i += 19996) {
		memset(text, 'x', 19996 < 60000 - i ? 19996 : 60000 - i);
		text[19996 < 60000 - i ? 19996 : 60000 - i] = 0;
		put(c, text);
	}
	CHECK_INT(ask(c, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	CHECK_INT(ask(c, "GET /autodiscover/autodiscover.json?Email=x@b.example&Protocol=EWS HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\nGET "), 200);
	put(c, "\r\n0\r\n\r\n");
	CHECK_INT(ask(c, "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 404);
	hang_up(c);

	/* One that waits for 100 and is refused gets no 100, and its connection ends: nobody knows whether the body will come. */
	c = dial("192.0.2.1");
	CHECK_INT(ask(c, "POST /ews/exchange.asmx HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"), 401);
	CHECK(strstr(c->head, "Connection: close\r\n"));
	wait_down(c);
	hang_up(c);
}

static void limits(void)
{
	struct client *c = dial("192.0.2.1");
	char *big = malloc(200 << 10);

	CHECK_INT(ask(c, "POST /ews/exchange.asmx HTTP/1.1\r\n" HOST ALICE "Content-Length: 65537\r\n\r\n"), 413); /* max_request_kib is 64 here */
	CHECK(strstr(c->head, "Connection: close"));
	wait_down(c);
	hang_up(c);
	CHECK_INT(once("POST /ews/exchange.asmx HTTP/1.1\r\n" HOST ALICE "Transfer-Encoding: chunked\r\n\r\n10001\r\n", NULL, 0), 413);
	CHECK_INT(once("POST /ews/exchange.asmx HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", got, sizeof(got)), 401);
	CHECK(strstr(got, "Connection: close"));
	CHECK_INT(once(post("/ews/exchange.asmx", ALICE "Content-Encoding: gzip\r\n", "x"), NULL, 0), 415);
	CHECK_INT(once("POST /ews/exchange.asmx HTTP/1.1\r\n" HOST ALICE "Transfer-Encoding: chunked\r\n\r\nx", NULL, 0), 400);
	/* Two lengths: refused and closed, what follows is not looked at. */
	c = dial("192.0.2.1");
	CHECK_INT(ask(c, "POST /ews/exchange.asmx HTTP/1.1\r\n" HOST ALICE "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	              "GET /1 HTTP/1.1\r\n" HOST ALICE "\r\n"), 400);
	wait_down(c);
	CHECK_INT(c->in.len, 0);
	hang_up(c);
	memset(big, 'x', 100 << 10);
	strcpy(big + (100 << 10), "\r\n\r\n");
	memcpy(big, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
	CHECK_INT(once(big, NULL, 0), 431);
	free(big);
}

static void old_http(void)
{
	struct client *c = dial("192.0.2.1");

	CHECK_INT(ask(c, "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n" ALICE "\r\n"), 404);
	CHECK(strstr(c->head, "HTTP/1.1 404") && strstr(c->head, "Connection: keep-alive\r\n"));
	CHECK_INT(ask(c, "GET /1 HTTP/1.0\r\n" ALICE "\r\n"), 404);
	CHECK(strstr(c->head, "Connection: close\r\n"));
	wait_down(c);
	hang_up(c);
}

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

static void settle(void)
{
	for (int i = 0; front_open(front) > 0 && i < 500; i++)
		spin(10);
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

static void build(void)
{
	static struct conf_account accounts[] = {{.name = "alice", .kind = CONF_FOR_USER, .address = "alice@a.example"},
	                                         {.name = "company", .kind = CONF_FOR_ORGANISATION}, {.name = "down", .kind = CONF_FOR_SERVER},
	                                         {.name = "down@a.example", .kind = CONF_FOR_SERVER}};
	static struct conf_address_space spaces[] = {{.forest_name = "a.example", .peer = "local"}, {.forest_name = "b.example", .peer = "site-b"}};
	static struct conf_peer peers[] = {{.name = "local"}, {.name = "site-b"}};
	const char *names[] = {"localhost"};
	char key[100], cert[100], ca[100];
	struct buf error;

	conf = (struct conf){.site = "site-a", .primary_domain = "a.example", .login_basic = "yes", .login_ntlm = "no", .login_negotiate = "no", .public_url = "https://bridge.a.example", .max_connections = 3,
	                     .max_connections_per_address = 2, .max_request_kib = 64, .idle_seconds = 1, .accounts = accounts, .n_accounts = 4,
	                     .spaces = spaces, .n_spaces = 2, .peers = peers, .n_peers = 2};
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(ca, sizeof(ca), "%s/ca", dir);
	buf_init(&error, 1000);
	CHECK_INT(pki_front_create(names, 1, key, cert, ca, &error), 0);
	server_tls = pki_tls_front(cert, key, &error);
	client_tls = pki_tls_client(ca, &error);
	CHECK_STR(buf_cstr(&error), "");
	buf_free(&error);
	loop = loop_new();
	doors.loop = loop;
	doors.hard_stop_ms = 20000;
	table = address_space_new(&conf);
	front = front_new(loop, &conf, table, server_tls, &doors);
}

int main(void)
{
	char command[200];
	struct client *c;

	if (!mkdtemp(dir))
		return 1;
	log_setup(open("/dev/null", O_WRONLY), false, LOG_LEVEL_DEBUG, "test");
	build();
	make_request();
	logins();
	paths();
	head_method();
	bodies();
	limits();
	old_http();
	failures();
	late_logins();
	cut_anywhere();
	many_connections();
	idle_and_drain();

	/* The front goes while a worker and a client wait. */
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

	address_space_free(table);
	pki_tls_free(server_tls);
	pki_tls_free(client_tls);
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || check_done();
}
