#include "bridge/process/messages.h"
#include "bridge/backend/fetch_job.h"
#include "bridge/backend/fetcher.h"
#include "bridge/directory/job.h"
#include "bridge/trace/trace.h"

const struct channel_type messages_from_check[] = {
	{MSG_PLAN, "plan", MESSAGE_TEXT_MAX, 0},
	{MSG_PROBLEMS, "problems", MESSAGE_TEXT_MAX, 0},
};
const struct channel_type messages_from_supervisor[] = {
	{MSG_WORKER, "worker", 16, 1},
	{MSG_BEGIN, "begin", 0, 0},
	{MSG_DRAIN, "drain", 0, 0},
	{MSG_CONTROL, "control", MESSAGE_TEXT_MAX, 1},
	{MSG_SHUT, "shut", SHUT_MAX, 0},
	{MSG_AUDIT, "audit", 32, 1},
	{MSG_BUDGETS, "budgets", 0, 1},
	{MSG_TRACE, "trace", TRACE_KEY, 1},
	{MSG_INVITATION, "invitation", INVITATION_MAX, 0},
	{MSG_WRITTEN, "written", INVITATION_MAX, 0},
	{MSG_PIN, "pin", CONTROL_LINE_MAX, 0},
	{MSG_LINK, "link", 0, 1},
	{MSG_ANNOUNCED_DONE, "announced-done", CONTROL_LINE_MAX, 0},
};
const struct channel_type messages_from_bridge[] = {
	{MSG_READY, "ready", 0, 0},
	{MSG_WORKS, "works", 8, 0},
	{MSG_LOST, "lost", 8, 0},
	{MSG_AUDIT_LOST, "audit-lost", 9, 0},
	{MSG_AUDIT_GROWN, "audit-grown", 0, 0},
	{MSG_AUDIT_TURNED, "audit-turned", 0, 0},
	{MSG_SHUT_DONE, "shut-done", 4, 0},
	{MSG_FAILED, "failed", MESSAGE_TEXT_MAX, 0},
	{MSG_TRIED, "tried", CONTROL_LINE_MAX, 0},
	{MSG_PAIRED, "paired", PAIRED_MAX, 0},
	{MSG_ANNOUNCED, "announced", CONTROL_LINE_MAX, 0},
	{MSG_TOOK, "took", CONTROL_LINE_MAX, 0},
	{MSG_SEEN, "seen", CONTROL_LINE_MAX, 0},
	{MSG_UNREACHED, "unreached", CONTROL_LINE_MAX, 0},
	{MSG_HAND_ON, "hand-on", 4, 1},
	{MSG_PIN_DONE, "pin-done", 8, 0},
};
const struct channel_type messages_from_calendar_worker[] = {
	{MSG_WORKER_READY, "worker-ready", 0, 0},
	{MSG_REPLY, "reply", REPLY_MAX + MESSAGE_HANDLE, 0},
};
const struct channel_type messages_from_login_worker[] = {
	{MSG_WORKER_READY, "worker-ready", 1, 0},
	{MSG_REPLY, "reply", LOGIN_REPLY_MAX + MESSAGE_HANDLE, 0},
};
const struct channel_type messages_from_directory_worker[] = {
	{MSG_WORKER_READY, "worker-ready", 0, 0},
	{MSG_REPLY, "reply", DIRECTORY_REPLY_MAX + MESSAGE_HANDLE, 0},
};
const struct channel_type messages_to_backend_worker[] = {
	{MSG_JOB, "job", FETCH_JOB_MAX + MESSAGE_HANDLE, 0},
	{MSG_TRACE, "trace", TRACE_KEY, 1},
};
const struct channel_type messages_from_backend_worker[] = {
	{MSG_WORKER_READY, "worker-ready", 0, 0},
	{MSG_REPLY, "reply", REPLY_MAX + MESSAGE_HANDLE, 0},
	{MSG_BACKEND, "backend", FETCHER_WHY_MAX, 0},
};
