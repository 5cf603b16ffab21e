#ifndef BRIDGE_CTL_PINS_H
#define BRIDGE_CTL_PINS_H
#include "bridge/conf/conf.h"
#include "pki/pin.h"

/* The pins of peers as they change (pins.c), and the passphrase of our own keys (identity_encrypt.c). */

/* peer take-next: what the daemon runs for an announced next key. */
int ctl_peer_take_next(int argc, char **argv, const char *conf_path);
/* peer drop-old: the same for a key that its owner retired. */
int ctl_peer_drop_old(int argc, char **argv, const char *conf_path);
/*
 * peer drop-due: takes out the first old pin that is due by retire_after_days, and prints "dropped PEER PIN"; nothing if none is. What the
 * daemon runs until nothing is printed.
 */
int ctl_peer_drop_due(int argc, char **argv, const char *conf_path);
/* peer confirm-next. */
int ctl_peer_confirm_next(int argc, char **argv, const char *conf_path);
/* peer set NAME --pin and --next-pin (either may be NULL): for a peer that missed a rotation. */
int ctl_peer_set_pins(const char *conf_path, const char *name, const char *pin, const char *next_pin);
/* identity encrypt: the key files become encrypted with the passphrase that the settings name. */
int ctl_identity_encrypt(int argc, char **argv, const char *conf_path);
/* identity decrypt: the other way. */
int ctl_identity_decrypt(int argc, char **argv, const char *conf_path);
#endif
