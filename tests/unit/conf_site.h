#ifndef TESTS_UNIT_CONF_SITE_H
#define TESTS_UNIT_CONF_SITE_H
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/conf/conf.h"
#include "tests/unit/check.h"

/* A site's files in a folder of their own, for tests of what reads them. */
static char site_dir[64], site_main[96];

static inline void site_write(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	unlink(path);
	f = fopen(path, "we");
	if (!CHECK(f != NULL))
		return;
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

static inline void site_remove(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	unlink(path);
}

/* The sample as main file, one local domain, a rule for our own people. */
static inline void site_new(void)
{
	char path[128];
	struct buf b;

	strcpy(site_dir, "/tmp/test-site-XXXXXX");
	CHECK(mkdtemp(site_dir) != NULL);
	snprintf(site_main, sizeof(site_main), "%s/availbridge.conf", site_dir);
	snprintf(path, sizeof(path), "%s/peers.d", site_dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/calendars", site_dir);
	mkdir(path, 0700);
	buf_init(&b, 1 << 20);
	const struct conf_site site = {"site-a", "a.example", "127.0.0.1:8443", "127.0.0.1:7443", "https://localhost:8443", "calendars", ""};

	CHECK_INT(conf_sample(&b, &site), 0);
	site_write("availbridge.conf", buf_cstr(&b));
	buf_free(&b);
	site_write("address-spaces.conf", "a.example local\n");
	site_write("peers.d/local.conf", "rule in * * AvailabilityOnly\n");
}

static inline int site_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void site_end(void)
{
	nftw(site_dir, site_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The problems of the site as it is, each as "FILE:LINE: what" on a line (file without its folder), in one text until the next call. */
static inline const char *site_problems(void)
{
	static char text[65536];
	struct conf_problems p = {0};
	struct conf *c = conf_load(site_main, &p);
	size_t n = 0;

	CHECK((c == NULL) == (p.n > 0));
	text[0] = 0;
	for (size_t i = 0; i < p.n && n < sizeof(text) - 1024; i++) {
		const char *file = strncmp(p.list[i].file, site_dir, strlen(site_dir)) == 0 ? p.list[i].file + strlen(site_dir) + 1 : p.list[i].file;

		CHECK(*p.list[i].fix);
		n += (size_t)snprintf(text + n, 1024, "%s:%d: %.900s\n", file, p.list[i].line, p.list[i].what);
	}
	conf_problems_free(&p);
	conf_free(c);
	return text;
}
#endif
