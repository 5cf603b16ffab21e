#include "bridge/directory/servers.h"
#include <string.h>

void servers_begin(struct servers *s)
{
	memset(s->tried, 0, sizeof s->tried);
}

int servers_next(struct servers *s, int64_t now)
{
	int found = -1;

	if (now < s->rest_until)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		if (s->tried[i])
			continue;
		if (now >= s->skip_until[i]) {
			found = (int)i;
			break;
		}
		if (found < 0)
			found = (int)i; /* passed over for now, but better than none */
	}
	if (found >= 0)
		s->tried[found] = true;
	return found;
}

void servers_failed(struct servers *s, size_t i, int64_t now)
{
	s->skip_until[i] = now + SERVER_SKIP_MS;
	for (size_t k = 0; k < s->n; k++)
		if (now >= s->skip_until[k])
			return;
	s->rest_until = now + SERVERS_REST_MS;
}

void servers_work(struct servers *s, size_t i)
{
	s->skip_until[i] = 0;
	s->rest_until = s->refused_ms = 0;
}

void servers_without_ticket(struct servers *s, int64_t now)
{
	s->rest_until = now + SERVERS_TICKET_MS;
}

int64_t servers_refused(struct servers *s, int64_t now)
{
	s->refused_ms = s->refused_ms ? 4 * s->refused_ms : SERVERS_REFUSED_MS;
	if (s->refused_ms > SERVERS_REFUSED_MOST_MS)
		s->refused_ms = SERVERS_REFUSED_MOST_MS;
	s->rest_until = now + s->refused_ms;
	return s->refused_ms;
}
