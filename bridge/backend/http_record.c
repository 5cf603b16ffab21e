#include <stdlib.h>
#include <string.h>
#include "bridge/backend/http_own.h"
#include "bridge/trace/trace.h"

/*
 * What `serve --trace` records at a backend: all that curl sends and is sent, each leg of a login by itself. What of it is shown is decided in
 * bridge/trace/.
 */

enum { BODY_MAX = 512 << 10 };

struct http_record {
	struct http_recorder *to;
	CURL *easy;
	struct trace_record *request, *answer; /* under way */
	struct buf head, body;                 /* of the message under way */
	bool headed;                           /* the answer's head is complete */
};

static void reset(struct http_record *r)
{
	buf_wipe(&r->head);
	buf_free(&r->body); /* one that did not fit may be followed by one that does */
	r->headed = false;
}

/* A body that did not fit is told of, not shown in part. */
static void end(struct http_record *r, struct trace_record **which)
{
	if (r->body.failed)
		trace_note(*which, "its body is too long to be recorded");
	else
		trace_body(*which, buf_ptr(&r->body), r->body.len);
	trace_end(*which, NULL);
	*which = NULL;
	reset(r);
}

static struct trace_record *begin(struct http_record *r, const char *what)
{
	struct trace_about about = {.side = r->to->side, .what = what, .protocol = r->to->protocol[0] ? r->to->protocol : NULL};
	long port = 0;

	curl_easy_getinfo(r->easy, CURLINFO_LOCAL_PORT, &port);
	about.connection = (uint64_t)port; /* of our end: a login in several legs is one connection */
	return trace_begin(r->to->trace, &about);
}

static void on_sent_head(struct http_record *r, const char *p, size_t n)
{
	http_record_end(r, NULL);
	r->request = begin(r, "request");
	trace_head(r->request, p, n);
}

static void on_head_line(struct http_record *r, const char *p, size_t n)
{
	if (r->request)
		end(r, &r->request);
	if (r->answer && r->headed) /* behind 100 Continue */
		end(r, &r->answer);
	if (!r->answer)
		r->answer = begin(r, "answer");
	buf_add(&r->head, p, n);
	if (n > 2)
		return;
	trace_head(r->answer, buf_ptr(&r->head), r->head.len);
	r->headed = true;
}

/* curl says it once a connection: "SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384". */
static void on_text(struct http_recorder *to, const char *p, size_t n)
{
	static const char words[] = "SSL connection using ";
	size_t skip = sizeof words - 1, len;

	if (n <= skip || memcmp(p, words, skip) != 0)
		return;
	for (len = 0; skip + len < n && p[skip + len] != '\n' && len < sizeof to->protocol - 1; len++)
		to->protocol[len] = p[skip + len];
	to->protocol[len] = 0;
}

static int on_curl(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
	struct http_record *r = arg;

	switch (type) {
	case CURLINFO_TEXT:
		on_text(r->to, p, n);
		break;
	case CURLINFO_HEADER_OUT:
		on_sent_head(r, p, n);
		break;
	case CURLINFO_HEADER_IN:
		on_head_line(r, p, n);
		break;
	case CURLINFO_DATA_OUT:
	case CURLINFO_DATA_IN:
		buf_add(&r->body, p, n);
		break;
	default:
		break;
	}
	return 0;
}

struct http_record *http_record_new(struct http_recorder *to, CURL *easy)
{
	struct http_record *r = to->trace ? calloc(1, sizeof *r) : NULL;

	if (!r)
		return NULL;
	r->to = to;
	r->easy = easy;
	buf_init(&r->head, HTTP_MAX_HEADERS);
	buf_init(&r->body, BODY_MAX);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_curl);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, r);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	return r;
}

void http_record_end(struct http_record *r, const char *why)
{
	struct trace_record *failure;

	if (!r)
		return;
	if (r->request)
		end(r, &r->request);
	if (r->answer)
		end(r, &r->answer);
	if (!why)
		return;
	failure = begin(r, "failure");
	trace_note(failure, why);
	trace_end(failure, NULL);
}

void http_record_free(struct http_record *r)
{
	if (!r)
		return;
	http_record_end(r, NULL);
	free(r);
}
