#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "bridge/base/text.h"
#include "bridge/trace/parts.h"

enum { VALUE_MAX = 200, BLOB_MAX = 64 << 10 };

/* A piece of the head. */
struct piece {
	const char *p;
	size_t n;
};

enum how { PRINTED = 1, TOKEN, ADDRESS, LOCATION, CREDENTIALS, CHALLENGE };
/* The fields of which more than the name is shown. */
static const struct {
	const char *name;
	enum how how;
} fields[] = {
	{"Host", TOKEN}, {"User-Agent", PRINTED}, {"Content-Type", PRINTED}, {"Content-Length", PRINTED}, {"Content-Encoding", PRINTED},
	{"Transfer-Encoding", PRINTED}, {"Connection", PRINTED}, {"Keep-Alive", PRINTED}, {"Expect", PRINTED}, {"Accept", PRINTED},
	{"Accept-Encoding", PRINTED}, {"SOAPAction", PRINTED}, {"Date", PRINTED}, {"Allow", PRINTED}, {"Retry-After", PRINTED},
	{"Cache-Control", PRINTED}, {"Depth", PRINTED}, {"Server", PRINTED}, {"X-AspNet-Version", PRINTED}, {"X-Powered-By", PRINTED},
	{"X-OWA-Version", PRINTED}, {"X-FEServer", PRINTED}, {"X-BEServer", PRINTED}, {"X-CalculatedBETarget", PRINTED}, {"X-DiagInfo", PRINTED},
	{"request-id", PRINTED}, {"client-request-id", PRINTED}, {"return-client-request-id", PRINTED}, {"X-SOAP-Enabled", PRINTED},
	{"X-WSSecurity-Enabled", PRINTED}, {"X-OAuth-Enabled", PRINTED}, {"X-AnchorMailbox", ADDRESS}, {"X-TargetMailbox", ADDRESS},
	{"Location", LOCATION}, {"Authorization", CREDENTIALS}, {"Proxy-Authorization", CREDENTIALS}, {"WWW-Authenticate", CHALLENGE},
	{"Proxy-Authenticate", CHALLENGE}, {"Persistent-Auth", PRINTED},
};
/* The words of the paths that are asked for; any other part of a path may be somebody's name. */
static const char *const words[] = {"autodiscover", "autodiscover.xml", "autodiscover.svc", "autodiscover.json", "v1.0", "ews",
	"exchange.asmx", "exchange.svc", "services.wsdl", "messages.xsd", "types.xsd", "wssecurity", "symmetrickey", "x509cert", "mex", "s",
	"getuserphoto", "public",
	"exchange", "owa", "rpc", "rpcproxy.dll", "mapi", "oab", "powershell", "microsoft-server-activesync", ".well-known", "caldav"};
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "RPC_IN_DATA",
                                      "RPC_OUT_DATA"};
static const char *const schemes[] = {"Basic", "NTLM", "Negotiate", "Kerberos", "Digest", "Bearer"};
/* A query's names, and those of them whose values say nothing of anybody. */
static const char *const asked[] = {"Email", "Protocol", "RedirectCount", "size", "Cmd", "wsdl"};
static const char *const harmless[] = {"Protocol", "RedirectCount", "size", "Cmd"};

static struct piece trimmed(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (n && strchr(" \t\r", p[n - 1]))
		n--;
	return (struct piece){p, n};
}

static bool is(struct piece s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static bool among(struct piece s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is(s, list[i]))
			return true;
	return false;
}
#define AMONG(s, list) among((s), (list), sizeof(list) / sizeof *(list))

static bool printable(struct piece s, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
			return false;
	return s.n <= max;
}

static void hide(struct buf *out, size_t n)
{
	buf_printf(out, "[%zu bytes]", n);
}

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* How many bytes at the front of ${s} are among ${set}. */
static size_t span(struct piece s, const char *set)
{
	size_t n = 0;

	while (n < s.n && s.p[n] && strchr(set, s.p[n]))
		n++;
	return n;
}

static bool token(struct piece s, size_t max)
{
	return s.n > 0 && s.n <= max && span(s, ALPHANUMERIC "-_") == s.n;
}

static uint32_t word_at(const struct buf *b, size_t at)
{
	const uint8_t *p = buf_ptr(b) + at;

	return b->len < at + 4 ? 0 : p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* MS-NLMP 2.2.1: the type behind the signature; where the flags are depends on it. */
static void put_ntlm(struct buf *out, const struct buf *blob)
{
	uint32_t type = word_at(blob, 8);
	size_t flags = type == 1 ? 12 : type == 2 ? 20 : 60;

	buf_printf(out, "NTLM message %u", type);
	if (blob->len >= flags + 4 && type >= 1 && type <= 3)
		buf_printf(out, ", flags 0x%08x", word_at(blob, flags));
}

/* What kind of token it is, and nothing of what it says. */
static void put_blob(struct buf *out, struct piece text)
{
	static const char ntlm[] = "NTLMSSP", kerberos[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
	struct buf blob;

	buf_init(&blob, BLOB_MAX);
	if (text_unbase64(&blob, text.p, text.n) != 0 || blob.len == 0) {
		hide(out, text.n);
	} else {
		buf_printf(out, "[%zu bytes: ", blob.len);
		if (blob.len >= 12 && memcmp(buf_ptr(&blob), ntlm, sizeof ntlm) == 0)
			put_ntlm(out, &blob);
		else if (memmem(buf_ptr(&blob), blob.len, ntlm, sizeof ntlm))
			buf_puts(out, "SPNEGO with NTLM");
		else if (memmem(buf_ptr(&blob), blob.len, kerberos, sizeof kerberos - 1))
			buf_puts(out, "SPNEGO or GSS with Kerberos");
		else
			buf_printf(out, "a token whose first byte is %02x", *buf_ptr(&blob));
		buf_putc(out, ']');
	}
	buf_wipe(&blob);
}

/* Which form the name has is worth knowing; who it is, is not told. */
static void put_basic(struct buf *out, struct piece text)
{
	const char *form = "malformed", *s;
	size_t n;
	struct buf raw;

	buf_init(&raw, BLOB_MAX);
	if (text_unbase64(&raw, text.p, text.n) == 0 && raw.len) {
		s = (const char *)buf_ptr(&raw);
		n = raw.len;
		if (memchr(s, ':', n)) {
			n = (size_t)((const char *)memchr(s, ':', n) - s);
			form = memchr(s, '\\', n) ? "of the form DOMAIN\\user" : memchr(s, '@', n) ? "of the form user@domain" : "a plain name";
		}
	}
	buf_wipe(&raw);
	buf_printf(out, "[a user, %s, and a password]", form);
}

static void put_auth(struct buf *out, struct piece v, enum how how)
{
	struct piece scheme = {v.p, 0}, rest;

	while (scheme.n < v.n && v.p[scheme.n] != ' ')
		scheme.n++;
	rest = trimmed(v.p + scheme.n, v.n - scheme.n);
	if (!AMONG(scheme, schemes)) {
		hide(out, v.n);
		return;
	}
	buf_add(out, scheme.p, scheme.n);
	if (rest.n == 0)
		return;
	buf_putc(out, ' ');
	if (is(scheme, "NTLM") || is(scheme, "Negotiate"))
		put_blob(out, rest);
	else if (how == CREDENTIALS && is(scheme, "Basic"))
		put_basic(out, rest);
	else
		hide(out, rest.n);
}

static void put_path(struct buf *out, struct piece path)
{
	while (path.n) {
		struct piece part = {path.p, 0};

		if (*path.p == '/') {
			buf_putc(out, '/');
			path.p++, path.n--;
			continue;
		}
		while (part.n < path.n && part.p[part.n] != '/')
			part.n++;
		if (AMONG(part, words))
			buf_add(out, part.p, part.n);
		else
			hide(out, part.n);
		path.p += part.n;
		path.n -= part.n;
	}
}

static void put_query(struct buf *out, struct piece q)
{
	for (bool first = true; q.n || first; first = false) {
		const char *end = q.n ? memchr(q.p, '&', q.n) : NULL, *equals;
		size_t n = end ? (size_t)(end - q.p) : q.n;
		struct piece name = {q.p, n}, value = {q.p + n, 0};

		if (n && (equals = memchr(q.p, '=', n))) {
			name.n = (size_t)(equals - q.p);
			value = (struct piece){equals + 1, n - name.n - 1};
		}
		buf_putc(out, first ? '?' : '&');
		if (AMONG(name, asked))
			buf_add(out, name.p, name.n);
		else
			hide(out, name.n);
		if (name.n < n) {
			buf_putc(out, '=');
			if (AMONG(name, harmless) && token(value, 30))
				buf_add(out, value.p, value.n);
			else
				hide(out, value.n);
		}
		q.p += n + (end != NULL);
		q.n -= n + (end != NULL);
	}
}

/* A request's target, or a URL. */
static void put_target(struct buf *out, struct piece t)
{
	const char *query = memchr(t.p, '?', t.n);
	struct piece path = {t.p, query ? (size_t)(query - t.p) : t.n}, host;

	if ((path.n > 8 && strncasecmp(path.p, "https://", 8) == 0) || (path.n > 7 && strncasecmp(path.p, "http://", 7) == 0)) {
		size_t scheme = path.p[4] == ':' ? 7 : 8;

		buf_add(out, path.p, scheme);
		host = (struct piece){path.p + scheme, 0};
		while (scheme + host.n < path.n && host.p[host.n] != '/')
			host.n++;
		if (span(host, ALPHANUMERIC ".-:[]") == host.n)
			buf_add(out, host.p, host.n);
		else
			hide(out, host.n);
		path.p += scheme + host.n;
		path.n -= scheme + host.n;
	}
	put_path(out, path);
	if (query)
		put_query(out, (struct piece){query + 1, t.n - (size_t)(query + 1 - t.p)});
}

/* METHOD TARGET HTTP/1.1, or HTTP/1.1 401 Unauthorized. */
static void put_first_line(struct buf *out, const uint64_t key[2], struct piece line)
{
	struct piece method = {line.p, 0}, target, version = {NULL, 0};

	if (line.n >= 12 && strncmp(line.p, "HTTP/", 5) == 0) {
		trace_mask((void *)key, out, EWS_TEXT_SENTENCE, line.p, line.n);
		return;
	}
	while (method.n < line.n && line.p[method.n] != ' ')
		method.n++;
	target = trimmed(line.p + method.n, line.n - method.n);
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] == ' ') {
			version = trimmed(target.p + i, target.n - i);
			target.n = i;
		}
	if (!AMONG(method, methods) || target.n == 0) {
		hide(out, line.n);
		return;
	}
	buf_printf(out, "%.*s ", (int)method.n, method.p);
	put_target(out, target);
	buf_putc(out, ' ');
	if (version.n == 8 && strncmp(version.p, "HTTP/", 5) == 0)
		trace_mask((void *)key, out, EWS_TEXT_SENTENCE, version.p, version.n);
	else
		hide(out, version.n);
}

static void remember(struct trace_seen *seen, struct piece name, struct piece value)
{
	size_t n;

	if (is(name, "User-Agent") && printable(value, VALUE_MAX))
		snprintf(seen->user_agent, sizeof seen->user_agent, "%.*s", (int)value.n, value.p);
	if (!is(name, "Content-Type"))
		return;
	n = span(value, ALPHANUMERIC "/+.-");
	snprintf(seen->type, sizeof seen->type, "%.*s", (int)n, value.p);
	seen->xml = strcasestr(seen->type, "xml") != NULL;
}

static void put_field(struct buf *out, const uint64_t key[2], struct piece line, struct trace_seen *seen)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct piece name = {line.p, colon ? (size_t)(colon - line.p) : 0}, value;
	enum how how = 0;

	if (!token(name, 80)) {
		hide(out, line.n);
		return;
	}
	value = trimmed(colon + 1, line.n - name.n - 1);
	remember(seen, name, value);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (is(name, fields[i].name))
			how = fields[i].how;
	buf_printf(out, "%.*s: ", (int)name.n, name.p);
	if (how == PRINTED && printable(value, VALUE_MAX))
		buf_add(out, value.p, value.n);
	else if (how == ADDRESS || how == TOKEN)
		trace_mask((void *)key, out, how == TOKEN ? EWS_TEXT_TOKEN : EWS_TEXT_ADDRESS, value.p, value.n);
	else if (how == LOCATION)
		put_target(out, value);
	else if (how == CREDENTIALS || how == CHALLENGE)
		put_auth(out, value, how);
	else
		hide(out, value.n);
}

void trace_head_put(struct buf *out, const uint64_t key[2], const char *head, size_t n, struct trace_seen *seen)
{
	for (bool first = true; n;) {
		const char *end = memchr(head, '\n', n);
		size_t whole = end ? (size_t)(end - head) + 1 : n;
		struct piece line = {head, end ? whole - 1 : whole};

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		head += whole;
		n -= whole;
		if (line.n == 0)
			continue;
		if (first)
			put_first_line(out, key, line);
		else
			put_field(out, key, line, seen);
		buf_putc(out, '\n');
		first = false;
	}
}
