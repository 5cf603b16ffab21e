#ifndef BRIDGE_AVAILABILITY_FACTS_H
#define BRIDGE_AVAILABILITY_FACTS_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/availability/address.h"

/* Every look-up has three results; the third is never turned into one of the others. */
enum fb_fact { FB_COULD_NOT_TELL = 0, FB_YES, FB_NO };

/* What decides about one target mailbox besides the rules. */
struct fb_facts {
	enum fb_fact exists;
	enum fb_fact hidden;
};

/* One group that rules mention, and whether somebody is in it. */
struct fb_membership {
	const char *group; /* the word behind "group:", borrowed from the settings */
	enum fb_fact member;
};
/* What the directory said of one address: counted, and never changed once it is made. */
struct fb_entry {
	unsigned refs;
	enum fb_fact exists;               /* could-not-tell also where there is no directory: then the backend knows */
	enum fb_fact hidden;
	bool disabled;                     /* it does not exist because its account is disabled: for logs and people, never for an answer */
	char address[FB_ADDRESS_MAX + 1];  /* canonical; as asked if the directory has no other */
	char moved_to[FB_ADDRESS_MAX + 1]; /* where the mailbox is now, outside of our domains; "" = it is here */
	size_t n_groups;
	struct fb_membership groups[];     /* every group that any rule or backend mentions, by name (strcmp), each once */
};

/*
 * A new entry of ${address} (normal) with room for ${n_groups}, held once; all else is zero or "", which is "could not tell" and "here". NULL
 * when out of memory. Its maker fills it in before anybody else sees it.
 */
struct fb_entry *fb_entry_new(const char *address, size_t n_groups);
/* One more holds ${e}. Returns it. */
const struct fb_entry *fb_entry_hold(const struct fb_entry *e);
/* One less does; the last frees it. NULL is allowed. */
void fb_entry_release(const struct fb_entry *e);
/* Is ${e} in ${group}? Could not tell if ${e} is NULL or says nothing of that group. */
enum fb_fact fb_entry_member(const struct fb_entry *e, const char *group);
#endif
