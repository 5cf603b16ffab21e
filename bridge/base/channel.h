#ifndef BRIDGE_BASE_CHANNEL_H
#define BRIDGE_BASE_CHANNEL_H
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "bridge/base/loop.h"

/*
 * Typed messages between our own processes over a unix stream socket:
 * u32 length, u16 type, u16 flags, payload; one descriptor may travel with a
 * message. The receiver's table says which types it takes and how large each
 * may be; anything else ends the channel (OpenSSH's monitor is the model).
 */
struct channel;

struct channel_type {
	uint16_t type;
	const char *name; /* for the log */
	size_t max;       /* largest payload in bytes */
	int takes_fd;     /* 1 if a descriptor must come with it, else none may */
};

/* A message arrived. ${data} is borrowed for the call; ${fd} (or -1) is the receiver's to close. */
typedef void channel_msg_cb(void *arg, uint16_t type, const uint8_t *data, size_t len, int fd);
/* The other end closed, or sent what the table does not allow (${why} says it). Called once; then free the channel. */
typedef void channel_end_cb(void *arg, const char *why);

/* Takes over the descriptor ${fd}. ${types} (${n} rows) is borrowed for the channel's life. Caller frees. */
struct channel *channel_new(struct loop *l, int fd, const struct channel_type *types, size_t n,
                            channel_msg_cb *on_msg, channel_end_cb *on_end, void *arg);
/* Closes and frees; callbacks are not called any more. Allowed inside them. NULL is allowed. */
void channel_free(struct channel *c);
/* Queues a message; ${fd} (or -1) is duplicated. Returns 0, or -1 if the channel has ended or 64 MiB are waiting. */
int channel_send(struct channel *c, uint16_t type, const void *data, size_t len, int fd);
/* Has any of these failed so far? */
bool channel_missed(const struct channel *c);

/*
 * As channel_send() without a descriptor, at the end of this turn of the loop: all that was posted in it goes in one piece. The
 * payload is the u32 ${handle} (as pack_u32() writes it), then ${data}.
 */
int channel_post(struct channel *c, uint16_t type, uint32_t handle, const void *data, size_t len);

/* Blocking side, for workers. Reads one message into ${data} (cleared first). 1 = got one, 0 = the other end closed, -1 = bad or failed. */
int channel_read_blocking(int sock, const struct channel_type *types, size_t n, uint16_t *type, struct buf *data);
/* Writes one message whole. 0, or -1. */
int channel_write_blocking(int sock, uint16_t type, const void *data, size_t len);
#endif
