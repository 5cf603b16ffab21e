#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/writing.h"

/*
 * What real clients send before, or beside, their free/busy question. This is no mail server: there are no folders and no items here.
 * Each answer is the least that lets the client go on: DavMail logs in with a Success for each well-known folder and learns its own
 * address from ConvertId; exchangelib reads the server's version from the answer to ConvertId and the zone from GetServerTimeZones;
 * evolution-ews takes an Error for a folder, but a SOAP fault ends its connection.
 */

enum { MAX_FOLDER_NAME = 40 };

/* <m:NAMEResponseMessage ResponseClass="Error"> with its parts, closed. */
static void put_refusal(struct buf *out, const char *name, const char *code, const char *text)
{
	buf_printf(out, "<m:%sResponseMessage ResponseClass=\"Error\">", name);
	error_put(out, code, text);
	buf_printf(out, "</m:%sResponseMessage>", name);
}

/* An id can mean nothing here, so each is its own translation; the mailbox is that of the login: DavMail learns its own address by it. */
static void put_convert_id(struct buf *out, const struct ews_request *r, const char *address)
{
	const char *mailbox = *address ? address : r->requested && *r->requested ? r->requested : "unknown";

	buf_puts(out, "<m:ConvertIdResponse><m:ResponseMessages>");
	for (size_t i = 0; i < r->n_ids; i++) {
		buf_puts(out, "<m:ConvertIdResponseMessage ResponseClass=\"Success\">");
		success_put(out);
		buf_puts(out, "<m:AlternateId xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"t:AlternateIdType\" Format=\"");
		text_xml(out, r->destination);
		buf_puts(out, "\" Id=\"");
		text_xml(out, r->ids[i]);
		buf_puts(out, "\" Mailbox=\"");
		text_xml(out, mailbox);
		buf_puts(out, "\"/></m:ConvertIdResponseMessage>");
	}
	buf_puts(out, "</m:ResponseMessages></m:ConvertIdResponse>");
}

static bool is_folder_name(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz");

	return n && n <= MAX_FOLDER_NAME && !id[n];
}

/* The element of a folder by its well-known name. */
static const char *folder_kind(const char *id)
{
	if (strcmp(id, "calendar") == 0)
		return "CalendarFolder";
	if (strcmp(id, "contacts") == 0)
		return "ContactsFolder";
	if (strcmp(id, "tasks") == 0)
		return "TasksFolder";
	return "Folder";
}

static void put_folder(struct buf *out, const char *id)
{
	const char *kind = folder_kind(id);

	if (!is_folder_name(id)) {
		put_refusal(out, "GetFolder", "ErrorItemNotFound", "There is no such folder: this server answers free/busy questions only.");
		return;
	}
	buf_puts(out, "<m:GetFolderResponseMessage ResponseClass=\"Success\">");
	success_put(out);
	buf_printf(out, "<m:Folders><t:%s><t:FolderId Id=\"%s\" ChangeKey=\"AAAA\"/><t:DisplayName>%s</t:DisplayName>", kind, id, id);
	buf_printf(out, "<t:TotalCount>0</t:TotalCount><t:ChildFolderCount>0</t:ChildFolderCount>%s</t:%s></m:Folders></m:GetFolderResponseMessage>",
	           kind[0] == 'F' || kind[0] == 'T' ? "<t:UnreadCount>0</t:UnreadCount>" : "", kind);
}

static void put_folders(struct buf *out, const struct ews_request *r)
{
	buf_puts(out, "<m:GetFolderResponse><m:ResponseMessages>");
	for (size_t i = 0; i < r->n_ids; i++)
		put_folder(out, r->ids[i]);
	buf_puts(out, "</m:ResponseMessages></m:GetFolderResponse>");
}

static void put_sync(struct buf *out, const char *name)
{
	buf_printf(out, "<m:%sResponse><m:ResponseMessages>", name);
	put_refusal(out, name, "ErrorItemNotFound", "There are no folders here: this server answers free/busy questions only.");
	buf_printf(out, "</m:ResponseMessages></m:%sResponse>", name);
}

static void put_mail_tips(struct buf *out, const struct ews_request *r)
{
	buf_puts(out, "<m:GetMailTipsResponse ResponseClass=\"Success\">");
	success_put(out);
	if (r->n_ids)
		buf_puts(out, "<m:ResponseMessages>");
	for (size_t i = 0; i < r->n_ids; i++) {
		buf_puts(out, "<m:MailTipsResponseMessageType ResponseClass=\"Error\">");
		error_put(out, "ErrorMailTipsDisabled", "Mail tips are not served here.");
		buf_puts(out, "</m:MailTipsResponseMessageType>");
	}
	if (r->n_ids)
		buf_puts(out, "</m:ResponseMessages>");
	buf_puts(out, "</m:GetMailTipsResponse>");
}

static void put_configuration(struct buf *out)
{
	buf_puts(out, "<m:GetServiceConfigurationResponse ResponseClass=\"Success\">");
	success_put(out);
	buf_puts(out, "<m:ResponseMessages><m:ServiceConfigurationResponseMessageType ResponseClass=\"Success\">");
	success_put(out);
	buf_puts(out, "<m:MailTipsConfiguration><t:MailTipsEnabled>false</t:MailTipsEnabled>"
	              "<t:MaxRecipientsPerGetMailTipsRequest>100</t:MaxRecipientsPerGetMailTipsRequest><t:MaxMessageSize>10485760</t:MaxMessageSize>"
	              "<t:LargeAudienceThreshold>25</t:LargeAudienceThreshold><t:ShowExternalRecipientCount>false</t:ShowExternalRecipientCount>"
	              "<t:InternalDomains/><t:PolicyTipsEnabled>false</t:PolicyTipsEnabled><t:LargeAudienceCap>1000</t:LargeAudienceCap>"
	              "</m:MailTipsConfiguration></m:ServiceConfigurationResponseMessageType></m:ResponseMessages></m:GetServiceConfigurationResponse>");
}

/* The answer's element is the message itself. */
static void put_whole_refusal(struct buf *out, const char *name, const char *code, const char *text, const char *rest)
{
	buf_printf(out, "<m:%sResponse ResponseClass=\"Error\">", name);
	error_put(out, code, text);
	buf_printf(out, "%s</m:%sResponse>", rest, name);
}

int ews_write_other(struct buf *out, const struct ews_request *r, const char *address)
{
	switch (r->operation) {
	case EWS_GET_USER_OOF_SETTINGS:
		/* Only the owner may read them, and nobody's are here: Exchange answers others with this fault. */
		return ews_write_fault_code(out, "ErrorAccessDenied", "Access is denied: out-of-office settings are not served here.") ? -1 : 500;
	case EWS_UNKNOWN:
	case EWS_GET_USER_AVAILABILITY:
		return ews_write_fault_code(out, "ErrorInvalidRequest", "This operation is not known here.") ? -1 : 500;
	case EWS_CONVERT_ID:
	case EWS_GET_FOLDER:
		if (r->n_ids == 0)
			return ews_write_fault_code(out, "ErrorSchemaValidation", "The request names no id.") ? -1 : 500;
		break;
	default:
		break;
	}
	soap_begin(out);
	if (r->operation == EWS_CONVERT_ID)
		put_convert_id(out, r, address);
	else if (r->operation == EWS_GET_FOLDER)
		put_folders(out, r);
	else if (r->operation == EWS_GET_SERVER_TIME_ZONES)
		zones_put(out, r);
	else if (r->operation == EWS_GET_MAIL_TIPS)
		put_mail_tips(out, r);
	else if (r->operation == EWS_GET_SERVICE_CONFIGURATION)
		put_configuration(out);
	else if (r->operation == EWS_GET_USER_PHOTO)
		put_whole_refusal(out, "GetUserPhoto", "ErrorItemNotFound", "Photos are not served here.", "<m:HasChanged>false</m:HasChanged>");
	else if (r->operation == EWS_FIND_MESSAGE_TRACKING_REPORT || r->operation == EWS_GET_MESSAGE_TRACKING_REPORT)
		put_whole_refusal(out, ews_operation_name(r->operation), "ErrorMessageTrackingNoSuchDomain", "Messages are not tracked here.", "");
	else
		put_sync(out, ews_operation_name(r->operation));
	return soap_end(out) ? -1 : 200;
}
