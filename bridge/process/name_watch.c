#include "bridge/process/name_watch.h"
#include <stdio.h>
#include <sys/wait.h>
#include "bridge/base/log.h"
#include "bridge/base/pack.h"
#include "bridge/conf/conf.h"

enum { VERB_MS = 30000, SENTENCE = 1000, WAIT_MS = 60 * 1000, WAIT_MAX_MS = 3600 * 1000 };

void name_watch_said(struct name_watch *w, const uint8_t *data, size_t len)
{
	struct unpack u = unpack_start(data, len);
	const char *peer = unpack_str(&u), *had = unpack_str(&u);

	if (w->verb.pid || loop_ms() < w->next || !unpack_done(&u) || !peer || !had || !conf_name_valid(peer))
		return;
	snprintf(w->peer, sizeof w->peer, "%s", peer);
	verb_start(&w->verb, w->loop, w->conf_path, (const char *const[]){"peer", "moved", w->peer, "--from", had, NULL}, VERB_MS);
}

static void wait_longer(struct name_watch *w)
{
	int64_t now = loop_ms();

	if (!w->wait || now - w->next > WAIT_MAX_MS)
		w->wait = WAIT_MS;
	else if (2 * w->wait <= WAIT_MAX_MS)
		w->wait *= 2;
	w->next = now + w->wait;
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
