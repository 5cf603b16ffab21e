#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "pki/identity.h"
#include "pki/pin.h"

static const char spaces[] = "address-spaces.conf";
enum { SHUT_MS = 5000 };

const char ctl_peer_drop[] = "";

void ctl_peer_file(char out[CTL_PEER_FILE], const char *name)
{
	snprintf(out, CTL_PEER_FILE, "peers.d/%s.conf", name);
}

bool ctl_peer_name(const char *name)
{
	if (conf_name_valid(name) && strcmp(name, "local") != 0 && strcmp(name, "nobody") != 0)
		return true;
	ctl_say("'%s' cannot be the name of a peer: use 1 to 63 letters, digits, '.', '_' or '-', not local and not nobody", name);
	return false;
}

/* The line of the setting ${keyword}, or SIZE_MAX. */
static size_t find_setting(const struct lines *l, const char *keyword)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].n && strcmp(l->list[i].words[0], keyword) == 0)
			return i;
	return SIZE_MAX;
}

/* The peer's lines for an edit; NULL after a sentence if there is no such peer. */
static struct lines *read_peer(struct ctl_edit *e, const char *name)
{
	struct conf_problems none = {0};
	char file[CTL_PEER_FILE], path[4096];
	struct lines *l;

	ctl_peer_file(file, name);
	if (conf_file_path(path, sizeof(path), e->conf_path, file) < 0)
		return NULL;
	l = lines_read(path, 16 << 20, &none);
	ctl_problems_print(stderr, &none);
	conf_problems_free(&none);
	if (l && l->n == 0) {
		ctl_say("there is no peer %s (%s)", name, path);
		lines_free(l);
		return NULL;
	}
	return l;
}

/* Cuts the links of ${name} in the daemon that runs. Returns the verb's exit code. */
static int shut(const char *conf_path, const char *name, const char *done)
{
	char request[80];
	struct buf reply;
	int code = CTL_NO;

	buf_init(&reply, 1 << 20);
	snprintf(request, sizeof(request), "peer-shut %s", name);
	switch (ctl_daemon_call(conf_path, request, SHUT_MS, &code, &reply)) {
	case CTL_DAEMON_ABSENT:
		printf("%s No daemon is running, so there was no link to cut.\n", done);
		code = CTL_DONE;
		break;
	case CTL_DAEMON_ANSWERED:
		if (code == CTL_DONE)
			printf("%s Its links are cut.\n", done);
		else
			ctl_say("%s But the daemon did not cut its links: %s", done, buf_cstr(&reply));
		break;
	case CTL_DAEMON_SILENT:
		ctl_say("%s But the daemon did not answer, so its links may still be up: %s. Restart the daemon to be sure.", done,
		        buf_cstr(&reply));
		code = CTL_NO;
	}
	buf_free(&reply);
	return code;
}

/* The rows of ${name} taken out of address-spaces.conf; how many goes to ${n}. -1 after a sentence. */
static int drop_rows(struct ctl_edit *e, const char *name, size_t *n)
{
	struct lines *l = ctl_edit_read(e, spaces, ctl_header_spaces);
	struct buf out;

	if (!l)
		return -1;
	*n = 0;
	buf_init(&out, 32 << 20);
	for (size_t i = 0; i < l->n; i++) {
		if (l->list[i].n >= 2 && strcmp(l->list[i].words[1], name) == 0) {
			++*n;
			continue;
		}
		buf_add(&out, l->list[i].raw, l->list[i].raw_len);
		buf_putc(&out, '\n');
	}
	if (*n)
		ctl_edit_put_text(e, spaces, buf_cstr(&out));
	buf_free(&out);
	lines_free(l);
	return 0;
}

static int remove_peer(int argc, char **argv, const char *conf_path)
{
	const struct ctl_option options[] = {{0}};
	char file[CTL_PEER_FILE], done[256];
	struct ctl_words words;
	struct ctl_edit edit;
	struct lines *l;
	size_t rows = 0;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = read_peer(&edit, words.list[0]);
	if (!l || drop_rows(&edit, words.list[0], &rows) < 0) {
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	lines_free(l);
	ctl_peer_file(file, words.list[0]);
	ctl_edit_put_text(&edit, file, NULL);
	if (ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	snprintf(done, sizeof(done), "The peer %s is removed, its rules and %zu address space%s with it.", words.list[0], rows,
	         rows == 1 ? "" : "s");
	return shut(conf_path, words.list[0], done);
}

int ctl_peer_change(const char *conf_path, const char *name, const char *const (*pairs)[2])
{
	char file[CTL_PEER_FILE], line[128];
	struct conf_problems none = {0};
	struct ctl_edit edit;
	struct lines *l;
	struct buf text;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = read_peer(&edit, name);
	for (buf_init(&text, 32 << 20); l && (*pairs)[0]; pairs++) {
		size_t at = find_setting(l, (*pairs)[0]);

		if (!(*pairs)[1])
			continue;
		snprintf(line, sizeof(line), "%s %s", (*pairs)[0], (*pairs)[1]);
		buf_reset(&text);
		if ((*pairs)[1] == ctl_peer_drop)
			lines_compose(l, at, NULL, SIZE_MAX, NULL, &text);
		else
			lines_compose(l, at, line, SIZE_MAX, at == SIZE_MAX ? line : NULL, &text);
		lines_free(l);
		l = lines_parse(name, buf_cstr(&text), text.len, &none);
	}
	buf_free(&text);
	if (!l) {
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	ctl_peer_file(file, name);
	ctl_edit_put(&edit, file, l, SIZE_MAX, NULL, SIZE_MAX, NULL);
	lines_free(l);
	return ctl_edit_commit(&edit) < 0 ? CTL_NO : CTL_DONE;
}

static int enable(int argc, char **argv, const char *conf_path)
{
	const char *const pairs[][2] = {{"enabled", "yes"}, {NULL, NULL}};
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (ctl_peer_change(conf_path, words.list[0], pairs) != CTL_DONE)
		return CTL_NO;
	return ctl_edit_done("The peer %s is enabled.", words.list[0]);
}

static int disable(int argc, char **argv, const char *conf_path)
{
	const char *const pairs[][2] = {{"enabled", "no"}, {NULL, NULL}};
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;
	char done[128];

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (ctl_peer_change(conf_path, words.list[0], pairs) != CTL_DONE)
		return CTL_NO;
	snprintf(done, sizeof(done), "The peer %s is disabled.", words.list[0]);
	return shut(conf_path, words.list[0], done);
}

static int set(int argc, char **argv, const char *conf_path)
{
	const char *enabled = NULL, *level_text = NULL;
	const struct ctl_option options[] = {
		{"free-busy-access-enabled", .value = &enabled}, {"free-busy-access-level", .value = &level_text}, {0}};
	struct ctl_words words;
	enum fb_level level = FB_LEVEL_NONE;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1 || (!enabled && !level_text))
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (enabled && strcmp(enabled, "yes") != 0 && strcmp(enabled, "no") != 0) {
		ctl_say("--free-busy-access-enabled is yes or no, not '%s'", enabled);
		return CTL_USAGE;
	}
	if (level_text && !fb_level_named(level_text, &level)) {
		ctl_say("'%s' is no level; write None, AvailabilityOnly or LimitedDetails", level_text);
		return CTL_USAGE;
	}
	const char *const pairs[][2] = {{"free-busy-access-enabled", enabled},
	                                {"free-busy-access-level", level_text ? fb_level_name(level) : NULL},
	                                {NULL, NULL}};

	if (ctl_peer_change(conf_path, words.list[0], pairs) != CTL_DONE)
		return CTL_NO;
	return ctl_edit_done("The peer %s is changed.", words.list[0]);
}

int ctl_peer(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {
		{"invite", ctl_peer_invite}, {"accept", ctl_peer_accept}, {"confirm", ctl_peer_confirm}, {"add", ctl_peer_add}, {"remove", remove_peer},
		{"list", ctl_peer_list}, {"show", ctl_peer_show}, {"enable", enable}, {"disable", disable}, {"set", set},
		{"check-domains", ctl_peer_check_domains}, {0},
	};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
