#ifndef BRIDGE_PROCESS_INVITATIONS_OWN_H
#define BRIDGE_PROCESS_INVITATIONS_OWN_H
#include "bridge/process/invitations.h"
#include "pki/pairing.h"

/* Inside invitations*.c: one invitation and the list of them. */

struct invitation {
	struct invitation *next;
	struct invitations *all;
	char name[64], text[PKI_INVITATION_TEXT_MAX + 1], by[PKI_PIN_TEXT];
	char id[2 * PKI_INVITATION_ID_LEN + 1];
	uint64_t expires;
	unsigned tries;
	bool done;
	int waiter;               /* who wants to hear how it ended, or -1 */
	struct loop_timer *end;
	pid_t writer;             /* writes the peer now, or 0 */
	int output;               /* what it says */
	uint64_t handle;
	struct loop_timer *patience;
};

struct invitations {
	struct loop *loop;
	const char *conf_path;
	size_t (*tell)(void *arg, uint16_t type, const void *data, size_t len);
	void *arg;
	struct invitation *list;
};

/* invitations.c: seconds since 1970. */
uint64_t invitations_now(void);
/* invitations.c: tells all bridges how it stands with ${i}, or (${gone}) that it is no more. */
void invitation_tell(const struct invitation *i, bool gone);
/* invitations.c: says to who waits for ${i}, if anybody does, how it ended: an exit code and a sentence. */
void invitation_answer(struct invitation *i, int code, const char *text);
/* invitations.c: the one that has this id in hex; NULL if none has (${id} NULL too). */
struct invitation *invitation_with_id(const struct invitations *v, const char *id);
#endif
