/* links: base availability address_space link gen */
#include <sys/resource.h>
#include "tests/unit/link_flood.h"

/* Connections without number, of strangers and of peers: they keep nobody out who has something to say. */

/* Begins a question on another connection. */
static void ask_on(int other)
{
	int mine = fd;
	uint8_t h[512];
	size_t n = headers(h);

	fd = other;
	frame(1, 4, 1, h, n);
	fd = mine;
	world_run_for(loop, 5);
}

static bool is_open(int one)
{
	uint8_t waste[4096];
	ssize_t n;

	while ((n = recv(one, waste, sizeof waste, MSG_DONTWAIT)) > 0)
		;
	return n < 0 && errno == EAGAIN;
}

static size_t count_open(const int *fds, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += is_open(fds[i]);
	return count;
}

static void never(void *arg, unsigned process, int one)
{
	CHECK(!"a connection for no process in particular was handed on");
}

/* Connections that say nothing keep nobody out, with one bridge of several too: who speaks is served, and stays. */
static void silent_strangers(unsigned processes)
{
	enum { HOSTS = 8, EACH = 64, ALL = HOSTS * EACH };
	static int fds[ALL + EACH];
	int listener, peer, late;
	char name[32];

	begin();
	link_server_siblings(server, processes, never, NULL);
	listener = world_listen(name);
	peer = come(listener, name, 1);
	speak(peer);
	for (size_t i = 0; i < EACH + 10; i++) /* of one address */
		fds[i] = come(listener, name, 2);
	world_run_for(loop, 5);
	CHECK_INT(count_open(fds, 10), 0);
	CHECK_INT(count_open(fds + 10, EACH), EACH);
	late = come(listener, name, 2); /* the same address has a peer as well */
	speak(late);
	CHECK(is_open(late));
	for (size_t i = 0; i < EACH + 10; i++)
		close(fds[i]);
	world_run_for(loop, 20);
	for (size_t i = 0; i < ALL; i++) /* of many: all places are taken */
		fds[i] = come(listener, name, 10 + (int)(i / EACH));
	world_run_for(loop, 5);
	CHECK_INT(count_open(fds, ALL), ALL - 3); /* the peer, the late one and that of begin() have theirs */
	CHECK(!is_open(fds[0]) && is_open(fds[ALL - 1]));
	close(late);
	late = come(listener, name, 3);
	speak(late);
	CHECK(is_open(late));
	CHECK(is_open(peer));
	for (size_t i = 0; i < ALL; i++)
		close(fds[i]);
	close(peer);
	close(late);
	close(listener);
	end();
}

/* No peer has more than its share, and where peers have all places one that has several makes room for another. */
static void greedy_peers(void)
{
	enum { GREEDY = LINK_MAX_CONNS / LINK_CONNS_OF_PEER };
	static struct pki_peer greedy[GREEDY], modest = {"modest"};
	static char names[GREEDY][8];
	static int fds[LINK_MAX_CONNS + 1];
	int listener, one;
	char name[32];
	size_t n = 0;

	begin(); /* with one of site-a */
	listener = world_listen(name);
	for (size_t i = 0; i < GREEDY; i++) {
		snprintf(names[i], sizeof names[i], "peer-%zu", i);
		greedy[i].name = names[i];
		world_next_peer = &greedy[i];
		for (size_t k = 0; k < LINK_CONNS_OF_PEER && n < LINK_MAX_CONNS - 1; k++)
			speak(fds[n++] = come(listener, name, 1));
		if (i == 0) {
			speak(one = come(listener, name, 1));
			CHECK(!is_open(one)); /* one more than its share */
			close(one);
		}
	}
	CHECK_INT(count_open(fds, n), LINK_MAX_CONNS - 1);
	ask_on(fds[0]);
	world_next_peer = &modest;
	speak(one = come(listener, name, 2));
	CHECK(is_open(one));
	CHECK(is_open(fds[0]) && !is_open(fds[1])); /* a question is lost only where there is one on each */
	CHECK_INT(count_open(fds, n), LINK_MAX_CONNS - 2);
	drain();
	CHECK(!is_closed); /* who had one has it still */
	world_next_peer = &world_peer;
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	close(one);
	close(listener);
	end();
}

/* Strangers who come and go fill no disk with lines about them, and how many there were is told. */
static void refused_again_and_again(void)
{
	enum { TIMES = 1300 };
	FILE *log = tmpfile();
	char name[32];
	int listener;
	size_t n;

	begin();
	listener = world_listen(name);
	log_setup(fileno(log), false, LOG_LEVEL_INFO, "test");
	for (int i = 0; i < TIMES; i++) {
		close(come(listener, name, 5));
		world_run_for(loop, 1);
	}
	world_run_for(loop, 20);
	n = log_lines(log, "event=link-refused from=127.0.1.5:");
	CHECK(n >= 1000 && n < 1100); /* and one for each second that it takes */
	CHECK_INT(log_lines(log, "event=lines-left-out"), 0);
	end();
	CHECK_INT(log_lines(log, "event=lines-left-out about=127.0.1.5 times="), 1);
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	fclose(log);
	close(listener);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		abort();
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(void)
{
	raise_descriptors();
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	silent_strangers(1);
	silent_strangers(3);
	greedy_peers();
	refused_again_and_again();
	return check_done();
}
