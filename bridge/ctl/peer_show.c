#include "bridge/ctl/peer.h"
#include <stdio.h>
#include <string.h>
#include "bridge/base/json.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/site.h"
#include "pki/pin.h"

enum { SHOW_MS = 10000 };
static const char *const dials[] = {[CONF_DIAL_BOTH] = "both", [CONF_DIAL_OUT] = "out", [CONF_DIAL_IN] = "in"};

static void put_json(struct buf *b, const struct conf *c, const struct conf_peer *p)
{
	char pin[PKI_PIN_TEXT];

	json_open(b, NULL, '{');
	json_str(b, "name", p->name);
	json_bool(b, "enabled", p->enabled);
	json_str(b, "unconfirmed", p->unconfirmed);
	json_open(b, "endpoints", '[');
	for (size_t i = 0; i < p->n_endpoints; i++)
		json_str(b, NULL, p->endpoints[i]);
	json_close(b, ']');
	json_str(b, "dial", dials[p->dial]);
	json_open(b, "pins", '[');
	for (size_t i = 0; i < p->n_pins; i++) {
		pki_pin_text(pin, p->pins[i]);
		json_str(b, NULL, pin);
	}
	json_close(b, ']');
	json_bool(b, "free_busy_access_enabled", p->access_enabled);
	json_str(b, "free_busy_access_level", fb_level_name(p->access_level));
	json_open(b, "domains", '[');
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, p->name) == 0)
			json_str(b, NULL, c->spaces[i].forest_name);
	json_close(b, ']');
	json_int(b, "rules", (int64_t)p->n_rules);
	json_close(b, '}');
}

static void put_text(struct buf *b, const struct conf *c, const struct conf_peer *p)
{
	char pin[PKI_PIN_TEXT];

	buf_printf(b, "%s  %s, free/busy access %s up to %s, %zu rule%s\n", p->name,
	           p->unconfirmed ? "NOT CONFIRMED" : p->enabled ? "enabled" : "DISABLED",
	           p->access_enabled ? "on" : "off", fb_level_name(p->access_level), p->n_rules, p->n_rules == 1 ? "" : "s");
	for (size_t i = 0; i < p->n_endpoints; i++)
		buf_printf(b, "  endpoint  %s\n", p->endpoints[i]);
	if (p->dial != CONF_DIAL_BOTH)
		buf_printf(b, "  dial      %s\n", p->dial == CONF_DIAL_OUT ? "out: it cannot connect to us" : "in: we do not connect to it");
	if (p->unconfirmed)
		buf_printf(b, "  six words %s\n", p->unconfirmed);
	for (size_t i = 0; i < p->n_pins; i++) {
		pki_pin_text(pin, p->pins[i]);
		buf_printf(b, "  %-9s %s\n", i ? "next pin" : "pin", pin);
	}
	for (size_t i = 0; i < c->n_spaces; i++)
		if (strcmp(c->spaces[i].peer, p->name) == 0)
			buf_printf(b, "  domain    %s\n", c->spaces[i].forest_name);
}

void ctl_peer_print(const struct conf *c, const struct conf_peer *p)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	put_text(&b, c, p);
	fputs(buf_cstr(&b), stdout);
	buf_free(&b);
}

int ctl_peer_list(int argc, char **argv, const char *conf_path)
{
	bool json = false;
	struct conf *c;
	struct buf b;
	int code;

	if (!(c = ctl_load_list(argc, argv, conf_path, "peer", &json, &code)))
		return code;
	buf_init(&b, 64 << 20);
	if (json)
		json_open(&b, NULL, '[');
	/* "local" is no peer to look at: it has rules alone */
	for (size_t i = 1; i < c->n_peers; i++)
		(json ? put_json : put_text)(&b, c, &c->peers[i]);
	if (json) {
		json_close(&b, ']');
		json_print(&b);
	} else {
		fputs(buf_cstr(&b), stdout);
	}
	buf_free(&b);
	conf_free(c);
	return CTL_DONE;
}

/* What is configured, for when the daemon cannot say more. */
static int show_configured(const char *conf_path, const char *name)
{
	struct conf *c = ctl_load(conf_path);
	const struct conf_peer *p = c ? conf_peer_named(c, name) : NULL;
	struct buf b;

	buf_init(&b, 1 << 20);
	if (p)
		put_text(&b, c, p);
	fputs(buf_cstr(&b), stdout);
	if (c && !p)
		ctl_say("there is no peer %s", name);
	buf_free(&b);
	conf_free(c);
	return p ? CTL_DONE : CTL_NO;
}

/* One that pairing has just written need not be known to the daemon yet. */
static bool is_unconfirmed(const char *conf_path, const char *name)
{
	struct conf_problems problems = {0};
	struct conf *c = conf_load(conf_path, &problems);
	const struct conf_peer *p = c ? conf_peer_named(c, name) : NULL;
	bool result = p && p->unconfirmed;

	conf_problems_free(&problems);
	conf_free(c);
	return result;
}

int ctl_peer_show(int argc, char **argv, const char *conf_path)
{
	bool json = false;
	const struct ctl_option options[] = {{"json", .flag = &json}, {0}};
	struct ctl_words words;
	char request[96];
	struct buf reply;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n != 1)
		return ctl_usage("peer");
	if (!ctl_peer_name(words.list[0]))
		return CTL_USAGE;
	if (!json && is_unconfirmed(conf_path, words.list[0]))
		return show_configured(conf_path, words.list[0]);
	buf_init(&reply, 4 << 20);
	snprintf(request, sizeof(request), "peer-show %s %s", words.list[0], json ? "json" : "text");
	switch (ctl_daemon_call(conf_path, request, SHOW_MS, &code, &reply)) {
	case CTL_DAEMON_ANSWERED:
		fputs(buf_cstr(&reply), code == CTL_DONE ? stdout : stderr);
		break;
	case CTL_DAEMON_ABSENT:
		if (json || show_configured(conf_path, words.list[0]) == CTL_DONE)
			ctl_say("no daemon is running, so the peer could not be asked; start it with `availbridge serve`");
		code = CTL_NO;
		break;
	case CTL_DAEMON_SILENT:
		ctl_say("the daemon did not answer: %s", buf_cstr(&reply));
		code = CTL_NO;
	}
	buf_free(&reply);
	return code;
}
