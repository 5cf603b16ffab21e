#include "bridge/link/server.h"
#include <string.h>

/*
 * The standard health service, by hand: its request has one string (field 1: the service's name, "" for the whole server),
 * its response one enumeration (field 1).
 */
enum health { HEALTH_SERVING = 1, HEALTH_NOT_SERVING = 2, HEALTH_SERVICE_UNKNOWN = 3, NAME_MAX_BYTES = 100 };

static void say(struct link_call *c, enum health h)
{
	uint8_t *to = link_stream_put(&c->st, 2);

	if (!to)
		return;
	to[0] = 1 << 3;
	to[1] = (uint8_t)h;
	link_stream_send(&c->st);
}

/* The service's name; false if the message is not of that type. A name of ours needs no length over one byte. */
static bool read_name(const uint8_t *p, size_t n, char name[NAME_MAX_BYTES + 1])
{
	name[0] = 0;
	if (n == 0)
		return true;
	if (n < 2 || p[0] != (1 << 3 | 2) || p[1] > NAME_MAX_BYTES || p[1] != n - 2 || memchr(p + 2, 0, p[1]))
		return false;
	memcpy(name, p + 2, p[1]);
	name[p[1]] = 0;
	return true;
}

void server_health(struct link_call *c, const uint8_t *p, size_t n)
{
	char name[NAME_MAX_BYTES + 1];
	bool draining = c->conn->server->draining, known;

	if (!read_name(p, n, name)) {
		server_call_finish(c, GRPC_INVALID_ARGUMENT, "this is no HealthCheckRequest that this server reads");
		return;
	}
	known = !name[0] || strcmp(name, "availbridge.link.v1.Availability") == 0 || strcmp(name, "grpc.health.v1.Health") == 0;
	if (!known && c->method == LINK_CHECK) {
		server_call_finish(c, GRPC_NOT_FOUND, "no such service");
		return;
	}
	say(c, !known ? HEALTH_SERVICE_UNKNOWN : draining ? HEALTH_NOT_SERVING : HEALTH_SERVING);
	if (c->method == LINK_CHECK || draining)
		server_call_finish(c, GRPC_OK, NULL);
}

void server_health_gone(struct link_call *c)
{
	say(c, HEALTH_NOT_SERVING);
	server_call_finish(c, GRPC_OK, NULL);
}
