"""Days and moments by a declared set of formats.

    2026-02-27, 2026/2/27, 2026.02.27, 20260227      year first
    27.02.2026                                       dots: day first
    27/02/2026, 02-27-2026                           by the order of the file's dates; without one, only what fits one
    ... 08:00, 08:00:05.123, 8:00 PM, T08:00:00Z     with a clock and an offset
    46080                                            a spreadsheet's day, read only where `excel` is declared

Years from 1990 to 2100; where a date is optional also 9999, which means never. Everything else is no date: 2026,
202602, 08:00:00.

A `day` holds what is written, wherever the file comes from. A `timestamp` is a moment: an offset counts, and without
one the clocks are those of the declared zone. A text without a clock is that day, in UTC. A `day_or_moment` is a moment
too, but at midnight sharp it is the day as written: daily files write their day so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from invopt.tables.dataset import Field

KINDS = ("timestamp", "day", "day_or_moment")
EXCEL = "excel"
FIRST_YEAR, LAST_YEAR, NEVER = 1990, 2100, 9999
LAST_DAY = "9999-12-31"

_OFFSET = r"Z|UTC|[+-]\d{2}(?::?\d{2})?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_CLOCK_OF_HALF_DAY = r"(?:0?[1-9]|1[0-2]):\d{2}(?::\d{2})?"
_HALF = r" ?[AaPp]\.?[Mm]\.?"
_TIME = rf"(?:[T ] ?(?:({_CLOCK})(?: ?({_OFFSET}))?|({_CLOCK_OF_HALF_DAY}){_HALF}))?"
_YEAR_FIRST = (r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", r"(\d{4})(\d{2})(\d{2})")
_DOTS = r"(\d{1,2})\.(\d{1,2})\.(\d{4})"
_DAY, _MONTH = r"1[3-9]|2\d|3[01]", r"0?[1-9]|1[0-2]"
_NUMERIC = r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})"
# the 5th of May, in whichever order
_SAME = "|".join(rf"0?{month}[-/]0?{month}" for month in range(1, 13))
# order of a file's dates -> patterns of (day, month, year) and of (month, day, year); without an order the number above
# 12 is the day
_ORDERS: dict[str | None, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dmy": ((_NUMERIC,), ()),
    "mdy": ((), (_NUMERIC,)),
    None: (
        (rf"({_DAY})[-/]({_MONTH})[-/](\d{{4}})", rf"(?=(?:{_SAME})[-/]){_NUMERIC}"),
        (rf"({_MONTH})[-/]({_DAY})[-/](\d{{4}})",),
    ),
}
_BOTH_ORDERS = r"^(?:0?[1-9]|1[0-2])[-/](?:0?[1-9]|1[0-2])[-/]\d{4}(?!\d)"
_SERIAL = r"^\d{5}(?:\.\d+)?$|^2958465(?:\.\d+)?$"
_EPOCH_SERIAL = 25_569  # 1970-01-01 as a spreadsheet's day


@dataclass(frozen=True)
class DateReading:
    """How the dates of a dataset are written.

    formats : Java patterns and `excel`, tried before all others
    zone : whose clocks show the moments that have no offset
    has_orders : the lines have a column `dates`, the order of their file's numeric dates
    """

    formats: Sequence[str] = ()
    zone: str | None = None
    has_orders: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        """The declared Java patterns; one without a clock fits texts with a clock as well."""
        patterns = [pattern for pattern in self.formats if pattern.lower() != EXCEL]
        return tuple(
            pattern if any(letter in pattern for letter in "HhKk") else f"{pattern}[ HH:mm[:ss]]"
            for pattern in patterns
        )

    @property
    def has_days_after_years(self) -> bool:
        """Whether a declared format has the year first and the day before the month: then year-month-day is no form."""
        return any(re.search("y.*d.*M", pattern) for pattern in self.formats)

    @property
    def reads_excel(self) -> bool:
        return any(pattern.lower() == EXCEL for pattern in self.formats)


def is_usual(text: Column) -> Column:
    """Whether a text is of the form 2026-02-27 or 2026-02-27 08:00:00, by its length and signs alone."""

    def has(sign: str, place: int) -> Column:
        return F.substring(text, place, 1) == sign

    is_day, is_moment = F.length(text) == 10, F.length(text) == 19
    return has("-", 5) & has("-", 8) & (is_day | (is_moment & has(":", 14) & has(":", 17)))


def iso(text: Column, reading: DateReading) -> Column:
    """The text as year-month-day with clock and offset; "--" when it is of no known form."""
    if reading.patterns:
        if reading.has_days_after_years:
            return F.lit("--")
        # a declared format decides alone how numeric dates are read, never one order for this line and one for that
        unusual = _rewritten(text, (), (), has_dots=False)
    elif reading.has_orders:
        order = F.col("dates")
        unusual = F.when(order.isNull(), _rewritten(text, *_ORDERS[None]))
        for name in ("dmy", "mdy"):
            unusual = unusual.when(order == name, _rewritten(text, *_ORDERS[name]))
    else:
        unusual = _rewritten(text, *_ORDERS[None])
    return F.when(is_usual(text), text).otherwise(unusual)


def _rewritten(text: Column, day_first: Sequence[str], month_first: Sequence[str], *, has_dots: bool = True) -> Column:
    """The text by the forms with the year first, with the day first between dots, and by those that are given."""
    days, months, years = [], [], []
    number = 1
    patterns = []
    for pattern in (*_YEAR_FIRST, *([_DOTS] if has_dots else []), *day_first, *month_first):
        if pattern == _YEAR_FIRST[0]:
            places = (number, number + 2, number + 3)
            pattern = pattern.replace(r"\2", rf"\{number + 1}")
            number += 4
        else:
            places = (number, number + 1, number + 2)
            number += 3
        if pattern in day_first or pattern == _DOTS:
            places = places[::-1]
        elif pattern in month_first:
            places = (places[2], places[0], places[1])
        patterns.append(pattern)
        for part, place in zip((years, months, days), places, strict=True):
            part.append(f"${place}")
    clock, offset, clock_of_half_day = number, number + 1, number + 2
    replacement = f"{''.join(years)}-{''.join(months)}-{''.join(days)} ${clock}${clock_of_half_day}${offset}"
    return F.regexp_replace(text, rf"^(?:{'|'.join(patterns)}){_TIME}$|(?s)^.*$", replacement)


def read_at(text: Column, iso_text: Column, field: Field, reading: DateReading) -> Column:
    """The moment that a text shows, of any year, before zones and halves of the day; NULL when it is no date."""
    written = (
        iso_text.try_cast("timestamp_ntz").cast("timestamp") if field.kind == "day" else iso_text.try_cast("timestamp")
    )
    ways = [F.try_to_timestamp(text, F.lit(pattern)) for pattern in reading.patterns]
    if reading.reads_excel:
        ways.append(F.when(text.rlike(_SERIAL), excel_day(text)))
    return F.coalesce(*ways, written) if ways else written


def excel_day(text: Column) -> Column:
    """The moment of a spreadsheet's serial number, to the second."""
    return F.timestamp_seconds(F.round((text.try_cast("double") - _EPOCH_SERIAL) * 86_400).cast("bigint"))


def read_moment(
    field: Field, text: Column, at: Column, iso_text: Column, is_usual: Column, reading: DateReading
) -> Column:
    """The value of a date field from what `read_at` gives; NULL when its year is out of range."""
    hours = F.when(text.rlike(r"[Pp]\.?[Mm]\.?$"), F.when(F.hour(at) < 12, 12)).when(F.hour(at) == 12, -12)
    shifted = F.timestamp_micros(F.unix_micros(at) + F.coalesce(hours, F.lit(0)) * F.lit(3_600_000_000))
    moment = F.when(is_usual | ~text.rlike(rf"\d{_HALF}$"), at).otherwise(shifted)
    clock = iso_text.try_cast("timestamp_ntz").cast("timestamp")
    if reading.zone is not None and field.kind != "day":
        is_day = _is_midnight(at) & ~text.contains(":")
        if field.kind == "day_or_moment":
            is_day = _is_midnight(at)
        has_offset = ~is_usual & iso_text.rlike(rf":\d\d\S*?(?:{_OFFSET})$")
        is_never = at >= _first_of(NEVER)
        moment = F.when(is_day | has_offset | is_never, moment).otherwise(
            F.to_utc_timestamp(moment, F.lit(reading.zone))
        )
    if field.kind == "day_or_moment":
        # with an offset, midnight on its clock is still the day as written
        moment = F.when(
            is_usual | ~F.coalesce(_is_midnight(clock), F.lit(False)) | text.rlike(rf"\d{_HALF}$"), moment
        ).otherwise(clock)
    if not field.is_required:
        # never is one moment for all readers: later ones of that day are the year 10000 on some clocks
        moment = F.when(at >= _midnight(LAST_DAY), _midnight(LAST_DAY)).otherwise(moment)
    return F.when(is_sane(at, field), moment)


def _is_midnight(at: Column) -> Column:
    return F.unix_micros(at) % F.lit(86_400_000_000) == 0


def _first_of(year: int) -> Column:
    return _midnight(f"{'+' if year > NEVER else ''}{year}-01-01")


def _midnight(day: str) -> Column:
    return F.lit(f"{day} 00:00:00").cast("timestamp")


def is_sane(at: Column, field: Field) -> Column:
    """Whether the year is one that is allowed for the field."""
    in_range = (at >= _first_of(FIRST_YEAR)) & (at < _first_of(LAST_YEAR + 1))
    if field.is_required:
        return in_range
    return in_range | ((at >= _first_of(NEVER)) & (at < _first_of(NEVER + 1)))


def is_zero_date(text: Column) -> Column:
    """Whether a text is the date 0, which databases write for none."""
    return text.rlike(r"^0+(?:[-/.]0+){0,2}(?:[T ][0:.]+)?Z?$")


def why_no_moment(
    text: Column, at: Column, field: Field, reading: DateReading, dataset_name: str
) -> list[tuple[Column, Column]]:
    """(condition, sentence) of each cause that makes a text no date, the likeliest first."""
    setting = f"`dates` under `mapping: {dataset_name}`"
    serial = F.when(text.rlike(_SERIAL), excel_day(text))
    causes = [
        (
            at.isNull() & is_sane(serial, field) & F.lit(not reading.reads_excel),
            F.concat(
                F.lit("is a number and no date; as a spreadsheet's day it would be "),
                F.date_format(serial, "yyyy-MM-dd"),
                F.lit(f" (add `excel` to {setting})"),
            ),
        ),
        (
            at.isNotNull(),
            F.lit(f"is not in the years {FIRST_YEAR} to {LAST_YEAR}" + ("" if field.is_required else f" or {NEVER}")),
        ),
    ]
    if reading.patterns:
        formats = ", ".join(reading.formats)
        return [*causes, (F.lit(True), F.lit(f"is not a date by the formats {formats} of {setting} nor year first"))]
    order = F.col("dates") if reading.has_orders else F.lit(None).cast("string")
    is_numeric = text.rlike(r"^\d{1,2}[-/]\d{1,2}[-/]\d{4}(?!\d)")
    names = F.when(order == "dmy", "day first").otherwise("month first")
    causes += [
        (
            order.isNull() & text.rlike(_BOTH_ORDERS),
            F.lit(f"may be day first or month first (say which by {setting}: dd/MM/yyyy or MM/dd/yyyy)"),
        ),
        (
            order.isNotNull() & is_numeric,
            F.concat(F.lit("is not a date as its file writes them, "), names),
        ),
    ]
    return [*causes, (F.lit(True), F.lit("is not a date"))]
