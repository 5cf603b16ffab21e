#ifndef BRIDGE_DIRECTORY_JOB_H
#define BRIDGE_DIRECTORY_JOB_H
#include <stdbool.h>
#include <stddef.h>
#include "bridge/availability/address.h"
#include "bridge/availability/facts.h"
#include "bridge/base/buf.h"
#include "bridge/base/pack.h"

/* What goes to a directory worker and what comes back. */
enum directory_kind {
	DIRECTORY_ADDRESS = 0, /* an SMTP address in normal form: of ours, or somebody's who has a contact here */
	DIRECTORY_SID,         /* S-1-... (MS-DTYP 2.4.2.1) */
	DIRECTORY_NAME,        /* DOMAIN\NAME, a UPN, an address, or a bare account name, as somebody typed it */
	DIRECTORY_PRINCIPAL    /* NAME@REALM, as a Kerberos ticket says it */
};
enum {
	DIRECTORY_TEXT_MAX = 1024,
	DIRECTORY_JOB_MAX = DIRECTORY_TEXT_MAX + 64,
	DIRECTORY_GROUPS_MAX = 4096, /* of those that the rules mention beyond these nothing can be told */
	DIRECTORY_WHY_MAX = 2048,
	DIRECTORY_REPLY_MAX = DIRECTORY_GROUPS_MAX + 8192
};

/* What the directory says. Told apart in here; outside, hidden, disabled and absent are alike. */
struct directory_answer {
	enum fb_fact exists;                /* exactly one entry; no: none; could not tell: why says why */
	bool hidden, disabled;
	char address[FB_ADDRESS_MAX + 1];   /* the canonical one, normal, in a domain of ours if the one asked is; "" = it has none */
	char moved_to[FB_ADDRESS_MAX + 1];  /* where its target address leads, outside our domains; "" = nowhere */
	char dn[DIRECTORY_TEXT_MAX];        /* of the entry, cut off when longer: for people to read */
	char server[300];                   /* who said so */
	char why[DIRECTORY_WHY_MAX];        /* the sentence of what could not be told */
	bool passing;                       /* what could not be told may be told the next time */
	size_t n_groups;
	enum fb_fact *groups;               /* in the order of directory_groups_collect(); the caller's, room for DIRECTORY_GROUPS_MAX */
};

/* Appends the job: ${text} of at most DIRECTORY_TEXT_MAX bytes. */
void directory_job_pack(struct buf *out, enum directory_kind kind, const char *text);
/* Reads it; ${text} is borrowed from ${job}. False if it is none. */
bool directory_job_unpack(const void *job, size_t len, enum directory_kind *kind, const char **text);
/* Appends an answer. */
void directory_answer_pack(struct buf *out, const struct directory_answer *a);
/* Reads one into ${a}, whose groups point to room for ${n}; false if it is none, or if it has not exactly ${n} groups. */
bool directory_answer_unpack(const void *reply, size_t len, struct directory_answer *a, size_t n);
#endif
