/* links: base availability ews acl conf pki */
#include "tests/unit/check.h"
#include "bridge/availability/address.h"
#include "bridge/base/text.h"
#include "bridge/ews/autodiscover.h"

static struct buf out;

static bool published(void *arg, const char *address)
{
	return strcmp(fb_address_domain(address), "b.example") == 0;
}

static char said[200]; /* of the last refusal */

static void refused(void *arg, const char *code, const char *why, const char *asked)
{
	CHECK(*why);
	snprintf(said, sizeof said, "%s %s", code, asked);
}

static const struct ews_autodiscover basic = {.public_url = "https://bridge-a.a.example", .host = "bridge-a.a.example", .published = published,
                                              .refused = refused};
static const struct ews_autodiscover ntlm = {.public_url = "https://bridge-a.a.example", .host = "bridge-a.a.example", .auth_package = "Ntlm",
                                             .published = published};
#define URL "https://bridge-a.a.example/EWS/Exchange.asmx"

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static const char *pox(const struct ews_autodiscover *a, const char *xml)
{
	buf_reset(&out);
	CHECK_INT(ews_autodiscover_pox(&out, a, xml, strlen(xml)), 200);
	return buf_cstr(&out);
}

#define OUTLOOK "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define POX(inside) "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\"><Request>" inside "</Request></Autodiscover>"
#define EMAIL(a) "<EMailAddress>" a "</EMailAddress>"
#define ACCEPT(s) "<AcceptableResponseSchema>" s "</AcceptableResponseSchema>"

static void test_pox(void)
{
	const char *x = pox(&ntlm, "<?xml version=\"1.0\" encoding=\"utf-8\"?>" POX(EMAIL("Ada@B.example") ACCEPT(OUTLOOK)));

	CHECK(strstr(x, "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\"><Response xmlns=\"" OUTLOOK "\">"));
	CHECK_INT(count(x, "<ASUrl>" URL "</ASUrl>"), 4);
	CHECK_INT(count(x, "<EwsUrl>" URL "</EwsUrl>"), 2);
	CHECK_INT(count(x, "<AuthPackage>Ntlm</AuthPackage>"), 2);
	CHECK(strstr(x, "<Action>settings</Action>") && strstr(x, "<AutoDiscoverSMTPAddress>ada@b.example</AutoDiscoverSMTPAddress>"));
	CHECK_INT(count(x, "Redirect"), 0);
	CHECK_INT(count(pox(&basic, POX(EMAIL("ada@b.example") ACCEPT(OUTLOOK))), "AuthPackage"), 0);
	/* The anchor address of Exchange, whatever its case. */
	CHECK(strstr(pox(&basic, POX(EMAIL("01B62C6D-4324-448f-9884-5FEC6D18A7E2@b.example") ACCEPT(OUTLOOK))), "<Action>settings"));
}

/* For a recording no two places spell the URL alike, and each spelling leads to the same path. */
static void test_spelled(void)
{
	static const char soap[] = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"http://schemas.microsoft.com/exchange/2010/Autodiscover\"><s:Body>%s</s:Body></s:Envelope>";
	static const char users[] = "<a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>ada@b.example</a:Mailbox></a:User></a:Users><a:RequestedSettings>"
	                            "<a:Setting>InternalEwsUrl</a:Setting><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>InteropExternalEwsUrl</a:Setting>"
	                            "</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage>";
	static const char domains[] = "<a:GetDomainSettingsRequestMessage><a:Request><a:Domains><a:Domain>b.example</a:Domain></a:Domains><a:RequestedSettings>"
	                              "<a:Setting>ExternalEwsUrl</a:Setting></a:RequestedSettings></a:Request></a:GetDomainSettingsRequestMessage>";
	struct ews_autodiscover a = basic;
	char text[2000], *seen[20];
	struct buf all;
	size_t n = 0;

	a.spelled = true;
	buf_init(&all, 1 << 20);
	buf_puts(&all, pox(&a, POX(EMAIL("ada@b.example") ACCEPT(OUTLOOK))));
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof text, soap, i ? domains : users);
		CHECK_INT(ews_autodiscover_soap(&all, &a, text, strlen(text)), 200);
	}
	CHECK_INT(ews_autodiscover_json(&all, &a, "/autodiscover/autodiscover.json", "Email=ada@b.example&Protocol=EWS"), 200);
	for (const char *p = buf_cstr(&all); (p = strstr(p, "https://bridge-a.a.example/")) != NULL; p++) {
		CHECK(n < 20 && text_istarts(p, URL));
		seen[n] = strndup(p, sizeof URL - 1);
		for (size_t k = 0; k < n; k++)
			CHECK(strcmp(seen[k], seen[n]) != 0);
		n++;
	}
	CHECK_INT(n, 13);
	while (n)
		free(seen[--n]);
	buf_free(&all);
}

static void test_pox_errors(void)
{
	CHECK(strstr(pox(&basic, POX(EMAIL("ada@c.example") ACCEPT(OUTLOOK))), "<ErrorCode>500</ErrorCode>"));
	CHECK_STR(said, "500 ada@c.example");
	CHECK(strstr(pox(&basic, POX(EMAIL("ada") ACCEPT(OUTLOOK))), "<ErrorCode>501</ErrorCode>"));
	CHECK(strstr(pox(&basic, POX(ACCEPT(OUTLOOK))), "<ErrorCode>600</ErrorCode>"));
	CHECK(strstr(pox(&basic, "nonsense"), "<ErrorCode>600</ErrorCode>"));
	CHECK(strstr(pox(&basic, ""), "<ErrorCode>600</ErrorCode>"));
	CHECK(strstr(pox(&basic, "<!DOCTYPE a>" POX(EMAIL("ada@b.example") ACCEPT(OUTLOOK))), "<ErrorCode>600</ErrorCode>"));
	CHECK(strstr(pox(&basic, POX(EMAIL("ada@b.example") ACCEPT("http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"))),
	             "<ErrorCode>601</ErrorCode>"));
	CHECK_STR(said, "601 ada@b.example");
	CHECK(strstr(pox(&basic, POX(EMAIL("ada@b.example"))), "<ErrorCode>601</ErrorCode>"));
	CHECK(strstr(buf_cstr(&out), "<Response><Error Time=\""));
}

#define AUTO(inside) "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"http://schemas.microsoft.com/exchange/2010/Autodiscover\">" \
	"<s:Header><a:RequestedServerVersion>Exchange2016</a:RequestedServerVersion></s:Header><s:Body>" inside "</s:Body></s:Envelope>"
#define ASK(op, inside, settings) "<a:" op "RequestMessage><a:Request>" inside "<a:RequestedSettings>" settings "</a:RequestedSettings></a:Request></a:" op "RequestMessage>"
#define USER(a) "<a:User><a:Mailbox>" a "</a:Mailbox></a:User>"
#define SETTING(s) "<a:Setting>" s "</a:Setting>"

static const char *soap(const char *xml, int status)
{
	buf_reset(&out);
	CHECK_INT(ews_autodiscover_soap(&out, &basic, xml, strlen(xml)), status);
	return buf_cstr(&out);
}

static void test_users(void)
{
	/* What exchangelib asks: it takes any UserSettingError for a failure. */
	const char *x = soap(AUTO(ASK("GetUserSettings", "<a:Users>" USER("anna@b.example") "</a:Users>",
	                              SETTING("UserDN") SETTING("MailboxDN") SETTING("UserDisplayName") SETTING("AutoDiscoverSMTPAddress") SETTING("ExternalEwsUrl")
	                              SETTING("EwsSupportedSchemas"))), 200);

	CHECK_INT(count(x, "<UserSetting i:type=\"StringSetting\">"), 6);
	CHECK_INT(count(x, "<UserSettingErrors></UserSettingErrors>"), 1);
	CHECK(strstr(x, "<Name>ExternalEwsUrl</Name><Value>" URL "</Value>"));
	CHECK(strstr(x, "GetUserSettingsResponse</a:Action>"));
	x = soap(AUTO(ASK("GetUserSettings", "<a:Users>" USER("anna@b.example") USER("x@c.example") USER("no address") "</a:Users>",
	                  SETTING("InternalEwsUrl") SETTING("PublicFolderServer"))), 200);
	CHECK_INT(count(x, "<UserResponse>"), 3);
	CHECK_INT(count(x, "<ErrorCode>InvalidUser</ErrorCode>"), 2);
	CHECK_STR(said, "InvalidUser no address");
	CHECK_INT(count(x, "<UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode>"), 1);
	CHECK(strstr(x, "<SettingName>PublicFolderServer</SettingName>"));
	/* The order of the DataContract. */
	CHECK(strstr(x, "<RedirectTarget i:nil=\"true\"/><UserSettingErrors>"));
	CHECK_INT(count(x, "https://bridge-a"), 1);
}

static void test_domains(void)
{
	const char *x = soap(AUTO(ASK("GetDomainSettings", "<a:Domains><a:Domain>B.example</a:Domain><a:Domain>c.example</a:Domain></a:Domains>",
	                              SETTING("ExternalEwsUrl") SETTING("UserDN"))), 200);

	CHECK_INT(count(x, "<DomainResponse>"), 2);
	CHECK_INT(count(x, "<DomainSetting i:type=\"DomainStringSetting\">"), 1);
	CHECK_INT(count(x, "InvalidDomain"), 1);
	CHECK_STR(said, "InvalidDomain c.example");
	CHECK_INT(count(x, "<SettingName>UserDN</SettingName>"), 1);
	CHECK_INT(count(x, "<RedirectTarget i:nil=\"true\"/></DomainResponse>"), 2);
}

static void test_soap_rest(void)
{
	const char *x = soap(AUTO("<a:GetFederationInformationRequestMessage><a:Request><a:Domain>b.example</a:Domain></a:Request></a:GetFederationInformationRequestMessage>"), 200);

	CHECK(strstr(x, "<ErrorCode>NotFederated</ErrorCode>"));
	CHECK(strstr(soap(AUTO("<a:GetOrganizationRelationshipSettingsRequestMessage/>"), 500), "<s:Fault>"));
	CHECK(strstr(soap(AUTO(""), 500), "<s:Fault>"));
	CHECK_STR(said, "Client ");
	CHECK(strstr(soap("<a/>", 500), "<s:Fault>"));
	CHECK(strstr(soap(AUTO(ASK("GetUserSettings", "<a:Users></a:Users>", SETTING("UserDN"))), 500), "<s:Fault>"));
}

static void json(const char *path, const char *query, int status, const char *expected)
{
	buf_reset(&out);
	CHECK_INT(ews_autodiscover_json(&out, &basic, path, query), status);
	if (!CHECK(strstr(buf_cstr(&out), expected)))
		fprintf(stderr, "\t%s\n", buf_cstr(&out));
}

/* What a request is says its root, whatever stands in it; the path only says what it is taken for when that says nothing. */
static void test_kind(void)
{
	static const struct { const char *xml; int soap; } cases[] = {
		{"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><Autodiscover/></s:Body></s:Envelope>", 1},
		{"<?xml version='1.0'?><!-- x --><Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006\">"
		 "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"/></Autodiscover>", 0},
		{"<Envelope/>", -1}, {"<a/>", -1}, {"", -1}, {"<Autodiscover>", -1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int otherwise = 0; otherwise < 2; otherwise++)
			CHECK_INT(ews_autodiscover_is_soap(cases[i].xml, strlen(cases[i].xml), otherwise), cases[i].soap < 0 ? otherwise : cases[i].soap);
}

static void test_json(void)
{
	const char *path = "/autodiscover/autodiscover.json";
	const char *ews = "{\"Protocol\":\"EWS\",\"Url\":\"" URL "\"}";

	json(path, "Email=ada%40b.example&Protocol=EWS", 200, ews);
	json(path, "protocol=ews&email=ada@b.example&RedirectCount=1", 200, ews);
	json("/autodiscover/autodiscover.json/v1.0/ada@b.example", "Protocol=Ews", 200, ews);
	json("/Autodiscover/Autodiscover.JSON/V1.0/ada%40b.example", "Protocol=AutodiscoverV1", 200, "/autodiscover/autodiscover.xml\"");
	json(path, "Email=ada@b.example", 400, "MandatoryParameterMissing");
	json(path, "Protocol=EWS", 400, "MandatoryParameterMissing");
	json(path, NULL, 400, "MandatoryParameterMissing");
	json(path, "", 400, "MandatoryParameterMissing");
	json(path, "Email=ada@b.example&Protocol=ActiveSync", 400, "ProtocolNotSupported");
	json(path, "Email=ada@c.example&Protocol=EWS", 404, "UserNotFound");
	json(path, "Email=ada&Protocol=EWS", 400, "InvalidUserId");
	json(path, "Email=%4&Protocol=EWS", 400, "InvalidRequest");
	json(path, "Email=%00&Protocol=EWS", 400, "InvalidRequest");
	json("", "Email=ada@b.example&Protocol=EWS", 200, ews);
}

int main(void)
{
	buf_init(&out, 1 << 20);
	test_pox();
	test_spelled();
	test_pox_errors();
	test_users();
	test_domains();
	test_soap_rest();
	test_kind();
	test_json();
	buf_free(&out);
	return check_done();
}
