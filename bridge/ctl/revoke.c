#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/slots.h"
#include "bridge/ctl/verbs.h"
#include "bridge/process/listen.h"
#include "bridge/process/notes.h"

/* Shutting out a peer or a key, now and not at the next reload. */

enum { SHUT_MS = 5000, KNOCK_S = 1 };

static bool takes_connections(const struct addrinfo *a)
{
	const struct timeval most = {.tv_sec = KNOCK_S};
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
	bool taken = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) == 0 &&
	             (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS); /* no room for one more is somebody, too */

	if (fd >= 0)
		close(fd);
	return taken;
}

/* A daemon whose control socket was removed, or was named otherwise in the settings since it started, still holds the link's port. */
static bool link_is_open(const char *conf_path)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct conf_problems problems = {0};
	struct conf *c = conf_load_main(conf_path, &problems);
	struct addrinfo *list = NULL;
	bool open = false;
	const char *port;
	char host[256];

	if (c && listen_split(c->link_listen, host, sizeof host, &port) && getaddrinfo(host[0] ? host : NULL, port, &hints, &list) == 0)
		for (const struct addrinfo *a = list; a && !open; a = a->ai_next)
			open = takes_connections(a);
	if (list)
		freeaddrinfo(list);
	conf_free(c);
	conf_problems_free(&problems);
	return open;
}

int ctl_peer_shut(const char *conf_path, const char *request, const char *done)
{
	struct buf reply;
	int code = CTL_NO;

	buf_init(&reply, 1 << 20);
	switch (ctl_daemon_call(conf_path, request, SHUT_MS, &code, &reply)) {
	case CTL_DAEMON_ABSENT:
		if (link_is_open(conf_path)) {
			ctl_say("%s But nobody listens at the control socket, and the link's port takes connections all the same: a daemon whose socket was removed, "
			        "or was called otherwise when it started, may have its links still up. End it (systemctl restart availbridge) to be sure.", done);
			break;
		}
		printf("%s No daemon is running, so there was no link to cut.\n", done);
		code = CTL_DONE;
		break;
	case CTL_DAEMON_ANSWERED:
		if (code == CTL_DONE)
			printf("%s Its links are cut.\n", done);
		else
			ctl_say("%s But the daemon did not cut its links: %s", done, buf_cstr(&reply));
		break;
	case CTL_DAEMON_SILENT:
		ctl_say("%s But the daemon did not answer, so its links may still be up; restart it to be sure. %s", done, buf_cstr(&reply));
		code = CTL_NO;
	}
	buf_free(&reply);
	return code;
}

/* What of one peer goes with a pin. */
struct gone {
	const struct conf_peer *peer; /* NULL = the pin is nobody's */
	struct ctl_slots before, after;
	bool slot[2];                 /* of before */
};

/*
 * The pin itself, and all that was announced under it or under what came from it: that may be the next key of whoever stole it. Where the
 * file does not say who announced the next pin, it could have been the thief.
 */
static bool find_gone(struct gone *g, const struct conf_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	const struct ctl_slot *next = &g->before.slot[1];

	*g = (struct gone){0};
	ctl_slots_of(p, &g->before);
	for (size_t i = 0; i < g->before.n; i++)
		g->slot[i] = ctl_slot_generation(&g->before.slot[i], pin) >= 0;
	if (g->before.n == 2 && g->slot[0] && (!next->n_from || ctl_slot_generation(next, g->before.slot[0].pin) > 0))
		g->slot[1] = true;
	g->after = g->before;
	for (size_t i = 2; i-- > 0;)
		if (g->slot[i])
			ctl_slots_remove(&g->after, i);
	if (g->slot[0] || g->slot[1])
		g->peer = p;
	return g->peer != NULL;
}

static void say_whence(struct buf *done, const struct ctl_slot *slot, const uint8_t pin[PKI_PIN_LEN])
{
	int generation = ctl_slot_generation(slot, pin);
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, slot->pin);
	buf_printf(done, " So is the pin %s, which ", text);
	if (generation < 0 && slot->n_from)
		buf_puts(done, "was announced under that one.");
	else if (generation < 0)
		buf_puts(done, "stood beside it as the next one: whoever has the key may have announced it.");
	else if (generation == 1)
		buf_puts(done, "was announced under it.");
	else
		buf_printf(done, "comes from it by %d announcements, each under the key before.", generation);
}

static void say_gone(struct buf *done, const struct gone *g, const uint8_t pin[PKI_PIN_LEN])
{
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, pin);
	buf_printf(done, "The pin %s of the peer %s is removed.", text, g->peer->name);
	for (size_t i = 0; i < g->before.n; i++)
		if (g->slot[i] && memcmp(g->before.slot[i].pin, pin, PKI_PIN_LEN) != 0)
			say_whence(done, &g->before.slot[i], pin);
	if (!g->after.n)
		buf_printf(done, " No pin is left, so the peer is disabled; once %s has a new key, pair again.", g->peer->name);
}

/* Nobody has it now or is known to have had it. Where the oldest keys of a peer were forgotten it may be one of those. */
static void say_unknown(const struct conf *c, const char *pin)
{
	struct ctl_slots s;

	ctl_say("no peer has the pin %s, and no peer's pin comes from it; `availbridge peer list` shows those that there are", pin);
	for (size_t i = 1; i < c->n_peers; i++) {
		ctl_slots_of(&c->peers[i], &s);
		if (s.n && s.slot[s.n - 1].n_from == CONF_FROM_MAX)
			ctl_say("%s has changed its key so often that only the last %d are kept: if that pin was one of its first, run `availbridge peer "
			        "disable %s`", c->peers[i].name, CONF_FROM_MAX, c->peers[i].name);
	}
}

/* The request that cuts the links under ${pin} and all that goes with it. */
static void put_request(struct buf *out, const struct gone *g, const uint8_t pin[PKI_PIN_LEN])
{
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, pin);
	buf_printf(out, "pin-shut %s", text);
	for (size_t i = 0; i < g->before.n; i++)
		if (g->slot[i] && memcmp(g->before.slot[i].pin, pin, PKI_PIN_LEN) != 0) {
			pki_pin_text(text, g->before.slot[i].pin);
			buf_printf(out, " %s", text);
		}
}

/* An announcement that waits for the admin's word was made under a key of this peer: nobody shall confirm the thief's. */
static void forget_waiting(const struct conf *c, const struct gone *g, struct buf *done)
{
	char text[PKI_PIN_TEXT];
	uint8_t waits[PKI_PIN_LEN];

	if (!notes_get(c->state_dir, NOTES_PENDING, g->peer->name, waits, NULL))
		return;
	pki_pin_text(text, waits);
	if (notes_put(c->state_dir, NOTES_PENDING, g->peer->name, NULL) == 0)
		buf_printf(done, " The next key %s, announced and not confirmed yet, is forgotten.", text);
	else
		buf_printf(done, " The next key %s still waits in %s/%s, which could not be written: do NOT confirm it.", text,
		           c->state_dir, NOTES_PENDING);
}

/*
 * A key that goes alone could be announced anew by the one that stays: it is noted while the edit holds the lock, so that nothing comes between.
 * Where that cannot be, the key is cut off all the same.
 */
static void note_gone(const struct conf *c, const struct gone *g, struct buf *said)
{
	size_t last = g->slot[1] ? 1 : 0;

	if (notes_put(c->state_dir, NOTES_UNPINNED, g->peer->name, g->before.slot[last].pin) != 0)
		buf_printf(said, " It could not be noted in %s/%s (%s): if %s announces that key again, it is taken again.", c->state_dir, NOTES_UNPINNED,
		           strerror(errno), g->peer->name);
}

int ctl_peer_unpin(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	uint8_t pin[PKI_PIN_LEN];
	struct gone g = {0};
	struct ctl_words words;
	struct ctl_edit edit;
	struct buf done, request;
	struct conf *c;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!pki_pin_parse(words.list[0], pin)) {
		ctl_say("'%s' is no pin; `availbridge peer list` shows them: sha256: and 64 hex digits", words.list[0]);
		return CTL_USAGE;
	}
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	for (size_t i = 1; c && i < c->n_peers && !find_gone(&g, &c->peers[i], pin); i++)
		;
	buf_init(&done, 4096);
	buf_init(&request, 512);
	if (c && !g.peer)
		say_unknown(c, words.list[0]);
	if (g.peer) {
		say_gone(&done, &g, pin);
		note_gone(c, &g, &done);
	}
	if (!g.peer || ctl_slots_put(&edit, g.peer->name, &g.after) < 0) {
		ctl_edit_drop(&edit);
	} else if (ctl_edit_commit(&edit) == 0) {
		put_request(&request, &g, pin);
		forget_waiting(c, &g, &done);
		code = ctl_peer_shut(conf_path, buf_cstr(&request), buf_cstr(&done));
	}
	buf_free(&done);
	buf_free(&request);
	conf_free(c);
	return code;
}
