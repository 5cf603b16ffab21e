#include "bridge/audit/chain.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pki/digest.h"

enum { TAIL_MAX = 256 << 10 };

size_t audit_write(int fd, const void *data, size_t len)
{
	const char *p = data;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, p + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n; /* the next try says why it was cut short */
	}
	return done;
}

void audit_chain_start(struct audit_chain *c, int fd, const uint8_t link[AUDIT_HASH])
{
	if (!c->lines.max)
		buf_init(&c->lines, AUDIT_ADDED_BYTES + AUDIT_LINE_MAX);
	c->fd = fd;
	c->n = 0;
	c->rest_len = 0;
	memcpy(c->last, link, AUDIT_HASH);
	memcpy(c->before, link, AUDIT_HASH);
}

void audit_chain_end(struct audit_chain *c)
{
	buf_free(&c->lines);
	free(c->added);
	c->added = NULL;
	c->n_added = c->room = 0;
}

static int make_room(struct audit_chain *c)
{
	size_t room = c->room ? 2 * c->room : 64;
	struct audit_added *more;

	if (c->n_added < c->room)
		return 0;
	if (!(more = realloc(c->added, room * sizeof *more)))
		return -1;
	c->added = more;
	c->room = room;
	return 0;
}

int audit_chain_add(struct audit_chain *c, const char *kind, const struct audit_field *fields)
{
	uint8_t hash[AUDIT_HASH];

	if (make_room(c) != 0)
		return -1;
	if (audit_line_put(&c->lines, c->n + 1, audit_now(), kind, fields, c->last, hash) < 0) {
		errno = EMSGSIZE;
		return -1;
	}
	c->added[c->n_added].end = c->lines.len;
	memcpy(c->added[c->n_added++].hash, hash, AUDIT_HASH);
	memcpy(c->last, hash, AUDIT_HASH);
	c->n++;
	return 0;
}

static bool finish_rest(struct audit_chain *c)
{
	size_t done = c->rest_len ? audit_write(c->fd, c->rest, c->rest_len) : 0;

	c->rest_len -= done;
	memmove(c->rest, c->rest + done, c->rest_len);
	return c->rest_len == 0;
}

/* The chain goes on behind the first ${k} of those that were added. */
static void rewind_to(struct audit_chain *c, size_t k)
{
	c->n -= c->n_added - k;
	memcpy(c->last, k ? c->added[k - 1].hash : c->before, AUDIT_HASH);
}

size_t audit_chain_write(struct audit_chain *c, bool *half)
{
	size_t done = 0, whole = 0, kept;
	const uint8_t *lines = buf_ptr(&c->lines);

	*half = false;
	if (c->fd < 0)
		errno = EBADF;
	else if (finish_rest(c))
		done = audit_write(c->fd, lines, c->lines.len);
	while (whole < c->n_added && c->added[whole].end <= done)
		whole++;
	kept = whole;
	if (whole < c->n_added && done > (whole ? c->added[whole - 1].end : 0)) {
		*half = true;
		c->rest_len = c->added[kept++].end - done;
		memcpy(c->rest, lines + done, c->rest_len);
	}
	if (kept < c->n_added)
		rewind_to(c, kept);
	memcpy(c->before, c->last, AUDIT_HASH);
	c->n_added = 0;
	buf_reset(&c->lines);
	return whole;
}

/*
 * The last whole record in the ${len} bytes ${data}; where it ends, or 0. ${scratch} is as large. A line that begins before
 * ${data} counts only if that is the file's beginning.
 */
static size_t last_record(const char *data, size_t len, bool from_start, char *scratch, struct audit_tail *out)
{
	struct audit_record r;

	for (size_t end = len; end > 0;) {
		const char *newline = memrchr(data, '\n', end), *before;
		size_t start;

		if (!newline)
			return 0;
		end = (size_t)(newline - data);
		before = memrchr(data, '\n', end);
		start = before ? (size_t)(before - data) + 1 : 0;
		if (!before && !from_start)
			return 0;
		memcpy(scratch, data + start, end - start);
		if (audit_record_read(scratch, end - start, &r) == AUDIT_WHOLE) {
			out->n = r.n;
			memcpy(out->last, r.hash, AUDIT_HASH);
			return end + 1;
		}
		end = start;
	}
	return 0;
}

static int read_end(int fd, char *data, size_t len, off_t at)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, data + done, len - done, at + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : EAGAIN; /* it became shorter while it was read */
			return -1;
		}
		done += (size_t)n;
	}
	return 0;
}

int audit_tail_read(int fd, struct audit_tail *out)
{
	struct stat st;
	size_t len, end;
	char *data;
	int r;

	*out = (struct audit_tail){.found = false};
	if (fstat(fd, &st) != 0)
		return -1;
	out->size = (uint64_t)st.st_size;
	len = st.st_size > TAIL_MAX ? TAIL_MAX : (size_t)st.st_size;
	if (len == 0)
		return 0;
	if (!(data = malloc(2 * len)))
		return -1;
	r = read_end(fd, data, len, st.st_size - (off_t)len);
	if (r == 0) {
		end = last_record(data, len, len == out->size, data + len, out);
		out->found = end > 0;
		out->torn = len - end;
		out->ends_line = data[len - 1] == '\n';
		out->one_piece = !memchr(data + end, '\n', len - end);
		pki_sha256(out->torn_hash, data + end, len - end);
		if (!out->found && len != out->size) {
			errno = EBADMSG;
			r = -1;
		}
	}
	free(data);
	return r;
}
