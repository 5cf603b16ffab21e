#include <string.h>
#include <time.h>
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/ews/autodiscover_url.h"
#include "bridge/ews/soap.h"

/* POX Autodiscover ([MS-OXDSCLI]). */

#define NS_OUTER "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
#define NS_OUTLOOK "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"

struct pox {
	const char *address, *schema;
};

static bool email(struct soap *s, const char *text)
{
	((struct pox *)s->arg)->address = arena_strdup(s->arena, text);
	return true;
}

static bool schema(struct soap *s, const char *text)
{
	((struct pox *)s->arg)->schema = arena_strdup(s->arena, text);
	return true;
}

/* Any namespace: what kind of answer is wanted says AcceptableResponseSchema. */
static const struct soap_row request_rows[] = {
	{NULL, "EMailAddress", 0, NULL, NULL, email},
	{NULL, "AcceptableResponseSchema", 0, NULL, NULL, schema},
	{0},
};
static const struct soap_row root_rows[] = {
	{NULL, "Request", SOAP_LAX, request_rows, NULL, NULL},
	{0},
};
static const struct soap_row roots[] = {
	{NULL, "Autodiscover", SOAP_LAX | SOAP_REQUIRED, root_rows, NULL, NULL},
	{0},
};

/* Errors come with HTTP 200. ${asked}: the address in the request, NULL = none. */
static int put_error(struct buf *out, const struct ews_autodiscover *a, const char *code, const char *text, const char *asked)
{
	struct timespec now;
	struct tm tm;
	unsigned id;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	text_random(&id, sizeof id);
	autodiscover_refuse(a, code, text, asked ? asked : "");
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Autodiscover xmlns=\"" NS_OUTER "\"><Response>");
	buf_printf(out, "<Error Time=\"%02d:%02d:%02d.%07ld\" Id=\"%u\"><ErrorCode>%s</ErrorCode><Message>", tm.tm_hour, tm.tm_min, tm.tm_sec,
	           now.tv_nsec / 100, id, code);
	text_xml(out, text);
	return buf_puts(out, "</Message><DebugData/></Error></Response></Autodiscover>") ? -1 : 200;
}

static void put_url(struct buf *out, const struct ews_autodiscover *a, const char *tag, enum autodiscover_place place)
{
	buf_printf(out, "<%s>", tag);
	text_xml(out, a->public_url);
	buf_printf(out, "%s</%s>", autodiscover_path(a, place), tag);
}

static void put_auth(struct buf *out, const struct ews_autodiscover *a)
{
	if (a->auth_package)
		soap_put(out, "AuthPackage", a->auth_package);
}

static void put_web(struct buf *out, const struct ews_autodiscover *a)
{
	static const char *const sides[][2] = {{"Internal", "EXCH"}, {"External", "EXPR"}};

	buf_puts(out, "<Protocol><Type>WEB</Type>");
	for (size_t i = 0; i < 2; i++) {
		buf_printf(out, "<%s><Protocol>", sides[i][0]);
		soap_put(out, "Type", sides[i][1]);
		put_url(out, a, "ASUrl", i ? PLACE_WEB_EXTERNAL : PLACE_WEB_INTERNAL);
		buf_printf(out, "</Protocol></%s>", sides[i][0]);
	}
	buf_puts(out, "</Protocol>");
}

static int put_settings(struct buf *out, const struct ews_autodiscover *a, const char *address)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Autodiscover xmlns=\"" NS_OUTER "\"><Response xmlns=\"" NS_OUTLOOK "\"><User>");
	soap_put(out, "DisplayName", address);
	buf_puts(out, "<LegacyDN>/o=availbridge/ou=Exchange Administrative Group/cn=Recipients/cn=");
	text_xml(out, address);
	buf_puts(out, "</LegacyDN>");
	soap_put(out, "AutoDiscoverSMTPAddress", address);
	buf_puts(out, "<DeploymentId>00000000-0000-0000-0000-000000000000</DeploymentId></User>"
	              "<Account><AccountType>email</AccountType><Action>settings</Action><MicrosoftOnline>False</MicrosoftOnline>"
	              "<Protocol><Type>EXCH</Type>");
	soap_put(out, "Server", a->host);
	buf_puts(out, "<ServerVersion>73C28A02</ServerVersion>");
	put_url(out, a, "ASUrl", PLACE_EXCH_AS);
	put_url(out, a, "EwsUrl", PLACE_EXCH_EWS);
	put_url(out, a, "OOFUrl", PLACE_EXCH_OOF);
	put_auth(out, a);
	buf_puts(out, "</Protocol><Protocol><Type>EXPR</Type>");
	soap_put(out, "Server", a->host);
	buf_puts(out, "<SSL>On</SSL>");
	put_auth(out, a);
	put_url(out, a, "ASUrl", PLACE_EXPR_AS);
	put_url(out, a, "EwsUrl", PLACE_EXPR_EWS);
	put_url(out, a, "OOFUrl", PLACE_EXPR_OOF);
	buf_puts(out, "</Protocol>");
	put_web(out, a);
	return buf_puts(out, "</Account></Response></Autodiscover>") ? -1 : 200;
}

static int answer(struct buf *out, const struct ews_autodiscover *a, const struct pox *pox)
{
	char normal[FB_ADDRESS_MAX + 1];

	if (!pox->schema || strcmp(pox->schema, NS_OUTLOOK) != 0)
		return put_error(out, a, "601", "Provider is not available.", pox->address);
	if (!pox->address || !*pox->address)
		return put_error(out, a, "600", "Invalid request: there is no EMailAddress.", pox->address);
	if (!fb_address_normal(pox->address, normal))
		return put_error(out, a, "501", "The email address is not valid.", pox->address);
	if (!a->published(a->arg, normal))
		return put_error(out, a, "500", "The email address can't be found.", pox->address);
	return put_settings(out, a, normal);
}

int ews_autodiscover_pox(struct buf *out, const struct ews_autodiscover *a, const void *p, size_t n)
{
	struct pox pox = {0};
	struct soap s = {.arg = &pox, .arena = arena_new(SOAP_MAX_REQUEST)};
	int status;

	if (!s.arena)
		return put_error(out, a, "603", "The server has no memory left.", NULL);
	if (soap_read(&s, p, n, SOAP_MAX_REQUEST, roots))
		status = answer(out, a, &pox);
	else
		status = put_error(out, a, "600", "Invalid request.", pox.address);
	arena_free(s.arena);
	return status;
}
