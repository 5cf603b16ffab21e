#include "bridge/ctl/peer.h"
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include "bridge/ctl/args.h"
#include "bridge/ctl/site.h"
#include "bridge/process/listen.h"

enum { ADDRESS_MAX = 80 };

/*
 * The first address of ${endpoint} that does not stand in ${from}, which has a blank before and behind each. False if there is none, or the
 * name cannot be resolved.
 */
static bool leads_elsewhere(const char *endpoint, const char *from, char out[ADDRESS_MAX])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char host[300], word[ADDRESS_MAX + 2];
	struct addrinfo *list = NULL;
	bool found = false;
	const char *port;

	if (!listen_split(endpoint, host, sizeof(host), &port) || getaddrinfo(host, port, &hints, &list) != 0)
		return false;
	for (const struct addrinfo *a = list; a && !found; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, out, ADDRESS_MAX, NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		snprintf(word, sizeof(word), " %s ", out);
		found = !strstr(from, word);
	}
	freeaddrinfo(list);
	return found;
}

int ctl_peer_moved(int argc, char **argv, const char *conf_path)
{
	const char *from = NULL;
	const struct ctl_option options[] = {{"from", .value = &from}, {0}};
	const struct conf_peer *p;
	char known[2048], address[ADDRESS_MAX];
	struct ctl_words words;
	struct conf *c;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	snprintf(known, sizeof(known), " %s ", from ? from : "");
	if (!(p = conf_peer_named(c, words.list[0])))
		ctl_say("there is no peer %s", words.list[0]);
	for (size_t i = 0; p && i < p->n_endpoints; i++)
		if (leads_elsewhere(p->endpoints[i], known, address)) {
			puts(address);
			break;
		}
	conf_free(c);
	return p ? CTL_DONE : CTL_NO;
}
