"""The table of the policies there are: for a terminal, with wrapped cells, and as Markdown for the README."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

from invopt import policies

HEADINGS = ("policy", "decides", "partition", "model", "algorithm", "source")
_COLUMNS = ("name", *HEADINGS[1:])
# narrowest useful width of each column in a terminal, characters; the last two columns share the rest of the width
_WIDTHS = (22, 22, 13, 5, 24, 24)


def rows(folder: str | None = None) -> list[tuple[str, ...]]:
    """One row per policy, in the order of the headings; `folder` has the user's own policies."""
    table = policies.table(folder)[list(_COLUMNS)]
    return [tuple(row) for row in table.itertuples(index=False)]


def markdown(folder: str | None = None) -> str:
    """The table in Markdown, as it stands in the README."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *((f"`{name}`", *rest) for name, *rest in rows(folder))]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def plain(width: int, folder: str | None = None) -> list[str]:
    """The lines of the table for a terminal of this width; cells wrap, and no column is narrower than is readable."""
    spare = max(0, width - sum(_WIDTHS) - 2 * (len(_WIDTHS) - 1))
    widths = (*_WIDTHS[:-2], _WIDTHS[-2] + spare // 2, _WIDTHS[-1] + spare - spare // 2)
    lines = []
    for row in (HEADINGS, tuple("-" * width for width in widths), *rows(folder)):
        cells = (textwrap.wrap(cell, width, break_long_words=False) for cell, width in zip(row, widths, strict=True))
        for parts in zip_longest(*cells, fillvalue=""):
            lines.append("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())
    return lines
