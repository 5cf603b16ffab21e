#include "bridge/backend/backends.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/remote.h"

/* A word of a backend's `serves`. */
struct served {
	const char *word;
	size_t backend;
};

struct backends {
	const struct conf *conf;
	struct served *served; /* by word; no word comes twice */
	size_t n_served;
	struct calendars *folder;
	struct remote *remote;
};

static int by_word(const void *a, const void *b)
{
	return strcmp(((const struct served *)a)->word, ((const struct served *)b)->word);
}

static void list_served(struct backends *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->conf->n_backends; i++)
		n += b->conf->backends[i].n_serves;
	b->served = calloc(n + 1, sizeof *b->served);
	if (!b->served)
		abort();
	for (size_t i = 0; i < b->conf->n_backends; i++)
		for (size_t k = 0; k < b->conf->backends[i].n_serves; k++)
			b->served[b->n_served++] = (struct served){b->conf->backends[i].serves[k], i};
	qsort(b->served, n, sizeof *b->served, by_word);
}

struct backends *backends_new(const struct conf *c, struct calendars *folder, backends_submit_fn *submit, void *const *pools)
{
	struct backends *b = calloc(1, sizeof *b);

	if (!b)
		abort();
	*b = (struct backends){.conf = c, .folder = folder, .remote = remote_new(c, submit, pools)};
	list_served(b);
	return b;
}

void backends_free(struct backends *b)
{
	if (!b)
		return;
	remote_free(b->remote);
	free(b->served);
	free(b);
}

/* True with the place of the backend that serves ${word} itself. */
static bool serving(const struct backends *b, const char *word, size_t *found)
{
	const struct served key = {word, 0}, *s = bsearch(&key, b->served, b->n_served, sizeof key, by_word);

	if (s)
		*found = s->backend;
	return s != NULL;
}

/* By group: yes with the place in ${found}. A group that could not be asked about could be the one, so the search ends there. */
static enum fb_fact serving_group(const struct conf *c, const struct fb_entry *who, size_t *found)
{
	static const char prefix[] = "group:";

	for (size_t i = 0; i < c->n_backends; i++)
		for (size_t k = 0; k < c->backends[i].n_serves; k++) {
			const char *word = c->backends[i].serves[k];

			if (strncmp(word, prefix, sizeof prefix - 1) != 0)
				continue;
			enum fb_fact member = fb_entry_member(who, word + sizeof prefix - 1);
			if (member != FB_NO) {
				*found = i;
				return member;
			}
		}
	return FB_NO;
}

/* Who serves ${address}: yes with the place in ${found}; no, then it is the folder's; or the directory could not say. */
static enum fb_fact choose(const struct backends *b, const struct fb_entry *who, const char *address, size_t *found)
{
	const char *at = strrchr(address, '@');
	enum fb_fact by_group;

	if (serving(b, address, found))
		return FB_YES;
	by_group = serving_group(b->conf, who, found);
	if (by_group != FB_NO)
		return by_group;
	return (at && serving(b, at + 1, found)) || serving(b, "*", found) ? FB_YES : FB_NO;
}

enum fb_fact backends_serving(const struct backends *b, const struct fb_entry *who, const char *address, const struct conf_backend **found)
{
	size_t i;
	enum fb_fact served = choose(b, who, address, &i);

	*found = served == FB_YES ? &b->conf->backends[i] : NULL;
	return served;
}

void backends_fetch(struct backends *b, const struct fb_entry *who, const char *address, struct fb_window w, int interval,
                    unsigned hops, int64_t deadline_ms, backends_done_cb *cb, void *arg)
{
	struct fb_answer *a;
	size_t i;

	switch (choose(b, who, address, &i)) {
	case FB_YES: remote_fetch(b->remote, i, address, w, interval, hops, deadline_ms, cb, arg); break;
	case FB_NO: calendars_fetch(b->folder, address, w, cb, arg); break;
	default:
		a = fb_answer_new(FB_DIRECTORY_FAILED);
		if (!a)
			abort();
		cb(arg, a);
		fb_answer_free(a);
	}
}

enum fb_fact backends_exists(struct backends *b, const struct fb_entry *who, const char *address)
{
	size_t i;

	switch (choose(b, who, address, &i)) {
	case FB_YES: return FB_YES;
	case FB_NO: return calendars_exists(b->folder, address);
	default: return FB_COULD_NOT_TELL;
	}
}
