#include <stdio.h>
#include "bridge/ctl/args.h"
#include "bridge/ctl/json.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "pki/identity.h"

static int show(int argc, char **argv, const char *conf_path)
{
	bool json = false;
	const struct ctl_option options[] = {{"json", .flag = &json}, {0}};
	struct ctl_words words;
	uint8_t pin[PKI_PIN_LEN];
	char text[PKI_PIN_TEXT];
	struct conf *c;
	struct buf b;
	int code = CTL_DONE;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("identity");
	if (!(c = ctl_load(conf_path)))
		return CTL_NO;
	buf_init(&b, 4096);
	if (pki_identity_pin(c->identity_certificate, pin, &b) < 0) {
		ctl_say("%s", buf_cstr(&b));
		code = CTL_NO;
	} else if (pki_pin_text(text, pin), json) {
		json_open(&b, NULL, '{');
		json_str(&b, "site", c->site);
		json_str(&b, "pin", text);
		json_str(&b, "certificate", c->identity_certificate);
		json_close(&b, '}');
		json_print(&b);
	} else {
		/* the pin alone: it is pasted into the other side's `peer add` */
		puts(text);
	}
	buf_free(&b);
	conf_free(c);
	return code;
}

int ctl_identity(int argc, char **argv, const char *conf_path)
{
	static const struct ctl_form forms[] = {{"show", show}, {0}};

	return ctl_form_run(argv[0], forms, argc, argv, conf_path);
}
