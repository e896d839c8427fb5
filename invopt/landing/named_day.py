"""The day in a file's name or in that of its folder: from that day on what it says is known."""

from __future__ import annotations

import re
from datetime import date

# 2017-02-01, 2017_02_01, 2017.02.01 and 20170201, also with the hour behind it
_DAY = re.compile(
    r"(?<!\d)(?P<year>\d{4})(?P<sign>[-_.]?)(?P<month>\d\d)(?P=sign)(?P<day>\d\d)(?=\D|\Z|(?:[01]\d|2[0-3])(?:[0-5]\d){1,2}(?:\D|\Z))"
)
FIRST_YEAR, LAST_YEAR = 1990, 2100


def day_in_name(path: str) -> date | None:
    """The last day in a file's name, else in its folder's name; of several, such as those of a range, the latest.

    >>> day_in_name("publicparameters/stores_2017-02-01.csv")
    datetime.date(2017, 2, 1)
    >>> day_in_name("publicparameters/stores_20170201/part-0.csv")
    datetime.date(2017, 2, 1)
    >>> day_in_name("rawdata/sales_2017_01_01-2017_01_31.csv")
    datetime.date(2017, 1, 31)
    >>> day_in_name("publicparameters/stores_2017-13-45.csv") is None
    True
    """
    *folders, name = path.replace("\\", "/").split("/")
    for text in (name, *folders[-1:]):
        days = [day for found in _DAY.finditer(text) if (day := _day(found)) is not None]
        if days:
            return max(days)
    return None


def _day(found: re.Match[str]) -> date | None:
    year, month, day = (int(found[name]) for name in ("year", "month", "day"))
    try:
        return date(year, month, day) if FIRST_YEAR <= year <= LAST_YEAR else None
    except ValueError:  # the 31st of February
        return None
