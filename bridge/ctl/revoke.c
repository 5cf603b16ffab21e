#include <stdio.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/process/notes.h"

/* Shutting out a peer or a key, now and not at the next reload. */

enum { SHUT_MS = 5000 };

int ctl_peer_shut(const char *conf_path, const char *request, const char *done)
{
	struct buf reply;
	int code = CTL_NO;

	buf_init(&reply, 1 << 20);
	switch (ctl_daemon_call(conf_path, request, SHUT_MS, &code, &reply)) {
	case CTL_DAEMON_ABSENT:
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
	const struct conf_peer *peer;
	bool slot[2];
	size_t n;
};

/*
 * The pin itself, and what was announced under it: that may be the next key of whoever stole it. Where the file does not say who
 * announced the next pin, it could have been the thief.
 */
static void find_gone(struct gone *g, const struct conf_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	*g = (struct gone){.peer = p};
	for (size_t i = 0; i < p->n_pins; i++)
		g->slot[i] = memcmp(p->pins[i], pin, PKI_PIN_LEN) == 0 || (p->announced[i] && memcmp(p->from[i], pin, PKI_PIN_LEN) == 0);
	if (p->n_pins == 2 && g->slot[0] && (!p->announced[1] || memcmp(p->from[1], p->pins[0], PKI_PIN_LEN) == 0))
		g->slot[1] = true;
	g->n = (size_t)g->slot[0] + (size_t)g->slot[1];
}

static void put_pin(struct buf *out, const char *keyword, const struct conf_peer *p, size_t slot)
{
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, p->pins[slot]);
	buf_printf(out, "%s %s", keyword, text);
	if (p->announced[slot]) {
		pki_pin_text(text, p->from[slot]);
		buf_printf(out, " from=%s", text);
	}
	buf_putc(out, '\n');
}

/* The peer's file without those pins; without any it is switched off, since it cannot be known any more. */
static int write_without(struct ctl_edit *e, const struct gone *g)
{
	bool off = g->n == g->peer->n_pins;
	struct lines *l = ctl_peer_read(e, g->peer->name);
	char file[CTL_PEER_FILE];
	struct buf out;

	if (!l)
		return -1;
	buf_init(&out, 32 << 20);
	for (size_t i = 0; i < l->n; i++) {
		const struct line *line = &l->list[i];

		if (line->number == g->peer->pin_lines[0] || (g->peer->n_pins == 2 && line->number == g->peer->pin_lines[1])) {
			size_t k = line->number == g->peer->pin_lines[0] ? 0 : 1;

			if (!g->slot[k]) /* the first that stays is the current one */
				put_pin(&out, k && !g->slot[0] ? "next-pin" : "pin", g->peer, k);
		} else if (off && line->n == 2 && strcmp(line->words[0], "enabled") == 0) {
			buf_puts(&out, "enabled no\n");
		} else {
			buf_add(&out, line->raw, line->raw_len);
			buf_putc(&out, '\n');
		}
	}
	ctl_peer_file(file, g->peer->name);
	ctl_edit_put_text(e, file, buf_cstr(&out));
	buf_free(&out);
	lines_free(l);
	return 0;
}

static void say_gone(struct buf *done, const struct gone *g, const uint8_t pin[PKI_PIN_LEN])
{
	char text[PKI_PIN_TEXT];

	pki_pin_text(text, pin);
	buf_printf(done, "The pin %s of the peer %s is removed.", text, g->peer->name);
	for (size_t i = 0; i < g->peer->n_pins; i++) {
		if (!g->slot[i] || memcmp(g->peer->pins[i], pin, PKI_PIN_LEN) == 0)
			continue;
		pki_pin_text(text, g->peer->pins[i]);
		buf_printf(done, " So is the pin %s, which %s.", text,
		           g->peer->announced[i] ? "was announced under it" : "stood beside it as the next one: whoever has the key may have announced it");
	}
	if (g->n == g->peer->n_pins)
		buf_printf(done, " No pin is left, so the peer is disabled; once %s has a new key, pair again.", g->peer->name);
}

/* An announcement that waits for the admin's word was made under a key of this peer: nobody shall confirm the thief's. */
static void forget_waiting(const struct conf *c, const struct gone *g, struct buf *done)
{
	char text[PKI_PIN_TEXT];
	uint8_t waits[PKI_PIN_LEN];

	if (!notes_get(c->state_dir, NOTES_PENDING, g->peer->name, waits))
		return;
	pki_pin_text(text, waits);
	if (notes_put(c->state_dir, NOTES_PENDING, g->peer->name, NULL) == 0)
		buf_printf(done, " The next key %s, announced and not confirmed yet, is forgotten.", text);
	else
		buf_printf(done, " The next key %s still waits in %s/%s, which could not be written: do NOT confirm it.", text, c->state_dir, NOTES_PENDING);
}

int ctl_peer_unpin(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	char request[80 + 2 * PKI_PIN_TEXT], text[PKI_PIN_TEXT];
	uint8_t pin[PKI_PIN_LEN];
	struct gone g = {0};
	struct ctl_words words;
	struct ctl_edit edit;
	struct buf done;
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
	for (size_t i = 1; c && !g.n && i < c->n_peers; i++)
		find_gone(&g, &c->peers[i], pin);
	pki_pin_text(text, pin);
	buf_init(&done, 4096);
	if (c && !g.n)
		ctl_say("no peer has the pin %s; `availbridge peer list` shows those that there are", text);
	if (!g.n || write_without(&edit, &g) < 0) {
		ctl_edit_drop(&edit);
	} else if (ctl_edit_commit(&edit) == 0) {
		int n = snprintf(request, sizeof(request), "pin-shut %s", text);

		for (size_t i = 0; i < g.peer->n_pins; i++)
			if (g.slot[i] && memcmp(g.peer->pins[i], pin, PKI_PIN_LEN) != 0) {
				pki_pin_text(text, g.peer->pins[i]);
				n += snprintf(request + n, sizeof(request) - (size_t)n, " %s", text);
			}
		say_gone(&done, &g, pin);
		forget_waiting(c, &g, &done);
		code = ctl_peer_shut(conf_path, request, buf_cstr(&done));
	}
	buf_free(&done);
	conf_free(c);
	return code;
}
