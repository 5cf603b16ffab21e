"""Each process of a running daemon, as if somebody ran code in it: a debugger makes its system calls for it, past all of our code, as root, from within its sandbox. What
would reach a key, a file, another process, the network or more rights is refused, each time; what the process lives by goes on,
so that a refusal means something."""
import contextlib
import ctypes
import errno
import os
import pathlib
import platform
import signal
import struct
import sys

import sites
from sites import check, codes, same, until

NINE = ("20260302T090000Z", "20260302T100000Z")
ATTACH, DETACH, STEP, GETREGS, SETREGS = 16, 17, 9, 12, 13
REGISTERS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "eflags",
             "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs")
CALLS = dict(open=2, mmap=9, ioctl=16, socket=41, connect=42, bind=49, listen=50, socketpair=53, clone=56, fork=57, vfork=58, execve=59, kill=62,
             shmget=29, semget=64, msgget=68, fcntl=72, truncate=76, rename=82, mkdir=83, creat=85, link=86, unlink=87, symlink=88, chmod=90,
             chown=92, ptrace=101, getpid=39, setuid=105, setgid=106, setgroups=116, capset=126, utime=132, mknod=133, personality=135,
             setpriority=141, prctl=157, setrlimit=160, chroot=161, acct=163, settimeofday=164, mount=165, swapon=167, sethostname=170, iopl=172,
             init_module=175, setxattr=188, tkill=200, io_setup=206, clock_settime=227, mq_open=240, kexec_load=246, add_key=248, keyctl=250,
             openat=257, unshare=272, splice=275, perf_event_open=298, prlimit64=302, fanotify_init=300, name_to_handle_at=303,
             open_by_handle_at=304, setns=308, process_vm_readv=310, kcmp=312, seccomp=317, memfd_create=319, bpf=321, execveat=322,
             userfaultfd=323, copy_file_range=326, io_uring_setup=425, open_tree=428, pidfd_open=434, clone3=435, openat2=437, pidfd_getfd=438)
REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOENT, errno.ENOSYS)  # of the sandbox: a call that came through would complain of its arguments
AT_FDCWD, O_WRONLY, O_RDWR, O_CREAT = -100 & (2 ** 64 - 1), 1, 2, 0o100
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


class Puppet:
    """A process of which each system call is ours while the block lasts."""

    def __init__(self, pid):
        self.pid, self.mem = pid, None

    def __enter__(self):
        self.trace(ATTACH)
        os.waitpid(self.pid, 0)
        self.mem = open(f"/proc/{self.pid}/mem", "r+b", buffering=0)
        self.saved = self.registers()
        self.door = self.find_door()
        return self

    def __exit__(self, *_):
        self.mem.close()
        with contextlib.suppress(OSError):
            self.trace(SETREGS, self.saved)
            self.trace(DETACH)

    def trace(self, what, data=None):
        if libc.ptrace(what, self.pid, None, ctypes.byref(data) if data is not None else None) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace {what}")

    def registers(self):
        r = Registers()
        self.trace(GETREGS, r)
        return r

    def find_door(self):
        """Where libc has the instruction of a system call."""
        for line in pathlib.Path(f"/proc/{self.pid}/maps").read_text().splitlines():
            words = line.split()
            if "x" in words[1] and words[-1].endswith("libc.so.6"):
                start, end = (int(x, 16) for x in words[0].split("-"))
                self.mem.seek(start)
                return start + self.mem.read(end - start).index(b"\x0f\x05\xc3")
        raise RuntimeError("no libc")

    def call(self, name, *words):
        """What the call returned, an error below zero. Text goes to its stack, below what it uses."""
        r = Registers.from_buffer_copy(self.saved)
        at, values = r.rsp - 8192 & ~15, []
        for word in words:
            if isinstance(word, (bytes, str)):
                data = word if isinstance(word, bytes) else word.encode() + b"\0"
                self.mem.seek(at)
                self.mem.write(data)
                values.append(at)
                at += len(data) + 15 & ~15
            else:
                values.append(word & (2 ** 64 - 1))
        r.rax, r.orig_rax, r.rip = CALLS[name], 2 ** 64 - 1, self.door
        for register, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values + [0] * 6):
            setattr(r, register, value)
        self.trace(SETREGS, r)
        self.trace(STEP)
        _, status = os.waitpid(self.pid, 0)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"{name} ended it: {status}")
        return ctypes.c_longlong(self.registers().rax).value


def address(path):
    return struct.pack("H", 1) + path.encode() + b"\0"


# (what, the call) that must not come to anything in any of them. What would change this machine is called so that it would complain instead.


def of_files(a):
    inside, me, calendar = (lambda name: str(a.dir / name)), a.process.pid, str(a.calendars / "anna@a.example.ics")
    reading = ["identity.key", "front.key", "accounts.conf", "availbridge.conf", "peers.d/site-b.conf", "directory.conf", "hub.password",
               "state/audit/head"]
    found = [(f"read {n}", ("openat", AT_FDCWD, inside(n), 0)) for n in reading]
    found += [(f"read {n}, openat2", ("openat2", AT_FDCWD, inside(n), bytes(24), 24)) for n in reading[:2]]
    found += [(f"read {n}", ("openat", AT_FDCWD, n, 0)) for n in (
        "/etc/shadow", "/root/.ssh/id_rsa", "/proc/self/environ", "/proc/self/mem", f"/proc/{me}/mem", f"/proc/{me}/environ", "/dev/mem",
        "/proc/self/maps", "/sys/kernel/notes")]
    found += [("write a calendar", ("openat", AT_FDCWD, calendar, O_WRONLY)), ("and as it was before", ("open", calendar, O_RDWR)),
              ("make a file", ("openat", AT_FDCWD, inside("x"), O_CREAT | O_WRONLY, 0o600)),
              ("make one of all", ("creat", "/tmp/taken-over", 0o600)), ("cut a calendar", ("truncate", calendar, 0)),
              ("remove it", ("unlink", calendar)),
              ("rename it", ("rename", calendar, calendar + "x")), ("change its rights", ("chmod", calendar, 0o777)),
              ("its owner", ("chown", calendar, 1, 1)), ("its time", ("utime", calendar, 0)),
              ("its attributes", ("setxattr", calendar, "user.x", b"x", 1, 0)), ("a link", ("link", inside("identity.key"), inside("y"))),
              ("a symbolic one", ("symlink", "/etc/shadow", inside("y"))),
              ("a folder", ("mkdir", inside("y"), 0o700)), ("a device", ("mknod", inside("y"), 0o20666, 0x101)),
              ("a handle", ("name_to_handle_at", AT_FDCWD, calendar, bytes(256), bytes(8), 0)),
              ("open by handle", ("open_by_handle_at", AT_FDCWD, bytes(64), 0))]
    return found


def of_processes(me):
    found = [("a program", ("execve", "/bin/sh", 0, 0)), ("a program of a folder", ("execveat", AT_FDCWD, "/bin/sh", 0, 0, 0)), ("fork", ("fork",)),
              ("vfork", ("vfork",)),
              ("clone", ("clone", signal.SIGCHLD, 0, 0, 0, 0)), ("clone3", ("clone3", struct.pack("8Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0), 64))]
    found += [("trace the supervisor", ("ptrace", ATTACH, me, 0, 0)), ("signal it", ("kill", me, 0)), ("signal it as a thread", ("tkill", me, 0)),
              ("signal all", ("kill", -1, 0)),
              ("a descriptor of it", ("pidfd_open", me, 0)), ("take one of its", ("pidfd_getfd", 3, 0, 0)),
              ("read its memory", ("process_vm_readv", me, bytes(16), 1, bytes(16), 1, 0)),
              ("its limits", ("prlimit64", me, 7, struct.pack("QQ", 3, 3), 0)), ("compare", ("kcmp", me, me, 0, 0, 0)),
              ("be signalled for it", ("fcntl", 0, 8, me)),
              ("its priority", ("setpriority", 0, me, 10))]
    return found


def of_the_rest():
    found = [("a unix socket", ("socket", 1, 1, 0)), ("a raw socket", ("socket", 17, 3, 0)), ("netlink", ("socket", 16, 3, 0)),
              ("vsock", ("socket", 40, 1, 0)), ("a pair of datagrams", ("socketpair", 1, 2, 0, bytes(8)))]
    found += [(f"type for {n}", ("ioctl", n, 0x5412, b"x")) for n in (0, 1, 2)]
    found += [("memory to run", ("mmap", 0, 4096, 7, 0x22, -1, 0)), ("shared memory", ("shmget", 1, 4096, 0o1600)),
              ("a semaphore", ("semget", 1, 1, 0o1600)), ("a queue", ("msgget", 1, 0o1600)),
              ("another queue", ("mq_open", "x", O_CREAT, 0o600, 0)), ("a file in memory", ("memfd_create", "x", 0)),
              ("a ring", ("io_uring_setup", 8, bytes(120))), ("the old ring", ("io_setup", 8, bytes(8))),
              ("pages of its own", ("userfaultfd", 1)), ("splice", ("splice", 0, 0, 1, 0, 1, 0)), ("copy", ("copy_file_range", 0, 0, 1, 0, 1, 0))]
    found += [("its user", ("setuid", 1)), ("its group", ("setgid", 1)), ("its groups", ("setgroups", 0, 0)),
              ("rights", ("capset", bytes(8), bytes(24))), ("be looked at", ("prctl", 4, 1, 0, 0, 0)),
              ("a limit", ("setrlimit", 4, struct.pack("QQ", 2 ** 30, 2 ** 30))),
              ("its limits", ("prlimit64", 0, 4, struct.pack("QQ", 2 ** 30, 2 ** 30), 0)), ("a filter", ("seccomp", 1, 0, bytes(16))),
              ("its memory's places", ("personality", 0x40000)), ("namespaces", ("unshare", 0x10000000)), ("another's", ("setns", 0, 0)),
              ("a root", ("chroot", "/tmp")), ("a mount", ("mount", 0, 0, 0, 0, 0)),
              ("a tree", ("open_tree", AT_FDCWD, "/", 1)), ("keys", ("add_key", "user", "x", b"x", 1, -3 & (2 ** 64 - 1))),
              ("a key", ("keyctl", 0, -3 & (2 ** 64 - 1), 1)), ("bpf", ("bpf", 0, bytes(128), 128)),
              ("counters", ("perf_event_open", bytes(128), 0, -1 & (2 ** 64 - 1), -1 & (2 ** 64 - 1), 0)),
              ("a module", ("init_module", bytes(8), 8, "")), ("a kernel", ("kexec_load", 0, 99, 0, 0)), ("swap", ("swapon", 0, 0)),
              ("a name", ("sethostname", 0, -1)), ("the time", ("settimeofday", 1, 0)), ("a clock", ("clock_settime", 99, bytes(16))),
              ("ports", ("iopl", 3)), ("accounting", ("acct", 1)),
              ("watch files", ("fanotify_init", 0, 0))]
    return found


def of_role(a, role):
    """And in this one."""
    found = []
    if role not in ("@backend-worker", "@directory-worker"):
        found += [("read /etc/passwd", ("openat", AT_FDCWD, "/etc/passwd", 0)), ("read as libc does", ("open", "/etc/ssl/openssl.cnf", 0))]
    if role != "@calendar-worker":
        found.append(("read a calendar", ("openat", AT_FDCWD, str(a.calendars / "anna@a.example.ics"), 0)))
    if role in ("@calendar-worker", "@login-worker"):
        found += [("the network", ("socket", 2, 1, 0)), ("IPv6", ("socket", 10, 1, 0)), ("connect", ("connect", 0, address("/dev/log"), 11)),
                  ("bind", ("bind", 0, address("/tmp/x"), 8))]
    return found


def try_all(a, pid, role):
    came, actions = [], of_files(a) + of_processes(a.process.pid) + of_the_rest() + of_role(a, role)
    check(len(actions) >= 40, f"{role}: {len(actions)} actions")
    with Puppet(pid) as p:
        same(p.call("getpid"), pid, f"{role}: a call is made by it")
        if role == "@calendar-worker":
            check(p.call("openat", AT_FDCWD, str(a.calendars / "anna@a.example.ics"), 0) >= 0, "which may read calendars")
        if role in ("@bridge", "@backend-worker", "@directory-worker"):
            sock = p.call("socket", 2, 1, 0)
            check(sock >= 0, f"{role} may connect")
            actions.append(("listen", ("listen", sock, 1)))
        for what, words in actions:
            got = p.call(*words)
            if -got not in REFUSALS:
                came.append((what, got))
    same(came, [], f"{role}: of {len(actions)} actions none comes to anything")


if not sites.may_look_into() or "asan" in sites.PROGRAM or platform.machine() != "x86_64":
    print("taken_over: 0 passed, 0 failed (skipped: only root, where nobody took that from it, may make another's system calls, here by the numbers of x86-64; the sanitizer lives in no sandbox)")
    sys.exit(0)
with sites.pair(start=False) as (a, b):
    [closed] = sites.free_ports(1)
    a.backend("hub", "ews", ["hub@a.example"], url=f"https://localhost:{closed}/EWS/Exchange.asmx", auth="basic", user="svc", password="secret",
    ca_file=a.ca)
    (a.dir / "directory.conf").touch(mode=0o600)
    (a.dir / "directory.conf").write_text(f"server ldaps://localhost:{closed}\npreset active-directory\nbase DC=a,DC=example\nbind none\ntimeout 1\n")
    a.calendar("anna", NINE)
    a.start(), b.start(), a.up(), b.up()
    in_use = a.dir / "state/key-in-use"
    until(lambda: in_use.exists() and "site-b" in in_use.read_text(), "who has come by which key is noted")
    before = {f: (f.read_bytes(), f.stat().st_mode) for f in a.dir.rglob("*") if f.is_file() and "audit" not in f.parts}
    roles = {role: pid for pid, role in a.children().items()}
    same(set(roles), {"@bridge", "@calendar-worker", "@login-worker", "@backend-worker", "@directory-worker"}, "all roles")
    for role, pid in roles.items():
        try_all(a, pid, role)
    same({f: (f.read_bytes(), f.stat().st_mode) for f in a.dir.rglob("*") if f.is_file() and "audit" not in f.parts}, before, "the site is as it was")
    same({role: pid for pid, role in a.children().items()}, roles, "and its processes")
    until(lambda: codes(a.ask("anna@a.example")) != [], "which answer")
sites.finish()
