#include <stdlib.h>
#include <string.h>
#include "bridge/availability/clock.h"
#include "bridge/availability/spans.h"
#include "bridge/base/text.h"
#include "bridge/ews/soap.h"
#include "bridge/ews/writing.h"

/*
 * Meeting times by the documented thresholds (EWS reference, SuggestionQuality). Where the documents are silent this is what holds here: a time
 * begins on a half hour of the requester's clock and ends inside the window; an attendee is free with nothing but free time or working elsewhere in
 * it (tentative is a conflict); one whose answer failed, or beyond the window that was fetched, is unknown and NOT counted as free; it is work time
 * if it lies in the working hours of everybody who has any, or, if nobody has, Monday to Friday 8 to 17 of the requester's clock; a day's times are
 * listed best first, then earliest first. MaximumResultsByDay is a maximum only: with many attendees and days each day has the same share of what
 * one answer may hold.
 */

enum {
	STEP = 30 * 60,
	DAY = 86400,
	WORK_START = 8 * 60,
	WORK_END = 17 * 60,
	MAX_SLOTS = (FB_MAX_WINDOW_DAYS + 2) * (DAY / STEP),
	MAX_CONFLICTS = 50000 /* AttendeeConflictData in one answer, about 6 MB of it */
};

/* What an attendee does in a slot, the later the weightier. */
enum state { FREE = 0, TENTATIVE, BUSY, OOF, UNKNOWN };

struct slot {
	int64_t wall, start, end; /* wall of the requester; UTC */
	bool work, excluded;      /* excluded: one who must be free (ExcludeConflicts) is not */
	enum ews_quality quality;
};
struct plan {
	const struct ews_request *r;
	struct acl_released *const *answers;
	size_t n;
	struct slot *slots;
	unsigned char *states; /* n for each mailbox, enum state */
};

static void find_slots(struct plan *p)
{
	const struct fb_zone *z = p->r->zone;
	struct fb_window w = p->r->suggestions.window;
	int64_t wall = fb_zone_wall(z, w.start), last = fb_zone_wall(z, w.end), minutes = p->r->suggestions.duration;

	for (wall += (STEP - (wall % STEP + STEP) % STEP) % STEP; wall < last && p->n < MAX_SLOTS; wall += STEP) {
		int64_t start = fb_zone_utc_of(z, wall), end = start + minutes * 60;

		/* A clock reading that a change of time leaves out is no time to meet. */
		if (fb_zone_wall(z, start) != wall || start < w.start || end > w.end)
			continue;
		p->slots[p->n++] = (struct slot){.wall = wall, .start = start, .end = end, .work = true};
	}
}

static enum state state_of(enum fb_busy b)
{
	switch (b) {
	case FB_FREE:
	case FB_ELSEWHERE:
		return FREE;
	case FB_TENTATIVE:
		return TENTATIVE;
	case FB_BUSY_TIME:
		return BUSY;
	case FB_OOF:
		return OOF;
	default:
		return UNKNOWN;
	}
}

/* Marks what overlaps [start, end) in the slots of one mailbox. Slots rise by start, and by end with them. */
static void mark(struct plan *p, unsigned char *states, int64_t start, int64_t end, enum state what)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->slots[middle].end > start)
			high = middle;
		else
			low = middle + 1;
	}
	for (; low < p->n && p->slots[low].start < end; low++)
		if (states[low] < what)
			states[low] = (unsigned char)what;
}

static void mark_digits(struct plan *p, unsigned char *states, const char *digits)
{
	static const enum state of_digit[] = {FREE, TENTATIVE, BUSY, OOF, UNKNOWN};
	int64_t step = p->r->query.interval * 60, at = p->r->query.window.start;

	/* Equal digits in one go: with small intervals and long meetings each slot would be marked hundreds of times. */
	for (size_t run; *digits; digits += run, at += (int64_t)run * step) {
		for (run = 1; digits[run] == *digits; run++)
			;
		if (*digits >= '1' && *digits <= '4')
			mark(p, states, at, at + (int64_t)run * step, of_digit[*digits - '0']);
	}
}

static bool mark_spans(struct plan *p, unsigned char *states, const struct fb_answer *a)
{
	size_t n;
	struct fb_span *spans = fb_spans(a, p->r->query.window, &n);

	if (!spans && n)
		return false;
	for (size_t i = 0; i < n; i++)
		mark(p, states, spans[i].start, spans[i].end, state_of(spans[i].busy));
	free(spans);
	return true;
}

/* Intervals of whose digits the events say less: a calendar server may have left some out. False when out of memory. */
static bool mark_beyond(struct plan *p, unsigned char *states, const struct fb_answer *a)
{
	struct fb_window w = p->r->query.window;
	size_t n = fb_merged_length(w, p->r->query.interval);
	struct buf events, beyond;
	bool ok;

	buf_init(&events, n + 1);
	buf_init(&beyond, n + 1);
	ok = fb_merged_put(&events, a, w, p->r->query.interval) == 0 && strlen(a->merged) == n;
	for (size_t i = 0; ok && i < n; i++)
		buf_putc(&beyond, a->merged[i] > (char)buf_ptr(&events)[i] ? a->merged[i] : '0');
	ok = ok && !beyond.failed;
	if (ok)
		mark_digits(p, states, buf_cstr(&beyond));
	buf_free(&events);
	buf_free(&beyond);
	return ok;
}

static void mark_mailbox(struct plan *p, size_t i)
{
	unsigned char *states = p->states + i * p->n;
	struct fb_window w = p->r->query.window;
	enum fb_reason why;
	const struct fb_answer *a = answer_shown(p->r, p->answers, i, &why);
	bool known = a;

	if (a && (a->view & (FB_VIEW_EVENTS | FB_VIEW_DETAILS)))
		known = mark_spans(p, states, a) && (!a->merged || mark_beyond(p, states, a));
	else if (a)
		mark_digits(p, states, a->merged);
	for (size_t k = 0; k < p->n; k++) {
		if (!known || p->slots[k].start < w.start || p->slots[k].end > w.end)
			states[k] = UNKNOWN;
		if (p->r->exclude && p->r->exclude[i] && states[k] != FREE)
			p->slots[k].excluded = true;
	}
}

static bool in_hours(const struct fb_working_hours *h, const struct fb_zone *z, const struct slot *s)
{
	int64_t start = fb_zone_wall(z, s->start), day = start - ((start % DAY) + DAY) % DAY;
	int from = (int)((start - day) / 60), to = from + (int)((s->end - s->start) / 60);
	unsigned today = 1u << fb_civil_at(start).weekday;

	for (size_t i = 0; i < h->n && i < FB_MAX_PERIODS; i++)
		if ((h->periods[i].days & today) && from >= h->periods[i].start && to <= h->periods[i].end)
			return true;
	return false;
}

static void find_work_time(struct plan *p)
{
	struct fb_working_hours usual = {.known = true, .n = 1, .periods = {{.days = 0x3e, .start = WORK_START, .end = WORK_END}}};
	bool anybody = false;

	for (size_t i = 0; i < p->r->query.n; i++) {
		enum fb_reason why;
		const struct fb_answer *a = answer_shown(p->r, p->answers, i, &why);
		struct fb_zone *z = a && a->hours.known ? fb_zone_from_rule(&a->hours.zone) : NULL;

		for (size_t k = 0; z && k < p->n; k++)
			p->slots[k].work &= in_hours(&a->hours, z, &p->slots[k]);
		anybody |= z != NULL;
		fb_zone_free(z);
	}
	for (size_t k = 0; !anybody && k < p->n; k++)
		p->slots[k].work = in_hours(&usual, p->r->zone, &p->slots[k]);
}

static void find_quality(struct plan *p)
{
	size_t all = p->r->query.n, good = (size_t)p->r->suggestions.good_threshold + 50;

	for (size_t k = 0; k < p->n; k++) {
		size_t available = 0;

		for (size_t i = 0; i < all; i++)
			available += p->states[i * p->n + k] == FREE;
		p->slots[k].quality = available == all           ? EWS_EXCELLENT
		                      : available * 100 >= good * all ? EWS_GOOD
		                      : available * 100 >= 50 * all   ? EWS_FAIR
		                                                      : EWS_POOR;
	}
}

static const char *quality_name(enum ews_quality q)
{
	static const char *const names[] = {"Excellent", "Good", "Fair", "Poor"};

	return names[q];
}

static void put_conflicts(struct buf *out, const struct plan *p, size_t k)
{
	static const char *const words[] = {"Free", "Tentative", "Busy", "OOF"};

	buf_puts(out, "<t:AttendeeConflictDataArray>");
	for (size_t i = 0; i < p->r->query.n; i++) {
		enum state is = p->states[i * p->n + k];

		if (is == UNKNOWN)
			buf_puts(out, "<t:UnknownAttendeeConflictData/>");
		else
			buf_printf(out, "<t:IndividualAttendeeConflictData><t:BusyType>%s</t:BusyType></t:IndividualAttendeeConflictData>", words[is]);
	}
	buf_puts(out, "</t:AttendeeConflictDataArray>");
}

static void put_slot(struct buf *out, const struct plan *p, size_t k)
{
	buf_puts(out, "<t:Suggestion><t:MeetingTime>");
	fb_time_put_wall(out, p->slots[k].wall);
	buf_puts(out, "</t:MeetingTime>");
	soap_put_bool(out, "t:IsWorkTime", p->slots[k].work);
	soap_put(out, "t:SuggestionQuality", quality_name(p->slots[k].quality));
	put_conflicts(out, p, k);
	buf_puts(out, "</t:Suggestion>");
}

/* How many times one of ${days} days may list; seven at least, with 100 mailboxes and 63 days. */
static int day_share(const struct ews_request *r, int64_t days)
{
	int64_t share = MAX_CONFLICTS / (days * (int64_t)r->query.n);

	return share < r->suggestions.max_by_day ? (int)share : r->suggestions.max_by_day;
}

/* Best first, then earliest; at most ${left}, and no more outside work time than were asked for. */
static void put_slots(struct buf *out, const struct plan *p, size_t from, size_t to, int left)
{
	int odd = p->r->suggestions.max_non_work_by_day;

	for (int q = EWS_EXCELLENT; q <= (int)p->r->suggestions.minimum; q++)
		for (size_t k = from; k < to && left; k++) {
			if ((int)p->slots[k].quality != q || p->slots[k].excluded || (!p->slots[k].work && !odd))
				continue;
			put_slot(out, p, k);
			left--;
			odd -= !p->slots[k].work;
		}
}

static void put_day(struct buf *out, const struct plan *p, int64_t day, size_t from, size_t to, int most)
{
	enum ews_quality best = EWS_POOR;

	for (size_t k = from; k < to; k++)
		if (p->slots[k].quality < best && !p->slots[k].excluded && (p->slots[k].work || p->r->suggestions.max_non_work_by_day))
			best = p->slots[k].quality;
	buf_puts(out, "<t:SuggestionDayResult><t:Date>");
	fb_time_put_wall(out, day);
	buf_puts(out, "</t:Date>");
	soap_put(out, "t:DayQuality", quality_name(best));
	buf_puts(out, "<t:SuggestionArray>");
	put_slots(out, p, from, to, most);
	buf_puts(out, "</t:SuggestionArray></t:SuggestionDayResult>");
}

static void put_days(struct buf *out, const struct plan *p)
{
	struct fb_window w = p->r->suggestions.window;
	int64_t day = fb_zone_wall(p->r->zone, w.start), end = fb_zone_wall(p->r->zone, w.end);
	size_t from = 0;
	int most;

	if (end <= day)
		end = day + 1; /* the clock goes back in it: there is a day nevertheless */
	day -= ((day % DAY) + DAY) % DAY;
	most = day_share(p->r, (end - day + DAY - 1) / DAY);
	for (; day < end; day += DAY) {
		size_t to = from;

		while (to < p->n && p->slots[to].wall < day + DAY)
			to++;
		put_day(out, p, day, from, to, most);
		from = to;
	}
}

static bool make_plan(struct plan *p)
{
	p->slots = calloc(MAX_SLOTS, sizeof *p->slots);
	if (!p->slots)
		return false;
	find_slots(p);
	p->states = calloc(p->r->query.n * p->n + 1, 1);
	if (!p->states)
		return false;
	for (size_t i = 0; i < p->r->query.n; i++)
		mark_mailbox(p, i);
	find_work_time(p);
	find_quality(p);
	return true;
}

void suggestions_put(struct buf *out, const struct ews_request *r, struct acl_released *const *answers, const char *request_id)
{
	struct plan p = {.r = r, .answers = answers};

	buf_puts(out, "<m:SuggestionsResponse>");
	if (make_plan(&p)) {
		buf_puts(out, "<m:ResponseMessage ResponseClass=\"Success\">");
		success_put(out);
		buf_puts(out, "</m:ResponseMessage><m:SuggestionDayResultArray>");
		put_days(out, &p);
		buf_puts(out, "</m:SuggestionDayResultArray>");
	} else {
		buf_puts(out, "<m:ResponseMessage ResponseClass=\"Error\"><m:MessageText>There was no memory to find meeting times (request id ");
		text_xml(out, request_id);
		buf_puts(out, ")</m:MessageText><m:ResponseCode>ErrorMeetingSuggestionGenerationFailed</m:ResponseCode></m:ResponseMessage>");
	}
	buf_puts(out, "</m:SuggestionsResponse>");
	free(p.slots);
	free(p.states);
}
