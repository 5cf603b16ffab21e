"""What a benchmark reads off this machine: CPU time and memory of processes, one run of load, and the same for several programs in turns."""
import os
import pathlib
import re
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SERVERS, LOAD = {0}, {1}  # the processors of A and B, and of those who ask and the backend: two are enough


def tree(pid):
    """The process and all that descend from it."""
    parents = {}
    for p in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(p.parent.name)] = int(p.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    found, before = {pid}, 0
    while len(found) > before:
        before = len(found)
        found |= {p for p, parent in parents.items() if parent in found}
    return found


TICK = 1000000000 // os.sysconf("SC_CLK_TCK")


def cpu(pids):
    """Nanoseconds that the processes and their descendants have run: to the nanosecond where all threads live still, else by the clock that counts the dead too."""
    total = 0
    for pid in set().union(*(tree(p) for p in pids)):
        threads = sum(int(t.read_text().split()[0]) for t in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = TICK * (int(stat[11]) + int(stat[12]))
        total += ticks if ticks > threads + 2 * TICK else threads
    return total


def resident(pids):
    """KiB of memory that the processes and their descendants have of their own."""
    total = 0
    for pid in set().union(*(tree(p) for p in pids)):
        total += int(re.search(r"(?m)^RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))
    return total


def on(processors):
    """For Popen's preexec_fn: the child runs there alone."""
    return lambda: os.sched_setaffinity(0, processors)


def load(name, port, pids, script, connections, seconds, **env):
    """One run of wrk: microseconds of CPU of the processes for each answer, and the median latency in microseconds."""
    before = cpu(pids)
    r = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(HERE / script), f"https://localhost:{port}"],
                       env=dict(os.environ, **env), capture_output=True, text=True, preexec_fn=on(LOAD), timeout=seconds + 60)
    spent = cpu(pids) - before
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) (\d+)", r.stdout)
    if not found or int(found[1]) == 0 or int(found[4]):
        raise RuntimeError(f"{name}: no answers, or wrong ones:\n{r.stdout}{r.stderr}")
    return spent / 1000 / int(found[1]), float(found[3])


class Contestant:
    """Something that answers requests: where, whose CPU counts, with what login, and how long each answer is."""

    def __init__(self, name, port, pids, login, people=1):
        self.name, self.port, self.pids, self.login, self.people = name, port, pids, login, people
        self.length = None

    def run(self, body, boxes, connections, seconds):
        return load(self.name, self.port, self.pids, "load.lua", connections, seconds, BODY=str(body), PEOPLE=str(self.people), BOXES=str(boxes),
                    LOGIN=self.login, LENGTH=str(self.length))


def in_turns(contestants, rounds, run):
    """run(contestant) of each, ${rounds} times in turns; {name: [result of each round]}."""
    found = {c.name: [] for c in contestants}
    for i in range(rounds):
        for c in contestants if i % 2 == 0 else reversed(contestants):
            found[c.name].append(run(c))
    return found


def ratio(ours, theirs):
    """(median of the paired ratios, min/min)."""
    return statistics.median(a / b for a, b in zip(ours, theirs)), min(ours) / min(theirs)
