#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "bridge/base/json.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/audit.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/pins.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/process/course.h"
#include "bridge/process/notes.h"
#include "bridge/process/sandbox.h"
#include "pki/identity.h"
#include "pki/key.h"
#include "pki/rotation.h"

/* Our keys as their files show them. */
struct own {
	struct conf *c;
	struct pki_identity_files f;
	uint8_t pin[PKI_PIN_LEN], next[PKI_PIN_LEN], old[PKI_PIN_LEN];
	bool has_next, has_old;
	struct buf why;
};

static void own_free(struct own *o)
{
	buf_free(&o->why);
	conf_free(o->c);
}

/* False after a sentence; own_free() either way. */
static bool own_read(struct own *o, const char *conf_path)
{
	int next, old;

	memset(o, 0, sizeof(*o));
	buf_init(&o->why, 8192);
	if (!(o->c = ctl_load(conf_path)))
		return false;
	o->f = (struct pki_identity_files){o->c->identity_certificate, o->c->identity_key};
	if (pki_identity_pin(o->f.cert, o->pin, &o->why) < 0 || (next = pki_rotation_pin(&o->f, PKI_NEXT, o->next, &o->why)) < 0 ||
	    (old = pki_rotation_pin(&o->f, PKI_OLD, o->old, &o->why)) < 0) {
		ctl_say("%s", buf_cstr(&o->why));
		return false;
	}
	o->has_next = next;
	o->has_old = old;
	return true;
}

/* The same for a step that needs the private keys: they can be read. */
static bool own_open(struct own *o, const char *conf_path)
{
	sandbox_hide();
	if (!own_read(o, conf_path))
		return false;
	if (conf_key_passphrase(o->c, &o->why) == 0 && pki_key_check(o->f.key, &o->why) == 0)
		return true;
	ctl_say("%s", buf_cstr(&o->why));
	return false;
}

/* True if ${p} has told that our next pin is on its disk. */
static bool took(const struct own *o, const struct conf_peer *p)
{
	uint8_t pin[PKI_PIN_LEN];

	return notes_get(o->c->state_dir, NOTES_TAKEN, p->name, pin, NULL) && memcmp(pin, o->next, PKI_PIN_LEN) == 0;
}

/* Appends the enabled peers that have taken our next pin, or have not, with ", " between; how many. */
static size_t put_takers(const struct own *o, bool taken, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 1; i < o->c->n_peers; i++)
		if (o->c->peers[i].enabled && took(o, &o->c->peers[i]) == taken)
			buf_printf(out, "%s%s", n++ ? ", " : "", o->c->peers[i].name);
	return n;
}

static void show_json(const struct own *o, const char *pin, const char *next)
{
	char old[PKI_PIN_TEXT];
	struct buf b;

	buf_init(&b, 1 << 20);
	pki_pin_text(old, o->old);
	json_open(&b, NULL, '{');
	json_str(&b, "site", o->c->site);
	json_str(&b, "pin", pin);
	json_str(&b, "certificate", o->f.cert);
	json_str(&b, "next", next);
	json_str(&b, "old", o->has_old ? old : NULL);
	for (int round = 0; round < 2; round++) {
		json_open(&b, round ? "not_taken" : "taken", '[');
		for (size_t i = 1; next && i < o->c->n_peers; i++)
			if (o->c->peers[i].enabled && took(o, &o->c->peers[i]) == !round)
				json_str(&b, NULL, o->c->peers[i].name);
		json_close(&b, ']');
	}
	json_close(&b, '}');
	json_print(&b);
}

static void show_text(const struct own *o, const char *pin, const char *next)
{
	char old[PKI_PIN_TEXT];
	struct buf b;

	/* the first line is the pin alone: it is pasted into the other side's `peer add` */
	puts(pin);
	buf_init(&b, 1 << 20);
	if (next) {
		printf("next %s\n", next);
		if (put_takers(o, true, &b))
			printf("  taken by %s\n", buf_cstr(&b));
		buf_reset(&b);
		if (put_takers(o, false, &b))
			printf("  not yet by %s\n", buf_cstr(&b));
	}
	if (o->has_old) {
		pki_pin_text(old, o->old);
		printf("old %s\n", old);
	}
	buf_free(&b);
}

static int show(int argc, char **argv, const char *conf_path)
{
	bool json = false;
	const struct ctl_option options[] = {{"json", .flag = &json}, {0}};
	char pin[PKI_PIN_TEXT], next[PKI_PIN_TEXT];
	struct ctl_words words;
	struct own o;
	bool ok;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("identity");
	ok = own_read(&o, conf_path);
	if (ok) {
		pki_pin_text(pin, o.pin);
		pki_pin_text(next, o.next);
		(json ? show_json : show_text)(&o, pin, o.has_next ? next : NULL);
	}
	own_free(&o);
	return ok ? CTL_DONE : CTL_NO;
}

/* The daemon takes the files as they are now. Returns the verb's exit code. */
static int reload(const char *conf_path)
{
	struct buf reply;
	int code = CTL_NO;

	buf_init(&reply, 1 << 20);
	switch (ctl_daemon_reload(conf_path, &code, &reply)) {
	case CTL_DAEMON_ANSWERED:
		if (code != CTL_DONE)
			ctl_say("the files are changed, but the daemon did not take them: %s", buf_cstr(&reply));
		break;
	case CTL_DAEMON_ABSENT:
		puts("No daemon is running; it will take the files as they are when it starts.");
		code = CTL_DONE;
		break;
	case CTL_DAEMON_SILENT:
		ctl_say("the files are changed, but the daemon did not answer: %s Run `availbridge reload`.", buf_cstr(&reply));
		code = CTL_NO;
	}
	buf_free(&reply);
	return code;
}

/* ---- the steps: each under the folder's lock, with its record in the audit first. CTL_DONE or CTL_NO after a sentence ---- */

static int make_next(struct own *o, const char *conf_path)
{
	const char *const files[] = {o->f.key, o->f.cert, NULL};
	char text[PKI_PIN_TEXT];

	if (o->has_next) {
		pki_pin_text(text, o->next);
		ctl_say("there is a next identity already: %s", text);
		return CTL_NO;
	}
	if (ctl_audit_change(conf_path, "change", files) < 0 ||
	    ctl_audit_came_to(conf_path, files, pki_rotation_next(&o->f, o->c->site, &o->why)) < 0 ||
	    pki_rotation_pin(&o->f, PKI_NEXT, o->next, &o->why) < 1) {
		if (o->why.len)
			ctl_say("%s", buf_cstr(&o->why));
		return CTL_NO;
	}
	pki_pin_text(text, o->next);
	printf("The next identity is made: %s. It is announced to every peer that is connected%s.\n", text,
	       o->has_old ? "; peers take it when the old one is retired (`availbridge identity retire`)" : "");
	return CTL_DONE;
}

static int promote_it(struct own *o, const char *conf_path, bool force)
{
	const char *const files[] = {o->f.key, o->f.cert, NULL};
	char old[PKI_PIN_TEXT], now[PKI_PIN_TEXT], next[PKI_PIN_TEXT];
	struct buf missing;
	size_t n;

	buf_init(&missing, 1 << 20);
	n = o->has_next ? put_takers(o, false, &missing) : 0;
	if (n && !force && o->has_old) {
		ctl_say("not promoted: %s ha%s not taken the next key, for which there is room when the old one is retired: run `availbridge identity retire` "
		        "first; --force promotes all the same.", buf_cstr(&missing), n == 1 ? "s" : "ve");
		buf_free(&missing);
		return CTL_NO;
	}
	if (n && !force) {
		pki_pin_text(next, o->next);
		ctl_say("not promoted: %s ha%s not taken the next key, and the link would break. Wait until it is connected, or run there "
		        "`availbridge peer set %s --next-pin %s`; --force promotes all the same.", buf_cstr(&missing), n == 1 ? "s" : "ve",
			o->c->site, next);
		buf_free(&missing);
		return CTL_NO;
	}
	if (ctl_audit_change(conf_path, "change", files) < 0 ||
	    ctl_audit_came_to(conf_path, files, pki_rotation_promote(&o->f, &o->why)) < 0) {
		if (o->why.len)
			ctl_say("%s", buf_cstr(&o->why));
		buf_free(&missing);
		return CTL_NO;
	}
	pki_pin_text(old, o->pin);
	if (pki_identity_pin(o->f.cert, o->pin, &o->why) == 0)
		pki_pin_text(now, o->pin);
	else
		snprintf(now, sizeof(now), "?");
	printf("The identity is now %s; before it was %s, which peers still take until `availbridge identity retire`.\n", now, old);
	if (n)
		printf("The links to %s are shut until somebody there runs `availbridge peer set %s --pin %s` and reloads.\n",
		       buf_cstr(&missing), o->c->site, now);
	buf_free(&missing);
	return CTL_DONE;
}

static int retire_it(struct own *o, const char *conf_path)
{
	const char *const files[] = {o->f.key, o->f.cert, NULL};
	char text[PKI_PIN_TEXT];
	uint8_t pin[PKI_PIN_LEN];

	if (!o->has_old) {
		ctl_say("there is no old identity to retire");
		return CTL_NO;
	}
	/* noted first: if this is cut, the old key is retired again, and peers are told either way */
	if (notes_put(o->c->state_dir, NOTES_RETIRED, "self", o->old) != 0) {
		ctl_say("%s/%s cannot be written: %s", o->c->state_dir, NOTES_RETIRED, strerror(errno));
		return CTL_NO;
	}
	if (ctl_audit_change(conf_path, "change", files) < 0 ||
	    ctl_audit_came_to(conf_path, files, pki_rotation_retire(&o->f, pin, &o->why)) < 0) {
		if (o->why.len)
			ctl_say("%s", buf_cstr(&o->why));
		return CTL_NO;
	}
	pki_pin_text(text, o->old);
	printf("The old identity %s is removed; every peer is told to drop its pin.\n", text);
	return CTL_DONE;
}

/* Runs ${step} (0 next, 1 promote, 2 promote by force, 3 retire) and has the daemon take it. */
static int locked(const char *conf_path, int step)
{
	struct ctl_edit edit;
	struct own o;
	int r = CTL_NO;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	if (own_open(&o, conf_path))
		r = step == 0 ? make_next(&o, conf_path) : step == 3 ? retire_it(&o, conf_path) : promote_it(&o, conf_path, step == 2);
	own_free(&o);
	ctl_edit_drop(&edit);
	fflush(stdout);
	return r == CTL_DONE ? reload(conf_path) : r;
}

static int next(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("identity");
	return locked(conf_path, 0);
}

static int promote(int argc, char **argv, const char *conf_path)
{
	bool force = false;
	const struct ctl_option options[] = {{"force", .flag = &force}, {0}};
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("identity");
	return locked(conf_path, force ? 2 : 1);
}

static int retire(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("identity");
	return locked(conf_path, 3);
}

/* What is due now, for the daemon, which reloads if this has printed something. */
static int rotate(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	char old_key[4096];
	struct ctl_words words;
	struct ctl_edit edit;
	struct course_facts facts = {.now = time(NULL)};
	struct buf missing;
	struct stat st;
	struct own o;
	int64_t until;
	int r = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("identity");
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	if (own_open(&o, conf_path) && pki_cert_dates(o.f.cert, &facts.born, &until, &o.why) == 0) {
		buf_init(&missing, 1 << 20);
		facts.every_days = o.c->rotate_every;
		facts.has_next = o.has_next;
		facts.has_old = o.has_old;
		facts.all_took = o.has_next && put_takers(&o, false, &missing) == 0;
		if (o.has_old && pki_rotation_path(o.f.key, PKI_OLD, old_key, sizeof(old_key)) == 0 && stat(old_key, &st) == 0)
			facts.promoted = st.st_ctime; /* its current name was taken from it then */
		buf_free(&missing);
		switch (course_due(&facts)) {
		case COURSE_NOTHING:
			r = CTL_DONE;
			break;
		case COURSE_NEXT:
			r = make_next(&o, conf_path);
			break;
		case COURSE_PROMOTE:
			r = promote_it(&o, conf_path, false);
			break;
		case COURSE_RETIRE:
			r = retire_it(&o, conf_path);
		}
	}
	own_free(&o);
	ctl_edit_drop(&edit);
	return r;
}

int ctl_identity(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"show", show}, {"next", next}, {"promote", promote}, {"retire", retire},
		{"rotate", rotate}, {"encrypt", ctl_identity_encrypt}, {"decrypt", ctl_identity_decrypt}, {0}};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
