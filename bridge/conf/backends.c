#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/conf/keywords.h"

/* backends.d/NAME.conf: the calendar servers. */

/* The placeholders; the last two make sense where a window can be asked for. */
static const char *const placeholders[] = {"{address}", "{user}", "{domain}", "{start}", "{end}"};
enum { OF_ADDRESS = 3, OF_WINDOW = 5 };

/* The length of the placeholder at ${s}, one of the first ${n}; 0 if none stands there. */
static size_t placeholder(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(s, placeholders[i], strlen(placeholders[i])) == 0)
			return strlen(placeholders[i]);
	return 0;
}

/* Is ${s} the part of a URL behind the host (RFC 3986), with the first ${known} placeholders in it? */
static bool tail_valid(const char *s, size_t known)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~!$&'()*+,;=:@%?";

	while (*s) {
		size_t n = strspn(s, allowed);

		if (n == 0 && (n = placeholder(s, known)) == 0)
			return false;
		s += n;
	}
	return true;
}

/* https://HOST[:PORT]/PATH; nothing of it can come from an address but what stands behind the host. */
static char *normal_url_with(const char *s, size_t known)
{
	size_t n = text_istarts(s, "https://") ? 8 + strcspn(s + 8, "/") : 0;
	char host[300];

	if (!n || n >= sizeof(host) || strlen(s) > 1024 || !s[n] || !tail_valid(s + n, known))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)n, s);
	return conf_url_valid(host) ? conf_dup(s) : NULL;
}

static char *normal_url(const char *s)
{
	return normal_url_with(s, OF_ADDRESS);
}

/* A path from the root of the host, or a whole URL. */
static char *normal_template_with(const char *s, size_t known)
{
	if (s[0] != '/')
		return normal_url_with(s, known);
	return s[1] != '/' && strlen(s) <= 1024 && tail_valid(s, known) ? conf_dup(s) : NULL;
}

static char *normal_template(const char *s)
{
	return normal_template_with(s, OF_ADDRESS);
}

static char *normal_freebusy_url(const char *s)
{
	return normal_template_with(s, OF_WINDOW);
}

static char *normal_domain(const char *s)
{
	char domain[FB_DOMAIN_MAX + 1];

	return fb_domain_normal(s, domain) ? conf_dup(domain) : NULL;
}

static char *normal_name(const char *s)
{
	return conf_name_valid(s) ? conf_dup(s) : NULL;
}

static const int versions[] = {2007, 2010, 2013, 2016};

static bool read_version(struct keyword_file *f, const struct keyword *k, const char *word)
{
	int64_t n;

	if (!text_int(word, 2007, 2016, &n))
		return false;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i] == n) {
			((struct conf_backend *)f->base)->version = (int)n;
			return true;
		}
	return false;
}

static void put_version(struct buf *out, const struct keyword *k, const void *base)
{
	buf_printf(out, "version %d\n", ((const struct conf_backend *)base)->version);
}

static const struct keyword_kind keyword_version = {read_version, put_version};

#define AT(field) offsetof(struct conf_backend, field)
#define URL_FORM "https://HOST[:PORT]/PATH"
#define TEMPLATE_FORM "/PATH or " URL_FORM ", with {address}, {user} or {domain} in it"
#define WINDOW_FORM "/PATH or " URL_FORM ", with {address}, {user}, {domain}, {start} or {end} in it"

enum { EWS = 1u << CONF_BACKEND_EWS, CALDAV = 1u << CONF_BACKEND_CALDAV };

static const struct keyword rows[] = {
	{"type", &keyword_choice, AT(type), .form = "ews|caldav", .words = "ews|caldav", .required = true},
	{"url", &keyword_text, AT(url), .form = URL_FORM, .normal = normal_url},
	{"serves", &keyword_list, AT(serves), .form = "ADDRESS, DOMAIN, group:NAME, group:DN or *", .normal = conf_rule_word,
	 .at_n = AT(n_serves), .at_lines = AT(serves_lines), .repeat = true, .required = true},
	{"auth", &keyword_choice, AT(auth), .form = "basic|ntlm|negotiate|certificate|none",
	 .words = "none|basic|ntlm|negotiate|certificate", .required = true},
	{"user", &keyword_text, AT(user), .form = "NAME"},
	{"password-file", &keyword_path, AT(password.file), .form = "PATH"},
	{"password-credential", &keyword_text, AT(password.credential), .form = "NAME", .normal = normal_name},
	{"keytab", &keyword_path, AT(keytab), .form = "PATH"},
	{"client-certificate", &keyword_path, AT(client_certificate), .form = "PATH"},
	{"client-key", &keyword_path, AT(client_key), .form = "PATH"},
	{"ca-file", &keyword_path, AT(ca_file), .form = "PATH"},
	{"pin", &keyword_pin, AT(pin), .form = "sha256:HEX", .at_n = AT(has_pin)},
	{"version", &keyword_version, 0, .form = "2007|2010|2013|2016", .preset = "2010", .only = EWS},
	{"window-days", &keyword_number, AT(window_days), .form = "DAYS, from 1 to 62", .preset = "62", .min = 1, .max = 62, .only = EWS},
	{"concurrency", &keyword_number, AT(concurrency), .form = "NUMBER, from 1 to 256", .preset = "10", .min = 1, .max = 256},
	{"batch", &keyword_number, AT(batch), .form = "NUMBER, from 1 to 100", .preset = "100", .min = 1, .max = 100, .only = EWS},
	{"timeout", &keyword_duration, AT(timeout_ms), .form = "\"8 s\", from 500 ms to 60 s", .preset = "8 s", .min = 500, .max = 60000},
	{"cache", &keyword_duration, AT(cache_ms), .form = "\"0 s\", at most 10 min", .preset = "0 s", .min = 0, .max = 600000},
	{"method", &keyword_choice, AT(method), .form = "auto|outbox|report|url|events", .preset = "auto",
	 .words = "auto|outbox|report|url|events", .only = CALDAV},
	{"discover", &keyword_text, AT(discover), .form = "DOMAIN", .normal = normal_domain, .only = CALDAV},
	{"principal", &keyword_text, AT(principal), .form = TEMPLATE_FORM, .normal = normal_template, .only = CALDAV},
	{"freebusy-url", &keyword_text, AT(freebusy_url), .form = WINDOW_FORM, .normal = normal_freebusy_url, .only = CALDAV},
	{"calendar", &keyword_text, AT(calendar), .form = TEMPLATE_FORM, .normal = normal_template, .only = CALDAV},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
_Static_assert((size_t)ROWS <= KEYWORDS_MAX, "make room for the lines of all rows");

const char *conf_backend_setting_name(size_t i)
{
	return i < ROWS ? rows[i].name : NULL;
}

/* What each type needs, and what it has no use for. */
static void check_type(struct keyword_file *f, const struct conf_backend *b)
{
	bool is_ews = b->type == CONF_BACKEND_EWS;

	keywords_expect_only(f, 1u << b->type, is_ews ? "type ews" : "type caldav");
	keywords_expect(f, "url", !b->discover, !b->discover, is_ews ? "type ews" : b->discover ? "discover" : "type caldav without discover");
	keywords_expect(f, "freebusy-url", true, b->method == CONF_CALDAV_URL, "method url");
	if (is_ews && b->url && strchr(b->url, '{'))
		conf_problem_add(f->l->problems, f->path, keywords_line(f, "url"), "Write the URL of Exchange.asmx, which is the same for all.",
		                 "the url of type ews holds a placeholder");
	/* Exchange 2007 takes no more than 42 days */
	if (is_ews && b->version == 2007 && b->window_days > 42 && keywords_line(f, "window-days"))
		conf_problem_add(f->l->problems, f->path, keywords_line(f, "window-days"), "Write window-days 42.",
		                 "version 2007 answers about 42 days at most");
}

/* A template that is a whole URL leads to the host of url: the password goes nowhere else. */
static void check_template(struct keyword_file *f, const struct conf_backend *b, const char *name, const char *template)
{
	size_t n = template && template[0] != '/' ? 8 + strcspn(template + 8, "/") : 0;

	if (n && (!b->url || strncasecmp(b->url, template, n) != 0 || b->url[n] != '/'))
		conf_problem_add(f->l->problems, f->path, keywords_line(f, name), "Write the path alone, or a backend of its own for the other host.",
		                 "%s leads to another host than url", name);
}

/* One place for many would show one person's time as everybody's. */
static void check_whose(struct keyword_file *f, const struct conf_backend *b, const char *name, const char *template)
{
	bool one = b->n_serves == 1 && strchr(b->serves[0], '@') && strncmp(b->serves[0], "group:", 6) != 0;

	if (template && !one && !strstr(template, "{user}") && !strstr(template, "{address}"))
		conf_problem_add(f->l->problems, f->path, keywords_line(f, name),
		                 "Write {user} or {address} where the person's name stands in it, or let serves name one address alone.",
		                 "%s is one place for all whom serves names", name);
}

static void check_auth(struct keyword_file *f, const struct conf_backend *b)
{
	static const char *const words[] = {"auth none", "auth basic", "auth ntlm", "auth negotiate", "auth certificate"};
	bool password = b->auth == CONF_AUTH_BASIC || b->auth == CONF_AUTH_NTLM, ticket = b->auth == CONF_AUTH_NEGOTIATE;
	bool certificate = b->auth == CONF_AUTH_CERTIFICATE;
	const char *with = words[b->auth];

	keywords_expect(f, "user", password || ticket, password || ticket, with);
	keywords_expect_password(f, password, with);
	keywords_expect(f, "keytab", ticket, ticket, with);
	keywords_expect(f, "client-certificate", certificate, certificate, with);
	keywords_expect(f, "client-key", certificate, certificate, with);
}

static void read_backend(struct conf_loading *l, const char *name)
{
	struct conf_backend b = {.name = conf_dup(name)};
	struct keyword_file f = {.l = l, .noun = "a backend", .rows = rows, .n = ROWS, .base = &b};
	char path[4096], file[80];

	snprintf(file, sizeof(file), "backends.d/%s.conf", name);
	conf_file_path(path, sizeof(path), l->c->file, file);
	f.path = b.file = conf_dup(path);
	if (keywords_read(&f)) {
		check_type(&f, &b);
		const struct {
			const char *name, *template;
		} places[] = {{"principal", b.principal}, {"freebusy-url", b.freebusy_url}, {"calendar", b.calendar}};

		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			check_template(&f, &b, places[i].name, places[i].template);
			check_whose(&f, &b, places[i].name, places[i].template);
		}
		check_auth(&f, &b);
		if (b.type == CONF_BACKEND_EWS && b.version == 2007 && !keywords_line(&f, "window-days"))
			b.window_days = 42;
	}
	l->c->backends = conf_grow(l->c->backends, l->c->n_backends, sizeof(b));
	l->c->backends[l->c->n_backends++] = b;
}

void conf_read_backends(struct conf_loading *l)
{
	struct conf_names names = conf_folder_names(l, "backends.d", "backend", CONF_BACKENDS_MAX);

	for (size_t i = 0; i < names.n; i++)
		read_backend(l, names.list[i]);
	free(names.list);
}

void conf_put_backend(struct buf *out, const struct conf_backend *b)
{
	keywords_put(out, rows, ROWS, b, 1u << b->type);
}

void conf_free_backend(struct conf_backend *b)
{
	keywords_free(rows, ROWS, b);
	free(b->name);
	free(b->file);
}
