/* links: base availability address_space link gen */
#include "bridge/base/arena.h"
#include <netdb.h>
#include <poll.h>
#include "bridge/link/client.h"
#include "tests/unit/check.h"
#include "tests/unit/link_world.h"

/* A resolver that does not answer: many peers with names keep a process from its work for a while, and not for each name. Takes 10 s. */

enum { NAMES = 8, EACH_MS = 3500 };
static size_t looked_up, numeric, many;

/* ${n} of them. */
static struct addrinfo *addresses(size_t n)
{
	static struct sockaddr_in sa[LINK_ADDRESSES + 1];
	static struct addrinfo list[LINK_ADDRESSES + 1];

	for (size_t i = 0; i < n; i++) {
		sa[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)i)};
		list[i] = (struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addrlen = sizeof *sa, .ai_addr = (struct sockaddr *)&sa[i],
		                            .ai_next = i + 1 < n ? &list[i + 1] : NULL};
	}
	return list;
}

/* In libc's place. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	static struct sockaddr_in sa = {.sin_family = AF_INET};
	static struct addrinfo found = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addrlen = sizeof sa, .ai_addr = (struct sockaddr *)&sa};

	if (strcmp(host, "127.0.0.1") == 0) {
		numeric++;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sa.sin_port = htons(1);
		*out = &found;
		return 0;
	}
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (strcmp(host, "many.example") == 0) {
		*out = addresses(many);
		return 0;
	}
	looked_up++;
	poll(NULL, 0, EACH_MS);
	return EAI_AGAIN;
}

void freeaddrinfo(struct addrinfo *list)
{
}

/* Is a peer with ${n} addresses one whose name is looked up anew? */
static bool is_looked_up(size_t n)
{
	static char *endpoint = (char *)"many.example:7443";
	struct loop *l = loop_new();
	struct conf c;
	struct conf_peer peers[2];
	struct conf_address_space own;
	struct link_clients *k;
	struct buf known;
	bool is;

	world_conf(&c, peers, &own, "site-a", "a.example", "site-b", NULL);
	peers[1].endpoints = &endpoint;
	peers[1].n_endpoints = 1;
	many = n;
	k = link_clients_new(l, &c, NULL);
	buf_init(&known, 4096);
	is = link_clients_unreached(k, &known) != NULL;
	CHECK(!is || strstr(buf_cstr(&known), "127.0.0.1 127.0.0.2 ") != NULL);
	buf_free(&known);
	link_clients_free(k);
	loop_free(l);
	return is;
}

int main(void)
{
	static char names[NAMES][32], *endpoints[NAMES + 1];
	struct loop *l = loop_new();
	struct conf c;
	struct conf_peer peers[NAMES + 2];
	struct conf_address_space own;
	struct link_clients *k;
	struct link_status st;

	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	world_conf(&c, peers, &own, "site-a", "a.example", "site-b", NULL);
	for (size_t i = 0; i < NAMES; i++) {
		snprintf(names[i], sizeof names[i], i + 1 < NAMES ? "b%zu.example:7443" : "127.0.0.1:7443", i);
		endpoints[i] = names[i];
		peers[i + 1] = peers[1];
		peers[i + 1].endpoints = &endpoints[i];
		peers[i + 1].n_endpoints = 1;
	}
	c.n_peers = NAMES + 1;
	k = link_clients_new(l, &c, NULL);
	CHECK_INT(looked_up, 3); /* after 10 s no more */
	CHECK_INT(numeric, 1);   /* what needs no resolver has its address all the same */
	CHECK(link_clients_status(k, 0, &st) && strstr(st.why, "b0.example:7443") != NULL);
	CHECK(link_clients_status(k, 5, &st) && strstr(st.why, "took the resolver too long; it is looked up") != NULL);
	CHECK(link_clients_status(k, NAMES - 1, &st) && st.why == NULL);
	link_clients_free(k);
	loop_free(l);
	CHECK(is_looked_up(LINK_ADDRESSES - 1));
	CHECK(!is_looked_up(LINK_ADDRESSES + 1)); /* one of them would be news for ever, and a reload each time */
	return check_done();
}
