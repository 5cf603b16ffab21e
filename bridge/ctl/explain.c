#include <stdio.h>
#include <string.h>
#include "bridge/ctl/args.h"
#include "bridge/ctl/json.h"
#include "bridge/ctl/look_up.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/proxy/proxy.h"

static const char *route_name(enum as_route r)
{
	static const char *const names[] = {[AS_NO_ROW] = "no-row", [AS_NOBODY] = "nobody", [AS_LOCAL] = "local", [AS_PEER] = "peer"};

	return names[r];
}

static void put_json(const struct proxy_explanation *x, const char *requester, const char *target)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	json_open(&b, NULL, '{');
	json_str(&b, "requester", requester);
	json_str(&b, "target", target);
	json_str(&b, "route", route_name(x->route));
	json_str(&b, "peer", x->peer);
	json_str(&b, "direction", x->direction);
	if (x->rule) {
		json_open(&b, "rule", '{');
		json_int(&b, "number", x->rule_number);
		json_str(&b, "requester", x->rule->requester);
		json_str(&b, "target", x->rule->target);
		json_str(&b, "level", fb_level_name(x->rule->level));
		json_close(&b, '}');
	} else {
		json_str(&b, "rule", NULL);
	}
	json_str(&b, "level", fb_level_name(x->level));
	json_str(&b, "reason", fb_reason_row(x->reason)->word);
	json_str(&b, "why", x->why);
	json_close(&b, '}');
	json_print(&b);
}

static void put_text(const struct proxy_explanation *x, const char *requester, const char *target)
{
	printf("requester  %s\ntarget     %s\nroute      %s\n", requester, target, route_name(x->route));
	if (x->peer)
		printf("rules of   %s, %s\n", x->peer, x->direction ? x->direction : "-");
	if (x->rule)
		printf("rule       %d: %s %s %s\n", x->rule_number, x->rule->requester, x->rule->target, fb_level_name(x->rule->level));
	printf("level      %s\nwhy        %s\n", fb_level_name(x->level), x->why);
}

int ctl_explain(int argc, char **argv, const char *conf_path)
{
	const char *requester = NULL, *target = NULL;
	bool json = false;
	const struct ctl_option options[] = {
		{"requester", .value = &requester}, {"target", .value = &target}, {"json", .flag = &json}, {0}};
	char from[FB_ADDRESS_MAX + 1], to[FB_ADDRESS_MAX + 1];
	struct proxy_explanation x = {0};
	struct ctl_words words;
	struct conf *c;
	int code = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n || !requester || !target)
		return ctl_usage("explain");
	if (!ctl_who(requester, from) || !fb_address_normal(target, to)) {
		ctl_say("--requester is an address or a domain, --target an address");
		return CTL_USAGE;
	}
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	struct address_space *table = address_space_new(c);
	struct directory *d = directory_new(NULL, c, NULL, NULL);

	if (table && d) {
		const struct fb_entry *who = strchr(from, '@') ? ctl_look_up(d, from) : NULL, *whom = ctl_look_up(d, to);

		proxy_explain(c, table, from, who, to, whom, &x);
		fb_entry_release(who);
		fb_entry_release(whom);
		(json ? put_json : put_text)(&x, from, to);
		code = x.level > FB_LEVEL_NONE ? CTL_DONE : CTL_NO;
	} else {
		ctl_say("out of memory");
	}
	directory_free(d);
	address_space_free(table);
	conf_free(c);
	return code;
}
