#ifndef BRIDGE_ACL_DECIDE_H
#define BRIDGE_ACL_DECIDE_H
#include <stdbool.h>
#include "bridge/availability/facts.h"
#include "bridge/availability/query.h"
#include "bridge/availability/reason.h"
#include "bridge/conf/conf.h"

/*
 * How much of whose calendar which requester may see. Pure: reads the rules, asks nobody, never waits.
 *
 * THE SECOND SEAL: a verdict's fields can be assigned in acl/decide.c alone (const for everybody else), and all-zero
 * means "nothing".
 */
#ifdef ACL_DECIDE_C
#define ACL_SEALED
#else
#define ACL_SEALED const
#endif
struct acl_verdict {
	enum fb_level ACL_SEALED level;
	enum fb_reason ACL_SEALED reason; /* FB_OK with a level above None, FB_NO_ACCESS, FB_NOT_ALLOWED, or why it could not be told */
	int ACL_SEALED rule;              /* 1-based in peer and direction; 0 none matched; -1 the switch; -2 unknown or hidden target */
	bool ACL_SEALED capped;           /* the peer's cap lowered what the rule gave */
};

/* Whether an address belongs to a group: yes, no, or could not tell. ${group} is what stands behind "group:". */
typedef enum fb_fact acl_member_fn(void *arg, const char *group, const char *address);

struct acl_question {
	const struct conf_peer *peer; /* whose rules: the asking peer (in), the asked peer (out), or "local" (in) */
	bool in;
	const struct fb_requester *requester;
	const char *target;           /* normal address */
	struct fb_facts facts;        /* of a target of ours (in); for `out` both are taken as exists, not hidden */
	acl_member_fn *member;        /* NULL only where no rule names a group */
	void *member_arg;
};

/*
 * First match wins; no match is None. Above the `in` rules of a peer stand its switch and its cap. If a rule that could
 * match needs a fact that could not be had, evaluation stops there with FB_DIRECTORY_FAILED. An organisation matches "*" and
 * its domain, never an address or a group. Out: FB_NOT_ALLOWED if no rule above None could match this requester whatever the
 * target. The same work is done for unknown, hidden and denied targets.
 */
struct acl_verdict acl_decide(const struct acl_question *q);
#endif
