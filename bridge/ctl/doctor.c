#include "bridge/ctl/doctor.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bridge/backend/http.h"
#include "bridge/base/json.h"
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/limited.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/process/sandbox.h"
#include "pki/rotation.h"
#include "pki/tls.h"

enum { DAEMON_MS = 10000, TEXT_MAX_BYTES = 4096 };

/* ---- the report ---- */

/* One line each. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

static void put(struct doctor *d, const char *hop, const char *state, const char *side, const char *text, const char *fix)
{
	const char *peer = d->peer ? d->peer->name : NULL;

	if (!d->json) {
		buf_printf(&d->out, "%-11s  %s%s%s: ", state, peer ? peer : "", peer ? " " : "", hop);
		text_safe(&d->out, text); /* what a peer says of itself is in some sentences */
		if (fix) {
			buf_printf(&d->out, " %s%s: ", strcmp(side, "there") == 0 ? "At " : strcmp(side, "both") == 0 ? "On both sides" : "Here",
			           strcmp(side, "there") == 0 ? peer : "");
			text_safe(&d->out, fix);
		}
		buf_putc(&d->out, '\n');
		return;
	}
	json_open(&d->out, NULL, '{');
	json_str(&d->out, "peer", peer);
	json_str(&d->out, "hop", hop);
	json_str(&d->out, "state", state);
	json_str(&d->out, "text", text);
	json_str(&d->out, "side", fix ? side : NULL);
	json_str(&d->out, "fix", fix);
	json_close(&d->out, '}');
}

void doctor_ok(struct doctor *d, const char *hop, const char *fmt, ...)
{
	char text[TEXT_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	make_printable(text);
	put(d, hop, "ok", NULL, text, NULL);
}

void doctor_skipped(struct doctor *d, const char *hop, const char *fmt, ...)
{
	char text[TEXT_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	make_printable(text);
	put(d, hop, "not reached", NULL, text, NULL);
}

void doctor_failed(struct doctor *d, struct doctor_chain *chain, const char *hop, enum doctor_side side, const char *what,
                   const char *fmt, ...)
{
	static const char *const sides[] = {"here", "there", "both"};
	char fix[TEXT_MAX_BYTES], text[TEXT_MAX_BYTES];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fix, sizeof fix, fmt, ap);
	va_end(ap);
	n = (size_t)snprintf(text, sizeof text - 1, "%s", what);
	if (n && n < sizeof text - 1 && text[n - 1] != '.')
		strcpy(text + n, ".");
	make_printable(text);
	make_printable(fix);
	put(d, hop, "failed", sides[side], text, fix);
	d->failed++;
	if (chain && !chain->broken)
		chain->broken = hop;
}

bool doctor_reaches(struct doctor *d, const struct doctor_chain *chain, const char *hop)
{
	if (chain->broken)
		doctor_skipped(d, hop, "%s comes first", chain->broken);
	return !chain->broken;
}

/* ---- this site ---- */

struct pki_tls *doctor_link_tls(const struct conf *c, struct pki_pinset *pins, struct buf *error)
{
	const struct pki_identity_files f = {c->identity_certificate, c->identity_key};
	char key[4096];

	sandbox_hide();
	if (conf_key_passphrase(c, error) < 0)
		return NULL;
	if (pki_rotation_key(&f, key, sizeof key) != 0) {
		buf_puts(error, "the path of identity_key is too long");
		return NULL;
	}
	return pki_tls_link(c->identity_certificate, key, pins, error);
}

/* The keys open the two doors? */
static bool keys_work(const struct conf *c, struct buf *error)
{
	struct pki_pinset *pins = pki_pinset_new();
	struct pki_tls *link = doctor_link_tls(c, pins, error);
	struct pki_tls *front = link ? pki_tls_front(c->front_certificate, c->front_key, error) : NULL;
	bool ok = link && front;

	pki_tls_free(link);
	pki_tls_free(front);
	pki_pinset_free(pins);
	return ok;
}

/*
 * In a child, which becomes the daemon's user: what is wrong with the settings in its eyes, as a line, and what to do as another; nothing if they
 * are sound.
 */
static void look_at_settings(void *arg, char *conf_path, struct buf *reply)
{
	static const char set_right[] = "Set that right; `availbridge check` says when it is.";
	struct conf_problems problems = {0};
	struct conf *c = ctl_load_as_daemon(conf_path, &problems);
	struct buf error;

	buf_init(&error, TEXT_MAX_BYTES);
	if (c && !keys_work(c, &error))
		conf_problem_add(&problems, c->file, 0, set_right, "%s", buf_cstr(&error));
	if (c) {
		conf_keys_check(c, &problems);
		conf_secrets_check(c, &problems);
		http_check(c, &problems);
	}
	if (problems.n) {
		const struct conf_problem *p = &problems.list[0];

		buf_printf(reply, "%s:%d: %s%s\n%s", p->file, p->line ? p->line : 1, p->what,
		           problems.n > 1 ? " (and more: `availbridge check` names all)" : "", *p->fix ? p->fix : set_right);
	}
	conf_problems_free(&problems);
	conf_free(c);
	buf_free(&error);
}

/* False after the hop has failed: then there is nothing to go on with. */
static bool settings_are_sound(struct doctor *d, const char *hop)
{
	struct limited child = {.run = look_at_settings};
	struct conf_problems problems = {0};
	char *fix;
	struct buf reply;
	bool ok;

	buf_init(&reply, 4 * TEXT_MAX_BYTES);
	ok = limited_do(&child, d->conf_path, &reply);
	limited_end(&child);
	fix = reply.len ? strchr((char *)buf_cstr(&reply), '\n') : NULL;
	if (fix)
		*fix++ = 0;
	if (!ok)
		doctor_failed(d, NULL, hop, DOCTOR_HERE, "the settings could not be read: the reader gave up on them",
		              "compare them with the last version that worked.");
	else if (fix)
		doctor_failed(d, NULL, hop, DOCTOR_HERE, buf_cstr(&reply), "%s", fix);
	else if (!(d->conf = conf_load(d->conf_path, &problems)))
		doctor_failed(d, NULL, hop, DOCTOR_HERE, "the settings changed while they were read", "run this again.");
	conf_problems_free(&problems);
	buf_free(&reply);
	return d->conf != NULL;
}

static bool configuration(struct doctor *d)
{
	static const char hop[] = "configuration";
	struct conf_problems warnings = {0};

	if (settings_are_sound(d, hop)) {
		conf_forget_passwords(d->conf);
		conf_warnings(d->conf, &warnings);
		if (warnings.n)
			doctor_ok(d, hop, "valid; %zu thing%s to look at, see `availbridge check`; the first: %s", warnings.n, warnings.n == 1 ? "" : "s",
			          warnings.list[0].what);
		else
			doctor_ok(d, hop, "valid");
	}
	conf_problems_free(&warnings);
	return d->conf != NULL;
}

static void daemon_answers(struct doctor *d, struct doctor_chain *chain)
{
	static const char hop[] = "daemon";
	struct buf reply;
	int code = -1;

	buf_init(&reply, 32 << 20);
	switch (ctl_daemon_call(d->conf_path, "status json", DAEMON_MS, &code, &reply)) {
	case CTL_DAEMON_ANSWERED:
		if (code == 0 && strstr(buf_cstr(&reply), "\"audit_failing\":true"))
			doctor_failed(d, NULL, hop, DOCTOR_HERE, "it answers, and its audit cannot be written, so that answers are refused or have no record (audit_full)",
			              "make room in %s; event=audit-failed in the log says what is wrong.", d->conf->state_dir);
		else if (code == 0)
			doctor_ok(d, hop, "it answers at %s", d->conf->control_socket);
		else
			doctor_failed(d, chain, hop, DOCTOR_HERE, buf_cstr(&reply), "look into its log.");
		break;
	case CTL_DAEMON_ABSENT:
		doctor_failed(d, chain, hop, DOCTOR_HERE, "no daemon is running", "start it: `systemctl start availbridge`, or `availbridge serve`.");
		break;
	case CTL_DAEMON_SILENT:
		doctor_failed(d, chain, hop, DOCTOR_HERE, buf_cstr(&reply),
		              "run this as root or as the daemon's user; if that is so, look into its log.");
	}
	buf_free(&reply);
}

/* ---- one peer ---- */

static void look_at(struct doctor *d, const struct conf_peer *p, const struct doctor_chain *daemon)
{
	struct doctor_chain table = {NULL}, link = {NULL}, ask = {NULL};

	d->peer = p;
	if (p->unconfirmed)
		doctor_failed(d, &link, "switch", DOCTOR_BOTH, "it was paired, but not confirmed",
		              "compare the six words \"%s\" by voice, then run `availbridge peer confirm`.", p->unconfirmed);
	else if (!p->enabled)
		doctor_failed(d, &link, "switch", DOCTOR_HERE, "this peer is switched off here",
		              "if it is to be on: `availbridge peer enable %s`, then `availbridge reload`.",
		              p->name);
	else
		doctor_ok(d, "switch", "on");
	doctor_table(d, &table);
	d->deaf = daemon->broken ? daemon->broken : table.broken;
	doctor_link(d, &link);
	doctor_rules(d, &ask);
	/* the question needs all of them */
	ask.broken = daemon->broken ? daemon->broken : table.broken ? table.broken : link.broken ? link.broken : ask.broken;
	doctor_look_up(d, &ask);
	d->peer = NULL;
}

static void look_all(struct doctor *d, const char *name)
{
	struct doctor_chain daemon = {NULL};
	const struct conf_peer *one;

	if (!configuration(d)) {
		doctor_skipped(d, "everything else", "configuration comes first");
		return;
	}
	daemon_answers(d, &daemon);
	doctor_front(d, &daemon);
	doctor_backend(d);
	doctor_backends(d);
	doctor_directory(d);
	doctor_aliases(d);
	one = name ? conf_peer_named(d->conf, name) : NULL;
	if (name && (!one || one == &d->conf->peers[0]))
		doctor_failed(d, NULL, "peer", DOCTOR_HERE, "there is no peer of this name", "`availbridge peer list` shows those that there are.");
	else if (one)
		look_at(d, one, &daemon);
	for (size_t i = 1; !name && i < d->conf->n_peers; i++)
		look_at(d, &d->conf->peers[i], &daemon);
}

int ctl_doctor(int argc, char **argv, const char *conf_path)
{
	struct doctor d = {.conf_path = conf_path};
	const struct ctl_option options[] = {{"user", .value = &d.user}, {"password-file", .value = &d.password_file},
	                                     {"target", .value = &d.target}, {"json", .flag = &d.json}, {0}};
	char target[FB_ADDRESS_MAX + 1];
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n > 1 || !d.user != !d.password_file)
		return ctl_usage("doctor");
	if (d.target && (!words.n || !fb_address_normal(d.target, target))) {
		ctl_say("--target is an address of the PEER that is named");
		return CTL_USAGE;
	}
	if (d.target)
		d.target = target;
	buf_init(&d.out, 16 << 20);
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "doctor"); /* the report says it all */
	if (d.json) {
		json_open(&d.out, NULL, '{');
		json_open(&d.out, "hops", '[');
	}
	look_all(&d, words.n ? words.list[0] : NULL);
	if (d.json) {
		json_close(&d.out, ']');
		json_bool(&d.out, "ok", !d.failed);
		json_close(&d.out, '}');
		json_print(&d.out);
	} else {
		fputs(buf_cstr(&d.out), stdout);
		buf_free(&d.out);
	}
	conf_free(d.conf);
	return d.failed ? CTL_NO : CTL_DONE;
}
