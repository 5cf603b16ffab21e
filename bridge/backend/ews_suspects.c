#include "bridge/backend/ews_suspects.h"
#include <string.h>

/* FNV-1a: it only spreads, and who could choose addresses to collide would gain a call that others share. */
static size_t place_of(const char *address)
{
	uint32_t h = 2166136261u;

	for (; *address; address++)
		h = (h ^ (uint8_t)*address) * 16777619u;
	return h % EWS_SUSPECTS;
}

void ews_suspect(struct ews_suspects *s, const char *address, int64_t now_ms)
{
	size_t i = place_of(address);

	s->list[i].until_ms = s->last_ms = now_ms + EWS_SUSPECT_MS;
	strcpy(s->list[i].address, address);
}

void ews_trust(struct ews_suspects *s, const char *address)
{
	size_t i;

	if (!s->last_ms)
		return; /* nobody ever was one: as with most backends, and who looks for each mailbox finds nothing */
	i = place_of(address);
	if (strcmp(s->list[i].address, address) == 0)
		s->list[i].until_ms = 0;
}

bool ews_is_suspect(const struct ews_suspects *s, const char *address, int64_t now_ms)
{
	size_t i;

	if (s->last_ms <= now_ms)
		return false;
	i = place_of(address);
	return s->list[i].until_ms > now_ms && strcmp(s->list[i].address, address) == 0;
}
