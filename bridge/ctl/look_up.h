#ifndef BRIDGE_CTL_LOOK_UP_H
#define BRIDGE_CTL_LOOK_UP_H
#include "bridge/directory/look_up.h"

/* What is known of people, for verbs: from the settings and, by a session of the verb's own, from the directory. */
struct ctl_people;

/* Over ${c} (borrowed for its life). NULL when out of memory. Caller frees. */
struct ctl_people *ctl_people_new(const struct conf *c);
/* Frees it. NULL is allowed. */
void ctl_people_free(struct ctl_people *p);

/* One address as it is known, and who said so. */
struct ctl_known {
	const struct fb_entry *entry;   /* NULL when out of memory */
	bool asked;                     /* the directory was asked; answer says what it said */
	struct directory_answer answer; /* without its groups, which are in the entry */
};
/* Looks ${address} (normal) up, as the daemon would. The caller ends with ctl_known_free(). */
void ctl_look_up(struct ctl_people *p, const char *address, struct ctl_known *out);
/* Releases what it holds. */
void ctl_known_free(struct ctl_known *k);

/*
 * Rules and groups see canonical addresses. Is ${word}, normal, of one of them an address of ours that is the alias of somebody else's? Yes with the
 * canonical one in ${out}. No without a question for what is no address of ours.
 */
enum fb_fact ctl_alias_of(struct ctl_people *p, const char *word, char out[FB_ADDRESS_MAX + 1]);

/* What to do about the directory after a look-up that could not tell, by the ${step} that was the last. */
const char *ctl_directory_remedy(const char *step);
#endif
