"""Whether two values are the same, and in which places of a map or an array they are not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

# a number this much smaller than the relative tolerance counts as 0: rounding leaves 1e-17 where nothing was meant
NEAR_ZERO = 1e-3


class Place(NamedTuple):
    """A place where two values differ: `kind` names the column and a map's key, `where` the position in an array."""

    kind: str
    where: str
    before: Any
    after: Any


class _Absent:
    """What a map has for a key that it lacks: less than NULL."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def differing_places(name: str, before: Any, after: Any, tolerance: float) -> Iterator[Place]:
    """The places where two values differ: one for each key of a map, the first one of an array.

    >>> list(differing_places("d", {"Q": [1.0, 2.0]}, {"Q": [1.0, 3.0]}, 1e-9))
    [Place(kind='d Q', where='[1]', before=2.0, after=3.0)]
    >>> list(differing_places("cost", 1.0, 1.0 + 1e-12, 1e-9))
    []
    >>> list(differing_places("cost", None, 0.0, 1e-9))
    [Place(kind='cost', where='', before=None, after=0.0)]
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys(), key=str):
            yield from differing_places(f"{name} {key}", before.get(key, ABSENT), after.get(key, ABSENT), tolerance)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _first_of_array(name, before, after, tolerance)
    elif not _is_same(before, after, tolerance):
        yield Place(name, "", before, after)


def shown(value: Any) -> str:
    """A value as the report has it.

    >>> shown(None), shown(5.0), shown(0.1), shown("open"), shown(datetime(2026, 6, 1))
    ('NULL', '5', '0.1', "'open'", '2026-06-01T00:00:00')
    """
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


def _first_of_array(name: str, before: list, after: list, tolerance: float) -> Iterator[Place]:
    if before == after:  # most are, and this is quicker than looking at each value
        return
    if len(before) != len(after):
        yield Place(name, "(the lengths differ)", before, after)
        return
    for position, pair in enumerate(zip(before, after, strict=True)):
        for place in differing_places(name, *pair, tolerance):
            yield place._replace(where=f"[{position}]{place.where}")
            return


def _is_same(before: Any, after: Any, tolerance: float) -> bool:
    if before is None or after is None or before is ABSENT or after is ABSENT:
        return before is after
    if _is_number(before) and _is_number(after):
        if before == after or (math.isnan(before) and math.isnan(after)):
            return True
        return math.isclose(before, after, rel_tol=tolerance, abs_tol=tolerance * NEAR_ZERO)
    if isinstance(before, datetime) and isinstance(after, datetime):
        return _in_utc(before) == _in_utc(after)
    return before == after


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal))


def _in_utc(moment: datetime) -> datetime:
    """A moment without a zone is one in UTC, as invopt writes them."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
