#ifndef BRIDGE_CTL_DOCTOR_H
#define BRIDGE_CTL_DOCTOR_H
#include <stdbool.h>
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"

/*
 * The verb `doctor`: its report in doctor.c, our front in doctor_front.c, the way to one peer in doctor_reach.c and doctor_link.c,
 * table, rules, calendars and a question in doctor_ours.c, backends in doctor_backends.c, the directory in doctor_directory.c, what is named
 * by an alias in doctor_aliases.c.
 */

struct doctor {
	const char *conf_path;
	struct conf *conf;
	const struct conf_peer *peer; /* the one that is looked at; NULL = this site alone */
	const char *user, *password_file, *target; /* as given, or NULL */
	bool json;
	struct buf out;
	size_t failed;
	const char *deaf; /* the hop of ours without which no question of the peer can be answered, or NULL */
};

/*
 * Hops that build on each other: behind one that failed the rest is not reached. ${broken} is that one's name, or NULL;
 * zero is a new chain.
 */
struct doctor_chain {
	const char *broken;
};
/* Whose turn it is after a failure. */
enum doctor_side { DOCTOR_HERE, DOCTOR_THERE, DOCTOR_BOTH };

/* Says that ${hop} is in order, and in a printf text what was seen. */
void doctor_ok(struct doctor *d, const char *hop, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Says that ${hop} failed with ${what} (a sentence), and that ${side} does what the printf text says; ${chain} (may be NULL) breaks. */
void doctor_failed(struct doctor *d, struct doctor_chain *chain, const char *hop, enum doctor_side side, const char *what,
                   const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Says why ${hop} was not looked at. */
void doctor_skipped(struct doctor *d, const char *hop, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* True if ${chain} is whole; else says that ${hop} was not reached. */
bool doctor_reaches(struct doctor *d, const struct doctor_chain *chain, const char *hop);

/* certificate, login, Autodiscover; ${chain} is broken if the daemon does not answer. */
void doctor_front(struct doctor *d, const struct doctor_chain *daemon);
/* Every calendar of ours can be read. */
void doctor_backend(struct doctor *d);
/* Each configured backend can be reached, takes our login and answers a question. */
void doctor_backends(struct doctor *d);
/* Each server of the directory can be reached, takes our login, and can be searched. */
void doctor_directory(struct doctor *d);
/* With a directory: no rule, no group and nothing hidden names somebody of ours by an alias. */
void doctor_aliases(struct doctor *d);
/* The table's rows of d->peer; breaks ${chain}. */
void doctor_table(struct doctor *d, struct doctor_chain *chain);
/* What our rules let d->peer and our own people see; breaks ${chain} if nobody of ours may ask. */
void doctor_rules(struct doctor *d, struct doctor_chain *chain);
/* One question of ours to d->peer, by way of the daemon. */
void doctor_look_up(struct doctor *d, const struct doctor_chain *chain);
/* Name, TCP, TLS, Hello and what the peer says of its own side; breaks ${chain}. */
void doctor_link(struct doctor *d, struct doctor_chain *chain);
enum { DOCTOR_MAILBOX = 384 };
/* The mailbox that a peer is to ask us about: it need not exist, "no access" is an answer too. */
void doctor_mailbox(const struct conf *c, char out[DOCTOR_MAILBOX]);
struct link_probe;
/* What the peer ${said} of its own side, NULL = it did not, for ${why}; breaks ${chain} (doctor_told.c). */
void doctor_told(struct doctor *d, struct doctor_chain *chain, const struct link_probe *said, const char *why);
struct pki_pinset;
struct pki_tls;
/* The link's recipe with our identity of ${c}. NULL with a sentence. Caller frees. */
struct pki_tls *doctor_link_tls(const struct conf *c, struct pki_pinset *pins, struct buf *error);
/* A connection to the first endpoint of ${p} that takes one, and its host's name; -1 if none does. Caller closes. */
int doctor_dial(const struct conf_peer *p, char *host, size_t size);
/* The name and TCP hops of d->peer; breaks ${chain}. */
void doctor_reach(struct doctor *d, struct doctor_chain *chain);
#endif
