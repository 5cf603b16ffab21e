#include "bridge/process/name_watch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/conf/conf.h"

enum { VERB_MS = 30000, SENTENCE = 1000, WAIT_MS = 60 * 1000, WAIT_MAX_MS = 3600 * 1000 };

/* How long the next reload for ${peer} has to wait. */
struct name_wait {
	struct name_wait *following;
	int64_t next, wait; /* none before; that long behind the last */
	char peer[64];
};

static struct name_wait *wait_of(const struct name_watch *w, const char *peer)
{
	struct name_wait *p = w->waits;

	while (p && strcmp(p->peer, peer) != 0)
		p = p->following;
	return p;
}

void name_watch_said(struct name_watch *w, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	const char *peer = unpack_str(&u), *had = unpack_str(&u);
	const struct name_wait *p;

	if (w->verb.pid || loop_ms() < w->next || !unpack_done(&u) || !peer || !had || !conf_name_valid(peer))
		return;
	if ((p = wait_of(w, peer)) && loop_ms() < p->next)
		return;
	snprintf(w->peer, sizeof w->peer, "%s", peer);
	verb_start(&w->verb, w->loop, w->conf_path, (const char *const[]){"peer", "moved", w->peer, "--from", had, NULL}, VERB_MS);
}

static void wait_longer(struct name_watch *w)
{
	struct name_wait *p = wait_of(w, w->peer);
	int64_t now = loop_ms();

	if (!p) {
		if (!(p = calloc(1, sizeof *p)))
			abort();
		snprintf(p->peer, sizeof p->peer, "%s", w->peer);
		p->following = w->waits;
		w->waits = p;
	}
	if (!p->wait || now - p->next > WAIT_MAX_MS)
		p->wait = WAIT_MS;
	else if (2 * p->wait <= WAIT_MAX_MS)
		p->wait *= 2;
	p->next = now + p->wait;
	w->next = now + WAIT_MS;
}

bool name_watch_reaped(struct name_watch *w, pid_t pid, int status)
{
	char text[SENTENCE];

	if (!w->verb.pid || w->verb.pid != pid)
		return false;
	verb_end(&w->verb, text, sizeof text);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !text[0] || !w->reload(w->arg))
		return true;
	wait_longer(w);
	log_event(LOG_LEVEL_INFO, "peer-moved", LS("peer", w->peer), LS("address", text),
	          LS("text", "its endpoints' names lead there now; that is taken into use by a reload"));
	return true;
}

void name_watch_end(struct name_watch *w)
{
	struct name_wait *p;

	verb_kill(&w->verb);
	while ((p = w->waits)) {
		w->waits = p->following;
		free(p);
	}
}
