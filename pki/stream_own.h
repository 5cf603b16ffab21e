#ifndef PKI_STREAM_OWN_H
#define PKI_STREAM_OWN_H
#include "pki/parts.h"

/* Shared by stream.c (what goes in and out), stream_new.c (how one is made) and stream_facts.c (what is known of the other end) alone. */

/* LINGERING: nothing more is sent; waiting for the other side to close, so that our last words are not lost to a reset. */
enum state { HANDSHAKING, OPEN, LINGERING, ENDED };

struct pki_stream {
	struct loop *loop;
	struct pki_tls *tls;
	SSL *ssl;         /* NULL for a client of ours that has not said anything yet: a crowd of those costs next to nothing */
	int fd;
	struct loop_fd *watch;
	struct loop_timer *deadline, *kick; /* kick: a turn without an event on the socket */
	struct pki_stream_events ev;
	void *arg;
	struct buf in, out;
	enum state state;
	bool server, held, full, finishing, dead;
	bool want_write;  /* OpenSSL or the kernel waits for room */
	bool in_turn;     /* what is written now goes out when the turn ends */
	int busy;         /* callbacks on the stack: freeing waits for them */
	size_t lingered;
	int64_t finish_ms;
	struct pki_check check;
	const struct pki_peer *peer;
	uint8_t other_pin[PKI_PIN_LEN];
	bool pairs, reverse;
	char *only, *host;
	char protocol[80], alpn[32];
	bool has_why;
	char *why;        /* with has_why: the sentence, NULL when there was no memory for it */
};

enum { STREAM_OUT_MAX = 64 << 20, STREAM_HANDSHAKE_MS = 10000 };

/* Notes why the stream ends, in a printf sentence; the first counts. */
void stream_because(struct pki_stream *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes ${s}->ssl. 0, or -1 when out of memory. */
int stream_prepare(struct pki_stream *s);
/* Frees it; nothing of it may be on the stack. */
void stream_release(struct pki_stream *s);
/* Its socket can be read or written: the events of a loop_fd. */
void stream_on_fd(int fd, int events, void *arg);
/* The timer of a turn without that. */
void stream_on_kick(void *arg);
/* The timer of the handshake, or of the end. */
void stream_on_deadline(void *arg);
/* What the protocol allows but we do not, decided once, when the handshake is done. False after stream_because(). */
bool stream_acceptable(struct pki_stream *s);
/* Keeps what the other side and we agreed on, in words. */
void stream_take_facts(struct pki_stream *s);
#endif
