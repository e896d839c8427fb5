"""Runs of the small demo that are killed, or whose disk fills up, and the run after them: does it end with the tables
of the undisturbed run?

A point is a number of commits and a moment after it, or the birth of a table: its log is there, its first commit is
not. A full disk is a small file system of memory, which grows before the next run; only root can make one.

    python -m tests.e2e.kills FOLDER --points 40 --births 10 --sizes 10 --seed 1
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from invopt.spark.session import FAST_START
from invopt.world.write import write_world
from tests.comparison.lakehouse import Lakehouse

ROOT = Path(__file__).parents[2]
# a run of the demo takes a minute; the limit only keeps a run that hangs from being waited for without end
PATIENCE = 1800.0
# what differs between two runs of the same: moments, durations, and the numbers of attempts
OF_THE_MOMENT = {
    "at",
    "batch_id",
    "conformed_at",
    "decided_at",
    "done_at",
    "file_number",
    "first_file",
    "ingested_at",
    "input_versions",
    "made_at",
    "ordered_at",
    "seconds",
    "updated_at",
    "written_at",
}
# the record of attempts
NOT_COMPARED = {"gold.steps", "gold.runs"}


@dataclass(frozen=True)
class Demo:
    """The demo's files and configuration, which all runs share."""

    folder: Path
    as_of: str

    @classmethod
    def make(cls, folder: Path) -> Demo:
        """Two stores and six products, by three policies, the first in two waves."""
        folder.mkdir(parents=True, exist_ok=True)
        world = write_world(folder / "landing", n_stores=2, n_products=6, n_days=5, seed=1)
        shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local.yaml"))
        rows = [
            {"id": name, "policy": name, "scope": {"is_perishable": is_perishable}, "method": "algorithm"}
            for name, is_perishable in (("s_q", False), ("s_q_perishable", True))
        ]
        (folder / "conf" / "policies.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")
        return cls(folder, f"{world.as_of:%Y-%m-%d}")

    def start(self, lakehouse: Path, log: Path, as_of: str | None = None) -> subprocess.Popen:
        """A run in a session of its own, so that all its processes can be told; of the demo's day unless another is
        given.
        """
        settings = {f"spark.{name}": value for name, value in FAST_START.items()} | {"solve.waves": "2"}
        arguments = [
            *(
                sys.executable,
                "-m",
                "invopt.cli",
                "run",
                "--as-of",
                as_of or self.as_of,
                "--config",
                self.folder / "conf",
            ),
            *("--landing", self.folder / "landing", "--lakehouse", lakehouse),
            *(part for name, value in settings.items() for part in ("--set", f"{name}={value}")),
        ]
        with log.open("ab") as output:
            return subprocess.Popen(
                list(map(str, arguments)), cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )

    def run(self, lakehouse: Path, log: Path) -> int:
        """A run to its end; gives its exit code."""
        return self.start(lakehouse, log).wait(timeout=PATIENCE)


def kill(process: subprocess.Popen) -> None:
    """Kills all processes of the run's session: Java and the Python workers lead groups of their own."""
    while alive := _session(process.pid):
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.poll()
        time.sleep(0.02)
    process.wait()


def _session(leader: int) -> list[int]:
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                members.append(int(stat.parent.name))
    return members


def commits(lakehouse: Path) -> int:
    """Commits of all tables so far."""
    return len([path for path in _logs(lakehouse, "*/*/_delta_log/*.json") if path.stem.isdigit()])


def is_birth(lakehouse: Path, seen: set[str]) -> bool:
    """Whether a table that is not among those seen has a log and no commit; one with a commit is seen from now on."""
    for log in _logs(lakehouse, "*/*/_delta_log"):
        if str(log) in seen:
            continue
        if not list(log.glob("0*.json")):
            return True
        seen.add(str(log))
    return False


def _logs(lakehouse: Path, pattern: str) -> list[Path]:
    try:
        return list(lakehouse.glob(pattern))
    except OSError:  # a folder went away while it was listed
        return []


@dataclass
class Trial:
    """A lakehouse and what happened to its runs."""

    name: str
    demo: Demo
    folder: Path

    @property
    def lakehouse(self) -> Path:
        return self.folder / "lake"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def kill_when(self, is_time: Callable[[], bool]) -> bool:
        """Starts a run and kills it when it is time; gives whether the run was alive then."""
        process = self.demo.start(self.lakehouse, self.log)
        try:
            while process.poll() is None:
                if is_time():
                    return process.poll() is None
                time.sleep(0.0005)
        finally:
            kill(process)
        return False

    def finish(self, expected: dict[str, Counter]) -> list[str]:
        """The next run, to its end; what is wrong with it."""
        code = self.demo.run(self.lakehouse, self.log)
        if code:
            last = self.log.read_text(errors="replace").strip().splitlines()[-3:]
            return [f"the next run ended with exit code {code}: {' | '.join(last)}"]
        return differences(expected, content(self.lakehouse))


def content(lakehouse: Path, without: Collection[str] = ()) -> dict[str, Counter]:
    """Table -> its rows, without what differs between two runs of the same, and without other columns."""
    tables, reader, left_out = {}, Lakehouse(lakehouse), OF_THE_MOMENT.union(without)
    for layer in ("bronze", "silver", "gold"):
        for name in reader.names(layer):
            if name not in NOT_COMPARED:
                _, rows = reader.records(name)
                tables[name] = Counter(
                    repr([(key, _rounded(value)) for key, value in sorted(row.items()) if key not in left_out])
                    for row in rows
                )
    return tables


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return {key: _rounded(each) for key, each in value.items()} if isinstance(value, dict) else value


def differences(expected: dict[str, Counter], found: dict[str, Counter]) -> list[str]:
    """Tables whose rows differ, each with an example."""
    texts = []
    for name in sorted(expected | found):
        missing, more = (
            one.get(name, Counter()) - other.get(name, Counter())
            for one, other in ((expected, found), (found, expected))
        )
        if missing or more or (name in expected) != (name in found):
            example = next(iter(missing or more), "no row")
            texts.append(f"{name}: {missing.total()} rows missing, {more.total()} too many, such as {example:.300}")
    return texts


def trial_at(trial: Trial, points: list[tuple[int, float]], expected: dict[str, Counter]) -> tuple[int, list[str]]:
    """Kills one run after the other, each `delay` seconds after its number of commits, then finishes.

    A run makes at least one commit before it is killed: else a kill before it would leave it nothing to disturb.
    """
    n_killed = 0
    for n_commits, delay in points:
        reached: list[float] = []
        n_commits = max(n_commits, commits(trial.lakehouse) + 1)

        def is_time(n_commits: int = n_commits, delay: float = delay, reached: list[float] = reached) -> bool:
            if not reached and commits(trial.lakehouse) >= n_commits:
                reached.append(time.monotonic())
            return bool(reached) and time.monotonic() - reached[0] >= delay

        n_killed += trial.kill_when(is_time)
    return n_killed, trial.finish(expected)


def trial_at_birth(trial: Trial, n_births: int, least: int, expected: dict[str, Counter]) -> tuple[int, list[str]]:
    """Kills runs when a new table has a log and no commit: `n_births` runs, from `least` commits on."""
    n_killed = 0
    for _ in range(n_births):
        seen: set[str] = {str(log) for log in _logs(trial.lakehouse, "*/*/_delta_log")}
        n_killed += trial.kill_when(
            lambda seen=seen: is_birth(trial.lakehouse, seen) and commits(trial.lakehouse) >= least
        )
    return n_killed, trial.finish(expected)


def trial_of_size(trial: Trial, n_bytes: int, expected: dict[str, Counter]) -> tuple[int, list[str]]:
    """A run on a disk of `n_bytes`, then the next on a larger one."""
    with small_disk(trial.lakehouse, n_bytes) as grow:
        code = trial.demo.run(trial.lakehouse, trial.log)
        said = trial.log.read_text(errors="replace").strip().splitlines()[-1]
        grow(512 * 2**20)
        problems = trial.finish(expected)
    if code not in (0, 5) or (code and "disk is full" not in said):
        problems.append(f"on the full disk the exit code was {code}, and it said: {said:.300}")
    return int(code != 0), problems


@contextlib.contextmanager
def small_disk(place: Path, n_bytes: int) -> Iterator[Callable[[int], None]]:
    """A file system of `n_bytes` at the place; gives what makes it larger."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", place], check=True)
    try:
        yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)
    finally:
        subprocess.run(["umount", place], check=True)


def can_mount() -> bool:
    """Whether this process may make small disks."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount") is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for and tells of each trial; 0 where every one ended as the undisturbed run."""
    chosen = _arguments(arguments)
    shutil.rmtree(chosen.folder, ignore_errors=True)
    demo, dice = Demo.make(chosen.folder / "demo"), random.Random(chosen.seed)
    calm = Trial("undisturbed", demo, chosen.folder / "undisturbed")
    calm.folder.mkdir()
    started = time.monotonic()
    if code := demo.run(calm.lakehouse, calm.log):
        print(f"the undisturbed run ended with exit code {code}; see {calm.log}")
        return 2
    seconds, n_commits, expected = time.monotonic() - started, commits(calm.lakehouse), content(calm.lakehouse)
    # a small disk gives whole blocks
    n_bytes = sum(512 * path.stat().st_blocks for path in calm.lakehouse.rglob("*") if path.is_file())
    print(f"undisturbed: {seconds:.0f} s, {n_commits} commits, {len(expected)} tables, {n_bytes:,} bytes", flush=True)
    tally = _Tally()
    for name, trial in _trials(chosen, demo, dice, seconds / n_commits, n_commits, n_bytes):
        tally.add(name, trial(expected))
    print(f"{tally.n_disturbed} disturbed runs, {tally.n_bad} trials with another end")
    return int(tally.n_bad > 0)


@dataclass
class _Tally:
    """What the trials gave so far."""

    n_disturbed: int = 0
    n_bad: int = 0

    def add(self, name: str, result: tuple[int, list[str]]) -> None:
        n_disturbed, problems = result
        self.n_disturbed += n_disturbed
        self.n_bad += bool(problems)
        print(f"{name}: {'; '.join(problems) or 'same'} ({n_disturbed} disturbed)", flush=True)


def _trials(
    chosen: argparse.Namespace, demo: Demo, dice: random.Random, gap: float, n_commits: int, n_bytes: int
) -> Iterator[tuple[str, Callable[[dict[str, Counter]], tuple[int, list[str]]]]]:
    """The name of each trial, and what does it.

    gap : mean time between two commits of the undisturbed run, s
    """

    def made(name: str) -> Trial:
        trial = Trial(name, demo, chosen.folder / name)
        trial.folder.mkdir()
        return trial

    for number in range(0, chosen.births, chosen.chain):
        n, least = min(chosen.chain, chosen.births - number), dice.randrange(n_commits * 2 // 3)
        trial = made(f"birth{number}")
        yield f"birth{number} (from {least})", partial(trial_at_birth, trial, n, least)
    for number in range(0, chosen.points, chosen.chain):
        n = min(chosen.chain, chosen.points - number)
        points = sorted((dice.randrange(n_commits), dice.uniform(0, gap)) for _ in range(n))
        shown = ", ".join(f"{count}+{delay:.2f}s" for count, delay in points)
        yield f"kill{number} ({shown})", partial(trial_at, made(f"kill{number}"), points)
    for number in range(chosen.sizes):
        size = int(n_bytes * (number + 0.5) / chosen.sizes)
        yield f"disk of {size:,} bytes", partial(trial_of_size, made(f"disk{number}"), size)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.e2e.kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="for the lakehouses and logs; emptied first")
    for name, default, about in (
        ("points", 40, "kills at random moments"),
        ("births", 10, "kills at a table's birth"),
        ("sizes", 10, "disks that fill up"),
        ("chain", 1, "kills of one lakehouse, before it is compared"),
        ("seed", 1, "of the random moments"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{about} (default: {default})")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
