#include <stdio.h>
#include "bridge/availability/reason.h"
#include "bridge/ctl/doctor.h"
#include "bridge/link/link.h"

void doctor_mailbox(const struct conf *c, char out[DOCTOR_MAILBOX])
{
	snprintf(out, DOCTOR_MAILBOX, "availbridge-doctor@%s", c->primary_domain);
}

static void their_look_up(struct doctor *d, const struct link_probe *said)
{
	static const char hop[] = "its look-up";
	const char *domain = d->conf->primary_domain, *name = d->peer->name, *behind = d->deaf;
	char what[512], mailbox[DOCTOR_MAILBOX];

	doctor_mailbox(d->conf, mailbox);
	snprintf(what, sizeof what, "it asked us about %s: %s", mailbox, fb_reason_row(said->look_up)->sentence);
	behind = behind ? behind : !said->rows ? "its table" : !said->rules_out ? "its rules out" : !said->link ? "its link to us" : NULL;
	if (behind) {
		doctor_skipped(d, hop, "%s comes first", behind);
		return;
	}
	switch (said->look_up) {
	case FB_NOT_COMPUTED:
		doctor_skipped(d, hop, "it did not ask: its rules do not let its organisation as a whole ask about %s, or its version "
		                       "does not know how", domain);
		break;
	case FB_OK:
	case FB_NO_ACCESS:
		doctor_ok(d, hop, "it asked us about %s, and our answer arrived there", mailbox);
		break;
	case FB_NOT_ALLOWED:
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what, "it asks in the name of a domain (primary_domain there) that has no row for it here: "
		              "`availbridge address-space add --forest-name DOMAIN --peer %s`, then `availbridge reload`.", name);
		break;
	case FB_BUSY:
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what,
		              "see in `availbridge status` which budget it has used up here, whether the audit can be written, or what keeps this "
		              "site busy.");
		break;
	case FB_DIRECTORY_FAILED:
		doctor_failed(d, NULL, hop, DOCTOR_BOTH, what, "event=directory-failed in the log says why: in ours if a hop above fails, too, else in that of %s.",
		              name);
		break;
	case FB_CALENDAR_FAILED:
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what, "see our calendars and backends above, and the log around the line with target=%s.", mailbox);
		break;
	default:
		doctor_failed(d, NULL, hop, DOCTOR_THERE, what, "run `availbridge doctor %s`: it names the hop.", d->conf->site);
	}
}

void doctor_told(struct doctor *d, struct doctor_chain *chain, const struct link_probe *said, const char *why)
{
	const struct conf *c = d->conf;
	const char *domain = c->primary_domain, *site = c->site, *name = d->peer->name;

	if (!said) {
		doctor_skipped(d, "its side", "%s does not tell (%s)", name, why && *why ? why : "what came is no answer");
		return;
	}
	if (!said->rows)
		doctor_failed(d, chain, "its table", DOCTOR_THERE, "the table there gives us no domain",
		              "`availbridge address-space add --forest-name %s --peer %s` with the name that we have there, if it is "
		              "not %s; then reload.", domain, site, site);
	else
		doctor_ok(d, "its table", "%u domain%s ours there", said->rows, said->rows == 1 ? " is" : "s are");
	if (!said->access)
		doctor_failed(d, chain, "its rules in", DOCTOR_THERE, "free/busy access is off for us there, or its level is None: we see nothing",
		              "`availbridge peer set %s --free-busy-access-enabled yes --free-busy-access-level AvailabilityOnly`, then reload.", site);
	else if (!said->rules_in)
		doctor_failed(d, chain, "its rules in", DOCTOR_THERE, "no rule there gives us more than None: we see nothing",
		              "`availbridge rule add --peer %s --direction in --requester '*' --target '*' --level AvailabilityOnly`, "
		              "or a narrower one; then reload.", site);
	else
		doctor_ok(d, "its rules in", "access is on, %u rule%s above None", said->rules_in, said->rules_in == 1 ? "" : "s");
	if (!said->rules_out)
		doctor_failed(d, NULL, "its rules out", DOCTOR_THERE, "no rule there lets its people ask us",
		              "if they are to: `availbridge rule add --peer %s --direction out --requester '*' --target '*' --level "
		              "LimitedDetails`, then reload.", site);
	else
		doctor_ok(d, "its rules out", "%u rule%s above None", said->rules_out, said->rules_out == 1 ? "" : "s");
	if (!said->backend)
		doctor_failed(d, chain, "its calendars", DOCTOR_THERE, "it has nobody who reads calendars at the moment",
		              "look at `availbridge status` and the log there.");
	else
		doctor_ok(d, "its calendars", "there is somebody to read them");
	if (!said->link)
		doctor_failed(d, NULL, "its link to us", DOCTOR_THERE, "it has no connection on which it could ask us",
		              "run `availbridge doctor %s`: it names the hop. If it waits for us to connect (dial in there), then here `availbridge peer set %s "
		              "--dial out` and `availbridge reload`.", site, name);
	else
		doctor_ok(d, "its link to us", "up");
	their_look_up(d, said);
}
