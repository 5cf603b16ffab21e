#include "bridge/process/invitations_own.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/conf/conf.h"
#include "bridge/process/control_server.h"
#include "bridge/process/messages.h"

/* Which invitations are open, and what verbs ask of them. */

enum { OPEN_MAX_INVITATIONS = 8, TRIES = 3, VALID_MAX = 7 * 86400 };

uint64_t invitations_now(void)
{
	time_t t = time(NULL);

	return t < 0 ? 0 : (uint64_t)t;
}

static void pack(const struct invitation *i, bool gone, struct buf *out)
{
	pack_str(out, i->name);
	pack_str(out, i->text);
	pack_u32(out, i->tries);
	pack_u8(out, i->done);
	pack_u8(out, gone);
	pack_str(out, i->by[0] ? i->by : NULL);
}

void invitation_tell(const struct invitation *i, bool gone)
{
	struct buf b;

	buf_init(&b, INVITATION_MAX);
	pack(i, gone, &b);
	if (!b.failed)
		i->all->tell(i->all->arg, MSG_INVITATION, buf_ptr(&b), b.len);
	buf_wipe(&b);
}

void invitation_answer(struct invitation *i, int code, const char *text)
{
	if (i->waiter >= 0)
		control_say(i->all->loop, i->waiter, code, text);
	i->waiter = -1;
}

static void forget(struct invitation *i, const char *why)
{
	struct invitation **at = &i->all->list;

	invitation_answer(i, 1, why);
	invitation_tell(i, true);
	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	loop_timer_free(i->end);
	loop_timer_free(i->patience);
	if (i->writer)
		kill(i->writer, SIGKILL);
	if (i->output >= 0)
		close(i->output);
	explicit_bzero(i, sizeof *i);
	free(i);
}

static void ran_out(void *arg)
{
	struct invitation *i = arg;
	uint64_t t = invitations_now();

	if (t < i->expires) { /* the clock was set back meanwhile */
		loop_timer_again(i->end, (int64_t)(i->expires - t) * 1000);
		return;
	}
	if (!i->done)
		log_event(LOG_LEVEL_INFO, "invitation-ran-out", LS("name", i->name));
	forget(i, "The invitation has run out, and nobody accepted it.\n");
}

static struct invitation *named(const struct invitations *v, const char *name)
{
	struct invitation *i = v->list;

	while (i && strcmp(i->name, name) != 0)
		i = i->next;
	return i;
}

struct invitation *invitation_with_id(const struct invitations *v, const char *id)
{
	struct invitation *i = v->list;

	while (i && (!id || strcmp(i->id, id) != 0))
		i = i->next;
	return i;
}

/* ---- the control socket ---- */

static const char *open_one(struct invitations *v, const char *name, const char *text)
{
	struct pki_invitation inv;
	struct invitation *i, *old = named(v, name);
	uint64_t t = invitations_now();
	const char *why;
	size_t n = 0;

	for (i = v->list; i; i = i->next)
		n += i != old;
	if (n >= OPEN_MAX_INVITATIONS)
		return "Too many invitations are open. Wait until one has run out, or withdraw one with `availbridge peer invite --cancel`.\n";
	if (!conf_name_valid(name) || strlen(text) > PKI_INVITATION_TEXT_MAX || !pki_invitation_parse(text, &inv, &why) ||
	    inv.expires <= t || inv.expires - t > VALID_MAX)
		return "This is no invitation.\n";
	if (old && old->writer)
		return "The invitation of that name is being accepted at this very moment.\n";
	if (old)
		forget(old, "The invitation was replaced by a new one.\n");
	if (!(i = calloc(1, sizeof *i)))
		abort();
	*i = (struct invitation){.next = v->list, .all = v, .expires = inv.expires, .tries = TRIES, .waiter = -1, .output = -1};
	strcpy(i->name, name);
	strcpy(i->text, text);
	text_hex(i->id, inv.id, sizeof inv.id);
	explicit_bzero(&inv, sizeof inv);
	i->end = loop_timer_new(v->loop, (int64_t)(i->expires - t) * 1000, ran_out, i);
	v->list = i;
	invitation_tell(i, false);
	log_event(LOG_LEVEL_INFO, "invitation-open", LS("name", name), LI("seconds", i->expires - t));
	return NULL;
}

static void wait_for(struct invitations *v, const char *name, int fd)
{
	struct invitation *i = named(v, name);

	if (!i || (!i->done && !i->tries)) {
		control_say(v->loop, fd, 1, "No such invitation is open.\n");
		return;
	}
	invitation_answer(i, 1, "Somebody else waits for this invitation now.\n");
	i->waiter = fd;
	if (i->done)
		invitation_answer(i, 0, "");
}

bool invitations_request(struct invitations *v, int fd, const char *line)
{
	struct invitation *i;
	const char *why, *text;
	char name[64];

	if (strncmp(line, "invite ", 7) == 0) {
		text = strchr(line + 7, ' ');
		if (!text || (size_t)(text - line - 7) >= sizeof name)
			why = "This is no invitation.\n";
		else {
			snprintf(name, sizeof name, "%.*s", (int)(text - line - 7), line + 7);
			why = open_one(v, name, text + 1);
		}
		control_say(v->loop, fd, why ? 1 : 0, why ? why : "");
	} else if (strncmp(line, "invite-wait ", 12) == 0) {
		wait_for(v, line + 12, fd);
	} else if (strncmp(line, "uninvite ", 9) == 0) {
		i = named(v, line + 9);
		if (i)
			forget(i, "The invitation was withdrawn.\n");
		control_say(v->loop, fd, i ? 0 : 1, i ? "" : "No such invitation is open.\n");
	} else if (strncmp(line, "pairing-failed ", 15) == 0) {
		/* the verb `peer accept` has no log of its own */
		log_event(LOG_LEVEL_WARN, "pairing-failed", LS("text", line + 15));
		control_say(v->loop, fd, 0, "");
	} else {
		return false;
	}
	return true;
}

void invitations_begin(struct invitations *v, struct channel *bridge)
{
	struct buf b;

	for (const struct invitation *i = v->list; i; i = i->next) {
		buf_init(&b, INVITATION_MAX);
		pack(i, false, &b);
		channel_send(bridge, MSG_INVITATION, buf_ptr(&b), b.len, -1);
		buf_wipe(&b);
	}
}

void invitations_pack(const struct invitations *v, struct buf *out)
{
	uint64_t t = invitations_now();
	uint32_t n = 0;

	for (const struct invitation *i = v->list; i; i = i->next)
		n++;
	pack_u32(out, n);
	for (const struct invitation *i = v->list; i; i = i->next) {
		pack_str(out, i->name);
		pack_u64(out, i->expires > t ? i->expires - t : 0);
		pack_u32(out, i->tries);
		pack_str(out, i->by[0] ? i->by : NULL);
		pack_u8(out, i->done);
	}
}

/* ---- the whole ---- */

struct invitations *invitations_new(struct loop *l, const char *conf_path, size_t (*tell_all)(void *arg, uint16_t type,
                                    const void *data, size_t len), void *arg)
{
	struct invitations *v = calloc(1, sizeof *v);

	if (!v)
		abort();
	*v = (struct invitations){.loop = l, .conf_path = conf_path, .tell = tell_all, .arg = arg};
	return v;
}

void invitations_free(struct invitations *v)
{
	if (!v)
		return;
	while (v->list)
		forget(v->list, "The daemon is ending.\n");
	free(v);
}
