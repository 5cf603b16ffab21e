#include <stdio.h>
#include <string.h>
#include "bridge/ctl/doctor.h"
#include "bridge/ctl/look_up.h"
#include "bridge/directory/groups.h"

/* Each server of directory.conf for itself: one that fails over unseen is found out when the last one fails. */

static const char hop[] = "directory";

struct watching {
	char step[64]; /* the last one */
	int64_t us;
};

static void keep_step(void *arg, const char *step, int64_t us, const char *outcome)
{
	struct watching *w = arg;

	snprintf(w->step, sizeof w->step, "%s", step);
	w->us += us;
}

/* Nobody is called like that: the answer that is wanted is no. */
static void try_server(struct doctor *d, const struct conf *one)
{
	enum fb_fact groups[DIRECTORY_GROUPS_MAX];
	struct directory_answer a = {.groups = groups};
	struct watching w = {{0}, 0};
	char nobody[FB_ADDRESS_MAX + 1], what[DIRECTORY_WHY_MAX];
	struct directory_session *s;
	struct buf error;

	buf_init(&error, 8192);
	if (!(s = directory_session_new(one, &error))) {
		doctor_failed(d, NULL, hop, DOCTOR_HERE, buf_cstr(&error),
		              "run doctor as root or as the daemon's user, and see password-file or password-credential in %s.",
		              one->directory->file);
		buf_free(&error);
		return;
	}
	directory_session_trace(s, keep_step, &w);
	snprintf(nobody, sizeof nobody, "availbridge-doctor@%s", one->primary_domain);
	directory_session_look_up(s, DIRECTORY_ADDRESS, nobody, &a);
	snprintf(what, sizeof what, "%s", *a.why ? a.why : one->directory->servers[0]);
	if (directory_session_oddity(s))
		doctor_failed(d, NULL, hop, DOCTOR_HERE, directory_session_oddity(s), "see %s.", one->directory->file);
	else if (*a.why)
		doctor_failed(d, NULL, hop, DOCTOR_HERE, what, "%s", ctl_directory_remedy(w.step));
	else
		doctor_ok(d, hop, "%s answers, and shows every group that a rule or a backend names (%.1f ms)", what, (double)w.us / 1000);
	directory_session_free(s);
	buf_free(&error);
}

void doctor_directory(struct doctor *d)
{
	const struct conf_directory *all = d->conf->directory;

	for (size_t i = 0; all && i < all->n_servers; i++) {
		struct conf_directory server = *all;
		struct conf one = *d->conf;

		server.servers = &all->servers[i];
		server.n_servers = 1;
		one.directory = &server;
		try_server(d, &one);
	}
}
