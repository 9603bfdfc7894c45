"""Runs a command and says what it cost: wall seconds, CPU seconds, peak resident memory."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass


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
    began = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{output[-3000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


def median(costs):
    """The median run by wall time, with the median CPU and the greatest peak."""
    walls = sorted(costs, key=lambda c: c.wall)
    middle = walls[len(walls) // 2]
    return Cost(middle.wall, statistics.median(c.cpu for c in costs), max(c.peak_bytes for c in costs), middle.stdout)
