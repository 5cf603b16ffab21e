#ifndef BRIDGE_BACKEND_RECUR_H
#define BRIDGE_BACKEND_RECUR_H
#include "bridge/backend/value.h"

/*
 * Recurrence rules (RFC 5545 3.3.10), expanded in wall time. Own code: libical 3.0.16 keeps INTERVAL in a short, steps through every second
 * of FREQ=SECONDLY, and python3-dateutil (the oracle of the tests) differs from the RFC in three places, each with its case in
 * tests/unit/test_backend_recur.c:
 *  - BYDAY=MO,2TU: Mondays and the second Tuesday; dateutil intersects the two and finds nothing.
 *  - FREQ=WEEKLY with BYSETPOS: positions count in the whole week; dateutil's first week begins at DTSTART.
 *  - FREQ=YEARLY;BYWEEKNO=20 alone: DTSTART's weekday of that week; dateutil gives all seven days.
 */
enum recur_freq { RECUR_NONE = 0, RECUR_YEARLY, RECUR_MONTHLY, RECUR_WEEKLY, RECUR_DAILY, RECUR_HOURLY, RECUR_MINUTELY, RECUR_SECONDLY };
/* What becomes of a day that its month does not have (RFC 7529): nothing, the day before, the day behind. */
enum recur_skip { RECUR_OMIT = 0, RECUR_BACKWARD, RECUR_FORWARD };
enum { RECUR_MAX_NTH = 106, RECUR_MAX_SETPOS = 366 };

struct recur_rule {
	enum recur_freq freq;
	int64_t interval;       /* at least 1 */
	int64_t count;          /* 0 = no COUNT */
	bool has_until;
	struct ics_time until;
	enum recur_skip skip;
	int wkst;               /* 0 = Sunday .. 6, as everywhere here */
	uint64_t seconds, minutes; /* bit per value; 0 = not given, and so on below */
	uint32_t hours;
	unsigned months;        /* bit 1..12 */
	unsigned weekdays;      /* BYDAY without a number */
	size_t n_nth;
	struct recur_nth {
		int n, weekday;
	} nth[RECUR_MAX_NTH];
	uint32_t month_days, month_days_back;      /* bit 1..31, counted from the front and from the end */
	uint64_t weeks, weeks_back;                /* bit 1..53 */
	uint8_t year_days[47], year_days_back[47]; /* bit 1..366 */
	bool by_year_day;
	bool guessed;           /* a value that the RFC does not know is read as some program means it */
	size_t n_setpos;
	int setpos[RECUR_MAX_SETPOS];
};

/*
 * Reads the value of an RRULE, of RFC 7529 what has to do with the Gregorian scale: of years of other lengths, and of SKIP beside parts that count
 * days of the year or from the end of a month, nothing is known here. False with a few words in ${why} (the part's name, never its text) if it is
 * not a rule.
 */
bool recur_read(const char *s, size_t n, struct recur_rule *r, char *why, size_t why_size);

/* Leaves out of ${r} the times of a day that it names, as where DTSTART is a date (RFC 5545 3.3.10); false if there is none to leave out. */
bool recur_forget_times(struct recur_rule *r);

/* One occurrence, in rising order. Nonzero stops the walk. */
typedef int recur_cb(void *arg, int64_t wall);
enum recur_end { RECUR_DONE = 0, RECUR_STOPPED, RECUR_TOO_MUCH };
/*
 * Calls ${cb} for each occurrence of ${r} in [${lo}, ${hi}] that is not before ${start} (DTSTART's wall time). COUNT counts from
 * ${start}; UNTIL is the caller's business (it needs a zone). Each step costs one of ${work}; RECUR_TOO_MUCH when that is spent (or
 * no memory): the set then is not known.
 */
enum recur_end recur_walk(const struct recur_rule *r, int64_t start, int64_t lo, int64_t hi, int64_t *work, recur_cb *cb, void *arg);
#endif
