/* links: base availability conf dns pki ews acl budget trace backend */
#include "bridge/backend/http.h"
#include <dlfcn.h>
#include <netinet/tcp.h>
#include "tests/unit/https_world.h"

/* A server that sends the rest of its answer only when it hears that the beginning has come, as one may that writes in pieces. */

static struct conf conf;
static struct world_connection *waiting;
static int acknowledged;
static char got[100];

/* In front of the system's own: a word that is sent at once is heard by the server at once. */
int setsockopt(int fd, int level, int what, const void *value, socklen_t n)
{
	union {
		void *p;
		int (*f)(int, int, int, const void *, socklen_t);
	} real = {dlsym(RTLD_NEXT, "setsockopt")};

	if (level == IPPROTO_TCP && what == TCP_QUICKACK && waiting) {
		acknowledged++;
		world_raw(waiting, "second");
		waiting = NULL;
	}
	return real.f(fd, level, what, value, n);
}

static void answer(struct world_connection *c, const char *head, const char *body)
{
	if (strncmp(head, "POST /whole ", 12) == 0) {
		world_say(c, 200, "", "whole");
		return;
	}
	world_raw(c, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfirst,");
	waiting = c;
}

static void on_done(void *arg, const struct http_reply *r)
{
	snprintf(got, sizeof got, "%s", r->why ? r->why : buf_cstr(r->body));
	loop_stop(world_loop);
}

static void ask(struct http *h, const char *path)
{
	char url[100];

	snprintf(url, sizeof url, "https://localhost:%d%s", world_port, path);
	const struct http_request r = {.method = "POST", .url = url, .body = "question", .len = 8, .max_reply = 1000, .timeout_ms = 5000};

	http_send(h, &r, on_done, NULL);
	loop_run(world_loop);
}

int main(void)
{
	struct conf_backend b = {.name = "exchange", .type = CONF_BACKEND_EWS, .auth = CONF_AUTH_NONE, .ca_file = world_ca, .concurrency = 1};
	struct buf error;
	struct http *h;

	world_start(answer);
	buf_init(&error, 1000);
	h = http_new(world_loop, &conf, &b, &error);
	CHECK_STR(buf_cstr(&error), "");
	ask(h, "/pieces");
	CHECK_STR(got, "first,second");
	CHECK_INT(acknowledged, 1);
	ask(h, "/whole"); /* there is nothing to wait for */
	CHECK_STR(got, "whole");
	CHECK_INT(acknowledged, 1);
	http_free(h);
	world_end();
	buf_free(&error);
	return check_done();
}
