/* links: base availability ews acl conf pki */
#include <stdlib.h>
#include <string.h>
#include "bridge/ews/client.h"
#include "tests/unit/sax_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a mutation of single bytes seldom puts together: answers in which working hours come again. */
#define ZONE(bias, month)                                                                                                                        \
	"<t:TimeZone><t:Bias>" bias "</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder>"             \
	"<t:Month>" month "</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>-60</t:Bias>"                     \
	"<t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
#define PERIODS(days)                                                                                                                            \
	"<t:WorkingPeriodArray><t:WorkingPeriod><t:DayOfWeek>" days "</t:DayOfWeek><t:StartTimeInMinutes>480</t:StartTimeInMinutes>"             \
	"<t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod></t:WorkingPeriodArray>"
static const char *const pieces[] = {
	"<m:FreeBusyResponse><m:ResponseMessage ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"
	"<m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray/>",
	"</m:FreeBusyView></m:FreeBusyResponse>",
	"<t:WorkingHours>" ZONE("60", "10") PERIODS("Monday") "</t:WorkingHours>",
	"<t:WorkingHours>" ZONE("-60", "0") PERIODS("Monday Friday") "</t:WorkingHours>",
	"<t:WorkingHours>" ZONE("x", "10") "</t:WorkingHours>", "<t:WorkingHours/>", "<t:WorkingHours>", "</t:WorkingHours>", ZONE("0", "10"),
	PERIODS("Sunday"), "<t:WorkingHours xmlns:t='http://schemas.microsoft.com/exchange/services/2006/types'>", "<t:WorkingHours xmlns:q='http://a.example/'>",
	"<m:FreeBusyView>", "</m:FreeBusyView>", "<m:FreeBusyView xmlns:t='http://a.example/'>", "<m:FreeBusyView xmlns:q='http://a.example/'>",
	"<m:FreeBusyResponse>", "</m:FreeBusyResponse>", "<x>", "</x>", "<t:MergedFreeBusy>02</t:MergedFreeBusy>", "text", "&amp;", "\n", "<!---->",
};

static void put_document(struct buf *b, const uint8_t *data, size_t size)
{
	if (size == 0 || data[0] != 0) {
		buf_add(b, data, size);
		return;
	}
	buf_puts(b, "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:m='http://schemas.microsoft.com/exchange/services/2006/messages' "
	            "xmlns:t='http://schemas.microsoft.com/exchange/services/2006/types'><s:Body><m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>");
	for (size_t i = 1; i < size; i++)
		buf_puts(b, pieces[data[i] % (sizeof pieces / sizeof *pieces)]);
	buf_puts(b, "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse></s:Body></s:Envelope>");
}

/* All that is read from ${document}, the answer of another server for ${n}: answers, codes and texts, or why there are none. */
static void read_all(struct buf *out, const struct buf *document, size_t n)
{
	char codes[3][EWS_CLIENT_CODE_MAX] = {{0}};
	char *texts[3] = {NULL};
	struct ews_client_said said = {.codes = codes, .texts = texts};
	struct fb_answer *answers[3];

	buf_init(out, 1 << 24);
	if (ews_client_read(buf_ptr(document), document->len, fb_zone_utc(), answers, n, out, &said) == 0)
		for (size_t i = 0; i < n; i++) {
			fb_answer_pack(out, answers[i]);
			fb_answer_free(answers[i]);
		}
	buf_add(out, codes, sizeof codes);
	for (size_t i = 0; i < 3; i++) {
		buf_puts(out, texts[i] ? texts[i] : "-");
		free(texts[i]);
	}
	buf_puts(out, said.fault);
	buf_puti(out, said.back_off_ms);
}

/*
 * Another server's answer, or behind a zero the numbers of pieces of one: answers or an error, and the same ones where libxml2 reads it: it does
 * where there is a comment.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size % 4 % 3 + 1;
	struct buf document, first, second;
	struct events e;

	buf_init(&document, 1 << 20);
	put_document(&document, data, size);
	read_all(&first, &document, n);
	events_init(&e);
	if (events_plain(&e, buf_ptr(&document), document.len)) {
		buf_puts(&document, "<!---->");
		read_all(&second, &document, n);
		if (first.len != second.len || memcmp(buf_ptr(&first), buf_ptr(&second), first.len) != 0)
			abort();
		buf_free(&second);
	}
	buf_free(&e.out);
	buf_free(&first);
	buf_free(&document);
	return 0;
}
