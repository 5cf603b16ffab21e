#include "bridge/conf/schema.h"
#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/conf/parts.h"

#define AT(field) offsetof(struct conf, field)

/* THE settings. The sample file, the checks and availbridge.conf(5) follow these rows. */
static const struct conf_row rows[] = {
	{"site", &conf_kind_site, AT(site), .comment = "This site's name, as peers see it."},
	{"primary_domain", &conf_kind_domain, AT(primary_domain), .preset = "",
	 .comment = "The domain that stands for the whole organisation on the link; \"\" = the first local row of address-spaces.conf."},
	{"front_listen", &conf_kind_listen, AT(front_listen), .preset = ":443",
	 .comment = "Where our own clients and our Exchange connect (HTTPS)."},
	{"public_url", &conf_kind_url, AT(public_url), .comment = "How clients reach that door; Autodiscover hands it out."},
	{"link_listen", &conf_kind_listen, AT(link_listen), .preset = ":7443",
	 .comment = "Where peers connect (mutual TLS with pinned keys)."},
	{"front_certificate", &conf_kind_path, AT(front_certificate), .preset = "front.pem",
	 .comment = "Certificate of the front, leaf first and its chain behind it. `init` made one from an own CA; put your own here."},
	{"front_key", &conf_kind_path, AT(front_key), .preset = "front.key",
	 .comment = "Its private key, readable by its owner alone."},
	{"front_ca", &conf_kind_path, AT(front_ca), .preset = "front-ca.pem",
	 .comment = "The CA that clients must trust for the certificate of `init`; \"\" = a CA that they know already."},
	{"identity_certificate", &conf_kind_path, AT(identity_certificate), .preset = "identity.pem",
	 .comment = "Certificate of the link's key. Peers pin the key (`availbridge identity show`); nothing else in it counts."},
	{"identity_key", &conf_kind_path, AT(identity_key), .preset = "identity.key",
	 .comment = "The link's private key, readable by its owner alone."},
	{"key_passphrase_file", &conf_kind_path, AT(key_passphrase.file), .preset = "",
	 .comment = "File with one line, the passphrase of identity_key and front_key if they are encrypted (`availbridge identity encrypt`); readable by its owner alone."},
	{"key_passphrase_credential", &conf_kind_text, AT(key_passphrase.credential), .preset = "",
	 .comment = "The same as the name of a credential that systemd hands to the service (LoadCredential= or LoadCredentialEncrypted=)."},
	{"calendars", &conf_kind_path, AT(calendars), .preset = "calendars",
	 .comment = "Folder of ADDRESS.ics files, or of folders ADDRESS with .ics files."},
	{"working_zone", &conf_kind_zone, AT(working_zone), .preset = "UTC",
	 .comment = "Working hours of people whose calendar says none: their time zone."},
	{"working_days", &conf_kind_days, AT(working_days), .preset = "Mon Tue Wed Thu Fri", .comment = "Days on which they work."},
	{"working_start", &conf_kind_clock, AT(working_start), .preset = "09:00", .comment = "When their working day begins."},
	{"working_end", &conf_kind_clock, AT(working_end), .preset = "17:00", .comment = "When it ends; 24:00 is midnight."},
	{"state_dir", &conf_kind_path, AT(state_dir), .preset = "state",
	 .comment = "Folder for what the daemon keeps while it runs; only its owner may enter."},
	{"control_socket", &conf_kind_path, AT(control_socket), .preset = "state/control.sock",
	 .comment = "Socket through which the verbs talk to the daemon."},
	{"user", &conf_kind_text, AT(user), .preset = "", .comment = "User to run as when started by root; \"\" = no change."},
	{"log_level", &conf_kind_choice, AT(log_level), .preset = "info", .words = "error|warn|info|debug",
	 .comment = "error, warn, info or debug."},
	{"log_format", &conf_kind_choice, AT(log_format), .preset = "text", .words = "text|json",
	 .comment = "text (key=value) or json; one line per event."},
	{"query_deadline", &conf_kind_duration, AT(query_deadline_ms), 500, 60000, "10 s",
	 .comment = "A mailbox that has no answer by then is answered with an error."},
	{"hard_stop", &conf_kind_duration, AT(hard_stop_ms), 1000, 120000, "20 s",
	 .comment = "By then the whole request is over, whatever happens."},
	{"bridges", &conf_kind_number, AT(bridges), 1, 64, "1", .comment = "Bridge processes."},
	{"calendar_workers", &conf_kind_number, AT(calendar_workers), 1, 64, "2", .comment = "Processes that read calendars."},
	{"login_workers", &conf_kind_number, AT(login_workers), 1, 64, "2", .comment = "Processes that check passwords."},
	{"directory_workers", &conf_kind_number, AT(directory_workers), 1, 64, "2",
	 .comment = "Processes that ask the directory, if directory.conf names one."},
	{"worker_seconds", &conf_kind_number, AT(worker_seconds), 1, 60, "5",
	 .comment = "How many seconds (of CPU and of the clock) one calendar may take; then it is an error."},
	{"worker_memory_mib", &conf_kind_number, AT(worker_memory_mib), 32, 4096, "256",
	 .comment = "How many MiB of memory one calendar may take."},
	{"cache_mib", &conf_kind_number, AT(cache_mib), 1, 4096, "256",
	 .comment = "MiB of expanded calendars that a bridge keeps in memory."},
	{"max_connections", &conf_kind_number, AT(max_connections), 1, 100000, "2000",
	 .comment = "Connections at the front that one bridge process keeps open."},
	{"max_connections_per_address", &conf_kind_number, AT(max_connections_per_address), 1, 100000, "500",
	 .comment = "How many of them one client address may have."},
	{"max_request_kib", &conf_kind_number, AT(max_request_kib), 16, 16384, "512",
	 .comment = "Largest request at the front, in KiB."},
	{"idle_seconds", &conf_kind_number, AT(idle_seconds), 1, 3600, "60",
	 .comment = "How long an idle connection at the front is kept."},
	{"login_negotiate", &conf_kind_choice, AT(login_negotiate), .preset = "auto", .words = "auto|yes|no",
	 .comment = "Offer Negotiate (Kerberos, or NTLM inside it) at the front: yes, no, or auto = if there is a keytab or an NT hash."},
	{"login_ntlm", &conf_kind_choice, AT(login_ntlm), .preset = "auto", .words = "auto|yes|no",
	 .comment = "Offer NTLM: yes, no, or auto = if an account has an NT hash (`availbridge account passwd NAME --ntlm`)."},
	{"login_basic", &conf_kind_choice, AT(login_basic), .preset = "yes", .words = "yes|no", .comment = "Offer Basic."},
	{"nt_hashes", &conf_kind_path, AT(nt_hashes), .preset = "nt-hashes.conf",
	 .comment = "File of the NT hashes of accounts, readable by its owner alone; each is as good as the password."},
	{"keytab", &conf_kind_path, AT(keytab), .preset = "",
	 .comment = "Keytab with the keys of HTTP/HOST, readable by its owner alone, for Kerberos at the front; \"\" = no Kerberos."},
	{"require_domain_proof", &conf_kind_choice, AT(require_domain_proof), .preset = "no", .words = "yes|no",
	 .comment = "yes: no peer is added or confirmed whose domains do not name its pin in the DNS (`availbridge peer check-domains`)."},
	{"accept_next", &conf_kind_choice, AT(accept_next), .preset = "yes", .words = "yes|confirm",
	 .comment = "When a peer announces its next key over the link: yes = take it, confirm = wait for `availbridge peer confirm-next`."},
	{"rotate_every", &conf_kind_number, AT(rotate_every), 0, 3650, "0",
	 .comment = "Days after which the link's key is replaced without anybody's doing: next, announced, promoted, retired. 0 = by hand."},
	{"retire_after_days", &conf_kind_number, AT(retire_after_days), 0, 3650, "30",
	 .comment = "Days after which a peer's old pin is dropped if its next key has been in use so long and the old one has not; sooner when the peer says so. 0 = only then."},
	{"audit_sync", &conf_kind_choice, AT(audit_sync), .preset = "write", .words = "write|fsync",
	 .comment = "When an answer may leave: its record is written (survives a crash of the daemon), or is on the disk (fsync: survives a power cut too, costs up to 20 ms)."},
	{"audit_full", &conf_kind_choice, AT(audit_full), .preset = "refuse", .words = "refuse|answer",
	 .comment = "When the audit cannot be written, for example on a full disk: refuse the answers, or answer without a record. Either way the log says so."},
	{"audit_keep_days", &conf_kind_number, AT(audit_keep_days), 1, 36500, "400", .comment = "Days after which old files of the audit are removed."},
	{"budget_person_per_minute", &conf_kind_number, AT(budget_person_per_minute), 0, 1000000, "600",
	 .comment = "How many mailboxes one person may ask about in a minute, ours or named by a peer; what is over it is answered with busy. 0 = no limit."},
	{"budget_person_targets_per_day", &conf_kind_number, AT(budget_person_targets_per_day), 0, 1000000, "1000",
	 .comment = "About how many different mailboxes in a day (UTC). 0 = no limit."},
	{"budget_organisation_per_minute", &conf_kind_number, AT(budget_organisation_per_minute), 0, 1000000, "30000",
	 .comment = "The same for each account that stands for an organisation or a server, and for each organisation that a peer names: a whole company asks through one."},
	{"budget_organisation_targets_per_day", &conf_kind_number, AT(budget_organisation_targets_per_day), 0, 1000000, "50000",
	 .comment = "About how many different mailboxes in a day. 0 = no limit."},
	{"budget_peer_per_minute", &conf_kind_number, AT(budget_peer_per_minute), 0, 1000000, "60000",
	 .comment = "The same for each peer: all whom it names together."},
	{"budget_peer_targets_per_day", &conf_kind_number, AT(budget_peer_targets_per_day), 0, 1000000, "100000",
	 .comment = "About how many different mailboxes in a day. 0 = no limit."},
	{"hidden", &conf_kind_addresses, 0,
	 .comment = "Addresses of ours that answer as if they did not exist. Must be given, so that a lost line cannot show them."},
	{"groups", &conf_kind_groups, 0, .preset = "",
	 .comment = "Groups for rules: { board = [\"anna@a.example\", \"b.example\"]; }; a domain stands for all of its people."},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), NAMES_MAX = 10000 };
_Static_assert(ROWS <= sizeof(((struct conf *)0)->setting_lines) / sizeof(int), "make room for the lines of all rows");

const char *conf_setting_name(size_t i)
{
	return i < ROWS ? rows[i].name : NULL;
}

int conf_setting_line(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return c->setting_lines[i];
	return 0;
}

#define COMPLAIN(l, line, fix, ...) conf_problem_add((l)->problems, (l)->c->file, (line), (fix), __VA_ARGS__)

static void wrong_form(struct conf_loading *l, const struct conf_row *row, int line)
{
	char fix[256];

	if (row->kind == &conf_kind_number)
		snprintf(fix, sizeof(fix), "Write %s from %lld to %lld.", row->kind->form, (long long)row->min, (long long)row->max);
	else if (row->kind == &conf_kind_duration)
		snprintf(fix, sizeof(fix), "Write %s, from %lld ms to %lld ms.", row->kind->form, (long long)row->min, (long long)row->max);
	else if (row->words)
		snprintf(fix, sizeof(fix), "Write one of: %s.", row->words);
	else
		snprintf(fix, sizeof(fix), "Write %s.", row->kind->form);
	COMPLAIN(l, line, fix, "the value of %s is not right", row->name);
}

/* The member ${e} of a list as an address, or as a domain if ${domains}. Malloc'd, or NULL after a complaint. */
static char *read_member(struct conf_loading *l, const config_setting_t *e, const char *what, bool domains)
{
	const char *s = config_setting_get_string(e);
	char normal[FB_ADDRESS_MAX + 1];

	if (s && (strchr(s, '@') ? fb_address_normal(s, normal) : domains && fb_domain_normal(s, normal)))
		return conf_dup(normal);
	COMPLAIN(l, config_setting_source_line(e),
	         domains ? "Write an address or a domain in double quotes." : "Write an address in double quotes.",
	         "%s has a member that is no address: '%s'", what, s ? s : "");
	return NULL;
}

/* Reads the array ${s} into a new list. */
static char **read_members(struct conf_loading *l, const config_setting_t *s, const char *what, bool domains, size_t *n)
{
	char **list = NULL;

	*n = 0;
	if (!config_setting_is_array(s) && !config_setting_is_list(s)) {
		COMPLAIN(l, config_setting_source_line(s), "Write a list such as [\"anna@a.example\"].", "%s is no list", what);
		return NULL;
	}
	/* the library's lists are vectors: each look-up costs the same */
	for (int i = 0; i < config_setting_length(s); i++) {
		char *one = read_member(l, config_setting_get_elem(s, (unsigned)i), what, domains);

		if (!one)
			continue;
		list = conf_grow(list, *n, sizeof(*list));
		list[(*n)++] = one;
	}
	return list;
}

static void read_groups(struct conf_loading *l, const config_setting_t *s)
{
	if (!config_setting_is_group(s)) {
		COMPLAIN(l, config_setting_source_line(s), "Write groups = { NAME = [\"anna@a.example\"]; };", "groups is no group of lists");
		return;
	}
	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *one = config_setting_get_elem(s, (unsigned)i);
		struct conf_group g = {.name = conf_dup(config_setting_name(one))};

		g.members = read_members(l, one, g.name, true, &g.n);
		l->c->groups = conf_grow(l->c->groups, l->c->n_groups, sizeof(g));
		l->c->groups[l->c->n_groups++] = g;
	}
}

static void read_setting(struct conf_loading *l, const struct conf_row *row, const config_setting_t *s)
{
	int line = config_setting_source_line(s), type = config_setting_type(s);
	const char *text = config_setting_get_string(s);
	char number[24];

	if (row->kind == &conf_kind_groups) {
		read_groups(l, s);
		return;
	}
	if (row->kind == &conf_kind_addresses) {
		l->c->hidden = read_members(l, s, row->name, false, &l->c->n_hidden);
		return;
	}
	if (type == CONFIG_TYPE_INT && (row->kind->number || row->kind == &conf_kind_duration)) {
		snprintf(number, sizeof(number), "%d", config_setting_get_int(s));
		text = number;
	} else if (row->kind->number) {
		text = NULL;
	}
	if (!text || !row->kind->set(l->c, row, text))
		wrong_form(l, row, line);
}

static void read_unknown(struct conf_loading *l, const config_setting_t *s)
{
	const char *names[ROWS], *near;
	char fix[128] = "See availbridge.conf(5) for the settings.";

	for (size_t i = 0; i < ROWS; i++)
		names[i] = rows[i].name;
	near = text_nearest(config_setting_name(s), names, ROWS);
	if (near)
		snprintf(fix, sizeof(fix), "Did you mean %s?", near);
	COMPLAIN(l, config_setting_source_line(s), fix, "there is no setting '%s'", config_setting_name(s));
}

static void read_settings(struct conf_loading *l, const config_setting_t *root)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
		size_t r = 0;

		while (r < ROWS && strcmp(rows[r].name, config_setting_name(s)) != 0)
			r++;
		if (r == ROWS) {
			read_unknown(l, s);
			continue;
		}
		l->c->setting_lines[r] = config_setting_source_line(s);
		read_setting(l, &rows[r], s);
	}
	for (size_t r = 0; r < ROWS; r++)
		if (!l->c->setting_lines[r] && !rows[r].preset) {
			char fix[192];

			snprintf(fix, sizeof(fix), "Add %s = %s", rows[r].name, rows[r].kind == &conf_kind_addresses ? "[];" : "\"...\";");
			COMPLAIN(l, 0, fix, "the setting %s is missing", rows[r].name);
		}
}

/*
 * What the library must not see: it opens files by itself at an include, and ends the process if that is a folder; and
 * it compares each new name with all before it, which takes minutes for a megabyte of them.
 */
static bool scan(struct conf_loading *l, const char *text, size_t len)
{
	size_t names = 0;
	int line = 1;

	for (size_t i = 0; i < len; i++)
		names += text[i] == '=' || text[i] == ':';
	if (names > NAMES_MAX) {
		COMPLAIN(l, 0, "Remove what is not needed.", "the file has more than %d settings and groups", NAMES_MAX);
		return false;
	}
	for (size_t at = 0; at < len; line++) {
		const char *s = text + at, *newline = memchr(s, '\n', len - at);
		size_t n = newline ? (size_t)(newline - s) : len - at, blanks = strspn(s, " \t\r\f\v");

		if (memchr(s, 0, n) || !text_utf8_valid(s, n)) {
			COMPLAIN(l, line, "Save the file as plain UTF-8 text.", "the line is not text");
			return false;
		}
		if (blanks < n && text_istarts(s + blanks, "@include")) {
			COMPLAIN(l, line, "Put the settings into this file.", "@include is not allowed here");
			return false;
		}
		at += n + 1;
	}
	return true;
}

static void parse(struct conf_loading *l, const char *text)
{
	config_t library;

	config_init(&library);
	if (config_read_string(&library, text))
		read_settings(l, config_root_setting(&library));
	else
		COMPLAIN(l, config_error_line(&library),
		         "Each setting is written NAME = VALUE; with texts in double quotes. The fault may stand in the line before.",
		         "the file cannot be understood (%s)", config_error_text(&library));
	config_destroy(&library);
}

/* The main file's text, from the change that stands for it if there is one. */
static enum file_result read_text(const struct conf_loading *l, struct buf *out)
{
	const struct conf_change *change = conf_change_of(l, l->c->file);

	if (!change)
		return file_read(l->c->file, out);
	if (!change->text)
		return FILE_ABSENT;
	return buf_puts(out, change->text) == 0 ? FILE_OK : FILE_TOO_BIG;
}

void conf_read_main(struct conf_loading *l)
{
	struct buf text;

	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].preset)
			rows[i].kind->set(l->c, &rows[i], rows[i].preset);
	buf_init(&text, CONF_MAIN_MAX);
	switch (read_text(l, &text)) {
	case FILE_OK:
		if (scan(l, buf_cstr(&text), text.len))
			parse(l, buf_cstr(&text));
		break;
	case FILE_ABSENT:
		COMPLAIN(l, 0, "Make a site with `availbridge init`, or name the file with -c.", "there is no such file");
		break;
	case FILE_TOO_BIG:
		COMPLAIN(l, 0, "Remove what is not needed.", "the file is larger than %d bytes", CONF_MAIN_MAX);
		break;
	case FILE_COULD_NOT:
		COMPLAIN(l, 0, "Make it readable for this user.", "the file cannot be read: %s", strerror(errno));
	}
	buf_free(&text);
}

void conf_free_main(struct conf *c)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind->text)
			free(*(char **)((char *)c + rows[i].at));
	for (size_t i = 0; i < c->n_hidden; i++)
		free(c->hidden[i]);
	free(c->hidden);
	for (size_t i = 0; i < c->n_groups; i++) {
		for (size_t k = 0; k < c->groups[i].n; k++)
			free(c->groups[i].members[k]);
		free(c->groups[i].members);
		free(c->groups[i].name);
	}
	free(c->groups);
}

/* Appends NAME = VALUE with what quotes the kind wants. */
static void put_setting(struct buf *out, const struct conf_row *row, const char *text)
{
	buf_printf(out, "%s = ", row->name);
	if (row->kind->number || row->kind->list) {
		buf_puts(out, text);
	} else {
		buf_putc(out, '"');
		for (; *text; text++) {
			if (*text == '"' || *text == '\\')
				buf_putc(out, '\\');
			buf_putc(out, *text);
		}
		buf_putc(out, '"');
	}
}

void conf_print(struct buf *out, const struct conf *c)
{
	struct buf text;

	buf_init(&text, CONF_MAIN_MAX);
	for (size_t i = 0; i < ROWS; i++) {
		buf_reset(&text);
		rows[i].kind->get(&text, c, &rows[i]);
		put_setting(out, &rows[i], buf_cstr(&text));
		buf_putc(out, '\n');
	}
	buf_free(&text);
}

/* Appends ${comment} as comment lines of at most 100 columns. */
static void put_comment(struct buf *out, const char *comment)
{
	while (*comment) {
		size_t n = strlen(comment);

		if (n > 98)
			for (n = 98; n && comment[n] != ' ';)
				n--;
		buf_puts(out, "# ");
		buf_add(out, comment, n);
		buf_putc(out, '\n');
		comment += n + (comment[n] == ' ');
	}
}

int conf_sample(struct buf *out, const struct conf_site *site)
{
	const struct {
		const char *name, *value;
	} given[] = {{"site", site->site},        {"primary_domain", site->domain}, {"front_listen", site->front},
	             {"link_listen", site->link}, {"public_url", site->url},        {"calendars", site->calendars},
	             {"user", site->user}};

	buf_puts(out, "# availbridge: the settings of this site, see availbridge.conf(5). Changes take effect at the next\n"
	              "# `availbridge reload`; `availbridge check` looks them over first. Domains, accounts and peers stand in the\n"
	              "# files beside this one and are best edited by the verbs of availbridge(8).\n");
	for (size_t i = 0; i < ROWS; i++) {
		const char *value = rows[i].preset;

		for (size_t g = 0; g < sizeof(given) / sizeof(given[0]); g++)
			if (strcmp(given[g].name, rows[i].name) == 0)
				value = given[g].value;
		if (rows[i].kind->list)
			value = rows[i].kind == &conf_kind_groups ? "{ }" : "[ ]";
		buf_putc(out, '\n');
		put_comment(out, rows[i].comment);
		if (rows[i].preset && strcmp(value, rows[i].preset) != 0 && !rows[i].kind->list)
			buf_printf(out, "# Default: %s\n", *rows[i].preset ? rows[i].preset : "\"\"");
		put_setting(out, &rows[i], value);
		buf_puts(out, ";\n");
	}
	return out->failed ? -1 : 0;
}
