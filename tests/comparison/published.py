"""The numbers in two versions of docs/published_instances.md; dates, seconds and wording are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.comparison.compare import Report, compare
from tests.comparison.sheet import Sheet, keyed

KEY = ("instance", "policy", "method")
SECONDS = "s"
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def reports(before: Path, after: Path, alike: Mapping[str, str], tolerance: float) -> Iterator[Report]:
    """One for each table of the page."""
    old, new = sheets(before.read_text(encoding="utf-8"), alike), sheets(after.read_text(encoding="utf-8"), {})
    for name in [*old, *(name for name in new if name not in old)]:
        yield compare(old.get(name), new.get(name), name, tolerance)


def sheets(page: str, alike: Mapping[str, str]) -> dict[str, Sheet]:
    """The tables of a page by the heading above them; each cell as the numbers in it.

    >>> page = ["## eoq", "| instance | policy | method | ours | s |", "|---|---|---|---:|---:|"]
    >>> sheets("\\n".join([*page, "| a | p | exact | 1,999.15 | 2 |"]), {})["eoq"].rows
    {('a', 'p', 'exact'): {'ours': [1999.15], 'instance': 'a', 'policy': 'p', 'method': 'exact'}}
    """
    found: dict[str, tuple[list[str], list[dict]]] = {}
    heading, header = "", []
    for line in page.splitlines():
        if line.startswith("## "):
            heading, header = line.removeprefix("## ").strip(), []
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not header:
                header = cells
                found[heading] = ([name for name in header if name not in (*KEY, SECONDS)], [])
            elif not set(line) <= set("|-: "):
                named = dict(zip(header, cells, strict=True))
                row = {name: numbers(named[name]) for name in found[heading][0]}
                found[heading][1].append(row | {name: alike.get(named[name], named[name]) for name in KEY})
    return {name: keyed(name, KEY, columns, rows) for name, (columns, rows) in found.items()}


def numbers(cell: str) -> list[float]:
    """The numbers in a cell.

    >>> numbers("1,028,646.36"), numbers("2.2e+02 %"), numbers("on 2 days, first on day 1"), numbers("")
    ([1028646.36], [220.0], [2.0, 1.0], [])
    """
    return [float(number.replace(",", "")) for number in _NUMBER.findall(cell)]
