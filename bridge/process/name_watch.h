#ifndef BRIDGE_PROCESS_NAME_WATCH_H
#define BRIDGE_PROCESS_NAME_WATCH_H
#include "bridge/process/verb.h"

/*
 * Where the names of endpoints lead to now. A bridge resolves them while it starts, and can open no file later: of a peer that it does not
 * reach it tells the supervisor from time to time to which addresses they led. A verb of ours looks them up anew, and where there is one
 * more to try, that is a reload: so a peer that has moved, and a resolver that was not there when this machine started, are nothing that
 * somebody has to see to. A reload that does not help (bridges wait for resolvers for ten seconds alone) comes again more and more seldom; how seldom
 * is each peer's own: one whose names lead elsewhere at each look-up keeps no other one away.
 */
struct name_wait;
struct name_watch {
	struct loop *loop;
	const char *conf_path;     /* borrowed */
	bool (*reload)(void *arg); /* asks for a reload; false if one is under way, and then the bridge tells of it again */
	void *arg;
	struct verb verb;
	char peer[64];             /* that it is about */
	int64_t next;              /* no reload before, for whatever peer */
	struct name_wait *waits;   /* of the peers for which there was one */
};

/* A bridge's MSG_UNREACHED. While another peer is looked up it is left for the next time. */
void name_watch_said(struct name_watch *w, const uint8_t *data, size_t len);
/* A child ended: true if it was the one that looked names up, which is then seen to. */
bool name_watch_reaped(struct name_watch *w, pid_t pid, int status);
/* Kills the verb, if one runs, and frees what is kept of peers. */
void name_watch_end(struct name_watch *w);
#endif
