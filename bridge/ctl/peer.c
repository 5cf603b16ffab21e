#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/peer.h"
#include "bridge/ctl/pins.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "pki/identity.h"
#include "pki/pin.h"

static const char spaces[] = "address-spaces.conf";
enum { MAX_ENDPOINTS = 16 };

const char ctl_peer_drop[] = "";

void ctl_peer_file(char out[CTL_PEER_FILE], const char *name)
{
	snprintf(out, CTL_PEER_FILE, "peers.d/%s.conf", name);
}

bool ctl_peer_name(const char *name)
{
	if (conf_name_valid(name) && strcmp(name, "local") != 0 && strcmp(name, "nobody") != 0)
		return true;
	ctl_say("'%s' cannot be the name of a peer: use 1 to 63 letters, digits, '.', '_' or '-', a letter or digit first, not local and not nobody", name);
	return false;
}

int ctl_peer_one(int argc, char **argv, const char **name)
{
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	*name = words.list[0];
	return ctl_peer_name(*name) ? CTL_DONE : CTL_USAGE;
}

struct lines *ctl_peer_read(struct ctl_edit *e, const char *name)
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
	char file[CTL_PEER_FILE], done[256], request[80];
	const char *name;
	struct ctl_edit edit;
	struct lines *l;
	size_t rows = 0;

	if (ctl_peer_one(argc, argv, &name) != CTL_DONE)
		return CTL_USAGE;
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	l = ctl_peer_read(&edit, name);
	if (!l || drop_rows(&edit, name, &rows) < 0) {
		lines_free(l);
		ctl_edit_drop(&edit);
		return CTL_NO;
	}
	lines_free(l);
	ctl_peer_file(file, name);
	ctl_edit_put_text(&edit, file, NULL);
	if (ctl_edit_commit(&edit) < 0)
		return CTL_NO;
	snprintf(done, sizeof(done), "The peer %s is removed, its rules and %zu address space%s with it.", name, rows,
	         rows == 1 ? "" : "s");
	snprintf(request, sizeof(request), "peer-shut %s", name);
	return ctl_peer_shut(conf_path, request, done);
}

/* ${keyword} with each of ${values}, one a line. */
static void put_setting(struct buf *out, const char *keyword, const char *values)
{
	size_t n;

	for (; *values; values += n + (values[n] == '\n')) {
		n = strcspn(values, "\n");
		buf_printf(out, "%s %.*s\n", keyword, (int)n, values);
	}
}

/* The file with ${values} for all lines of ${keyword}: where the first of them was, or at the end. */
static struct lines *replaced(const struct lines *l, const char *name, const char *keyword, const char *values)
{
	struct conf_problems none = {0};
	struct lines *result;
	bool there = false;
	struct buf out;

	buf_init(&out, 32 << 20);
	for (size_t i = 0; i < l->n; i++) {
		if (l->list[i].n && strcmp(l->list[i].words[0], keyword) == 0) {
			if (!there)
				put_setting(&out, keyword, values);
			there = true;
			continue;
		}
		buf_add(&out, l->list[i].raw, l->list[i].raw_len);
		buf_putc(&out, '\n');
	}
	if (!there)
		put_setting(&out, keyword, values);
	result = lines_parse(name, buf_cstr(&out), out.len, &none);
	buf_free(&out);
	return result;
}

int ctl_peer_change(const char *conf_path, const char *name, const char *const (*pairs)[2])
{
	char file[CTL_PEER_FILE];
	struct ctl_edit edit;
	struct lines *l, *next;

	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	for (l = ctl_peer_read(&edit, name); l && (*pairs)[0]; pairs++) {
		if (!(*pairs)[1])
			continue;
		next = replaced(l, name, (*pairs)[0], (*pairs)[1] == ctl_peer_drop ? "" : (*pairs)[1]);
		lines_free(l);
		l = next;
	}
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
	const char *name;

	if (ctl_peer_one(argc, argv, &name) != CTL_DONE)
		return CTL_USAGE;
	if (ctl_peer_change(conf_path, name, pairs) != CTL_DONE)
		return CTL_NO;
	return ctl_edit_done("The peer %s is enabled.", name);
}

static int disable(int argc, char **argv, const char *conf_path)
{
	const char *const pairs[][2] = {{"enabled", "no"}, {NULL, NULL}};
	const char *name;
	char done[128], request[80];

	if (ctl_peer_one(argc, argv, &name) != CTL_DONE)
		return CTL_USAGE;
	if (ctl_peer_change(conf_path, name, pairs) != CTL_DONE)
		return CTL_NO;
	snprintf(done, sizeof(done), "The peer %s is disabled.", name);
	snprintf(request, sizeof(request), "peer-shut %s", name);
	return ctl_peer_shut(conf_path, request, done);
}

bool ctl_peer_dial(const char *dial)
{
	if (!dial || strcmp(dial, "both") == 0 || strcmp(dial, "out") == 0 || strcmp(dial, "in") == 0)
		return true;
	ctl_say("--dial is both, out (that site cannot connect to us) or in (we cannot connect to it), not '%s'", dial);
	return false;
}

bool ctl_peer_endpoints(const struct ctl_words *endpoints)
{
	if (endpoints->n > MAX_ENDPOINTS) {
		ctl_say("a peer has at most %d endpoints", MAX_ENDPOINTS);
		return false;
	}
	for (size_t i = 0; i < endpoints->n; i++)
		if (!conf_host_port_valid(endpoints->list[i], false)) {
			ctl_say("'%s' is no endpoint; write HOST:PORT, for example bridge.b.example:7443", endpoints->list[i]);
			return false;
		}
	return true;
}

/* The words of `peer set` as values; false after a sentence. */
static bool settings_are_right(const char *enabled, const char **level, const char *dial, const struct ctl_words *endpoints)
{
	enum fb_level named = FB_LEVEL_NONE;

	if (enabled && strcmp(enabled, "yes") != 0 && strcmp(enabled, "no") != 0) {
		ctl_say("--free-busy-access-enabled is yes or no, not '%s'", enabled);
		return false;
	}
	if (*level && !fb_level_named(*level, &named)) {
		ctl_say("'%s' is no level; write None, AvailabilityOnly or LimitedDetails", *level);
		return false;
	}
	if (*level)
		*level = fb_level_name(named);
	return ctl_peer_dial(dial) && ctl_peer_endpoints(endpoints);
}

static int set(int argc, char **argv, const char *conf_path)
{
	const char *enabled = NULL, *level = NULL, *dial = NULL, *pin = NULL, *next_pin = NULL;
	struct ctl_words words, endpoints = {0};
	const struct ctl_option options[] = {{"free-busy-access-enabled", .value = &enabled}, {"free-busy-access-level", .value = &level},
	                                     {"dial", .value = &dial}, {"endpoint", .many = &endpoints},
	                                     {"pin", .value = &pin}, {"next-pin", .value = &next_pin}, {0}};
	struct buf list;
	int result = CTL_DONE;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1 || (!enabled && !level && !dial && !endpoints.n && !pin && !next_pin))
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]) || !settings_are_right(enabled, &level, dial, &endpoints))
		return CTL_USAGE;
	if ((pin || next_pin) && (result = ctl_peer_set_pins(conf_path, words.list[0], pin, next_pin)) != CTL_DONE)
		return result;
	buf_init(&list, 1 << 20);
	for (size_t i = 0; i < endpoints.n; i++)
		buf_printf(&list, "%s%s", i ? "\n" : "", endpoints.list[i]);
	const char *const pairs[][2] = {{"free-busy-access-enabled", enabled},
	                                {"free-busy-access-level", level},
	                                {"endpoint", endpoints.n ? buf_cstr(&list) : NULL},
	                                {"dial", dial},
	                                {NULL, NULL}};

	if (enabled || level || dial || endpoints.n)
		result = ctl_peer_change(conf_path, words.list[0], pairs);
	buf_free(&list);
	return result == CTL_DONE ? ctl_edit_done("The peer %s is changed.", words.list[0]) : CTL_NO;
}

int ctl_peer(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {
		{"invite", ctl_peer_invite}, {"accept", ctl_peer_accept}, {"confirm", ctl_peer_confirm}, {"add", ctl_peer_add}, {"remove", remove_peer},
		{"list", ctl_peer_list}, {"show", ctl_peer_show}, {"enable", enable}, {"disable", disable}, {"set", set},
		{"confirm-next", ctl_peer_confirm_next}, {"take-next", ctl_peer_take_next}, {"drop-old", ctl_peer_drop_old},
		{"drop-due", ctl_peer_drop_due}, {"moved", ctl_peer_moved},
		{"unpin", ctl_peer_unpin}, {"check-domains", ctl_peer_check_domains}, {0},
	};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
