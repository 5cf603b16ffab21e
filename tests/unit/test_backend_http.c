/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/http.h"
#include "bridge/trace/trace.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <krb5.h>
#include <sys/stat.h>
#include <time.h>
#include "tests/unit/https_world.h"

/* What one call ended with. */
struct got {
	int n;
	enum http_outcome outcome;
	int status;
	int64_t pause_ms;
	char why[400], body[400], url[200], type[40];
};

static struct conf conf;
static char password_file[80];
static int outstanding;

static void on_done(void *arg, const struct http_reply *r)
{
	struct got *g = arg;
	const char *type = r->outcome == HTTP_ANSWERED ? http_header(r, "Content-Type") : NULL;

	g->n++;
	g->outcome = r->outcome;
	g->status = r->status;
	snprintf(g->why, sizeof g->why, "%s", r->why ? r->why : "");
	snprintf(g->body, sizeof g->body, "%s", buf_cstr(r->body));
	snprintf(g->url, sizeof g->url, "%s", r->url ? r->url : "");
	snprintf(g->type, sizeof g->type, "%s", type ? type : "");
	g->pause_ms = r->pause_ms;
	if (--outstanding == 0)
		loop_stop(world_loop);
}

static void put_file(const char *path, const char *text, int mode)
{
	FILE *f = fopen(path, "we");

	fputs(text, f);
	fclose(f);
	chmod(path, (mode_t)mode);
}

/* As the settings of a backend would be, with the login ${user}. */
static struct conf_backend backend_as(const char *user)
{
	return (struct conf_backend){.name = "exchange", .type = CONF_BACKEND_EWS, .auth = user ? CONF_AUTH_BASIC : CONF_AUTH_NONE,
	                             .user = (char *)user, .password = {.file = password_file}, .ca_file = world_ca, .concurrency = 10};
}

static int left_out; /* features that libcurl is to seem built without */

/* In front of libcurl's own. */
curl_version_info_data *curl_version_info(CURLversion v)
{
	static curl_version_info_data data;
	union {
		void *p;
		curl_version_info_data *(*f)(CURLversion);
	} real = {dlsym(RTLD_NEXT, "curl_version_info")};

	data = *real.f(v);
	data.features &= ~left_out;
	return &data;
}

static bool has_ntlm(void)
{
	return curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_NTLM;
}

static struct http *open_as(const struct conf_backend *b)
{
	struct buf error;
	struct http *h;

	buf_init(&error, 4096);
	h = http_new(world_loop, &conf, b, &error);
	if (!CHECK(h != NULL))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_free(&error);
	return h;
}

static const char *url_of(const char *path)
{
	static char url[200];

	snprintf(url, sizeof url, "https://localhost:%d%s", world_port, path);
	return url;
}

static void ask(struct http *h, const char *path, int redirects, struct got *g)
{
	const struct http_request r = {.method = "POST", .url = *path == '/' ? url_of(path) : path, .body = "question", .len = 8, .max_reply = 300,
	                               .timeout_ms = strstr(path, "hang") ? 300 : 20000, .redirects = redirects};

	memset(g, 0, sizeof *g);
	outstanding++;
	http_send(h, &r, on_done, g);
}

static struct got ask_once(struct http *h, const char *path, int redirects)
{
	struct got g;

	ask(h, path, redirects, &g);
	loop_run(world_loop);
	CHECK_INT(g.n, 1);
	return g;
}

/* ---- the server ---- */

static char seen_head[4096], seen_body[100], seen_other[4096];

static void login_of(const char *head, char *out, size_t size)
{
	const char *found = strcasestr(head, "\r\nAuthorization: Basic ");
	struct buf b;

	buf_init(&b, size - 1);
	if (found)
		text_unbase64(&b, found + 23, strcspn(found + 23, "\r"));
	snprintf(out, size, "%s", buf_cstr(&b));
	buf_free(&b);
}

static void answer(struct world_connection *c, const char *head, const char *body)
{
	char path[100] = "", text[600], login[128];

	snprintf(seen_head, sizeof seen_head, "%s", head);
	snprintf(seen_body, sizeof seen_body, "%s", body);
	sscanf(head, "%*s %99s", path);
	login_of(head, login, sizeof login);
	if (strcmp(path, "/who") == 0) {
		/* as a server that binds its login to the connection: the first one counts */
		if (!c->user[0])
			snprintf(c->user, sizeof c->user, "%s", login);
		world_say(c, 200, "", c->user);
	} else if (strcmp(path, "/ask-basic") == 0) {
		strcat(seen_other, head);
		world_say(c, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
	} else if (strcmp(path, "/refuse") == 0)
		world_say(c, 401, "WWW-Authenticate: NTLM\r\n", "");
	else if (strcmp(path, "/busy") == 0)
		world_say(c, 503, "Retry-After: 7\r\nContent-Type: text/plain\r\n", "later");
	else if (strcmp(path, "/busy-until") == 0) {
		time_t end = time(NULL) + 100;

		strftime(text, sizeof text, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&end));
		world_say(c, 503, text, "later");
	} else if (strcmp(path, "/busy-for-ever") == 0)
		world_say(c, 503, "Retry-After: 99999999999\r\n", "later");
	else if (strcmp(path, "/cookie") == 0)
		world_say(c, 200, "Set-Cookie: a=s3cret1234\r\n", "");
	else if (strcmp(path, "/hang") == 0)
		return;
	else if (strcmp(path, "/hop") == 0)
		world_say(c, 301, "Location: /landed\r\n", "moved");
	else if (strcmp(path, "/round") == 0)
		world_say(c, 302, "Location: /round\r\n", "moved");
	else if (strcmp(path, "/away") == 0) {
		snprintf(text, sizeof text, "Location: https://127.0.0.1:%d/stolen\r\n", world_port);
		world_say(c, 302, text, "moved");
	} else if (strcmp(path, "/down") == 0) {
		snprintf(text, sizeof text, "Location: http://localhost:%d/stolen\r\n", world_port);
		world_say(c, 302, text, "moved");
	} else if (strncmp(path, "/large", 6) == 0) {
		memset(text, 'x', 500);
		text[500] = 0;
		world_say(c, path[6] ? 401 : 200, "", text);
	} else if (strcmp(path, "/endless") == 0) {
		world_raw(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (int i = 0; i < 100; i++)
			world_raw(c, "10\r\n0123456789abcdef\r\n");
	} else if (strcmp(path, "/headers") == 0) {
		world_raw(c, "HTTP/1.1 200 OK\r\n");
		for (int i = 0; i < 2000; i++)
			world_raw(c, "X-More: 0123456789012345678901234567890123456789\r\n");
	} else if (strcmp(path, "/gzip") == 0)
		world_say(c, 200, "Content-Encoding: gzip\r\n", "bomb");
	else if (strcmp(path, "/te") == 0)
		world_raw(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nbomb\r\n0\r\n\r\n");
	else if (strcmp(path, "/bye") == 0) {
		world_say(c, 200, "", "once"); /* and says nothing of it in the head */
		world_close(c);
	} else if (strcmp(path, "/cut") == 0) {
		world_raw(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
		world_close(c);
	} else
		world_say(c, 200, "", path);
}

/* ---- tests ---- */

static void test_plain(void)
{
	struct conf_backend b = backend_as("svc");
	struct http *h = open_as(&b);
	int before = world_connections;
	struct got g = ask_once(h, "/x", 0);
	char login[128];

	CHECK_INT(g.outcome, HTTP_ANSWERED);
	CHECK_INT(g.status, 200);
	CHECK_STR(g.body, "/x");
	CHECK_STR(g.url, url_of("/x"));
	CHECK_STR(seen_body, "question");
	CHECK(strncmp(seen_head, "POST /x HTTP/1.1\r\n", 18) == 0);
	CHECK(strcasestr(seen_head, "\r\nExpect") == NULL);
	login_of(seen_head, login, sizeof login);
	CHECK_STR(login, "svc:geheim");
	for (int i = 0; i < 20; i++)
		CHECK_INT(ask_once(h, "/x", 0).status, 200);
	CHECK_INT(world_connections - before, 1); /* kept */
	g = ask_once(h, "/busy", 0);
	CHECK_INT(g.status, 503);
	CHECK_STR(g.type, "text/plain");
	CHECK_INT(g.pause_ms, 7000);
	g = ask_once(h, "/busy-until", 0);
	CHECK(g.pause_ms > 90000 && g.pause_ms <= 100000);
	g = ask_once(h, "/busy-for-ever", 0);
	CHECK(g.pause_ms > 3600000 && g.pause_ms <= 86400000); /* newer libcurl takes six hours at most */
	CHECK_INT(ask_once(h, "/x", 0).pause_ms, 0);
	http_free(h);
}

static int turns;

static void count_turn(void)
{
	turns++;
}

static void stop(void *arg)
{
	loop_stop(world_loop);
}

/* Connections that the server closes between two calls, many of them at once: none keeps the loop busy, and the next calls make others. */
static void test_closed_between(void)
{
	enum { N = 10, QUIET_MS = 50, FEW_TURNS = 60 };
	static const char *const paths[] = {"/bye", "/bye", "/x", "/bye", "/x"};
	struct conf_backend b = backend_as("svc");
	struct http *h = open_as(&b);
	struct loop_timer *quiet = loop_timer_new(world_loop, 0, stop, NULL);
	struct got g[N];

	loop_run(world_loop);
	for (size_t round = 0; round < sizeof paths / sizeof *paths; round++) {
		bool kept = round && strcmp(paths[round - 1], "/bye") != 0;
		int before = world_connections;

		for (int i = 0; i < N; i++)
			ask(h, paths[round], 0, &g[i]);
		loop_run(world_loop);
		for (int i = 0; i < N; i++)
			if (!CHECK_INT(g[i].status, 200))
				fprintf(stderr, "\tround %zu: %s\n", round, g[i].why);
		CHECK_INT(world_connections - before, kept ? 0 : N);
		turns = 0;
		loop_each_turn(world_loop, count_turn);
		loop_timer_again(quiet, QUIET_MS);
		loop_run(world_loop);
		loop_each_turn(world_loop, NULL);
		CHECK(turns <= FEW_TURNS);
	}
	loop_timer_free(quiet);
	http_free(h);
}

/* A kept connection that ends with its next use: what was not answered at all goes out once more, over another; what is cut there is not sent a third time. */
static void test_sent_again(void)
{
	enum { LARGE = 8 << 20 }; /* more than the sockets take, so that its sending fails */
	struct conf_backend b = backend_as("svc");
	struct http *h = open_as(&b);
	char *body = calloc(1, LARGE);
	const struct http_request large = {.method = "POST", .url = url_of("/x"), .body = body, .len = LARGE, .max_reply = 300, .timeout_ms = 20000};
	struct got g = {0};
	int before = world_connections;

	world_once = true;
	CHECK_INT(ask_once(h, "/x", 0).status, 200);
	outstanding++;
	http_send(h, &large, on_done, &g);
	loop_run(world_loop);
	if (!CHECK_INT(g.status, 200))
		fprintf(stderr, "\t%s\n", g.why);
	CHECK_INT(world_connections - before, 2);
	CHECK_INT(ask_once(h, "/x", 0).status, 200);
	CHECK_INT(world_connections - before, 3);
	g = ask_once(h, "/cut", 0); /* over another: and it was answered in part */
	CHECK_INT(g.outcome, HTTP_FAILED);
	CHECK_INT(world_connections - before, 4);
	world_once = false;
	http_free(h);
	free(body);
}

static void send_once(struct http *h, const char *method, const char *path, const char *const *headers, const char *body)
{
	struct got g = {0};
	const struct http_request r = {.method = method, .url = url_of(path), .headers = headers, .body = body, .len = strlen(body),
	                               .max_reply = 300, .timeout_ms = 20000};

	outstanding++;
	http_send(h, &r, on_done, &g);
	loop_run(world_loop);
	CHECK_INT(g.status, 200);
	CHECK(strncmp(seen_head, method, strlen(method)) == 0 && strncmp(seen_head + strlen(method) + 1, path, strlen(path)) == 0);
	CHECK(strstr(seen_head, "\r\nAccept-Encoding: identity\r\n") != NULL);
	CHECK_STR(seen_body, body);
}

/* Each request has its own method, headers and body, and nothing of those before it on its handle. */
static void test_methods(void)
{
	static const char *const headers[] = {"Depth: 1", "Content-Type: application/xml", NULL}, *const fewer[] = {"Depth: 1", NULL};
	struct conf_backend b = backend_as(NULL);
	struct http *h = open_as(&b);

	for (int i = 0; i < 2; i++) {
		send_once(h, "REPORT", "/cal", headers, "<x/>");
		CHECK(strstr(seen_head, "\r\nDepth: 1\r\n") != NULL && strstr(seen_head, "\r\nContent-Type: application/xml\r\n") != NULL);
		CHECK(strcasestr(seen_head, "\r\nAuthorization") == NULL);
	}
	send_once(h, "REPORT", "/cal", fewer, "<x/>");
	CHECK(strstr(seen_head, "\r\nDepth: 1\r\n") != NULL && strstr(seen_head, "application/xml") == NULL);
	send_once(h, "GET", "/file", NULL, "");
	CHECK(strstr(seen_head, "Depth") == NULL);
	send_once(h, "REPORT", "/cal", headers, "<y/>");
	CHECK(strstr(seen_head, "\r\nDepth: 1\r\n") != NULL && strstr(seen_head, "\r\nContent-Type: application/xml\r\n") != NULL);
	http_free(h);
}

static void test_redirects(void)
{
	struct conf_backend b = backend_as("svc");
	struct http *h = open_as(&b);
	struct got g = ask_once(h, "/hop", 3);

	CHECK_INT(g.status, 200);
	CHECK_STR(g.body, "/landed");
	CHECK_STR(g.url, url_of("/landed"));
	CHECK(strncmp(seen_head, "POST /landed ", 13) == 0);
	CHECK_STR(seen_body, "question");
	CHECK_INT(ask_once(h, "/hop", 0).status, 301);
	g = ask_once(h, "/round", 3);
	CHECK_INT(g.outcome, HTTP_FAILED);
	CHECK(strstr(g.why, "too often") != NULL);
	const char *const elsewhere[] = {"/away", "/down"};
	for (int i = 0; i < 2; i++) {
		g = ask_once(h, elsewhere[i], 3);
		CHECK_INT(g.outcome, HTTP_FAILED);
		CHECK(strstr(g.why, "another host") != NULL);
		CHECK(strstr(seen_head, "stolen") == NULL);
	}
	http_free(h);
}

static void test_limits(void)
{
	static const struct {
		const char *path;
		enum http_outcome outcome;
		const char *why;
	} cases[] = {
		{"/large", HTTP_TOO_LARGE, "larger answer"}, {"/endless", HTTP_TOO_LARGE, "larger answer"}, {"/large-error", HTTP_FAILED, "larger answer"},
		{"/headers", HTTP_FAILED, "64 KiB of headers"},
		{"/gzip", HTTP_FAILED, "compressed"}, {"/cut", HTTP_FAILED, "did not come whole"},
		{"/te", HTTP_FAILED, "ransfer"}, /* newer libcurl refuses the encoding in words of its own */
		{"/hang", HTTP_TIMED_OUT, "did not answer in time"},
		{"https://localhost:1/", HTTP_UNREACHABLE, "cannot be reached"}, {"https://no-such-host.invalid/", HTTP_UNREACHABLE, "cannot be reached"},
		{"http://localhost:1/", HTTP_FAILED, ""}, {"https://svc:geheim@localhost:1/", HTTP_FAILED, ""}, {"file:///etc/passwd", HTTP_FAILED, ""},
	};
	struct conf_backend b = backend_as("svc");
	struct http *h = open_as(&b);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct got g = ask_once(h, cases[i].path, 0);
		if (!CHECK_INT(g.outcome, cases[i].outcome) || !CHECK(strstr(g.why, cases[i].why) != NULL) || !CHECK(strstr(g.why, "geheim") == NULL))
			fprintf(stderr, "\t%s: %s\n", cases[i].path, g.why);
		CHECK_INT(ask_once(h, "/x", 0).status, 200); /* and the next one goes on as if nothing had been */
	}
	http_free(h);
}

static void test_trust(void)
{
	struct conf_backend b = backend_as(NULL);
	struct buf error;
	struct http *h;
	struct got g;

	buf_init(&error, 4096);
	b.ca_file = NULL;
	h = open_as(&b); /* the system's CAs do not know it */
	g = ask_once(h, "/x", 0);
	CHECK_INT(g.outcome, HTTP_UNTRUSTED);
	http_free(h);

	b.has_pin = true; /* a pin of another key, with the right CA and without any */
	for (int ca = 0; ca < 2; ca++) {
		b.ca_file = ca ? world_ca : NULL;
		h = open_as(&b);
		g = ask_once(h, "/x", 0);
		CHECK_INT(g.outcome, HTTP_UNTRUSTED);
		CHECK(strstr(g.why, "pin") != NULL);
		http_free(h);
	}
	CHECK_INT(pki_identity_pin(world_certificate, b.pin, &error), 0);
	for (int ca = 0; ca < 2; ca++) {
		b.ca_file = ca ? world_ca : NULL;
		h = open_as(&b);
		CHECK_INT(ask_once(h, "/x", 0).status, 200);
		http_free(h);
	}
	/* Another name than those in the certificate, with a CA and with the right pin alone. */
	char url[60];
	snprintf(url, sizeof url, "https://other.localhost:%d/x", world_port);
	for (int pin = 0; pin < 2; pin++) {
		b.has_pin = pin;
		b.ca_file = pin ? NULL : world_ca;
		h = open_as(&b);
		g = ask_once(h, url, 0);
		CHECK_INT(g.outcome, HTTP_UNTRUSTED);
		http_free(h);
	}
	buf_free(&error);
}

/* One scheme alone: a server that asks for Basic after it never sees the password. */
static void test_no_weaker_scheme(void)
{
	struct conf_backend b = backend_as("svc");
	struct http *h;
	struct buf basic;
	struct got g;

	if (!has_ntlm())
		return;
	buf_init(&basic, 100);
	text_base64(&basic, "svc:geheim", 10);
	b.auth = CONF_AUTH_NTLM;
	h = open_as(&b);
	seen_other[0] = 0;
	g = ask_once(h, "/ask-basic", 0);
	CHECK_INT(g.status, 401);
	CHECK(strstr(g.why, "offers Basic and not what auth names"));
	CHECK(strstr(seen_other, "Authorization: NTLM ") != NULL);
	CHECK(strstr(seen_other, "Authorization: Basic") == NULL);
	CHECK(strstr(seen_other, buf_cstr(&basic)) == NULL);
	http_free(h);
	buf_free(&basic);
}

/*
 * A server that binds a login to its connection goes on answering over those that it has let in. Once it refused the login, only one that
 * is let in anew says that it is good again, be it that an answer over another was under way.
 */
static void test_refused(void)
{
	struct conf_backend b = backend_as("svc");
	struct http *h = open_as(&b);
	int before = world_connections;
	struct got g[3];

	CHECK_INT(ask_once(h, "/x", 0).status, 200);
	CHECK_INT(ask_once(h, "/refuse", 0).status, 401);
	CHECK_INT(world_connections - before, 1);
	CHECK_INT(ask_once(h, "/refuse", 0).status, 401);
	CHECK_INT(ask_once(h, "/busy", 0).status, 503); /* which may be said before anybody looks at the login */
	CHECK_INT(ask_once(h, "/x", 0).status, 200);
	CHECK_INT(world_connections - before, 4);
	CHECK_INT(ask_once(h, "/x", 0).status, 200);
	CHECK_INT(world_connections - before, 4);
	for (int i = 0; i < 3; i++)
		ask(h, i == 1 ? "/refuse" : "/x", 0, &g[i]);
	loop_run(world_loop);
	before = world_connections;
	CHECK_INT(ask_once(h, "/x", 0).status, 200);
	CHECK_INT(world_connections - before, 1);
	http_free(h);
}

/* Two credentials for one server never share a connection, however they alternate. */
static void test_two_users(void)
{
	char other_file[90];
	struct conf_backend one = backend_as("one"), two = backend_as("two");
	struct http *h[2];
	int before = world_connections, crossed = 0;

	snprintf(other_file, sizeof other_file, "%s/other", world_dir);
	put_file(other_file, "anders\n", 0600);
	two.password.file = other_file;
	h[0] = open_as(&one);
	h[1] = open_as(&two);
	for (int i = 0; i < 1000; i++) {
		struct got g = ask_once(h[i % 2], "/who", 0);
		crossed += strcmp(g.body, i % 2 ? "two:anders" : "one:geheim") != 0;
	}
	CHECK_INT(crossed, 0);
	CHECK_INT(world_connections - before, 2);
	http_free(h[0]);
	http_free(h[1]);
}

static void test_concurrency(void)
{
	struct conf_backend b = backend_as("svc");
	struct http *h;
	struct got g[30];
	int before = world_connections;
	struct http_call *held;

	b.concurrency = 3;
	h = open_as(&b);
	for (int i = 0; i < 30; i++)
		ask(h, "/x", 0, &g[i]);
	loop_run(world_loop);
	for (int i = 0; i < 30; i++)
		CHECK(g[i].n == 1 && g[i].status == 200);
	CHECK(world_connections - before <= 3);

	/* Three hang: the fourth waits for them; and cancelled ones never come back. */
	for (int i = 0; i < 3; i++)
		ask(h, "/hang", 0, &g[i]);
	ask(h, "/x", 0, &g[3]);
	const struct http_request r = {.method = "GET", .url = url_of("/never"), .max_reply = 10, .timeout_ms = 10000};
	struct got never = {0};
	held = http_send(h, &r, on_done, &never);
	http_cancel(held);
	loop_run(world_loop);
	for (int i = 0; i < 3; i++)
		CHECK_INT(g[i].outcome, HTTP_TIMED_OUT);
	CHECK_INT(g[3].status, 200);
	CHECK_INT(never.n, 0);

	ask(h, "/hang", 0, &g[0]);
	held = http_send(h, &r, on_done, &never);
	outstanding = 0;
	http_free(h); /* with calls open */
	CHECK_INT(g[0].n, 0);
}

/* A recording of calls that went well, were sent on, were late and were cut has each message, the login's legs too, and nothing of the login. */
static void test_recording(void)
{
	static const uint8_t key[TRACE_KEY] = {9};
	static char text[1 << 16];
	struct conf_backend b = backend_as("svc\\mallory");
	struct http *h = open_as(&b), *legs;
	struct trace *t;
	FILE *f = tmpfile();
	size_t n;

	t = trace_new(fileno(f), key, TRACE_FILE_MAX);
	http_trace(h, t, "exchange");
	ask_once(h, "/x", 0);
	ask_once(h, "/hop", 2);
	ask_once(h, "/cookie", 0);
	ask_once(h, "/hang", 0);
	ask_once(h, "/cut", 0);
	b.auth = has_ntlm() ? CONF_AUTH_NTLM : CONF_AUTH_BASIC;
	legs = open_as(&b);
	http_trace(legs, t, "other");
	ask_once(legs, "/ask-basic", 0);
	http_free(legs);
	http_free(h);
	rewind(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	CHECK(strstr(text, " backend:exchange request connection=") != NULL);
	CHECK(strstr(text, "tls: TLSv1.3 / TLS_") != NULL);
	CHECK(strstr(text, "| POST /[1 bytes] HTTP/1.1\n") != NULL);
	CHECK(strstr(text, "| Authorization: Basic [a user, of the form DOMAIN\\user, and a password]\n") != NULL);
	CHECK(strstr(text, "|\n| [8 bytes of ") != NULL); /* "question" */
	CHECK(strstr(text, " backend:exchange answer connection=") != NULL);
	CHECK(strstr(text, "| HTTP/1.1 200 Whatever\n| Content-Length: 2\n|\n| [2 bytes of no type]\n") != NULL);
	CHECK(strstr(text, "| HTTP/1.1 301 Whatever\n") != NULL && strstr(text, "| POST /[6 bytes] HTTP/1.1\n") != NULL); /* /landed */
	CHECK(strstr(text, "| Set-Cookie: [12 bytes]\n") != NULL);
	CHECK(strstr(text, " backend:exchange failure ") != NULL && strstr(text, "\nnote: it did not answer in time\n") != NULL);
	CHECK(strstr(text, "\nnote: its answer did not come whole:") != NULL);
	CHECK(strstr(text, " backend:other request ") != NULL && (!has_ntlm() || strstr(text, "NTLM message 1, flags 0x") != NULL));
	CHECK(strstr(text, "| WWW-Authenticate: Basic [9 bytes]\n") != NULL);
	CHECK(!strstr(text, "geheim") && !strstr(text, "mallory") && !strstr(text, "question") && !strstr(text, "s3cret") && !strstr(text, "c3ZjXG1hbGxvcnk6Z2VoZWlt"));
	trace_free(t);
	fclose(f);
}

/* A libcurl without what the settings want: a sentence, here and in what `check` prints. */
static void test_lacking(void)
{
	static const struct {
		enum conf_auth auth;
		int feature;
		const char *what;
	} cases[] = {{CONF_AUTH_NTLM, CURL_VERSION_NTLM, "auth ntlm cannot work"}, {CONF_AUTH_NEGOTIATE, CURL_VERSION_SPNEGO, "auth negotiate cannot work"}};
	struct conf_backend b[2] = {backend_as("svc"), backend_as("svc")};
	const struct conf c = {.backends = b, .n_backends = 2};
	struct buf error;

	buf_init(&error, 4096);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct conf_problems problems = {0};

		b[1].auth = cases[i].auth;
		b[1].file = "backends.d/exchange.conf";
		b[1].keytab = "/nowhere/svc.keytab";
		left_out = cases[i].feature;
		buf_reset(&error);
		CHECK(http_new(world_loop, &conf, &b[1], &error) == NULL);
		CHECK(strncmp(buf_cstr(&error), cases[i].what, strlen(cases[i].what)) == 0);
		http_check(&c, &problems);
		if (CHECK_INT(problems.n, 1)) {
			CHECK_STR(problems.list[0].file, "backends.d/exchange.conf");
			CHECK_STR(problems.list[0].what, buf_cstr(&error));
		}
		conf_problems_free(&problems);
		left_out = 0;
		http_check(&c, &problems);
		CHECK_INT(problems.n, i == 0 ? !has_ntlm() : 1); /* of Kerberos there is no keytab either */
		conf_problems_free(&problems);
	}
	buf_free(&error);
}

/* With ${words}; and `check` says it before. */
static void refuses(struct conf_backend *b, const char *words)
{
	const struct conf c = {.backends = b, .n_backends = 1};
	struct conf_problems problems = {0};
	struct buf error;

	buf_init(&error, 4096);
	b->file = "backends.d/x.conf";
	CHECK(http_new(world_loop, &conf, b, &error) == NULL);
	CHECK(strstr(buf_cstr(&error), words) != NULL);
	http_check(&c, &problems);
	if (CHECK_INT(problems.n, 1))
		CHECK_STR(problems.list[0].what, buf_cstr(&error));
	conf_problems_free(&problems);
	buf_free(&error);
}

static void test_bad_files(void)
{
	struct conf_backend b = backend_as("svc");
	struct buf error;

	buf_init(&error, 4096);
	chmod(password_file, 0644);
	CHECK(http_new(world_loop, &conf, &b, &error) == NULL);
	CHECK(strstr(buf_cstr(&error), password_file) != NULL);
	chmod(password_file, 0600);
	b = backend_as(NULL);
	b.ca_file = "/nowhere/ca.pem";
	refuses(&b, "ca-file /nowhere/ca.pem cannot be read: No such file or directory");
	b.ca_file = password_file;
	refuses(&b, "holds no certificate in PEM");
	b = backend_as(NULL);
	b.client_key = password_file;
	chmod(password_file, 0640);
	refuses(&b, "chmod 600");
	chmod(password_file, 0600);
	buf_free(&error);
}

static void put_key(const char *path, const char *principal)
{
	krb5_context c;
	krb5_keytab file;
	krb5_keytab_entry e = {.vno = 1, .key = {.enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96, .length = 32, .contents = (krb5_octet[32]){7}}};

	CHECK_INT(krb5_init_context(&c), 0);
	CHECK_INT(krb5_parse_name(c, principal, &e.principal), 0);
	CHECK_INT(krb5_kt_resolve(c, path, &file), 0);
	CHECK_INT(krb5_kt_add_entry(c, file, &e), 0);
	krb5_free_principal(c, e.principal);
	krb5_kt_close(c, file);
	krb5_free_context(c);
}

/* Of a keytab with several keys GSSAPI sees the one of the principal that the settings name, and no file. */
static void test_keytab(void)
{
	struct conf_backend b = backend_as("nobody@A.EXAMPLE");
	char path[100];
	struct buf error;
	krb5_context c;
	krb5_keytab offered;
	krb5_keytab_entry e;
	krb5_kt_cursor cursor;
	int n = 0;

	buf_init(&error, 4096);
	snprintf(path, sizeof path, "%s/svc.keytab", world_dir);
	b.auth = CONF_AUTH_NEGOTIATE;
	b.keytab = path;
	refuses(&b, path);
	put_key(path, "other@A.EXAMPLE");
	put_key(path, "svc@A.EXAMPLE");
	chmod(path, 0640);
	refuses(&b, "chmod 600");
	chmod(path, 0600);
	refuses(&b, "no key of nobody@A.EXAMPLE");
	b.user = "svc@A.EXAMPLE";
	http_free(open_as(&b));
	CHECK_INT(krb5_init_context(&c), 0);
	CHECK_INT(krb5_kt_client_default(c, &offered), 0);
	CHECK_INT(krb5_kt_start_seq_get(c, offered, &cursor), 0);
	while (krb5_kt_next_entry(c, offered, &e, &cursor) == 0) {
		char *name = NULL;

		CHECK_INT(krb5_unparse_name(c, e.principal, &name), 0);
		CHECK_STR(name, "svc@A.EXAMPLE");
		krb5_free_unparsed_name(c, name);
		krb5_free_keytab_entry_contents(c, &e);
		n++;
	}
	CHECK_INT(n, 1);
	krb5_kt_end_seq_get(c, offered, &cursor);
	krb5_kt_close(c, offered);
	krb5_free_context(c);
	CHECK(strncmp(getenv("KRB5CCNAME"), "MEMORY:", 7) == 0);
	b.user = "other@A.EXAMPLE"; /* a second one in one process could be taken for the first */
	buf_reset(&error);
	CHECK(http_new(world_loop, &conf, &b, &error) == NULL);
	buf_free(&error);
}

int main(void)
{
	world_start(answer);
	snprintf(password_file, sizeof password_file, "%s/password", world_dir);
	put_file(password_file, "geheim\n", 0600);
	conf.dir = world_dir;
	conf.user = (char[]){""};
	test_plain();
	test_closed_between();
	test_sent_again();
	test_methods();
	test_redirects();
	test_limits();
	test_trust();
	test_no_weaker_scheme();
	test_refused();
	test_two_users();
	test_concurrency();
	test_recording();
	test_lacking();
	test_bad_files();
	test_keytab();
	world_end();
	return check_done();
}
