#ifndef BRIDGE_LINK_SESSION_OWN_H
#define BRIDGE_LINK_SESSION_OWN_H
#include "bridge/link/session.h"

enum { LINK_BUCKETS = 32 };

/* Shared by session.c (the connection) and stream.c (what is said on it) alone. */
struct link_session {
	struct loop *loop;
	bool server;              /* of HTTP/2: the end that is asked */
	bool accepted;            /* by link_session_accept(): the server of TLS as well, unless the client wants it the other way round */
	const struct link_session_events *ev;
	void *arg;
	struct pki_stream *tls;
	nghttp2_session *h2;      /* from the end of the handshake on */
	void *frame;              /* where h2 writes what it sends (session_memory.c); NULL = nowhere that we know */
	struct link_stream *streams[LINK_BUCKETS]; /* by their numbers: link_session_bucket() */
	size_t n_streams, in_bytes;
	size_t own_out, *out_bytes; /* what waits to be sent: counted here, or together with that on other connections */
	struct loop_timer *flush; /* one flush a turn */
	bool flush_waits;
	struct loop_timer *ping;  /* exists while streams are open, and until their memory is given back: an idle connection costs nothing */
	bool keep;                /* it has to live while idle too, through whatever forgets idle connections: pinged always */
	int64_t heard, pinged;    /* when the last bytes came; when a ping went out that waits for them, or 0 */
	struct loop_timer *goaway; /* between the first notice and the last word */
	int64_t calm_since;       /* frames that carry no work, counted over CALM_MS */
	unsigned calm_frames;
	int depth;                /* inside nghttp2 or a callback: the memory must stay */
	bool settled, draining, last_word, dead, freed;
};

/* Counts ${st} as open on ${s} under the number ${id}. */
void link_session_attach(struct link_session *s, struct link_stream *st, int32_t id);
/* Forgets it. */
void link_session_detach(struct link_stream *st);
/* Where the open streams of ${s} are whose numbers are like ${id}; those of one end are all odd or all even. */
static inline struct link_stream **link_session_bucket(struct link_session *s, int32_t id)
{
	return &s->streams[((uint32_t)id >> 1) % LINK_BUCKETS];
}
/* The open stream number ${id}, or NULL. */
struct link_stream *link_session_find(struct link_session *s, int32_t id);
/* nghttp2's half of ${s}, with our limits and the callbacks of incoming.c. NULL when out of memory. */
nghttp2_session *link_session_h2_new(struct link_session *s);
/* The memory of that half: s->h2 takes it from there. */
nghttp2_mem link_session_memory(struct link_session *s);
/* Nothing is under way: what was needed to send goes back to the kernel until the next frame. */
void link_session_rest(struct link_session *s);
/* Whatever waits goes out at the end of this turn. */
void link_session_flush(struct link_session *s);
#endif
