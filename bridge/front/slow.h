#ifndef BRIDGE_FRONT_SLOW_H
#define BRIDGE_FRONT_SLOW_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How long the answer to a login is held back. After a few wrong passwords for one name from one address each further answer to that
 * pair, right or wrong, waits for its turn, and turns lie further and further apart; a name is as typed, without DOMAIN\ and without
 * regard to case, whether there is such an account or not; "" (a ticket that could not be read) is no name. An address that was wrong
 * about many names gets turns of its own, which only a right login waits not for whose pair was right before: so how long a wrong one
 * waits does not tell who has logged in from there. Nobody's wrong passwords delay a right one from another address, nor the service
 * account that has logged in before from the same one. Pure, but for its memory.
 */
struct slow;
enum { SLOW_REFUSE_MS = 20000 }; /* whoever would wait longer is turned away: what came of the login is not told */

/* Remembers ${max} pairs and addresses; the one that was wrong longest ago gives way. NULL when out of memory. Caller frees. */
struct slow *slow_new(size_t max);
/* Frees it. NULL is allowed. */
void slow_free(struct slow *s);
/* How many milliseconds from ${now} (loop_ms()) the answer about ${user} from ${address}, which is yes or (or may be) no, has to wait. */
int64_t slow_wait(const struct slow *s, const char *address, const char *user, bool yes, int64_t now);
/* The login was wrong; it was, or will be, answered after slow_wait(). */
void slow_wrong(struct slow *s, const char *address, const char *user, int64_t now);
/*
 * It was right: the pair begins anew, unless its answer has to wait or is never told. Else the next turns would tell a guesser, who
 * sends a thousand passwords at once, that the right one was among those that were turned away.
 */
void slow_right(struct slow *s, const char *address, const char *user, int64_t now);
#endif
