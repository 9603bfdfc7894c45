"""Runs a command and says what it cost: wall seconds, CPU seconds, peak resident memory."""

import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

# A small process that starts the command and waits for it. What is started counts as its own peak what its parent held at that moment, and a benchmark holds
# a lot once it has looked at results by a library.
LAUNCHER = """
import json, os, sys, time
report, command = int(sys.argv[1]), sys.argv[2:]
began = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, report)])
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - began
os.write(report, json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)]).encode())
"""


@dataclass
class Cost:
    wall: float
    cpu: float
    peak_bytes: int
    stdout: str = ""

    def line(self, events=None):
        parts = [f"{self.wall:.2f} s wall", f"{self.cpu:.2f} CPU-s", f"{self.peak_bytes / 1e6:.0f} MB peak"]
        if events:
            parts.insert(0, f"{events / self.wall / 1e3:,.0f} k events/s")
            parts.append(f"{events / self.cpu / 1e3:,.0f} k events/CPU-s")
        return ", ".join(parts)


def run(command, cwd=None, environment=None):
    """One run to its end; an exit status other than 0 ends the benchmark with what the command said."""
    report, told = os.pipe()
    words = list(map(str, command))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, str(told), *words],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=[told],
    )
    os.close(told)
    with os.fdopen(report) as pipe:
        said = pipe.read()
    wall, cpu, peak_bytes, status = json.loads(said) if said else (0, 0, 0, done.returncode)
    if status != 0:
        raise SystemExit(f"{' '.join(words)} ended with {status}:\n{done.stdout[-3000:]}")
    return Cost(wall, cpu, peak_bytes, done.stdout)


def run_tree(command, log):
    """The same for a program whose children do the work and outlive it, as a JVM beside Python: by looking, ten times a second."""
    watched = Watched(command, lambda: 0, log)
    watched.until(1)
    if watched.stop() != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {watched.process.returncode}:\n{watched.log.read_text(errors='replace')[-3000:]}")
    return watched.cost()


def median(costs):
    """The median run by wall time, with the median CPU and the greatest peak."""
    walls = sorted(costs, key=lambda c: c.wall)
    middle = walls[len(walls) // 2]
    return Cost(middle.wall, statistics.median(c.cpu for c in costs), max(c.peak_bytes for c in costs), middle.stdout)


class Watched:
    """A program that goes on until it is told to stop, seen from outside: its whole process tree's CPU and memory, and what a reader of its output sees.
    `rows()` says how many rows that reader finds now."""

    def __init__(self, command, rows, log, environment=None):
        self.rows = rows
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdout=open(log, "wb"),
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        self.log = pathlib.Path(log)
        self.cpu_of = {}
        self.peak_bytes = 0
        self.first = None
        self.seen = []  # (seconds since the start, rows) at each change

    @property
    def now(self):
        return time.monotonic() - self.began

    @property
    def cpu(self):
        return sum(self.cpu_of.values())

    def sample(self):
        resident = 0
        for pid in tree_of(self.process.pid):
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            self.cpu_of[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        self.peak_bytes = max(self.peak_bytes, resident)

    def until(self, total, seconds_max=600):
        """Samples until a reader sees `total` rows. Gives the rows seen last; fewer mean that it ended or took too long."""
        rows = self.seen[-1][1] if self.seen else 0
        while rows < total and self.now < seconds_max:
            ended = self.process.poll() is not None
            self.sample()
            found = self.rows()
            if found != rows:
                rows = found
                self.seen.append((self.now, rows))
            if ended:
                break
            time.sleep(0.1)
        return rows

    def stop(self):
        """Tells it to stop and waits; then `cpu` has everything."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        while self.process.poll() is None:
            self.sample()
            time.sleep(0.02)
        return self.process.returncode

    def cost(self):
        return Cost(self.seen[-1][0] if self.seen else self.now, self.cpu, self.peak_bytes)


def tree_of(root):
    """The process and all below it."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found
