#ifndef BRIDGE_BACKEND_HTTP_H
#define BRIDGE_BACKEND_HTTP_H
#include "bridge/base/buf.h"
#include "bridge/base/loop.h"
#include "bridge/conf/conf.h"

/*
 * Requests to one backend with its one credential, over connections that serve no other credential (libcurl lives here alone).
 * https and HTTP/1.1 only, the server always verified: by the CA file or the system's CAs, or by the pin alone, or by both. One
 * auth scheme, never a weaker one after it. Nothing is decompressed: none is asked for, and an answer that is encoded is an
 * error. Cookies, proxies and .netrc are not used.
 */
struct http;
struct http_call;

enum { HTTP_MAX_HEADERS = 64 << 10, HTTP_MAX_REDIRECTS = 5 }; /* bytes of all header lines of one call, its login and redirects included */

enum http_outcome {
	HTTP_FAILED = 0,  /* cut, malformed, redirected where it may not */
	HTTP_ANSWERED,    /* whole; any status */
	HTTP_TIMED_OUT,
	HTTP_TOO_LARGE,   /* it answered with success, and with more than max_reply */
	HTTP_UNREACHABLE, /* name or connection */
	HTTP_UNTRUSTED    /* its certificate, or TLS as such */
};

/* What to send; all of it is copied but ${body}, which stays the caller's until the call is over. */
struct http_request {
	const char *method;         /* "POST" */
	const char *url;            /* https://... */
	const char *const *headers; /* "Name: value" each, ends with NULL; may be NULL */
	const void *body;
	size_t len;                 /* 0 = none */
	size_t max_reply;           /* bytes of the answer's body */
	int64_t timeout_ms;         /* for all of it: waiting for a free connection, redirects */
	int redirects;              /* to the same host and port, at most so many (HTTP_MAX_REDIRECTS at most); the method stays */
};
struct http_reply {
	enum http_outcome outcome;
	const char *why;    /* a sentence for the log unless it answered; of a 401, why there was no login, or NULL */
	int status;         /* if it answered */
	int64_t pause_ms;   /* so long it asks to be left alone (Retry-After, RFC 9110 10.2.3), at most a day; 0 = it does not */
	struct buf *body;
	const char *url;    /* where the answer came from, after redirects */
	struct http_call *call; /* for http_header() */
};
/* Called once for each call; all of ${r} is borrowed until it returns. It may start and cancel calls, but not free the http. */
typedef void http_done_cb(void *arg, const struct http_reply *r);

/*
 * Reads the password, the client's certificate and the keys that ${b} names; later only the CAs are read, by curl. ${c} and
 * ${b} are borrowed for its life. With a keytab it sets KRB5_CLIENT_KTNAME and KRB5CCNAME, both in memory: one such credential
 * a process, before there are threads. NULL with a sentence. Caller frees.
 */
struct http *http_new(struct loop *l, const struct conf *c, const struct conf_backend *b, struct buf *error);
struct trace;
/*
 * From now on what is said to the backend and by it is recorded in ${t} (borrowed for its life) under ${name}; before the first
 * call.
 */
void http_trace(struct http *h, struct trace *t, const char *name);
/*
 * Adds each backend of ${c} with which no daemon would begin: http_new() would fail for a file other than the password's, or for an auth that the
 * system's libcurl was built without.
 */
void http_check(const struct conf *c, struct conf_problems *problems);
/* Ends it, its connections and calls; their callbacks never come. NULL is allowed. */
void http_free(struct http *h);
/*
 * Starts a call, which must do no harm when the server gets it twice: it is sent again where a kept connection ended before it was answered.
 * b->concurrency of them are under way at once, the others wait in turn. The callback comes later, never before this returns.
 */
struct http_call *http_send(struct http *h, const struct http_request *r, http_done_cb *cb, void *arg);
/* Ends the call, whose callback never comes. */
void http_cancel(struct http_call *c);
/* The value of the answer's header ${name} (its first), or NULL. Borrowed for the callback. */
const char *http_header(const struct http_reply *r, const char *name);
#endif
