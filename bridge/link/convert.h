#ifndef BRIDGE_LINK_CONVERT_H
#define BRIDGE_LINK_CONVERT_H
#include "bridge/address_space/table.h"
#include "bridge/availability/answer.h"
#include "bridge/base/buf.h"

/* Between the words of the trade and the messages of link.proto. Every limit is checked on the bytes, before memory is taken. Pure. */
enum {
	LINK_QUERY_BYTES = 64 << 10, /* 100 addresses of 320 bytes are 33 KiB */
	LINK_TEXT_BYTES = 768,       /* of a subject or location: Exchange's 255 characters at three bytes */
	LINK_ANSWER_BYTES = 2 << 20, /* 1,000 events with two such texts and 40 bytes more are 1.6 MB; 17,856 digits */
	LINK_HELLO_BYTES = 64 << 10,
	LINK_HELLO_DOMAINS = 200,    /* more are left out of a Hello */
	LINK_SITE_BYTES = 128
};

/* Appends the QueryRequest for ${q}. -1 if ${out} is full or memory is out. */
int link_query_write(struct buf *out, const struct fb_query *q);
/*
 * Reads a QueryRequest into ${q} (request_id is left alone); q->mailboxes is malloc'd and the caller's to free, `asked` as it came, `address` normal
 * or "". False with a sentence in ${why} (constant) if anything is out of bounds; nothing is to be freed then.
 */
bool link_query_read(const uint8_t *p, size_t n, struct fb_query *q, const char **why);

/*
 * Packs the MailboxAnswer that says ${a} about mailbox ${i} of ${q} to where ${place}(${arg}, size) points. Too many events, or too large as a
 * whole, goes out as TOO_BIG. -1 if ${place} gave NULL or memory is out.
 */
int link_answer_write(const struct fb_query *q, size_t i, const struct fb_answer *a, uint8_t *(*place)(void *arg, size_t n), void *arg);
/*
 * Reads a MailboxAnswer to the question ${q}; ${i} says about which mailbox. A reason that we do not know, digits that do not fit, a busy type that
 * is none: a failure (FB_PEER_FAILED) for that mailbox with ${why} set, never free time. NULL with ${why} if no mailbox can be told from it. Caller
 * frees.
 */
struct fb_answer *link_answer_read(const uint8_t *p, size_t n, const struct fb_query *q, size_t *i, const char **why);

/* What a Hello says; all of it malloc'd. */
struct link_hello {
	char *site, *version;
	char **domains, **not_ours; /* not_ours, in a reply: of those that we named, what its table does not give us */
	size_t n_domains, n_not_ours;
	int64_t time; /* the reply's clock, 0 in a request */
	int64_t ahead; /* by how many seconds that was ahead of ours when it came */
	uint32_t processes; /* a request's: from how many the site asks; 0 = not told */
	int64_t front_expires; /* of its front certificate, seconds since 1970; 0 = not told */
};
/* Frees what ${h} holds. */
void link_hello_free(struct link_hello *h);
struct conf;
/* Appends our HelloRequest. -1 if ${out} is full or memory is out. */
int link_hello_write(struct buf *out, const struct conf *c);
/*
 * Appends our HelloReply to what ${peer} has ${asked}; ${t} is the table of ${c}, ${front_expires} as in link_hello. -1 if ${out} is full or memory
 * is out.
 */
int link_hello_answer(struct buf *out, const struct conf *c, const struct address_space *t, const char *peer, const struct link_hello *asked,
                      int64_t front_expires);
/* Reads one; domains that are none are left out, site and version are cut to printable text. False with ${why}; nothing is to be freed then. */
bool link_hello_read(const uint8_t *p, size_t n, bool reply, struct link_hello *h, const char **why);

enum { LINK_SPKI_BYTES = 256, LINK_SIGNATURE_BYTES = 128, LINK_PIN_BYTES = 32, LINK_ANNOUNCE_BYTES = 1024 };
/* An Announce as it stands on the wire. */
struct link_announce {
	bool retires;
	uint8_t spki[LINK_SPKI_BYTES], signature[LINK_SIGNATURE_BYTES], retired[LINK_PIN_BYTES];
	size_t n_spki, n_signature;
	uint8_t current[LINK_SPKI_BYTES], vouches[LINK_SIGNATURE_BYTES]; /* the key in use, and its signature for the next one */
	size_t n_current, n_vouches;                                    /* 0 = there is none */
};
enum { LINK_PROBE_BYTES = 256 };
struct link_probe;
/* Appends a ProbeRequest about ${mailbox}. -1 if ${out} is full. */
int link_probe_ask_write(struct buf *out, const char *mailbox);
/* Reads one: ${mailbox} is normal, or "" if none was named. False if it is none. */
bool link_probe_ask_read(const uint8_t *p, size_t n, char mailbox[FB_ADDRESS_MAX + 1]);
/* Appends a ProbeReply. -1 if ${out} is full. */
int link_probe_write(struct buf *out, const struct link_probe *say);
/* Reads one. False if it is none. */
bool link_probe_read(const uint8_t *p, size_t n, struct link_probe *said);

enum link_taken { LINK_NOT_TAKEN = 0, LINK_TAKEN, LINK_WAITS };
/* Appends the AnnounceRequest of ${a}. -1 if ${out} is full. */
int link_announce_write(struct buf *out, const struct link_announce *a);
/* Reads one. False with ${why}. */
bool link_announce_read(const uint8_t *p, size_t n, struct link_announce *a, const char **why);
/* Appends an AnnounceReply. -1 if ${out} is full. */
int link_announced_write(struct buf *out, enum link_taken taken);
/* Reads one; what is no reply, or not known, is LINK_NOT_TAKEN. */
enum link_taken link_announced_read(const uint8_t *p, size_t n);
#endif
