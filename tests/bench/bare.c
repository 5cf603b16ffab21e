/*
 * The least that bridged queries cost: the processes and connections of two sites, TLS and mutual TLS on them, and nothing else. It reads
 * of a request only how long it is, checks no login and no rule, and writes no audit and no log.
 *
 *   bare front PORT CERTS LINK-PORT N:LENGTH:FILE...   clients by HTTPS; asks the back by one connection; FILE is the answer about N mailboxes,
 *                                                      which a request with a body of LENGTH bytes asks about
 *   bare back PORT CERTS [WORKER-SOCKET]               answers the front by itself, or when the worker has answered
 *   bare worker SOCKET CERTS BACKEND-PORT N:LENGTH...  asks an HTTPS backend about N mailboxes by a body of LENGTH bytes
 */
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ROOM = 1 << 20, SIZES = 8, CONNECTIONS = 256, EVENTS = 64, TO_ASK = 40, TO_ANSWER = 250 }; /* bytes for each mailbox on the link */

struct bytes {
	char *p;
	size_t n;
};

/* A connection: what has come and is not used up, and what is to go at the end of the turn. */
struct conn {
	int fd;
	SSL *tls;
	struct bytes in, out;
	void (*came)(struct conn *c);
	uint32_t asks[2]; /* worker: the question that it is busy with */
	bool busy;
};

/* What passes between the processes, with filling that makes it as long as it would be. */
struct frame {
	uint32_t length, client, boxes;
};

static struct {
	unsigned boxes;
	size_t length;
	struct bytes text;
} sizes[SIZES];
static size_t n_sizes;
static struct conn *all[CONNECTIONS], *below; /* by descriptor; whom we ask */
static int loop;
static SSL_CTX *server, *client;
static struct sockaddr_in backend;
static struct frame waiting[4096];
static size_t n_waiting;

static void add(struct conn *c, const void *p, size_t n)
{
	if (c->out.n + n > ROOM)
		errx(1, "no room");
	memcpy(c->out.p + c->out.n, p, n);
	c->out.n += n;
}

static void use(struct conn *c, size_t n)
{
	memmove(c->in.p, c->in.p + n, c->in.n -= n);
}

static void conn_free(struct conn *c)
{
	all[c->fd] = NULL;
	close(c->fd);
	SSL_free(c->tls);
	free(c->in.p);
	free(c->out.p);
	free(c);
}

/* NULL if the other side did not finish the handshake: wrk looks first whether somebody listens. */
static struct conn *conn_new(int fd, SSL_CTX *ctx, void (*came)(struct conn *c))
{
	struct epoll_event e = {.events = EPOLLIN};
	struct conn *c = calloc(1, sizeof *c);

	if (fd < 0 || fd >= CONNECTIONS || !c || !(c->in.p = malloc(ROOM)) || !(c->out.p = malloc(ROOM)))
		err(1, "connection");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	c->fd = fd;
	c->came = came;
	if (ctx && (!(c->tls = SSL_new(ctx)) || SSL_set_fd(c->tls, fd) != 1 || (ctx == server ? SSL_accept(c->tls) : SSL_connect(c->tls)) != 1)) {
		conn_free(c);
		return NULL;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	e.data.ptr = all[fd] = c;
	epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
	return c;
}

/* False if it has ended. */
static bool receive(struct conn *c)
{
	do {
		size_t room = ROOM - c->in.n;
		int n = c->tls ? SSL_read(c->tls, c->in.p + c->in.n, (int)room) : (int)recv(c->fd, c->in.p + c->in.n, room, 0);

		if (n <= 0)
			return c->tls ? SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ : n < 0;
		c->in.n += (size_t)n;
	} while (c->tls && SSL_has_pending(c->tls));
	return true;
}

static void flush(struct conn *c)
{
	size_t done = 0;

	while (done < c->out.n) { /* a full socket is tried again: it is never full for long */
		int n = c->tls ? SSL_write(c->tls, c->out.p + done, (int)(c->out.n - done)) : (int)send(c->fd, c->out.p + done, c->out.n - done, 0);

		done += n > 0 ? (size_t)n : 0;
	}
	c->out.n = 0;
}

static void send_frame(struct conn *c, uint32_t to, uint32_t boxes, uint32_t each)
{
	static const char filling[100 * TO_ANSWER];
	struct frame f = {(uint32_t)sizeof f + boxes * each, to, boxes};

	add(c, &f, sizeof f);
	add(c, filling, boxes * each);
}

static bool next_frame(struct conn *c, struct frame *f)
{
	if (c->in.n < sizeof *f)
		return false;
	memcpy(f, c->in.p, sizeof *f);
	if (c->in.n < f->length)
		return false;
	use(c, f->length);
	return true;
}

/* The length of the whole message that ${c} has got, and of its body; 0 = not all of it. */
static size_t whole(struct conn *c, size_t *body)
{
	char *end, *length;

	c->in.p[c->in.n] = 0;
	end = strstr(c->in.p, "\r\n\r\n");
	length = end ? strcasestr(c->in.p, "content-length:") : NULL;
	if (!length)
		return 0;
	*body = strtoul(length + 15, NULL, 10);
	return c->in.n < (size_t)(end + 4 - c->in.p) + *body ? 0 : (size_t)(end + 4 - c->in.p) + *body;
}

/* ---- front ---- */

static void request_came(struct conn *c)
{
	size_t body, n = whole(c, &body);

	if (!n)
		return;
	for (size_t i = 0; i < n_sizes; i++)
		if (sizes[i].length == body)
			send_frame(below, (uint32_t)c->fd, sizes[i].boxes, TO_ASK);
	use(c, n);
}

static void answer_came(struct conn *c)
{
	struct frame f;

	while (next_frame(c, &f))
		for (size_t i = 0; i < n_sizes; i++)
			if (sizes[i].boxes == f.boxes && all[f.client])
				add(all[f.client], sizes[i].text.p, sizes[i].text.n);
}

/* ---- back ---- */

static struct conn *front;

static void question_came(struct conn *c)
{
	struct frame f;

	front = c;
	while (next_frame(c, &f))
		send_frame(below ? below : c, f.client, f.boxes, below ? TO_ASK : TO_ANSWER);
}

static void fetched(struct conn *c)
{
	struct frame f;

	while (next_frame(c, &f))
		send_frame(front, f.client, f.boxes, TO_ANSWER);
}

/* ---- worker ---- */

static void reply_came(struct conn *c);

static void fetch(struct frame f)
{
	static struct conn *kept[16];
	int fd;

	for (size_t i = 0; i < 16; i++) {
		if (kept[i] && kept[i]->busy)
			continue;
		if (!kept[i]) {
			if ((fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 || connect(fd, (struct sockaddr *)&backend, sizeof backend) != 0)
				err(1, "backend");
			kept[i] = conn_new(fd, client, reply_came);
		}
		kept[i]->busy = true;
		kept[i]->asks[0] = f.client;
		kept[i]->asks[1] = f.boxes;
		for (size_t k = 0; k < n_sizes; k++)
			if (sizes[k].boxes == f.boxes)
				add(kept[i], sizes[k].text.p, sizes[k].text.n);
		return;
	}
	waiting[n_waiting++ % 4096] = f;
}

static void reply_came(struct conn *c)
{
	size_t body, n = whole(c, &body);

	if (!n)
		return;
	use(c, n);
	c->busy = false;
	send_frame(below, c->asks[0], c->asks[1], TO_ANSWER);
	if (n_waiting)
		fetch(waiting[--n_waiting]);
}

static void job_came(struct conn *c)
{
	struct frame f;

	below = c;
	while (next_frame(c, &f))
		fetch(f);
}

/* ---- start ---- */

static SSL_CTX *tls(const SSL_METHOD *method, const char *certs, const char *name)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	char path[3][400];

	snprintf(path[0], 400, "%s/%s.pem", certs, name);
	snprintf(path[1], 400, "%s/%s.key", certs, name);
	snprintf(path[2], 400, "%s/ca.pem", certs);
	if (!ctx || SSL_CTX_use_certificate_file(ctx, path[0], SSL_FILETYPE_PEM) != 1 || SSL_CTX_use_PrivateKey_file(ctx, path[1], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_locations(ctx, path[2], NULL) != 1)
		errx(1, "certificates");
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

static int local(const char *port, bool listening)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)atoi(port))};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	bool path = strchr(port, '/');
	struct sockaddr *to = path ? (struct sockaddr *)&un : (struct sockaddr *)&in;
	socklen_t n = path ? sizeof un : sizeof in;
	int fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof un.sun_path, "%s", port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (listening ? bind(fd, to, n) != 0 || listen(fd, 64) != 0 : connect(fd, to, n) != 0)
		err(1, "%s", port);
	return fd;
}

static void read_sizes(char **words, bool front_side)
{
	static char text[SIZES][ROOM];

	for (; *words; words++, n_sizes++) {
		char *p = text[n_sizes], name[400] = "";
		size_t n = 0;
		FILE *f;

		if (n_sizes == SIZES || sscanf(*words, "%u:%zu:%399s", &sizes[n_sizes].boxes, &sizes[n_sizes].length, name) < 2)
			errx(2, "%s", *words);
		if (front_side) {
			if (!(f = fopen(name, "r")) || (n = fread(p + 512, 1, ROOM - 512, f)) == 0 || fclose(f) != 0)
				err(1, "%s", name);
			sizes[n_sizes].text.n = (size_t)snprintf(p, 512, "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %zu\r\n\r\n", n);
			memmove(p + sizes[n_sizes].text.n, p + 512, n);
			sizes[n_sizes].text.n += n;
		} else {
			n = (size_t)snprintf(p, ROOM, "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n", sizes[n_sizes].length);
			sizes[n_sizes].text.n = n + sizes[n_sizes].length;
			memset(p + n, ' ', sizes[n_sizes].length);
		}
		sizes[n_sizes].text.p = p;
	}
}

static void run(int listener, SSL_CTX *ctx, void (*came)(struct conn *c))
{
	struct epoll_event e[EVENTS] = {{.events = EPOLLIN}};

	epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e[0]); /* its data is NULL */
	for (;;) {
		int n = epoll_wait(loop, e, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = e[i].data.ptr;

			if (!c && !(c = conn_new(accept(listener, NULL, NULL), ctx, came)))
				continue;
			if (receive(c)) /* of a new one too: what came with the handshake's last message is read ahead already */
				c->came(c);
			else
				conn_free(c);
		}
		for (int fd = 0; fd < CONNECTIONS; fd++)
			if (all[fd] && all[fd]->out.n)
				flush(all[fd]);
	}
}

int main(int argc, char **argv)
{
	bool is_front = argc > 5 && strcmp(argv[1], "front") == 0, is_worker = argc > 5 && strcmp(argv[1], "worker") == 0;
	void (*came)(struct conn *c) = is_front ? request_came : is_worker ? job_came : question_came;

	if (argc < 4)
		errx(2, "front PORT CERTS LINK-PORT N:LENGTH:FILE... | back PORT CERTS [SOCKET] | worker SOCKET CERTS BACKEND-PORT N:LENGTH...");
	loop = epoll_create1(EPOLL_CLOEXEC);
	server = tls(TLS_server_method(), argv[3], is_front ? "a" : "b");
	client = tls(TLS_client_method(), argv[3], is_front ? "a" : "b");
	if (!is_front)
		SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
	if (is_front || is_worker)
		read_sizes(argv + 5, is_front);
	if (is_front)
		below = conn_new(local(argv[4], false), client, answer_came);
	else if (is_worker)
		backend = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)atoi(argv[4]))};
	else if (argc > 4)
		below = conn_new(local(argv[4], false), NULL, fetched);
	run(local(argv[2], true), is_worker ? NULL : server, came);
	return 0;
}
