#include "bridge/ctl/pins.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/process/notes.h"
#include "pki/identity.h"

/* The slots of a peer, as they shall be. */
struct slots {
	char pin[PKI_PIN_TEXT], next[PKI_PIN_TEXT]; /* "" = none */
	char pin_from[PKI_PIN_TEXT], next_from[PKI_PIN_TEXT]; /* under which key it was announced; "" = the admin wrote it: what `peer unpin` goes by */
};

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, PKI_PIN_LEN) == 0;
}

static void put_slot(struct buf *out, const char *keyword, const char *pin, const char *from)
{
	if (pin[0])
		buf_printf(out, "%s %s%s%s\n", keyword, pin, from[0] ? " from=" : "", from);
}

static void put_slots(struct buf *out, const struct slots *s)
{
	put_slot(out, "pin", s->pin, s->pin_from);
	put_slot(out, "next-pin", s->next, s->next_from);
}

/* The file of ${name} with the lines of its pins as ${s} has them, all others as they stand. 0, or -1 after a sentence; the edit is over then. */
static int write_slots(struct ctl_edit *e, const char *name, const struct slots *s)
{
	struct lines *l = ctl_peer_read(e, name);
	char file[CTL_PEER_FILE];
	struct buf out;
	bool put = false;

	if (!l) {
		ctl_edit_drop(e);
		return -1;
	}
	buf_init(&out, 32 << 20);
	for (size_t i = 0; i < l->n; i++) {
		const struct line *line = &l->list[i];

		if (line->n && (strcmp(line->words[0], "pin") == 0 || strcmp(line->words[0], "next-pin") == 0)) {
			if (!put)
				put_slots(&out, s);
			put = true;
			continue;
		}
		buf_add(&out, line->raw, line->raw_len);
		buf_putc(&out, '\n');
	}
	if (!put)
		put_slots(&out, s);
	ctl_peer_file(file, name);
	ctl_edit_put_text(e, file, buf_cstr(&out));
	buf_free(&out);
	lines_free(l);
	return ctl_edit_commit(e);
}

static void slots_of(const struct conf_peer *p, struct slots *out)
{
	*out = (struct slots){0};
	if (p->n_pins > 0)
		pki_pin_text(out->pin, p->pins[0]);
	if (p->n_pins > 1)
		pki_pin_text(out->next, p->pins[1]);
	if (p->n_pins > 0 && p->announced[0])
		pki_pin_text(out->pin_from, p->from[0]);
	if (p->n_pins > 1 && p->announced[1])
		pki_pin_text(out->next_from, p->from[1]);
}

/* Whose ${pin} is already, or NULL. */
static const char *owner_of(const struct conf *c, const uint8_t pin[PKI_PIN_LEN])
{
	uint8_t own[PKI_PIN_LEN];
	struct buf error;
	int r;

	buf_init(&error, 1024);
	r = pki_identity_pin(c->identity_certificate, own, &error);
	buf_free(&error);
	if (r == 0 && same(own, pin))
		return "this very site";
	for (size_t i = 1; i < c->n_peers; i++)
		for (size_t k = 0; k < c->peers[i].n_pins; k++)
			if (same(c->peers[i].pins[k], pin))
				return c->peers[i].name;
	return NULL;
}

static bool has(const struct conf_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	for (size_t k = 0; k < p->n_pins; k++)
		if (same(p->pins[k], pin))
			return true;
	return false;
}

/* Why the announced ${pin} cannot be taken for ${p} in the words that the peer gets, or NULL. */
static const char *refuse_next(const struct conf *c, const struct conf_peer *p, const uint8_t under[PKI_PIN_LEN],
                               const uint8_t pin[PKI_PIN_LEN])
{
	if (!p || !p->enabled)
		return "no such peer is enabled there";
	if (!has(p, under))
		return "the key of the connection is not known there any more";
	if (p->n_pins == 2)
		return "another next key was taken there before this one; if nobody announced that, the key in use was stolen: call that site";
	if (owner_of(c, pin))
		return "that key belongs to somebody there already";
	return NULL;
}

/* With accept_next = "confirm": notes ${pin} to be confirmed. Prints the result. */
static int wait_for_admin(const struct conf *c, const char *name, const uint8_t pin[PKI_PIN_LEN])
{
	uint8_t before[PKI_PIN_LEN];

	if (notes_get(c->state_dir, NOTES_PENDING, name, before)) {
		puts(same(before, pin) ? "waits" : "refused: another next key waits there for the admin");
		return CTL_DONE;
	}
	if (notes_put(c->state_dir, NOTES_PENDING, name, pin) != 0) {
		ctl_say("%s/%s cannot be written: %s", c->state_dir, NOTES_PENDING, strerror(errno));
		return CTL_NO;
	}
	puts("waits");
	return CTL_DONE;
}

/* The edit is begun; it is ended here. Prints "taken", "waits" or "refused: WHY". */
static int take(struct ctl_edit *e, const struct conf *c, const char *name, const uint8_t under[PKI_PIN_LEN],
                const uint8_t pin[PKI_PIN_LEN])
{
	const struct conf_peer *p = conf_peer_named(c, name);
	const char *why = refuse_next(c, p, under, pin);
	struct slots s;
	int r = CTL_DONE;

	if (p && p->enabled && p->n_pins == 2 && same(p->pins[1], pin) && has(p, under)) {
		puts("taken");
	} else if (why) {
		printf("refused: %s\n", why);
	} else if (strcmp(c->accept_next, "confirm") == 0) {
		r = wait_for_admin(c, name, pin);
	} else {
		slots_of(p, &s);
		pki_pin_text(s.next, pin);
		pki_pin_text(s.next_from, under);
		if (write_slots(e, name, &s) < 0)
			return CTL_NO;
		puts("taken");
		return CTL_DONE;
	}
	ctl_edit_drop(e);
	return r;
}

/* Only a peer's own old pin, said under its next one. */
static int drop(struct ctl_edit *e, const struct conf *c, const char *name, const uint8_t under[PKI_PIN_LEN],
                const uint8_t pin[PKI_PIN_LEN])
{
	const struct conf_peer *p = conf_peer_named(c, name);
	struct slots s;

	if (!p || !p->enabled || !has(p, under)) {
		puts("refused: the key of the connection is not known there any more");
	} else if (!has(p, pin)) {
		puts("taken");
	} else if (p->n_pins != 2 || !same(p->pins[0], pin) || !same(p->pins[1], under)) {
		puts("refused: only the key that came next may retire the one before it");
	} else {
		slots_of(p, &s);
		memcpy(s.pin, s.next, sizeof(s.pin));
		memcpy(s.pin_from, s.next_from, sizeof(s.pin_from));
		s.next[0] = s.next_from[0] = 0;
		if (write_slots(e, name, &s) < 0)
			return CTL_NO;
		puts("taken");
		return CTL_DONE;
	}
	ctl_edit_drop(e);
	return CTL_DONE;
}

typedef int judge_fn(struct ctl_edit *e, const struct conf *c, const char *name, const uint8_t under[PKI_PIN_LEN],
                     const uint8_t pin[PKI_PIN_LEN]);

static int announced(int argc, char **argv, const char *conf_path, judge_fn *judge)
{
	const char *under_text = NULL, *pin_text = NULL;
	const struct ctl_option options[] = {{"under", .value = &under_text}, {"pin", .value = &pin_text}, {0}};
	uint8_t under[PKI_PIN_LEN], pin[PKI_PIN_LEN];
	struct ctl_words words;
	struct ctl_edit edit;
	struct conf *c;
	int r = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1 || !under_text || !pin_text || !pki_pin_parse(under_text, under) ||
	    !pki_pin_parse(pin_text, pin))
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	if (c)
		r = judge(&edit, c, words.list[0], under, pin);
	else
		ctl_edit_drop(&edit);
	conf_free(c);
	return r;
}

int ctl_peer_take_next(int argc, char **argv, const char *conf_path)
{
	return announced(argc, argv, conf_path, take);
}

int ctl_peer_drop_old(int argc, char **argv, const char *conf_path)
{
	return announced(argc, argv, conf_path, drop);
}

static int confirm(struct ctl_edit *e, const struct conf *c, const char *name)
{
	const struct conf_peer *p = conf_peer_named(c, name);
	uint8_t pin[PKI_PIN_LEN];
	struct slots s;
	const char *why;

	if (!p || !notes_get(c->state_dir, NOTES_PENDING, name, pin)) {
		ctl_say("no next key of %s waits to be confirmed", name);
	} else if ((why = refuse_next(c, p, p->pins[0], pin))) {
		ctl_say("the next key that %s announced cannot be taken: %s", name, why);
	} else {
		slots_of(p, &s);
		pki_pin_text(s.next, pin);
		pki_pin_text(s.next_from, p->pins[0]); /* what waits is forgotten when that key is revoked */
		if (write_slots(e, name, &s) < 0)
			return CTL_NO;
		if (notes_put(c->state_dir, NOTES_PENDING, name, NULL) != 0)
			ctl_say("%s/%s cannot be written: %s", c->state_dir, NOTES_PENDING, strerror(errno));
		return ctl_edit_done("%s may use its next key %s.", name, s.next);
	}
	ctl_edit_drop(e);
	return CTL_NO;
}

int ctl_peer_confirm_next(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;
	struct ctl_edit edit;
	struct conf *c;
	int r = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	if (c)
		r = confirm(&edit, c, words.list[0]);
	else
		ctl_edit_drop(&edit);
	conf_free(c);
	return r;
}

static bool read_pin(const char *text, char out[PKI_PIN_TEXT])
{
	uint8_t pin[PKI_PIN_LEN];

	if (!text)
		return true;
	if (!pki_pin_parse(text, pin)) {
		ctl_say("'%s' is no pin; use what `availbridge identity show` prints there: sha256: and 64 hex digits", text);
		return false;
	}
	pki_pin_text(out, pin);
	return true;
}

int ctl_peer_set_pins(const char *conf_path, const char *name, const char *pin, const char *next_pin)
{
	const struct conf_peer *p;
	struct slots s, before;
	struct ctl_edit edit;
	struct conf *c;
	int r = CTL_NO;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	p = c ? conf_peer_named(c, name) : NULL;
	if (p) {
		slots_of(p, &before);
		s = before;
		if (pin) /* what stood beside the old one came with the old one */
			s.next[0] = s.pin_from[0] = 0;
		if (pin || next_pin)
			s.next_from[0] = 0;
		r = read_pin(pin, s.pin) && read_pin(next_pin, s.next) ? CTL_DONE : CTL_USAGE;
	} else if (c) {
		ctl_say("there is no peer %s", name);
	}
	conf_free(c);
	if (r != CTL_DONE) {
		ctl_edit_drop(&edit);
		return r;
	}
	if (write_slots(&edit, name, &s) < 0)
		return CTL_NO;
	printf("Before: pin %s%s%s\nNow:    pin %s%s%s\n", before.pin, before.next[0] ? ", next " : "", before.next, s.pin,
	       s.next[0] ? ", next " : "", s.next);
	return CTL_DONE;
}
