#ifndef BRIDGE_PROCESS_STATUS_H
#define BRIDGE_PROCESS_STATUS_H
#include "bridge/base/json.h"
#include "bridge/process/bridge.h"

/* `status` and `peer show`, for people and as JSON (its fields are in status.c), by subject. */

/* ---- words (status_words.c) ---- */

/* A time in ms for people: "3 d 4 h", "4 h 5 min", "5 min 6 s", "6 s". */
void status_span(struct buf *b, uint64_t ms);

/* ---- what the supervisor packed (status_processes.c) ---- */

/* One generation, as generation_pack() packed it. */
void status_generation(struct buf *out, struct unpack *u, bool json);
/* The open invitations, as invitations_pack() packed them. */
void status_invitations(struct buf *out, struct unpack *u, bool json);

/* ---- keys and certificates (status_rotation.c) ---- */

struct status_pin {
	const char *peer, *pin;
};
struct status_rotation {
	int64_t front_expires;
	const char *trouble;
	struct status_pin *taken, *pending;
	uint32_t n_taken, n_pending;
};

/* Reads what rotation_pack() packed; its texts are borrowed from ${u}'s bytes. Caller frees the two lists. */
struct status_rotation status_rotation_read(struct unpack *u);
/* Our own keys and front certificate, and next keys that wait for the admin. */
void status_rotation_put(struct buf *out, const struct bridge *b, const struct status_rotation *r, bool json);
/* What stands between ${p} and our keys, for people. */
void status_rotation_peer(struct buf *out, const struct bridge *b, const struct status_rotation *r, const struct conf_peer *p,
                          const struct link_status *st);

/* ---- peers (status_peer.c) ---- */

/* The link's state of ${p}; a peer that we cannot connect to has only its name and a state. */
void status_peer_find(const struct bridge *b, const struct conf_peer *p, struct link_status *st);
/* One peer as an object. */
void status_peer_json(struct buf *out, const struct bridge *b, const struct link_status *st);
/* The same for people: the first line and what is wrong. */
void status_peer_line(struct buf *out, const struct conf *c, const struct link_status *st);
/* Our table beside what its Hello said, for people; ${all}: the domains that agree as well. */
void status_peer_domains(struct buf *out, const struct bridge *b, const struct link_status *st, bool all);

/* ---- the whole (status.c) ---- */

/* Appends `status`; ${known} is what the supervisor packed. -1 if that is malformed. */
int status_put(struct buf *out, const struct bridge *b, struct unpack *known, bool json);
/* Appends what `peer-show` says about ${peer} (status_peer.c). -1 if there is no such peer. */
int status_put_peer(struct buf *out, const struct bridge *b, const char *peer, bool json);
#endif
