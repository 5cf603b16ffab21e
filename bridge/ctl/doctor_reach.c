#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bridge/ctl/doctor.h"
#include "bridge/process/listen.h"

enum { CONNECT_MS = 5000 };

static int dial(const struct addrinfo *a)
{
	struct pollfd p = {.fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), .events = POLLOUT};
	int error = 0;
	socklen_t n = sizeof error;

	if (p.fd < 0)
		return -1;
	if (connect(p.fd, a->ai_addr, a->ai_addrlen) == 0)
		return p.fd;
	error = errno;
	if (error == EINPROGRESS && poll(&p, 1, CONNECT_MS) == 0)
		error = ETIMEDOUT;
	else if (error == EINPROGRESS && getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (!error)
		return p.fd;
	close(p.fd);
	errno = error;
	return -1;
}

/* A connection to ${endpoint}, or -1: then *${unknown} tells whether it was the name, and ${why} says more. */
static int try(const char *endpoint, char host[300], bool *unknown, char *why, size_t size)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	const char *port = "";
	int rc = listen_split(endpoint, host, 300, &port) ? getaddrinfo(host, port, &hints, &list) : EAI_NONAME, fd = -1;

	*unknown = rc != 0;
	if (rc)
		snprintf(why, size, "%s: %s", endpoint, gai_strerror(rc));
	for (const struct addrinfo *a = rc ? NULL : list; a && fd < 0; a = a->ai_next)
		if ((fd = dial(a)) < 0)
			snprintf(why, size, "%s: %s", endpoint, errno == ETIMEDOUT ? "nothing answers there" : strerror(errno));
	if (list)
		freeaddrinfo(list);
	return fd;
}

int doctor_dial(const struct conf_peer *p, char *host, size_t size)
{
	char name[300], why[512];
	bool unknown;
	int fd = -1;

	for (size_t i = 0; i < p->n_endpoints && fd < 0; i++)
		if ((fd = try(p->endpoints[i], name, &unknown, why, sizeof why)) >= 0)
			snprintf(host, size, "%s", name);
	return fd;
}

void doctor_reach(struct doctor *d, struct doctor_chain *chain)
{
	const struct conf_peer *p = d->peer;
	const char *good = NULL;
	char host[300], why[512], first[512] = "";
	bool unknown, any = false;
	int fd;

	if (!doctor_reaches(d, chain, "name")) {
		doctor_reaches(d, chain, "TCP");
		return;
	}
	for (size_t i = 0; i < p->n_endpoints && !good; i++) {
		if ((fd = try(p->endpoints[i], host, &unknown, why, sizeof why)) >= 0) {
			good = p->endpoints[i];
			close(fd);
		} else if (!*first || (!any && !unknown)) {
			snprintf(first, sizeof first, "%s", why);
		}
		any = any || !unknown;
	}
	if (!any)
		doctor_failed(d, chain, "name", DOCTOR_HERE, first,
		              "set an endpoint whose name this machine can resolve (`availbridge peer set %s --endpoint HOST:PORT`), "
		              "or the resolver right; then `availbridge reload`.",
		              p->name);
	else
		doctor_ok(d, "name", "%s", good ? "it resolves" : "they resolve");
	if (!doctor_reaches(d, chain, "TCP"))
		return;
	if (good)
		doctor_ok(d, "TCP", "%s takes connections%s%s", good, *first ? "; but " : "", first);
	else
		doctor_failed(d, chain, "TCP", DOCTOR_THERE, first,
		              "see that the daemon runs, that link_listen is what the endpoint here says, and that no firewall on the "
		              "way shuts that port; if that site has moved: `availbridge peer set %s --endpoint HOST:PORT` here, and reload.", p->name);
}
