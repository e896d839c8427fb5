"""From Delta inputs to Delta solutions by the algorithm: the fixed cost, the cost of one more partition,
waves, and memory.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from pyspark.sql import functions as F

from tests.perf import items
from tests.perf.alone import RunIn
from tests.perf.arrow_items import item_policies
from tests.perf.figure import Figure
from tests.perf.meter import Meter
from tests.perf.runs import new_run
from tests.perf.sizes import Sizes

FIXED_CPU, MICROSECONDS, WAVES_RATIO, WORKER_MEGABYTES = 20.0, 40.0, 1.2, 600.0
EACH_ALONE = (
    "the step `solve` in a new process, its session started: CPU of driver, JVM and Python workers, "
    "the JVM's warm-up with it"
)


class Solved(NamedTuple):
    """The cost of one `solve`: CPU and wall seconds, peak bytes of a Python worker, rows without a solution, and the
    session's start.
    """

    cpu: float
    wall: float
    worker_peak: int
    failed: int
    session_cpu: float


def measure(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """Every size in one wave, the largest in several too."""
    wanted = [(n, 1) for n in sizes.items] + [(sizes.items[-1], sizes.waves)]
    run_in(make_all, folder, wanted)
    solved = {(n, waves): run_in(solve_once, folder / f"{n}-{waves}", waves) for n, waves in wanted}
    figures = []
    for n in sizes.items:
        one = solved[n, 1]
        figures += [
            Figure(f"exact, {n:,} partitions: CPU", one.cpu, "s", how=EACH_ALONE),
            Figure(f"exact, {n:,} partitions: wall", one.wall, "s"),
            Figure(
                f"exact, {n:,} partitions: peak memory of a Python worker",
                one.worker_peak / 1e6,
                "MB",
                WORKER_MEGABYTES,
                how="largest resident set, shared pages with it",
            ),
            Figure(f"exact, {n:,} partitions: without a solution", one.failed, "items", limit=1),
        ]
    figures.append(Figure("starting the session: CPU", min(one.session_cpu for one in solved.values()), "s"))
    if len(sizes.items) > 1:
        small, large = sizes.items[-2:]
        slope = (solved[large, 1].cpu - solved[small, 1].cpu) / (large - small)
        first = sizes.items[0]
        peaks = [solved[n, 1].worker_peak for n in sizes.items]
        figures += [
            Figure(
                "exact, one further partition: CPU",
                slope * 1e6,
                "us",
                MICROSECONDS,
                how=f"from {small:,} to {large:,} partitions",
            ),
            Figure(
                "exact, fixed: CPU",
                solved[first, 1].cpu - slope * first,
                "s",
                FIXED_CPU,
                how=f"what {first:,} partitions take beyond {first:,} further ones",
            ),
            Figure("exact, memory of a worker, largest over smallest size", max(peaks) / peaks[0], "times", 2.0),
        ]
    most = sizes.items[-1]
    several = solved[most, sizes.waves]
    figures += [
        Figure(f"exact, {most:,} partitions in {sizes.waves} waves: CPU", several.cpu, "s"),
        Figure(f"{sizes.waves} waves over one: CPU", several.cpu / solved[most, 1].cpu, "times", WAVES_RATIO),
    ]
    return figures


def measure_item_policies(folder: Path, sizes: Sizes, run_in: RunIn) -> list[Figure]:
    """Each item policy at the two largest sizes: what any number of partitions takes, and what one more does."""
    figures = []
    for policy in item_policies():
        if not sizes.policies or policy in sizes.policies:
            figures += _of_policy(folder / policy, sizes.items[-2:], policy, run_in)
            # inputs and solutions of a million items are some gigabytes for all policies together
            shutil.rmtree(folder / policy)
    return figures


def _of_policy(folder: Path, counts: tuple[int, ...], policy: str, run_in: RunIn) -> list[Figure]:
    wanted = [(n, 1) for n in counts]
    run_in(make_all, folder, wanted, policy)
    solved = {n: run_in(solve_once, folder / f"{n}-{waves}", waves, policy) for n, waves in wanted}
    figures = []
    for n, one in solved.items():
        figures += [
            Figure(f"{policy}, exact, {n:,} partitions: CPU", one.cpu, "s", how=EACH_ALONE),
            Figure(f"{policy}, exact, {n:,} partitions: without a solution", one.failed, "items", limit=1),
        ]
    if len(counts) > 1:
        small, large = counts
        slope = (solved[large].cpu - solved[small].cpu) / (large - small)
        figures += [
            Figure(
                f"{policy}, exact, one further partition: CPU",
                slope * 1e6,
                "us",
                MICROSECONDS if policy == "s_q" else None,
                how=f"from {small:,} to {large:,} partitions",
            ),
            Figure(
                f"{policy}, exact, fixed: CPU",
                solved[small].cpu - slope * small,
                "s",
                FIXED_CPU,
                how=f"what {small:,} partitions take beyond {small:,} further ones",
            ),
        ]
    return figures


def make_all(folder: Path, wanted: list[tuple[int, int]], policy: str = "s_q") -> None:
    """The inputs of every measurement, each in a lakehouse of its own."""
    for n, waves in wanted:
        items.make(folder / f"{n}-{waves}", n, waves, policy)


def solve_once(folder: Path, waves: int, policy: str = "s_q") -> Solved:
    """The step `solve` over the inputs below `folder`."""
    from invopt.pipelines.solve import solve
    from invopt.tables import SOLUTIONS

    with Meter() as starting:
        run = new_run(folder, policy=policy, waves=waves)
    with Meter() as meter:
        solve(run)
    failed = run.store.read(SOLUTIONS).where(F.col("status") == "no_solution").count()
    return Solved(meter.cpu, meter.wall, meter.worker_peak, failed, starting.cpu)
