#include <string.h>
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/ews/autodiscover_url.h"
#include "bridge/ews/soap.h"

/*
 * SOAP Autodiscover ([MS-OXWSADISC]). The order of children is that of the DataContract (RedirectTarget before UserSettingErrors in
 * GetUserSettings, last in GetDomainSettings): .NET drops a misplaced element silently.
 */

#define NS_ADDRESSING "http://www.w3.org/2005/08/addressing"
#define NS_INSTANCE "http://www.w3.org/2001/XMLSchema-instance"

enum { MAX_NAMES = 100, MAX_SETTINGS = 100 };
enum ask { ASK_NOTHING = 0, ASK_USERS, ASK_DOMAINS, ASK_FEDERATION };

struct ask_reading {
	enum ask ask;
	size_t n_names, n_settings;
	const char *names[MAX_NAMES], *settings[MAX_SETTINGS];
};

static struct ask_reading *reading_of(struct soap *s)
{
	return s->arg;
}

static bool keep(struct soap *s, const char **list, size_t *n, size_t max, const char *text)
{
	if (*n == max)
		return soap_fault(s, "InvalidRequest", "The request is too long: %zu users and %d settings are the most at once.", max, MAX_SETTINGS);
	list[*n] = arena_strdup(s->arena, text);
	return list[(*n)++] || soap_fault(s, "InternalServerError", "There was no memory to read the request.");
}

static bool name(struct soap *s, const char *text)
{
	return keep(s, reading_of(s)->names, &reading_of(s)->n_names, MAX_NAMES, text);
}

static bool setting(struct soap *s, const char *text)
{
	return keep(s, reading_of(s)->settings, &reading_of(s)->n_settings, MAX_SETTINGS, text);
}

static bool users_open(struct soap *s, const char *text)
{
	reading_of(s)->ask = ASK_USERS;
	return true;
}

static bool domains_open(struct soap *s, const char *text)
{
	reading_of(s)->ask = ASK_DOMAINS;
	return true;
}

static bool federation_open(struct soap *s, const char *text)
{
	reading_of(s)->ask = ASK_FEDERATION;
	return true;
}

static const struct soap_row user_rows[] = {
	{NS_AUTODISCOVER, "Mailbox", 0, NULL, NULL, name},
	{0},
};
static const struct soap_row users_rows[] = {
	{NS_AUTODISCOVER, "User", SOAP_LAX, user_rows, NULL, NULL},
	{0},
};
static const struct soap_row domains_rows[] = {
	{NS_AUTODISCOVER, "Domain", 0, NULL, NULL, name},
	{0},
};
static const struct soap_row settings_rows[] = {
	{NS_AUTODISCOVER, "Setting", 0, NULL, NULL, setting},
	{0},
};
static const struct soap_row request_rows[] = {
	{NS_AUTODISCOVER, "Users", SOAP_LAX, users_rows, NULL, NULL},
	{NS_AUTODISCOVER, "Domains", SOAP_LAX, domains_rows, NULL, NULL},
	{NS_AUTODISCOVER, "RequestedSettings", SOAP_LAX, settings_rows, NULL, NULL},
	{0},
};
static const struct soap_row message_rows[] = {
	{NS_AUTODISCOVER, "Request", SOAP_LAX, request_rows, NULL, NULL},
	{0},
};
static const struct soap_row body_rows[] = {
	{NS_AUTODISCOVER, "GetUserSettingsRequestMessage", SOAP_LAX, message_rows, users_open, NULL},
	{NS_AUTODISCOVER, "GetDomainSettingsRequestMessage", SOAP_LAX, message_rows, domains_open, NULL},
	{NS_AUTODISCOVER, "GetFederationInformationRequestMessage", SOAP_LAX, message_rows, federation_open, NULL},
	{0},
};
static const struct soap_row envelope_rows[] = {
	{NS_SOAP, "Header", SOAP_SKIP, NULL, NULL, NULL},
	{NS_SOAP, "Body", SOAP_REQUIRED | SOAP_LAX, body_rows, NULL, NULL},
	{0},
};
static const struct soap_row roots[] = {
	{NS_SOAP, "Envelope", SOAP_REQUIRED, envelope_rows, NULL, NULL},
	{0},
};

/* ---- writing */

static void put_start(struct buf *out, const char *action)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\"><s:Header>");
	if (action)
		buf_printf(out, "<a:Action s:mustUnderstand=\"1\">http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/%sResponse</a:Action>",
		           action);
	buf_puts(out, "<h:ServerVersionInfo xmlns:h=\"" NS_AUTODISCOVER "\"><h:MajorVersion>15</h:MajorVersion><h:MinorVersion>2</h:MinorVersion>"
	              "<h:MajorBuildNumber>2562</h:MajorBuildNumber><h:MinorBuildNumber>17</h:MinorBuildNumber>"
	              "<h:Version>Exchange2015</h:Version></h:ServerVersionInfo></s:Header><s:Body>");
	if (action)
		buf_printf(out, "<%sResponseMessage xmlns=\"" NS_AUTODISCOVER "\"><Response xmlns:i=\"" NS_INSTANCE "\">", action);
}

static int put_end(struct buf *out, const char *action)
{
	buf_printf(out, "</Response></%sResponseMessage></s:Body></s:Envelope>", action);
	return out->failed ? -1 : 200;
}

static void put_result(struct buf *out, const char *code, const char *text)
{
	soap_put(out, "ErrorCode", code);
	soap_put(out, "ErrorMessage", text);
}

static void put_refusal(struct buf *out, const struct ews_autodiscover *a, const char *code, const char *text, const char *asked)
{
	autodiscover_refuse(a, code, text, asked);
	put_result(out, code, text);
}

/* How a setting's value is made: the EWS URL, the address, or fixed words. */
enum kind { KIND_URL, KIND_ADDRESS, KIND_DN, KIND_WORDS };
struct setting_row {
	const char *name;
	enum kind kind;
	const char *words;
	bool domain; /* also of a domain */
	enum autodiscover_place place; /* of a URL */
};
static const struct setting_row known[] = {
	{"InternalEwsUrl", KIND_URL, NULL, false, PLACE_SOAP_INTERNAL},
	{"ExternalEwsUrl", KIND_URL, NULL, true, PLACE_SOAP_EXTERNAL},
	{"InteropExternalEwsUrl", KIND_URL, NULL, false, PLACE_SOAP_INTEROP},
	{"ExternalEwsVersion", KIND_WORDS, "15.02.2562.017", true, 0},
	{"InteropExternalEwsVersion", KIND_WORDS, "15.02.2562.017", false, 0},
	{"CasVersion", KIND_WORDS, "15.02.2562.017", false, 0},
	{"EwsSupportedSchemas", KIND_WORDS,
	 "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2013_SP1, Exchange2016", false, 0},
	{"CrossOrganizationSharingEnabled", KIND_WORDS, "False", false, 0},
	{"UserDisplayName", KIND_ADDRESS, NULL, false, 0},
	{"AutoDiscoverSMTPAddress", KIND_ADDRESS, NULL, false, 0},
	{"UserDN", KIND_DN, NULL, false, 0},
	{"MailboxDN", KIND_DN, NULL, false, 0},
	{"UserDeploymentId", KIND_WORDS, "00000000-0000-0000-0000-000000000000", false, 0},
};

static const struct setting_row *find_setting(const char *wanted, bool domain)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i].name, wanted) == 0 && (!domain || known[i].domain))
			return &known[i];
	return NULL;
}

static void put_setting(struct buf *out, const struct ews_autodiscover *a, const struct setting_row *row, const char *who, bool domain)
{
	const char *tag = domain ? "DomainSetting" : "UserSetting";

	buf_printf(out, "<%s i:type=\"%sStringSetting\"><Name>%s</Name><Value>", tag, domain ? "Domain" : "", row->name);
	if (row->kind == KIND_URL) {
		text_xml(out, a->public_url);
		buf_puts(out, autodiscover_path(a, domain ? PLACE_SOAP_DOMAIN : row->place));
	} else if (row->kind == KIND_WORDS) {
		buf_puts(out, row->words);
	} else {
		buf_puts(out, row->kind == KIND_DN ? "/o=availbridge/ou=Exchange Administrative Group/cn=Recipients/cn=" : "");
		text_xml(out, who);
	}
	buf_printf(out, "</Value></%s>", tag);
}

static void put_missing(struct buf *out, const struct ask_reading *r, bool domain)
{
	const char *tag = domain ? "DomainSettingError" : "UserSettingError";

	buf_printf(out, "<%ss>", tag);
	for (size_t i = 0; i < r->n_settings; i++)
		if (!find_setting(r->settings[i], domain)) {
			buf_printf(out, "<%s>", tag);
			put_result(out, "SettingIsNotAvailable", "The setting is not available here.");
			soap_put(out, "SettingName", r->settings[i]);
			buf_printf(out, "</%s>", tag);
		}
	buf_printf(out, "</%ss>", tag);
}

static void put_known(struct buf *out, const struct ews_autodiscover *a, const struct ask_reading *r, const char *who, bool domain)
{
	const char *tag = domain ? "DomainSettings" : "UserSettings";

	buf_printf(out, "<%s>", tag);
	for (size_t i = 0; i < r->n_settings; i++)
		if (find_setting(r->settings[i], domain))
			put_setting(out, a, find_setting(r->settings[i], domain), who, domain);
	buf_printf(out, "</%s>", tag);
}

static void put_user(struct buf *out, const struct ews_autodiscover *a, const struct ask_reading *r, const char *asked)
{
	char normal[FB_ADDRESS_MAX + 1];
	bool ours = fb_address_normal(asked, normal) && a->published(a->arg, normal);

	buf_puts(out, "<UserResponse>");
	if (ours) {
		put_result(out, "NoError", "No error.");
		buf_puts(out, "<RedirectTarget i:nil=\"true\"/>");
		put_missing(out, r, false);
		put_known(out, a, r, normal, false);
	} else {
		put_refusal(out, a, "InvalidUser", "This server answers for no such address.", asked);
		buf_puts(out, "<RedirectTarget i:nil=\"true\"/><UserSettingErrors/><UserSettings/>");
	}
	buf_puts(out, "</UserResponse>");
}

static void put_domain(struct buf *out, const struct ews_autodiscover *a, const struct ask_reading *r, const char *asked)
{
	char normal[FB_DOMAIN_MAX + 1], address[FB_DOMAIN_MAX + 16] = "postmaster@";
	bool ours = fb_domain_normal(asked, normal) && a->published(a->arg, strcat(address, normal));

	buf_puts(out, "<DomainResponse>");
	if (ours) {
		put_result(out, "NoError", "No error.");
		put_missing(out, r, true);
		put_known(out, a, r, normal, true);
	} else {
		put_refusal(out, a, "InvalidDomain", "This server answers for no such domain.", asked);
		buf_puts(out, "<DomainSettingErrors/><DomainSettings/>");
	}
	buf_puts(out, "<RedirectTarget i:nil=\"true\"/></DomainResponse>");
}

static int put_users(struct buf *out, const struct ews_autodiscover *a, const struct ask_reading *r)
{
	put_start(out, "GetUserSettings");
	put_result(out, "NoError", "");
	buf_puts(out, "<UserResponses>");
	for (size_t i = 0; i < r->n_names; i++)
		put_user(out, a, r, r->names[i]);
	buf_puts(out, "</UserResponses>");
	return put_end(out, "GetUserSettings");
}

static int put_domains(struct buf *out, const struct ews_autodiscover *a, const struct ask_reading *r)
{
	put_start(out, "GetDomainSettings");
	put_result(out, "NoError", "");
	buf_puts(out, "<DomainResponses>");
	for (size_t i = 0; i < r->n_names; i++)
		put_domain(out, a, r, r->names[i]);
	buf_puts(out, "</DomainResponses>");
	return put_end(out, "GetDomainSettings");
}

/* A bridge that claimed a federation would be sent tokens. */
static int put_federation(struct buf *out, const struct ews_autodiscover *a)
{
	put_start(out, "GetFederationInformation");
	put_refusal(out, a, "NotFederated", "This organisation takes part in no federation.", "");
	buf_puts(out, "<ApplicationUri i:nil=\"true\"/><Domains/><TokenIssuers/>");
	return put_end(out, "GetFederationInformation");
}

static int put_fault(struct buf *out, const struct ews_autodiscover *a, const char *text)
{
	autodiscover_refuse(a, "Client", text, "");
	put_start(out, NULL);
	buf_puts(out, "<s:Fault><faultcode>s:Client</faultcode><faultstring xml:lang=\"en-US\">");
	text_xml(out, text);
	buf_puts(out, "</faultstring></s:Fault></s:Body></s:Envelope>");
	return out->failed ? -1 : 500;
}

int ews_autodiscover_soap(struct buf *out, const struct ews_autodiscover *a, const void *p, size_t n)
{
	struct ask_reading r = {0};
	struct soap s = {.arg = &r, .arena = arena_new(SOAP_MAX_REQUEST)};
	int status;

	if (!s.arena)
		return put_fault(out, a, "There was no memory to read the request.");
	if (!soap_read(&s, p, n, SOAP_MAX_REQUEST, roots))
		status = put_fault(out, a, s.fault.text);
	else if (r.ask == ASK_FEDERATION)
		status = put_federation(out, a);
	else if (r.ask == ASK_NOTHING)
		status = put_fault(out, a, "This operation is not known here: GetUserSettings, GetDomainSettings and GetFederationInformation are.");
	else if (r.n_names == 0 || r.n_settings == 0)
		status = put_fault(out, a, "The request names nobody, or no setting.");
	else
		status = r.ask == ASK_USERS ? put_users(out, a, &r) : put_domains(out, a, &r);
	arena_free(s.arena);
	return status;
}

static bool root_is(const struct soap_row *root, const void *p, size_t n)
{
	struct soap s = {.arena = arena_new(SOAP_MAX_REQUEST)};
	bool is = s.arena && soap_read(&s, p, n, SOAP_MAX_REQUEST, root);

	arena_free(s.arena);
	return is;
}

bool ews_autodiscover_is_soap(const void *p, size_t n, bool otherwise)
{
	static const struct soap_row envelope[] = {{NS_SOAP, "Envelope", SOAP_SKIP, NULL, NULL, NULL}, {0}};
	static const struct soap_row pox[] = {{NULL, "Autodiscover", SOAP_SKIP, NULL, NULL, NULL}, {0}};

	return otherwise ? !root_is(pox, p, n) : root_is(envelope, p, n);
}
