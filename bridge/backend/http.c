#include "bridge/backend/http.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/backend/http_own.h"
#include "bridge/base/text.h"

/*
 * The calls: what is asked, what of an answer is taken, and how each ends. Out of curl's own callbacks nothing is called but
 * what reads an answer.
 */

enum { BODY_HINT = 1 << 20, URL_MAX = 8 << 10, DAY_S = 86400 };

struct http_call {
	struct http_call *next, **at; /* in one of the three lists */
	struct http *http;            /* kept with its handle when it is over, for the next call */
	CURL *easy;
	struct http_record *record;   /* NULL = it is not recorded */
	struct curl_slist *headers;
	struct loop_timer *timer;
	http_done_cb *cb;
	void *arg;
	struct buf body;
	const char *refused;          /* why we stopped reading the answer */
	size_t head, head_before;     /* bytes of header lines so far, and when what is under way was sent */
	int redirects;                /* left */
	bool too_large;               /* and that is why, of an answer that is a success */
	bool started, fresh, again;   /* fresh: over a connection of its own making; again: it was sent anew */
	char said[CURL_ERROR_SIZE];
};

struct http {
	struct http_multi multi;
	struct http_identity identity;
	struct http_recorder recorder;
	struct http_call *running, *waiting, **last_waiting, *idle;
	int n_running, concurrency;
	bool refused; /* our login was, when it was used last: what the connections that we keep were let in with says nothing any more */
};

/* ---- lists ---- */

static void unlink_call(struct http_call *c)
{
	if (c->http->last_waiting == &c->next)
		c->http->last_waiting = c->at;
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	c->next = NULL;
}

static void link_call(struct http_call **at, struct http_call *c)
{
	c->at = at;
	c->next = *at;
	if (c->next)
		c->next->at = &c->next;
	*at = c;
}

/* ---- an answer as it comes ---- */

static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;

	n *= size;
	c->head += n;
	if (c->head > HTTP_MAX_HEADERS)
		c->refused = "it sent more than 64 KiB of headers";
	else if (http_line_allowed(line, n, &c->refused))
		return n;
	return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	curl_off_t length = -1;
	long status = 0;

	if (!c->body.len) { /* one allocation when the length is told, and none when it is too much */
		curl_easy_getinfo(c->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
		if (length > 0 && (uint64_t)length <= c->body.max)
			buf_reserve(&c->body, length < BODY_HINT ? (size_t)length : BODY_HINT);
	}
	if ((length > 0 && (uint64_t)length > c->body.max) || buf_add(&c->body, data, size * n) != 0) {
		c->refused = "it sent a larger answer than is allowed";
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		c->too_large = status / 100 == 2;
		return 0;
	}
	return size * n;
}

/* ---- handles ---- */

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool set_up(struct http_call *c, CURL *easy)
{
	return SET(CURLOPT_PRIVATE, c) && SET(CURLOPT_ERRORBUFFER, c->said) && SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_PROTOCOLS_STR, "https") &&
	       SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(CURLOPT_PROXY, "") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
	       SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) && SET(CURLOPT_USERAGENT, "availbridge/" VERSION) && SET(CURLOPT_TCP_NODELAY, 1L) &&
	       SET(CURLOPT_TCP_KEEPALIVE, 1L) && SET(CURLOPT_QUICK_EXIT, 1L) && /* a name that is still being looked up does not hold the loop */
	       SET(CURLOPT_HEADERFUNCTION, on_head) && SET(CURLOPT_HEADERDATA, c) && SET(CURLOPT_WRITEFUNCTION, on_body) &&
	       SET(CURLOPT_WRITEDATA, c) && http_multi_apply(&c->http->multi, easy) && http_identity_apply(&c->http->identity, easy);
}

/* An idle one with its handle, or a new one. */
static struct http_call *new_call(struct http *h)
{
	struct http_call *c = h->idle;

	if (c) {
		unlink_call(c);
		return c;
	}
	c = calloc(1, sizeof *c);
	if (!c)
		abort();
	c->http = h;
	c->easy = curl_easy_init();
	if (!c->easy || !set_up(c, c->easy)) /* with less than all of it nothing may be sent */
		abort();
	c->record = http_record_new(&h->recorder, c->easy);
	return c;
}

static void free_call(struct http_call *c)
{
	http_record_free(c->record);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	loop_timer_free(c->timer);
	buf_free(&c->body);
	free(c);
}

static bool describe(struct http_call *c, const struct http_request *r)
{
	CURL *easy = c->easy;
	bool post = strcmp(r->method, "POST") == 0, plain = post || (strcmp(r->method, "GET") == 0 && !r->len);

	if (post || r->len) {
		if (!SET(CURLOPT_POST, 1L) || !SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->len) ||
		    !SET(CURLOPT_POSTFIELDS, r->len ? r->body : ""))
			return false;
	} else if (!SET(CURLOPT_HTTPGET, 1L))
		return false;
	return SET(CURLOPT_CUSTOMREQUEST, plain ? NULL : r->method) && http_headers_set(&c->headers, easy, r->headers) && SET(CURLOPT_URL, r->url);
}

/* ---- how a call ends ---- */

static void start_waiting(struct http *h);

static void leave_multi(struct http_call *c)
{
	if (!c->started)
		return;
	curl_multi_remove_handle(c->http->multi.curl, c->easy);
	c->started = false;
	c->http->n_running--;
}

/* Its memory, handle and timer wait for the next call; a large body is given back. */
static void retire(struct http_call *c)
{
	struct http *h = c->http;

	http_record_end(c->record, NULL); /* one that was cancelled */
	leave_multi(c);
	unlink_call(c);
	loop_timer_stop(c->timer);
	if (c->body.cap > BODY_HINT)
		buf_free(&c->body);
	else
		buf_reset(&c->body);
	link_call(&h->idle, c);
	start_waiting(h);
}

static void tell(struct http_call *c, enum http_outcome outcome, const char *why)
{
	struct http_reply r = {.outcome = outcome, .why = why, .body = &c->body, .call = c};
	curl_off_t pause = 0;
	long status = 0;
	char *url = NULL;

	if (outcome == HTTP_ANSWERED) {
		curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &pause);
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(c->easy, CURLINFO_EFFECTIVE_URL, &url);
	}
	if (status == 401 || (c->fresh && http_says_of_login(status)))
		c->http->refused = status == 401;
	r.status = (int)status;
	r.pause_ms = pause <= 0 ? 0 : 1000 * (int64_t)(pause < DAY_S ? pause : DAY_S); /* a date may have gone by */
	r.url = url ? url : "";
	http_record_end(c->record, why);
	c->cb(c->arg, &r);
	retire(c);
}

static void on_timeout(void *arg)
{
	struct http_call *c = arg;
	curl_off_t connected = 0;

	if (!c->started) {
		tell(c, HTTP_TIMED_OUT, "none of its connections became free in time");
		return;
	}
	curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	if (connected)
		tell(c, HTTP_TIMED_OUT, "it did not answer in time");
	else
		tell(c, HTTP_UNREACHABLE, "no connection to it could be made in time");
}

static void enter_multi(struct http_call *c)
{
	buf_reset(&c->body);
	c->said[0] = 0;
	c->started = true;
	c->head_before = c->head;
	c->fresh = c->http->refused || c->again;
	if (c->http->refused)
		http_identity_renew(&c->http->identity);
	c->http->n_running++;
	if (curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, (long)c->fresh) != CURLE_OK ||
	    curl_multi_add_handle(c->http->multi.curl, c->easy) != CURLM_OK)
		abort();
}

/* Goes on at the place that the answer points to. False if it points nowhere; a place on another host ends the call. */
static bool redirected(struct http_call *c)
{
	struct curl_header *location;
	char *from = NULL;
	long status = 0;
	struct buf to;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_EFFECTIVE_URL, &from);
	if ((status != 301 && status != 302 && status != 307 && status != 308) || c->redirects < 0 ||
	    curl_easy_header(c->easy, "Location", 0, CURLH_HEADER, -1, &location) != CURLHE_OK)
		return false;
	buf_init(&to, URL_MAX);
	if (c->redirects == 0)
		tell(c, HTTP_FAILED, "it redirects too often");
	else if (!from || !http_redirect(from, location->value, &to))
		tell(c, HTTP_FAILED, "it redirects to another host, which is never followed; if that is the right one, name it in url");
	else {
		c->redirects--;
		leave_multi(c);
		if (curl_easy_setopt(c->easy, CURLOPT_URL, buf_cstr(&to)) != CURLE_OK)
			abort();
		enter_multi(c);
	}
	buf_free(&to);
	return true;
}

/*
 * The other end may close a kept connection at the very moment of its next use. Whoever asks only wants to read, so what was sent there and not
 * answered with a single byte is sent once more, over another. False if that is not what happened.
 */
static bool sent_again(struct http_call *c, CURLcode code)
{
	bool cut = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
	long made = 0;

	curl_easy_getinfo(c->easy, CURLINFO_NUM_CONNECTS, &made);
	if (!cut || made || c->again || c->refused || c->head > c->head_before)
		return false;
	leave_multi(c);
	c->again = true;
	enter_multi(c);
	return true;
}

static void end_of_call(struct http_call *c, CURLcode code)
{
	char why[CURL_ERROR_SIZE + 96];
	const char *said = c->refused ? c->refused : c->said[0] ? c->said : curl_easy_strerror(code);
	enum http_outcome outcome = http_outcome_of(code);

	if (outcome == HTTP_ANSWERED) {
		const char *no_login = NULL;

		outcome = http_identity_outcome(&c->http->identity, c->easy, &no_login);
		if (!redirected(c))
			tell(c, outcome, no_login);
		return;
	}
	if (sent_again(c, code))
		return;
	if (c->too_large)
		outcome = HTTP_TOO_LARGE;
	snprintf(why, sizeof why, "%s%s", c->refused ? "" : http_beginning(outcome), said);
	tell(c, outcome, why);
}

static void finished(CURL *easy, CURLcode code)
{
	struct http_call *c = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
	end_of_call(c, code);
}

/* ---- from outside ---- */

static void start_waiting(struct http *h)
{
	struct http_call *c;

	while (h->n_running < h->concurrency && (c = h->waiting)) {
		unlink_call(c);
		link_call(&h->running, c);
		enter_multi(c);
	}
}

struct http *http_new(struct loop *l, const struct conf *c, const struct conf_backend *b, struct buf *error)
{
	struct http *h = calloc(1, sizeof *h);

	if (!h)
		abort();
	h->concurrency = b->concurrency;
	http_multi_open(&h->multi, l, h->concurrency, finished);
	h->multi.by_ticket = b->auth == CONF_AUTH_NEGOTIATE;
	h->last_waiting = &h->waiting;
	if (http_identity_read(&h->identity, c, b, error) == 0)
		return h;
	http_free(h);
	return NULL;
}

void http_trace(struct http *h, struct trace *t, const char *name)
{
	h->recorder.trace = t;
	snprintf(h->recorder.side, sizeof h->recorder.side, "backend:%s", name);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	struct http_call **lists[] = {&h->running, &h->waiting, &h->idle}, *c;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		while ((c = *lists[i])) {
			leave_multi(c);
			unlink_call(c);
			free_call(c);
		}
	http_multi_close(&h->multi);
	http_identity_free(&h->identity);
	free(h);
}

struct http_call *http_send(struct http *h, const struct http_request *r, http_done_cb *cb, void *arg)
{
	struct http_call *c = new_call(h);

	c->cb = cb;
	c->arg = arg;
	c->refused = NULL;
	c->too_large = c->again = false;
	c->head = 0;
	c->redirects = r->redirects ? r->redirects : -1;
	c->body.max = r->max_reply;
	if (!describe(c, r))
		abort();
	if (c->timer)
		loop_timer_again(c->timer, r->timeout_ms);
	else
		c->timer = loop_timer_new(h->multi.loop, r->timeout_ms, on_timeout, c);
	link_call(h->last_waiting, c);
	h->last_waiting = &c->next;
	start_waiting(h);
	return c;
}

void http_cancel(struct http_call *c)
{
	retire(c);
}

const char *http_header(const struct http_reply *r, const char *name)
{
	struct curl_header *found;

	return curl_easy_header(r->call->easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : NULL;
}
