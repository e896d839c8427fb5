"""A measured figure with the aim beside it, and the table that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    what : what was measured, and of how many
    limit : the aim; the value has to be below it, or above it with `is_floor`; None where there is no aim
    how : how the value comes about, for a line below the table; the same text is shown once
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    is_floor: bool = False
    how: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value > self.limit if self.is_floor else self.value < self.limit


def lines(figures: Iterable[Figure]) -> list[str]:
    """The table: value, aim, met or not, and below it how each figure was taken.

    >>> print("\\n".join(lines([Figure("one more partition", 13.25, "us", 40.0, how="a slope")])))
    what                     value      aim          met
    one more partition [1]   13.2 us    under 40 us  yes
    [1] a slope
    """
    rows, notes = [("what", "value", "aim", "met")], []
    for figure in figures:
        if figure.how and figure.how not in notes:
            notes.append(figure.how)
        mark = f" [{notes.index(figure.how) + 1}]" if figure.how else ""
        aim = (
            ""
            if figure.limit is None
            else f"{'over' if figure.is_floor else 'under'} {_number(figure.limit)} {figure.unit}"
        )
        met = {None: "", True: "yes", False: "NO"}[figure.is_met]
        rows.append((figure.what + mark, f"{_number(figure.value)} {figure.unit}", aim, met))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    table = [
        f"{what:{widths[0]}}   {value:{widths[1]}}    {aim:{widths[2]}}  {met}".rstrip()
        for what, value, aim, met in rows
    ]
    return table + [f"[{number}] {note}" for number, note in enumerate(notes, start=1)]


def _number(value: float) -> str:
    """Three digits are what a measurement is good for.

    >>> _number(1234567.0), _number(13.25), _number(4.0), _number(0.1234)
    ('1,234,567', '13.2', '4', '0.123')
    """
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
