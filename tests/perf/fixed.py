"""The fixed cost of everything: a demo of a few items, and the run of the next day, in a folder and at a URI."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from tests.perf.alone import RunIn
from tests.perf.figure import Figure
from tests.perf.meter import Meter
from tests.perf.runs import CONF
from tests.perf.sizes import Sizes

TIMES = 1.25
DEMO = ("--stores", "2", "--products", "12", "--days", "10")
# the day after the demo's
NEXT_DAY = "2026-06-02"
HOW = "a process of its own with its session, the least of {} in turn"


def measure(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """CPU of a demo and of the run after it, each in an interpreter of its own."""
    cpu: dict[str, list[float]] = {}
    for number in range(sizes.fixed):
        for place in ("folder", "URI"):
            below = folder / f"{place}_{number}"
            lakehouse = str(below / "lakehouse") if place == "folder" else f"file:{below}/tables"
            places = ("--folder", str(below), *(() if place == "folder" else ("--lakehouse", lakehouse)))
            cpu.setdefault(f"demo {place}", []).append(run_in(command, "demo", *DEMO, *places))
            again = ("--lakehouse", lakehouse, "--landing", str(below / "landing"), "--as-of", NEXT_DAY)
            cpu.setdefault(f"run {place}", []).append(run_in(command, "run", *again))
    least = {name: min(values) for name, values in cpu.items()}
    how = HOW.format(sizes.fixed)
    figures = []
    for name, what in (("demo", "demo of 24 items"), ("run", "run of the next day, 24 items, no new files")):
        figures += [Figure(f"{what}, in a folder: CPU", least[f"{name} folder"], "s", how=how)]
        figures += [Figure(f"{what}, at a URI: CPU", least[f"{name} URI"], "s", how=how)]
        figures += [
            Figure(f"{name} at a URI over a folder", least[f"{name} URI"] / least[f"{name} folder"], "times", TIMES)
        ]
    return figures


def command(*arguments: str) -> float:
    """CPU seconds of a command of invopt with all its processes."""
    from invopt.cli import main

    printed = io.StringIO()
    with Meter() as meter, contextlib.redirect_stdout(printed):
        code = main([*arguments, "--config", str(CONF)])
    if code != 0:
        raise AssertionError(f"invopt {' '.join(arguments)} ended with {code}:\n{printed.getvalue()}")
    return meter.cpu
