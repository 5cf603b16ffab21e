#include "bridge/process/live_pins.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/pack.h"

struct live_pin *live_pin_find(struct live_pin *list, const char *peer, const char *pin)
{
	while (list && (strcmp(list->peer, peer) != 0 || strcmp(list->pin, pin) != 0))
		list = list->next;
	return list;
}

struct live_pin *live_pin_note(struct live_pin **list, const char *peer, const char *pin, bool adds, unsigned reloads)
{
	struct live_pin *p = live_pin_find(*list, peer, pin);

	if (!p) {
		if (!(p = calloc(1, sizeof *p)))
			abort();
		p->next = *list;
		*list = p;
		strcpy(p->peer, peer);
		strcpy(p->pin, pin);
	}
	p->adds = adds;
	p->reload = reloads;
	return p;
}

void live_pin_pack(struct buf *out, uint64_t number, const struct live_pin *p)
{
	pack_u64(out, number);
	pack_u8(out, p->adds);
	pack_str(out, p->peer);
	pack_str(out, p->pin);
}

static void drop(struct live_pin **at)
{
	struct live_pin *p = *at;

	*at = p->next;
	free(p);
}

void live_pins_written(struct live_pin **list, unsigned reloads)
{
	for (struct live_pin **at = list; *at;)
		if ((*at)->reload < reloads)
			drop(at);
		else
			at = &(*at)->next;
}

bool live_pins_named(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at += n)
		if ((at == line || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
			return true;
	return false;
}

void live_pins_forget(struct live_pin **list, const char *line)
{
	for (struct live_pin **at = list; *at;)
		if (live_pins_named(line, (*at)->peer) || live_pins_named(line, (*at)->pin))
			drop(at);
		else
			at = &(*at)->next;
}

void live_pins_free(struct live_pin **list)
{
	while (*list)
		drop(list);
}
