#include "bridge/ctl/look_up.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/directory/entry.h"

struct ctl_people {
	const struct conf *c;
	struct entry_maker *maker;
	struct directory_session *session; /* NULL: there is no directory, or it cannot be asked */
	struct buf why;                    /* it cannot be asked: a sentence */
};

struct ctl_people *ctl_people_new(const struct conf *c)
{
	struct ctl_people *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->c = c;
	p->maker = entry_maker_new(c);
	buf_init(&p->why, 8192);
	if (c->directory)
		p->session = directory_session_new(c, &p->why);
	if (p->maker)
		return p;
	ctl_people_free(p);
	return NULL;
}

void ctl_people_free(struct ctl_people *p)
{
	if (!p)
		return;
	directory_session_free(p->session);
	entry_maker_free(p->maker);
	buf_free(&p->why);
	free(p);
}

static void ask(struct ctl_people *p, const char *address, struct ctl_known *out)
{
	enum fb_fact groups[DIRECTORY_GROUPS_MAX];

	out->answer.groups = groups;
	directory_session_look_up(p->session, DIRECTORY_ADDRESS, address, &out->answer);
	out->entry = entry_from_answer(p->maker, &out->answer, DIRECTORY_ADDRESS, address);
	out->answer.groups = NULL;
}

void ctl_look_up(struct ctl_people *p, const char *address, struct ctl_known *out)
{
	*out = (struct ctl_known){.asked = entry_needs_server(p->maker, address)};
	if (out->asked && p->session) {
		ask(p, address, out);
		return;
	}
	if (out->asked)
		snprintf(out->answer.why, sizeof out->answer.why, "%s", buf_cstr(&p->why));
	out->entry = entry_from_settings(p->maker, address);
}

void ctl_known_free(struct ctl_known *k)
{
	fb_entry_release(k->entry);
	k->entry = NULL;
}

static bool is_ours(const struct conf *c, const char *address)
{
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].forest_name, fb_address_domain(address)) == 0)
			return strcmp(c->spaces[i].peer, "local") == 0;
	return false;
}

enum fb_fact ctl_alias_of(struct ctl_people *p, const char *word, char out[FB_ADDRESS_MAX + 1])
{
	struct ctl_known k;
	enum fb_fact alias = FB_NO;

	if (!strchr(word, '@') || strncmp(word, "group:", 6) == 0 || !is_ours(p->c, word))
		return FB_NO;
	ctl_look_up(p, word, &k);
	if (k.entry && strcmp(k.entry->address, word) != 0 && is_ours(p->c, k.entry->address)) {
		strcpy(out, k.entry->address);
		alias = FB_YES;
	} else if (k.asked && (!k.entry || k.entry->exists == FB_COULD_NOT_TELL)) {
		alias = FB_COULD_NOT_TELL;
	}
	ctl_known_free(&k);
	return alias;
}

const char *ctl_directory_remedy(const char *step)
{
	static const struct {
		const char *step, *remedy;
	} remedies[] = {
		{"connect", "See in directory.conf that the server's host and port are right and let through by firewalls, that its "
		            "certificate is valid for this very "
		            "host name, and that ca-file holds the certificate of its CA."},
		{"ticket", "See keytab and principal in directory.conf, that /etc/krb5.conf or DNS names the KDCs of its realm, that port 88 of them (UDP "
		           "and TCP) is let through by firewalls, and that the clocks agree; then that the account is neither locked nor expired."},
		{"bind", "See bind-name and the password file, or keytab and principal, in directory.conf; then that the account is "
		         "neither locked nor expired."},
	};

	for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
		if (strcmp(step, remedies[i].step) == 0)
			return remedies[i].remedy;
	return "See in directory.conf that base and the attributes are those of this directory, and that the account may read them.";
}
