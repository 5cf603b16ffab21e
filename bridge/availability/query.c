#include "bridge/availability/query.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"

static const char *const levels[] = {"None", "AvailabilityOnly", "LimitedDetails"};

static const struct {
	unsigned view;
	const char *name;
} views[] = {
	{FB_VIEW_NONE, "None"},
	{FB_VIEW_MERGED, "MergedOnly"},
	{FB_VIEW_EVENTS, "FreeBusy"},
	{FB_VIEW_EVENTS | FB_VIEW_MERGED, "FreeBusyMerged"},
	{FB_VIEW_DETAILS | FB_VIEW_EVENTS, "Detailed"},
	{FB_VIEW_DETAILS | FB_VIEW_EVENTS | FB_VIEW_MERGED, "DetailedMerged"},
};
enum { VIEWS = sizeof views / sizeof *views };

const char *fb_level_name(enum fb_level l)
{
	return levels[(unsigned)l <= FB_LEVEL_LIMITED_DETAILS ? (unsigned)l : FB_LEVEL_NONE];
}

bool fb_level_named(const char *s, enum fb_level *out)
{
	for (unsigned i = FB_LEVEL_NONE; i <= FB_LEVEL_LIMITED_DETAILS; i++)
		if (text_ieq(s, levels[i])) {
			*out = (enum fb_level)i;
			return true;
		}
	if (!text_ieq(s, "Reviewer"))
		return false;
	*out = FB_LEVEL_LIMITED_DETAILS;
	return true;
}

static unsigned view_whole(unsigned view)
{
	view &= FB_VIEW_MERGED | FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	return view & FB_VIEW_DETAILS ? view | FB_VIEW_EVENTS : view;
}

const char *fb_view_name(unsigned view)
{
	view = view_whole(view);
	for (unsigned i = 0; i < VIEWS; i++)
		if (views[i].view == view)
			return views[i].name;
	return views[0].name;
}

bool fb_view_named(const char *s, unsigned *out)
{
	for (unsigned i = 0; i < VIEWS; i++)
		if (strcmp(views[i].name, s) == 0) {
			*out = views[i].view;
			return true;
		}
	return false;
}

unsigned fb_view_cut(unsigned asked, enum fb_level level)
{
	asked = view_whole(asked);
	switch (level) {
	case FB_LEVEL_LIMITED_DETAILS:
		return asked;
	case FB_LEVEL_AVAILABILITY_ONLY:
		return asked & ~(unsigned)FB_VIEW_DETAILS;
	case FB_LEVEL_NONE:
		break;
	}
	return FB_VIEW_NONE;
}

/* Copies ${s} to *${at}, which goes on behind it. */
static const char *put_text(char **at, const char *s)
{
	const char *copy = *at;

	*at = stpcpy(*at, s) + 1;
	return copy;
}

struct fb_mailbox *fb_mailboxes_copy(const struct fb_mailbox *from, size_t n)
{
	struct fb_mailbox *copy;
	size_t bytes = 1; /* none asked about is no lack of memory */
	char *at;

	for (size_t i = 0; i < n; i++)
		bytes += sizeof *copy + strlen(from[i].asked) + 1 + (from[i].address == from[i].asked ? 0 : strlen(from[i].address) + 1);
	if (!(copy = malloc(bytes)))
		return NULL;
	at = (char *)(copy + n);
	for (size_t i = 0; i < n; i++) {
		copy[i].asked = put_text(&at, from[i].asked);
		copy[i].address = from[i].address == from[i].asked ? copy[i].asked : put_text(&at, from[i].address);
	}
	return copy;
}

void fb_request_id_new(char out[FB_REQUEST_ID_LEN + 1])
{
	static unsigned char store[64 * FB_REQUEST_ID_LEN / 2]; /* one call into the kernel for many */
	static size_t left;

	if (!left)
		text_random(store, left = sizeof store);
	left -= FB_REQUEST_ID_LEN / 2;
	text_hex(out, store + left, FB_REQUEST_ID_LEN / 2);
}

bool fb_request_id_valid(const char *s)
{
	return strspn(s, "0123456789abcdef") == FB_REQUEST_ID_LEN && s[FB_REQUEST_ID_LEN] == '\0';
}

unsigned fb_hops_of(const char *client_id)
{
	const size_t n = sizeof FB_HOPS_WORD - 1;
	unsigned long hops = strncmp(client_id, FB_HOPS_WORD, n) == 0 ? strtoul(client_id + n, NULL, 10) : 0;

	return hops < FB_HOPS_MAX ? (unsigned)hops : FB_HOPS_MAX;
}
