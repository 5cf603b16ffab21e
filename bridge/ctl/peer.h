#ifndef BRIDGE_CTL_PEER_H
#define BRIDGE_CTL_PEER_H
#include <stdbool.h>
#include "bridge/conf/conf.h"
#include "bridge/ctl/edit.h"
#include "pki/pin.h"

/*
 * The verb `peer` by its forms: edits in peer.c, making in peer_add.c, pairing in pair_invite.c and pair_accept.c, looking in
 * peer_show.c, proof of domains in domains.c, names of endpoints in peer_moved.c.
 */

enum { CTL_PEER_FILE = 80 };

/* True if ${name} may be a peer's; else a sentence was printed. */
bool ctl_peer_name(const char *name);
/* The command line of a verb that takes the name of a peer and nothing else. CTL_DONE, or CTL_USAGE after a sentence. */
int ctl_peer_one(int argc, char **argv, const char **name);
/* The name of its file, beside the main file. */
void ctl_peer_file(char out[CTL_PEER_FILE], const char *name);
/* As a value for ctl_peer_change(): the lines go. */
extern const char ctl_peer_drop[];
/*
 * Replaces the settings ${pairs} (keyword, value, or several values with a newline between; NULL values are left alone; ends with a
 * NULL keyword) of one peer. CTL_DONE, or CTL_NO after a sentence.
 */
int ctl_peer_change(const char *conf_path, const char *name, const char *const (*pairs)[2]);

/* True if ${dial} is both, out, in or NULL; else a sentence was printed. */
bool ctl_peer_dial(const char *dial);
struct ctl_words;
/* True if all of ${endpoints} are HOST:PORT and no more than are tried; else a sentence was printed. */
bool ctl_peer_endpoints(const struct ctl_words *endpoints);
/* The lines of the peer ${name} for an edit; NULL after a sentence if there is no such peer. Caller frees. */
struct lines *ctl_peer_read(struct ctl_edit *e, const char *name);
/*
 * Sends ${request}, which cuts links, to the daemon that runs; prints ${done} (what is written) and what became of the links.
 * Returns the verb's exit code: CTL_NO if they may still be up.
 */
int ctl_peer_shut(const char *conf_path, const char *request, const char *done);
/* peer unpin. */
int ctl_peer_unpin(int argc, char **argv, const char *conf_path);

/* A peer that is to be written. */
struct ctl_new_peer {
	const char *name, *unconfirmed; /* the six words that are still to be compared; NULL = it is enabled at once */
	const char *dial;               /* both, out, in; NULL = both */
	uint8_t pin[PKI_PIN_LEN];
	size_t n_endpoints, n_domains;
	const char *const *endpoints, *const *domains; /* domains are normal */
};
/*
 * Starts the edit that writes ${p} and its rows, after looking at all that can be wrong with it: 0, then ctl_edit_commit() or
 * ctl_edit_drop() it; -1 after a sentence, nothing to drop.
 */
int ctl_peer_put(struct ctl_edit *e, const char *conf_path, const struct ctl_new_peer *p);
/* Prints what an admin does next with the new peer ${name}. */
void ctl_peer_next(const char *name);
/*
 * peer moved: prints the first address to which the names of the peer's endpoints lead now and did not before; nothing if there is none.
 * What the daemon runs while it cannot reach the peer.
 */
int ctl_peer_moved(int argc, char **argv, const char *conf_path);
/* peer add. */
int ctl_peer_add(int argc, char **argv, const char *conf_path);
/* peer list: what is configured. */
int ctl_peer_list(int argc, char **argv, const char *conf_path);
/* peer show: what the peer says of itself beside what is configured, asked of the daemon. */
int ctl_peer_show(int argc, char **argv, const char *conf_path);
/* Prints what is configured of ${p}: endpoints, pins, domains. */
void ctl_peer_print(const struct conf *c, const struct conf_peer *p);

/* peer invite. */
int ctl_peer_invite(int argc, char **argv, const char *conf_path);
/* peer accept. */
int ctl_peer_accept(int argc, char **argv, const char *conf_path);
/* peer confirm. */
int ctl_peer_confirm(int argc, char **argv, const char *conf_path);

/* peer check-domains. */
int ctl_peer_check_domains(int argc, char **argv, const char *conf_path);
/*
 * With require_domain_proof in ${c}: does every one of ${domains} (${n}) name ${pin} in the DNS? True too if nobody requires it.
 * False after sentences. ${resolver} is HOST:PORT, or NULL for the system's.
 */
bool ctl_domains_proven(const struct conf *c, const char *const *domains, size_t n, const uint8_t pin[PKI_PIN_LEN], const char *resolver);
#endif
