#include "bridge/process/recording.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/process/messages.h"

static const char preamble[] = "# availbridge " VERSION
                               ": a recording of `serve --trace`. What it holds and what it does not: docs/exchange.md.\n\n";

static int complain(struct buf *error, const char *dir, const char *what)
{
	buf_printf(error, "--trace %s: %s: %s. Name a folder (not a link to one) in which the user that availbridge runs as may write.", dir, what,
	           strerror(errno));
	return -1;
}

static int make_file(int folder, char *name, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;
	char when[32];

	strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	snprintf(name, size, "availbridge-%s-%ld.trace", when, (long)getpid());
	return openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
}

int recording_open(struct recording *r, const char *dir, struct buf *error)
{
	char name[80];
	int folder;

	r->fd = -1;
	if (!dir)
		return 0;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return complain(error, dir, "the folder cannot be made");
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return complain(error, dir, "the folder cannot be opened");
	r->fd = make_file(folder, name, sizeof name);
	close(folder);
	if (r->fd < 0 || write(r->fd, preamble, sizeof preamble - 1) != (ssize_t)sizeof preamble - 1)
		return complain(error, dir, "the file cannot be written");
	text_random(r->key, sizeof r->key);
	log_event(LOG_LEVEL_WARN, "trace-begun", LS("folder", dir), LS("file", name), LI("most-bytes", TRACE_FILE_MAX));
	return 0;
}

void recording_begin(const struct recording *r, struct channel *to)
{
	if (r->fd >= 0)
		channel_send(to, MSG_TRACE, r->key, sizeof r->key, r->fd);
}

void recording_close(struct recording *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
