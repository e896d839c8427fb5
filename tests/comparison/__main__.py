"""Compares what two states of the program computed: two lakehouse folders, or two pages of published instances.

Of two lakehouses it compares the decisions, costs and orders, the state of the items, and figures of the silver tables.
The exit code is 0 where all is the same, 1 where something differs, 2 where the program was called wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from deltalake.exceptions import DeltaError

from tests.comparison import gold, published, silver
from tests.comparison.compare import Report
from tests.comparison.lakehouse import Lakehouse, is_lakehouse

WHAT = (*gold.TABLES, "silver", "rejected", "batches")
EXAMPLES = """examples:
  python -m tests.comparison before/lakehouse after/lakehouse
  python -m tests.comparison before/lakehouse after/lakehouse --what solutions orders
  python -m tests.comparison --published before.md docs/published_instances.md"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    alike = dict(chosen.alike)
    for place in (chosen.before, chosen.after):
        if chosen.published and not place.is_file():
            parser.error(f"there is no page {place}")
        if not chosen.published and not is_lakehouse(place):
            parser.error(f"{place} is no folder with Delta tables in layer/name below it")
    if chosen.published:
        found = published.reports(chosen.before, chosen.after, alike, chosen.tolerance)
    else:
        found = _of_lakehouses(
            Lakehouse(chosen.before, alike), Lakehouse(chosen.after), set(chosen.what), chosen.tolerance
        )
    n_differences = n_compared = n_notes = 0
    try:
        for report in found:
            print("\n".join(report.lines()), flush=True)
            n_differences += report.n_differences
            n_compared += report.n_compared
            n_notes += len(report.notes)
    except DeltaError as error:
        parser.error(f"a table can't be read: {error}")
    except KeyError as error:
        parser.error(f"a table lacks the column {error}, which its rows are matched by or counted from")
    if not n_compared and not n_differences:
        parser.error("there was nothing to compare")
    also = f"; read the {n_notes} notes above too" if n_notes else ""
    print((f"different: {n_differences:,} differences" if n_differences else "same") + also)
    return int(n_differences > 0)


def _of_lakehouses(before: Lakehouse, after: Lakehouse, what: set[str], tolerance: float) -> Iterator[Report]:
    if what & gold.TABLES.keys():
        yield from gold.reports(before, after, what, tolerance)
    yield from silver.reports(before, after, what, tolerance)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.comparison",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, metavar="BEFORE", help="folder of the tables, or with --published a page")
    parser.add_argument("after", type=Path, metavar="AFTER", help="the same of the other state")
    parser.add_argument("--what", nargs="+", choices=WHAT, default=WHAT, help="parts to compare (default: all)")
    parser.add_argument(
        "--tolerance",
        type=_fraction,
        default=1e-9,
        help="relative difference that two numbers may have (default: 1e-9)",
    )
    parser.add_argument(
        "--alike",
        type=_pair,
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a text that was renamed, such as exact=algorithm; may be given again",
    )
    parser.add_argument("--published", action="store_true", help="compare two versions of docs/published_instances.md")
    return parser


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1, such as 1e-9")
    return value


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form OLD=NEW, such as exact=algorithm")
    return old, new


if __name__ == "__main__":
    sys.exit(main())
