#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/process/generation_own.h"

/* Cutting off peers and pins: every bridge of the generation is told, and each that is started later. */

static void send_shut(struct slot *s, uint32_t number, const char *what)
{
	struct buf b;

	s->shut_asked = number; /* who cannot be told owes it as well */
	if (!s->channel)
		return;
	buf_init(&b, SHUT_MAX);
	pack_u32(&b, number);
	pack_str(&b, what);
	channel_send(s->channel, MSG_SHUT, buf_ptr(&b), b.len, -1);
	buf_free(&b);
}

static void remember_shut(struct generation *g, const char *what)
{
	for (size_t i = 0; i < g->n_shut; i++)
		if (strcmp(g->shut[i], what) == 0)
			return;
	g->shut = realloc(g->shut, (g->n_shut + 1) * sizeof *g->shut);
	if (!g->shut || !(g->shut[g->n_shut++] = strdup(what)))
		abort();
}

void generation_shut(struct generation *g, uint32_t number, const char *what)
{
	remember_shut(g, what);
	g->shut_number = number;
	for (size_t i = 0; i < g->bridges; i++)
		send_shut(&g->slots[i], number, what);
}

static bool owes_shut(const struct slot *s, uint32_t number)
{
	return s->pid && s->shut_asked >= number && s->shut_done < number;
}

size_t generation_shut_open(const struct generation *g, uint32_t number)
{
	size_t n = 0;

	for (size_t i = 0; i < g->bridges; i++)
		n += owes_shut(&g->slots[i], number);
	return n;
}

void generation_shut_force(struct generation *g, uint32_t number)
{
	for (size_t i = 0; i < g->bridges; i++)
		if (owes_shut(&g->slots[i], number)) {
			log_event(LOG_LEVEL_ERROR, "bridge-cut", LI("pid", g->slots[i].pid), LS("why", "it did not cut off a peer within a second"));
			slot_kill(&g->slots[i]);
		}
}

void generation_shut_again(struct slot *s)
{
	/* only the last one's reply tells that all are done */
	for (size_t i = 0; i < s->g->n_shut; i++)
		send_shut(s, i + 1 < s->g->n_shut ? 0 : s->g->shut_number, s->g->shut[i]);
}

void generation_shut_done(struct slot *s, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);

	s->shut_done = unpack_u32(&u);
}

void generation_shut_free(struct generation *g)
{
	for (size_t i = 0; i < g->n_shut; i++)
		free(g->shut[i]);
	free(g->shut);
}
