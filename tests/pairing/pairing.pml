/*
 * Pairing as docs/pairing.md has it, with an attacker who owns the network. TLS is taken at its word: who is an end of a connection reads and
 * writes on it, nobody else does, and each end knows which key the other one holds. So relaying, cutting or replaying bytes below TLS gets nothing,
 * and what is modelled is who can be an end of what:
 *
 *     connection   host's end   guest's end   key of host   key of guest
 *         1            A             B             A              B         the two sites themselves
 *         2            A             M             A              M         the attacker as a guest
 *         3            M             B             M              B         the attacker as the host
 *         4            A             M             A              B         with a copy of B's key  (a stolen backup: CLONED)
 *         5            M             B             A              B         with a copy of A's key
 *
 * A proof is made of its place in the exchange and of what it is bound to. Only who knows the secret makes one; whoever has seen one may
 * say it anywhere, any number of times, in any order. With STOLEN the attacker knows the text too, and comes second: after B was believed.
 *
 * Mutants: NO_EXPORTER binds proofs to the two keys alone, not to the connection; NO_CLAIM lets a second key use the secret.
 */
#define NOBODY 0
#define A 1
#define B 2
#define M 3
#define TRIES 3

#define HOST_KEY(c) ((c) == 3 -> M : A)
#define GUEST_KEY(c) ((c) == 2 -> M : B)
#ifdef NO_EXPORTER
#define RIGHT(p, c) (HOST_KEY(p) == HOST_KEY(c) && GUEST_KEY(p) == GUEST_KEY(c))
#else
#define RIGHT(p, c) ((p) == (c))
#endif

/* Places. A message is its place and the connection that its proof was made for. */
#define ACCEPT 0
#define ANSWER 1
#define AGREED 2
#define DONE 3
#define BIT(place, c) (1 << ((place) * 6 + (c)))

chan to_host[6] = [1] of { byte, byte };
chan to_guest[6] = [1] of { byte, byte };

byte claimed = NOBODY; /* the key that proved the secret to A first */
byte a_wrote = 0;      /* the connection over which A wrote its peer, and */
byte b_wrote = 0;      /* B */
byte tries = TRIES;
int seen = 0;          /* proofs that the attacker has */

proctype host_side(byte c)
{
	byte p;

	to_host[c]?ACCEPT(p);
	atomic {
		if
		:: tries == 0 -> goto refused
		:: tries > 0 && !RIGHT(p, c) -> tries--; goto refused
		:: tries > 0 && RIGHT(p, c) ->
			if
			:: claimed == NOBODY -> claimed = GUEST_KEY(c)
			:: else
			fi
		fi;
#ifndef NO_CLAIM
		if
		:: claimed != GUEST_KEY(c) || a_wrote -> goto refused
		:: else
		fi;
#endif
	}
	to_guest[c]!ANSWER(c);
	to_host[c]?AGREED(p);
	atomic {
		if
#ifdef NO_CLAIM
		:: RIGHT(p, c) -> a_wrote = c
#else
		:: RIGHT(p, c) && !a_wrote -> a_wrote = c
#endif
		:: else -> goto refused
		fi
	}
	to_guest[c]!DONE(c);
refused:
	skip
}

proctype guest_side(byte c)
{
	byte p;

	if
	:: HOST_KEY(c) != A -> goto refused /* not the key in the text: not a word is said */
	:: else
	fi;
	to_host[c]!ACCEPT(c);
	to_guest[c]?ANSWER(p);
	if
	:: RIGHT(p, c)
	:: else -> goto refused
	fi;
	to_host[c]!AGREED(c);
	to_guest[c]?DONE(p);
	if
	:: RIGHT(p, c) -> b_wrote = c
	:: else
	fi;
refused:
	skip
}

#define SAY(ch, place, p) ((seen & BIT(place, p)) && empty(ch)) -> ch!place(p)

proctype attacker()
{
	byte place, p;

	do
	/* hears what comes to his ends */
	:: atomic { to_guest[2]?place(p) -> seen = seen | BIT(place, p) }
	:: atomic { to_host[3]?place(p) -> seen = seen | BIT(place, p) }
#ifdef CLONED
	:: atomic { to_guest[4]?place(p) -> seen = seen | BIT(place, p) }
	:: atomic { to_host[5]?place(p) -> seen = seen | BIT(place, p) }
#endif
#ifdef STOLEN
	:: atomic { claimed == B -> seen = seen | BIT(ACCEPT, 2) | BIT(AGREED, 2) | BIT(ANSWER, 3) | BIT(DONE, 3) }
#endif
	/* says anything that he has, anywhere: any place's proof, and as any place */
	:: atomic { select(place : 0 .. 3); select(p : 1 .. 5);
		if
		:: SAY(to_host[2], place, p)
		:: SAY(to_guest[3], place, p)
#ifdef CLONED
		:: SAY(to_host[4], place, p)
		:: SAY(to_guest[5], place, p)
#endif
		:: else
		fi }
	od
}

init {
	atomic {
		run host_side(1);
		run host_side(2);
#ifdef CLONED
		run host_side(4);
#endif
		if
		:: run guest_side(1)
		:: run guest_side(3)
#ifdef CLONED
		:: run guest_side(5)
#endif
		fi;
		run attacker()
	}
}

/* What is written, is written over the one connection that has A and B at its ends; and each writes the other's key. */
ltl only_each_other { [] ((a_wrote == 0 || a_wrote == 1) && (b_wrote == 0 || b_wrote == 1)) }
#ifdef REACHED
/* The other way round, so that a model in which nothing ever happens is noticed: both can write. */
ltl both_write { [] !(a_wrote == 1 && b_wrote == 1) }
#endif
