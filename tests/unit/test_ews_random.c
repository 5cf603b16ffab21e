/* links: base availability ews acl conf pki */
/*
 * Random zones, windows around the changes of their clocks, and calendars: whatever is asked has an answer; read back it is nowhere less busy than the calendar,
 * and no meeting time is called Excellent in which somebody has something on. usage: test_ews_random [SEED [ROUNDS]]
 */
#include <stdlib.h>
#include "tests/unit/check.h"
#include "tests/unit/ews_help.h"
#include "bridge/ews/client.h"
#include "bridge/ews/response.h"

enum { PEOPLE = 3, DAY = 86400 };

static uint64_t seed = 1;
static struct buf xml, out;

static int64_t below(int64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)(seed >> 33) % n;
}

static const char *pick(const char *const *words, int64_t n)
{
	return words[below(n)];
}

static void put_half(const char *name, int64_t bias, bool dated)
{
	static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

	buf_printf(&xml, "<t:%s><t:Bias>%d</t:Bias><t:Time>%02d:%02d:00</t:Time><t:DayOrder>%d</t:DayOrder><t:Month>%d</t:Month><t:DayOfWeek>%s</t:DayOfWeek>%s</t:%s>",
	           name, (int)bias, (int)below(24), (int)below(2) * 30, 1 + (int)below(dated ? 28 : 5), 1 + (int)below(12), pick(days, 7),
	           dated ? "<t:Year>2026</t:Year>" : "", name);
}

/* Mostly an hour of daylight time, sometimes any that the schema has a word for. */
static void put_zone(void)
{
	static const int offsets[] = {-60, 0, 300, 480, -330, 720, -720, -840};
	bool usual = below(3) != 0, dated = below(20) == 0;
	int64_t daylight = usual ? 60 : below(2800) - 1400;

	buf_printf(&xml, "<t:TimeZone><t:Bias>%d</t:Bias>", usual ? offsets[below(8)] : (int)below(40));
	put_half("StandardTime", 0, dated);
	put_half("DaylightTime", -daylight, dated);
	buf_puts(&xml, "</t:TimeZone>");
}

static void put_times(const char *name, int64_t start, int64_t end, bool wall)
{
	int (*put)(struct buf *b, int64_t t) = wall ? fb_time_put_wall : fb_time_put_utc;

	buf_printf(&xml, "<t:%s><t:StartTime>", name);
	put(&xml, start);
	buf_puts(&xml, "</t:StartTime><t:EndTime>");
	put(&xml, end);
	buf_printf(&xml, "</t:EndTime></t:%s>", name);
}

/* A moment at which the clock of the zone in ${xml} changes in 2026, or any other of that year. */
static int64_t some_change(void)
{
	int64_t from = at("2026-01-01T00:00:00Z"), any = from + below(365 * DAY), found = any;
	struct fb_zone_transition t;
	struct ews_request *r;
	struct buf whole;

	buf_init(&whole, 1 << 16);
	buf_add(&whole, buf_ptr(&xml), xml.len);
	buf_puts(&whole, OPTIONS(MARCH) "</m:GetUserAvailabilityRequest></s:Body></s:Envelope>");
	r = ews_read(buf_ptr(&whole), whole.len);
	if (!r->fault.code && below(4))
		for (int i = 0; i < 2 && fb_zone_next(r->zone, from, &t) && t.utc < from + 366 * DAY && (i == 0 || below(2)); i++, from = t.utc)
			found = t.utc;
	ews_request_free(r);
	buf_free(&whole);
	return found;
}

/* Leaves the request in xml, and gives the moment that it is about. */
static int64_t make_request(void)
{
	static const char *const views[] = {"MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"};
	int64_t about, start, end;
	bool wall = below(2), times = below(4), meetings = !times || below(2);

	buf_reset(&xml);
	buf_puts(&xml, "<s:Envelope" XMLNS "><s:Header><t:RequestServerVersion Version=\"Exchange2016\"/></s:Header><s:Body><m:GetUserAvailabilityRequest>");
	if (below(8))
		put_zone();
	buf_puts(&xml, BOXES(MAILBOX("a@b.example") MAILBOX("b@b.example") MAILBOX("c@b.example")));
	about = some_change();
	start = about - below(below(2) ? 7200 : 3 * DAY);
	end = start + 60 * (1 + below(below(3) ? 2880 : 62 * 1440));
	if (times) {
		buf_puts(&xml, "<t:FreeBusyViewOptions>");
		put_times("TimeWindow", start, end, wall);
		buf_printf(&xml, INTERVAL("%d") VIEW("%s") "</t:FreeBusyViewOptions>", 5 + (int)below(below(2) ? 60 : 1436), pick(views, 5));
	}
	if (meetings) {
		buf_printf(&xml, "<t:SuggestionsViewOptions><t:MaximumResultsByDay>48</t:MaximumResultsByDay><t:MaximumNonWorkHourResultsByDay>48"
		           "</t:MaximumNonWorkHourResultsByDay><t:MeetingDurationInMinutes>%d</t:MeetingDurationInMinutes>", 30 * (1 + (int)below(6)));
		if (below(2)) {
			start += 60 * below(600);
			end = start + 60 * (1 + below(4000));
		}
		put_times("DetailedSuggestionsWindow", start, end, wall);
		buf_puts(&xml, "</t:SuggestionsViewOptions>");
	}
	buf_puts(&xml, "</m:GetUserAvailabilityRequest></s:Body></s:Envelope>");
	return about;
}

static struct fb_answer *make_calendar(int64_t about, const struct fb_window *w)
{
	struct fb_answer *a = fb_answer_new(FB_OK);

	a->view = FB_VIEW_EVENTS;
	for (int64_t i = below(6); i > 0; i--) {
		struct fb_event e = {.busy = (enum fb_busy)(1 + below(FB_BUSY_TYPES - 1))};

		e.start = below(2) ? about - 7200 + 900 * below(16) : w->start + 60 * below(3000);
		e.end = e.start + 60 * below(below(2) ? 120 : 5000);
		CHECK_INT(fb_answer_add(a, &e), 0);
	}
	fb_answer_sort(a);
	return a;
}

/* The clock is put forward and back again while ${e} lasts: nobody's does so within days, and the writer does not reckon with it. */
static bool is_strange(const struct fb_event *e, const struct fb_zone *z)
{
	struct fb_zone_transition t;

	return fb_zone_next(z, e->start, &t) && t.utc < e->end && fb_zone_next(z, t.utc, &t) && t.utc < e->end;
}

/* Every event that was shown is among those that were read, begins no later there, and lasts at least as long. */
static bool covered(const struct fb_answer *shown, const struct fb_answer *read, const struct fb_zone *z)
{
	size_t i, k;

	for (i = 0; i < shown->n_events; i++) {
		const struct fb_event *e = &shown->events[i], *f = read->events;

		for (k = 0; k < read->n_events; k++, f++)
			if (f->busy == e->busy && f->start <= e->start && (f->end - f->start >= e->end - e->start || is_strange(e, z)))
				break;
		if (k == read->n_events)
			return false;
	}
	return shown->n_events == read->n_events;
}

static bool times_hold(const struct ews_request *r, struct acl_released *const *released)
{
	struct fb_answer *read[PEOPLE];
	struct buf error;
	bool ok;

	buf_init(&error, 4096);
	ok = ews_client_read(buf_ptr(&out), out.len, r->zone, read, PEOPLE, &error, NULL) == 0;
	for (size_t i = 0; ok && i < PEOPLE; i++) {
		const struct fb_answer *shown = acl_released_view(released[i]);

		ok = read[i]->reason == shown->reason;
		if (ok && shown->reason == FB_OK && (shown->view & FB_VIEW_EVENTS))
			ok = covered(shown, read[i], r->zone);
		if (ok && shown->reason == FB_OK && (shown->view & FB_VIEW_MERGED))
			ok = read[i]->merged && strcmp(read[i]->merged, shown->merged) == 0;
	}
	for (size_t i = 0; i < PEOPLE; i++)
		fb_answer_free(read[i]);
	buf_free(&error);
	return ok;
}

/* An event of no length takes nobody's time. */
static bool is_free(const struct fb_answer *a, int64_t start, int64_t end)
{
	for (size_t i = 0; i < a->n_events; i++) {
		const struct fb_event *e = &a->events[i];

		if (e->busy != FB_FREE && e->busy != FB_ELSEWHERE && e->start < e->end && e->start < end && e->end > start)
			return false;
	}
	return true;
}

static bool meetings_hold(const struct ews_request *r, struct fb_answer *const *calendars, struct acl_released *const *released, long *met)
{
	static const char time[] = "<t:MeetingTime>", quality[] = "<t:SuggestionQuality>";
	bool ok = strstr(buf_cstr(&out), "<t:SuggestionDayResult>");

	for (const char *p = buf_cstr(&out); ok && (p = strstr(p, time)) != NULL; (*met)++) {
		char when[20] = "";
		int64_t start;

		memcpy(when, p + strlen(time), 19);
		p = strstr(p, quality) + strlen(quality);
		ok = fb_time_parse_in(when, r->zone, &start);
		for (size_t i = 0; ok && strncmp(p, "Excellent", 9) == 0 && i < PEOPLE; i++)
			ok = acl_released_view(released[i])->reason == FB_OK && is_free(calendars[i], start, start + r->suggestions.duration * 60);
	}
	return ok;
}

/* One round; counts the questions that were answered, and the meeting times. */
static bool ask(long *answered, long *met)
{
	const struct acl_verdict v = {.level = FB_LEVEL_LIMITED_DETAILS, .reason = FB_OK, .rule = 1};
	int64_t about = make_request();
	struct ews_request *r = ews_read(buf_ptr(&xml), xml.len);
	struct fb_answer *calendars[PEOPLE];
	struct acl_released *released[PEOPLE];
	bool ok = true;

	if (!r->fault.code) {
		for (size_t i = 0; i < PEOPLE; i++) {
			calendars[i] = make_calendar(about, &r->query.window);
			released[i] = below(10) ? acl_release(calendars[i], &v, &r->query) : acl_release_reason(FB_NO_ACCESS);
		}
		buf_reset(&out);
		ok = ews_write_availability(&out, r, released, "x") == 0 && (!r->wants_free_busy || times_hold(r, released)) &&
		     (!r->suggestions.asked || meetings_hold(r, calendars, released, met));
		for (size_t i = 0; i < PEOPLE; i++) {
			acl_released_free(released[i]);
			fb_answer_free(calendars[i]);
		}
		++*answered;
	}
	ews_request_free(r);
	return ok;
}

int main(int argc, char **argv)
{
	long rounds = argc > 2 ? atol(argv[2]) : 2000, answered = 0, met = 0;

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	buf_init(&xml, 1 << 16);
	buf_init(&out, 16 << 20);
	for (long i = 0; i < rounds; i++) {
		uint64_t began = seed;

		if (!CHECK(ask(&answered, &met))) {
			fprintf(stderr, "\tagain: test_ews_random %llu 1\n%s\n", (unsigned long long)began, buf_cstr(&xml));
			break;
		}
	}
	CHECK(answered > rounds * 9 / 10 && met > rounds);
	buf_free(&xml);
	buf_free(&out);
	return check_done();
}
