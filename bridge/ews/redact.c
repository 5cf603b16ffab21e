#include "bridge/ews/redact.h"
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/ews/sax.h"
#include "bridge/ews/scan.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/xml_error.h"

enum { TEXT_MAX = 8 << 10, NAME_MAX_BYTES = 80 };

/* By local name, and by that of the element around it where the name alone says too little. */
struct row {
	const char *inside; /* NULL = wherever it stands */
	const char *name;
	enum ews_text kind;
};
static const struct row texts[] = {
	/* who */
	{NULL, "Address", EWS_TEXT_ADDRESS}, {NULL, "EmailAddress", EWS_TEXT_ADDRESS}, {NULL, "EMailAddress", EWS_TEXT_ADDRESS},
	{NULL, "PrimarySmtpAddress", EWS_TEXT_ADDRESS}, {NULL, "SmtpAddress", EWS_TEXT_ADDRESS}, {NULL, "PrincipalName", EWS_TEXT_ADDRESS},
	{"User", "Mailbox", EWS_TEXT_ADDRESS}, {"GetUserPhoto", "Email", EWS_TEXT_ADDRESS}, {NULL, "AutoDiscoverSMTPAddress", EWS_TEXT_ADDRESS},
	{NULL, "RedirectAddr", EWS_TEXT_ADDRESS}, {NULL, "LegacyDN", EWS_TEXT_ADDRESS}, {NULL, "UserSid", EWS_TEXT_SID},
	{NULL, "SecurityIdentifier", EWS_TEXT_SID}, {NULL, "SID", EWS_TEXT_SID}, {NULL, "RoutingType", EWS_TEXT_TOKEN},
	{NULL, "MailboxType", EWS_TEXT_TOKEN}, {NULL, "AttendeeType", EWS_TEXT_TOKEN}, {NULL, "ExcludeConflicts", EWS_TEXT_TOKEN},
	{NULL, "Domain", EWS_TEXT_TOKEN},
	/* what kind of call */
	{NULL, "ProxyRequestTypeHeader", EWS_TEXT_TOKEN}, {NULL, "RequestTypeHeader", EWS_TEXT_TOKEN}, {NULL, "RequestType", EWS_TEXT_TOKEN},
	{NULL, "RequestedServerVersion", EWS_TEXT_TOKEN}, {NULL, "Action", EWS_TEXT_TOKEN}, {NULL, "To", EWS_TEXT_TOKEN},
	{NULL, "MessageID", EWS_TEXT_TOKEN}, {NULL, "RelatesTo", EWS_TEXT_TOKEN}, {NULL, "AcceptableResponseSchema", EWS_TEXT_TOKEN},
	{NULL, "ConfigurationName", EWS_TEXT_TOKEN}, {NULL, "MailTipsRequested", EWS_TEXT_TOKEN}, {NULL, "MailTipsEnabled", EWS_TEXT_TOKEN},
	{NULL, "SizeRequested", EWS_TEXT_TOKEN}, {NULL, "Scope", EWS_TEXT_TOKEN}, {"RequestedSettings", "Setting", EWS_TEXT_TOKEN},
	/* zones and windows */
	{NULL, "Bias", EWS_TEXT_TOKEN}, {NULL, "Time", EWS_TEXT_TOKEN}, {NULL, "DayOrder", EWS_TEXT_TOKEN}, {NULL, "Month", EWS_TEXT_TOKEN},
	{NULL, "DayOfWeek", EWS_TEXT_TOKEN}, {NULL, "Year", EWS_TEXT_TOKEN}, {NULL, "StartTime", EWS_TEXT_TOKEN}, {NULL, "EndTime", EWS_TEXT_TOKEN},
	{NULL, "StartTimeInMinutes", EWS_TEXT_TOKEN}, {NULL, "EndTimeInMinutes", EWS_TEXT_TOKEN},
	{NULL, "MergedFreeBusyIntervalInMinutes", EWS_TEXT_TOKEN}, {NULL, "RequestedView", EWS_TEXT_TOKEN}, {NULL, "GoodThreshold", EWS_TEXT_TOKEN},
	{NULL, "MaximumResultsByDay", EWS_TEXT_TOKEN}, {NULL, "MaximumNonWorkHourResultsByDay", EWS_TEXT_TOKEN},
	{NULL, "MeetingDurationInMinutes", EWS_TEXT_TOKEN}, {NULL, "MinimumSuggestionQuality", EWS_TEXT_TOKEN},
	{NULL, "CurrentMeetingTime", EWS_TEXT_TOKEN}, {"AbsoluteDateTransition", "To", EWS_TEXT_TOKEN}, {NULL, "TimeOffset", EWS_TEXT_TOKEN},
	{NULL, "DateTime", EWS_TEXT_TOKEN}, {NULL, "Occurrence", EWS_TEXT_TOKEN},
	/* free/busy */
	{NULL, "FreeBusyViewType", EWS_TEXT_TOKEN}, {NULL, "MergedFreeBusy", EWS_TEXT_TOKEN}, {NULL, "BusyType", EWS_TEXT_TOKEN},
	{NULL, "IsMeeting", EWS_TEXT_TOKEN}, {NULL, "IsRecurring", EWS_TEXT_TOKEN}, {NULL, "IsException", EWS_TEXT_TOKEN},
	{NULL, "IsReminderSet", EWS_TEXT_TOKEN}, {NULL, "IsPrivate", EWS_TEXT_TOKEN}, {NULL, "Date", EWS_TEXT_TOKEN},
	{NULL, "DayQuality", EWS_TEXT_TOKEN}, {NULL, "MeetingTime", EWS_TEXT_TOKEN}, {NULL, "IsWorkTime", EWS_TEXT_TOKEN},
	{NULL, "SuggestionQuality", EWS_TEXT_TOKEN}, {NULL, "NumberOfMembers", EWS_TEXT_TOKEN}, {NULL, "NumberOfMembersAvailable", EWS_TEXT_TOKEN},
	{NULL, "NumberOfMembersWithConflict", EWS_TEXT_TOKEN}, {NULL, "NumberOfMembersWithNoData", EWS_TEXT_TOKEN},
	/* what went wrong */
	{NULL, "ResponseCode", EWS_TEXT_TOKEN}, {NULL, "ErrorCode", EWS_TEXT_TOKEN}, {NULL, "DescriptiveLinkKey", EWS_TEXT_TOKEN},
	{NULL, "ExceptionType", EWS_TEXT_TOKEN}, {NULL, "ExceptionCode", EWS_TEXT_TOKEN}, {NULL, "ExceptionServerName", EWS_TEXT_TOKEN},
	{NULL, "ResponseSource", EWS_TEXT_TOKEN}, {NULL, "faultcode", EWS_TEXT_TOKEN}, {NULL, "faultactor", EWS_TEXT_TOKEN},
	{NULL, "LineNumber", EWS_TEXT_TOKEN}, {NULL, "LinePosition", EWS_TEXT_TOKEN}, {NULL, "status", EWS_TEXT_TOKEN},
	{NULL, "request-status", EWS_TEXT_TOKEN}, {NULL, "MessageText", EWS_TEXT_SENTENCE}, {NULL, "faultstring", EWS_TEXT_SENTENCE},
	{"detail", "Message", EWS_TEXT_SENTENCE}, {"Error", "Message", EWS_TEXT_SENTENCE}, /* elsewhere it is what somebody on leave tells others */
	{NULL, "ErrorMessage", EWS_TEXT_SENTENCE}, {NULL, "Violation", EWS_TEXT_SENTENCE},
	/* Autodiscover's answers */
	{NULL, "ASUrl", EWS_TEXT_TOKEN}, {NULL, "EwsUrl", EWS_TEXT_TOKEN}, {NULL, "OOFUrl", EWS_TEXT_TOKEN}, {NULL, "RedirectUrl", EWS_TEXT_TOKEN},
	{NULL, "RedirectTarget", EWS_TEXT_VALUE}, {NULL, "AccountType", EWS_TEXT_TOKEN}, {NULL, "MicrosoftOnline", EWS_TEXT_TOKEN},
	{NULL, "Type", EWS_TEXT_TOKEN}, {NULL, "Server", EWS_TEXT_TOKEN}, {NULL, "ServerVersion", EWS_TEXT_TOKEN}, {NULL, "SSL", EWS_TEXT_TOKEN},
	{NULL, "AuthPackage", EWS_TEXT_TOKEN}, {"UserSetting", "Name", EWS_TEXT_TOKEN}, {"UserSetting", "Value", EWS_TEXT_VALUE},
	{"DomainSetting", "Name", EWS_TEXT_TOKEN}, {"DomainSetting", "Value", EWS_TEXT_VALUE}, {NULL, "SettingName", EWS_TEXT_TOKEN},
	{"ServerVersionInfo", "MajorVersion", EWS_TEXT_TOKEN}, {"ServerVersionInfo", "MinorVersion", EWS_TEXT_TOKEN},
	{"ServerVersionInfo", "MajorBuildNumber", EWS_TEXT_TOKEN}, {"ServerVersionInfo", "MinorBuildNumber", EWS_TEXT_TOKEN},
	{"ServerVersionInfo", "Version", EWS_TEXT_TOKEN},
};
/* Attributes, by the element that bears them where it matters: an ItemId's Id is no zone's. */
static const struct row attributes[] = {
	{"TimeZoneDefinition", "Id", EWS_TEXT_TOKEN}, {"TimeZoneDefinition", "Name", EWS_TEXT_TOKEN}, {"Period", "Id", EWS_TEXT_TOKEN},
	{"Period", "Name", EWS_TEXT_TOKEN}, {"Period", "Bias", EWS_TEXT_TOKEN}, {"TransitionsGroup", "Id", EWS_TEXT_TOKEN},
	{"To", "Kind", EWS_TEXT_TOKEN}, {"Error", "Id", EWS_TEXT_TOKEN}, {"Error", "Time", EWS_TEXT_TOKEN},
	{"GroupIdentifier", "Attributes", EWS_TEXT_TOKEN}, {NULL, "Version", EWS_TEXT_TOKEN}, {NULL, "ResponseClass", EWS_TEXT_TOKEN},
	{NULL, "mustUnderstand", EWS_TEXT_TOKEN}, {NULL, "actor", EWS_TEXT_TOKEN}, {NULL, "role", EWS_TEXT_TOKEN}, {NULL, "type", EWS_TEXT_TOKEN},
	{NULL, "nil", EWS_TEXT_TOKEN}, {NULL, "lang", EWS_TEXT_TOKEN}, {NULL, "MajorVersion", EWS_TEXT_TOKEN}, {NULL, "MinorVersion", EWS_TEXT_TOKEN},
	{NULL, "MajorBuildNumber", EWS_TEXT_TOKEN}, {NULL, "MinorBuildNumber", EWS_TEXT_TOKEN},
};

struct redacting {
	struct buf *out, *headers;
	ews_mask_fn *mask;
	void *arg;
	xmlParserCtxtPtr ctxt;
	const char *open[SAX_MAX_DEPTH]; /* local names, borrowed from the parser's dictionary */
	size_t depth, namespaces, declared[SAX_MAX_DEPTH];
	struct buf text;
	size_t text_bytes; /* of the present text, kept or not */
	bool tagged;       /* the last thing written was a start tag: an end tag may follow on its line */
	const char *broken; /* why the reading ended early; static */
};

static enum ews_text kind_of(const struct row *rows, size_t n, const char *inside, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0 && (!rows[i].inside || (inside && strcmp(rows[i].inside, inside) == 0)))
			return rows[i].kind;
	return EWS_TEXT_HIDDEN;
}
#define KIND(rows, inside, name) kind_of((rows), sizeof(rows) / sizeof *(rows), (inside), (name))

static void stop(struct redacting *r, const char *why)
{
	if (!r->broken)
		r->broken = why;
	xmlStopParser(r->ctxt);
}

static void indent(struct redacting *r, size_t depth)
{
	if (r->out->len)
		buf_putc(r->out, '\n');
	for (size_t i = 0; i < depth; i++)
		buf_puts(r->out, "  ");
}

/* XML allows thousands of letters in a name; the protocol's are ASCII. */
static void put_name(struct buf *out, const xmlChar *prefix, const xmlChar *local)
{
	const char *parts[] = {(const char *)prefix, (const char *)local};

	for (size_t i = 0; i < 2; i++) {
		size_t n = parts[i] ? strspn(parts[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") : 0;

		if (!parts[i])
			continue;
		if (parts[i][n] || n > NAME_MAX_BYTES)
			buf_printf(out, "[name of %zu]", strlen(parts[i]));
		else
			buf_puts(out, parts[i]);
		if (i == 0)
			buf_putc(out, ':');
	}
}

/* Namespaces are the protocol's words if it is their owners who gave them. */
static void put_namespace(struct redacting *r, struct buf *out, const xmlChar *uri)
{
	static const char *const owners[] = {"http://schemas.microsoft.com/", "http://schemas.xmlsoap.org/", "http://www.w3.org/",
	                                     "http://docs.oasis-open.org/", "urn:ietf:params:xml:ns:", "DAV:"};
	const char *s = uri ? (const char *)uri : "";
	enum ews_text kind = EWS_TEXT_HIDDEN;

	for (size_t i = 0; i < sizeof(owners) / sizeof *owners; i++)
		if (strncmp(s, owners[i], strlen(owners[i])) == 0)
			kind = EWS_TEXT_TOKEN;
	r->mask(r->arg, out, kind, s, strlen(s));
}

static void flush_text(struct redacting *r)
{
	const char *s = buf_cstr(&r->text);
	size_t n = r->text.len, lead = strspn(s, " \t\r\n");
	const char *name = r->depth ? r->open[r->depth - 1] : "";

	while (n > lead && strchr(" \t\r\n", s[n - 1]))
		n--;
	if (r->text_bytes > r->text.len)
		buf_printf(r->out, "[%zu bytes]", r->text_bytes);
	else if (n > lead)
		r->mask(r->arg, r->out, KIND(texts, r->depth > 1 ? r->open[r->depth - 2] : NULL, name), s + lead, n - lead);
	buf_reset(&r->text);
	r->text_bytes = 0;
}

static void put_attributes(struct redacting *r, const char *name, int n_ns, const xmlChar **ns, int n, const xmlChar **list)
{
	for (int i = 0; i < n_ns; i++) {
		buf_puts(r->out, ns[2 * i] ? " xmlns:" : " xmlns");
		if (ns[2 * i])
			put_name(r->out, NULL, ns[2 * i]);
		buf_puts(r->out, "=\"");
		put_namespace(r, r->out, ns[2 * i + 1]);
		buf_putc(r->out, '"');
	}
	for (int i = 0; i < n; i++) {
		const xmlChar **a = list + 5 * i; /* name, prefix, URI, value, end of value */

		buf_putc(r->out, ' ');
		put_name(r->out, a[1], a[0]);
		buf_puts(r->out, "=\"");
		r->mask(r->arg, r->out, KIND(attributes, name, (const char *)a[0]), (const char *)a[3], (size_t)(a[4] - a[3]));
		buf_putc(r->out, '"');
	}
}

static bool is_must(const xmlChar **list, int n)
{
	for (int i = 0; i < n; i++) {
		const xmlChar **a = list + 5 * i;

		if (strcmp((const char *)a[0], "mustUnderstand") == 0 && a[4] - a[3] == 1 && *a[3] == '1')
			return true;
	}
	return false;
}

static void on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int n_ns, const xmlChar **ns, int n,
                     int n_defaulted, const xmlChar **list)
{
	struct redacting *r = arg;

	if (r->broken)
		return;
	flush_text(r);
	r->namespaces += (size_t)n_ns;
	if (r->depth == SAX_MAX_DEPTH || r->namespaces > SAX_MAX_NAMESPACES) {
		stop(r, "it is nested too deep or has too many namespaces");
		return;
	}
	if (r->headers && r->depth == 2 && strcmp(r->open[1], "Header") == 0) {
		buf_puts(r->headers, " {");
		put_namespace(r, r->headers, uri);
		buf_putc(r->headers, '}');
		put_name(r->headers, NULL, local);
		if (is_must(list, n))
			buf_puts(r->headers, "(mustUnderstand)");
	}
	indent(r, r->depth);
	r->declared[r->depth] = (size_t)n_ns;
	r->open[r->depth++] = (const char *)local;
	buf_putc(r->out, '<');
	put_name(r->out, prefix, local);
	put_attributes(r, (const char *)local, n_ns, ns, n, list);
	buf_putc(r->out, '>');
	r->tagged = true;
}

static void on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct redacting *r = arg;

	if (r->broken || r->depth == 0)
		return;
	flush_text(r);
	r->namespaces -= r->declared[--r->depth];
	if (!r->tagged)
		indent(r, r->depth);
	buf_puts(r->out, "</");
	put_name(r->out, prefix, local);
	buf_putc(r->out, '>');
	r->tagged = false;
}

static void on_text(void *arg, const xmlChar *p, int n)
{
	struct redacting *r = arg;

	if (r->broken || r->depth == 0)
		return;
	r->text_bytes += (size_t)n;
	if (r->text_bytes <= TEXT_MAX)
		buf_add(&r->text, p, (size_t)n);
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	stop(arg, "it has a document type");
}

static void on_error(void *arg, xml_error e)
{
	if (e->level >= XML_ERR_ERROR)
		stop(arg, "it is not well-formed here");
}

static void parse(struct redacting *r, const char *p, size_t n)
{
	xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end, .characters = on_text,
	                     .cdataBlock = on_text, .internalSubset = on_doctype, .serror = on_error};
	xmlParserCtxtPtr ctxt = xmlCreateMemoryParserCtxt(p, (int)n);

	if (!ctxt) {
		r->broken = "there was no memory to read it";
		return;
	}
	if (ctxt->sax)
		*ctxt->sax = sax;
	ctxt->userData = r;
	xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_NOENT);
	r->ctxt = ctxt;
	xmlParseDocument(ctxt);
	if (!ctxt->wellFormed && !r->broken)
		r->broken = "it is not well-formed";
	if (r->broken)
		buf_printf(r->out, "%s[the rest of %zu bytes is left out from line %d on: %s]", r->out->len ? "\n" : "", n,
		           ctxt->input ? ctxt->input->line : 0, r->broken);
	r->ctxt = NULL;
	xmlFreeParserCtxt(ctxt);
}

void ews_redact(struct buf *out, struct buf *headers, const void *xml, size_t n, ews_mask_fn *mask, void *arg)
{
	struct redacting r = {.out = out, .headers = headers, .mask = mask, .arg = arg};
	struct buf utf8;
	const char *why;

	buf_init(&utf8, SOAP_MAX_REQUEST * 2);
	buf_init(&r.text, TEXT_MAX + 1);
	if (n > SOAP_MAX_REQUEST)
		why = "It is too long to be retold.";
	else
		why = scan_document(&xml, &n, &utf8);
	if (why)
		buf_printf(out, "[%zu bytes. %s]", n, why);
	else
		parse(&r, xml, n);
	buf_free(&r.text);
	buf_free(&utf8);
}
