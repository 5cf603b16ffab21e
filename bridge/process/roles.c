#include <malloc.h>
#include <string.h>
#include <sys/types.h>
#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/process/bridge.h"
#include "bridge/process/plan.h"
#include "bridge/process/process.h"
#include "bridge/process/sandbox.h"
#include "bridge/process/worker.h"

static int check_role(int argc, char **argv)
{
	return plan_check_role(argv[2]);
}

/* argv of each: program, role, configuration, the supervisor's pid, more. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} roles[] = {
	{"@bridge", bridge_role},
	{"@calendar-worker", calendar_worker_role},
	{"@login-worker", login_worker_role},
	{"@directory-worker", directory_worker_role},
	{"@backend-worker", backend_worker_role},
	{"@check", check_role},
};

/*
 * An answer about many is a few hundred KiB: memory that goes back to the kernel between two of them would be zeroed page by page for
 * each.
 */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

int process_role(int argc, char **argv)
{
	int64_t parent;
	size_t i;

	for (i = 0; argc > 1 && i < sizeof roles / sizeof *roles; i++) {
		if (strcmp(argv[1], roles[i].name) != 0)
			continue;
		if (argc < 4 || !text_int(argv[3], 1, INT32_MAX, &parent) || sandbox_begin((long)parent) != 0)
			return 2;
		keep_memory();
		log_setup(2, false, LOG_LEVEL_INFO, roles[i].name + 1);
		return roles[i].run(argc, argv);
	}
	return -1;
}
