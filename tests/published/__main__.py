"""Solves the published instances and writes the table: `make published`, or `python -m tests.published --only eoq`
to look at some.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import platform
from datetime import UTC, datetime
from pathlib import Path

import highspy

import tests.published as package
from tests.published import Row

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "instances"
PAGE = ROOT / "docs" / "published_instances.md"
SLOW = ("capacitated",)
KINDS = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def gap_of(row: Row) -> float | None:
    """How far ours is from the published value, as a fraction of it; below 0 where ours is better."""
    return None if row.published is None else (row.ours - row.published) / max(1e-12, abs(row.published))


def lines(found: dict[str, list[Row]]) -> list[str]:
    """The page: a table for each kind."""
    page = [
        "# Published instances and what invopt finds",
        "",
        f"Written by `make published` on {datetime.now(UTC):%Y-%m-%d} (Python {platform.python_version()}, HiGHS "
        f"{highspy.Highs().version()}, one thread). Gap: ours over published; bound gap: what is proved of ours, "
        "where it is not "
        "the optimum.",
    ]
    for kind, rows in found.items():
        page += [
            "",
            f"## {kind.replace('_', ' ')}",
            "",
            "| instance | policy | method | published | ours | gap | bound gap | s | note |",
            "|---|---|---|---:|---:|---:|---:|---:|---|",
        ]
        for row in rows:
            gap = gap_of(row)
            proved = None if row.bound is None else max(0.0, (row.ours - row.bound) / max(1e-12, abs(row.ours)))
            cells = (
                row.instance,
                row.policy,
                row.method,
                _number(row.published),
                _number(row.ours),
                _share(gap),
                _share(proved),
                "" if row.seconds is None else f"{row.seconds:.3g}",
                row.note,
            )
            page.append(f"| {' | '.join(cells)} |")
        page += ["", "Sources: " + "; ".join(sorted({row.source for row in rows})) + "."]
    return page


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.6g}" if abs(value) < 1e5 else f"{value:,.2f}"


def _share(value: float | None) -> str:
    return "" if value is None else "0" if abs(value) < 5e-10 else f"{100 * value:.2g} %"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.published", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=KINDS, default=KINDS, help="kinds (default: all, and the page is written)"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the instances")
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        parser.error(f"the shared instances are not on this machine: {chosen.data} is no folder")
    found = {}
    for kind in chosen.only:
        print(f"solving {kind} ...", flush=True)
        rows = importlib.import_module(f"tests.published.{kind}").rows
        if kind not in SLOW:
            rows(chosen.data)  # compiles what nobody has used yet, so that the seconds are those of solving
        found[kind] = rows(chosen.data)
    page = "\n".join(lines(found)) + "\n"
    if chosen.only == KINDS:
        PAGE.write_text(page, encoding="utf-8")
        print(f"written: {PAGE}")
    print(page)


if __name__ == "__main__":
    main()
