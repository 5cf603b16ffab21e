#include "bridge/process/shutting.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bridge/process/control_server.h"
#include "bridge/process/messages.h"

enum { PATIENCE_MS = 1000 };

/* Somebody waits until a peer or a key is cut off everywhere. */
struct waiting {
	struct waiting *next;
	struct shutting *s;
	struct loop_timer *timer;
	uint32_t number;
	int fd;
};

struct shutting {
	struct loop *loop;
	const struct generations *all;
	struct waiting *waiting;
	uint32_t count;
	char **late; /* what was cut off while settings were being read that may not know it */
	size_t n_late;
};

struct shutting *shutting_new(struct loop *l, const struct generations *all)
{
	struct shutting *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	*s = (struct shutting){.loop = l, .all = all};
	return s;
}

static void waiting_free(struct waiting *w)
{
	struct waiting **at = &w->s->waiting;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_free(w->timer);
	free(w);
}

void shutting_free(struct shutting *s)
{
	if (!s)
		return;
	while (s->waiting) {
		close(s->waiting->fd);
		waiting_free(s->waiting);
	}
	shutting_reads(s);
	free(s);
}

void shutting_check(struct shutting *s)
{
	struct waiting *w, *next;

	for (w = s->waiting; w; w = next) {
		size_t open = 0;

		next = w->next;
		for (size_t i = 0; i < s->all->n; i++)
			open += generation_shut_open(s->all->list[i], w->number);
		if (open)
			continue;
		control_say(s->loop, w->fd, 0, "");
		waiting_free(w);
	}
}

static void too_slow(void *arg)
{
	struct waiting *w = arg;
	const struct generations *all = w->s->all;

	for (size_t i = 0; i < all->n; i++)
		generation_shut_force(all->list[i], w->number);
}

/* None may be lost: without memory for it this process ends, and all that it runs with it. */
static void note_late(struct shutting *s, const char *what)
{
	for (size_t i = 0; i < s->n_late; i++)
		if (strcmp(s->late[i], what) == 0)
			return;
	s->late = realloc(s->late, (s->n_late + 1) * sizeof *s->late);
	if (!s->late || !(s->late[s->n_late++] = strdup(what)))
		abort();
}

void shutting_ask(struct shutting *s, int fd, const char *line, bool noted)
{
	struct waiting *w = calloc(1, sizeof *w);
	char what[CONTROL_LINE_MAX];

	if (!w)
		abort();
	snprintf(what, sizeof what, "%s%s", strncmp(line, "peer", 4) == 0 ? "peer" : "pin", strchr(line, ' '));
	*w = (struct waiting){.next = s->waiting, .s = s, .fd = fd, .number = ++s->count};
	s->waiting = w;
	for (size_t i = 0; i < s->all->n; i++)
		generation_shut(s->all->list[i], w->number, what);
	if (noted)
		note_late(s, what);
	w->timer = loop_timer_new(s->loop, PATIENCE_MS, too_slow, w);
	shutting_check(s);
}

void shutting_reads(struct shutting *s)
{
	while (s->n_late)
		free(s->late[--s->n_late]);
	free(s->late);
	s->late = NULL;
}

void shutting_late(struct shutting *s, struct generation *g)
{
	for (size_t i = 0; g && i < s->n_late; i++)
		generation_shut(g, ++s->count, s->late[i]);
	shutting_reads(s);
}
