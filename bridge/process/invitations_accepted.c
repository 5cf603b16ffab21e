#include "bridge/process/invitations_own.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/conf/conf.h"
#include "bridge/process/messages.h"
#include "bridge/process/spawn.h"

/* What bridges say of guests with an invitation, and the process that writes down the peer that one has become. */

enum { WRITE_MS = 10000, SENTENCE = 2000 };

static void tried(struct invitations *v, struct unpack *u)
{
	struct invitation *i = invitation_with_id(v, unpack_str(u));
	const char *pin = unpack_str(u);
	bool proven = unpack_u8(u);

	if (!i || !unpack_done(u) || !pin || strlen(pin) >= sizeof i->by)
		return;
	if (proven && !i->by[0])
		strcpy(i->by, pin);
	else if (!proven && !i->by[0])
		i->tries -= i->tries > 0;
	invitation_tell(i, false);
	if (!i->tries)
		invitation_answer(i, 1,
		                  "The invitation is closed: its secret was tried wrongly three times. The log names the keys. "
		                  "Make a new one, and compare the pins by voice.\n");
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
	struct invitation *i = invitation_with_id(v, unpack_str(u));
	const char *pin = unpack_str(u), *code = unpack_str(u), *why = NULL;
	struct pki_offer *o = calloc(1, sizeof *o);

	if (!o)
		abort();
	/* a bridge that somebody else runs in may say anything */
	if (u->bad || !pin || strlen(pin) >= PKI_PIN_TEXT || !code || strlen(code) >= PKI_CODE_MAX || !pki_offer_read(u->p, u->left, o) ||
	    !conf_offer_valid(o))
		why = "this site could not understand its own bridge";
	else if (!i || invitations_now() >= i->expires)
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
	invitation_tell(i, false);
	if (ok)
		invitation_answer(i, 0, "");
	else if (i->waiter >= 0) {
		strncat(text, "\n", sizeof text - strlen(text) - 1);
		invitation_answer(i, 1, text);
	}
	return true;
}
