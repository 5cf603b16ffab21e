#ifndef BRIDGE_LOGIN_LOGIN_H
#define BRIDGE_LOGIN_LOGIN_H
#include "bridge/availability/facts.h"
#include "bridge/availability/query.h"
#include "bridge/base/buf.h"
#include "bridge/conf/conf.h"
#include "bridge/login/bytes.h"

/*
 * Who is it that logs in at the front? The front hands each step of a login to a login worker as a question and gets a reply;
 * between the steps the worker remembers nothing: what it needs again goes out with its reply as `memory`, which the front keeps
 * with the connection and hands back once.
 */
enum login_scheme { LOGIN_BASIC = 0, LOGIN_NTLM, LOGIN_NEGOTIATE, LOGIN_SCHEMES };
enum {
	LOGIN_USER_MAX = 600,          /* bytes of a name as typed, with its domain */
	LOGIN_ACCOUNT_MAX = 256,
	LOGIN_WHY_MAX = 400,
	LOGIN_PASSWORD_MAX = 512,
	LOGIN_TOKEN_MAX = 48 << 10,    /* a ticket of somebody in a thousand groups */
	LOGIN_MEMORY_MAX = 12 << 10,
	LOGIN_QUESTION_MAX = 64 << 10, /* packed */
	LOGIN_REPLY_MAX = 64 << 10
};

struct login_question {
	enum login_scheme scheme;
	const char *user, *password; /* Basic: UTF-8; else NULL */
	struct login_bytes token;    /* the others: what the client sent */
	struct login_bytes memory;   /* what the last reply on this connection gave to keep; p NULL = a login begins */
	struct login_bytes end_point; /* the hash of our certificate that names this TLS server (RFC 5929 4); p NULL = none */
};

enum login_result {
	LOGIN_COULD_NOT_TELL = 0,
	LOGIN_YES,
	LOGIN_NO,
	LOGIN_MORE /* another step: the client wants the token, then says more */
};
/* After LOGIN_YES exactly one of account and address is not "". */
struct login_reply {
	enum login_result result;
	char typed[LOGIN_USER_MAX + 1];     /* who it claims to be, "" = it has not said yet */
	char account[LOGIN_ACCOUNT_MAX + 1];/* the account's name */
	char address[FB_ADDRESS_MAX + 1];   /* the person that the directory knows by that name and password, or principal */
	char why[LOGIN_WHY_MAX + 1];        /* after LOGIN_NO: which step failed, for the log alone; "" = not known */
	struct buf token;                   /* for the client; empty = none */
	struct buf memory;                  /* after LOGIN_MORE: to hand back with the next step */
};
/* Makes an empty reply that says LOGIN_NO. */
void login_reply_init(struct login_reply *r);
/* Notes which step failed; copied, cut to LOGIN_WHY_MAX bytes. */
void login_reply_why(struct login_reply *r, const char *why);
/* Wipes and frees what it holds; it is then as after login_reply_init(). */
void login_reply_wipe(struct login_reply *r);

/* Appends the question to ${out}, for the worker. */
void login_question_pack(struct buf *out, const struct login_question *q);
/* Reads it back; it borrows from ${p}. False if it is malformed. */
bool login_question_unpack(const uint8_t *p, size_t n, struct login_question *q);
/* Appends the reply to ${out}, for the front. */
void login_reply_pack(struct buf *out, const struct login_reply *r);
/* Reads it back into an initialised ${r}. False if it is malformed; ${r} then says LOGIN_COULD_NOT_TELL. */
bool login_reply_unpack(const uint8_t *p, size_t n, struct login_reply *r);

/*
 * The one account that ${user} means: its name as typed; else in any case (as Windows compares names); else without the DOMAIN\
 * before it; else the address of the person that it alone stands for; else, where it stands for no person, with @ and a domain of ours behind
 * it. NULL if there is none, or more than one. Borrowed.
 */
const struct conf_account *login_account(const struct conf *c, const char *user);
/*
 * The account whose name is the Kerberos ${principal} in any case, or, if ${ours} (its realm is that of our own key), what stands
 * before the realm. Never by address: that anna@REALM has the mailbox anna@realm is for the directory to say.
 */
const struct conf_account *login_account_of_principal(const struct conf *c, const char *principal, bool ours);

/* What the directory can say of those who have no account; each may be NULL. They block. */
struct login_directory {
	/*
	 * Is ${password} that of ${user}? FB_YES writes the person's canonical address, FB_NO appends to ${why} what is wrong. Takes the same work
	 * if there is no such user.
	 */
	enum fb_fact (*bind)(void *arg, const char *user, const char *password, char address[FB_ADDRESS_MAX + 1], struct buf *why);
	/* Whose principal is that? FB_YES writes the person's canonical address. */
	enum fb_fact (*principal)(void *arg, const char *principal, char address[FB_ADDRESS_MAX + 1]);
	void *arg;
};

/* The side of the login worker. */
struct login_acceptor;
/*
 * Reads all that a login needs and no process but a login worker has: NT hashes, the keytab, the legacy provider. Before the
 * sandbox. What is missing or wrong is added to ${problems} and leaves the scheme that needs it out. ${c} and ${d} (NULL = none)
 * are borrowed. Aborts when out of memory. Caller frees.
 */
struct login_acceptor *login_acceptor_new(const struct conf *c, const struct login_directory *d, struct conf_problems *problems);
/* Wipes and frees. NULL is allowed. */
void login_acceptor_free(struct login_acceptor *a);
/* Can a login by ${scheme} be answered with yes at all? */
bool login_acceptor_can(const struct login_acceptor *a, enum login_scheme scheme);
/* A login that fails, of each kind: libraries read their settings at the first, and once, before the files are out of reach. */
void login_rehearse(const struct login_acceptor *a);
/* Adds what is wrong with the schemes of ${c}: one that is on but cannot work, and why. For `check`. */
void login_warnings(const struct conf *c, struct conf_problems *warnings);
/* Does the account ${name} have an NT hash? */
bool login_acceptor_has_nt_hash(const struct login_acceptor *a, const char *name);
/* One step. ${r} is initialised. */
void login_answer(const struct login_acceptor *a, const struct login_question *q, struct login_reply *r);
#endif
