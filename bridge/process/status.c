#include "bridge/process/status.h"
#include <stdlib.h>
#include <string.h>
#include "bridge/base/text.h"
#include "bridge/process/sandbox.h"

/*
 * `status --json`, one object:
 *   version, site         strings
 *   uptime_ms, pid        of the supervisor
 *   generations[]         number, state (starting running draining ending), processes[]: process (bridge, calendar-, login-, directory-,
 *                         backend-worker), pid (0 = starting again, or ended in a generation that drains or ends), uptime_ms, restarts, audit_lost
 *                         (records that it and those before it in its place could not write), audit_failing (it still cannot)
 *   invitations[]         open ones: name, seconds_left, tries_left, used_by (a pin or null), written (the peer is there, to be confirmed)
 *   front_certificate     expires (seconds since 1970, 0 = not known), trouble (why its changed files are not used, or null)
 *   identity              pin, next (or null), taken[] and not_taken[] (enabled peers, while there is a next one)
 *   pending[]             next keys that wait for `peer confirm-next`: peer, pin
 *   bridge                the bridge that answered: generation, landlock, open_queries, front_connections, logins (the schemes that its front
 *                         offers), cache_mib (its ceiling), recording (`serve --trace`: off, on, ended), recorded_bytes
 *   over_budget[]         who is over a budget now: who, peer (who names them, or null), setting, limit, refused (mailboxes)
 *   pools[]               of that bridge: name (calendar, login, directory, "backend NAME"), workers, ready, busy, jobs (that they have),
 *                         waiting, trouble (why a backend is left alone, or null)
 *   peers[]               as `peer show --json` gives each
 * `peer show --json`, one object:
 *   name, state (up connecting down disabled), since_ms, dialled_by (us, them: over a connection that the peer made), endpoint,
 *                         why (the last failure), site, version: strings but since_ms; null if not known
 *   said[]                domains that the peer's Hello named
 *   ours[]                domains that our table points to it
 *   clock_ahead           seconds by which its clock was ahead of ours when it last greeted us
 *   unconfirmed           the six words that were not compared yet, or null
 *   front_expires         when its front certificate ends, seconds since 1970 (0 = not told)
 *   missing[], surplus[]  ours that it did not name; named ones that our table does not give it
 *   refused[]             domains that we named and its table does not give us
 */

static void put_pool(struct buf *out, const struct pool *p, bool json)
{
	struct pool_status st;

	pool_status(p, &st);
	if (!json) {
		buf_printf(out, "%s workers: %zu of %zu ready, %zu busy, %zu job%s waiting\n", st.name, st.ready, st.workers, st.busy,
		           st.waiting, st.waiting == 1 ? "" : "s");
		if (st.trouble) {
			buf_puts(out, "  ! it is down, and left alone until a probe finds it back: ");
			text_safe(out, st.trouble);
			buf_putc(out, '\n');
		}
		return;
	}
	json_open(out, NULL, '{');
	json_str(out, "name", st.name);
	json_int(out, "workers", st.workers);
	json_int(out, "ready", st.ready);
	json_int(out, "busy", st.busy);
	json_int(out, "jobs", st.jobs);
	json_int(out, "waiting", st.waiting);
	json_str(out, "trouble", st.trouble);
	json_close(out, '}');
}

static void put_bridge(struct buf *out, const struct bridge *b, bool json)
{
	const struct pool *p;
	uint64_t bytes;
	const char *recording = trace_state(b->trace, &bytes);
	struct buf logins;

	buf_init(&logins, 100);
	front_put_offered(b->front, &logins);
	if (json) {
		json_open(out, "bridge", '{');
		json_int(out, "generation", b->generation);
		json_bool(out, "landlock", sandbox_has_landlock());
		json_int(out, "open_queries", proxy_open(b->proxy));
		json_int(out, "front_connections", front_open(b->front));
		json_str(out, "logins", buf_cstr(&logins));
		json_int(out, "cache_mib", b->conf->cache_mib);
		json_str(out, "recording", recording);
		json_int(out, "recorded_bytes", bytes);
		json_close(out, '}');
		json_open(out, "pools", '[');
	} else {
		buf_printf(out, "open queries: %zu, connections at the front: %zu, logins by %s\n", proxy_open(b->proxy),
		           front_open(b->front), buf_cstr(&logins));
		if (b->trace)
			buf_printf(out, "recording: ! %s, %llu bytes of at most %d (serve --trace)\n", recording, (unsigned long long)bytes, TRACE_FILE_MAX);
	}
	buf_free(&logins);
	for (size_t i = 0; (p = bridge_pool_at(b, i)); i++)
		put_pool(out, p, json);
	if (json)
		json_close(out, ']');
}

/* Who is over a budget now. Somebody's names: they go to a terminal. */
static void put_over(struct buf *out, const struct bridge *b, bool json)
{
	struct budget_over o;

	if (json)
		json_open(out, "over_budget", '[');
	for (size_t i = 0; b->budgets && budget_over_now(b->budgets, i, &o); i++) {
		if (json) {
			json_open(out, NULL, '{');
			json_str(out, "who", o.name);
			json_str(out, "peer", *o.peer ? o.peer : NULL);
			json_str(out, "setting", o.setting);
			json_int(out, "limit", o.limit);
			json_int(out, "refused", o.refused);
			json_close(out, '}');
			continue;
		}
		buf_puts(out, "over budget: ! ");
		text_safe(out, o.name);
		buf_printf(out, "%s%s has used up %s = %u; %llu mailbox%s refused\n", *o.peer ? " of peer " : "", o.peer, o.setting, o.limit,
		           (unsigned long long)o.refused, o.refused == 1 ? "" : "es");
	}
	if (json)
		json_close(out, ']');
}

int status_put(struct buf *out, const struct bridge *b, struct unpack *known, bool json)
{
	uint64_t up = unpack_u64(known), pid = unpack_u64(known);
	uint32_t n = unpack_u32(known);
	struct status_rotation rotation;
	struct link_status st;
	size_t i;

	if (json) {
		json_open(out, NULL, '{');
		json_str(out, "version", VERSION);
		json_str(out, "site", b->conf->site);
		json_int(out, "uptime_ms", up);
		json_int(out, "pid", pid);
		json_open(out, "generations", '[');
	} else {
		buf_printf(out, "availbridge %s, site %s, up ", VERSION, b->conf->site);
		status_span(out, up);
		buf_printf(out, ", pid %llu\n", (unsigned long long)pid);
	}
	for (; n && !known->bad; n--)
		status_generation(out, known, json);
	if (json)
		json_close(out, ']');
	status_invitations(out, known, json);
	rotation = status_rotation_read(known);
	status_rotation_put(out, b, &rotation, json);
	put_bridge(out, b, json);
	put_over(out, b, json);
	if (json)
		json_open(out, "peers", '[');
	for (i = 1; i < b->conf->n_peers; i++) {
		status_peer_find(b, &b->conf->peers[i], &st);
		if (json) {
			status_peer_json(out, b, &st);
		} else {
			status_peer_line(out, b->conf, &st);
			status_rotation_peer(out, b, &rotation, &b->conf->peers[i], &st);
			status_peer_domains(out, b, &st, false);
		}
	}
	free(rotation.taken);
	free(rotation.pending);
	buf_puts(out, json ? "]}\n" : "");
	return out->failed || !unpack_done(known) ? -1 : 0;
}
