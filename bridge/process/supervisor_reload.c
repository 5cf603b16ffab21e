#include "bridge/process/supervisor_own.h"
#include <stdio.h>
#include <string.h>
#include "bridge/base/log.h"
#include "bridge/process/control_server.h"
#include "bridge/process/messages.h"
#include "bridge/process/segments.h"
#include "bridge/process/spawn.h"

/* A new generation: at the start, and at each reload. */

enum { DAY_MS = 24 * 3600 * 1000 };

void supervisor_answer(struct supervisor *s, int code, const char *text)
{
	if (s->asker >= 0)
		control_say(s->loop, s->asker, code, text);
	s->asker = -1;
}

void supervisor_stop_if_done(struct supervisor *s)
{
	if (s->stopping && s->all.n == 0)
		loop_stop(s->loop);
}

/* What ${s} lacks to be whole lines. */
static const char *line_end(const char *s)
{
	return s[0] && s[strlen(s) - 1] == '\n' ? "" : "\n";
}

/* The running generation, if there is one, is left as it is; at the start there is none, and that is the end. */
static void reload_failed(struct supervisor *s, const char *why)
{
	struct buf text;

	plan_check_free(s->check);
	s->check = NULL;
	opened_drop(&s->next);
	if (s->current) {
		log_event(LOG_LEVEL_ERROR, "reload-failed", LI("running", generation_number(s->current)), LS("why", why));
		buf_init(&text, MESSAGE_TEXT_MAX * 2);
		buf_printf(&text, "%s%sNothing was changed: generation %u runs on.\n", why, line_end(why), generation_number(s->current));
		supervisor_answer(s, 1, buf_cstr(&text));
		buf_free(&text);
		rotation_reloaded(s->rotation, NULL, why);
		folder_watch_reloaded(s->folder, NULL);
		return;
	}
	rotation_starts(s->rotation, NULL);
	fprintf(stderr, "%s%s", why, line_end(why));
	s->exit_code = 1;
	s->stopping = true;
	supervisor_stop_if_done(s);
}

/* A reload has ended, or there is none to be. */
static void reload_again(struct supervisor *s)
{
	if (!s->again || s->stopping || supervisor_reloading(s))
		return;
	s->again = false;
	supervisor_reload(s);
}

static void every_day(void *arg)
{
	struct supervisor *s = arg;

	segments_prune(s->now.plan->audit, (int)s->now.plan->audit_keep_days);
	loop_timer_again(s->daily, DAY_MS);
}

static void on_ready(void *arg, struct generation *g)
{
	struct supervisor *s = arg;
	struct generation *old = s->current;
	const struct plan *plan;
	char text[80];

	s->current = g;
	s->starting = NULL;
	if (old)
		generation_drain(old);
	opened_replace(&s->now, &s->next);
	plan = s->now.plan;
	log_setup(2, plan->log_json, (enum log_level)log_level_named(plan->log_level), "supervisor");
	log_event(LOG_LEVEL_INFO, "serving", LI("generation", generation_number(g)), LS("front", plan->front_listen),
	          LS("link", plan->link_listen), LS("version", VERSION));
	segments_note(plan->audit, generation_number(g), plan->snapshot);
	if (!s->daily)
		s->daily = loop_timer_new(s->loop, 0, every_day, s);
	rotation_reloaded(s->rotation, plan, NULL);
	folder_watch_reloaded(s->folder, plan);
	snprintf(text, sizeof text, "Generation %u runs.\n", generation_number(g));
	supervisor_answer(s, 0, text);
	reload_again(s);
}

static void on_failed(void *arg, struct generation *g, const char *why)
{
	struct supervisor *s = arg;

	s->starting = NULL;
	generation_end(g);
	reload_failed(s, why);
	reload_again(s);
}

static void on_gone(void *arg, struct generation *g)
{
	struct supervisor *s = arg;

	log_event(LOG_LEVEL_INFO, "generation-gone", LI("generation", generation_number(g)));
	generations_remove(&s->all, g);
	if (s->current == g)
		s->current = NULL;
	generation_free(g);
	supervisor_stop_if_done(s);
}

static void on_begins(void *arg, const struct generation *g, struct channel *bridge)
{
	struct supervisor *s = arg;

	channel_send(bridge, MSG_BUDGETS, NULL, 0, s->budgets);
	recording_begin(&s->recording, bridge);
	invitations_begin(s->invitations, bridge);
	rotation_begin(s->rotation, bridge, g != s->current);
}

static void on_said(void *arg, uint16_t type, const uint8_t *data, size_t len)
{
	struct supervisor *s = arg;

	if (type == MSG_SHUT_DONE) {
		shutting_check(s->shutting);
		return;
	}
	if (type == MSG_UNREACHED) {
		name_watch_said(&s->names, data, len);
		return;
	}
	invitations_said(s->invitations, type, data, len);
	rotation_said(s->rotation, type, data, len);
}

static void on_cut(void *arg)
{
	struct supervisor *s = arg;

	rotation_bridge_ended(s->rotation);
}

static void on_checked(void *arg, struct plan *plan, const char *problems)
{
	static const struct generation_events events = {on_ready, on_failed, on_gone, on_begins, on_said, on_cut};
	struct supervisor *s = arg;
	struct buf error;

	plan_check_free(s->check);
	s->check = NULL;
	if (!plan) {
		reload_failed(s, problems);
		reload_again(s);
		return;
	}
	buf_init(&error, MESSAGE_TEXT_MAX);
	folder_watch_starts(s->folder, plan);
	if (s->all.n == GENERATIONS_MAX) {
		plan_free(plan);
		buf_puts(&error, "too many generations are still finishing their work; try again in a while");
	} else if (opened_new(&s->next, s->loop, plan, &s->now, supervisor_request, s, &error) == 0) {
		s->starting = generation_new(s->loop, ++s->number, s->conf_path, plan, s->next.sockets, &events, s, &error);
	}
	if (s->starting && !s->current)
		rotation_starts(s->rotation, plan);
	if (s->starting)
		generations_add(&s->all, s->starting);
	else
		reload_failed(s, buf_cstr(&error));
	shutting_late(s->shutting, s->starting);
	buf_free(&error);
	reload_again(s);
}

void supervisor_reload(struct supervisor *s)
{
	char why[200], text[300];

	rotation_reloads(s->rotation);
	shutting_reads(s->shutting);
	s->check = plan_check_new(s->loop, s->conf_path, on_checked, s);
	if (s->check)
		return;
	spawn_why(why, sizeof why);
	snprintf(text, sizeof text, "cannot start a process to check the settings: %s", why);
	reload_failed(s, text);
}

bool supervisor_reloading(const struct supervisor *s)
{
	return s->check || s->starting;
}
