#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bridge/availability/clock.h"
#include "bridge/backend/http.h"
#include "bridge/base/json.h"
#include "bridge/ctl/args.h"
#include "bridge/ctl/https.h"
#include "bridge/ctl/site.h"
#include "bridge/ctl/verbs.h"
#include "bridge/login/login.h"
#include "bridge/process/sandbox.h"
#include "pki/certificate.h"
#include "pki/rotation.h"
#include "pki/tls.h"

enum { SOON = 30 * 86400 }; /* seconds */

/* Do the certificates and keys open the two doors? */
static void check_keys(const struct conf *c, struct conf_problems *problems)
{
	struct pki_pinset *pins = pki_pinset_new();
	const struct pki_identity_files f = {c->identity_certificate, c->identity_key};
	struct pki_tls *tls;
	struct buf error;
	char key[4096];

	sandbox_hide();
	buf_init(&error, 4096);
	conf_key_passphrase(c, &error); /* what is wrong with it is conf_secrets_check()'s to say */
	buf_reset(&error);
	tls = pki_rotation_key(&f, key, sizeof(key)) == 0 ? pki_tls_link(c->identity_certificate, key, pins, &error) : NULL;
	if (!tls)
		conf_problem_add(problems, c->file, conf_setting_line(c, "identity_certificate"),
		                 "Look at identity_certificate and identity_key.", "the link cannot be opened: %s", buf_cstr(&error));
	pki_tls_free(tls);
	buf_reset(&error);
	tls = pki_tls_front(c->front_certificate, c->front_key, &error);
	if (!tls)
		conf_problem_add(problems, c->file, conf_setting_line(c, "front_certificate"), "Look at front_certificate and front_key.",
		                 "the front cannot be opened: %s", buf_cstr(&error));
	pki_tls_free(tls);
	pki_pinset_free(pins);
	buf_free(&error);
}

/* A next key that cannot be used is never announced, and everything waits for the peers to take it. The passphrase is there. */
static void warn_next(const struct conf *c, struct conf_problems *warnings)
{
	const struct pki_identity_files f = {c->identity_certificate, c->identity_key};
	char cert[4096], key[4096];
	uint8_t pin[PKI_PIN_LEN];
	struct pki_signer *signer = NULL;
	struct buf error;

	buf_init(&error, 8192);
	if (pki_rotation_pin(&f, PKI_NEXT, pin, &error) != 0 && pki_rotation_path(f.cert, PKI_NEXT, cert, sizeof(cert)) == 0 &&
	    pki_rotation_path(f.key, PKI_NEXT, key, sizeof(key)) == 0 && !(signer = pki_signer_new(cert, key, &error)))
		conf_problem_add(warnings, c->file, conf_setting_line(c, "identity_key"),
		                 "Mend that, or remove both of its files and run `availbridge identity next`.", "the next key of the link cannot be announced: %s",
		                 buf_cstr(&error));
	pki_signer_free(signer);
	buf_free(&error);
}

/* What does not keep the daemon from starting, and clients out all the same. */
static void warn_front(const struct conf *c, struct conf_problems *warnings)
{
	int line = conf_setting_line(c, "front_certificate");
	int64_t from, until, now = time(NULL);
	char host[256], port[8];
	struct buf text;

	buf_init(&text, 8192);
	if (pki_cert_dates(c->front_certificate, &from, &until, &text) == 0 && (now < from || until - now < SOON)) {
		fb_time_put_utc(&text, now < from ? from : until);
		conf_problem_add(warnings, c->file, line, "Put a valid one, with its chain, and its key in their places.", "%s %s %s", c->front_certificate,
		                 now < from ? "is not valid before" : now < until ? "ends soon, at" : "expired at", buf_cstr(&text));
	}
	buf_reset(&text);
	if (https_split_url(c->public_url, host, port) == 0 && pki_cert_covers(c->front_certificate, host, &text) == 0)
		conf_problem_add(warnings, c->file, line, "Take a certificate with that name, or change public_url.",
		                 "%s does not name %s, the host of public_url; it names %s", c->front_certificate, host, buf_cstr(&text));
	buf_free(&text);
}

/* A directory that nobody could trust. Of backends it keeps the daemon from starting: see http_check(). */
static void warn_directory(const struct conf *c, struct conf_problems *warnings)
{
	const struct conf_directory *d = c->directory;
	struct buf text;

	buf_init(&text, 8192);
	if (d && d->ca_file && pki_authorities_check(d->ca_file, &text) != 0)
		conf_problem_add(warnings, d->file, 0, "Name a file in PEM with the certificate of the servers' CA; until then none of them is trusted.", "%s",
		                 buf_cstr(&text));
	buf_free(&text);
}

static void put_list(struct buf *b, const char *key, const struct conf_problems *p)
{
	json_open(b, key, '[');
	for (size_t i = 0; i < p->n; i++) {
		json_open(b, NULL, '{');
		json_str(b, "file", p->list[i].file);
		json_int(b, "line", p->list[i].line);
		json_str(b, "what", p->list[i].what);
		json_str(b, "fix", p->list[i].fix);
		json_close(b, '}');
	}
	json_close(b, ']');
}

/* The whole look, in a child: on some inputs the parser ends its process. */
static int look(const char *conf_path, bool json, bool verbose)
{
	struct conf_problems problems = {0}, warnings = {0};
	uid_t before = geteuid();
	struct conf *c = ctl_load_as_daemon(conf_path, &problems);
	struct buf b;

	if (c) {
		conf_keys_check(c, &problems);
		if (!problems.n) { /* else that says more of why they cannot be opened */
			check_keys(c, &problems);
			warn_next(c, &warnings);
		}
		conf_secrets_check(c, &problems);
		http_check(c, &problems);
		conf_warnings(c, &warnings);
		warn_front(c, &warnings);
		warn_directory(c, &warnings);
		login_warnings(c, &warnings);
	}
	buf_init(&b, 64 << 20);
	if (json) {
		json_open(&b, NULL, '{');
		json_bool(&b, "ok", problems.n == 0);
		put_list(&b, "problems", &problems);
		put_list(&b, "warnings", &warnings);
		json_close(&b, '}');
		json_print(&b);
	} else {
		if (problems.n && geteuid() != before)
			puts("Looked at as the user that the daemon runs as (setting user):");
		ctl_problems_print(stdout, &problems);
		if (warnings.n)
			puts("Allowed, but look at it:");
		ctl_problems_print(stdout, &warnings);
		if (verbose && c) {
			conf_print(&b, c);
			conf_print_lines(&b, c);
		}
		fputs(buf_cstr(&b), stdout);
		if (!problems.n)
			puts("ok");
	}
	buf_free(&b);
	conf_free(c);
	conf_problems_free(&warnings);
	int code = problems.n ? CTL_NO : CTL_DONE;

	conf_problems_free(&problems);
	return code;
}

int ctl_check(int argc, char **argv, const char *conf_path)
{
	bool json = false, verbose = false;
	const struct ctl_option options[] = {{"json", .flag = &json}, {"verbose", .flag = &verbose}, {0}};
	struct ctl_words words;
	int status = -1;
	pid_t pid;

	if (ctl_args(argc, argv, options, &words) < 0 || words.n)
		return ctl_usage("check");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		_exit(ctl_written(look(conf_path, json, verbose)));
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) <= CTL_NO)
		return WEXITSTATUS(status);
	ctl_say("%s: the file cannot be read by the parser, which gave up. Compare it with the last version that worked.", conf_path);
	return CTL_NO;
}
