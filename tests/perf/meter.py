"""CPU seconds and peak memory of this process with all that it started: the JVM, the Python workers, their forked
children.

Linux adds the time of a child that ended to its parent's, unless the parent ignores SIGCHLD, as Spark's Python daemon
does, or has ended before it, as that of a JVM has. So a thread looks at the whole tree now and then, and what it last
saw of such a child is added.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# seconds between looks: at most this much of a worker's last moments is not seen
PERIOD = 0.2


@dataclass(frozen=True)
class Seen:
    """A process at one look; `seconds` hold its own time and that of the children it has waited for."""

    pid: int
    started: int
    parent: int
    name: str
    seconds: float
    peak_bytes: int
    ignores_children: bool


class Taken(NamedTuple):
    """The measurements of a meter: plain numbers, which can be sent to another process."""

    cpu: float
    wall: float
    worker_peak: int


@dataclass
class Meter:
    """Measures between `with` and its end.

    period : seconds between looks at the processes
    cpu, wall : s
    worker_peak : bytes, the largest resident set that a Python process below this one had
    """

    period: float = PERIOD
    cpu: float = 0.0
    wall: float = 0.0
    worker_peak: int = 0
    _before: dict[tuple[int, int], Seen] = field(default_factory=dict)
    _now: dict[tuple[int, int], Seen] = field(default_factory=dict)
    _lost: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Meter:
        self._before = self._now = _tree({}, resets_peak=True)
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.monotonic() - self._started
        self._ended.set()
        self._thread.join()
        self._look()
        self.cpu = (
            sum(seen.seconds for seen in self._now.values())
            + self._lost
            - sum(seen.seconds for seen in self._before.values())
        )

    @property
    def taken(self) -> Taken:
        return Taken(self.cpu, self.wall, self.worker_peak)

    def _watch(self) -> None:
        while not self._ended.wait(self.period):
            self._look()

    def _look(self) -> None:
        now = _tree(self._now)
        waiting = {seen.pid for seen in self._now.values() if not seen.ignores_children}
        self._lost += sum(
            seen.seconds for key, seen in self._now.items() if key not in now and seen.parent not in waiting
        )
        self._now = now
        workers = [
            seen.peak_bytes for seen in now.values() if seen.pid != os.getpid() and seen.name.startswith("python")
        ]
        self.worker_peak = max([self.worker_peak, *workers])


def _tree(before: dict[tuple[int, int], Seen], *, resets_peak: bool = False) -> dict[tuple[int, int], Seen]:
    """This process and all below it, by process number and start: numbers are used again. Those that were below it
    before, and have lost their parent, are too.
    """
    every = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                every[int(entry.name)] = (entry / "stat").read_text()
            except OSError:  # it ended meanwhile
                continue
    children: dict[int, list[int]] = {}
    for pid, stat in every.items():
        children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(pid)
    found, looked_at, waiting = {}, set(), [os.getpid()]
    waiting += [pid for pid, started in before if pid in every and _started(every[pid]) == started]
    while waiting:
        pid = waiting.pop()
        if pid not in looked_at:
            looked_at.add(pid)
            waiting += children.get(pid, [])
            seen = _seen(pid, every[pid], resets_peak)
            if seen is not None:
                found[pid, seen.started] = seen
    return found


def _started(stat: str) -> int:
    return int(stat.rpartition(")")[2].split()[19])


def _seen(pid: int, stat: str, resets_peak: bool) -> Seen | None:
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat.rpartition(")")[2].split()  # from the third field of proc(5) on
    try:
        if resets_peak:
            (PROC / str(pid) / "clear_refs").write_text("5")
        status = dict(line.split(":", 1) for line in (PROC / str(pid) / "status").read_text().splitlines())
    except OSError:
        return None
    return Seen(
        pid,
        int(fields[19]),
        int(fields[1]),
        name,
        sum(int(fields[place]) for place in range(11, 15)) / TICKS,
        int(status.get("VmHWM", "0 kB").split()[0]) * 1024,
        bool(int(status["SigIgn"], 16) >> (signal.SIGCHLD - 1) & 1),
    )
