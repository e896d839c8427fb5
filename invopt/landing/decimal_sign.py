"""Whether numbers such as 1.250 in a text file are 1.25 or 1250: what the file's other numbers tell.

A point before three digits parts decimals where nothing speaks against it: a database writes 10.500 so. Two things do:
a number of the same file that has a decimal comma, and, in a file whose fields are not parted by commas, a number of
the same column with other than three decimals: then no column of three decimals would end in a zero, and where none of
its numbers has a point that must part decimals, 1.255 beside 12 may be either.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

Told = tuple[str, int, str]  # the text, its row, its column

_FIRST = r"^[^0-9]*[1-9][0-9]{0,2}"
_COMMA = (
    r"^[^0-9]*(?:[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"  # 1.250,00
    r"|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|0*,[0-9]+|[0-9]{4,},[0-9]+"  # 12,5  0,125  1250,000
    r"|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,})[^0-9]*$"  # 1.250.000
)
_EITHER = _FIRST + r"\.[0-9]{3}[^0-9]*$"
_ENDS_IN_ZERO = _FIRST + r"\.[0-9]{2}0[^0-9]*$"
_NO_COMMA = r"^[^0-9,]*[0-9.]+[^0-9,]*$"
_OF_THREE = r"\.[0-9]{3}[^0-9]*$"
# 12.5, 0.125, 1250.500: these points part no thousands
_POINT = r"^[^0-9,]*(?:[0-9]*\.(?:[0-9]{1,2}|[0-9]{4,})|0*\.[0-9]{3}|0[0-9]+\.[0-9]{3}|[0-9]{4,}\.[0-9]{3})[^0-9,]*$"


@dataclass
class DecimalSign:
    """What the numbers of a file have told so far.

    comma : the first number with a decimal comma, or whose points part thousands
    either : the first number that would be another one then
    of_three, zero_ended : by column, the first number that may be thousands, and the first of them that ends in 0
    shorter, point : by column, the first number of fewer or more decimals, and the first whose point parts decimals
    """

    comma: Told | None = None
    either: Told | None = None
    of_three: dict[str, Told] = field(default_factory=dict)
    zero_ended: dict[str, Told] = field(default_factory=dict)
    shorter: dict[str, Told] = field(default_factory=dict)
    point: dict[str, Told] = field(default_factory=dict)

    def look(self, header: str, texts: pa.ChunkedArray, row: int, *, is_parted_by_comma: bool) -> None:
        """Takes the texts of a column; `row` is the number of the first one."""
        self.comma = self.comma or _first(texts, _COMMA, row, header)
        self.either = self.either or _first(texts, _EITHER, row, header)
        if is_parted_by_comma:
            return
        for found, pattern, is_wanted in (
            (self.of_three, _EITHER, True),
            (self.zero_ended, _ENDS_IN_ZERO, True),
            (self.shorter, _OF_THREE, False),
            (self.point, _POINT, True),
        ):
            if header not in found and (told := _first(texts, pattern, row, header, is_wanted=is_wanted)):
                found[header] = told

    def problem(self, dataset: str) -> str | None:
        """Why the numbers can't be read, with the setting that would read them."""
        pairs = [(self.either, self.comma)]
        unproved = {header: told for header, told in self.of_three.items() if header not in self.point}
        for of_column in (self.zero_ended, unproved):
            pairs += [(told, self.shorter[header]) for header, told in of_column.items() if header in self.shorter]
        for either, other in pairs:
            if either and other:
                return (
                    f"its {either[2]} may be {_thousands(either[0])} or {_decimals(either[0])} where it says "
                    f"{either[0]!r} (row {either[1]:,}), because {other[2]} says {other[0]!r} (row {other[1]:,}): set "
                    f'`mapping: {{{dataset}: {{decimal: ","}}}}` or "." in the configuration'
                )
        return None


def has_signs(texts: pa.ChunkedArray) -> bool:
    """Whether a text has a comma, or more than one point: a look that costs little."""
    n_points = pc.max(pc.count_substring(texts, ".")).as_py() or 0
    return n_points > 1 or bool(pc.any(pc.match_substring(texts, ",")).as_py())


def _first(texts: pa.ChunkedArray, pattern: str, row: int, header: str, *, is_wanted: bool = True) -> Told | None:
    """The first text that matches; or, of the numbers without a comma, that does not."""
    matches = pc.match_substring_regex(texts, pattern)
    if not is_wanted:
        matches = pc.and_(pc.invert(matches), pc.match_substring_regex(texts, _NO_COMMA))
    place = pc.index(matches, True).as_py()
    return None if place < 0 else (texts[place].as_py(), row + place, header)


def _decimals(text: str) -> str:
    return _figures(text).rstrip("0").rstrip(".")


def _thousands(text: str) -> str:
    return _figures(text).replace(".", "")


def _figures(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit() or sign == ".")
