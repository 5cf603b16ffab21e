/* links: base availability conf dns pki ews acl budget trace backend */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/backend/breaker.h"
#include "bridge/backend/fetch_job.h"
#include "bridge/backend/fetcher.h"
#include "bridge/base/log.h"
#include "tests/unit/check.h"

/* A server that takes connections and says nothing. Who asks in haste learns nothing of it, who has patience does; with each type of backend. */
static struct loop *loop;
static struct fetcher *fetcher;
static int replies, downs;

static int listen_silently(int *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 64) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		abort();
	*port = ntohs(a.sin_port);
	return fd;
}

static void on_change(void *arg, const char *why)
{
	downs += why != NULL;
}

static void on_reply(void *arg, const uint8_t *reply, size_t len)
{
	replies++;
	loop_stop(loop);
}

static void ask(int i, int64_t left_ms)
{
	const struct fetch_job j = {.address = i % 2 ? "anna@b.example" : "bob@b.example", .window = {1772409600, 1772496000}, .interval = 60, .left_ms = left_ms};
	struct buf b;

	buf_init(&b, FETCH_JOB_MAX);
	fetch_job_pack(&b, &j);
	fetcher_work(fetcher, buf_ptr(&b), b.len, on_reply, NULL);
	buf_free(&b);
	if (replies <= i)
		loop_run(loop);
}

static void open_fetcher(const struct conf *c, const struct conf_backend *be)
{
	struct buf error;

	buf_init(&error, 4096);
	fetcher = fetcher_new(loop, c, be, &error);
	if (!CHECK(fetcher != NULL)) {
		fprintf(stderr, "%s\n", buf_cstr(&error));
		abort();
	}
	fetcher_watch(fetcher, on_change, NULL);
	buf_free(&error);
	replies = downs = 0;
}

static void haste(struct conf_backend be)
{
	struct conf conf = {.user = (char[]){""}, .dir = (char[]){"/nonexistent"}};

	be.timeout_ms = 8000;
	open_fetcher(&conf, &be);
	for (int i = 0; i < 2 * BREAKER_FAILURES; i++)
		ask(i, 31 + i);
	CHECK_INT(replies, 2 * BREAKER_FAILURES);
	CHECK_INT(downs, 0);
	fetcher_free(fetcher);
	be.timeout_ms = 30;
	open_fetcher(&conf, &be);
	for (int i = 0; i < BREAKER_FAILURES; i++)
		ask(i, 4000);
	CHECK_INT(replies, BREAKER_FAILURES);
	CHECK(downs > 0);
	fetcher_free(fetcher);
}

int main(void)
{
	int port, fd = listen_silently(&port);
	char url[64];

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_INFO, "test");
	loop = loop_new();
	snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
	haste((struct conf_backend){.name = "exchange", .type = CONF_BACKEND_EWS, .url = url, .concurrency = 1, .batch = 100, .window_days = 62, .version = 2016});
	haste((struct conf_backend){.name = "cyrus", .type = CONF_BACKEND_CALDAV, .url = url, .concurrency = 1, .calendar = (char[]){"/c/{user}/"},
	                            .method = CONF_CALDAV_EVENTS});
	loop_free(loop);
	close(fd);
	return check_done();
}
