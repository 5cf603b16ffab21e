#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/spans.h"
#include "bridge/backend/ics.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/ctl.h"
#include "bridge/ctl/limited.h"
#include "bridge/ctl/verbs.h"

/* One calendar, offline. The computing is done in a child with limits, because a calendar file may be hostile. */
enum { TEXT_MAX_BYTES = 64 << 20 };

struct asked {
	const char *calendar, *start, *end, *zone, *interval;
	bool json, batch;
	int minutes;
};

static const char *word_of(enum fb_busy b)
{
	switch (b) {
	case FB_TENTATIVE: return "TENTATIVE";
	case FB_BUSY_TIME: return "BUSY";
	case FB_OOF: return "OOF";
	case FB_ELSEWHERE: return "WORKINGELSEWHERE";
	default: return "NODATA";
	}
}

/* The answer without events of no length: here they are neither busy time nor a digit. */
static void drop_empty(struct fb_answer *a)
{
	size_t kept = 0;
	for (size_t i = 0; i < a->n_events; i++)
		if (a->events[i].start < a->events[i].end)
			a->events[kept++] = a->events[i];
	a->n_events = kept;
}

/* The order of the written triples, so that a reader may sort them again and find nothing moved. */
static int by_words(const void *a, const void *b)
{
	const struct fb_span *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return strcmp(word_of(x->busy), word_of(y->busy));
}

static int put_json(struct buf *out, const char *id, const struct fb_answer *a, struct fb_window w, const struct fb_span *s, size_t n,
                    int minutes)
{
	buf_putc(out, '{');
	if (id) {
		buf_puts(out, "\"id\":");
		text_json(out, id);
		buf_putc(out, ',');
	}
	buf_puts(out, "\"intervals\":[");
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? ",[\"" : "[\"");
		fb_time_put_utc(out, s[i].start);
		buf_puts(out, "\",\"");
		fb_time_put_utc(out, s[i].end);
		buf_printf(out, "\",\"%s\"]", word_of(s[i].busy));
	}
	buf_puts(out, "],\"merged\":\"");
	return fb_merged_put(out, a, w, minutes) ? -1 : buf_puts(out, "\"}\n");
}

/* For people: one span a line in the zone asked for, then the digits. */
static int put_text(struct buf *out, const struct fb_zone *z, const struct fb_answer *a, struct fb_window w, const struct fb_span *s,
                    size_t n, int minutes)
{
	for (size_t i = 0; i < n; i++) {
		fb_time_put_wall(out, fb_zone_wall(z, s[i].start));
		buf_puts(out, "  ");
		fb_time_put_wall(out, fb_zone_wall(z, s[i].end));
		buf_printf(out, "  %s\n", word_of(s[i].busy));
	}
	if (!n)
		buf_puts(out, "no busy time in this window\n");
	buf_printf(out, "every %d minutes: ", minutes);
	return fb_merged_put(out, a, w, minutes) ? -1 : buf_putc(out, '\n');
}

static int fail(struct buf *error, const char *fmt, const char *what)
{
	buf_reset(error);
	buf_printf(error, fmt, what);
	return -1;
}

static int read_window(const struct asked *q, const struct fb_zone *z, struct fb_window *w, struct buf *error)
{
	if (!fb_time_parse_in(q->start, z, &w->start))
		return fail(error, "the start \"%s\" is no time such as 2026-03-02T08:00:00Z", q->start);
	if (!fb_time_parse_in(q->end, z, &w->end))
		return fail(error, "the end \"%s\" is no time such as 2026-03-02T08:00:00Z", q->end);
	return w->start < w->end ? 0 : fail(error, "the start %s is not before the end", q->start);
}

static int read_calendar(const char *path, struct buf *text, struct buf *error)
{
	switch (file_read(path, text)) {
	case FILE_OK: return 0;
	case FILE_ABSENT: return fail(error, "%s: there is no such file", path);
	case FILE_TOO_BIG: return fail(error, "%s: the file is larger than 64 MiB", path);
	default:
		fail(error, "%s: ", path);
		buf_printf(error, "it cannot be read: %s", errno == EINVAL ? "it is no regular file" : strerror(errno));
		return -1;
	}
}

static const struct fb_zone *zone_of(const struct asked *q, struct buf *error)
{
	const struct fb_zone *z = q->zone && *q->zone ? fb_zone_named(q->zone) : fb_zone_utc();
	if (!z)
		fail(error, "there is no time zone \"%s\"; an IANA name such as Europe/Berlin or a Windows name is wanted", q->zone);
	return z;
}

static int expand(const struct asked *q, const char *id, struct buf *text, struct fb_answer *a, struct buf *out, struct buf *error)
{
	const struct fb_zone *z = zone_of(q, error);
	struct ics_options o = {.floating = z};
	struct fb_window w;
	size_t n;
	if (!z || read_window(q, z, &w, error) || read_calendar(q->calendar, text, error))
		return -1;
	if (ics_expand((const char *)buf_ptr(text), text->len, w, &o, a, error)) {
		char why[512];
		snprintf(why, sizeof why, "%s", buf_cstr(error));
		fail(error, "%s: ", q->calendar);
		return buf_puts(error, why), -1;
	}
	drop_empty(a);
	struct fb_span *s = fb_spans(a, w, &n);
	if (n == SIZE_MAX)
		return fail(error, "%s: out of memory", q->calendar);
	if (n)
		qsort(s, n, sizeof *s, by_words);
	int err = q->json || q->batch ? put_json(out, id, a, w, s, n, q->minutes) : put_text(out, z, a, w, s, n, q->minutes);
	free(s);
	return err ? fail(error, "%s: the answer is too long", q->calendar) : 0;
}

/* Computes one job; ${out} then holds '0' and the answer, or '1' and a sentence. */
static void compute(const struct asked *q, const char *id, struct buf *out)
{
	struct buf text, error;
	struct fb_answer *a = fb_answer_new(FB_OK);
	buf_init(&text, TEXT_MAX_BYTES);
	buf_init(&error, 4096);
	buf_putc(out, '0');
	if (!a)
		buf_puts(&error, "out of memory");
	if (!a || expand(q, id, &text, a, out, &error)) {
		out->failed = false;
		buf_reset(out);
		buf_putc(out, '1');
		buf_puts(out, buf_cstr(&error));
	}
	fb_answer_free(a);
	buf_free(&text);
	buf_free(&error);
}

/*
 * A batch line: id TAB file TAB start TAB end TAB zone. The id is always the first field, so that even a bad line can be answered
 * under it.
 */
static const char *split(char *line, struct asked *q)
{
	char *fields[5] = {line, NULL, NULL, NULL, NULL};
	size_t n = 1;
	for (char *tab = strchr(line, '\t'); tab && n < 5; tab = strchr(tab + 1, '\t')) {
		*tab = 0;
		fields[n++] = tab + 1;
	}
	q->calendar = fields[1];
	q->start = fields[2];
	q->end = fields[3];
	if (fields[4] && *fields[4])
		q->zone = fields[4];
	return fields[0];
}

/* Does one job, in the child: the empty one is what the options say, any other is a line of a batch. */
static void do_job(void *arg, char *line, struct buf *reply)
{
	struct asked q = *(const struct asked *)arg;
	const char *id = q.batch ? split(line, &q) : NULL;
	if (q.calendar && q.start && q.end)
		compute(&q, id, reply);
	else
		buf_puts(reply, "1a line is: id TAB file TAB start TAB end TAB zone");
}

/* ${reply} gets what compute() made, or a sentence of its kind when there was no child that lived through it. */
static const char *ask(struct limited *l, const struct asked *q, const char *line, struct buf *reply)
{
	buf_reset(reply);
	if (!limited_do(l, line, reply)) {
		int err = errno;
		buf_reset(reply);
		if (err)
			buf_printf(reply, "1no process could be started: %s", strerror(err));
		else
			buf_printf(reply, "1%s: working it out took more than %d seconds or too much memory, and was stopped",
			           q->batch ? "this calendar" : q->calendar, LIMITED_CPU_SECONDS);
	}
	return buf_cstr(reply);
}

static int run_one(const struct asked *q)
{
	struct asked arg = *q;
	struct limited l = {.run = do_job, .arg = &arg};
	struct buf reply;
	buf_init(&reply, LIMITED_REPLY_MAX);
	const char *text = ask(&l, q, "", &reply);
	limited_end(&l);
	bool ok = text[0] == '0';
	if (ok)
		fwrite(text + 1, 1, reply.len - 1, stdout);
	else
		ctl_say("%s", text + (text[0] != 0));
	buf_free(&reply);
	return ok && !fflush(stdout) ? CTL_DONE : CTL_NO;
}

static void put_batch_error(char *line, const char *why)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	line[strcspn(line, "\t")] = 0;
	buf_puts(&out, "{\"id\":");
	text_json(&out, line);
	buf_puts(&out, ",\"error\":");
	text_json(&out, why);
	buf_puts(&out, "}\n");
	fwrite(buf_ptr(&out), 1, out.len, stdout);
	buf_free(&out);
}

static int run_batch(const struct asked *q)
{
	struct asked arg = *q;
	struct limited l = {.run = do_job, .arg = &arg};
	struct buf reply;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	buf_init(&reply, LIMITED_REPLY_MAX);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = 0;
		if (!n)
			continue;
		const char *text = ask(&l, q, line, &reply);
		if (text[0] == '0')
			fwrite(text + 1, 1, reply.len - 1, stdout);
		else
			put_batch_error(line, text + (text[0] != 0));
		fflush(stdout);
	}
	limited_end(&l);
	free(line);
	buf_free(&reply);
	return ferror(stdout) ? CTL_NO : CTL_DONE;
}

/* What is wrong with the command line itself is said before any work. */
static bool options_valid(const struct asked *q)
{
	struct fb_window w;
	struct buf why;
	buf_init(&why, 4096);
	const struct fb_zone *z = zone_of(q, &why);
	bool ok = z && (q->batch || !read_window(q, z, &w, &why));
	if (!ok)
		ctl_say("%s", buf_cstr(&why));
	buf_free(&why);
	return ok;
}

int ctl_freebusy(int argc, char **argv, const char *conf_path)
{
	struct asked q = {.minutes = FB_DEFAULT_INTERVAL};
	const struct ctl_option options[] = {
		{"calendar", NULL, &q.calendar, NULL}, {"start", NULL, &q.start, NULL}, {"end", NULL, &q.end, NULL}, {"zone", NULL, &q.zone, NULL},
		{"interval", NULL, &q.interval, NULL}, {"json", &q.json, NULL, NULL}, {"batch", &q.batch, NULL, NULL}, {NULL, NULL, NULL, NULL},
	};
	struct ctl_words words = {0};
	int64_t minutes = FB_DEFAULT_INTERVAL;
	if (ctl_args(argc, argv, options, &words))
		return ctl_usage(argv[0]);
	if (q.interval && !text_int(q.interval, FB_MIN_INTERVAL, FB_MAX_INTERVAL, &minutes)) {
		ctl_say("--interval wants minutes from %d to %d", FB_MIN_INTERVAL, FB_MAX_INTERVAL);
		return CTL_USAGE;
	}
	q.minutes = (int)minutes;
	bool one = q.calendar && q.start && q.end;
	if (words.n || (q.batch ? q.calendar || q.start || q.end : !one)) {
		ctl_say(words.n ? "freebusy takes options only" : q.batch ? "--batch reads calendars and times from standard input"
		                                                : "freebusy wants --calendar, --start and --end");
		return ctl_usage(argv[0]);
	}
	if (!options_valid(&q))
		return CTL_USAGE;
	return q.batch ? run_batch(&q) : run_one(&q);
}
