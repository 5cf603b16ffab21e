#ifndef TESTS_UNIT_FRONT_WORLD_H
#define TESTS_UNIT_FRONT_WORLD_H
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

/* A front over real TLS, with a house behind its doors that the test commands, and clients that write bytes and read answers. */
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

/* The house gives the answer that it owes. */
static inline void pay(void *arg)
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

/* The answer comes at the next turn of the loop, or when the test pays what is ${held}. */
static inline void owe(struct pending *p, bool hang)
{
	held = hang ? p : NULL;
	p->timer = hang ? NULL : loop_timer_new(loop, 0, pay, p);
}

static inline void door_login(void *door, const struct login_question *q, void (*done)(void *arg, const struct login_reply *r), void *arg)
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

static inline bool door_full(void *door)
{
	return house.full;
}

static inline void *door_ask(void *door, const struct fb_query *q, void (*done)(void *arg, struct acl_released *const *answers), void *arg)
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

static inline void door_cancel(void *door, void *handle)
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
static inline bool take_answer(struct client *c, bool no_body)
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

static inline void client_up(void *arg)
{
	((struct client *)arg)->up = true;
}

static inline void client_data(void *arg, struct buf *in)
{
	struct client *c = arg;

	buf_add(&c->in, buf_ptr(in), in->len);
	buf_consume(in, in->len);
	loop_stop(loop);
}

static inline void client_down(void *arg, const char *why)
{
	((struct client *)arg)->down = true;
	loop_stop(loop);
}

static inline void on_guard(void *arg)
{
	timed_out = true;
	loop_stop(loop);
}

/* Lets the loop run until something happens to a client, or for so many milliseconds: then it timed_out. */
static inline void spin(int ms)
{
	struct loop_timer *guard = loop_timer_new(loop, ms, on_guard, NULL);

	timed_out = false;
	loop_run(loop);
	loop_timer_free(guard);
}

/* A client whose connection the front has taken in as one from ${address}; hang_up() frees it. */
static inline struct client *dial(const char *address)
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

static inline void hang_up(struct client *c)
{
	pki_stream_free(c->s);
	buf_free(&c->in);
	free(c->body);
	free(c);
}

/* The status of the next answer; 0 = the connection ended without one. */
static inline int next_answer(struct client *c, bool no_body)
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

static inline void put(struct client *c, const char *text)
{
	pki_stream_write(c->s, text, strlen(text));
}

/* Writes ${text}; the status of the next answer. */
static inline int ask(struct client *c, const char *text)
{
	put(c, text);
	return next_answer(c, false);
}

/* One request on a connection of its own. */
static inline int once(const char *text, char *body, size_t size)
{
	struct client *c = dial("192.0.2.1");
	int status = ask(c, text);

	if (body)
		snprintf(body, size, "%s\n%s", c->head, c->body ? c->body : "");
	hang_up(c);
	return status;
}

/* Until the front has ended the connection. */
static inline void wait_down(struct client *c)
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

static char availability[16384]; /* a GetUserAvailabilityRequest about two people */

static inline void make_request(void)
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

/* A POST with those header fields; good until three more were made. */
static inline const char *post(const char *path, const char *fields, const char *body)
{
	static char text[4][40000];
	static int i;
	char *p = text[i++ % 4];

	snprintf(p, 40000, "POST %s HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n%s", path, fields, strlen(body), body);
	return p;
}

/* Until the front has noticed that its connections are gone. */
static inline void settle(void)
{
	for (int i = 0; front_open(front) > 0 && i < 500; i++)
		spin(10);
}

/* The front of site-a: three connections, two of an address, 64 KiB a request, a second without one. */
static inline void build(void)
{
	static struct conf_account accounts[] = {{.name = "alice", .kind = CONF_FOR_USER, .address = "alice@a.example"},
	                                         {.name = "company", .kind = CONF_FOR_ORGANISATION}, {.name = "down", .kind = CONF_FOR_SERVER},
	                                         {.name = "down@a.example", .kind = CONF_FOR_SERVER}};
	static struct conf_address_space spaces[] = {{.forest_name = "a.example", .peer = "local"}, {.forest_name = "b.example", .peer = "site-b"}};
	static struct conf_peer peers[] = {{.name = "local"}, {.name = "site-b"}};
	const char *names[] = {"localhost"};
	char key[100], cert[100], ca[100];
	struct buf error;

	if (!mkdtemp(dir))
		abort();
	log_setup(open("/dev/null", O_WRONLY), false, LOG_LEVEL_DEBUG, "test");
	conf = (struct conf){.site = "site-a", .primary_domain = "a.example", .login_basic = "yes", .login_ntlm = "no", .login_negotiate = "no",
	                     .public_url = "https://bridge.a.example", .max_connections = 3,
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
	make_request();
}

/* All but the front goes; what main() returns. */
static inline int tear_down(void)
{
	char command[200];

	address_space_free(table);
	pki_tls_free(server_tls);
	pki_tls_free(client_tls);
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || check_done();
}
#endif
