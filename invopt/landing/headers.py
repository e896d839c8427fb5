"""Which standard column each column of a file is, by its header, and what is wrong with the header."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from invopt.tables.dataset import Dataset, Field, normal_header

# the guide's 2017-01-02_00_00_00 and 2017_01_02_00_00_00, and plain dates
_DATE_IN_NAME = re.compile(r"(\d{4})[-_](\d{2})[-_](\d{2})(?:[-_T ](\d{2})[-_:](\d{2})[-_:](\d{2}))?")
MADE_AT = "ForecastDateTime"
# headers that are told; a file of thousands of columns would fill the screen
N_TOLD = 12


@dataclass(frozen=True)
class Header:
    """The columns of a file: standard headers, None for a column that is not needed.

    problem : why its lines can't be used; note : what is odd about it
    has_keys : the columns by which lines are told apart are there, so that a problem can name the items
    """

    columns: tuple[str | None, ...]
    problem: str | None = None
    note: str | None = None
    has_keys: bool = False

    @property
    def n_known(self) -> int:
        return sum(column is not None for column in self.columns)


def read_header(path: str, dataset: Dataset, headers: Sequence[str]) -> Header:
    """The columns of a file of this dataset with these headers."""
    known = standard(dataset)
    columns = tuple(known.get(normal_header(header)) for header in headers)
    given = {*columns, *(header for header, _ in dataset.dialect.constants)}
    extra = [header for header, column in zip(headers, columns, strict=True) if column is None]
    problems = []
    twice = sorted({column for column in columns if column is not None and columns.count(column) > 1})
    if twice:
        problems.append(f"the header names {', '.join(twice)} twice")
    lacking = [field for field in dataset.fields if field.header not in given and _is_needed(field, extra)]
    if lacking:
        problems.append(
            f"the header lacks {', '.join(_called(field, dataset) for field in lacking)}"
            + (f"; it has {_some(map(repr, extra))} instead" if extra else "")
            + ". Name your own headers in `mapping` of the configuration, and the file is read again; or land it "
            "with another header under a new name"
        )
    has_made_at = any(field.header == MADE_AT for field in dataset.fields)
    if has_made_at and MADE_AT not in given and date_in_name(path) is None:
        problems.append(
            f"neither the file's name nor a column {MADE_AT} says when the forecast was made; name it like "
            "2017-01-02_00_00_00.csv"
        )
    note = f"columns that are not needed: {_some(extra)}" if extra and not problems else None
    keys = {field.header for field in dataset.fields if field.kind == "id" and field.column in dataset.keys}
    # what a column that stands there twice says is not known; the keys may be plain all the same
    columns = tuple(None if column in twice else column for column in columns)
    has_keys = bool(keys) and keys <= given.difference(twice)
    return Header(columns, "; ".join(problems) or None, note, has_keys=has_keys)


def _called(field: Field, dataset: Dataset) -> str:
    """A header, with the user's own names of it."""
    own = dict(dataset.dialect.headers).get(field.header, ())
    return f"{field.header} (in your `mapping` {' or '.join(map(repr, own))})" if own else field.header


def needed(dataset: Dataset) -> set[str]:
    """The standard headers without which a file is refused."""
    given = {header for header, _ in dataset.dialect.constants}
    return {
        field.header
        for field in dataset.fields
        if field.is_required and not field.may_lack and field.header != MADE_AT and field.header not in given
    }


def standard(dataset: Dataset) -> dict[str, str]:
    """Every accepted spelling, in its normal form, and the standard header that it means."""
    known: dict[str, str] = {}
    for field in dataset.fields:
        for name in (field.header, *field.also):
            known.setdefault(normal_header(name), field.header)
    return known


_FOLDER_OF_PARTS = re.compile(r"(?i)[^/]*\.(?:csv|parquet|json)\Z")


def date_in_name(path: str) -> datetime | None:
    """The date that a file's name carries, or that of its folder where the folder is one that Spark wrote in parts.

    >>> date_in_name("demand_forecasts/1/5/2017-01-02_00_00_00.csv")
    datetime.datetime(2017, 1, 2, 0, 0)
    >>> date_in_name("demand_forecasts/2017-01-02_00_00_00.parquet/part-00000.parquet")
    datetime.datetime(2017, 1, 2, 0, 0)
    """
    folder, _, name = path.rpartition("/")
    found = list(_DATE_IN_NAME.finditer(name))
    if not found and (parts := _FOLDER_OF_PARTS.search(folder)):
        found = list(_DATE_IN_NAME.finditer(parts[0]))
    if not found:
        return None
    try:
        return datetime(*(int(part or 0) for part in found[-1].groups()))
    except ValueError:
        return None


def _is_needed(field: Field, extra: Sequence[str]) -> bool:
    """Whether a file without this column is refused.

    A column that may be missing is needed where another one looks like a slip of its name.
    """
    if field.header == MADE_AT:
        return False
    if field.is_required and not field.may_lack:
        return True
    names = [normal_header(name) for name in (field.header, *field.also)]
    slips = difflib.get_close_matches(names[0], [normal_header(header) for header in extra[:200]], cutoff=0.85)
    return bool(slips)


def _some(names: Sequence[str] | map) -> str:
    listed = [name if len(name) <= 60 else name[:57] + "..." for name in names]
    more = f" and {len(listed) - N_TOLD:,} more" if len(listed) > N_TOLD else ""
    return ", ".join(listed[:N_TOLD]) + more
