#include "bridge/ews/request.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/ews/reading.h"

/* 100 mailboxes and their texts, or a request of the largest size whose every attribute is kept. */
enum { REQUEST_ARENA = 4 << 20, MAX_IDS = 500 };

static struct reading *reading_of(struct soap *s)
{
	return s->arg;
}

/* ---- headers */

static bool version_open(struct soap *s, const char *text)
{
	static const struct { const char *word; enum ews_version version; } words[] = {
		{"Exchange2007", EWS_2007},           {"Exchange2007_SP1", EWS_2007_SP1}, {"Exchange2009", EWS_2007_SP1},
		{"Exchange2010", EWS_2010},           {"Exchange2010_SP1", EWS_2010_SP1}, {"Exchange2010_SP2", EWS_2010_SP2},
		{"Exchange2012", EWS_2010_SP2},       {"Exchange2013", EWS_2013},         {"Exchange2013_SP1", EWS_2013_SP1},
		{"Exchange2015", EWS_2013_SP1},       {"Exchange2016", EWS_2016},
	};
	const char *v = soap_attribute(s, "Version");

	/* A word that is not known is one that came later. */
	reading_of(s)->r->version = v && *v ? EWS_LATER : EWS_2007;
	for (size_t i = 0; v && i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].word, v) == 0)
			reading_of(s)->r->version = words[i].version;
	return true;
}

/* Sees what is skipped although it bears mustUnderstand: headers of Exchange's own proxying are taken and ignored. */
static bool must_understand(struct soap *s, const char *ns, const char *name)
{
	static const char *const known[] = {"ProxyRequestTypeHeader", "RequestTypeHeader", "RequestType", "SerializedSecurityContext",
	                                    "ExchangeImpersonation", "MailboxCulture", "DateTimePrecision", "ManagementRole",
	                                    "ProxySecurityContext", "ProxySuggesterSid", "ProxyPartnerToken", "OpenAsAdminOrSystemService", NULL};

	/* Addressing says again where the request goes and what is asked, in the words of either year. */
	if (strcmp(ns, "http://www.w3.org/2005/08/addressing") == 0 || strcmp(ns, "http://schemas.xmlsoap.org/ws/2004/08/addressing") == 0)
		return true;
	for (size_t i = 0; known[i]; i++)
		if (strcmp(known[i], name) == 0)
			return true;
	return soap_fault(s, "ErrorInvalidRequest", "The header %.100s must be understood and is not known.", name);
}

/*
 * SerializedSecurityContext: whom a server of ours asks for (EWS of Exchange 2007; the same later, where nothing is published). Nothing in it is
 * ever a violation: whether it counts is not known here.
 */
static bool named_address(struct soap *s, const char *text)
{
	if (!reading_of(s)->r->named_address && *text)
		reading_of(s)->r->named_address = arena_strdup(s->arena, text);
	return true;
}

static bool named_sid(struct soap *s, const char *text)
{
	if (!reading_of(s)->r->named_sid && *text)
		reading_of(s)->r->named_sid = arena_strdup(s->arena, text);
	return true;
}

/* ---- the other operations: only what their answers echo is kept */

static bool keep_id(struct soap *s, const char *id)
{
	struct ews_request *r = reading_of(s)->r;

	if (!r->ids)
		r->ids = arena_alloc(s->arena, MAX_IDS * sizeof *r->ids);
	if (!r->ids || !id)
		return soap_violation(s, "An id is missing.");
	if (r->n_ids == MAX_IDS)
		return soap_fault(s, "ErrorInvalidRequest", "The request names more than %d ids.", MAX_IDS);
	r->ids[r->n_ids++] = id;
	return true;
}

static bool id_attribute(struct soap *s, const char *text)
{
	const char *mailbox = soap_attribute(s, "Mailbox");

	if (mailbox && strlen(mailbox) <= FB_ADDRESS_MAX) /* it is said again with every id of the answer */
		reading_of(s)->r->requested = mailbox;
	return keep_id(s, soap_attribute(s, "Id"));
}

static bool id_text(struct soap *s, const char *text)
{
	return keep_id(s, arena_strdup(s->arena, text));
}

static bool keep_requested(struct soap *s, const char *text)
{
	if (!reading_of(s)->r->requested)
		reading_of(s)->r->requested = arena_strdup(s->arena, text);
	return true;
}

static bool operation(struct soap *s, enum ews_operation op)
{
	struct ews_request *r = reading_of(s)->r;

	if (r->operation != EWS_UNKNOWN)
		return soap_violation(s, "The body holds more than one operation.");
	r->operation = op;
	return true;
}

static bool gua_open(struct soap *s, const char *text)
{
	return operation(s, EWS_GET_USER_AVAILABILITY);
}

static bool convert_open(struct soap *s, const char *text)
{
	static const char *const formats[] = {"EwsLegacyId", "EwsId", "EntryId", "HexEntryId", "StoreId", "OwaId", NULL};
	const char *format = soap_attribute(s, "DestinationFormat");

	if (!operation(s, EWS_CONVERT_ID) || soap_word(s, "DestinationFormat", format ? format : "", formats) < 0)
		return false;
	reading_of(s)->r->destination = format;
	return true;
}

static bool zones_open(struct soap *s, const char *text)
{
	const char *full = soap_attribute(s, "ReturnFullTimeZoneData");

	/* Full data is what is sent when nothing is said. */
	reading_of(s)->r->full_zones = true;
	return operation(s, EWS_GET_SERVER_TIME_ZONES) && (!full || soap_bool(s, "ReturnFullTimeZoneData", full, &reading_of(s)->r->full_zones));
}

static bool folder_open(struct soap *s, const char *text)
{
	return operation(s, EWS_GET_FOLDER);
}

static bool items_open(struct soap *s, const char *text)
{
	return operation(s, EWS_SYNC_FOLDER_ITEMS);
}

static bool hierarchy_open(struct soap *s, const char *text)
{
	return operation(s, EWS_SYNC_FOLDER_HIERARCHY);
}

static bool tips_open(struct soap *s, const char *text)
{
	return operation(s, EWS_GET_MAIL_TIPS);
}

static bool configuration_open(struct soap *s, const char *text)
{
	return operation(s, EWS_GET_SERVICE_CONFIGURATION);
}

static bool oof_open(struct soap *s, const char *text)
{
	return operation(s, EWS_GET_USER_OOF_SETTINGS);
}

static bool photo_open(struct soap *s, const char *text)
{
	return operation(s, EWS_GET_USER_PHOTO);
}

static bool find_tracking_open(struct soap *s, const char *text)
{
	return operation(s, EWS_FIND_MESSAGE_TRACKING_REPORT);
}

static bool get_tracking_open(struct soap *s, const char *text)
{
	return operation(s, EWS_GET_MESSAGE_TRACKING_REPORT);
}

static const struct soap_row source_rows[] = {
	{NS_TYPES, "AlternateId", 0, NULL, id_attribute, NULL},
	{0},
};
static const struct soap_row convert_rows[] = {
	{NS_MESSAGES, "SourceIds", SOAP_LAX, source_rows, NULL, NULL},
	{0},
};
static const struct soap_row zone_id_rows[] = {
	{NS_TYPES, "Id", 0, NULL, NULL, id_text},
	{0},
};
static const struct soap_row zones_rows[] = {
	{NS_MESSAGES, "Ids", SOAP_LAX, zone_id_rows, NULL, NULL},
	{0},
};
/* A distinguished folder may name whose it is; that is of no interest. */
static const struct soap_row folder_id_rows[] = {
	{NS_TYPES, "DistinguishedFolderId", SOAP_LAX, (const struct soap_row[]){{0}}, id_attribute, NULL},
	{NS_TYPES, "FolderId", SOAP_LAX, (const struct soap_row[]){{0}}, id_attribute, NULL},
	{0},
};
static const struct soap_row folder_rows[] = {
	{NS_MESSAGES, "FolderIds", SOAP_LAX, folder_id_rows, NULL, NULL},
	{NS_MESSAGES, "SyncFolderId", SOAP_LAX, folder_id_rows, NULL, NULL},
	{0},
};
static const struct soap_row recipient_rows[] = {
	{NS_TYPES, "EmailAddress", 0, NULL, NULL, id_text},
	{0},
};
static const struct soap_row recipients_rows[] = {
	{NS_TYPES, "Mailbox", SOAP_LAX, recipient_rows, NULL, NULL},
	{0},
};
static const struct soap_row tips_rows[] = {
	{NS_MESSAGES, "Recipients", SOAP_LAX, recipients_rows, NULL, NULL},
	{NS_MESSAGES, "MailTipsRequested", 0, NULL, NULL, keep_requested},
	{0},
};
static const struct soap_row requested_rows[] = {
	{NS_MESSAGES, "ConfigurationName", 0, NULL, NULL, keep_requested},
	{0},
};
static const struct soap_row configuration_rows[] = {
	{NS_MESSAGES, "RequestedConfiguration", SOAP_LAX, requested_rows, NULL, NULL},
	{0},
};
static const struct soap_row body_rows[] = {
	{NS_MESSAGES, "GetUserAvailabilityRequest", 0, gua_rows, gua_open, NULL},
	{NS_MESSAGES, "ConvertId", SOAP_LAX, convert_rows, convert_open, NULL},
	{NS_MESSAGES, "GetServerTimeZones", SOAP_LAX, zones_rows, zones_open, NULL},
	{NS_MESSAGES, "GetFolder", SOAP_LAX, folder_rows, folder_open, NULL},
	{NS_MESSAGES, "SyncFolderItems", SOAP_LAX, folder_rows, items_open, NULL},
	{NS_MESSAGES, "SyncFolderHierarchy", SOAP_LAX, folder_rows, hierarchy_open, NULL},
	{NS_MESSAGES, "GetMailTips", SOAP_LAX, tips_rows, tips_open, NULL},
	{NS_MESSAGES, "GetServiceConfiguration", SOAP_LAX, configuration_rows, configuration_open, NULL},
	{NS_MESSAGES, "GetUserOofSettingsRequest", SOAP_LAX, recipients_rows, oof_open, NULL},
	{NS_MESSAGES, "GetUserPhoto", SOAP_LAX, (const struct soap_row[]){{0}}, photo_open, NULL},
	{NS_MESSAGES, "FindMessageTrackingReport", SOAP_LAX, (const struct soap_row[]){{0}}, find_tracking_open, NULL},
	{NS_MESSAGES, "GetMessageTrackingReport", SOAP_LAX, (const struct soap_row[]){{0}}, get_tracking_open, NULL},
	{0},
};
static const struct soap_row nothing[] = {{0}};
static const struct soap_row named_rows[] = {
	{NULL, "PrimarySmtpAddress", SOAP_LAX | SOAP_MIXED | SOAP_CUT, nothing, NULL, named_address},
	{NULL, "UserSid", SOAP_LAX | SOAP_MIXED | SOAP_CUT, nothing, NULL, named_sid},
	{0},
};
static const struct soap_row header_rows[] = {
	{NULL, "SerializedSecurityContext", SOAP_LAX, named_rows, NULL, NULL},
	{NS_TYPES, "RequestServerVersion", SOAP_LAX, (const struct soap_row[]){{0}}, version_open, NULL},
	{NS_TYPES, "TimeZoneContext", SOAP_LAX, zone_context_rows, NULL, NULL},
	{0},
};
static const struct soap_row envelope_rows[] = {
	{NS_SOAP, "Header", SOAP_LAX, header_rows, NULL, NULL},
	{NS_SOAP, "Body", SOAP_REQUIRED | SOAP_LAX, body_rows, NULL, NULL},
	{0},
};
static const struct soap_row roots[] = {
	{NS_SOAP, "Envelope", SOAP_REQUIRED, envelope_rows, NULL, NULL},
	{0},
};

static const char *const names[] = {
	[EWS_UNKNOWN] = "unknown",
	[EWS_GET_USER_AVAILABILITY] = "GetUserAvailability",
	[EWS_CONVERT_ID] = "ConvertId",
	[EWS_GET_SERVER_TIME_ZONES] = "GetServerTimeZones",
	[EWS_GET_FOLDER] = "GetFolder",
	[EWS_SYNC_FOLDER_ITEMS] = "SyncFolderItems",
	[EWS_SYNC_FOLDER_HIERARCHY] = "SyncFolderHierarchy",
	[EWS_GET_MAIL_TIPS] = "GetMailTips",
	[EWS_GET_SERVICE_CONFIGURATION] = "GetServiceConfiguration",
	[EWS_GET_USER_OOF_SETTINGS] = "GetUserOofSettings",
	[EWS_GET_USER_PHOTO] = "GetUserPhoto",
	[EWS_FIND_MESSAGE_TRACKING_REPORT] = "FindMessageTrackingReport",
	[EWS_GET_MESSAGE_TRACKING_REPORT] = "GetMessageTrackingReport",
};

const char *ews_operation_name(enum ews_operation op)
{
	return (size_t)op < sizeof names / sizeof *names ? names[op] : names[EWS_UNKNOWN];
}

static void begin(struct soap *s)
{
	struct reading *g = s->arg;
	struct ews_request *r = g->r;

	arena_reset(s->arena);
	*g = (struct reading){.r = r};
	*r = (struct ews_request){.arena = s->arena, .zone = fb_zone_utc()};
	r->query.interval = FB_DEFAULT_INTERVAL;
	r->suggestions = (struct ews_suggestions){.good_threshold = 25, .max_by_day = 10, .duration = 60, .minimum = EWS_FAIR};
}

struct ews_request *ews_read(const void *p, size_t n)
{
	struct ews_request *r = malloc(sizeof *r);
	struct reading g = {.r = r};
	struct soap s = {.arg = &g, .arena = arena_new(REQUEST_ARENA), .begin = begin, .header = must_understand};

	if (!r || !s.arena) {
		arena_free(s.arena);
		free(r);
		return NULL;
	}
	if (soap_read(&s, p, n, SOAP_MAX_REQUEST, roots)) {
		if (r->operation == EWS_UNKNOWN)
			soap_fault(&s, "ErrorInvalidRequest", "The body holds no operation that is known here.");
		else if (r->operation == EWS_GET_USER_AVAILABILITY)
			gua_finish(&s);
	}
	r->fault = s.fault;
	if (!r->zone)
		r->zone = fb_zone_utc();
	return r;
}

void ews_request_free(struct ews_request *r)
{
	if (!r)
		return;
	fb_zone_free(r->own_zone);
	arena_free(r->arena);
	free(r);
}
