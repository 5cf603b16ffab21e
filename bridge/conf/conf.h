#ifndef BRIDGE_CONF_CONF_H
#define BRIDGE_CONF_CONF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "bridge/availability/query.h"
#include "bridge/base/buf.h"
#include "bridge/conf/backends.h"
#include "bridge/conf/directory.h"
#include "bridge/conf/secret.h"

struct pki_offer; /* pki/pairing.h */

/*
 * All settings, const once loaded. Six kinds of file, in the folder of the main one:
 *   availbridge.conf       the admin's (libconfig syntax, rows in conf/schema.c)
 *   address-spaces.conf    one row a line:  FOREST-NAME  PEER|local|nobody  [ACCESS-METHOD]
 *   accounts.conf          one account a line:  NAME  stands-for=user:ADDRESS|organisation|server  password=HASH
 *   peers.d/NAME.conf      endpoint, pin, next-pin, switch, cap and rules, one a line (conf/lines.h for the syntax)
 *   backends.d/NAME.conf   a calendar server and whom it serves, one setting a line (rows in conf/backends.c)
 *   directory.conf         the directory server, one setting a line (rows in conf/directory.c)
 */

/* What was wrong, where, and what to do: conf_problem_put() */
struct conf_problem {
	char *file;
	int line; /* 0 = the file as a whole */
	char *what;
	char *fix;
};
struct conf_problems {
	struct conf_problem *list;
	size_t n;
};
/* Adds a problem (copies). printf format gives `what`; ${fix} may be "". */
void conf_problem_add(struct conf_problems *p, const char *file, int line, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Appends FILE:LINE: what. fix -- a fault of the file as a whole is shown at its first line: tools can then read each line the same way. */
void conf_problem_put(struct buf *out, const struct conf_problem *p);
/* Frees the list's content. */
void conf_problems_free(struct conf_problems *p);

enum conf_access_method { CONF_ORG_WIDE_FB = 0, CONF_PER_USER_FB };
struct conf_address_space {
	char *forest_name; /* normal domain */
	char *peer;        /* a peer's name, "local" or "nobody" */
	enum conf_access_method method;
	int line;
};

enum conf_stands_for { CONF_FOR_USER, CONF_FOR_ORGANISATION, CONF_FOR_SERVER };
struct conf_account {
	char *name;
	enum conf_stands_for kind;
	char *address;  /* normal, with CONF_FOR_USER; else NULL */
	char *password; /* the hash; NULL in every process but a login worker */
	int line;
};

struct conf_rule {
	bool in; /* else out */
	char *requester, *target; /* ADDRESS, DOMAIN, "*", group:NAME or group:DN; address and domain are normal */
	enum fb_level level;
	int line;
};
enum { CONF_FROM_MAX = 64 }; /* ancestors of a pin that are kept */
enum conf_dial { CONF_DIAL_BOTH = 0, CONF_DIAL_OUT, CONF_DIAL_IN };
struct conf_peer {
	char *name; /* "local" is the reserved one: our own people about each other; it always exists */
	char *file;
	bool enabled;     /* `peer disable` clears it; no link either way */
	char *unconfirmed; /* paired, but nobody has compared these six words yet: it cannot be enabled; NULL = not so */
	int unconfirmed_line;
	char **endpoints; /* HOST:PORT */
	size_t n_endpoints;
	enum conf_dial dial; /* OUT: it cannot connect to us, so it asks over a connection that we made; IN: we never connect to it */
	uint8_t pins[2][32]; /* current, next: SHA-256 of the SubjectPublicKeyInfo */
	size_t n_pins;
	int pin_lines[2];    /* where they stand in the file */
	uint8_t (*from[2])[32]; /* the pins it comes from, the newest first: announced under the first, that under the second...; owned */
	size_t n_from[2];    /* 0 = the admin wrote it */
	bool access_enabled;     /* Exchange's FreeBusyAccessEnabled; a new peer is off */
	enum fb_level access_level; /* Exchange's FreeBusyAccessLevel: the cap over `in` rules */
	struct conf_rule *rules; /* in the order of the file */
	size_t n_rules;
	struct conf_rule_index *index; /* over them: conf_index_rules() */
};
/* Makes p->index for the rules as they are; aborts when out of memory. conf_unindex_rules() frees it. */
void conf_index_rules(struct conf_peer *p);
/* Frees p->index, if there is one. */
void conf_unindex_rules(struct conf_peer *p);
enum { CONF_RULES_LISTS = 5 };
/* A walk over some rules, in the order of the file; no need to free it. */
struct conf_rules_walk {
	const struct conf_peer *peer;
	const uint32_t *next;
	uint32_t at[CONF_RULES_LISTS];
};
/*
 * Starts a walk over those rules of ${p} (which has an index) and the direction ${in} that could match: none of the others names
 * ${requester} (an address, or a domain) or ${target} (an address) or a domain of theirs.
 */
struct conf_rules_walk conf_rules_about(const struct conf_peer *p, bool in, const char *requester, const char *target);
/*
 * The same over those `out` rules of ${p} that decide whether ${requester} may ask about anybody at all: of each requester's word that could match,
 * the first rule that gives more than None and the first that says None of everybody.
 */
struct conf_rules_walk conf_rules_asking(const struct conf_peer *p, const char *requester);
/* The next rule, with its place among all rules of its direction (from 1) in ${number}; NULL at the end. */
const struct conf_rule *conf_rules_next(struct conf_rules_walk *w, int *number);
struct conf_group {
	char *name;
	char **members; /* normal addresses, or domains */
	size_t n;
};

enum { CONF_SETTINGS_MAX = 64 };
struct conf {
	char *dir, *file;        /* the folder and the main file */
	int setting_lines[CONF_SETTINGS_MAX]; /* where each setting stands in it, see conf_setting_line() */
	char *site;              /* this site's name as peers see it */
	char *primary_domain;    /* first of our own domains unless set: what an organisation is called on the link */
	char *front_listen, *link_listen, *public_url; /* HOST:PORT, HOST:PORT, https://host[:port] */
	char *front_certificate, *front_key, *front_ca; /* PEM files; front_ca is what init made, for clients to trust */
	char *identity_certificate, *identity_key;
	struct conf_secret key_passphrase; /* of private keys that are encrypted; both NULL or "" = none */
	char *calendars;         /* folder of the embedded backend */
	char *working_zone;      /* default working hours: zone, days, minutes */
	unsigned working_days;
	int working_start, working_end;
	char *state_dir, *control_socket;
	char *user;              /* to run as when started as root; "" = stay */
	char *log_level, *log_format; /* "info", "text" or "json" */
	int query_deadline_ms, hard_stop_ms; /* 10 s, 20 s */
	int bridges, calendar_workers, login_workers, directory_workers;
	int worker_seconds;      /* CPU and wall limit of one calendar job */
	int worker_memory_mib;
	int cache_mib;           /* expanded calendars kept in a bridge */
	int max_connections;     /* at the front, per bridge process */
	int max_connections_per_address;
	char *require_domain_proof; /* "yes" or "no": no peer without proof of its domains */
	char *login_negotiate, *login_ntlm, *login_basic; /* "auto", "yes" or "no" */
	char *nt_hashes, *keytab; /* paths; keytab "" = none */
	char *tickets_without_pac; /* "yes" or "no" */
	char *audit_sync, *audit_full; /* "write" or "fsync"; "refuse" or "answer" */
	int audit_keep_days;
	int budget_person_per_minute, budget_person_targets_per_day; /* mailboxes; 0 = no limit */
	int budget_organisation_per_minute, budget_organisation_targets_per_day;
	int budget_peer_per_minute, budget_peer_targets_per_day;
	char *accept_next;       /* "yes" or "confirm": what becomes of a peer's announced next key */
	int rotate_every;        /* days; 0 = by hand */
	int retire_after_days;   /* until a peer's old pin that is not used is dropped; 0 = only when the peer says so */
	int max_request_kib;
	int idle_seconds;        /* keep-alive at the front */
	char **hidden; size_t n_hidden; /* addresses that answer as if they did not exist */
	struct conf_group *groups; size_t n_groups;
	struct conf_address_space *spaces; size_t n_spaces;
	struct conf_account *accounts; size_t n_accounts;
	struct conf_peer *peers; size_t n_peers; /* by name; [0] is always "local" */
	struct conf_backend *backends; size_t n_backends; /* by name */
	struct conf_directory *directory; /* NULL = there is none */
};

/*
 * Loads everything that belongs to the main file ${path}. Every problem found is added to ${problems}, not only the first.
 * Returns the settings, or NULL if there was any problem (the list then is not empty). Size caps first: libconfig may end the process
 * or take seconds on hostile text:
 * 1 MiB for the main file, 16 MiB for each other; @include is refused. Caller frees.
 */
struct conf *conf_load(const char *path, struct conf_problems *problems);
/*
 * The settings of the main file alone, whatever is wrong with the files beside it, which are not read: for where the daemon's socket, its
 * state and the NT hashes are. NULL with problems added. Caller frees.
 */
struct conf *conf_load_main(const char *path, struct conf_problems *problems);
/* A file as it would be after an edit: ${text} instead of what is on the disk, NULL = as if it were gone. */
struct conf_change {
	const char *path; /* as conf_file_path() gives it */
	const char *text; /* zero-terminated, borrowed */
};
/* As conf_load(), with ${n} ${changes} that have not been written yet: so an edit is checked before it replaces anything. */
struct conf *conf_load_changed(const char *path, const struct conf_change *changes, size_t n, struct conf_problems *problems);
/*
 * Writes the path of the file ${name} ("accounts.conf", "peers.d/site-b.conf") that belongs to the main file ${path}. -1 if it
 * does not fit.
 */
int conf_file_path(char *out, size_t size, const char *path, const char *name);
/* Whether a file called ${file} in one of the folders of settings is read: NAME.conf. All else there (copies, what editors leave) is nobody's. */
bool conf_file_counts(const char *file);
/* True if ${s} may be the name of a peer or a site: 1..63 of letters, digits, '.', '_', '-', beginning with a letter or digit. */
bool conf_name_valid(const char *s);
/*
 * Reads a requester or a target of a rule into its normal form (malloc'd, caller frees). NULL if it is no address, domain, "*",
 * group:NAME or group:DN.
 */
char *conf_rule_word(const char *s);
/* True if ${group}, what stands behind "group:", is a DN: a group of the directory and not of the settings. */
bool conf_group_is_dn(const char *group);
/* True if what a site offers at pairing is a name, endpoints and domains in normal form: at least one of each, no domain twice. */
bool conf_offer_valid(const struct pki_offer *o);
/* True if ${s} is HOST:PORT or [IPV6]:PORT with a port of 1..65535; the host may be empty only if ${any_host}. */
bool conf_host_port_valid(const char *s, bool any_host);
/* True if ${s} is https://HOST or https://HOST:PORT, with or without one slash behind it. */
bool conf_url_valid(const char *s);
/* Adds what is allowed but useless or odd in ${c}: rules that can never match, peers without a domain. For `check`. */
void conf_warnings(const struct conf *c, struct conf_problems *warnings);
/* Frees all of it; password hashes are wiped. NULL is allowed. */
void conf_free(struct conf *c);
/* Wipes and drops the password hashes, in processes that have no business with them. */
void conf_forget_passwords(struct conf *c);
/* The peer called ${name}, or NULL. */
const struct conf_peer *conf_peer_named(const struct conf *c, const char *name);
/* The backend called ${name}, or NULL. */
const struct conf_backend *conf_backend_named(const struct conf *c, const char *name);
/* The configured group, or NULL. */
const struct conf_group *conf_group_named(const struct conf *c, const char *name);
/* What the sample file is made for: the settings that differ from site to site, as they are to stand there. */
struct conf_site {
	const char *site, *domain, *front, *link, *url, *calendars, *user;
};
/* Appends a commented main file with every setting and its default; what ${given} has is filled in. -1 if ${out} is full. */
int conf_sample(struct buf *out, const struct conf_site *given);
/* Appends `name = value` lines of what is in force (for `check`). */
void conf_print(struct buf *out, const struct conf *c);
/*
 * Appends what is in force of backends.d and directory.conf, in the syntax of these files under a comment with their names (for
 * `check`).
 */
void conf_print_lines(struct buf *out, const struct conf *c);
/* The line of the main file that gives the setting ${name}; 0 if none does and the default is in force. */
int conf_setting_line(const struct conf *c, const char *name);
/* The ${i}th setting's name, NULL past the end (for the test that holds the man page against the rows). */
const char *conf_setting_name(size_t i);
/* The same for backends.d and for directory.conf. */
const char *conf_backend_setting_name(size_t i);
/* See conf_backend_setting_name(). */
const char *conf_directory_setting_name(size_t i);
#endif
