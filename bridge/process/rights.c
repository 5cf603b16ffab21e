#include "bridge/process/rights.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Root's rights but for one: opening low ports at a later reload. exec() by a user drops that from the children. */
static int keep_low_ports(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = 1 << CAP_NET_BIND_SERVICE, .permitted = 1 << CAP_NET_BIND_SERVICE}};

	return (int)syscall(SYS_capset, &header, data);
}

int rights_user(const char *name, uid_t *uid, gid_t *gid, struct buf *error)
{
	const struct passwd *pw = getpwnam(name);

	if (!pw) {
		buf_printf(error, "user = \"%s\": there is no such user; make it, or set user = \"\"", name);
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

int rights_drop_root(const char *name, uid_t uid, gid_t gid, struct buf *error)
{
	if (uid == 0)
		return 0;
	if (initgroups(name, gid) != 0 || prctl(PR_SET_KEEPCAPS, 1) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0 || keep_low_ports() != 0) {
		buf_printf(error, "cannot become the user \"%s\": %s", name, strerror(errno));
		return -1;
	}
	return 0;
}

void rights_raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}
