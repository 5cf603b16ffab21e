#include "bridge/process/generations.h"
#include "bridge/base/pack.h"

void generations_add(struct generations *s, struct generation *g)
{
	s->list[s->n++] = g;
}

void generations_remove(struct generations *s, const struct generation *g)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i] == g)
			s->list[i] = s->list[--s->n];
}

size_t generations_tell(const struct generations *s, uint16_t type, const void *data, size_t len)
{
	size_t told = 0;

	for (size_t i = 0; i < s->n; i++)
		told += generation_tell(s->list[i], type, data, len);
	return told;
}

void generations_pack(const struct generations *s, struct buf *out)
{
	pack_u32(out, (uint32_t)s->n);
	for (size_t i = 0; i < s->n; i++)
		generation_pack(s->list[i], out);
}

void generations_reaped(const struct generations *s, pid_t pid, int status)
{
	for (size_t i = 0; i < s->n; i++)
		if (generation_reaped(s->list[i], pid, status))
			return;
}
