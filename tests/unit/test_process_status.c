/* links: all */
#include "bridge/process/status.h"
#include "bridge/base/pack.h"
#include "tests/unit/check.h"

/* What `status` says of a generation in ${state} whose only process has ended. */
static void check_ended(const char *state, const char *want)
{
	struct buf in, out;
	struct unpack u;

	buf_init(&in, 4096);
	buf_init(&out, 4096);
	pack_u32(&in, 7);
	pack_str(&in, state);
	pack_u32(&in, 1);
	pack_str(&in, "bridge");
	pack_u64(&in, 0);
	pack_u64(&in, 0);
	pack_u32(&in, 2);
	pack_u64(&in, 0);
	pack_u8(&in, 0);
	u = unpack_start(buf_ptr(&in), in.len);
	status_generation(&out, &u, false);
	CHECK(unpack_done(&u));
	CHECK_STR(buf_cstr(&out), want);
	buf_free(&in);
	buf_free(&out);
}

int main(void)
{
	check_ended("running", "generation 7: running\n  bridge           starting again, started again 2 times\n");
	check_ended("draining", "generation 7: draining\n  bridge           has ended, started again 2 times\n");
	check_ended("ending", "generation 7: ending\n  bridge           has ended, started again 2 times\n");
	return check_done();
}
