/* links: base budget availability acl conf pki ews trace */
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/trace/trace.h"
#include "tests/unit/check.h"

static const uint8_t key[TRACE_KEY] = {1, 2, 3};
static char path[] = "/tmp/trace-XXXXXX";
static int fd;
static struct trace *trace;
static char text[1 << 20];

#define SOAP(header, body) \
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">" \
	"<s:Header>" header "</s:Header><s:Body>" body "</s:Body></s:Envelope>"

/* What the file holds after one record more. */
static const char *record(const char *head, const void *body, size_t n)
{
	const struct trace_about about = {.side = "front", .what = "request", .connection = 7, .protocol = "TLSv1.2 ECDHE-RSA-AES256-SHA384",
	                                  .alpn = "", .sni_known = true};
	struct trace_record *r = trace_begin(trace, &about);
	ssize_t got;

	if (ftruncate(fd, 0) != 0)
		abort();
	trace_head(r, head, strlen(head));
	trace_body(r, body, n);
	trace_end(r, "id-1");
	got = pread(fd, text, sizeof text - 1, 0);
	text[got > 0 ? got : 0] = 0;
	return text;
}

static const char *xml(const char *body)
{
	return record("POST /EWS/Exchange.asmx HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n", body, strlen(body));
}

static const char *head(const char *fields)
{
	return record(fields, "", 0);
}

#define SHOWS(out, what) CHECK(strstr((out), (what)) != NULL)
#define HIDES(out, what) CHECK(strstr((out), (what)) == NULL)

static void record_as_a_whole(void)
{
	const char *out = record("POST /EWS/Exchange.asmx HTTP/1.1\r\nUser-Agent: ASProxy/CrossForest/EmailDomain/EXCH/08.03.0083.000\r\n"
	                         "Content-Type: text/xml; charset=utf-8\r\n\r\n",
	                         SOAP("<t:RequestServerVersion Version=\"Exchange2010_SP2\" s:mustUnderstand=\"1\"/>"
	                              "<t:ProxyRequestTypeHeader>CrossForest</t:ProxyRequestTypeHeader><x:Odd xmlns:x=\"urn:somebody\">odd</x:Odd>", ""),
	                         strlen(SOAP("<t:RequestServerVersion Version=\"Exchange2010_SP2\" s:mustUnderstand=\"1\"/>"
	                                     "<t:ProxyRequestTypeHeader>CrossForest</t:ProxyRequestTypeHeader><x:Odd xmlns:x=\"urn:somebody\">odd</x:Odd>", "")));

	CHECK(strncmp(out, "== 20", 5) == 0);
	SHOWS(out, "Z front request connection=");
	SHOWS(out, ".7 request-id=id-1\n");
	SHOWS(out, "\ntls: TLSv1.2 ECDHE-RSA-AES256-SHA384, SNI absent, ALPN none\n");
	SHOWS(out, "\nuser-agent: ASProxy/CrossForest/EmailDomain/EXCH/08.03.0083.000\n");
	SHOWS(out, "\nsoap-headers: {http://schemas.microsoft.com/exchange/services/2006/types}RequestServerVersion(mustUnderstand)"
	           " {http://schemas.microsoft.com/exchange/services/2006/types}ProxyRequestTypeHeader {[12 bytes]}Odd\n");
	SHOWS(out, "\n| POST /EWS/Exchange.asmx HTTP/1.1\n");
	SHOWS(out, "<t:RequestServerVersion Version=\"Exchange2010_SP2\" s:mustUnderstand=\"1\"></t:RequestServerVersion>");
	SHOWS(out, "<t:ProxyRequestTypeHeader>CrossForest</t:ProxyRequestTypeHeader>");
	SHOWS(out, "<x:Odd xmlns:x=\"[12 bytes]\">[3 bytes]</x:Odd>");
	CHECK_STR(out + strlen(out) - 2, "\n\n");
}

static void credentials(void)
{
	/* base64 of NTLMSSP messages 1 and 3 with flags 0xa2088207 and 0xe2888215 at their places, and of a SPNEGO token around the first */
	const char *out = head("POST /EWS/Exchange.asmx HTTP/1.1\r\nAuthorization: NTLM TlRMTVNTUAABAAAAB4IIogAAAAA=\r\n\r\n");

	SHOWS(out, "| Authorization: NTLM [20 bytes: NTLM message 1, flags 0xa2088207]\n");
	out = head("POST /EWS/Exchange.asmx HTTP/1.1\r\nauthorization: Negotiate TlRMTVNTUAADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFYKI4g==\r\n\r\n");
	SHOWS(out, "NTLM message 3, flags 0xe2888215");
	out = head("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"owner's secret\"\r\n\r\n");
	SHOWS(out, "| HTTP/1.1 401 Unauthorized\n| WWW-Authenticate: Negotiate\n| WWW-Authenticate: NTLM\n| WWW-Authenticate: Basic [22 bytes]\n");
	out = head("POST / HTTP/1.1\r\nAuthorization: Basic QUxJQ0VcYm9iOmh1bnRlcjI=\r\nCookie: X-Session=hunter2\r\nSet-Cookie: a=hunter2\r\nX-Api-Key: hunter2\r\n"
	           "Proxy-Authorization: Basic Ym9iOmh1bnRlcjI=\r\n\r\n");
	SHOWS(out, "| Authorization: Basic [a user, of the form DOMAIN\\user, and a password]\n| Cookie: [17 bytes]\n| Set-Cookie: [9 bytes]\n| X-Api-Key: [7 bytes]\n"
	           "| Proxy-Authorization: Basic [a user, a plain name, and a password]\n");
	HIDES(out, "hunter2");
	HIDES(out, "ALICE");
	HIDES(out, "QUxJ");
	out = head("POST / HTTP/1.1\r\nAuthorization: Bearer eyJhbGciOi.secret\r\nAuthorization: hunter2\r\nAuthorization: Basic !!hunter2\r\nAuthorization: NTLM hunter2!\r\n\r\n");
	SHOWS(out, "| Authorization: Bearer [17 bytes]\n");
	SHOWS(out, "| Authorization: Basic [a user, malformed, and a password]\n");
	HIDES(out, "eyJ");
	HIDES(out, "hunter2!");
}

/* A scheme's name alone is shown: what stands where a scheme should must be known as one. */
static void no_scheme(void)
{
	HIDES(head("POST / HTTP/1.1\r\nAuthorization: hunter2\r\n\r\n"), "hunter2");
	HIDES(head("POST / HTTP/1.1\r\nAuthorization: hunter2 x\r\n\r\n"), "hunter2");
	HIDES(head("hunter2 / HTTP/1.1\r\n\r\n"), "hunter2");
	HIDES(head("POST hunter2\r\nhunter2\r\n\r\n"), "hunter2");
	HIDES(head("POST /hunter2/EWS?hunter2=hunter2 hunter2 HTTP/1.1\r\nHost: bob:hunter2@b.example\r\nReferer: https://a/hunter2\r\nhunter2\r\nX:hunter2"), "hunter2");
	HIDES(head("POST / HTTP/1.1\r\nUser-Agent: x\rAuthorization: Basic hunter2\r\n\r\n"), "hunter2");
}

static void targets(void)
{
	const char *out = head("GET /Autodiscover/autodiscover.json/v1.0/bob@b.example?Protocol=EWS&Email=bob%40b.example&RedirectCount=1 HTTP/1.1\r\n\r\n");

	SHOWS(out, "| GET /Autodiscover/autodiscover.json/v1.0/[13 bytes]?Protocol=EWS&Email=[15 bytes]&RedirectCount=1 HTTP/1.1\n");
	SHOWS(head("GET /EWS/Exchange.asmx/s/GetUserPhoto?email=bob@b.example&size=HR48x48 HTTP/1.1\r\n\r\n"),
	      "| GET /EWS/Exchange.asmx/s/GetUserPhoto?email=[13 bytes]&size=HR48x48 HTTP/1.1\n");
	SHOWS(head("HTTP/1.1 302 Found\r\nLocation: https://owa.b.example/owa/auth.owa?user=bob&x\r\n\r\n"), "| Location: https://owa.b.example/owa/[8 bytes]?[4 bytes]=[3 bytes]&[1 bytes]\n");
	SHOWS(head("POST / HTTP/1.1\r\nX-AnchorMailbox: bob@b.example\r\n\r\n"), "@b.example\n");
	HIDES(text, "bob");
}

static void people(void)
{
	const char *out = xml(SOAP("", "<t:Email><t:Name>Bob Baker</t:Name><t:Address>Bob@b.example</t:Address></t:Email><t:Email><t:Address>bob@b.example</t:Address>"
	                               "</t:Email><t:Email><t:Address>eve@b.example</t:Address></t:Email>"
	                               "<t:Email><t:Address>/o=First/ou=X/cn=Recipients/cn=bob</t:Address><t:RoutingType>EX</t:RoutingType></t:Email>"
	                               "<EMailAddress>01b62c6d-4324-448F-9884-5FEC6D18A7E2@b.example</EMailAddress><t:Address>bob\"@b.example|evil</t:Address>"));
	const char *bob = strstr(out, "who-"), *next = bob ? strstr(bob + 1, "who-") : NULL, *eve = next ? strstr(next + 1, "who-") : NULL;

	CHECK(eve && memcmp(bob, next, 22) == 0 && memcmp(bob, eve, 12) != 0 && memcmp(bob + 12, "@b.example", 10) == 0);
	HIDES(out, "ob");
	HIDES(out, "eve");
	HIDES(out, "Recipients");
	HIDES(out, "evil");
	SHOWS(out, "34 bytes, begins with a slash]</t:Address>");
	SHOWS(out, "<t:RoutingType>EX</t:RoutingType>");
	SHOWS(out, "<EMailAddress>01b62c6d-4324-448F-9884-5FEC6D18A7E2@b.example</EMailAddress>");
}

static void security_context(void)
{
	const char *out = xml(SOAP("<t:SerializedSecurityContext><t:UserSid>S-1-5-21-1004336348-1177238915-682003330-1104</t:UserSid><t:GroupSids>"
	                           "<t:GroupIdentifier Attributes=\"7\"><t:SecurityIdentifier>S-1-5-21-1004336348-1177238915-682003330-513</t:SecurityIdentifier></t:GroupIdentifier>"
	                           "<t:GroupIdentifier Attributes=\"7\"><t:SecurityIdentifier>S-1-5-11</t:SecurityIdentifier></t:GroupIdentifier>"
	                           "<t:GroupIdentifier Attributes=\"7\"><t:SecurityIdentifier>S-1-12-1-1234567890-1234567-123456-99999</t:SecurityIdentifier></t:GroupIdentifier>"
	                           "</t:GroupSids><t:PrimarySmtpAddress>alice@a.example</t:PrimarySmtpAddress></t:SerializedSecurityContext>", ""));
	const char *domain = strstr(out, "<t:UserSid>S-1-5-21-[domain-"), *again = domain ? strstr(domain + 20, "S-1-5-21-[domain-") : NULL;

	CHECK(again && memcmp(domain + 11, again, 26) == 0); /* the same domain */
	SHOWS(out, "<t:SecurityIdentifier>S-1-12-1-[domain-");
	SHOWS(out, "]-513</t:SecurityIdentifier>");
	SHOWS(out, "<t:SecurityIdentifier>S-1-5-11</t:SecurityIdentifier>");
	SHOWS(out, "Attributes=\"7\"");
	SHOWS(out, "@a.example</t:PrimarySmtpAddress>");
	HIDES(out, "1004336348");
	HIDES(out, "1177238915");
	HIDES(out, "1104");
	HIDES(out, "1234567890");
	HIDES(out, "alice");
}

static void calendars(void)
{
	const char *out = xml(SOAP("", "<t:CalendarEvent><t:StartTime>2026-03-02T09:00:00</t:StartTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails>"
	                               "<t:ID>AAAAhunter2</t:ID><t:Subject>Merger hunter2</t:Subject><t:Location><![CDATA[hunter2]]></t:Location><t:IsPrivate>false</t:IsPrivate>"
	                               "</t:CalendarEventDetails></t:CalendarEvent><!-- hunter2 --><?hunter2 hunter2?><t:New a=\"hunter2\" Id=\"hunter2\">hunter2</t:New>"
	                               "<t:MergedFreeBusy>0022</t:MergedFreeBusy><t:BusyType>hunter2|</t:BusyType><detail><t:Message>Failed for bob@b.example with pass=hunter2</t:Message></detail>"
	                               "<Error><Message>Not found.</Message></Error><t:InternalReply><t:Message>I am fishing</t:Message></t:InternalReply><Message>fishing</Message>"
	                               "<t:Body>&#104;unter2 &lt;hunter2&gt;</t:Body>hunter2<UserSetting><Name>UserDisplayName</Name><Value>hunter2</Value></UserSetting>"
	                               "<UserSetting><Name>ExternalEwsUrl</Name><Value>https://mail.b.example/EWS/Exchange.asmx?hunter2</Value></UserSetting>"
	                               "<Password>hunter2</Password><wsse:Security xmlns:wsse=\"http://hunter2.example/\">hunter2</wsse:Security>"));

	HIDES(out, "hunter2");
	SHOWS(out, "<t:StartTime>2026-03-02T09:00:00</t:StartTime>");
	SHOWS(out, "<t:BusyType>Busy</t:BusyType>");
	SHOWS(out, "<t:Subject>[14 bytes]</t:Subject>");
	SHOWS(out, "<t:Location>[7 bytes]</t:Location>");
	SHOWS(out, "<t:IsPrivate>false</t:IsPrivate>");
	SHOWS(out, "<t:MergedFreeBusy>0022</t:MergedFreeBusy>");
	SHOWS(out, "<t:Message>Failed for who-");
	SHOWS(out, "@b.example with [12 bytes]</t:Message>");
	SHOWS(out, "<Message>Not found.</Message>");
	HIDES(out, "fishing"); /* what somebody tells those who write is no error's words */
	SHOWS(out, "<Value>https://mail.b.example/EWS/Exchange.asmx[8 bytes]</Value>");
}

/* A CalDAV backend's answers are calendars in XML: how it answered is shown, the calendars are not. */
static void caldav(void)
{
	static const char xml_head[] = "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml; charset=utf-8\r\nETag: \"hunter2\"\r\n\r\n";
	static const char answer[] = "<D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:response><D:href>/dav/hunter2/x.ics</D:href><D:propstat>"
	                             "<D:prop><C:calendar-data>BEGIN:VCALENDAR\nSUMMARY:hunter2\n</C:calendar-data><D:displayname>hunter2</D:displayname></D:prop>"
	                             "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>";
	const char *out = record(xml_head, answer, sizeof answer - 1);

	HIDES(out, "hunter2");
	SHOWS(out, "<D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">");
	SHOWS(out, "<D:status>HTTP/1.1 200 OK</D:status>");
	out = record("HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\n\r\n", "SUMMARY:hunter2\r\n", 17);
	HIDES(out, "hunter2");
	SHOWS(out, "| [17 bytes of text/calendar]\n");
	out = record("REPORT /dav/hunter2/ HTTP/1.1\r\nDepth: 1\r\n\r\n", "", 0);
	SHOWS(out, "| REPORT /[3 bytes]/[7 bytes]/ HTTP/1.1\n| Depth: 1\n");
}

static void odd_documents(void)
{
	static const char wide[] = "\xff\xfe<\0a\0>\0<\0S\0u\0b\0j\0e\0c\0t\0>\0h\0i\0<\0/\0S\0u\0b\0j\0e\0c\0t\0>\0<\0/\0a\0>";
	char *deep = malloc(20000), *p = deep;
	int at;

	SHOWS(xml("<a><Subject>hunter2</Oops><b>hunter2</b>"), "it is not well-formed here]");
	HIDES(text, "hunter2");
	SHOWS(xml("<a><Subject>hunter2"), "[the rest of 19 bytes is left out");
	HIDES(text, "hunter2");
	SHOWS(xml("<!DOCTYPE a [<!ENTITY x \"hunter2\">]><a>&x;</a>"), "A document type declaration is not allowed.]");
	HIDES(text, "hunter2");
	HIDES(xml("hunter2"), "hunter2");
	HIDES(xml("<hunter2"), "hunter2");
	SHOWS(record("POST / HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n", wide, sizeof wide), "<Subject>[2 bytes]</Subject>");
	SHOWS(record("POST / HTTP/1.1\r\nContent-Type: application/json; a=hunter2\r\n\r\n", "{\"a\":\"hunter2\"}", 15), "| [15 bytes of application/json]\n");
	HIDES(text + strlen("== "), "{\"a\"");
	for (int i = 0; i < 100; i++)
		p += sprintf(p, "<a>");
	SHOWS(xml(deep), "it is nested too deep or has too many namespaces]");
	/* Of a text the length is told, however long it is, and the next one is looked at by itself. */
	at = sprintf(deep, "<a><BusyType>");
	memset(deep + at, 'x', 9000);
	strcpy(deep + at + 9000, "</BusyType><BusyType>Busy</BusyType></a>");
	SHOWS(xml(deep), "<BusyType>[9000 bytes]</BusyType>");
	SHOWS(text, "<BusyType>Busy</BusyType>");
	free(deep);
	/* A message cannot look like the start of a record. */
	xml("<a>\n== 2026-01-01T00:00:00Z front request\n</a>");
	CHECK(strstr(text + 1, "\n== ") == NULL);
	/* Names are shown as far as they are ASCII and short. */
	SHOWS(xml("<h\xc3\xbcnter2/>"), "<[name of 8]>");
}

/* However a document was laid out: one element a line, by its depth, and no blanks around what it says. */
static void layout(void)
{
	char name[100] = "<";
	const char *out = xml("<a>\n <b>\r\n\t<BusyType>\n Busy \t</BusyType>\n <Subject> \n</Subject></b></a>");

	SHOWS(out, "\n|\n| <a>\n|   <b>\n|     <BusyType>Busy</BusyType>\n|     <Subject></Subject>\n|   </b>\n| </a>\n");
	SHOWS(xml("<a xmlns=\"DAV:\"/>"), "<a xmlns=\"DAV:\"></a>");
	SHOWS(xml(SOAP("<t:A Version=\"1\"/><t:B s:mustUnderstand=\"0\"/><t:C Version=\"2\" s:mustUnderstand=\"1\"/><t:D s:mustUnderstand=\"10\"/>", "<t:E/>")),
	      "}A {http://schemas.microsoft.com/exchange/services/2006/types}B {http://schemas.microsoft.com/exchange/services/2006/types}C(mustUnderstand) "
	      "{http://schemas.microsoft.com/exchange/services/2006/types}D\n");
	memset(name + 1, 'x', 80);
	strcpy(name + 81, "/>");
	SHOWS(xml(name), "xxx></");
	strcpy(name + 81, "x/>");
	SHOWS(xml(name), "| <[name of 81]></[name of 81]>\n");
}

static void file_has_an_end(void)
{
	const struct trace_about about = {.side = "front", .what = "failure"};
	struct trace *small = trace_new(fd, key, 1000);
	struct stat st;
	uint64_t bytes;

	if (ftruncate(fd, 0) != 0)
		abort();
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), false, LOG_LEVEL_ERROR, "test");
	for (int i = 0; i < 100; i++) {
		struct trace_record *r = trace_begin(small, &about);

		trace_note(r, "the handshake failed");
		trace_end(r, NULL);
	}
	CHECK_STR(trace_state(small, &bytes), "ended");
	CHECK_STR(trace_state(trace, &bytes), "on");
	CHECK(fstat(fd, &st) == 0 && bytes == (uint64_t)st.st_size);
	CHECK_STR(trace_state(NULL, &bytes), "off");
	CHECK(fstat(fd, &st) == 0 && st.st_size <= 1000 && st.st_size > 700);
	CHECK(trace_begin(small, &about) == NULL);
	trace_free(small);
	CHECK(trace_begin(NULL, &about) == NULL);
	CHECK_INT(trace_connection(trace), 1);
	CHECK_INT(trace_connection(trace), 2);
	CHECK_INT(trace_connection(NULL), 0);
	trace_note(NULL, "x");
	trace_end(NULL, NULL);
}

/* What clients of all kinds sent: the login and what they say of people are gone. */
static void captured(void)
{
	static char whole[1 << 20];
	glob_t found;

	CHECK_INT(glob("tests/captures/*.http", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *f = fopen(found.gl_pathv[i], "re");
		size_t n = f ? fread(whole, 1, sizeof whole - 1, f) : 0;
		char *body, *token;
		const char *out;

		if (f)
			fclose(f);
		whole[n] = 0;
		body = strstr(whole, "\r\n\r\n") ? strstr(whole, "\r\n\r\n") + 4 : strstr(whole, "\n\n") ? strstr(whole, "\n\n") + 2 : whole + n;
		token = strcasestr(whole, "\nAuthorization: ");
		token = token ? strchr(token + 16, ' ') : NULL;
		{
			char *copy = strndup(whole, (size_t)(body - whole)), secret[41] = "";

			out = record(copy, body, n - (size_t)(body - whole));
			if (token)
				snprintf(secret, sizeof secret, "%.*s", (int)strcspn(token + 1, "\r\n"), token + 1);
			CHECK(out[0] == '=');
			if (strlen(secret) > 3)
				HIDES(out, secret);
			HIDES(out, "anna@");
			HIDES(out, "bob@");
			free(copy);
		}
	}
	CHECK(found.gl_pathc >= 50);
	globfree(&found);
}

int main(void)
{
	fd = mkstemp(path);
	fcntl(fd, F_SETFL, O_APPEND);
	trace = trace_new(fd, key, TRACE_FILE_MAX);
	record_as_a_whole();
	credentials();
	no_scheme();
	targets();
	people();
	security_context();
	calendars();
	caldav();
	odd_documents();
	layout();
	captured();
	file_has_an_end();
	trace_free(trace);
	unlink(path);
	return check_done();
}
