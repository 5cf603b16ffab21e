#ifndef BRIDGE_CTL_VERBS_H
#define BRIDGE_CTL_VERBS_H

/*
 * One function a verb, one file a verb (bridge/ctl/VERB.c); the table that names them all is in ctl/table.c. Each is a
 * ctl_verb_fn: ${argv} starts at the verb itself, -c and its FILE are already taken out, ${conf_path} is the main file.
 * Each returns CTL_DONE, CTL_NO or CTL_USAGE; a usage error goes through ctl_usage() in ctl/args.h.
 */

/* Makes a new site: main file, identity, front certificate, folders, the first rule. */
int ctl_init(int argc, char **argv, const char *conf_path);
/* Runs the daemon until it is told to stop. */
int ctl_serve(int argc, char **argv, const char *conf_path);
/* Looks the whole configuration over and prints every problem. */
int ctl_check(int argc, char **argv, const char *conf_path);
/* Asks the daemon for a new generation with the files as they are now. */
int ctl_reload(int argc, char **argv, const char *conf_path);
/* Prints how the daemon and its peers are. */
int ctl_status(int argc, char **argv, const char *conf_path);
/* Tries every hop and says what is wrong with which. */
int ctl_doctor(int argc, char **argv, const char *conf_path);
/* address-space add, remove, get, list. */
int ctl_address_space(int argc, char **argv, const char *conf_path);
/* peer add, remove, list, show, enable, disable, set. */
int ctl_peer(int argc, char **argv, const char *conf_path);
/* rule add, remove, list. */
int ctl_rule(int argc, char **argv, const char *conf_path);
/* account add, passwd, remove, list. */
int ctl_account(int argc, char **argv, const char *conf_path);
/* identity show. */
int ctl_identity(int argc, char **argv, const char *conf_path);
/* audit show, verify, compare. */
int ctl_audit(int argc, char **argv, const char *conf_path);
/* Says what decides about one requester and one target, asking nobody. */
int ctl_explain(int argc, char **argv, const char *conf_path);
/* Looks somebody up in the directory, telling each step. */
int ctl_directory(int argc, char **argv, const char *conf_path);
/* Asks the running daemon as a client would. */
int ctl_query(int argc, char **argv, const char *conf_path);
/* Computes one calendar offline. */
int ctl_freebusy(int argc, char **argv, const char *conf_path);
/* Prints the PowerShell that makes our Exchange ask the bridge. */
int ctl_exchange_setup(int argc, char **argv, const char *conf_path);
/* Prints the verbs, or the forms of one. */
int ctl_help(int argc, char **argv, const char *conf_path);
/* Prints the program's name and version. */
int ctl_version(int argc, char **argv, const char *conf_path);
#endif
