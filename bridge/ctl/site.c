#include "bridge/ctl/site.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/process/control.h"
#include "bridge/process/rights.h"

enum { BUSY_MS = 200 };

void ctl_problems_print(FILE *out, const struct conf_problems *p)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < p->n; i++) {
		buf_reset(&text);
		conf_problem_put(&text, &p->list[i]);
		fprintf(out, "%s\n", buf_cstr(&text));
	}
	buf_free(&text);
}

int ctl_become_daemon(const struct conf *c, struct buf *error)
{
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0 || !*c->user)
		return 0;
	return rights_user(c->user, &uid, &gid, error) < 0 ? -1 : rights_drop_root(c->user, uid, gid, error);
}

struct conf *ctl_load_as_daemon(const char *conf_path, struct conf_problems *problems)
{
	struct conf *c = conf_load(conf_path, problems);
	uid_t before = geteuid();
	struct buf error;

	buf_init(&error, 4096);
	if (c && ctl_become_daemon(c, &error) < 0)
		conf_problem_add(problems, c->file, conf_setting_line(c, "user"), "The daemon would not start with it.", "%s", buf_cstr(&error));
	buf_free(&error);
	if (geteuid() == before)
		return c;
	conf_free(c);
	return conf_load(conf_path, problems);
}

struct conf *ctl_load(const char *conf_path)
{
	struct conf_problems problems = {0};
	struct conf *c = conf_load(conf_path, &problems);

	ctl_problems_print(stderr, &problems);
	conf_problems_free(&problems);
	return c;
}

struct conf *ctl_load_list(int argc, char **argv, const char *conf_path, const char *verb, bool *json, int *code)
{
	const struct ctl_option options[] = {{"json", .flag = json}, {0}};
	struct ctl_words words;

	*code = CTL_NO;
	if (ctl_args(argc, argv, options, &words) == 0 && !words.n)
		return ctl_load(conf_path);
	*code = ctl_usage(verb);
	return NULL;
}

bool ctl_who(const char *s, char out[FB_ADDRESS_MAX + 1])
{
	return strchr(s, '@') ? fb_address_normal(s, out) : fb_domain_normal(s, out);
}

/* Is anybody listening at ${path}? */
static enum ctl_daemon knock(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path)) {
		if (fd >= 0)
			close(fd);
		return CTL_DAEMON_SILENT;
	}
	strcpy(a.sun_path, path);
	result = connect(fd, (struct sockaddr *)&a, sizeof(a));
	if (result < 0)
		result = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR ? 1 : -1;
	close(fd);
	return result == 1 ? CTL_DAEMON_ABSENT : result == 0 ? CTL_DAEMON_ANSWERED : CTL_DAEMON_SILENT;
}

/* A bridge in which somebody else runs may answer anything, and this ends on an admin's terminal. ${said} is used up. */
static void put_lines(struct buf *out, char *said)
{
	for (char *end; said; said = end) {
		if ((end = strchr(said, '\n')))
			*end++ = 0;
		text_safe(out, said);
		if (end)
			buf_putc(out, '\n');
	}
}

enum ctl_daemon ctl_daemon_call(const char *conf_path, const char *request, int timeout_ms, int *code, struct buf *reply)
{
	struct conf_problems problems = {0};
	struct conf *c = conf_load_main(conf_path, &problems);
	bool known = c != NULL;
	char path[4096] = "";
	struct buf error, said;
	enum ctl_daemon d;

	/* a main file that is broken now was not when the daemon started: it may well listen where most do */
	if (c)
		snprintf(path, sizeof(path), "%s", c->control_socket);
	else if (conf_file_path(path, sizeof(path), conf_path, "state/control.sock") < 0)
		path[0] = 0;
	conf_free(c);
	conf_problems_free(&problems);
	d = knock(path);
	if (d == CTL_DAEMON_SILENT) {
		buf_printf(reply, "the control socket %s cannot be reached: %s", path, strerror(errno));
	} else if (d == CTL_DAEMON_ABSENT && !known) {
		buf_printf(reply, "nobody listens at %s, and %s cannot be read, so it is not known whether that is the place; `availbridge check` says what is "
		           "wrong with it", path, conf_path);
		d = CTL_DAEMON_SILENT;
	}
	if (d != CTL_DAEMON_ANSWERED)
		return d;
	buf_init(&error, 4096);
	buf_init(&said, reply->max);
	*code = control_call(path, request, NULL, 0, timeout_ms, &said, &error);
	if (*code < 0) {
		buf_puts(reply, buf_cstr(&error));
		d = CTL_DAEMON_SILENT;
	} else if (said.len) {
		put_lines(reply, (char *)buf_cstr(&said));
	}
	buf_free(&error);
	buf_free(&said);
	return d;
}

enum ctl_daemon ctl_daemon_reload(const char *conf_path, int *code, struct buf *reply)
{
	enum ctl_daemon d;
	int tries = 0;

	while ((d = ctl_daemon_call(conf_path, "reload", CTL_RELOAD_MS, code, reply)) == CTL_DAEMON_ANSWERED && *code != 0 &&
	       strstr(buf_cstr(reply), "under way already") && tries++ < CTL_RELOAD_MS / BUSY_MS) {
		buf_reset(reply);
		poll(NULL, 0, BUSY_MS);
	}
	return d;
}

int ctl_ask_ews(const struct conf *c, const char *who, struct buf *request, int timeout_ms, struct buf *reply, struct buf *error)
{
	char line[FB_ADDRESS_MAX + 16];
	int code;

	snprintf(line, sizeof line, "query %s", who);
	code = control_call(c->control_socket, line, buf_ptr(request), request->len, timeout_ms, reply, error);
	if (code <= 0)
		return code;
	buf_add(error, buf_ptr(reply), reply->len);
	while (error->len && buf_cstr(error)[error->len - 1] == '\n')
		error->len--;
	return -1;
}
