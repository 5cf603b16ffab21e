#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bridge/availability/clock.h"
#include "bridge/base/file.h"
#include "bridge/base/text.h"
#include "bridge/ctl/doctor.h"
#include "bridge/ctl/https.h"
#include "pki/certificate.h"
#include "pki/rotation.h"

enum { FRONT_MS = 10000, ANSWER_MAX = 1 << 20, SOON_DAYS = 30, DAY = 86400 };
static const char path_pox[] = "/autodiscover/autodiscover.xml";
static const char path_ews[] = "/EWS/Exchange.asmx";
/* What Exchange asks Autodiscover for to find the way to a whole forest. */
static const char anchor[] = "01B62C6D-4324-448f-9884-5FEC6D18A7E2";

static void certificate(struct doctor *d, struct doctor_chain *chain)
{
	static const char hop[] = "front certificate";
	static const char renew[] =
		"put a valid one, with its chain, at front_certificate and its key at front_key; the daemon takes it by itself.";
	const char *path = d->conf->front_certificate;
	int64_t from, until, now = time(NULL);
	char host[256] = "", port[8], what[2048];
	struct buf text;
	int covers;

	buf_init(&text, 1024);
	if (pki_cert_dates(path, &from, &until, &text) != 0) {
		doctor_failed(d, chain, hop, DOCTOR_HERE, buf_cstr(&text), "%s", renew);
	} else if (now < from || now >= until) {
		buf_printf(&text, "%s %s ", path, now < from ? "is not valid before" : "expired at");
		fb_time_put_utc(&text, now < from ? from : until);
		doctor_failed(d, chain, hop, DOCTOR_HERE, buf_cstr(&text), "%s", renew);
	} else if (https_split_url(d->conf->public_url, host, port) != 0 || (covers = pki_cert_covers(path, host, &text)) < 0) {
		doctor_failed(d, chain, hop, DOCTOR_HERE, buf_cstr(&text), "%s", renew);
	} else if (!covers) {
		snprintf(what, sizeof what, "%s does not name %s, the host of public_url; it names %.1000s", path, host, buf_cstr(&text));
		doctor_failed(d, chain, hop, DOCTOR_HERE, what, "take a certificate with that name, or change public_url.");
	} else {
		fb_time_put_utc(&text, until);
		doctor_ok(d, hop, "names %s, valid until %s%s", host, buf_cstr(&text), until - now < SOON_DAYS * DAY ? ": WARNING, that is soon" : "");
	}
	buf_free(&text);
}

static int post(struct doctor *d, const char *path, const char *password, const char *body, struct buf *head, struct buf *reply,
                struct buf *error)
{
	const struct conf *c = d->conf;
	struct https_post p = {.url = c->public_url, .path = path, .user = password ? d->user : NULL, .password = password, .body = body,
	                       .n = strlen(body), .timeout_ms = FRONT_MS, .head = head};

	p.ca_path = access(c->front_ca, R_OK) == 0 ? c->front_ca : c->front_certificate;
	return https_post(&p, reply, error);
}

/* Nobody is logged in: the door must say how to. */
static void challenge(struct doctor *d, struct doctor_chain *chain)
{
	struct buf head, reply, error;
	char what[64];
	int status;

	buf_init(&head, 64 << 10);
	buf_init(&reply, ANSWER_MAX);
	buf_init(&error, 4096);
	status = post(d, path_ews, NULL, "", &head, &reply, &error);
	if (status == 401 && strcasestr(buf_cstr(&head), "\r\nWWW-Authenticate:")) {
		doctor_ok(d, "front", "%s asks for a login, as it should; --user tries one", d->conf->public_url);
	} else if (status < 0) {
		doctor_failed(d, chain, "front", DOCTOR_HERE, buf_cstr(&error),
		              "public_url must lead to front_listen of this daemon, with the certificate at front_certificate.");
	} else {
		snprintf(what, sizeof what, "it answers HTTP %d to nobody in particular", status);
		doctor_failed(d, chain, "front", DOCTOR_HERE, what,
		              "something else answers at public_url %s: let it lead to front_listen.", d->conf->public_url);
	}
	buf_free(&head);
	buf_free(&reply);
	buf_free(&error);
}

static bool read_password(struct doctor *d, struct doctor_chain *chain, struct buf *password)
{
	char *line;

	if (file_read(d->password_file, password) != FILE_OK) {
		doctor_failed(d, chain, "front login", DOCTOR_HERE, "the password file cannot be read", "name another with --password-file.");
		return false;
	}
	line = (char *)buf_cstr(password);
	line[strcspn(line, "\r\n")] = 0;
	return true;
}

static void put_pox(struct buf *out, const char *address)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Autodiscover "
	              "xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\">"
	              "<Request><EMailAddress>");
	text_xml(out, address);
	buf_puts(out, "</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	              "</AcceptableResponseSchema></Request></Autodiscover>");
}

/* Asks Autodiscover about ${address}: the HTTP status, ${found} if our own EWS is the answer. */
static int discover(struct doctor *d, const char *password, const char *address, bool *found, struct buf *error)
{
	char expected[600];
	struct buf request, reply;
	size_t n = strlen(d->conf->public_url);
	int status;

	buf_init(&request, 4096);
	buf_init(&reply, ANSWER_MAX);
	put_pox(&request, address);
	status = post(d, path_pox, password, buf_cstr(&request), NULL, &reply, error);
	n -= n && d->conf->public_url[n - 1] == '/';
	snprintf(expected, sizeof expected, "<EwsUrl>%.*s%s</EwsUrl>", (int)n, d->conf->public_url, path_ews);
	*found = status == 200 && strstr(buf_cstr(&reply), expected);
	buf_free(&request);
	buf_free(&reply);
	return status;
}

/* The login, and by it Autodiscover: for the first domain of a peer, as Exchange asks that, else for our own. */
static void login(struct doctor *d, struct doctor_chain *chain, const char *password)
{
	const char *domain = d->conf->primary_domain;
	char address[FB_ADDRESS_MAX + 64], what[512];
	bool found = false;
	struct buf error;
	int status;

	for (size_t i = d->conf->n_spaces; i-- > 0; )
		if (strcmp(d->conf->spaces[i].peer, "local") != 0 && strcmp(d->conf->spaces[i].peer, "nobody") != 0)
			domain = d->conf->spaces[i].forest_name;
	buf_init(&error, 4096);
	snprintf(address, sizeof address, "postmaster@%s", domain);
	status = discover(d, password, address, &found, &error);
	if (status == 401 && strcmp(d->conf->login_basic, "no") == 0)
		doctor_failed(d, chain, "front login", DOCTOR_HERE, "the front takes no Basic logins, and this verb knows no other",
		              "Log in with a client of your own, or set login_basic to \"yes\" for as long as you look.");
	else if (status == 401)
		doctor_failed(d, chain, "front login", DOCTOR_HERE, "the front does not take this login",
		              "`availbridge account list` shows the accounts; set the password anew with `availbridge account passwd "
		              "%s` and in Exchange, "
		              "then reload.", d->user);
	else if (status < 0)
		doctor_failed(d, chain, "front login", DOCTOR_HERE, buf_cstr(&error), "public_url must lead to front_listen of this daemon.");
	else
		doctor_ok(d, "front login", "%s is let in at %s", d->user, d->conf->public_url);
	if (doctor_reaches(d, chain, "Autodiscover")) {
		if (found) {
			snprintf(address, sizeof address, "%s@%s", anchor, domain);
			status = discover(d, password, address, &found, &error);
		}
		snprintf(what, sizeof what, "asked about %s it does not give our EWS (HTTP %d)", address, status);
		if (found)
			doctor_ok(d, "Autodiscover", "leads to %s%s for %s, and for its anchor address", d->conf->public_url, path_ews, domain);
		else
			doctor_failed(d, chain, "Autodiscover", DOCTOR_HERE, what, "give %s its row in the address-space table, and reload.", domain);
	}
	buf_free(&error);
}

void doctor_front(struct doctor *d, const struct doctor_chain *daemon)
{
	struct doctor_chain chain = {NULL};
	struct buf password;

	certificate(d, &chain);
	if (!chain.broken)
		chain.broken = daemon->broken;
	if (!d->user) {
		if (doctor_reaches(d, &chain, "front"))
			challenge(d, &chain);
		doctor_skipped(d, "Autodiscover", "it wants a login: give --user and --password-file");
		return;
	}
	buf_init(&password, 1024);
	if (!doctor_reaches(d, &chain, "front login"))
		doctor_reaches(d, &chain, "Autodiscover");
	else if (read_password(d, &chain, &password))
		login(d, &chain, buf_cstr(&password));
	else
		doctor_reaches(d, &chain, "Autodiscover");
	buf_wipe(&password);
}
