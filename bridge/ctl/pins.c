#include "bridge/ctl/pins.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/slots.h"
#include "bridge/process/notes.h"
#include "pki/identity.h"
#include "pki/rotation.h"

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, PKI_PIN_LEN) == 0;
}

/* Ends the edit with these pins of ${name}: CTL_DONE, or CTL_NO after a sentence. */
static int commit_slots(struct ctl_edit *e, const char *name, const struct ctl_slots *s)
{
	if (ctl_slots_put(e, name, s) < 0) {
		ctl_edit_drop(e);
		return CTL_NO;
	}
	return ctl_edit_commit(e) < 0 ? CTL_NO : CTL_DONE;
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

/*
 * Was ${pin} of ${p} shut out here? Only an admin's own word brings it back, and not that of the key beside it. 1 = yes, 0 = no, -1 = it cannot be
 * told.
 */
static int is_unpinned(const struct conf *c, const struct conf_peer *p, const uint8_t pin[PKI_PIN_LEN])
{
	uint8_t gone[PKI_PIN_LEN];
	int noted = notes_look(c->state_dir, NOTES_UNPINNED, p->name, gone, NULL);

	return noted == 1 ? same(gone, pin) : noted;
}

/* Why the announced ${pin} cannot be taken for ${p} in the words that the peer gets, or NULL. */
static const char *refuse_next(const struct conf *c, const struct conf_peer *p, const uint8_t under[PKI_PIN_LEN],
                               const uint8_t pin[PKI_PIN_LEN])
{
	int gone;

	if (!p || !p->enabled)
		return "no such peer is enabled there";
	if (!has(p, under))
		return "the key of the connection is not known there any more";
	if (p->n_pins == 2 && same(p->pins[1], under))
		return "there is no room there for it until the key before the one in use is retired (`identity retire`)";
	if (p->n_pins == 2)
		return "another next key was taken there before this one; if nobody announced that, the key in use was stolen: call that site";
	if ((gone = is_unpinned(c, p, pin)))
		return gone > 0 ? "that key was shut out there by `peer unpin`: make another one, or have the admin there run `peer set --next-pin`"
		                : "it cannot be told there whether that key was shut out: the admin there has to mend the file " NOTES_UNPINNED
		                  " of the state folder, or run `peer set --next-pin`";
	if (owner_of(c, pin))
		return "that key belongs to somebody there already";
	return NULL;
}

/* Was what waits for the admin announced under a key that ${p} still has? Else it may be the word of whoever stole one. */
static bool still_stands(const struct conf *c, const struct conf_peer *p, uint8_t under[PKI_PIN_LEN])
{
	return notes_get(c->state_dir, NOTES_UNDER, p->name, under, NULL) && has(p, under);
}

/* With accept_next = "confirm": notes ${pin}, announced ${under} a key of ${p}, to be confirmed. Prints the result. */
static int wait_for_admin(const struct conf *c, const struct conf_peer *p, const uint8_t under[PKI_PIN_LEN],
                          const uint8_t pin[PKI_PIN_LEN])
{
	uint8_t before[PKI_PIN_LEN], whose[PKI_PIN_LEN];

	if (notes_get(c->state_dir, NOTES_PENDING, p->name, before, NULL) && still_stands(c, p, whose)) {
		puts(same(before, pin) ? "waits" : "refused: another next key waits there for the admin");
		return CTL_DONE;
	}
	if (notes_put(c->state_dir, NOTES_UNDER, p->name, under) != 0 || notes_put(c->state_dir, NOTES_PENDING, p->name, pin) != 0) {
		ctl_say("%s/%s cannot be written: %s", c->state_dir, NOTES_PENDING, strerror(errno));
		return CTL_NO;
	}
	puts("waits");
	return CTL_DONE;
}

/* What is noted of ${name} in ${file} is so no more. */
static void forget(const struct conf *c, const char *file, const char *name)
{
	if (notes_put(c->state_dir, file, name, NULL) != 0)
		ctl_say("%s/%s cannot be written: %s", c->state_dir, file, strerror(errno));
}

/* The edit is begun; it is ended here. Prints "taken", "waits" or "refused: WHY". What is not ${proven} is for the admin to judge. */
static int take(struct ctl_edit *e, const struct conf *c, const char *name, const uint8_t under[PKI_PIN_LEN],
                const uint8_t pin[PKI_PIN_LEN], bool proven)
{
	const struct conf_peer *p = conf_peer_named(c, name);
	const char *why = refuse_next(c, p, under, pin);
	struct ctl_slots s;
	int r = CTL_DONE;

	if (p && p->enabled && p->n_pins == 2 && same(p->pins[1], pin) && has(p, under)) {
		puts("taken");
	} else if (why) {
		printf("refused: %s\n", why);
	} else if (!proven || strcmp(c->accept_next, "confirm") == 0) {
		r = wait_for_admin(c, p, under, pin);
	} else {
		ctl_slots_of(p, &s);
		ctl_slots_announce(&s, pin);
		if ((r = commit_slots(e, name, &s)) == CTL_DONE) {
			forget(c, NOTES_PENDING, name); /* it waited, perhaps, before the key in use gave its word */
			puts("taken");
		}
		return r;
	}
	ctl_edit_drop(e);
	return r;
}

/* Only a peer's own old pin, said under its next one. */
static int drop(struct ctl_edit *e, const struct conf *c, const char *name, const uint8_t under[PKI_PIN_LEN],
                const uint8_t pin[PKI_PIN_LEN], bool proven)
{
	const struct conf_peer *p = conf_peer_named(c, name);
	struct ctl_slots s;
	int r = CTL_DONE;

	if (!p || !p->enabled || !has(p, under)) {
		puts("refused: the key of the connection is not known there any more");
	} else if (!proven) {
		puts("refused: nothing shows that the key of the connection has said so");
	} else if (!has(p, pin)) {
		puts("taken");
	} else if (p->n_pins != 2 || !same(p->pins[0], pin) || !same(p->pins[1], under)) {
		puts("refused: only the key that came next may retire the one before it");
	} else {
		ctl_slots_of(p, &s);
		ctl_slots_remove(&s, 0);
		if ((r = commit_slots(e, name, &s)) == CTL_DONE)
			puts("taken");
		return r;
	}
	ctl_edit_drop(e);
	return r;
}

typedef int judge_fn(struct ctl_edit *e, const struct conf *c, const char *name, const uint8_t under[PKI_PIN_LEN],
                     const uint8_t pin[PKI_PIN_LEN], bool proven);

/* Without --proof it is whoever types this who says so; the daemon gives it always, since somebody may run in the process that has heard of it. */
static int announced(int argc, char **argv, const char *conf_path, judge_fn *judge)
{
	const char *under_text = NULL, *pin_text = NULL, *proof = NULL;
	const struct ctl_option options[] = {{"under", .value = &under_text}, {"pin", .value = &pin_text}, {"proof", .value = &proof}, {0}};
	struct pki_statement st = {.retires = judge == drop, .vouches = judge == take};
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
	memcpy(st.from, under, PKI_PIN_LEN);
	memcpy(st.pin, pin, PKI_PIN_LEN);
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	if (c)
		r = judge(&edit, c, words.list[0], under, pin, !proof || pki_proof_holds(proof, &st));
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

/* It uses its next key, and has not come under this one since: for so many days. */
static bool runs_out(const struct conf *c, const struct conf_peer *p)
{
	uint8_t pin[PKI_PIN_LEN];
	int64_t since;

	return c->retire_after_days && p->n_pins == 2 && notes_get(c->state_dir, NOTES_IN_USE, p->name, pin, &since) && same(pin, p->pins[1]) &&
	       time(NULL) - since >= (int64_t)c->retire_after_days * 86400;
}

int ctl_peer_drop_due(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	char name[64] = "", text[PKI_PIN_TEXT];
	struct ctl_words words;
	struct ctl_edit edit;
	struct ctl_slots s;
	struct conf *c;
	int r;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("peer");
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	for (size_t i = 1; c && !name[0] && i < c->n_peers; i++)
		if (runs_out(c, &c->peers[i])) {
			snprintf(name, sizeof(name), "%s", c->peers[i].name);
			ctl_slots_of(&c->peers[i], &s);
		}
	r = c ? CTL_DONE : CTL_NO;
	conf_free(c);
	if (!name[0]) {
		ctl_edit_drop(&edit);
		return r;
	}
	pki_pin_text(text, s.slot[0].pin);
	ctl_slots_remove(&s, 0);
	if (commit_slots(&edit, name, &s) != CTL_DONE)
		return CTL_NO;
	printf("dropped %s %s\n", name, text);
	return CTL_DONE;
}

/* What waited was announced ${under} a key (zero: not known) that is the peer's no more. */
static void forget_fallen(const struct conf *c, const char *name, const uint8_t pin[PKI_PIN_LEN], const uint8_t under[PKI_PIN_LEN])
{
	char text[PKI_PIN_TEXT], by[PKI_PIN_TEXT];

	pki_pin_text(text, pin);
	pki_pin_text(by, under);
	ctl_say("the next key %s is forgotten: it was announced under %s, which is no pin of %s any more; the peer announces the right one by "
	        "itself", text, by, name);
	forget(c, NOTES_PENDING, name);
}

static int confirm(struct ctl_edit *e, const struct conf *c, const char *name)
{
	const struct conf_peer *p = conf_peer_named(c, name);
	uint8_t pin[PKI_PIN_LEN], under[PKI_PIN_LEN] = {0};
	char text[PKI_PIN_TEXT];
	struct ctl_slots s;
	const char *why;

	if (!p || !notes_get(c->state_dir, NOTES_PENDING, name, pin, NULL)) {
		ctl_say("no next key of %s waits to be confirmed", name);
	} else if (!still_stands(c, p, under)) {
		forget_fallen(c, name, pin, under);
	} else if ((why = refuse_next(c, p, under, pin))) {
		ctl_say("the next key that %s announced cannot be taken: %s", name, why);
	} else {
		ctl_slots_of(p, &s);
		ctl_slots_announce(&s, pin); /* under the current key, which is the only one */
		if (commit_slots(e, name, &s) != CTL_DONE)
			return CTL_NO;
		forget(c, NOTES_PENDING, name);
		pki_pin_text(text, pin);
		return ctl_edit_done("%s may use its next key %s.", name, text);
	}
	ctl_edit_drop(e);
	return CTL_NO;
}

int ctl_peer_confirm_next(int argc, char **argv, const char *conf_path)
{
	const char *name;
	struct ctl_edit edit;
	struct conf *c;
	int r = CTL_NO;

	if (ctl_peer_one(argc, argv, &name) != CTL_DONE)
		return CTL_USAGE;
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	if (c)
		r = confirm(&edit, c, name);
	else
		ctl_edit_drop(&edit);
	conf_free(c);
	return r;
}

static bool set_slot(struct ctl_slots *s, size_t i, const char *text)
{
	uint8_t pin[PKI_PIN_LEN];

	if (!pki_pin_parse(text, pin)) {
		ctl_say("'%s' is no pin; use what `availbridge identity show` prints there: sha256: and 64 hex digits", text);
		return false;
	}
	ctl_slots_set(s, i, pin);
	return true;
}

/* What stood beside the old one came with the old one. False after a sentence. */
static bool set_slots(struct ctl_slots *s, const char *pin, const char *next_pin)
{
	if (pin && !set_slot(s, 0, pin))
		return false;
	if (next_pin && !s->n) {
		ctl_say("this peer has no pin that another one could follow: give --pin");
		return false;
	}
	return !next_pin || set_slot(s, 1, next_pin);
}

static void print_slots(const char *label, const struct ctl_slots *s)
{
	char text[2][PKI_PIN_TEXT] = {"none", ""};

	for (size_t i = 0; i < s->n; i++)
		pki_pin_text(text[i], s->slot[i].pin);
	printf("%s pin %s%s%s\n", label, text[0], text[1][0] ? ", next " : "", text[1]);
}

/* The admin has said which keys are right: what waited or was shut out before is so no more. */
static void forget_old_word(const struct conf *c, const struct conf_peer *p, const struct ctl_slots *now)
{
	bool back = false;

	for (size_t i = 0; i < now->n; i++)
		back |= is_unpinned(c, p, now->slot[i].pin) != 0; /* what cannot be read goes with it */
	if (back)
		forget(c, NOTES_UNPINNED, p->name);
	if (now->n == 2)
		forget(c, NOTES_PENDING, p->name);
}

int ctl_peer_set_pins(const char *conf_path, const char *name, const char *pin, const char *next_pin)
{
	const struct conf_peer *p;
	struct ctl_slots s, before;
	struct ctl_edit edit;
	struct conf *c;
	int r = CTL_NO;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	c = ctl_load(conf_path);
	p = c ? conf_peer_named(c, name) : NULL;
	if (p) {
		ctl_slots_of(p, &before);
		s = before;
		r = set_slots(&s, pin, next_pin) ? CTL_DONE : CTL_USAGE;
	} else if (c) {
		ctl_say("there is no peer %s", name);
	}
	if (r != CTL_DONE)
		ctl_edit_drop(&edit);
	else if ((r = commit_slots(&edit, name, &s)) == CTL_DONE)
		forget_old_word(c, p, &s);
	conf_free(c);
	if (r != CTL_DONE)
		return r;
	print_slots("Before:", &before);
	print_slots("Now:   ", &s);
	return CTL_DONE;
}
