#include <stdio.h>
#include <unistd.h>
#include "bridge/ctl/args.h"
#include "bridge/ctl/audit.h"
#include "bridge/ctl/edit.h"
#include "bridge/ctl/pins.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/process/sandbox.h"
#include "pki/key.h"
#include "pki/rotation.h"

/* identity encrypt and decrypt: the passphrase on our key files. The keys stay what they are, so that nobody else has to know. */

/* The current key's file, the next one's and the old one's, as far as they are there. Negative after a sentence. */
static int rewrite_all(const struct conf *c, bool plain)
{
	char beside[4096];
	struct buf why;
	int r = 0;

	buf_init(&why, 8192);
	for (int i = 0; i < 3 && r >= 0; i++) {
		const char *path = i ? beside : c->identity_key;

		if (i && (pki_rotation_path(c->identity_key, i == 1 ? PKI_NEXT : PKI_OLD, beside, sizeof(beside)) < 0 || access(beside, F_OK) != 0))
			continue;
		r = pki_key_rewrite(path, plain, &why);
		if (r >= 0)
			printf("%s %s %sencrypted.\n", path, r ? "was already" : "is now", plain ? "not " : "");
	}
	if (r < 0)
		ctl_say("%s", buf_cstr(&why));
	buf_free(&why);
	return r;
}

/* The edit's lock is held. */
static int rewrite(const struct conf *c, const char *conf_path, bool plain)
{
	const char *const files[] = {c->identity_key, NULL};
	struct buf why;
	int r = CTL_NO;

	sandbox_hide();
	buf_init(&why, 8192);
	if (!*c->key_passphrase.file && !*c->key_passphrase.credential)
		ctl_say("the settings name no passphrase: write one into a file that only its owner may read, and set key_passphrase_file");
	else if (conf_key_passphrase(c, &why) < 0)
		ctl_say("%s", buf_cstr(&why));
	else if (ctl_audit_change(conf_path, "change", files) == 0 && ctl_audit_came_to(conf_path, files, rewrite_all(c, plain)) >= 0)
		r = CTL_DONE;
	buf_free(&why);
	if (r == CTL_DONE && plain)
		puts("The settings may now do without key_passphrase_file and key_passphrase_credential.");
	return r;
}

static int locked(int argc, char **argv, const char *conf_path, bool plain)
{
	const struct ctl_option options[] = {{0}};
	struct ctl_words words;
	struct ctl_edit edit;
	struct conf *c;
	int r = CTL_NO;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("identity");
	if (ctl_edit_start(&edit, conf_path) < 0)
		return CTL_NO;
	if ((c = ctl_load(conf_path)))
		r = rewrite(c, conf_path, plain);
	conf_free(c);
	ctl_edit_drop(&edit);
	return r;
}

int ctl_identity_encrypt(int argc, char **argv, const char *conf_path)
{
	return locked(argc, argv, conf_path, false);
}

int ctl_identity_decrypt(int argc, char **argv, const char *conf_path)
{
	return locked(argc, argv, conf_path, true);
}
