/* links: base availability ews acl conf pki */
#include <string.h>
#include "bridge/ews/client.h"
#include "bridge/ews/response.h"
#include "tests/unit/ews_document.h"
#include "tests/unit/ews_help.h"

/* Three people; of whom the working hours are ${first}, ${second} and ${third} inside. */
static void hours_read(const char *first, const char *second, const char *third, struct fb_answer *answers[3])
{
	static const char one[] = "<m:FreeBusyResponse><m:ResponseMessage ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>"
	                          "<m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray/>%s</m:FreeBusyView></m:FreeBusyResponse>";
	const char *const hours[] = {first, second, third};
	struct buf b, error;

	buf_init(&b, 1 << 16);
	buf_init(&error, 1000);
	buf_puts(&b, "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns:m='http://schemas.microsoft.com/exchange/services/2006/messages' "
	             "xmlns:t='http://schemas.microsoft.com/exchange/services/2006/types'><s:Body><m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>");
	for (size_t i = 0; i < 3; i++)
		buf_printf(&b, one, hours[i]);
	buf_puts(&b, "</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse></s:Body></s:Envelope>");
	CHECK_INT(ews_client_read(buf_ptr(&b), b.len, fb_zone_utc(), answers, 3, &error, NULL), 0);
	buf_free(&b);
	buf_free(&error);
}

#define HOURS(bias, days)                                                                                                                                      \
	"<t:WorkingHours><t:TimeZone><t:Bias>" bias "</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder>"           \
	"<t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time>"                    \
	"<t:DayOrder>1</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone><t:WorkingPeriodArray><t:WorkingPeriod>" \
	"<t:DayOfWeek>" days "</t:DayOfWeek><t:StartTimeInMinutes>480</t:StartTimeInMinutes><t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod>"   \
	"</t:WorkingPeriodArray></t:WorkingHours>"

static void hours_are(const struct fb_answer *a, bool known, int offset, unsigned days)
{
	CHECK_INT(a->reason, FB_OK);
	CHECK_INT(a->hours.known, known);
	CHECK_INT(a->hours.zone.standard_offset, offset);
	CHECK_INT(a->hours.n, days ? 1 : 0);
	CHECK_INT(a->hours.periods[0].days, days);
}

/* Working hours that are the same as those before are not read again; each has its own all the same, and none has what only looks like them. */
static void test_hours(void)
{
	static const char west[] = HOURS("60", "Monday"), east[] = HOURS("-60", "Monday Friday"), none[] = "<t:WorkingHours/>";
	static const char foreign[] = "</m:FreeBusyView><m:FreeBusyView xmlns:t='http://a.example/'>" HOURS("60", "Monday");
	static const char elsewhere[] = "</m:FreeBusyView><x>" HOURS("60", "Monday") "</x><m:FreeBusyView>";
	static const struct {
		const char *hours[3];
		int offset[3];
		unsigned days[3];
	} rows[] = {
		{{west, west, west}, {-3600, -3600, -3600}, {2, 2, 2}},
		{{west, west, east}, {-3600, -3600, 3600}, {2, 2, 34}},
		{{west, east, west}, {-3600, 3600, -3600}, {2, 34, 2}},
		{{east, "", east}, {3600, 0, 3600}, {34, 0, 34}},
		{{"", none, none}, {0, 0, 0}, {0, 0, 0}},
		{{east, none, east}, {3600, 0, 3600}, {34, 0, 34}},
		{{west, foreign, west}, {-3600, 0, -3600}, {2, 0, 2}},
		{{west, elsewhere, west}, {-3600, 0, -3600}, {2, 0, 2}},
	};

	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct fb_answer *a[3];

		hours_read(rows[k].hours[0], rows[k].hours[1], rows[k].hours[2], a);
		for (size_t i = 0; i < 3; i++) {
			hours_are(a[i], rows[k].days[i] != 0, rows[k].offset[i], rows[k].days[i]);
			fb_answer_free(a[i]);
		}
	}
}

/* Of periods as many are kept as there is room for; one of no day that exists, or that ends before it starts, is none. */
static void test_periods(void)
{
#define PERIOD(days, start, end) "<t:WorkingPeriod><t:DayOfWeek>" days "</t:DayOfWeek><t:StartTimeInMinutes>" start "</t:StartTimeInMinutes>" \
	"<t:EndTimeInMinutes>" end "</t:EndTimeInMinutes></t:WorkingPeriod>"
#define FOUR PERIOD("Monday", "1", "2") PERIOD("Monday", "1", "2") PERIOD("Monday", "1", "2") PERIOD("Monday", "1", "2")
#define SIXTEEN FOUR FOUR FOUR FOUR
	static const char head[] = "<t:WorkingHours><t:TimeZone><t:Bias>0</t:Bias></t:TimeZone><t:WorkingPeriodArray>", tail[] = "</t:WorkingPeriodArray></t:WorkingHours>";
	static const struct {
		const char *periods;
		size_t n;
	} rows[] = {{PERIOD("Monday", "480", "1020"), 1}, {PERIOD("Weekday", "480", "1020") PERIOD("Monday", "480", "480") PERIOD("Monday", "481", "480"), 1},
	            {SIXTEEN SIXTEEN SIXTEEN SIXTEEN, FB_MAX_PERIODS}, {PERIOD("", "480", "1020") PERIOD("Sunday Monday", "0", "1440"), 1}};
	char text[sizeof SIXTEEN * 4 + sizeof head + sizeof tail];

	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct fb_answer *a[3];

		snprintf(text, sizeof text, "%s%s%s", head, rows[k].periods, tail);
		hours_read(text, "", text, a);
		CHECK_INT(a[0]->hours.n, rows[k].n);
		CHECK_INT(a[1]->hours.n, 0);
		for (size_t i = 0; i < 3; i++) {
			CHECK_INT(a[i]->reason, FB_OK);
			fb_answer_free(a[i]);
		}
	}
}

static struct acl_released *released(const struct fb_working_hours *hours, const struct fb_query *q)
{
	const struct acl_verdict v = {.level = FB_LEVEL_AVAILABILITY_ONLY, .reason = FB_OK, .rule = 1};
	struct fb_answer *raw = fb_answer_new(FB_OK);
	struct acl_released *r;

	raw->view = FB_VIEW_EVENTS;
	raw->hours = *hours;
	r = acl_release(raw, &v, q);
	fb_answer_free(raw);
	return r;
}

/* Working hours that are written once more because the one before has them too are that one's, and only then. */
static void test_written(void)
{
	static const char weekdays[] = "<t:WorkingPeriod><t:DayOfWeek>Monday Tuesday Wednesday Thursday Friday</t:DayOfWeek><t:StartTimeInMinutes>480"
	                               "</t:StartTimeInMinutes><t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod>";
	static const char weekends[] = "<t:WorkingPeriod><t:DayOfWeek>Sunday Saturday</t:DayOfWeek><t:StartTimeInMinutes>0</t:StartTimeInMinutes>"
	                               "<t:EndTimeInMinutes>1440</t:EndTimeInMinutes></t:WorkingPeriod>";
	const struct fb_working_hours office = {.known = true, .zone = {.standard_offset = 3600}, .n = 1, .periods = {{.days = 0x3e, .start = 480, .end = 1020}}},
	                              sentry = {.known = true, .zone = {.standard_offset = -3600}, .n = 2,
	                                        .periods = {{.start = 60, .end = 120}, {.days = 0x41, .end = 1440}}}, /* a period of no day is none */
	                              unknown = {0};
	const struct fb_working_hours *const whose[] = {&office, &office, &unknown, &office, &sentry, &sentry, &office};
	enum { PEOPLE = sizeof whose / sizeof *whose };
	struct ews_request *r = read_text(SOAP("", GUA(BOXES(MAILBOX("a@b.example") MAILBOX("b@b.example") MAILBOX("c@b.example") MAILBOX("d@b.example")
	                                               MAILBOX("e@b.example") MAILBOX("f@b.example") MAILBOX("g@b.example")) OPTIONS(MARCH VIEW("FreeBusy")))));
	struct acl_released *list[PEOPLE];
	const char *at;

	for (size_t i = 0; i < PEOPLE; i++)
		list[i] = released(whose[i], &r->query);
	buf_init(&out, 1 << 20);
	CHECK_INT(ews_write_availability(&out, r, list, "x"), 0);
	at = buf_cstr(&out);
	for (size_t i = 0; i < PEOPLE; i++) {
		const char *one = inside(at, "m:FreeBusyResponse", i);

		CHECK_INT(count(one, "<t:WorkingHours><t:TimeZone><t:Bias>-60</t:Bias>"), whose[i] == &office);
		CHECK_INT(count(one, "<t:WorkingHours><t:TimeZone><t:Bias>60</t:Bias>"), whose[i] == &sentry);
		CHECK_INT(count(one, "</t:WorkingHours></m:FreeBusyView>"), whose[i] != &unknown);
		CHECK_INT(count(one, "<t:WorkingPeriod>"), whose[i] != &unknown);
		CHECK_INT(count(one, weekdays), whose[i] == &office);
		CHECK_INT(count(one, weekends), whose[i] == &sentry);
		acl_released_free(list[i]);
	}
	CHECK_INT(count(at, "Suggestion"), 0);
	buf_free(&out);
	ews_request_free(r);
}

int main(void)
{
	test_hours();
	test_periods();
	test_written();
	return check_done();
}
