#ifndef BRIDGE_LINK_SESSION_H
#define BRIDGE_LINK_SESSION_H
#include <nghttp2/nghttp2.h>
#include "bridge/base/loop.h"
#include "bridge/link/grpc.h"
#include "pki/tls.h"

/*
 * One HTTP/2 connection over one TLS stream, either end, and the gRPC streams on it. What the streams mean is the business of client.c and server.c.
 */
enum {
	LINK_STREAMS = 256,              /* open at once on one connection */
	LINK_HEADER_BYTES = 16 << 10,    /* one header list, counted as RFC 9113 6.5.2 does */
	LINK_HEADER_TABLE = 512,         /* what is kept of earlier headers for later ones (RFC 7541 4.2): more than the fields that all calls have */
	LINK_WINDOW = 256 << 10,         /* flow control: unread bytes of one stream */
	LINK_CONNECTION_WINDOW = 1 << 20,/* and of one connection */
	LINK_PENDING = 256 << 10,        /* no more is taken from the streams while this waits for the kernel */
	LINK_IN_BYTES = 32 << 20,        /* unfinished answers of one connection: 128 KiB for each stream, about a thousand events */
	LINK_REQUEST_BYTES = 1 << 20,    /* unfinished requests of one connection */
	LINK_OUT_BYTES = 64 << 20,       /* answers that wait for one peer, on all its connections */
	LINK_OUT_CALL = 32 << 20,        /* and for one call */
	LINK_PING_IDLE_MS = 30000,
	LINK_PING_WAIT_MS = 10000,
	LINK_REST_MS = 1000,             /* without a stream for so long, a connection gives back memory */
	LINK_DOUBT_MS = 2000             /* silent for so long when a question ran out of time: is it dead? */
};

/* One gRPC exchange. The owner embeds it and frees it after `closed` (or after link_stream_reset()). */
struct link_stream {
	struct link_session *session; /* NULL when it is not open */
	int32_t id;
	struct grpc_reader in;
	struct buf out;               /* framed messages that HTTP/2 has not taken */
	size_t counted_in, counted_out; /* what of these the connection counts */
	bool out_last;                /* nothing more will be added to out */
	bool responding;              /* the response's headers went out */
	bool remote_ended;
	int status;                   /* server: goes out as trailers once out_last */
	char message[256];
	size_t header_bytes;
	struct link_stream *next, **at;
};

struct link_session_events {
	/* The other end has spoken HTTP/2 (its SETTINGS came). */
	void (*up)(void *arg);
	/* Server only: a request begins. NULL refuses the stream. */
	struct link_stream *(*open)(void *arg);
	/* One header or trailer field, valid by RFC 9113; strings end with a zero. */
	void (*header)(void *arg, struct link_stream *st, const char *name, const char *value);
	/* A header block is whole: the request's, the response's or the trailers'. */
	void (*headers)(void *arg, struct link_stream *st);
	/* A whole message; ${what} tells if it could not be read. */
	void (*message)(void *arg, struct link_stream *st, enum grpc_read what, const uint8_t *p, size_t n);
	/* The other end sends nothing more on this stream; ${midway}: it stopped inside a message. */
	void (*ended)(void *arg, struct link_stream *st, bool midway);
	/* The stream is gone (an HTTP/2 error code, NO_ERROR if both sides ended it). Not after link_stream_reset(). */
	void (*closed)(void *arg, struct link_stream *st, uint32_t code);
	/* The other end wants no new streams. */
	void (*goaway)(void *arg);
	/* Server only: the other end came to pair. ${tls} is the receiver's; the session is empty and to be freed now. May be NULL. */
	void (*pairing)(void *arg, struct pki_stream *tls);
	/* After link_session_accept(): the other end came to be asked. ${tls} and the session: the same. May be NULL, then such a stream ends. */
	void (*turned)(void *arg, struct pki_stream *tls);
	/* The connection ended, all streams are closed; ${why} is a sentence or NULL. Once; then free the session. */
	void (*down)(void *arg, const char *why);
};

/* Takes over ${fd}. NULL when out of memory (the descriptor is closed). Caller frees. */
struct link_session *link_session_accept(struct loop *l, struct pki_tls *t, int fd, const struct link_session_events *ev, void *arg);
/* The same as client of ${peer}. */
struct link_session *link_session_connect(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *peer,
                                          const struct link_session_events *ev, void *arg);
/*
 * As TLS client of ${peer}, but it is the one who asks, if it can be from its ${process}: we are the HTTP/2 server. The connection is pinged even
 * while nothing is open.
 */
struct link_session *link_session_connect_turned(struct loop *l, struct pki_tls *t, int fd, const char *host, const char *peer,
                                                 unsigned process, const struct link_session_events *ev, void *arg);
/* The other end of that: takes over ${tls} as the `turned` event gave it, as HTTP/2 client. NULL when out of memory (the stream is freed). */
struct link_session *link_session_adopt(struct loop *l, struct pki_stream *tls, const struct link_session_events *ev, void *arg);
/* Ends the connection at once as if it had broken: its streams are closed, then `down` with ${why}. */
void link_session_break(struct link_session *s, const char *why);
/* The pin under which the other end stands. False if it has not proved a key of a peer. */
bool link_session_pin(const struct link_session *s, uint8_t pin[PKI_PIN_LEN]);
/* True if the other end proved, on this very connection, to hold the key with ${pin}. */
bool link_session_is_under(const struct link_session *s, const uint8_t pin[PKI_PIN_LEN]);
/* Closes at once, no callback any more; streams are detached. Allowed inside callbacks. NULL is allowed. */
void link_session_free(struct link_session *s);
/* Who is there: the first seal; NULL before the handshake is done. */
const struct pki_peer *link_session_peer(const struct link_session *s);
/* What an announcement is bound to: this connection's exporter, our key and the other side's. -1 before the handshake is done. */
int link_session_binding(const struct link_session *s, uint8_t exporter[PKI_EXPORTER_LEN], uint8_t own[PKI_PIN_LEN], uint8_t other[PKI_PIN_LEN]);
/* GOAWAY; the connection ends when its last stream is closed (then `down` with NULL). */
void link_session_drain(struct link_session *s);
/* A question on an open stream of ${s} got no answer in time: if nothing else was heard either, the connection has to prove that it lives. */
void link_session_doubt(struct link_session *s);
/*
 * What waits on ${s} to be sent counts in ${out_bytes} (borrowed for its life), together with what waits on others that have the same: before
 * anything waits.
 */
void link_session_share(struct link_session *s, size_t *out_bytes);
/* Streams that are open. */
size_t link_session_streams(const struct link_session *s);

/* Makes ${st} an unused stream: messages in up to ${max_in} bytes. */
void link_stream_init(struct link_stream *st, size_t max_in);
/* Releases what it holds; it must not be open. */
void link_stream_release(struct link_stream *st);
/* Client: sends the request's headers; the messages follow from st->out. -1 if no stream can be opened now. */
int link_stream_request(struct link_session *s, struct link_stream *st, const nghttp2_nv *nv, size_t n);
/* Appends a framed message of ${n} bytes and gives the place for them, to be filled at once; NULL if too much waits. */
uint8_t *link_stream_put(struct link_stream *st, size_t n);
/* Server: sends the response's headers if they are not out, and whatever waits. */
void link_stream_send(struct link_stream *st);
/* Ends our side: as client END_STREAM, as server the trailers with ${status} (and ${why}, may be NULL), without a body if nothing was sent. */
void link_stream_end(struct link_stream *st, int status, const char *why);
/* Server: answers with the bare HTTP status ${http} and ends. */
void link_stream_end_http(struct link_stream *st, const char *http);
/* Gives the stream up with RST_STREAM; no callback for it any more. A stream that is not open stays so. */
void link_stream_reset(struct link_stream *st, uint32_t code);
#endif
