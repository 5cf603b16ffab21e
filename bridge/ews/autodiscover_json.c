#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/ews/autodiscover_url.h"

/* Autodiscover version 2: /autodiscover/autodiscover.json[/v1.0/ADDRESS]?Email=ADDRESS&Protocol=EWS. */

enum { VALUE_MAX = 400 };

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Decodes ${n} bytes of ${s}; false if malformed, too long or with a zero byte. */
static bool decode(char out[VALUE_MAX + 1], const char *s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '%') {
			char pair[3] = {0};

			if (n - i < 3 || !is_hex(s[i + 1]) || !is_hex(s[i + 2]))
				return false;
			memcpy(pair, s + i + 1, 2);
			text_unhex(&c, 1, pair);
			i += 2;
		}
		if (!c || len == VALUE_MAX)
			return false;
		out[len++] = (char)c;
	}
	out[len] = 0;
	return true;
}

/* The value of the parameter ${name} in ${query}, ASCII case ignored; "" if there is none. False if it is malformed. */
static bool parameter(const char *query, const char *name, char out[VALUE_MAX + 1])
{
	size_t n = strlen(name);

	out[0] = 0;
	for (const char *p = query; p && *p;) {
		size_t length = strcspn(p, "&");

		if (length > n && p[n] == '=' && text_istarts(p, name))
			return decode(out, p + n + 1, length - n - 1);
		p += length + (p[length] == '&');
	}
	return true;
}

/* The address behind .../v1.0/ in the path. */
static bool in_path(const char *path, char out[VALUE_MAX + 1])
{
	const char *p = strchr(path + (*path == '/'), '/');

	p = p ? strchr(p + 1, '/') : NULL;
	out[0] = 0;
	if (!p || !text_istarts(p, "/v1.0/"))
		return true;
	return decode(out, p + 6, strcspn(p + 6, "/"));
}

static int put_error(struct buf *out, const struct ews_autodiscover *a, int status, const char *code, const char *text, const char *asked)
{
	autodiscover_refuse(a, code, text, asked);
	buf_puts(out, "{\"ErrorCode\":");
	text_json(out, code);
	buf_puts(out, ",\"ErrorMessage\":");
	text_json(out, text);
	return buf_puts(out, "}") ? -1 : status;
}

static int put_url(struct buf *out, const struct ews_autodiscover *a, const char *protocol, const char *path)
{
	struct buf url;

	buf_init(&url, 4096);
	buf_puts(&url, a->public_url);
	buf_puts(&url, path);
	buf_puts(out, "{\"Protocol\":");
	text_json(out, protocol);
	buf_puts(out, ",\"Url\":");
	text_json(out, buf_cstr(&url));
	buf_free(&url);
	return buf_puts(out, "}") ? -1 : 200;
}

int ews_autodiscover_json(struct buf *out, const struct ews_autodiscover *a, const char *path, const char *query)
{
	char email[VALUE_MAX + 1], protocol[VALUE_MAX + 1], normal[FB_ADDRESS_MAX + 1];

	if (!in_path(path, email) || (!*email && !parameter(query, "Email", email)) || !parameter(query, "Protocol", protocol))
		return put_error(out, a, 400, "InvalidRequest", "The request could not be decoded.", "");
	if (!*protocol)
		return put_error(out, a, 400, "MandatoryParameterMissing", "A valid value must be provided for the query parameter 'Protocol'.",
		                 email);
	if (!*email)
		return put_error(out, a, 400, "MandatoryParameterMissing", "A valid smtp address must be provided.", email);
	if (!fb_address_normal(email, normal))
		return put_error(out, a, 400, "InvalidUserId", "The value of 'Email' is no smtp address.", email);
	if (!a->published(a->arg, normal))
		return put_error(out, a, 404, "UserNotFound", "The given user is not found.", email);
	if (text_ieq(protocol, "EWS"))
		return put_url(out, a, "EWS", autodiscover_path(a, PLACE_JSON));
	if (text_ieq(protocol, "AutodiscoverV1"))
		return put_url(out, a, "AutodiscoverV1", "/autodiscover/autodiscover.xml");
	return put_error(out, a, 400, "ProtocolNotSupported", "The given protocol is not served here; EWS and AutodiscoverV1 are.", email);
}
