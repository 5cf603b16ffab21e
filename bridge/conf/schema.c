#include "bridge/conf/schema.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/conf/parts.h"

#define AT(field) offsetof(struct conf, field)

/* THE settings. The sample file, the checks and availbridge.conf(5) follow these rows. */
const struct conf_row conf_rows[] = {
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
	 .comment = "File with one line, the passphrase of identity_key and front_key if they are encrypted (`availbridge identity "
	            "encrypt`); readable by its owner alone."},
	{"key_passphrase_credential", &conf_kind_text, AT(key_passphrase.credential), .preset = "",
	 .comment = "The same as the name of a credential that systemd hands to the service (LoadCredential= or LoadCredentialEncrypted=)."},
	{"calendars", &conf_kind_path, AT(calendars), .preset = "calendars",
	 .comment = "Folder of ADDRESS.ics files, or of folders ADDRESS with .ics files."},
	{"working_zone", &conf_kind_zone, AT(working_zone), .preset = "UTC",
	 .comment = "Time zone of whole days and of times that name none, and of the working hours of people whose calendar says none."},
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
	{"tickets_without_pac", &conf_kind_choice, AT(tickets_without_pac), .preset = "no", .words = "yes|no",
	 .comment = "yes: Kerberos tickets of the keytab's realms may lack a PAC, as those of Heimdal do. Never with Active Directory."},
	{"require_domain_proof", &conf_kind_choice, AT(require_domain_proof), .preset = "no", .words = "yes|no",
	 .comment = "yes: no peer is added or confirmed whose domains do not name its pin in the DNS (`availbridge peer check-domains`)."},
	{"accept_next", &conf_kind_choice, AT(accept_next), .preset = "yes", .words = "yes|confirm",
	 .comment = "When a peer announces its next key over the link: yes = take it, confirm = wait for `availbridge peer confirm-next`."},
	{"rotate_every", &conf_kind_number, AT(rotate_every), 0, 3650, "0",
	 .comment = "Days after which the link's key is replaced without anybody's doing: next, announced, promoted, retired. 0 = by hand."},
	{"retire_after_days", &conf_kind_number, AT(retire_after_days), 0, 3650, "30",
	 .comment = "Days after which a peer's old pin is dropped if its next key has been in use so long and the old one has not; "
	            "sooner when the peer says so. 0 = only then."},
	{"audit_sync", &conf_kind_choice, AT(audit_sync), .preset = "write", .words = "write|fsync",
	 .comment = "When an answer may leave: its record is written (survives a crash of the daemon), or is on the disk (fsync: "
	            "survives a power cut too, costs up to 20 ms)."},
	{"audit_full", &conf_kind_choice, AT(audit_full), .preset = "refuse", .words = "refuse|answer",
	 .comment = "When the audit cannot be written, for example on a full disk: refuse the answers, or answer without a record. "
	            "Either way the log says so."},
	{"audit_keep_days", &conf_kind_number, AT(audit_keep_days), 1, 36500, "400",
	 .comment = "Days after which old files of the audit are removed."},
	{"budget_person_per_minute", &conf_kind_number, AT(budget_person_per_minute), 0, 100000000, "10000",
	 .comment = "How many mailboxes one person may ask about in a minute, ours or named by a peer; what is over it is answered "
	            "with busy. 0 = no limit."},
	{"budget_person_targets_per_day", &conf_kind_number, AT(budget_person_targets_per_day), 0, 1000000, "1000",
	 .comment = "About how many different mailboxes in a day (UTC). 0 = no limit."},
	{"budget_organisation_per_minute", &conf_kind_number, AT(budget_organisation_per_minute), 0, 100000000, "30000",
	 .comment = "The same for each account that stands for an organisation or a server, and for each organisation that a peer "
	            "names: a whole company asks through one."},
	{"budget_organisation_targets_per_day", &conf_kind_number, AT(budget_organisation_targets_per_day), 0, 1000000, "50000",
	 .comment = "About how many different mailboxes in a day. 0 = no limit."},
	{"budget_peer_per_minute", &conf_kind_number, AT(budget_peer_per_minute), 0, 100000000, "60000",
	 .comment = "The same for each peer: all whom it names together."},
	{"budget_peer_targets_per_day", &conf_kind_number, AT(budget_peer_targets_per_day), 0, 1000000, "100000",
	 .comment = "About how many different mailboxes in a day. 0 = no limit."},
	{"hidden", &conf_kind_addresses, 0,
	 .comment = "Addresses of ours that answer as if they did not exist. Must be given, so that a lost line cannot show them."},
	{"groups", &conf_kind_groups, 0, .preset = "",
	 .comment = "Groups for rules: { board = [\"anna@a.example\", \"b.example\"]; }; a domain stands for all of its people."},
};
enum { ROWS = sizeof(conf_rows) / sizeof(conf_rows[0]) };
const size_t conf_n_rows = ROWS;
_Static_assert((size_t)ROWS <= CONF_SETTINGS_MAX, "make room for the lines of all rows");

const char *conf_setting_name(size_t i)
{
	return i < ROWS ? conf_rows[i].name : NULL;
}

int conf_setting_line(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(conf_rows[i].name, name) == 0)
			return c->setting_lines[i];
	return 0;
}

void conf_free_main(struct conf *c)
{
	for (size_t i = 0; i < ROWS; i++)
		if (conf_rows[i].kind->text)
			free(*(char **)((char *)c + conf_rows[i].at));
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
		conf_rows[i].kind->get(&text, c, &conf_rows[i]);
		put_setting(out, &conf_rows[i], buf_cstr(&text));
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
		const char *value = conf_rows[i].preset;

		for (size_t g = 0; g < sizeof(given) / sizeof(given[0]); g++)
			if (strcmp(given[g].name, conf_rows[i].name) == 0)
				value = given[g].value;
		if (conf_rows[i].kind->list)
			value = conf_rows[i].kind == &conf_kind_groups ? "{ }" : "[ ]";
		buf_putc(out, '\n');
		put_comment(out, conf_rows[i].comment);
		if (conf_rows[i].preset && strcmp(value, conf_rows[i].preset) != 0 && !conf_rows[i].kind->list)
			buf_printf(out, "# Default: %s\n", *conf_rows[i].preset ? conf_rows[i].preset : "\"\"");
		put_setting(out, &conf_rows[i], value);
		buf_puts(out, ";\n");
	}
	return out->failed ? -1 : 0;
}
