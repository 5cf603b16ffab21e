#ifndef BRIDGE_BACKEND_EWS_SUSPECTS_H
#define BRIDGE_BACKEND_EWS_SUSPECTS_H
#include <stdbool.h>
#include <stdint.h>
#include "bridge/availability/address.h"

/*
 * Mailboxes that may be what held a call up: each is asked alone for a while, so that it holds up nobody else. Of two with one
 * place the later one counts.
 */
enum { EWS_SUSPECTS = 256, EWS_SUSPECT_MS = 600000 };
struct ews_suspects {
	int64_t last_ms; /* until when any is one */
	struct {
		int64_t until_ms;
		char address[FB_ADDRESS_MAX + 1];
	} list[EWS_SUSPECTS];
};

/* Suspects ${address} from ${now_ms} on. */
void ews_suspect(struct ews_suspects *s, const char *address, int64_t now_ms);
/* It has answered: no longer. */
void ews_trust(struct ews_suspects *s, const char *address);
/* True if it is to be asked alone. */
bool ews_is_suspect(const struct ews_suspects *s, const char *address, int64_t now_ms);
#endif
