/* links: base availability ews acl conf pki */
#include "bridge/ews/client.h"
#include "tests/unit/check.h"
#include "tests/unit/ews_help.h"

/* What no XML may hold, anywhere in a server's answer: it never makes another answer of it, except of the words of a subject. */

#define HEAD "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Success\">" \
	"<m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView>"
#define TAIL "</m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"

static const char *const answers[] = {
	SOAP("", HEAD "<t:FreeBusyViewType>DetailedMerged</t:FreeBusyViewType><t:MergedFreeBusy>0022</t:MergedFreeBusy><t:CalendarEventArray><t:CalendarEvent>"
	     "<t:StartTime>2026-03-24T08:00:00</t:StartTime><t:EndTime>2026-03-24T09:00:00Z</t:EndTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails>"
	     "<t:Subject>Merger</t:Subject><t:IsPrivate>true</t:IsPrivate></t:CalendarEventDetails></t:CalendarEvent></t:CalendarEventArray>" TAIL),
	SOAP("<t:ServerVersionInfo MajorVersion=\"8\" MinorVersion=\"0\"/>", HEAD "<t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray><t:CalendarEvent>"
	     "<t:StartTime>2026-03-24T08:00:00+02:00</t:StartTime><t:EndTime>2026-03-24T09:00:00+02:00</t:EndTime><t:BusyType>OOF</t:BusyType>"
	     "</t:CalendarEvent></t:CalendarEventArray>" TAIL),
	SOAP("", HEAD "<t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"/>" TAIL),
};

static struct buf error;

static struct fb_answer *read_one(const struct buf *text)
{
	struct fb_answer *got[1];

	buf_reset(&error);
	return ews_client_read(buf_ptr(text), text->len, fb_zone_utc(), got, 1, &error, NULL) == 0 ? got[0] : NULL;
}

/* Is ${got} an answer, and as ${right} where somebody could be shown free, or too much? */
static bool is_other(const struct fb_answer *got, const struct fb_answer *right)
{
	if (!got || got->reason != FB_OK)
		return false;
	if (right->reason != FB_OK || got->n_events != right->n_events || (got->merged && strcmp(got->merged, right->merged) != 0))
		return true;
	for (size_t i = 0; i < got->n_events; i++)
		if (got->events[i].start != right->events[i].start || got->events[i].end != right->events[i].end || got->events[i].busy != right->events[i].busy ||
		    got->events[i].flags != right->events[i].flags)
			return true;
	return false;
}

/* ${mark} at each place of ${text}. */
static void everywhere(const char *text, const char *mark, const struct fb_answer *right)
{
	size_t n = strlen(text), taken = 0;
	struct buf marked;

	buf_init(&marked, n + 100);
	for (size_t i = 0; i <= n; i++) {
		struct fb_answer *got;

		buf_reset(&marked);
		buf_add(&marked, text, i);
		buf_puts(&marked, mark);
		buf_puts(&marked, text + i);
		got = read_one(&marked);
		if (!CHECK(!is_other(got, right)))
			fprintf(stderr, "\t%.*s(here)%.40s\n", i < 60 ? (int)i : 60, text + (i < 60 ? 0 : i - 60), text + i);
		taken += got && got->reason == FB_OK;
		fb_answer_free(got);
	}
	CHECK(right->reason != FB_OK || (taken > 0 && taken < n / 2));
	buf_free(&marked);
}

/* A client's question is not mended: with ${mark} anywhere in it, it is refused. */
static void refused_everywhere(const char *mark)
{
	static const char question[] = SOAP("", GUA(BERLIN BOXES(MAILBOX("ada@b.example")) OPTIONS(MARCH INTERVAL("60") VIEW("DetailedMerged"))));
	char marked[sizeof question + 20];

	for (size_t i = 0; i < sizeof question; i++) {
		snprintf(marked, sizeof marked, "%.*s%s%s", (int)i, question, mark, question + i);
		struct ews_request *r = ews_read(marked, strlen(marked));

		if (!CHECK(r && r->fault.code))
			fprintf(stderr, "\t%.40s\n", question + i);
		ews_request_free(r);
	}
}

int main(void)
{
	static const char *const marks[] = {"\x01", "\x1f", "\xff", "\xc3", "\xef\xbf\xbf", "&#x1F;", "&#0;", "&#xD800;", "&#x110000;"};

	for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
		refused_everywhere(marks[k]);
	buf_init(&error, 65536);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct buf whole;
		struct fb_answer *right;

		buf_init(&whole, 1 << 16);
		buf_puts(&whole, answers[i]);
		right = read_one(&whole);
		if (!CHECK(right != NULL))
			return check_done();
		for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
			everywhere(answers[i], marks[k], right);
		fb_answer_free(right);
		buf_free(&whole);
	}
	buf_free(&error);
	return check_done();
}
