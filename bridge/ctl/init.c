#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/availability/address.h"
#include "bridge/base/file.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "pki/identity.h"

enum { MADE_MAX = 32, PATH_SIZE = 4096, NAMES_MAX = 8 };

/* A site in the making: what is there already, so that a failure takes it away again. */
struct making {
	const char *site, *dir, *front, *link, *url, *calendars;
	char (*domains)[FB_DOMAIN_MAX + 1];
	size_t n_domains;
	const struct passwd *user; /* whom the site is given to and the daemon runs as; NULL = who made it */
	char made[MADE_MAX][PATH_SIZE];
	size_t n_made;
};

static char *path_of(const struct making *m, char out[PATH_SIZE], const char *name)
{
	if (file_join(out, PATH_SIZE, m->dir, name) < 0)
		out[0] = 0;
	return out;
}

static void note(struct making *m, const char *path)
{
	if (m->n_made < MADE_MAX)
		memccpy(m->made[m->n_made++], path, 0, PATH_SIZE);
}

static void undo(struct making *m)
{
	/* files and empty folders alike; what held something before is kept by the kernel */
	while (m->n_made)
		remove(m->made[--m->n_made]);
}

/* All that was made goes to the user that the daemon runs as: it could not read it otherwise. */
static int hand_over(const struct making *m)
{
	for (size_t i = 0; m->user && i < m->n_made; i++)
		if (lchown(m->made[i], m->user->pw_uid, m->user->pw_gid) < 0) {
			ctl_say("%s could not be given to the user %s: %s", m->made[i], m->user->pw_name, strerror(errno));
			return -1;
		}
	return 0;
}

/* A folder that may be there already. */
static int make_folder(struct making *m, const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		note(m, path);
		return 0;
	}
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	ctl_say("the folder %s could not be made: %s", path, strerror(errno));
	return -1;
}

/* The folder and those above it. */
static int make_folders(struct making *m, const char *path)
{
	char part[PATH_SIZE];

	for (const char *s = path + 1; (s = strchr(s, '/')) != NULL; s++) {
		snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
		if (s[1] && make_folder(m, part, 0755) < 0)
			return -1;
	}
	return make_folder(m, path, 0755);
}

/* A new file; one that is there is somebody's work. */
static int make_file(struct making *m, const char *name, const char *text, mode_t mode)
{
	char path[PATH_SIZE];

	path_of(m, path, name);
	if (access(path, F_OK) == 0) {
		ctl_say("%s is there already; nothing is overwritten. Choose another --dir, or move that file away.", path);
		return -1;
	}
	if (file_write(path, text, strlen(text), mode) < 0) {
		ctl_say("%s could not be written: %s", path, strerror(errno));
		return -1;
	}
	note(m, path);
	return 0;
}

/* The host of HOST:PORT or https://HOST[:PORT] without brackets; "" if there is none. */
static void host_of(const char *s, char out[256])
{
	const char *end;

	if (strncmp(s, "https://", 8) == 0)
		s += 8;
	end = s[0] == '[' ? strchr(s, ']') : s + strcspn(s, ":/");
	s += s[0] == '[';
	snprintf(out, 256, "%.*s", end ? (int)(end - s) : 0, s);
}

static size_t add_name(char names[NAMES_MAX][256], size_t n, const char *name)
{
	if (!*name || strcmp(name, "0.0.0.0") == 0 || strcmp(name, "::") == 0)
		return n;
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(names[i], name) == 0)
			return n;
	snprintf(names[n], 256, "%s", name);
	return n + 1;
}

static int make_keys(struct making *m)
{
	static const char *const made[] = {"identity.key", "identity.pem", "front.key", "front.pem", "front-ca.pem"};
	char names[NAMES_MAX][256], host[256], path[5][PATH_SIZE];
	const char *list[NAMES_MAX];
	struct buf error;
	size_t n = 0;
	int result;

	host_of(m->url, host);
	n = add_name(names, n, host);
	host_of(m->front, host);
	n = add_name(names, n, host);
	n = add_name(names, n, "localhost");
	n = add_name(names, n, "127.0.0.1");
	if (gethostname(host, sizeof(host)) == 0)
		n = add_name(names, n, host);
	for (size_t i = 0; i < n; i++)
		list[i] = names[i];
	for (size_t i = 0; i < 5; i++) {
		path_of(m, path[i], made[i]);
		if (access(path[i], F_OK) == 0) {
			ctl_say("%s is there already; nothing is overwritten. Choose another --dir, or move that file away.", path[i]);
			return -1;
		}
	}
	for (size_t i = 0; i < 5; i++)
		note(m, path[i]);
	buf_init(&error, 4096);
	result = pki_identity_create(m->site, path[0], path[1], &error);
	if (result == 0)
		result = pki_front_create(list, n, path[2], path[3], path[4], &error);
	if (result < 0)
		ctl_say("%s", buf_cstr(&error));
	buf_free(&error);
	return result;
}

static int make_texts(struct making *m)
{
	char local[1024];
	struct buf b;
	int result = -1;

	buf_init(&b, 1 << 20);
	buf_puts(&b, ctl_header_spaces);
	for (size_t i = 0; i < m->n_domains; i++)
		buf_printf(&b, "%s local\n", m->domains[i]);
	snprintf(local, sizeof(local), "%srule in * * AvailabilityOnly\n", ctl_header_local);
	if (make_file(m, "address-spaces.conf", buf_cstr(&b), 0600) == 0 &&
	    make_file(m, "accounts.conf", ctl_header_accounts, 0600) == 0 && make_file(m, "peers.d/local.conf", local, 0600) == 0) {
		/* the main file comes last: a folder without it is no site */
		buf_reset(&b);
		const struct conf_site site = {
			m->site, m->domains[0], m->front, m->link, m->url, m->calendars, m->user ? m->user->pw_name : ""};

		if (conf_sample(&b, &site) == 0)
			result = make_file(m, "availbridge.conf", buf_cstr(&b), 0600);
	}
	buf_free(&b);
	return result;
}

static int make(struct making *m)
{
	char path[PATH_SIZE];

	if (access(path_of(m, path, "availbridge.conf"), F_OK) == 0) {
		ctl_say("%s is there already; nothing is overwritten. Choose another --dir.", path);
		return -1;
	}
	if (make_folders(m, m->dir) < 0 || make_folder(m, path_of(m, path, "peers.d"), 0750) < 0 ||
	    make_folder(m, path_of(m, path, "state"), 0700) < 0 || make_folder(m, path_of(m, path, m->calendars), 0750) < 0)
		return -1;
	return make_keys(m) < 0 || make_texts(m) < 0 ? -1 : 0;
}

/* The settings must be such that they load: what the person typed may be odd in ways only the rows know. */
static int look(const struct making *m)
{
	struct conf_problems problems = {0};
	char path[PATH_SIZE];
	struct conf *c = conf_load(path_of(m, path, "availbridge.conf"), &problems);
	int result = c ? 0 : -1;

	ctl_problems_print(stderr, &problems);
	conf_problems_free(&problems);
	conf_free(c);
	return result;
}

static void what_next(const struct making *m)
{
	char path[PATH_SIZE];

	path_of(m, path, "availbridge.conf");
	printf("The site %s is in %s. What comes next:\n"
	       "  availbridge -c %s account add NAME --stands-for user:ADDRESS     who may log in\n"
	       "  availbridge -c %s check && availbridge -c %s serve     or the systemd unit\n"
	       "  availbridge -c %s peer invite --name NAME                        while it runs: pairs with another site\n"
	       "Put ADDRESS.ics files into %s%s%s.\n",
	       m->site, m->dir, path, path, path, path, m->calendars[0] == '/' ? "" : m->dir, m->calendars[0] == '/' ? "" : "/",
	       m->calendars);
}

/* https://HOST[:PORT], HOST being this machine's name. */
static void default_url(char out[300], const char *front)
{
	const char *port = strrchr(front, ':');
	char host[256] = "localhost";

	gethostname(host, sizeof(host) - 1);
	snprintf(out, 300, "https://%s%s", host, port && strcmp(port, ":443") != 0 ? port : "");
}

static bool arguments_are_right(const struct making *m, const struct ctl_words *claimed)
{
	if (!conf_name_valid(m->site) || strcmp(m->site, "local") == 0 || strcmp(m->site, "nobody") == 0)
		ctl_say("'%s' cannot be the name of a site: use 1 to 63 letters, digits, '.', '_' or '-', a letter or digit first, not local and not nobody",
		        m->site);
	else if (!conf_host_port_valid(m->front, true))
		ctl_say("--front is HOST:PORT, or :PORT for every address of this machine, not '%s'", m->front);
	else if (!conf_host_port_valid(m->link, true))
		ctl_say("--link is HOST:PORT, or :PORT for every address of this machine, not '%s'", m->link);
	else if (!conf_url_valid(m->url))
		ctl_say("--public-url is https://HOST or https://HOST:PORT, not '%s'", m->url);
	else {
		for (size_t i = 0; i < claimed->n; i++)
			if (!fb_domain_normal(claimed->list[i], m->domains[i])) {
				ctl_say("'%s' is no domain", claimed->list[i]);
				return false;
			}
		return true;
	}
	return false;
}

/* The user of ${name}; without one availbridge, if root makes the site and there is such a user. */
static int find_user(struct making *m, const char *name)
{
	const char *wanted = name ? name : geteuid() == 0 ? "availbridge" : "";

	m->user = *wanted ? getpwnam(wanted) : NULL;
	if (m->user || !name || !*name)
		return 0;
	ctl_say("there is no user '%s' on this machine for --user. Make it first, or name another.", name);
	return -1;
}

int ctl_init(int argc, char **argv, const char *conf_path)
{
	static char domains[CTL_MAX_WORDS][FB_DOMAIN_MAX + 1];
	static struct making m;
	struct ctl_words words, claimed = {0};
	const char *user = NULL;
	const struct ctl_option options[] = {{"site", .value = &m.site},
	                                     {"domain", .many = &claimed},
	                                     {"dir", .value = &m.dir},
	                                     {"front", .value = &m.front},
	                                     {"link", .value = &m.link},
	                                     {"public-url", .value = &m.url},
	                                     {"calendars", .value = &m.calendars},
	                                     {"user", .value = &user},
	                                     {0}};
	char url[300], calendars[PATH_SIZE];

	m = (struct making){.domains = domains};
	if (ctl_args(argc, argv, options, &words) < 0 || words.n || !m.site || !m.dir || !*m.dir || !claimed.n)
		return ctl_usage("init");
	m.n_domains = claimed.n;
	m.front = m.front ? m.front : ":443";
	m.link = m.link ? m.link : ":7443";
	default_url(url, m.front);
	m.url = m.url ? m.url : url;
	if (!arguments_are_right(&m, &claimed))
		return CTL_USAGE;
	/* a path on the command line counts from where the person stands, one in the file from the file */
	if (m.calendars && m.calendars[0] != '/') {
		if (!getcwd(calendars, sizeof(calendars)) || strlen(calendars) + strlen(m.calendars) + 2 > sizeof(calendars)) {
			ctl_say("--calendars cannot be found from here; give its whole path");
			return CTL_NO;
		}
		strcat(strcat(calendars, "/"), m.calendars);
		m.calendars = calendars;
	}
	m.calendars = m.calendars ? m.calendars : "calendars";
	if (find_user(&m, user) < 0)
		return CTL_NO;
	if (make(&m) < 0 || look(&m) < 0 || hand_over(&m) < 0) {
		undo(&m);
		return CTL_NO;
	}
	what_next(&m);
	return CTL_DONE;
}
