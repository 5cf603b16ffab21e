#ifndef PKI_TLS_H
#define PKI_TLS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bridge/base/buf.h"
#include "bridge/base/loop.h"
#include "pki/pin.h"

/*
 * The one TLS recipe for the link and the one for the front, and a non-blocking TLS stream on the event loop that
 * both doors use. All OpenSSL of the bridge is behind this header and its neighbours.
 */
struct pki_tls; /* a recipe with its certificate; lives for the process */
enum { PKI_EXPORTER_LEN = 32 };

/*
 * The link's recipe: TLS 1.3 only, ALPN "h2", our identity, peer certificate demanded, trusted if and only if its key's pin is
 * in ${pins} (borrowed); dates, names, usage, issuer count for nothing. No tickets, no early data, no renegotiation.
 * Serves both ends. NULL with a sentence in ${error} (a key file readable by others is refused). Caller frees.
 */
struct pki_tls *pki_tls_link(const char *cert_path, const char *key_path, struct pki_pinset *pins, struct buf *error);
/*
 * The front's recipe: TLS 1.2 and 1.3, ALPN "http/1.1" only (a client that offers none, or no SNI, is served), the
 * chain in ${cert_path}, tickets on for TLS 1.3; 1.2 with ECDHE suites only, ECDHE-RSA-AES128-SHA256 and -AES256-SHA384
 * among them. Caller frees.
 */
struct pki_tls *pki_tls_front(const char *cert_path, const char *key_path, struct buf *error);
/*
 * The recipe of `query --user`, which asks our own front over HTTPS: TLS 1.2 and 1.3, verified against the CA file ${ca_path}
 * and the host name given at connect. Caller frees.
 */
struct pki_tls *pki_tls_client(const char *ca_path, struct buf *error);
/*
 * The recipe of a guest that accepts an invitation: the link's, but with the ALPN name of pairing, which no link has. ${pins} holds the host's
 * pin alone. Caller frees.
 */
struct pki_tls *pki_tls_pairing(const char *cert_path, const char *key_path, struct pki_pinset *pins, struct buf *error);
/*
 * The link's recipe lets guests in until ${seconds} (since 1970): a key that is no peer's then passes the handshake, but only under the ALPN name of
 * pairing, and its stream says so by pki_stream_pairs(). 0 = no more.
 */
void pki_tls_pairing_until(struct pki_tls *t, uint64_t seconds);
/* Frees it. NULL is allowed. */
void pki_tls_free(struct pki_tls *t);
enum { PKI_END_POINT_MAX = 64 };
/*
 * The hash of the recipe's certificate that a channel binding of the kind tls-server-end-point is made of (RFC 5929 4.1): by the hash of its
 * signature, SHA-256 instead of MD5 and SHA-1. Writes ${out} and returns its length; 0 if that kind is not defined for the certificate (Ed25519).
 */
size_t pki_tls_end_point(const struct pki_tls *t, uint8_t out[PKI_END_POINT_MAX]);

struct pki_stream;
struct pki_stream_events {
	void (*up)(void *arg);                              /* handshake done; on the link the pin matched */
	void (*data)(void *arg, struct buf *in);            /* bytes came: consume what you can; the rest stays for the next call */
	void (*drained)(void *arg);                         /* all that was written has gone to the kernel; may be NULL */
	void (*down)(void *arg, const char *why);           /* ended: why is a sentence, or NULL for a clean close. Once; then free the stream */
};

/*
 * Takes over the connected non-blocking socket ${fd} and starts the handshake as server (10 seconds at most). At most ${max_in} unread bytes
 * are held: when so many lie unconsumed, reading stops until pki_stream_hold(s, false). NULL when out of memory (fd is closed). Caller frees.
 */
struct pki_stream *pki_stream_accept(struct loop *l, struct pki_tls *t, int fd, size_t max_in,
                                     const struct pki_stream_events *ev, void *arg);
/*
 * The same as client; ${host} is checked against the certificate (and sent as SNI) by pki_tls_client(), sent as SNI only on the link, where
 * ${pin_of} names the peer whose pins alone may answer. With TLS 1.3 a client is `up` before the server has judged its certificate: a refusal
 * comes after that, by `down`.
 */
struct pki_stream *pki_stream_connect(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *pin_of,
                                      size_t max_in, const struct pki_stream_events *ev, void *arg);
/* Closes at once and frees; no callback any more. Allowed inside callbacks. NULL is allowed. */
void pki_stream_free(struct pki_stream *s);
/* Queues ${n} bytes (copied); they go out in this loop turn, all writes of a turn in as few records as fit. -1 if more than 64 MiB wait. */
int pki_stream_write(struct pki_stream *s, const void *p, size_t n);
/* Bytes queued and not yet taken by the kernel: the caller's back-pressure. */
size_t pki_stream_pending(const struct pki_stream *s);
/* Sends what is queued, then close_notify, then ends (down with NULL), within ${ms}. */
void pki_stream_finish(struct pki_stream *s, int64_t ms);
/* Stops (true) or resumes (false) reading from the socket; resuming also hands over again, later in this turn, what was left unconsumed. */
void pki_stream_hold(struct pki_stream *s, bool hold);
/* The peer that the pin named: THE FIRST SEAL; NULL on the front or before `up`. Borrowed; valid for the pinset's life. */
const struct pki_peer *pki_stream_peer(const struct pki_stream *s);
/* True on a stream of pairing, from `up` on: nobody is known there (pki_stream_peer() is NULL), and nothing but pairing may be spoken. */
bool pki_stream_pairs(const struct pki_stream *s);
/*
 * Offers, as client on the link, that the other side asks and we answer (ALPN "availbridge-reverse/1"), from its ${process} if it has several:
 * right after pki_stream_connect(). -1 when out of memory.
 */
int pki_stream_turn(struct pki_stream *s, unsigned process);
/* True, from `up` on, if the TLS client is to be asked and the TLS server asks: docs/link-protocol.md section 8. */
bool pki_stream_turned(const struct pki_stream *s);
/* From now on ${ev} with ${arg} are called. Allowed inside callbacks. */
void pki_stream_retarget(struct pki_stream *s, const struct pki_stream_events *ev, void *arg);
/* The connection's exporter (RFC 5705, RFC 8446 7.5) under the label of pairing, after `up`. -1 if there is none. */
int pki_stream_exporter(const struct pki_stream *s, uint8_t out[PKI_EXPORTER_LEN]);
/* The same under the label of announcements (pki/rotation.h). */
int pki_stream_exporter_announce(const struct pki_stream *s, uint8_t out[PKI_EXPORTER_LEN]);
/* Our pin, and that of the key that the other side proved to hold; after `up`, not on the front. */
void pki_stream_pins(const struct pki_stream *s, uint8_t own[PKI_PIN_LEN], uint8_t other[PKI_PIN_LEN]);
/* "TLSv1.3" and the cipher's name, for logs. Borrowed. */
const char *pki_stream_protocol(const struct pki_stream *s);
/* True, on a server's stream from `up` on, if the client named the host that it wants (SNI, RFC 6066 3). */
bool pki_stream_named(const struct pki_stream *s);
/* The protocol that was agreed on by ALPN (RFC 7301), from `up` on; "" if none was. Borrowed. */
const char *pki_stream_alpn(const struct pki_stream *s);
#endif
