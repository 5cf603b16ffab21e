#include "bridge/process/invitations.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/base/text.h"
#include "bridge/conf/conf.h"
#include "bridge/process/control_server.h"
#include "bridge/process/messages.h"
#include "bridge/process/spawn.h"
#include "pki/pairing.h"

enum { OPEN_MAX_INVITATIONS = 8, TRIES = 3, VALID_MAX = 7 * 86400, WRITE_MS = 10000, SENTENCE = 2000 };

struct invitation {
	struct invitation *next;
	struct invitations *all;
	char name[64], text[PKI_INVITATION_TEXT_MAX + 1], by[PKI_PIN_TEXT];
	char id[2 * PKI_INVITATION_ID_LEN + 1];
	uint64_t expires;
	unsigned tries;
	bool done;
	int waiter;               /* who wants to hear how it ended, or -1 */
	struct loop_timer *end;
	pid_t writer;             /* writes the peer now, or 0 */
	int output;               /* what it says */
	uint64_t handle;
	struct loop_timer *patience;
};

struct invitations {
	struct loop *loop;
	const char *conf_path;
	size_t (*tell)(void *arg, uint16_t type, const void *data, size_t len);
	void *arg;
	struct invitation *list;
};

static uint64_t now(void)
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

static void tell(const struct invitation *i, bool gone)
{
	struct buf b;

	buf_init(&b, INVITATION_MAX);
	pack(i, gone, &b);
	if (!b.failed)
		i->all->tell(i->all->arg, MSG_INVITATION, buf_ptr(&b), b.len);
	buf_wipe(&b);
}

static void answer(struct invitation *i, int code, const char *text)
{
	if (i->waiter >= 0)
		control_say(i->all->loop, i->waiter, code, text);
	i->waiter = -1;
}

static void forget(struct invitation *i, const char *why)
{
	struct invitation **at = &i->all->list;

	answer(i, 1, why);
	tell(i, true);
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
	uint64_t t = now();

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

static struct invitation *with_id(const struct invitations *v, const char *id)
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
	uint64_t t = now();
	const char *why;
	size_t n = 0;

	for (i = v->list; i; i = i->next)
		n += i != old;
	if (n >= OPEN_MAX_INVITATIONS)
		return "Too many invitations are open. Wait until one has run out, or withdraw one with `availbridge peer invite --cancel`.\n";
	if (!conf_name_valid(name) || strlen(text) > PKI_INVITATION_TEXT_MAX || !pki_invitation_parse(text, &inv,
	    &why) || inv.expires <= t ||
	    inv.expires - t > VALID_MAX)
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
	tell(i, false);
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
	answer(i, 1, "Somebody else waits for this invitation now.\n");
	i->waiter = fd;
	if (i->done)
		answer(i, 0, "");
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
	uint64_t t = now();
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

/* ---- what bridges say ---- */

static void tried(struct invitations *v, struct unpack *u)
{
	struct invitation *i = with_id(v, unpack_str(u));
	const char *pin = unpack_str(u);
	bool proven = unpack_u8(u);

	if (!i || !unpack_done(u) || !pin || strlen(pin) >= sizeof i->by)
		return;
	if (proven && !i->by[0])
		strcpy(i->by, pin);
	else if (!proven && !i->by[0])
		i->tries -= i->tries > 0;
	tell(i, false);
	if (!i->tries)
		answer(i, 1, "The invitation is closed: its secret was tried wrongly three times. The log names the keys. Make a new one, and compare the pins by voice.\n");
}

static void written(struct invitations *v, uint64_t handle, const char *why)
{
	struct buf b;

	buf_init(&b, INVITATION_MAX);
	pack_u64(&b, handle);
	pack_u8(&b, !why);
	pack_str(&b, why);
	v->tell(v->arg, MSG_WRITTEN, buf_ptr(&b), b.len);
	buf_free(&b);
}

static void too_long(void *arg)
{
	struct invitation *i = arg;

	kill(i->writer, SIGKILL);
}

/* availbridge -c CONF peer add NAME --unconfirmed CODE --pin PIN --endpoint ... --domain ... */
static int start_writer(struct invitation *i, const char *pin, const char *code, const struct pki_offer *o)
{
	enum { FIXED = 8 };
	char *argv[FIXED + PKI_OFFER_ENDPOINTS + PKI_OFFER_DOMAINS + 1], *at, *words;
	size_t n = 0, k, size = (PKI_OFFER_ENDPOINTS + PKI_OFFER_DOMAINS + 2) * (PKI_OFFER_WORD + 16);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	if (!(at = words = malloc(size)))
		abort();
#define WORD(...) (argv[n++] = at, at += snprintf(at, size - (size_t)(at - words), __VA_ARGS__) + 1)
	argv[n++] = "availbridge";
	argv[n++] = "-c";
	argv[n++] = (char *)i->all->conf_path;
	argv[n++] = "peer";
	argv[n++] = "add";
	argv[n++] = i->name;
	WORD("--unconfirmed=%s", code);
	WORD("--pin=%s", pin);
	for (k = 0; k < o->n_endpoints; k++)
		WORD("--endpoint=%s", o->endpoints[k]);
	for (k = 0; k < o->n_domains; k++)
		WORD("--domain=%s", o->domains[k]);
#undef WORD
	argv[n] = NULL;
	i->writer = spawn_verb(argv, ends[1]);
	free(words);
	close(ends[1]);
	i->output = ends[0];
	if (i->writer < 0) {
		i->writer = 0;
		close(i->output);
		i->output = -1;
		return -1;
	}
	fcntl(i->output, F_SETFL, O_NONBLOCK);
	i->patience = loop_timer_new(i->all->loop, WRITE_MS, too_long, i);
	return 0;
}

static void paired(struct invitations *v, struct unpack *u)
{
	uint64_t handle = unpack_u64(u);
	struct invitation *i = with_id(v, unpack_str(u));
	const char *pin = unpack_str(u), *code = unpack_str(u), *why = NULL;
	struct pki_offer *o = calloc(1, sizeof *o);

	if (!o)
		abort();
	if (u->bad || !pin || !code || !pki_offer_read(u->p, u->left, o) || !conf_offer_valid(o))
		why = "this site could not understand its own bridge";
	else if (!i || now() >= i->expires)
		why = "the invitation has run out";
	else if (i->done || i->writer || (i->by[0] && strcmp(i->by, pin) != 0))
		why = "the invitation was used already";
	else {
		snprintf(i->by, sizeof i->by, "%s", pin);
		i->handle = handle;
		if (start_writer(i, pin, code, o) != 0)
			why = "this site could not start the process that writes settings";
	}
	if (why) {
		log_event(LOG_LEVEL_WARN, "pairing-not-written", LS("name", i ? i->name : NULL), LS("pin", pin), LS("text", why));
		written(v, handle, why);
	}
	free(o);
}

void invitations_said(struct invitations *v, uint16_t type, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);

	if (type == MSG_TRIED)
		tried(v, &u);
	else if (type == MSG_PAIRED)
		paired(v, &u);
}

/* What a writer said, as one line. */
static void read_output(int fd, char *out, size_t size)
{
	ssize_t n = read(fd, out, size - 1);

	out[n > 0 ? n : 0] = 0;
	for (char *s = out; *s; s++)
		if (*s == '\n')
			*s = s[1] ? ' ' : 0;
}

bool invitations_reaped(struct invitations *v, pid_t pid, int status)
{
	struct invitation *i = v->list;
	char text[SENTENCE];
	bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	while (i && i->writer != pid)
		i = i->next;
	if (!i)
		return false;
	read_output(i->output, text, sizeof text);
	close(i->output);
	i->output = -1;
	i->writer = 0;
	loop_timer_free(i->patience);
	i->patience = NULL;
	if (ok) {
		i->done = true;
		log_event(LOG_LEVEL_INFO, "pairing-written", LS("name", i->name), LS("pin", i->by));
	} else {
		log_event(LOG_LEVEL_WARN, "pairing-not-written", LS("name", i->name), LS("pin", i->by), LS("text",
		          text[0] ? text : "the writer did not end well"));
	}
	written(v, i->handle, ok ? NULL : "that site could not write us down: its log and its `peer invite` say why");
	tell(i, false);
	if (ok)
		answer(i, 0, "");
	else if (i->waiter >= 0) {
		strncat(text, "\n", sizeof text - strlen(text) - 1);
		answer(i, 1, text);
	}
	return true;
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
