#include "bridge/backend/recur.h"
#include <stdlib.h>
#include "bridge/availability/clock.h"

/* A day with all that a rule may ask of it. */
struct day {
	int64_t n; /* days since 1970 */
	int year, month, mday, yday, weekday;
	int month_len, year_len;
};

struct walk {
	struct recur_rule r; /* with the defaults from DTSTART filled in */
	int64_t start, lo, hi;
	int64_t counted, last; /* last: of the members so far; a day may come twice by way of SKIP */
	int64_t *work;
	recur_cb *cb;
	void *arg;
	int32_t *times; /* seconds into the day, or into the hour or minute for finer rules */
	size_t n_times;
	int64_t days[366]; /* those of the present period, when BYSETPOS needs them all */
	size_t n_days;
	enum recur_end end;
	bool over;
};

static const int64_t last_wall = 253402300799; /* the end of the year 9999 */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int weekday_of(int64_t day)
{
	return (int)(((day + 4) % 7 + 7) % 7);
}

static void stop(struct walk *w, enum recur_end why)
{
	w->end = why;
	w->over = true;
}

static bool spend(struct walk *w, int64_t n)
{
	if ((*w->work -= n) < 0)
		stop(w, RECUR_TOO_MUCH);
	return !w->over;
}

/* One member of the recurrence set, in rising order. */
static void emit(struct walk *w, int64_t wall)
{
	if (wall < w->start || wall <= w->last || !spend(w, 1))
		return;
	w->last = wall;
	if (wall > w->hi) {
		w->over = true;
		return;
	}
	if (wall >= w->lo && w->cb(w->arg, wall))
		stop(w, RECUR_STOPPED);
	if (w->r.count && ++w->counted >= w->r.count)
		w->over = true;
}

static struct day day_at(int64_t n)
{
	struct fb_civil c = fb_civil_at(n * 86400);
	int leap = c.year % 4 == 0 && (c.year % 100 != 0 || c.year % 400 == 0);
	return (struct day){n, c.year, c.month, c.day, (int)(n - fb_days(c.year, 1, 1)) + 1, weekday_of(n),
	                    fb_month_days(c.year, c.month), 365 + leap};
}

/* The next day: cheaper than day_at() within a month. */
static void day_next(struct day *d)
{
	if (d->mday == d->month_len) {
		*d = day_at(d->n + 1);
		return;
	}
	d->n++;
	d->mday++;
	d->yday++;
	d->weekday = d->weekday == 6 ? 0 : d->weekday + 1;
}

/* First day of week 1 of ${year}: the week, starting on ${wkst}, that holds 4 January. */
static int64_t week_one(int year, int wkst)
{
	int64_t fourth = fb_days(year, 1, 4);
	return fourth - (weekday_of(fourth) - wkst + 7) % 7;
}

static bool week_fits(const struct recur_rule *r, const struct day *d)
{
	int year = d->year;
	int64_t first = week_one(year, r->wkst), next = week_one(year + 1, r->wkst);
	if (d->n < first) {
		next = first;
		first = week_one(year - 1, r->wkst);
	} else if (d->n >= next) {
		first = next;
		next = week_one(year + 2, r->wkst);
	}
	int week = (int)((d->n - first) / 7) + 1, back = (int)((next - first) / 7) - week + 1;
	return (r->weeks >> week & 1) || (r->weeks_back >> back & 1);
}

/* BYDAY: a plain weekday, or the nth of the month or year. */
static bool weekday_fits(const struct recur_rule *r, const struct day *d)
{
	if (r->weekdays >> d->weekday & 1)
		return true;
	bool in_month = r->freq == RECUR_MONTHLY || r->months;
	int at = in_month ? d->mday : d->yday, len = in_month ? d->month_len : d->year_len;
	int n = (at - 1) / 7 + 1, back = -((len - at) / 7 + 1);
	for (size_t i = 0; i < r->n_nth; i++)
		if (r->nth[i].weekday == d->weekday && (r->nth[i].n == n || r->nth[i].n == back))
			return true;
	return false;
}

static bool year_day_fits(const struct recur_rule *r, const struct day *d)
{
	int back = d->year_len - d->yday + 1;
	return (r->year_days[d->yday / 8] >> d->yday % 8 & 1) || (r->year_days_back[back / 8] >> back % 8 & 1);
}

/* Does the rule name days that the month of ${d} does not have? */
static bool names_too_many(const struct recur_rule *r, const struct day *d)
{
	return (uint64_t)r->month_days >> (d->month_len + 1);
}

/* SKIP is for the days that BYMONTHDAY makes: where the rule goes by weeks or finer it makes none, and only leaves days out. */
static bool month_day_fits(const struct recur_rule *r, const struct day *d)
{
	if (r->skip == RECUR_BACKWARD && r->freq <= RECUR_MONTHLY && d->mday == d->month_len && names_too_many(r, d))
		return true;
	return (r->month_days >> d->mday & 1) || (r->month_days_back >> (d->month_len - d->mday + 1) & 1);
}

static bool day_fits(const struct recur_rule *r, const struct day *d)
{
	if (r->months && !(r->months >> d->month & 1))
		return false;
	if ((r->month_days || r->month_days_back) && !month_day_fits(r, d))
		return false;
	if ((r->weekdays || r->n_nth) && !weekday_fits(r, d))
		return false;
	if (r->by_year_day && !year_day_fits(r, d))
		return false;
	return !(r->weeks || r->weeks_back) || week_fits(r, d);
}

/* The parts that a rule leaves open come from DTSTART (RFC 5545 3.3.10). */
static void fill_in(struct recur_rule *r, const struct day *d)
{
	if (r->freq > RECUR_MONTHLY) { /* a number before a weekday has no meaning there */
		for (size_t i = 0; i < r->n_nth; i++)
			r->weekdays |= 1U << r->nth[i].weekday;
		r->n_nth = 0;
	}
	if (r->freq >= RECUR_DAILY || r->weekdays || r->n_nth || r->month_days || r->month_days_back || r->by_year_day)
		return;
	if (r->freq == RECUR_WEEKLY || r->weeks || r->weeks_back) {
		r->weekdays = 1U << d->weekday;
		return;
	}
	if (r->freq == RECUR_YEARLY && !r->months)
		r->months = 1U << d->month;
	r->month_days = 1U << d->mday;
}

/* All times of one period: of a day, or of an hour or minute for the finer rules. */
static bool make_times(struct walk *w, const struct recur_rule *given)
{
	int64_t s = w->start - floor_div(w->start, 86400) * 86400;
	uint32_t hours = w->r.freq >= RECUR_HOURLY ? 1 : given->hours ? given->hours : 1U << (s / 3600);
	uint64_t minutes = w->r.freq >= RECUR_MINUTELY ? 1 : given->minutes ? given->minutes : 1ULL << (s / 60 % 60);
	uint64_t seconds = w->r.freq >= RECUR_SECONDLY ? 1 : given->seconds ? given->seconds : 1ULL << (s % 60);
	size_t n = (size_t)__builtin_popcount(hours) * (size_t)__builtin_popcountll(minutes) * (size_t)__builtin_popcountll(seconds);
	w->times = spend(w, (int64_t)n) ? malloc(n * sizeof *w->times) : NULL;
	if (!w->times)
		return false;
	for (int h = 0; h < 24; h++)
		for (int m = 0; m < 60 && hours >> h & 1; m++)
			for (int sec = 0; sec < 60 && minutes >> m & 1; sec++)
				if (seconds >> sec & 1)
					w->times[w->n_times++] = h * 3600 + m * 60 + sec;
	return true;
}

static int by_value(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return (x > y) - (x < y);
}

/* BYSETPOS: of the period's ${n_days} x n_times occurrences only those at the positions named. */
static void emit_positions(struct walk *w, const int64_t *days, size_t n_days)
{
	size_t at[RECUR_MAX_SETPOS], n = 0, total = n_days * w->n_times;
	for (size_t i = 0; i < w->r.n_setpos; i++) {
		size_t pos = (size_t)(w->r.setpos[i] > 0 ? w->r.setpos[i] : -w->r.setpos[i]);
		if (pos <= total)
			at[n++] = w->r.setpos[i] > 0 ? pos - 1 : total - pos;
	}
	qsort(at, n, sizeof *at, by_value);
	if (!spend(w, (int64_t)w->r.n_setpos))
		return;
	for (size_t i = 0; i < n && !w->over; i++)
		if (!i || at[i] != at[i - 1])
			emit(w, days[at[i] / w->n_times] + w->times[at[i] % w->n_times]);
}

/* ${base} is the wall time at which the day, hour or minute begins. */
static void emit_times(struct walk *w, int64_t base)
{
	if (base + 86400 < w->lo && !w->r.count)
		return;
	for (size_t i = 0; i < w->n_times && !w->over; i++)
		emit(w, base + w->times[i]);
}

/* A member of the present period. */
static void add_day(struct walk *w, int64_t base)
{
	if (!w->r.n_setpos)
		emit_times(w, base);
	else if (!w->n_days || w->days[w->n_days - 1] != base)
		w->days[w->n_days++] = base;
}

/* A day of the present period. */
static void take_day(struct walk *w, const struct day *d)
{
	if (spend(w, 1 + (int64_t)w->r.n_nth / 8) && day_fits(&w->r, d))
		add_day(w, d->n * 86400);
}

static void take_month(struct walk *w, int year, int month)
{
	if (w->r.months && !(w->r.months >> month & 1))
		return;
	struct day d = day_at(fb_days(year, month, 1));
	bool forward = w->r.skip == RECUR_FORWARD && names_too_many(&w->r, &d);
	for (int i = 0, n = d.month_len; i < n && !w->over; i++) {
		take_day(w, &d);
		day_next(&d);
	}
	if (forward && !w->over && ((!w->r.weekdays && !w->r.n_nth) || weekday_fits(&w->r, &d)))
		add_day(w, d.n * 86400);
}

/* Makes the ${k}th period of a rule by days or coarser; returns the wall time at which it begins. */
static int64_t take_period(struct walk *w, int64_t k, const struct day *first)
{
	int64_t by = k * w->r.interval, begins;
	w->n_days = 0;
	if (w->r.freq == RECUR_YEARLY || w->r.freq == RECUR_MONTHLY) {
		bool yearly = w->r.freq == RECUR_YEARLY;
		int64_t month = yearly ? (first->year + by) * 12 : first->year * 12 + first->month - 1 + by;
		if (month >= 120000)
			return last_wall + 1;
		begins = fb_days((int)(month / 12), (int)(month % 12) + 1, 1) * 86400;
		for (int i = 0; i < (yearly ? 12 : 1) && begins <= w->hi && !w->over; i++)
			take_month(w, (int)(month / 12), (int)((month + i) % 12) + 1);
	} else {
		bool weekly = w->r.freq == RECUR_WEEKLY;
		int64_t n = weekly ? first->n - (first->weekday - w->r.wkst + 7) % 7 + 7 * by : first->n + by;
		begins = n * 86400;
		if (begins > w->hi)
			return begins;
		struct day d = day_at(n);
		for (int i = 0; i < (weekly ? 7 : 1) && !w->over; i++) {
			take_day(w, &d);
			day_next(&d);
		}
	}
	if (w->r.n_setpos && !w->over)
		emit_positions(w, w->days, w->n_days);
	return begins;
}

/* How many occurrences every period has after the first one; 0 if that is not known beforehand. */
static int64_t occurrences_each(const struct walk *w)
{
	const struct recur_rule *r = &w->r;
	bool limited = r->months || r->month_days || r->month_days_back || r->by_year_day || r->weeks || r->weeks_back || r->n_setpos;
	if (limited || (r->freq != RECUR_WEEKLY && (r->freq != RECUR_DAILY || r->weekdays)))
		return 0;
	return (int64_t)w->n_times * (r->freq == RECUR_WEEKLY ? __builtin_popcount(r->weekdays) : 1);
}

static void walk_days(struct walk *w)
{
	static const int64_t longest[] = {[RECUR_YEARLY] = 366, [RECUR_MONTHLY] = 31, [RECUR_WEEKLY] = 7, [RECUR_DAILY] = 1};
	struct day first = day_at(floor_div(w->start, 86400));
	int64_t k = 0, ahead = floor_div(w->lo - w->start, 86400) - 2 * longest[w->r.freq];
	int64_t skip = ahead > 0 ? ahead / longest[w->r.freq] / w->r.interval : 0, each = occurrences_each(w);
	if (!w->r.count) { /* no need to walk up to the window: whole periods can be left out */
		k = skip;
	} else if (skip > 1 && each && spend(w, 1)) { /* nor where they need only be counted; the first one may be cut by DTSTART */
		take_period(w, 0, &first);
		k = skip;
		w->counted += (skip - 1) * each;
		w->over = w->over || w->counted >= w->r.count;
	}
	for (; !w->over && spend(w, 1); k++)
		if (take_period(w, k, &first) > w->hi)
			return;
}

/* First multiple of the interval at or after the wall time ${wall}, as a count of units since 1970. */
static int64_t unit_at(const struct walk *w, int64_t unit0, int64_t unit, int64_t wall)
{
	int64_t units = -floor_div(-wall, unit) - unit0;
	if (units <= 0)
		return unit0;
	return unit0 + (units + w->r.interval - 1) / w->r.interval * w->r.interval;
}

/* If ${wall} lies in a day, hour or minute that the rule leaves out: where that ends; else ${wall}. */
static int64_t skip_to(struct walk *w, int64_t wall, struct day *d, bool *fits)
{
	int64_t n = floor_div(wall, 86400), s = wall - n * 86400;
	if (d->n != n) {
		*d = day_at(n);
		*fits = day_fits(&w->r, d);
	}
	if (!*fits)
		return (n + 1) * 86400;
	if (w->r.hours && !(w->r.hours >> (s / 3600) & 1))
		return n * 86400 + (s / 3600 + 1) * 3600;
	if (w->r.freq >= RECUR_MINUTELY && w->r.minutes && !(w->r.minutes >> (s / 60 % 60) & 1))
		return n * 86400 + (s / 60 + 1) * 60;
	if (w->r.freq == RECUR_SECONDLY && w->r.seconds && !(w->r.seconds >> (s % 60) & 1))
		return wall + 1;
	return wall;
}

static void walk_clock(struct walk *w)
{
	const struct recur_rule *r = &w->r;
	int64_t unit = r->freq == RECUR_HOURLY ? 3600 : r->freq == RECUR_MINUTELY ? 60 : 1;
	int64_t unit0 = floor_div(w->start, unit), at = unit0;
	bool plain = !r->months && !r->weekdays && !r->month_days && !r->month_days_back && !r->by_year_day && !r->weeks &&
	             !r->weeks_back && !r->hours && !r->minutes && !r->seconds && !r->n_setpos;
	if (w->lo > w->start && (!r->count || plain))
		at = unit_at(w, unit0, unit, w->lo - unit - r->interval * unit);
	if (r->count && plain && (w->counted = (at - unit0) / r->interval) >= r->count)
		return;
	struct day d = {.n = INT64_MIN};
	bool fits = false;
	while (!w->over && at * unit <= w->hi && spend(w, 1)) {
		int64_t to = skip_to(w, at * unit, &d, &fits);
		if (to > at * unit) {
			at = unit_at(w, unit0, unit, to);
			continue;
		}
		if (r->n_setpos)
			emit_positions(w, &to, 1);
		else
			emit_times(w, to);
		at += r->interval;
	}
}

enum recur_end recur_walk(const struct recur_rule *r, int64_t start, int64_t lo, int64_t hi, int64_t *work, recur_cb *cb, void *arg)
{
	struct walk w = {.r = *r, .start = start, .lo = lo, .hi = hi < last_wall ? hi : last_wall, .last = INT64_MIN, .work = work, .cb = cb, .arg = arg};
	if (lo > w.hi || start > w.hi)
		return RECUR_DONE;
	struct day first = day_at(floor_div(start, 86400));
	fill_in(&w.r, &first);
	if (!make_times(&w, r))
		return RECUR_TOO_MUCH;
	if (w.r.freq <= RECUR_DAILY)
		walk_days(&w);
	else
		walk_clock(&w);
	free(w.times);
	return w.end;
}
