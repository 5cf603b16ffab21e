#include "bridge/base/pack.h"
#include "bridge/process/messages.h"
#include "bridge/process/spawn.h"
#include "bridge/process/worker.h"

int worker_loop(const struct worker_limits *limits, worker_do *work, void *arg)
{
	const struct channel_type job_type = {MSG_JOB, "job", limits->job_max + MESSAGE_HANDLE, 0};
	struct buf job, reply;
	struct unpack u;
	uint16_t type;
	int r;

	buf_init(&job, job_type.max);
	buf_init(&reply, limits->reply_max + MESSAGE_HANDLE);
	r = channel_write_blocking(SPAWN_FIRST_FD, MSG_WORKER_READY, &limits->able, limits->able ? 1 : 0);
	while (r == 0 && (r = channel_read_blocking(SPAWN_FIRST_FD, &job_type, 1, &type, &job)) == 1) {
		u = unpack_start(buf_ptr(&job), job.len);
		pack_u32(&reply, unpack_u32(&u));
		r = u.bad ? -1 : work(arg, u.p, u.left, &reply);
		buf_wipe(&job);
		if (r != 0 || reply.failed) { /* no half answers: ending is "could not" to the asker */
			r = -1;
			break;
		}
		r = channel_write_blocking(SPAWN_FIRST_FD, MSG_REPLY, buf_ptr(&reply), reply.len);
		buf_reset(&reply);
	}
	buf_wipe(&job);
	buf_wipe(&reply);
	return r == 0 ? 0 : 1;
}
