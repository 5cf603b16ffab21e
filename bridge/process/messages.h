#ifndef BRIDGE_PROCESS_MESSAGES_H
#define BRIDGE_PROCESS_MESSAGES_H
#include "bridge/base/channel.h"
#include "bridge/login/login.h"

/*
 * Every message between our own processes: who may send it, how large it may be, whether a descriptor comes with it. Each end of a
 * channel gets only the rows that it may RECEIVE; base/channel.c ends a channel that carries anything else.
 */
enum message {
	/* the throwaway check -> supervisor */
	MSG_PLAN = 1,      /* the settings are good: what the supervisor needs of them (plan.c) */
	MSG_PROBLEMS,      /* they are not: the sentences, one a line */
	/* supervisor -> bridge */
	MSG_WORKER,        /* u8 enum worker_kind, u32 which backend, u64 pid; descriptor: our end of the worker's socket */
	MSG_BEGIN,         /* all workers have been sent: accept, and say MSG_READY when they are ready */
	MSG_DRAIN,         /* finish what is open, then end */
	MSG_CONTROL,       /* str request line, str what the supervisor knows, the body's first bytes; descriptor: the asker's connection */
	MSG_SHUT,          /* u32 number, str "peer NAME" or "pin PIN...": cut it off at once, and say so; 0 where another follows that counts for both */
	MSG_AUDIT,         /* the 32 bytes that the segment's first record follows; descriptor: the segment, to append to from now on */
	MSG_BUDGETS,       /* descriptor: the memory of all budgets (bridge/budget), before anything may be asked */
	MSG_TRACE,         /* the 16 bytes of the recording's key; descriptor: its file, before anything may be asked */
	MSG_INVITATION,    /* one that is open, or has changed: invitations.c */
	MSG_PIN,           /* u64 number, u8 whether it is new or dropped, str peer, str pin: one of the peer's; MSG_PIN_DONE unless the number is 0 */
	MSG_ANNOUNCED_DONE,/* u64 handle of a MSG_ANNOUNCED, u8 enum link_said, str sentence or NULL */
	MSG_WRITTEN,       /* u64 handle of a MSG_PAIRED, u8 whether it is written, str sentence why not */
	MSG_LINK,          /* descriptor: a connection of a peer that came to a sibling, and is for this one */
	/* bridge -> supervisor */
	MSG_READY,         /* serving */
	MSG_WORKS,         /* u64 pid of a worker of its own that is ready */
	MSG_LOST,          /* u64 pid of a worker that it let go of: kill it, so that another takes its place */
	MSG_AUDIT_LOST,    /* u64 records that it could not write since it began, u8 whether it still cannot */
	MSG_AUDIT_GROWN,   /* its segment is a piece longer, and so is the log */
	MSG_AUDIT_TURNED,  /* it appends to the segment that came last, and to no other */
	MSG_SHUT_DONE,     /* u32 number of the last MSG_SHUT: no link of it is left */
	MSG_FAILED,        /* the sentence why it cannot serve */
	MSG_ANNOUNCED,     /* u64 handle, u8 whether it retires, str peer, str pin of the connection, str pin, str proof: judge it and write it down */
	MSG_TOOK,          /* str peer, str pin: it has our next pin on its disk; "": it says that it has not */
	MSG_SEEN,          /* str peer, str pin: it stands under that key now; once, until it is another */
	MSG_UNREACHED,     /* str peer, str addresses: it cannot be reached at any of these, to which the names of its endpoints led */
	MSG_HAND_ON,       /* u32 number of a bridge; descriptor: a connection of a peer that is for that one */
	MSG_PIN_DONE,      /* u64 number of a MSG_PIN: in force here */
	MSG_TRIED,         /* str invitation's id in hex, str pin, u8 whether that key proved the secret */
	MSG_PAIRED,        /* u64 handle, str invitation's id in hex, str pin, str code, then the guest's offer: write the peer */
	/* bridge -> worker; a backend worker also gets MSG_TRACE */
	MSG_JOB,           /* u32 handle, then the job */
	/* worker -> bridge */
	MSG_WORKER_READY,  /* of a login worker: u8, the login schemes that it can answer with yes (1 << enum login_scheme each) */
	MSG_REPLY,         /* u32 handle of the job, then the reply */
	MSG_BACKEND        /* the sentence why the backend is left alone; empty: it is asked again */
};

/* One pool of each kind in a bridge, but of the last one for each configured backend. */
enum worker_kind { WORKER_CALENDAR, WORKER_LOGIN, WORKER_DIRECTORY, WORKER_BACKEND, WORKER_KINDS };

enum { MESSAGE_TEXT_MAX = 1 << 20, CONTROL_LINE_MAX = 2048, SHUT_MAX = CONTROL_LINE_MAX + 8, INVITATION_MAX = 4096, PAIRED_MAX = 32 << 10,
       JOB_MAX = 1 << 20,
       REPLY_MAX = 48 << 20,
       MESSAGE_HANDLE = 4 /* bytes of it */ };

/* The tables, by who reads them (messages.c). */
extern const struct channel_type messages_from_check[2];
extern const struct channel_type messages_from_supervisor[13];
extern const struct channel_type messages_from_bridge[16];
extern const struct channel_type messages_from_calendar_worker[2];
extern const struct channel_type messages_from_login_worker[2];
extern const struct channel_type messages_from_directory_worker[2];
extern const struct channel_type messages_to_backend_worker[2];
extern const struct channel_type messages_from_backend_worker[3];
#define MESSAGES(table) (table), sizeof(table) / sizeof *(table)
#endif
