#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "bridge/backend/job.h"

enum { MAX_FILES = 10000, LISTINGS = 10 /* of one folder: a synchroniser writes many files one after the other */ };

/* The text of one file, kept until the job is done. */
struct text {
	char *data;
	size_t len;
};
struct fetch {
	int dir_fd;
	struct ics_stamps *stamps;
	struct buf *error;
	struct text *texts;
	size_t *names; /* of each text the stamp that names it */
	size_t n, total;
	int64_t latest_ns; /* of any change */
};

static int64_t ns_of(struct timespec t)
{
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void ics_stamps_free(struct ics_stamps *s)
{
	free(s->list);
	*s = (struct ics_stamps){0};
}

/* A name that is too long for a file is the name of no file: an address may be that long. */
static bool absent(int err)
{
	return err == ENOENT || err == ENAMETOOLONG;
}

static struct ics_stamp stamp_of(const char *name, const struct stat *st)
{
	struct ics_stamp s = {.size = -1}; /* -1: there is no such file */
	snprintf(s.name, sizeof s.name, "%s", name);
	if (st) {
		s.mtime_ns = ns_of(st->st_mtim);
		s.ctime_ns = ns_of(st->st_ctim);
		s.size = st->st_size;
		s.inode = (int64_t)st->st_ino;
	}
	return s;
}

bool ics_stamp_same(const struct ics_stamp *a, const struct ics_stamp *b)
{
	return a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns && a->size == b->size && a->inode == b->inode;
}

bool ics_stamps_hold(const struct ics_stamps *s, int dir_fd)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ics_stamp *was = &s->list[i];
		struct stat st;
		int err = fstatat(dir_fd, was->name, &st, was->size < 0 ? AT_SYMLINK_NOFOLLOW : 0) ? errno : 0;
		if (err && !absent(err))
			return false;
		struct ics_stamp is = stamp_of(was->name, err ? NULL : &st);
		if (!ics_stamp_same(&is, was))
			return false;
	}
	return s->n > 0;
}

/*
 * One of ADDRESS.ics and ADDRESS/ alone: FB_NO if it is not there, FB_COULD_NOT_TELL with errno. A link is there wherever it leads, perhaps to a disk
 * that is away now.
 */
static enum fb_fact there(int dir_fd, const char *name)
{
	struct stat st;
	if (!fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return FB_YES;
	return absent(errno) ? FB_NO : FB_COULD_NOT_TELL;
}

enum fb_fact ics_look(int dir_fd, const char *address, struct ics_stamp *file, bool *plain)
{
	char name[FB_ADDRESS_MAX + 8];
	struct stat st;

	*plain = false;
	if (!*address || *address == '.' || strchr(address, '/') || strlen(address) > FB_ADDRESS_MAX)
		return FB_NO;
	snprintf(name, sizeof name, "%s.ics", address);
	int err = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) ? errno : 0;
	bool only = err ? absent(err) : S_ISREG(st.st_mode) && st.st_nlink == 1;
	*file = stamp_of(name, err ? NULL : &st);
	enum fb_fact a = !err ? FB_YES : only ? FB_NO : FB_COULD_NOT_TELL, b = there(dir_fd, address);
	errno = a == FB_COULD_NOT_TELL ? err : errno;
	*plain = only && b == FB_NO;
	if (a == FB_YES || b == FB_YES)
		return FB_YES;
	return a == FB_NO && b == FB_NO ? FB_NO : FB_COULD_NOT_TELL;
}

enum fb_fact ics_exists(int dir_fd, const char *address)
{
	struct ics_stamp file;
	bool plain;

	return ics_look(dir_fd, address, &file, &plain);
}

static int add_stamp(struct fetch *f, const char *name, const struct stat *st)
{
	struct ics_stamps *s = f->stamps;
	if ((s->n & (s->n - 1)) == 0) { /* full at each power of two */
		struct ics_stamp *more = realloc(s->list, (s->n ? s->n * 2 : 1) * sizeof *more);
		if (!more) {
			buf_puts(f->error, "out of memory");
			return -1;
		}
		s->list = more;
	}
	s->list[s->n] = stamp_of(name, st);
	for (int i = 0; st && i < 2; i++) {
		int64_t at = i ? s->list[s->n].ctime_ns : s->list[s->n].mtime_ns;
		f->latest_ns = at > f->latest_ns ? at : f->latest_ns;
	}
	s->n++;
	return 0;
}

static int trouble(struct fetch *f, const char *name, const char *why)
{
	buf_reset(f->error);
	buf_printf(f->error, "%s: %s", name, why);
	return -1;
}

static char *read_whole(int fd, size_t size, size_t *len)
{
	char *p = malloc(size + 1);
	*len = 0;
	while (p && *len < size) {
		ssize_t got = read(fd, p + *len, size - *len);
		if (got == 0)
			break;
		if (got > 0)
			*len += (size_t)got;
		else if (errno != EINTR) {
			free(p);
			return NULL;
		}
	}
	return p;
}

/* Reads one open file; its stamp is taken before the reading, so that a change meanwhile is seen at the next use. */
static int take_open_file(struct fetch *f, const char *name, int fd)
{
	struct stat st;
	if (fstat(fd, &st))
		return trouble(f, name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return trouble(f, name, "this is no regular file");
	if (st.st_size > ICS_MAX_TEXT || f->total + (size_t)st.st_size > ICS_MAX_TEXT)
		return trouble(f, name, "the calendar is larger than 64 MiB");
	if (f->n == MAX_FILES)
		return trouble(f, name, "the calendar has more than 10000 files");
	if ((f->n & (f->n - 1)) == 0) {
		size_t cap = f->n ? f->n * 2 : 1;
		struct text *texts = realloc(f->texts, cap * sizeof *texts);
		f->texts = texts ? texts : f->texts;
		size_t *names = realloc(f->names, cap * sizeof *names);
		f->names = names ? names : f->names;
		if (!texts || !names)
			return trouble(f, name, "out of memory");
	}
	struct text t;
	t.data = read_whole(fd, (size_t)st.st_size, &t.len);
	if (!t.data)
		return trouble(f, name, strerror(errno));
	f->total += t.len;
	f->names[f->n] = f->stamps->n;
	f->texts[f->n++] = t;
	return add_stamp(f, name, &st);
}

/* O_NONBLOCK: a FIFO in the folder must not hold the worker. */
static int take_file(struct fetch *f, const char *name)
{
	int fd = openat(f->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return trouble(f, name, strerror(errno));
	int err = take_open_file(f, name, fd);
	close(fd);
	return err;
}

static int is_calendar(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return d->d_name[0] != '.' && n > 4 && !strcasecmp(d->d_name + n - 4, ".ics"); /* Windows makes them .ICS */
}

/* A link may lead to a folder, and not every file system says what a name is. */
static int may_be_folder(const struct dirent *d)
{
	return d->d_name[0] != '.' && (d->d_type == DT_DIR || d->d_type == DT_LNK || d->d_type == DT_UNKNOWN);
}

/* Servers and synchronisers put a folder for each calendar below that of the person: taken for an empty calendar it would be free time. */
static int only_folders(struct fetch *f, const char *address)
{
	struct dirent **list = NULL;
	struct stat st;
	char name[FB_ADDRESS_MAX + 1 + sizeof list[0]->d_name];
	int folders = 0, n = scandirat(f->dir_fd, address, &list, may_be_folder, NULL);
	if (n < 0)
		return trouble(f, address, strerror(errno));
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s/%s", address, list[i]->d_name);
		folders += !fstatat(f->dir_fd, name, &st, 0) && S_ISDIR(st.st_mode);
		free(list[i]);
	}
	free(list);
	return folders ? trouble(f, address, "it holds folders and no .ics file: the .ics files must lie in it itself") : 0;
}

/* Whether its names are those of the folder that was ${st}: one that was exchanged and removed meanwhile lists none, which would be free time. */
static bool is_still(const struct fetch *f, const char *address, const struct stat *st)
{
	struct ics_stamp was = stamp_of(address, st), is;
	struct stat now;
	if (fstatat(f->dir_fd, address, &now, 0))
		return false;
	is = stamp_of(address, &now);
	return ics_stamp_same(&is, &was);
}

static void free_list(struct dirent **list, int n)
{
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

/*
 * The names of its files, and in ${st} whose they are: of one moment, for which a folder that is being written to is listed again. -1 after
 * trouble().
 */
static int list_folder(struct fetch *f, const char *address, struct stat *st, struct dirent ***list)
{
	for (int tries = 0; tries < LISTINGS; tries++) {
		if (fstatat(f->dir_fd, address, st, 0))
			return trouble(f, address, strerror(errno));
		if (!S_ISDIR(st->st_mode))
			return trouble(f, address, "this is neither an .ics file nor a folder");
		int n = scandirat(f->dir_fd, address, list, is_calendar, alphasort);
		if (n < 0)
			return trouble(f, address, strerror(errno));
		if (is_still(f, address, st))
			return n;
		free_list(*list, n);
	}
	return trouble(f, address, "it was changed while it was read, again and again");
}

static int take_folder(struct fetch *f, const char *address)
{
	struct dirent **list = NULL;
	struct stat st;
	char name[sizeof f->stamps->list->name];
	int n = list_folder(f, address, &st, &list), err;
	if (n < 0)
		return -1;
	err = add_stamp(f, address, &st);
	if (!err && !n)
		err = only_folders(f, address);
	for (int i = 0; i < n && !err; i++) {
		if (snprintf(name, sizeof name, "%s/%s", address, list[i]->d_name) >= (int)sizeof name)
			err = trouble(f, address, "it holds a file with too long a name");
		else
			err = take_file(f, name);
	}
	free_list(list, n);
	return err;
}

/* Puts the file's name in front of the ${sentence} that names the line. */
static void name_file(const struct fetch *f, unsigned file, struct buf *sentence)
{
	char why[1024];
	if (!file || file > f->n)
		return;
	snprintf(why, sizeof why, "%s", buf_cstr(sentence));
	buf_reset(sentence);
	buf_printf(sentence, "%s: %s", f->stamps->list[f->names[file - 1]].name, why);
}

static int expand(struct fetch *f, struct fb_window w, const struct ics_options *o, struct fb_answer *into)
{
	struct ics_job j;
	unsigned file = 0, noted = 0;
	int err = ics_job_start(&j, w, o, into, f->error);
	for (size_t i = 0; i < f->n && !err; i++) {
		file = (unsigned)i + 1;
		err = ics_job_read(&j, f->texts[i].data, f->texts[i].len);
		if (o->note && o->note->len && !noted)
			name_file(f, noted = file, o->note);
	}
	if (!err)
		err = ics_job_finish(&j, &file);
	if (err)
		name_file(f, file, f->error);
	ics_job_free(&j);
	return err;
}

/* Reads all there is of ${address}: 1 if something was there, 0 if not, -1 with a sentence. */
static int gather(struct fetch *f, const char *address)
{
	char file[FB_ADDRESS_MAX + 8];
	snprintf(file, sizeof file, "%s.ics", address);
	enum fb_fact one = there(f->dir_fd, file);
	if (one == FB_COULD_NOT_TELL)
		return trouble(f, file, strerror(errno));
	if (one == FB_YES ? take_file(f, file) : add_stamp(f, file, NULL))
		return -1;
	enum fb_fact many = there(f->dir_fd, address);
	if (many == FB_COULD_NOT_TELL)
		return trouble(f, address, strerror(errno));
	if (many == FB_YES ? take_folder(f, address) : add_stamp(f, address, NULL))
		return -1;
	return one == FB_YES || many == FB_YES;
}

/* For how long another change may leave the stamp ${at}: file systems that count no parts of a second count one or two. */
static int64_t tick_of(int64_t at)
{
	return at % 1000000000 ? 100 * 1000 * 1000 : 2100 * INT64_C(1000000);
}

struct fb_answer *ics_fetch(int dir_fd, const char *address, struct fb_window w, const struct ics_options *o, struct ics_stamps *stamps,
                            struct buf *error)
{
	struct fetch f = {.dir_fd = dir_fd, .stamps = stamps, .error = error};
	struct timespec now;
	*stamps = (struct ics_stamps){0};
	clock_gettime(CLOCK_REALTIME, &now);
	bool safe = *address && *address != '.' && !strchr(address, '/') && strlen(address) <= FB_ADDRESS_MAX;
	int got = safe ? gather(&f, address) : 0;
	struct fb_answer *a = fb_answer_new(got > 0 ? FB_OK : got ? FB_CALENDAR_FAILED : FB_NO_ACCESS);
	if (a && got > 0 && expand(&f, w, o, a)) {
		fb_answer_free(a);
		a = fb_answer_new(FB_CALENDAR_FAILED);
	}
	if (a)
		a->view = FB_VIEW_EVENTS | FB_VIEW_DETAILS;
	/* what could not be read has no stamp that would show its mending */
	stamps->settled = got >= 0 && ns_of(now) - f.latest_ns > tick_of(f.latest_ns);
	for (size_t i = 0; i < f.n; i++)
		free(f.texts[i].data);
	free(f.texts);
	free(f.names);
	return a;
}
