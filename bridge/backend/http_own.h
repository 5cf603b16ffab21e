#ifndef BRIDGE_BACKEND_HTTP_OWN_H
#define BRIDGE_BACKEND_HTTP_OWN_H
#include <curl/curl.h>
#include "bridge/backend/http.h"
#include "bridge/trace/trace.h"

/* What http.c and its parts share. Private to them. */

/* Who we are to the backend and how it is known. Secrets are read whole; of the CA file curl keeps what it read first. */
struct http_identity {
	enum conf_auth auth;
	const char *user;            /* borrowed from the settings; NULL = none */
	const char *ca_file;         /* the same */
	struct buf password, certificate, key; /* empty = none */
	char pin[64];                /* as curl spells it; "" = none */
};

/* Reads what ${b} names. -1 with a sentence; http_identity_free() is due either way. */
int http_identity_read(struct http_identity *id, const struct conf *c, const struct conf_backend *b, struct buf *error);
/*
 * Makes the key of ${principal} in the keytab ${path} the one that GSSAPI logs in with, by the environment of this process:
 * before there are threads, and one principal a process. Its tickets stay in memory, and are renewed by the library itself. -1
 * with a sentence.
 */
int http_keytab_offer(const char *path, const char *principal, struct buf *error);
/* Would http_keytab_offer() do it? Nothing is offered. -1 with its sentence. */
int http_keytab_check(const char *path, const char *principal, struct buf *error);
/* Has GSSAPI a ticket for a service, got by that key? It has one for the only server that this process asks, or none. */
bool http_keytab_has_ticket(void);
/*
 * Without any ticket: is it because the KDC refuses that key? It is asked anew without one, which no account is locked for: a KDC that answers
 * is there, and did not take ours. Waits for the KDC, a second and a half at most, and once for all of the time in which none is asked because
 * one was silent.
 */
bool http_keytab_is_refused(void);
/*
 * GSSAPI is about to be used, and asks a KDC where there is no ticket: which is bounded from now on until http_keytab_watch_end(), by five seconds;
 * by one where there is a ticket that it wants to renew; by none for ten more when it was silent for so long. False: there is a ticket, and
 * nothing to be ended.
 */
bool http_keytab_watch(void);
/* See http_keytab_watch(). */
void http_keytab_watch_end(void);
/* Forgets all tickets: others are got when they are needed. */
void http_keytab_forget(void);
/* Wipes and frees what was read. */
void http_identity_free(struct http_identity *id);
/* Gives ${easy} the login and the verification, for as long as it lives. False if curl refuses any of it: nothing may be sent then. */
bool http_identity_apply(struct http_identity *id, CURL *easy);

/*
 * What the whole answer to ${easy} comes to: HTTP_ANSWERED, or, where it refuses us because there was no Kerberos ticket to log in with,
 * HTTP_UNREACHABLE: nothing was tried that could lock an account. *${why} is then a sentence, and also where it is for our key, which the KDC
 * did not take, or the server does not offer our way to log in; else it is NULL.
 */
enum http_outcome http_identity_outcome(const struct http_identity *id, CURL *easy, const char **why);
/* The next login is to be a new one: with a ticket for the key that the server has now. */
void http_identity_renew(const struct http_identity *id);

/*
 * Has ${easy} send ${lines} (as of struct http_request) with its next requests, and what each of ours says. *${list} is what it
 * was given last, NULL at first, and serves again where it is the same; to be freed after ${easy}. False if curl refuses.
 */
bool http_headers_set(struct curl_slist **list, CURL *easy, const char *const *lines);

/* curl's multi interface on the house's loop: it says which sockets to watch and when to wake it, and is told what happened. */
struct http_watch;
struct http_multi {
	struct loop *loop;
	CURLM *curl;
	struct loop_timer *timer;
	bool by_ticket;              /* it logs in by Kerberos tickets, for which a KDC is asked */
	struct http_watch **watches; /* by descriptor */
	size_t n_watches;
	void (*done)(CURL *easy, CURLcode code); /* called for each transfer that is over, never out of curl */
};
/* Starts it, with room for ${connections} that are kept. Aborts when out of memory. */
void http_multi_open(struct http_multi *m, struct loop *l, int connections, void (*done)(CURL *easy, CURLcode code));
/* Makes ${easy} one whose connections it may keep, for as long as ${easy} lives. False if curl refuses. */
bool http_multi_apply(struct http_multi *m, CURL *easy);
/* Closes all connections; its transfers must have been taken out. */
void http_multi_close(struct http_multi *m);

/* Where the calls to one backend are recorded. */
struct http_recorder {
	struct trace *trace;  /* NULL = they are not; borrowed */
	char side[80], protocol[80]; /* who the backend is; what the last TLS handshake with it agreed on */
};
/* The recording of what goes over ${easy}, from now on. NULL if nothing is recorded; the functions below then do nothing. */
struct http_record *http_record_new(struct http_recorder *to, CURL *easy);
/* A call is over: what is known of it is written down; ${why} it failed, NULL if it did not. */
void http_record_end(struct http_record *r, const char *why);
/* Before its handle goes. */
void http_record_free(struct http_record *r);

/* One line of an answer's head: false with a sentence in *${why} if the answer must not be read on. */
bool http_line_allowed(const char *line, size_t len, const char **why);
/*
 * Appends to ${to} the URL that ${location}, absolute or not, means at ${from}. False if it is none, holds a login, or is not
 * https on the same host and port.
 */
bool http_redirect(const char *from, const char *location, struct buf *to);
/* What became of a transfer that curl ended with ${code}. */
enum http_outcome http_outcome_of(CURLcode code);
/* How the sentence about a transfer that failed begins; curl's words follow. */
const char *http_beginning(enum http_outcome outcome);
/* Does an answer with ${status} say how our login was taken? A server that is out of order or busy may say so before it looks who asks. */
bool http_says_of_login(long status);
#endif
