/* links: all */
#include "bridge/process/snapshot.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include "tests/unit/conf_site.h"

/* A process that starts later has the settings that were checked, whatever the files have become since. */

#define BACKEND "type caldav\nurl https://dav.a.example/\nauth none\nserves "

static void as_checked(int fd)
{
	struct conf_problems p = {0};
	struct conf *c = snapshot_load(fd, site_main, &p);

	CHECK_INT(p.n, 0);
	if (!CHECK(c != NULL))
		return;
	CHECK_INT(c->n_peers, 1);
	CHECK_INT(c->n_accounts, 0);
	CHECK(c->directory == NULL);
	if (CHECK_INT(c->n_backends, 1))
		CHECK_STR(c->backends[0].serves[0], "a.example");
	conf_free(c);
}

/* A copy that an admin made beside them, which this user cannot read, is not asked for: here one that nobody could keep. */
static void beside(void)
{
	char path[160];
	int fd = snapshot_new();

	snprintf(path, sizeof path, "%s/peers.d/site-b.conf.bak", site_dir);
	site_write("peers.d/site-b.conf.bak", "rubbish\n");
	CHECK(truncate(path, 64 << 20) == 0);
	CHECK(snapshot_take(fd, site_main) == 0 && snapshot_seal(fd) == 0);
	as_checked(fd);
	close(fd);
	site_remove("peers.d/site-b.conf.bak");
}

/* In front of libc's: the look at a folder that brings ${look} to zero fails, as on a disk that does. */
static int look;

struct dirent *readdir(DIR *d)
{
	struct dirent *(*real)(DIR *) = (struct dirent * (*)(DIR *))dlsym(RTLD_NEXT, "readdir");

	if (look > 0 && --look == 0) {
		errno = EIO;
		return NULL;
	}
	return real(d);
}

/* Files that could not be seen are not files that are not there: peers and backends would be gone, and what they serve somebody else's. */
static void unseen(int fd)
{
	int at, taken = 0, checked = 0, later = 0, other, r;

	for (at = 1, look = 0; look == 0; at++) {
		struct conf_problems p = {0};
		struct conf *c;

		look = at;
		c = conf_load(site_main, &p);
		checked += look == 0;
		CHECK(look != 0 || (c == NULL && p.n > 0));
		conf_free(c);
		conf_problems_free(&p);
	}
	for (at = 1, look = 0; look == 0; at++) {
		look = at;
		other = snapshot_new();
		r = snapshot_take(other, site_main);
		CHECK_INT(r, look ? 0 : -1);
		taken += look == 0;
		close(other);
	}
	for (at = 1, look = 0; look == 0; at++) {
		struct conf_problems p = {0};
		struct conf *c;

		look = at;
		c = snapshot_load(fd, site_main, &p);
		later += look == 0;
		CHECK_INT(c != NULL, look != 0);
		conf_free(c);
		conf_problems_free(&p);
	}
	CHECK(checked >= 4 && taken >= 4 && later >= 4); /* two files in each of two folders */
	look = 0;
}

int main(void)
{
	char dir[128];
	int fd = snapshot_new();

	site_new();
	snprintf(dir, sizeof dir, "%s/backends.d", site_dir);
	mkdir(dir, 0700);
	site_write("backends.d/one.conf", BACKEND "a.example\n");
	CHECK(fd >= 0 && snapshot_take(fd, site_main) == 0 && snapshot_seal(fd) == 0);
	as_checked(fd);
	beside();
	unseen(fd);
	site_write("backends.d/one.conf", BACKEND "*\n");
	site_write("backends.d/two.conf", "rubbish\n");
	site_write("directory.conf", "rubbish\n");
	site_write("accounts.conf", "rubbish\n");
	site_write("peers.d/site-b.conf", "rubbish\n");
	as_checked(fd);
	site_remove("backends.d/one.conf");
	site_remove("address-spaces.conf");
	as_checked(fd);
	close(fd);
	site_end();
	return check_done();
}
