"""Runs the measurements and prints one table: `python -m tests.perf`, `python -m tests.perf --only solve --items
20000 200000`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from invopt.policies import names
from tests.perf import by_model, engine, fixed, groups, policies, sales, solve
from tests.perf.alone import RunIn, alone
from tests.perf.figure import Figure, lines
from tests.perf.meter import Meter
from tests.perf.sizes import Sizes

MEASURES: dict[str, Callable[[Path, Sizes, RunIn], list[Figure]]] = {
    "solve": solve.measure,
    "model": by_model.measure,
    "groups": groups.measure,
    "sales": sales.measure,
    "engine": engine.measure,
    "policies": policies.measure,
    "item_policies": solve.measure_item_policies,
    "fixed": fixed.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.perf", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="measurements to run")
    for name, meaning in (
        ("models", "partitions by model"),
        ("groups", "partitions with a call each"),
        ("sales", "rows to ingest"),
    ):
        parser.add_argument(f"--{name}", type=int, default=getattr(Sizes, name), help=meaning)
    parser.add_argument("--items", type=int, nargs="+", default=Sizes.items, help="partitions by the algorithm, rising")
    parser.add_argument(
        "--policies", nargs="+", choices=names(), default=[], help="of `policies` and `item_policies`; default: all"
    )
    parser.add_argument("--folder", help="where the temporary tables go; default: the system's")
    chosen = parser.parse_args()
    sizes = replace(
        Sizes(),
        items=tuple(chosen.items),
        models=chosen.models,
        groups=chosen.groups,
        sales=chosen.sales,
        policies=tuple(chosen.policies),
    )
    figures = []
    with tempfile.TemporaryDirectory(prefix="invopt-bench-", dir=chosen.folder) as folder, Meter() as whole:
        for name in chosen.only:
            print(f"measuring {name} ...", flush=True)
            with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder) as own:
                figures += MEASURES[name](Path(own), sizes, alone)
    print("\n".join(lines(figures)))
    print(f"all of it: {whole.wall / 60:.1f} minutes")


if __name__ == "__main__":
    main()
