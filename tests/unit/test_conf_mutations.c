/* links: base availability conf pki address_space acl directory */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "bridge/acl/decide.h"
#include "bridge/address_space/table.h"
#include "bridge/directory/directory.h"
#include "tests/unit/conf_site.h"

/*
 * Every file of a site with each byte left out and each bit turned, one at a time: loading never crashes,
 * and whatever still loads shows nobody more than the files did before.
 */

#ifdef __SANITIZE_ADDRESS__
enum { STEP = 11 };
#else
enum { STEP = 1 };
#endif

static const char *const people[] = {"anna@a.example", "boss@a.example", "bob@b.example",
                                     "eve@e.example",  "b.example",      "a.example"};
static const char *const targets[] = {"anna@a.example", "boss@a.example", "ghost@a.example"};
enum { PEOPLE = 6, TARGETS = 3 };

/* Shared with the child that loads: it may be ended by the parser at any time. */
static struct shared {
	size_t next;  /* mutation to try */
	size_t loaded, wider;
	size_t first_wider;
} *shared;

static void keep(void *arg, const struct fb_entry *who)
{
	*(const struct fb_entry **)arg = who;
}

/* Requester and target as they were looked up. */
struct both {
	const struct fb_entry *who, *whom;
};

static enum fb_fact member(void *arg, const char *group, const char *address)
{
	const struct both *b = arg;

	return fb_entry_member(strcmp(b->whom->address, address) == 0 ? b->whom : b->who, group);
}

static enum fb_level level_of(const struct conf *c, const struct address_space *t, struct directory *d, const char *from,
                              const char *to)
{
	const char *domain = strchr(from, '@') ? fb_address_domain(from) : from;
	const struct conf_address_space *row = NULL;
	struct fb_requester who = {.is_person = domain != from};
	enum as_route route = address_space_route(t, domain, &row);

	strcpy(who.name, from);
	if (route != AS_LOCAL && route != AS_PEER)
		return FB_LEVEL_NONE;
	struct both both;

	directory_look_up(d, from, keep, &both.who);
	directory_look_up(d, to, keep, &both.whom);
	struct acl_question q = {.peer = conf_peer_named(c, row->peer),
	                         .in = true,
	                         .requester = &who,
	                         .target = to,
	                         /* a server that hides nobody: where the files name one, they take nothing away by that */
	                         .facts = {FB_YES, both.whom->hidden == FB_YES ? FB_YES : FB_NO},
	                         .member = member,
	                         .member_arg = &both};
	enum fb_level level = acl_decide(&q).level;

	fb_entry_release(both.who);
	fb_entry_release(both.whom);
	return level;
}

static void levels_of(const struct conf *c, enum fb_level out[PEOPLE][TARGETS])
{
	struct address_space *t = address_space_new(c);
	struct directory *d = directory_new(c, NULL, NULL);

	for (size_t p = 0; p < PEOPLE; p++)
		for (size_t k = 0; k < TARGETS; k++)
			out[p][k] = level_of(c, t, d, people[p], targets[k]);
	directory_free(d);
	address_space_free(t);
}

/* Mutation ${m} of ${n} bytes: the first n leave a byte out, the others turn a bit. Returns the new length. */
static size_t mutate(char *out, const char *text, size_t n, size_t m)
{
	memcpy(out, text, n);
	if (m < n) {
		memmove(out + m, out + m + 1, n - m - 1);
		return n - 1;
	}
	out[(m - n) / 8] ^= (char)(1 << (m - n) % 8);
	return n;
}

static void try_all(const char *name, const char *text, size_t n, enum fb_level before[PEOPLE][TARGETS])
{
	char path[256], *changed = malloc(n);
	enum fb_level after[PEOPLE][TARGETS];

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	for (; shared->next < 9 * n; shared->next += STEP) {
		size_t len = mutate(changed, text, n, shared->next);
		struct conf_problems p = {0};
		int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, changed, len) != (ssize_t)len || ftruncate(fd, (off_t)len) < 0)
			_exit(99);
		close(fd);
		struct conf *c = conf_load(site_main, &p);

		conf_problems_free(&p);
		if (!c)
			continue;
		shared->loaded++;
		levels_of(c, after);
		conf_free(c);
		for (size_t i = 0; i < PEOPLE * TARGETS; i++)
			if (after[i / TARGETS][i % TARGETS] > before[i / TARGETS][i % TARGETS] && !shared->wider++)
				shared->first_wider = shared->next;
	}
	free(changed);
	_exit(0);
}

static void run(const char *name)
{
	static char text[1 << 16];
	enum fb_level before[PEOPLE][TARGETS];
	struct conf_problems p = {0};
	struct conf *c = conf_load(site_main, &p);
	size_t n, exits = 0;
	char path[256];
	int status;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", site_dir, name);
	if (!CHECK(c != NULL) || !CHECK((f = fopen(path, "re")) != NULL))
		return;
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	levels_of(c, before);
	conf_free(c);
	CHECK_INT(before[0][0], FB_LEVEL_AVAILABILITY_ONLY);
	CHECK_INT(before[2][0], FB_LEVEL_AVAILABILITY_ONLY);
	CHECK_INT(before[2][1], FB_LEVEL_NONE);
	CHECK_INT(before[3][0], FB_LEVEL_NONE);
	*shared = (struct shared){0};
	do {
		fflush(NULL);
		pid_t pid = fork();

		if (pid == 0)
			try_all(name, text, n, before);
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
		if (!CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 99))
			fprintf(stderr, "\t%s, mutation %zu\n", name, shared->next);
		/* the parser's own exit is no crash: it happens in the checking child, and the old settings stay */
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			exits++;
			shared->next += STEP;
		}
	} while (shared->next < 9 * n && exits < 1000);
	CHECK(shared->next >= 9 * n);
	if (!CHECK_INT(shared->wider, 0))
		fprintf(stderr, "\t%s, mutation %zu of %zu bytes\n", name, shared->first_wider, n);
	CHECK(shared->loaded > 0);
	text[n] = 0;
	site_write(name, text);
}

int main(void)
{
	char folder[128];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	site_new();
	site_write("address-spaces.conf", "# Whose each domain is.\na.example local\nb.example site-b PerUserFB\ne.example nobody\n");
	site_write("peers.d/site-b.conf", "# A peer.\nenabled yes\nendpoint b.example:7443\n"
	                                  "pin sha256:1111111111111111111111111111111111111111111111111111111111111111\n"
	                                  "free-busy-access-enabled yes\nfree-busy-access-level AvailabilityOnly\n"
	                                  "rule in bob@b.example anna@a.example LimitedDetails\nrule out * * LimitedDetails\n");
	site_write("peers.d/local.conf", "# Our own people.\nrule in * * AvailabilityOnly\n");
	snprintf(folder, sizeof(folder), "%s/backends.d", site_dir);
	mkdir(folder, 0700);
	site_write("backends.d/ex.conf", "# Exchange.\ntype ews\nurl https://ex.a.example/EWS/Exchange.asmx\nserves a.example\nauth basic\nuser svc\n"
	                                 "password-file secret\nversion 2013\ntimeout \"5 s\"\n");
	site_write("directory.conf", "# The directory.\nserver ldaps://dc.a.example\npreset active-directory\nbase DC=a,DC=example\n"
	                             "bind simple\nbind-name CN=svc\npassword-file secret\nattribute hidden=x\n");
	run("backends.d/ex.conf");
	run("directory.conf");
	run("availbridge.conf");
	run("address-spaces.conf");
	run("peers.d/site-b.conf");
	run("peers.d/local.conf");
	site_end();
	return check_done();
}
