#include "bridge/process/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "bridge/availability/zone.h"

#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true; /* it maps terabytes, opens /proc and traces itself */
#else
static const bool sanitized = false;
#endif

enum { SOCKET_KIND = 0xf }; /* of a socket's type: the rest are flags */

static bool landlocked;

void sandbox_hide(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

int sandbox_begin(long parent)
{
	struct rlimit none = {0, 0};

	umask(077);
	setrlimit(RLIMIT_CORE, &none);
	sandbox_hide();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(), not the end */
	tzset(); /* libc reads its zone file at the first use of a time; better now than never */
	prctl(PR_SET_NAME, "availbridge"); /* /proc/self/exe was executed: "exe" says nothing to whoever reads a process list */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return getppid() == (pid_t)parent ? 0 : -1; /* it may have ended before it was said what to do then */
}

/* What any of our processes needs to compute, to talk over descriptors it has, and to end. */
static const int always[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(shutdown), SCMP_SYS(dup), SCMP_SYS(lseek), SCMP_SYS(fstat),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(setitimer), SCMP_SYS(getitimer), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getrusage), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(rseq), SCMP_SYS(membarrier),
};

/* The loop, its sockets, and looking at files without opening them (a calendar's stamp). */
static const int for_bridge[] = {
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(pipe2), SCMP_SYS(connect), SCMP_SYS(accept4),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), SCMP_SYS(bind),
	SCMP_SYS(fdatasync), /* the audit */
};

static const int for_reading[] = {
	SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(getdents64), SCMP_SYS(pread64),
	SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(fadvise64), SCMP_SYS(fstatfs), SCMP_SYS(getcwd),
};

/* The loop or poll, sockets that connect, and the threads in which libcurl resolves names. */
static const int for_network[] = {
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(pipe2), SCMP_SYS(connect), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg),
	SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(gettid), SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(alarm),
};

static int allow(scmp_filter_ctx f, const int *calls, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}
#define ALLOW(f, list) allow((f), (list), sizeof(list) / sizeof *(list))

/* ${call} with one of the ${n} ${words} as its second argument, of which the kernel looks at 32 bits. */
static int allow_words(scmp_filter_ctx f, int call, const uint32_t *words, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1, SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, words[i]));
	return r;
}
#define ALLOW_WORDS(f, call, list) allow_words((f), (call), (list), sizeof(list) / sizeof *(list))

/* What is done with descriptors. Not whom a signal about one goes to: it may be any, and to any process of the same user, our supervisor too. */
static int allow_descriptors(scmp_filter_ctx f)
{
	static const uint32_t words[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GET_SEALS, F_GETLK, F_SETLK, F_SETLKW,
	                                 F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};

	return ALLOW_WORDS(f, SCMP_SYS(fcntl), words);
}

/* The same, of sockets, and asking about a network's interfaces. Not typing for whoever sits at the terminal that our log goes to. */
static int allow_socket_words(scmp_filter_ctx f)
{
	static const uint32_t words[] = {FIONREAD, FIONBIO, TCGETS, SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFINDEX, SIOCGIFNAME};

	return ALLOW_WORDS(f, SCMP_SYS(ioctl), words);
}

static int allow_always(scmp_filter_ctx f)
{
	int r = ALLOW(f, always);

	return r ? r : allow_descriptors(f);
}

/* open and openat, but only to read: no O_CREAT, O_WRONLY, O_RDWR, O_TRUNC. */
static int allow_reading(scmp_filter_ctx f)
{
	const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	int r = ALLOW(f, for_reading);

	r = r ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	return r ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
}

/* Memory, but none that can be run as a program. */
static int allow_memory(scmp_filter_ctx f)
{
	const uint64_t run = PROT_EXEC;
	int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, run, 0));

	r = r ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, run, 0));
	return r ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0)); /* asking only */
}

/* New sockets of the internet's families alone. A pair is for two ends of our own: one of datagrams could be connected to the system's log. */
static int allow_sockets(scmp_filter_ctx f)
{
	int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET));

	r = r ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET6));
	r = r ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_KIND, SOCK_STREAM));
	return r ? r : allow_socket_words(f);
}

/* Threads of this process, and no processes: what clone3() is asked for cannot be seen, so that libc is told to use clone(). */
static int allow_threads(scmp_filter_ctx f)
{
	const uint64_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	return r ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
}

static int finish(scmp_filter_ctx f, int r)
{
	r = r ? r : seccomp_load(f);
	seccomp_release(f);
	errno = r < 0 ? -r : 0;
	return r ? -1 : 0;
}

static const uint64_t file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
	LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
	LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
	LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

/* One path that may be read, as far as it exists. */
static void landlock_allow(int rules, const char *path)
{
	struct landlock_path_beneath_attr beneath = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;

	if (beneath.parent_fd < 0)
		return;
	beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
	if (fstat(beneath.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
}

/*
 * Files may be read below ${paths} (ends with NULL) and nowhere else. A kernel without Landlock leaves that to seccomp and the file
 * modes.
 */
static int landlock(const char *const *paths)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = file_rights};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0), r;

	if (rules < 0)
		return 0;
	for (; *paths; paths++)
		landlock_allow(rules, *paths);
	r = (int)syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
	landlocked = r == 0;
	return r;
}

bool sandbox_has_landlock(void)
{
	return landlocked;
}

static const char *const nothing[] = {NULL};

int sandbox_bridge(void)
{
	scmp_filter_ctx f;
	int r;

	if (sanitized)
		return 0;
	if (landlock(nothing) != 0 || !(f = seccomp_init(SCMP_ACT_ERRNO(EPERM))))
		return -1;
	r = allow_always(f);
	r = r ? r : ALLOW(f, for_bridge);
	r = r ? r : allow_memory(f);
	r = r ? r : allow_sockets(f);
	return finish(f, r);
}

/* At most ${mib} MiB of memory. Where the daemon was started with less, that less stands. */
static int limit_memory(int mib)
{
	const struct rlimit memory = {(rlim_t)mib << 20, (rlim_t)mib << 20};
	struct rlimit now;

	if (getrlimit(RLIMIT_AS, &now) == 0 && now.rlim_max < memory.rlim_max)
		return 0;
	return setrlimit(RLIMIT_AS, &memory);
}

int sandbox_calendar_worker(const char *calendars, int memory_mib)
{
	const char *const paths[] = {calendars, FB_ZONE_FOLDER, NULL};
	scmp_filter_ctx f;
	int r;

	if (sanitized)
		return 0;
	if (landlock(paths) != 0 || (memory_mib > 0 && limit_memory(memory_mib) != 0) ||
	    !(f = seccomp_init(SCMP_ACT_ERRNO(EPERM))))
		return -1;
	r = allow_always(f);
	r = r ? r : allow_memory(f);
	r = r ? r : allow_reading(f);
	return finish(f, r);
}

/*
 * To whoever looks for a file there is none, which libraries take for a system without settings; "not permitted" ends them (libkrb5
 * and /etc/krb5.conf).
 */
static int hide_files(scmp_filter_ctx f)
{
	static const int looking[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
	                              SCMP_SYS(statx), SCMP_SYS(access),
	                              SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink)};
	int r = 0;

	for (size_t i = 0; i < sizeof looking / sizeof *looking && r == 0; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOENT), looking[i], 0);
	return r;
}

int sandbox_login_worker(void)
{
	scmp_filter_ctx f;
	int r;

	if (sanitized)
		return 0;
	if (landlock(nothing) != 0 || !(f = seccomp_init(SCMP_ACT_ERRNO(EPERM))))
		return -1;
	r = allow_always(f);
	r = r ? r : allow_memory(f);
	r = r ? r : hide_files(f);
	return finish(f, r);
}

/* What libc's resolver, the TLS libraries and Kerberos read while they work. Not /etc as a whole: our own keys are there. */
static const char *const network_files[] = {
	"/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf",
	"/etc/gai.conf", "/etc/services", "/etc/protocols", "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/etc/ca-certificates", "/etc/gnutls", "/etc/pkcs11", "/etc/krb5.conf", "/etc/krb5.conf.d", "/etc/gss", "/usr/lib", "/usr/share",
	"/usr/local/share/ca-certificates",
};
enum { NETWORK_FILES = sizeof network_files / sizeof *network_files, NETWORK_OWN = 4 };

int sandbox_network_worker(const char *const *files, size_t n)
{
	const char *paths[NETWORK_FILES + NETWORK_OWN + 1];
	scmp_filter_ctx f;
	size_t at = 0;
	int r;

	if (sanitized)
		return 0;
	for (size_t i = 0; i < NETWORK_FILES; i++)
		paths[at++] = network_files[i];
	if (getenv("KRB5_CONFIG")) /* the one variable that moves one of them */
		paths[at++] = getenv("KRB5_CONFIG");
	for (size_t i = 0; i < n && at < NETWORK_FILES + NETWORK_OWN; i++)
		if (files[i])
			paths[at++] = files[i];
	paths[at] = NULL;
	if (landlock(paths) != 0 || !(f = seccomp_init(SCMP_ACT_ERRNO(EPERM))))
		return -1;
	r = allow_always(f);
	r = r ? r : ALLOW(f, for_network);
	r = r ? r : allow_memory(f);
	r = r ? r : allow_sockets(f);
	r = r ? r : allow_threads(f);
	r = r ? r : allow_reading(f);
	return finish(f, r);
}
