/* links: base availability conf acl address_space ews login pki budget trace front */
#include "tests/unit/front_world.h"

/* What one request is answered: who logs in, which path, how its body comes, and how much of it. */
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

int main(void)
{
	build();
	logins();
	paths();
	head_method();
	bodies();
	limits();
	old_http();
	front_free(front);
	return tear_down();
}
