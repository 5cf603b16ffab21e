#include "bridge/trace/trace.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/trace/parts.h"

enum { RECORD_MAX = 10 << 20, BODY_MAX = 8 << 20, HEAD_MAX = 1 << 20, HEADERS_MAX = 64 << 10 };

struct trace {
	int fd;
	uint64_t key[2], max, connections;
	bool over;
};

struct trace_record {
	struct trace *t;
	struct trace_about about;
	struct timespec at;
	struct trace_seen seen;
	struct buf tls, head, body, headers, note;
};

struct trace *trace_new(int fd, const uint8_t key[TRACE_KEY], uint64_t max)
{
	struct trace *t = calloc(1, sizeof *t);

	if (!t)
		abort();
	t->fd = fd;
	t->max = max;
	memcpy(t->key, key, TRACE_KEY);
	return t;
}

void trace_free(struct trace *t)
{
	free(t);
}

const char *trace_state(const struct trace *t, uint64_t *bytes)
{
	struct stat st;

	*bytes = t && fstat(t->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return !t ? "off" : t->over ? "ended" : "on";
}

uint64_t trace_connection(struct trace *t)
{
	return t ? ++t->connections : 0;
}

/* Once a process: the recording ends here. */
static void give_up(struct trace *t, const char *why)
{
	t->over = true;
	log_event(LOG_LEVEL_WARN, "trace-ended", LS("why", why), LS("fix", "start again with --trace to record more"));
}

static void write_record(struct trace *t, struct buf *b)
{
	struct stat st;

	if (t->over)
		return;
	errno = 0; /* a short write sets none */
	if (b->failed)
		give_up(t, "a record was too large");
	else if (fstat(t->fd, &st) != 0)
		give_up(t, strerror(errno));
	else if ((uint64_t)st.st_size + b->len > t->max)
		give_up(t, "the file has reached its size");
	else if (write(t->fd, buf_ptr(b), b->len) != (ssize_t)b->len)
		give_up(t, errno ? strerror(errno) : "the disk is full");
}

struct trace_record *trace_begin(struct trace *t, const struct trace_about *about)
{
	struct trace_record *r = t && !t->over ? calloc(1, sizeof *r) : NULL;

	if (!r)
		return NULL;
	r->t = t;
	r->about = *about;
	clock_gettime(CLOCK_REALTIME, &r->at);
	buf_init(&r->tls, 512);
	buf_init(&r->head, HEAD_MAX);
	buf_init(&r->body, BODY_MAX);
	buf_init(&r->headers, HEADERS_MAX);
	buf_init(&r->note, 4096);
	if (about->protocol) {
		trace_mask(t->key, &r->tls, EWS_TEXT_SENTENCE, about->protocol, strlen(about->protocol));
		if (about->sni_known)
			buf_printf(&r->tls, ", SNI %s", about->sni ? "present" : "absent");
		if (about->alpn)
			buf_printf(&r->tls, ", ALPN %s", *about->alpn ? about->alpn : "none");
	}
	return r;
}

void trace_head(struct trace_record *r, const void *head, size_t n)
{
	if (r)
		trace_head_put(&r->head, r->t->key, head, n, &r->seen);
}

void trace_body(struct trace_record *r, const void *body, size_t n)
{
	const char *first = body;

	if (!r || n == 0)
		return;
	/* Some clients send XML under another name. */
	if (r->seen.xml || *first == '<')
		ews_redact(&r->body, &r->headers, body, n, trace_mask, r->t->key);
	else
		buf_printf(&r->body, "[%zu bytes of %s]", n, r->seen.type[0] ? r->seen.type : "no type");
}

void trace_note(struct trace_record *r, const char *sentence)
{
	if (!r)
		return;
	if (r->note.len)
		buf_putc(&r->note, ' ');
	trace_mask(r->t->key, &r->note, EWS_TEXT_SENTENCE, sentence, strlen(sentence));
}

/* Each line with a mark in front, so that nothing in a message can look like the start of a record. */
static void put_lines(struct buf *out, struct buf *text)
{
	const char *s = buf_cstr(text);

	while (*s) {
		size_t n = strcspn(s, "\n");

		buf_puts(out, "| ");
		buf_add(out, s, n);
		buf_putc(out, '\n');
		s += n + (s[n] == '\n');
	}
}

static void put_record(struct buf *out, struct trace_record *r, const char *request_id)
{
	struct tm tm;
	char when[32];

	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", gmtime_r(&r->at.tv_sec, &tm));
	buf_printf(out, "== %s.%03ldZ %s %s connection=%ld.%llu request-id=%s\n", when, r->at.tv_nsec / 1000000, r->about.side,
	           r->about.what, (long)getpid(), (unsigned long long)r->about.connection, request_id && *request_id ? request_id : "-");
	if (r->tls.len)
		buf_printf(out, "tls: %s\n", buf_cstr(&r->tls));
	if (r->seen.user_agent[0])
		buf_printf(out, "user-agent: %s\n", r->seen.user_agent);
	if (r->headers.len)
		buf_printf(out, "soap-headers:%s\n", buf_cstr(&r->headers));
	if (r->note.len)
		buf_printf(out, "note: %s\n", buf_cstr(&r->note));
	put_lines(out, &r->head);
	if (r->body.len && !r->body.failed) {
		buf_puts(out, "|\n");
		put_lines(out, &r->body);
	} else if (r->body.failed) {
		buf_puts(out, "|\n| [a body that is too long to be retold]\n");
	}
	buf_putc(out, '\n');
}

void trace_end(struct trace_record *r, const char *request_id)
{
	struct buf out;

	if (!r)
		return;
	buf_init(&out, RECORD_MAX);
	put_record(&out, r, request_id);
	write_record(r->t, &out);
	buf_free(&out);
	buf_free(&r->tls);
	buf_free(&r->head);
	buf_free(&r->body);
	buf_free(&r->headers);
	buf_free(&r->note);
	free(r);
}
