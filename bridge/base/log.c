#include "bridge/base/log.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/text.h"

enum { LINE = 4096, TAIL = 32, FIELDS = 24, HELD = 64 << 10 };

static struct {
	int fd;
	bool json;
	enum log_level level;
	char role[32];
	bool hold, torn; /* torn: what is written last is the beginning of a line */
	size_t at_once; /* bytes that one write(2) puts in one piece, whoever else writes there */
	size_t held;
	char lines[HELD];
} out = {.fd = 2, .level = LOG_LEVEL_INFO, .at_once = LINE};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* One line in the making. TAIL bytes are kept free for its end, whatever the values hold. */
struct line {
	char bytes[LINE];
	size_t len;
	bool cut;
};

void log_setup(int fd, bool json, enum log_level level, const char *role)
{
	out.fd = fd;
	out.json = json;
	out.level = level;
	snprintf(out.role, sizeof out.role, "%s", role ? role : "");
}

int log_level_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof level_names / sizeof *level_names; i++)
		if (strcmp(name, level_names[i]) == 0)
			return (int)i;
	return -1;
}

static size_t room(const struct line *l)
{
	return l->len < LINE - TAIL ? LINE - TAIL - l->len : 0; /* quotes may reach into the tail */
}

static bool put(struct line *l, const char *s, size_t n)
{
	if (n > room(l)) {
		l->cut = true;
		return false;
	}
	memcpy(l->bytes + l->len, s, n);
	l->len += n;
	return true;
}

/* What may stand without quotes. */
static const bool plain[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['.'] = true, ['_'] = true, [':'] = true, ['/'] = true,
	['@'] = true, ['+'] = true, [','] = true, ['-'] = true,
};

/* How many bytes at the front of ${s} are plain. */
static size_t plain_run(const char *s)
{
	const char *p = s;

	while (plain[(unsigned char)*p])
		p++;
	return (size_t)(p - s);
}

/* What stands between quotes as it is; by runs, so that a sentence costs little more than a word. */
static bool is_literal(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* THE encoder: each value of each line, in both forms, goes through here. */
static void put_value(struct line *l, const char *s)
{
	size_t n = plain_run(s), step;
	char coded[16];
	int len;

	if (!s[n] && n && !out.json && !(n == 1 && *s == '-')) { /* a bare "-" means that there is no value */
		l->cut = n > room(l);
		put(l, s, l->cut ? room(l) : n);
		return;
	}
	n += strlen(s + n);
	l->bytes[l->len++] = '"';
	for (; n && !l->cut; s += step, n -= step) {
		for (step = 0; step < n && step < room(l) && is_literal(s[step]); step++)
			;
		if (step) {
			put(l, s, step);
			continue;
		}
		step = text_utf8_step(s, n);
		if (*s == '"' || *s == '\\')
			len = snprintf(coded, sizeof coded, "\\%c", *s);
		else if (step && !text_is_control(s, step))
			len = snprintf(coded, sizeof coded, "%.*s", (int)step, s);
		else if (!out.json) {
			step = 1;
			len = snprintf(coded, sizeof coded, "\\x%02X", (unsigned char)*s);
		} else if (step == 1)
			len = snprintf(coded, sizeof coded, "\\u%04x", *s);
		else { /* not UTF-8, or a control of more bytes: JSON has no way to show raw bytes */
			step = step ? step : 1;
			len = snprintf(coded, sizeof coded, "\xef\xbf\xbd");
		}
		put(l, coded, (size_t)len);
	}
	l->bytes[l->len++] = '"';
}

/* Keys are our own words, never a stranger's. */
static bool put_key(struct line *l, const char *key, size_t n)
{
	if (n + 4 > room(l)) {
		l->cut = true;
		return false;
	}
	if (l->len > 1)
		l->bytes[l->len++] = out.json ? ',' : ' ';
	if (out.json)
		l->bytes[l->len++] = '"';
	memcpy(l->bytes + l->len, key, n);
	l->len += n;
	if (out.json)
		l->bytes[l->len++] = '"';
	l->bytes[l->len++] = out.json ? ':' : '=';
	return true;
}

static void put_str(struct line *l, const char *key, size_t key_len, const char *s)
{
	if (l->cut || !put_key(l, key, key_len))
		return;
	if (s)
		put_value(l, s);
	else
		put(l, out.json ? "null" : "-", out.json ? 4 : 1);
}

static void put_int(struct line *l, const char *key, size_t key_len, int64_t v)
{
	char digits[TEXT_INT_MAX];

	if (!l->cut && put_key(l, key, key_len))
		put(l, digits, text_int_put(digits, v));
}

static void put_time(struct line *l)
{
	static time_t second = -1; /* that the text is about: most lines come many a second */
	static char text[40];
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec != second) {
		second = ts.tv_sec;
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&second, &tm));
	}
	for (long i = 22, ms = ts.tv_nsec / 1000000; i > 19; i--, ms /= 10)
		text[i] = (char)('0' + ms % 10);
	put_str(l, "time", 4, text);
}

/* Up to where the lines held can go in one write: they end with a line's end, and fit where others write too. */
static size_t piece(const char *p, size_t n)
{
	const char *end;

	if (n <= out.at_once)
		return n;
	end = memrchr(p, '\n', out.at_once);
	return end ? (size_t)(end - p) + 1 : n;
}

/* A disk that fills up may take half a line: its end comes before the next one, so that no two are read as one. False if nothing was taken. */
static bool write_piece(const char *p, size_t n)
{
	ssize_t r;

	if (out.torn && write(out.fd, "\n", 1) != 1)
		return false;
	out.torn = false;
	r = write(out.fd, p, n);
	out.torn = r > 0 && p[r - 1] != '\n';
	return r > 0;
}

void log_flush(void)
{
	size_t n, done = 0;

	for (; done < out.held; done += n) {
		n = piece(out.lines + done, out.held - done);
		if (!write_piece(out.lines + done, n))
			break; /* nobody is left to tell */
	}
	out.held = 0;
}

void log_hold(bool hold)
{
	struct stat st;

	log_flush();
	out.hold = hold;
	/* A file that is appended to takes all in one piece, a pipe what POSIX says; a line is never longer. */
	out.at_once = fstat(out.fd, &st) == 0 && S_ISREG(st.st_mode) ? sizeof out.lines : LINE;
}

void log_drop_cache(void)
{
	posix_fadvise(out.fd, 0, 0, POSIX_FADV_DONTNEED); /* a pipe has none, and says so */
}

static void put_line(const struct line *l, enum log_level level)
{
	if (out.held + l->len > sizeof out.lines)
		log_flush();
	memcpy(out.lines + out.held, l->bytes, l->len);
	out.held += l->len;
	if (!out.hold || level == LOG_LEVEL_ERROR)
		log_flush();
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
	struct line l;
	int i;

	if (level > out.level)
		return;
	l.len = 0;
	l.cut = false;
	if (out.json)
		l.bytes[l.len++] = '{';
	put_time(&l);
	put_str(&l, "level", 5, level_names[level]);
	if (out.role[0])
		put_str(&l, "role", 4, out.role);
	put_str(&l, "event", 5, event);
	for (i = 0; i < FIELDS && fields[i].kind != LOG_END; i++)
		if (fields[i].kind == LOG_INT)
			put_int(&l, fields[i].key, fields[i].key_len, fields[i].num);
		else
			put_str(&l, fields[i].key, fields[i].key_len, fields[i].str);
	if (l.cut) { /* TAIL has room for this */
		const char *mark = out.json ? ",\"cut\":1" : " cut=1";

		memcpy(l.bytes + l.len, mark, strlen(mark));
		l.len += strlen(mark);
	}
	if (out.json)
		l.bytes[l.len++] = '}';
	l.bytes[l.len++] = '\n';
	put_line(&l, level);
}

static void log_text(enum log_level level, const char *event, const char *fmt, va_list ap)
{
	char text[LINE];

	vsnprintf(text, sizeof text, fmt, ap);
	log_event(level, event, LS("text", text));
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_text(LOG_LEVEL_ERROR, "error", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_text(LOG_LEVEL_WARN, "warn", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_text(LOG_LEVEL_INFO, "info", fmt, ap);
	va_end(ap);
}
