#ifndef TESTS_UNIT_CTL_SITE_H
#define TESTS_UNIT_CTL_SITE_H
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bridge/conf/conf.h"
#include "bridge/ctl/ctl.h"
#include "tests/unit/conf_site.h"

/* The verbs as a person types them, in a site of their own. No daemon runs but where a test puts something in its place. */

static char said[1 << 16]; /* standard output and standard error of the last verb */
#define PIN1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define PIN2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define PIN3 "sha256:3333333333333333333333333333333333333333333333333333333333333333"
#define PIN4 "sha256:4444444444444444444444444444444444444444444444444444444444444444"
#define PIN5 "sha256:5555555555555555555555555555555555555555555555555555555555555555"

/* Runs `availbridge LINE` in a child; '|' stands for a blank inside a word. Returns its exit code. */
static inline int run(const char *line)
{
	char copy[2048], *argv[64];
	int argc = 0, status, out[2];
	size_t n = 0;
	ssize_t got;

	snprintf(copy, sizeof(copy), "availbridge %s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " ")) {
		for (char *s = w; (s = strchr(s, '|')); s++)
			*s = ' ';
		argv[argc++] = w;
	}
	argv[argc] = NULL;
	if (pipe2(out, O_CLOEXEC) < 0)
		abort();
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		exit(ctl_main(argc, argv));
	}
	close(out[1]);
	while (n < sizeof(said) - 1 && (got = read(out[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = 0;
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 99;
	return WEXITSTATUS(status);
}

/* The same, of the site. */
static inline int run_here(const char *line)
{
	char whole[2048];

	snprintf(whole, sizeof(whole), "%s -c %s", line, site_main);
	return run(whole);
}

/* Whether the last verb said it. */
static inline bool says(const char *text)
{
	if (strstr(said, text))
		return true;
	fprintf(stderr, "\tsaid: %s", said);
	return false;
}

/* The whole of one of the site's files. */
static inline const char *content(const char *name)
{
	static char text[1 << 16];
	char path[256];
	FILE *f;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	if ((f = fopen(path, "re"))) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = 0;
	return text;
}

/* Whether one of the site's files has exactly that line. */
static inline bool has_line(const char *name, const char *line)
{
	const char *s = content(name);
	size_t n = strlen(line);

	for (; s; s = strchr(s, '\n'), s += s != NULL)
		if (strncmp(s, line, n) == 0 && (s[n] == '\n' || !s[n]))
			return true;
	return false;
}

/* `availbridge init` of site-a, into a folder that does not exist yet. */
static inline void init_site(void)
{
	char line[512];

	strcpy(site_dir, "/tmp/test-verbs-XXXXXX");
	CHECK(mkdtemp(site_dir) != NULL);
	strcat(site_dir, "/deep/a");
	snprintf(site_main, sizeof(site_main), "%s/availbridge.conf", site_dir);
	snprintf(line, sizeof(line),
	         "init --site site-a --domain A.example --domain a2.example --dir %s --front 127.0.0.1:8443 --link :1 --user=", site_dir);
	CHECK_INT(run(line), 0);
}

/* All of it is removed; what main() returns. */
static inline int site_done(void)
{
	*strstr(site_dir, "/deep") = 0;
	site_end();
	return check_done();
}
#endif
