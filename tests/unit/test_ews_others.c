/* links: base availability ews acl conf pki */
/* The operations beside GetUserAvailability, and faults. With a folder as its argument it leaves each there as NAME.xml for tests/schema/answers.py. */
#include "tests/unit/ews_document.h"
#include "tests/unit/ews_help.h"
#include "bridge/ews/response.h"

static void test_faults(void)
{
	struct ews_request *r = read_text(SOAP("", GUA("<t:Wrong/>")));
	const char *x;

	buf_reset(&out);
	CHECK_INT(ews_write_fault(&out, &r->fault), 0);
	x = leave("fault-schema");
	CHECK_STR(inside(x, "t:LineNumber", 0), "1");
	CHECK(atoi(inside(x, "t:LinePosition", 0)) > 100);
	CHECK(strstr(inside(x, "t:Violation", 0), "Wrong"));
	CHECK(strstr(x, "<t:MessageXml><t:LineNumber>") && strstr(x, "</t:Violation></t:MessageXml></detail>"));
	CHECK(strstr(x, "\">The request failed schema validation: ") && strstr(x, "\">The request failed schema validation.</e:Message>"));
	CHECK(strstr(x, "<faultcode xmlns:a=\"http://schemas.microsoft.com/exchange/services/2006/types\">a:ErrorSchemaValidation</faultcode>"));
	ews_request_free(r);
	buf_reset(&out);
	CHECK_INT(ews_write_fault_code(&out, "ErrorServerBusy", "Too much & more."), 0);
	x = leave("fault-busy");
	CHECK_STR(inside(x, "faultstring xml:lang=\"en-US\"", 0), NULL);
	CHECK(strstr(x, "\">Too much &amp; more.</faultstring>") && strstr(x, "\">Too much &amp; more.</e:Message>"));
	CHECK_INT(count(x, "MessageXml"), 0);
}

static const char *other(const char *body, const char *name, int status)
{
	struct ews_request *r = read_text(body);

	CHECK_STR(r->fault.code, NULL);
	buf_reset(&out);
	CHECK_INT(ews_write_other(&out, r, "anna@a.example"), status);
	ews_request_free(r);
	return leave(name);
}

static void test_others(void)
{
	const char *x = other(SOAP("", "<m:ConvertId DestinationFormat=\"EntryId\"><m:SourceIds><t:AlternateId Id=\"A&amp;B\" Format=\"EwsId\" Mailbox=\"blah@blah.com\"/>"
	                               "</m:SourceIds></m:ConvertId>"), "convert-id", 200);

	CHECK(strstr(x, "Format=\"EntryId\" Id=\"A&amp;B\" Mailbox=\"anna@a.example\""));
	x = other(SOAP("", "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id=\"inbox\"/>"
	                   "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>a@b</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
	                   "<t:DistinguishedFolderId Id=\"contacts\"/><t:DistinguishedFolderId Id=\"tasks\"/>"
	                   "<t:FolderId Id=\"AAMk\"/></m:FolderIds></m:GetFolder>"), "get-folder", 200);
	CHECK_INT(count(x, "ResponseClass=\"Success\""), 4);
	CHECK_INT(count(x, "ResponseClass=\"Error\""), 1);
	CHECK_INT(count(x, "<t:CalendarFolder>"), 1);
	x = other(SOAP("", "<m:SyncFolderItems><m:SyncFolderId><t:FolderId Id=\"\"/></m:SyncFolderId></m:SyncFolderItems>"), "sync-items", 200);
	CHECK_INT(count(x, "SyncFolderItemsResponseMessage ResponseClass=\"Error\""), 1);
	x = other(SOAP("", "<m:SyncFolderHierarchy/>"), "sync-hierarchy", 200);
	CHECK_INT(count(x, "SyncFolderHierarchyResponseMessage ResponseClass=\"Error\""), 1);
	x = other(SOAP("", "<m:GetMailTips><m:SendingAs><t:EmailAddress>a@b</t:EmailAddress></m:SendingAs><m:Recipients><t:Mailbox><t:EmailAddress>c@d</t:EmailAddress>"
	                   "</t:Mailbox></m:Recipients><m:MailTipsRequested>All</m:MailTipsRequested></m:GetMailTips>"), "mail-tips", 200);
	CHECK_INT(count(x, "ErrorMailTipsDisabled"), 1);
	x = other(SOAP("", "<m:GetServiceConfiguration><m:RequestedConfiguration><m:ConfigurationName>MailTips</m:ConfigurationName></m:RequestedConfiguration>"
	                   "</m:GetServiceConfiguration>"), "service-configuration", 200);
	CHECK_STR(inside(x, "t:MailTipsEnabled", 0), "false");
	x = other(SOAP("", "<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>a@b</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>"), "oof", 500);
	CHECK(strstr(x, "ErrorAccessDenied"));
	x = other(SOAP("", "<m:GetUserPhoto><m:Email>a@b</m:Email><m:SizeRequested>HR48x48</m:SizeRequested></m:GetUserPhoto>"), "photo", 200);
	CHECK_STR(inside(x, "m:ResponseCode", 0), "ErrorItemNotFound");
	CHECK(strstr(x, "<m:GetUserPhotoResponse ResponseClass=\"Error\">") && strstr(x, "<m:HasChanged>false</m:HasChanged>"));
	x = other(SOAP("", "<m:FindMessageTrackingReport><m:Scope>Organization</m:Scope><m:Domain>b</m:Domain></m:FindMessageTrackingReport>"), "find-tracking", 200);
	CHECK(strstr(x, "<m:FindMessageTrackingReportResponse ResponseClass=\"Error\">") && strstr(x, "ErrorMessageTrackingNoSuchDomain"));
	x = other(SOAP("", "<m:GetMessageTrackingReport><m:Scope>Organization</m:Scope></m:GetMessageTrackingReport>"), "get-tracking", 200);
	CHECK(strstr(x, "<m:GetMessageTrackingReportResponse ResponseClass=\"Error\">"));
}

/* To a login that has no mailbox each id comes back with the one that was named for it, unless that is longer than any: a request must not grow so. */
static void test_mailbox_of_ids(void)
{
	char xml[2000], mailbox[400] = "blah@blah.com", want[500];

	for (int i = 0; i < 2; i++) {
		struct ews_request *r;

		snprintf(xml, sizeof xml, SOAP("", "<m:ConvertId DestinationFormat=\"EntryId\"><m:SourceIds><t:AlternateId Id=\"a\" Mailbox=\"%s\"/></m:SourceIds>"
		                               "</m:ConvertId>"), mailbox);
		snprintf(want, sizeof want, "Id=\"a\" Mailbox=\"%s\"", i ? "unknown" : mailbox);
		r = read_text(xml);
		buf_reset(&out);
		CHECK_INT(ews_write_other(&out, r, ""), 200);
		CHECK(strstr(buf_cstr(&out), want));
		ews_request_free(r);
		memset(mailbox, 'x', 330);
	}
}

int main(int argc, char **argv)
{
	folder = argc > 1 ? argv[1] : NULL;
	buf_init(&out, 8 << 20);
	test_faults();
	test_others();
	test_mailbox_of_ids();
	buf_free(&out);
	return check_done();
}
