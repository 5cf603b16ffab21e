/* links: all */
#include "bridge/process/snapshot.h"
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
