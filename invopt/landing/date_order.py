"""Whether a file's dates in figures, such as 03/02/2026, have the day or the month first: one answer for a file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
_FIGURES = r"^\s*[0-9]{1,2}[/-][0-9]{1,2}[/-][0-9]{4}(?:[T ].*)?\s*$"
_TWO = re.compile(r"^\s*(\d{1,2})[/-](\d{1,2})[/-]")
# different texts that are looked at; a year has 366 days, and each may have many hours
ENOUGH = 100_000


@dataclass
class DateOrder:
    """What the dates of a file have told so far: the first text, with its row, that fits one order only.

    either : the first text that fits both
    """

    day_first: tuple[str, int] | None = None
    month_first: tuple[str, int] | None = None
    either: tuple[str, int] | None = None
    _seen: set[str] = field(default_factory=set)

    def look(self, texts: pa.ChunkedArray, row: int) -> None:
        """Takes the texts of a column; `row` is the number of the first one."""
        is_figures = pc.match_substring_regex(texts, _FIGURES)
        if not pc.any(is_figures).as_py():
            return
        places = pc.indices_nonzero(is_figures)
        figures = texts.take(places)
        heads = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(figures), 0, 10).combine_chunks()
        encoded = heads.dictionary_encode()
        first: dict[int, int] = {}
        for place, code in enumerate(encoded.indices.to_pylist()):
            first.setdefault(code, place)
            if len(first) == len(encoded.dictionary):
                break
        for code, place in first.items():
            text = encoded.dictionary[code].as_py()
            if text not in self._seen and len(self._seen) < ENOUGH:
                self._seen.add(text)
                self._note(text, row + places[place].as_py())

    def _note(self, text: str, row: int) -> None:
        one, other = (int(part) for part in _TWO.match(text).groups())
        if 12 < one <= 31 and 1 <= other <= 12:
            self.day_first = self.day_first or (text, row)
        elif 12 < other <= 31 and 1 <= one <= 12:
            self.month_first = self.month_first or (text, row)
        elif 1 <= one <= 12 and 1 <= other <= 12 and one != other:
            self.either = self.either or (text, row)

    def decided(self) -> str | None:
        """dmy or mdy; None where no date needs it or the file does not tell."""
        if self.day_first and self.month_first:
            return None
        return DAY_FIRST if self.day_first else MONTH_FIRST if self.month_first else None

    def problem(self, dataset: str) -> str | None:
        """Why the dates can't be read, with the setting that would read them."""
        if self.day_first and self.month_first:
            return (
                f"its dates have the day first in one row and the month first in another: {_told(self.day_first)} "
                f"and {_told(self.month_first)}. Write them as 2026-02-27"
            )
        if self.either and not (self.day_first or self.month_first):
            return (
                f"its dates can be read with the day or with the month first, such as {_told(self.either)}: set "
                f"`mapping: {{{dataset}: {{dates: dd/MM/yyyy}}}}` or MM/dd/yyyy in the configuration"
            )
        return None


def _told(told: tuple[str, int]) -> str:
    return f"{told[0]!r} (row {told[1]:,})"
