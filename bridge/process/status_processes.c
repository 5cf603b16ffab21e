#include "bridge/process/status.h"
#include <string.h>

/* ${ends}: of a generation whose processes are not started again. */
static void put_process(struct buf *out, struct unpack *u, bool ends, bool json)
{
	const char *role = unpack_str(u);
	uint64_t pid = unpack_u64(u), up = unpack_u64(u);
	uint32_t restarts = unpack_u32(u);
	uint64_t lost = unpack_u64(u);
	bool failing = unpack_u8(u);

	if (json) {
		json_open(out, NULL, '{');
		json_str(out, "process", role);
		json_int(out, "pid", pid);
		json_int(out, "uptime_ms", up);
		json_int(out, "restarts", restarts);
		json_int(out, "audit_lost", lost);
		json_bool(out, "audit_failing", failing);
		json_close(out, '}');
		return;
	}
	if (!pid) {
		buf_printf(out, "  %-16s %s", role ? role : "", ends ? "has ended" : "starting again");
	} else {
		buf_printf(out, "  %-16s pid %-8llu up ", role ? role : "", (unsigned long long)pid);
		status_span(out, up);
	}
	if (restarts)
		buf_printf(out, ", started again %u time%s", restarts, restarts == 1 ? "" : "s");
	buf_putc(out, '\n');
	if (lost)
		buf_printf(out, "    ! %llu record%s could not be written to the audit%s\n", (unsigned long long)lost, lost == 1 ? "" : "s",
		           failing ? ", and none can be now: make room in state_dir" : "; it can be written again, and says where they lack");
}

void status_generation(struct buf *out, struct unpack *u, bool json)
{
	uint32_t number = unpack_u32(u), n;
	const char *state = unpack_str(u);
	bool ends = state && (strcmp(state, "draining") == 0 || strcmp(state, "ending") == 0);

	n = unpack_u32(u);
	if (json) {
		json_open(out, NULL, '{');
		json_int(out, "number", number);
		json_str(out, "state", state);
		json_open(out, "processes", '[');
	} else
		buf_printf(out, "generation %u: %s\n", number, state ? state : "");
	for (; n && !u->bad; n--)
		put_process(out, u, ends, json);
	if (json)
		buf_puts(out, "]}");
}

/* ---- invitations: what invitations_pack() packed ---- */

static void put_invitation(struct buf *out, struct unpack *u, bool json)
{
	const char *name = unpack_str(u), *by;
	uint64_t left = unpack_u64(u);
	uint32_t tries = unpack_u32(u);
	bool done;

	by = unpack_str(u);
	done = unpack_u8(u);
	if (json) {
		json_open(out, NULL, '{');
		json_str(out, "name", name);
		json_int(out, "seconds_left", left);
		json_int(out, "tries_left", tries);
		json_str(out, "used_by", by);
		json_bool(out, "written", done);
		json_close(out, '}');
		return;
	}
	buf_printf(out, "invitation for %s: ", name ? name : "");
	if (done) {
		buf_printf(out, "used by %s\n", by ? by : "");
	} else if (!tries) {
		buf_puts(out, "! closed, its secret was tried wrongly; the log names the keys\n");
	} else {
		buf_puts(out, "open for ");
		status_span(out, left * 1000);
		buf_printf(out, ", %u tr%s left%s%s\n", tries, tries == 1 ? "y" : "ies", by ? ", being used by " : "", by ? by : "");
	}
}

void status_invitations(struct buf *out, struct unpack *u, bool json)
{
	uint32_t n = unpack_u32(u);

	if (json)
		json_open(out, "invitations", '[');
	for (; n && !u->bad; n--)
		put_invitation(out, u, json);
	if (json)
		json_close(out, ']');
}
