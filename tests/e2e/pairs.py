"""Two runs of the small demo at once, of the same moment or of different ones: do they end as one after the other?

Each pair starts in an empty lakehouse, the second run some seconds after the first. Whichever of the two comes first to
the gold layer, the tables must be those of the two runs one after the other in that order, and no product of a location
may have two open lines of one day.

    python -m tests.e2e.pairs FOLDER --pairs 12 --seed 1
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from tests.comparison.lakehouse import Lakehouse
from tests.e2e.kills import PATIENCE, Demo, Trial, content, differences

# a file is known from the day of the run that took it, and which of two runs that is, is chance
OF_THE_TAKER = ("known_on", "taken_on")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pairs and tells of each; 0 where every one ended as one run after the other."""
    chosen = _arguments(arguments)
    shutil.rmtree(chosen.folder, ignore_errors=True)
    demo, dice = Demo.make(chosen.folder / "demo"), random.Random(chosen.seed)
    days = demo.as_of, (date.fromisoformat(demo.as_of) + timedelta(days=1)).isoformat()
    kinds = {"of the same moment": (days[0], days[0]), "of two days": days}
    if chosen.pairs == 1:
        kinds.pop("of the same moment")
    expected: dict[str, list[dict[str, Counter]]] = {}
    seconds = 0.0
    for kind, moments in kinds.items():
        for order in sorted({moments, moments[::-1]}):
            trial = _trial(demo, chosen.folder / f"one after the other {' '.join(order)}")
            started = time.monotonic()
            for moment in order:
                if code := demo.start(trial.lakehouse, trial.log, moment).wait(timeout=PATIENCE):
                    print(f"the undisturbed run of {moment} ended with exit code {code}; see {trial.log}")
                    return 2
            seconds = (time.monotonic() - started) / 2
            expected.setdefault(kind, []).append(_content(trial.lakehouse))
    print(f"one after the other: {seconds:.0f} s a run", flush=True)
    n_bad = 0
    for number in range(chosen.pairs):
        kind = sorted(kinds)[number % len(kinds)]
        moments = list(kinds[kind])
        dice.shuffle(moments)
        delay = dice.choice([0.0, dice.uniform(0, seconds)])
        trial = _trial(demo, chosen.folder / f"pair{number}")
        problems = _pair(trial, moments, delay, expected[kind])
        n_bad += bool(problems)
        print(f"pair {number} {kind}, {delay:.1f} s apart: {'; '.join(problems) or 'same'}", flush=True)
    print(f"{chosen.pairs} pairs, {n_bad} with another end")
    return int(n_bad > 0)


def _trial(demo: Demo, folder: Path) -> Trial:
    folder.mkdir()
    return Trial(folder.name, demo, folder)


def _pair(trial: Trial, moments: Sequence[str], delay: float, expected: Sequence[dict[str, Counter]]) -> list[str]:
    """What is wrong after two runs at once."""
    runs = []
    for number, moment in enumerate(moments):
        log = trial.folder / f"log{number}"
        runs.append((log, trial.demo.start(trial.lakehouse, log, moment)))
        if not number:
            time.sleep(delay)
    problems = []
    for log, run in runs:
        if code := run.wait(timeout=PATIENCE):
            last = log.read_text(errors="replace").strip().splitlines()[-3:]
            problems.append(f"a run ended with exit code {code}: {' | '.join(last)}")
    problems += ordered_twice(trial.lakehouse)
    found = _content(trial.lakehouse)
    each = [differences(one, found) for one in expected]
    return problems + ([] if [] in each else min(each, key=len))


def ordered_twice(lakehouse: Path) -> list[str]:
    """The location x products with more than one line of a day that is neither cancelled nor a shadow."""
    _, rows = Lakehouse(lakehouse).records("gold.orders")
    lines = Counter(
        (row["location_id"], row["product_id"], row["cycle"])
        for row in rows
        if row["status"] not in ("cancelled", "shadow")
    )
    return [f"{key} is ordered {n} times" for key, n in lines.items() if n > 1]


def _content(lakehouse: Path) -> dict[str, Counter]:
    return content(lakehouse, without=OF_THE_TAKER)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.e2e.pairs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="for the lakehouses and logs; emptied first")
    for name, default, about in (("pairs", 12, "pairs of runs"), ("seed", 1, "of the seconds between two runs")):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{about} (default: {default})")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
