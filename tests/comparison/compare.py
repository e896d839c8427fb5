"""Two sheets compared row by row, and the lines that say what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.comparison.sheet import Key, Sheet
from tests.comparison.values import differing_places, shown

EXAMPLES = 3


@dataclass
class Kind:
    """Differences of one kind: how many, and the first of them."""

    n: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What the comparison of one table found."""

    name: str
    n_compared: int = 0
    kinds: dict[str, Kind] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def n_differences(self) -> int:
        return sum(kind.n for kind in self.kinds.values())

    def add(self, kind: str, example: str) -> None:
        found = self.kinds.setdefault(kind, Kind())
        found.n += 1
        if len(found.examples) < EXAMPLES:
            found.examples.append(example)

    def lines(self) -> Iterator[str]:
        """One line for the table, then its notes, and each kind of difference with its examples."""
        yield f"{self.name}: {self.n_compared:,} rows compared, {self.n_differences:,} differences"
        yield from (f"  note: {note}" for note in self.notes)
        for name, kind in sorted(self.kinds.items(), key=lambda found: -found[1].n):
            yield f"  {name}: {kind.n:,}"
            yield from (f"    {example}" for example in kind.examples)


def compare(
    before: Sheet | None, after: Sheet | None, name: str, tolerance: float, *, may_be_new: bool = False
) -> Report:
    """What differs between two sheets; None is a table that is not there.

    may_be_new : a table that only the second side has is told, and is no difference
    """
    report = Report(name)
    if before is None or after is None:
        _tell_missing(report, before, after, may_be_new)
        return report
    report.notes += [f"before: {note}" for note in before.notes] + [f"after: {note}" for note in after.notes]
    for side, one, other in (("before", before, after), ("after", after, before)):
        alone = [column for column in one.columns if column not in other.columns]
        if alone:
            report.notes.append(f"only {side} are the columns {', '.join(alone)}")
        for key in sorted((key for key in one.rows if key not in other.rows), key=str):
            report.add(f"rows only {side}", _named(one, key))
    _compare_rows(report, before, after, tolerance)
    return report


def _compare_rows(report: Report, before: Sheet, after: Sheet, tolerance: float) -> None:
    """The rows and columns that both sides have."""
    keys = sorted((key for key in before.rows if key in after.rows), key=str)
    columns = [column for column in before.columns if column in after.columns]
    report.n_compared = len(keys) if len(before.rows) == before.n_rows else before.n_rows
    for key in keys:
        old, new = before.rows[key], after.rows[key]
        for column in columns:
            for place in differing_places(column, old.get(column), new.get(column), tolerance):
                named = " ".join(part for part in (_named(before, key) + ":", place.where) if part)
                report.add(place.kind, f"{named} {shown(place.before)} before, {shown(place.after)} after")


def _tell_missing(report: Report, before: Sheet | None, after: Sheet | None, may_be_new: bool) -> None:
    if before is None and after is None:
        report.notes.append("neither side has it")
    elif before is None and may_be_new:
        report.notes.append(f"only after is there such a table, of {after.n_rows:,} rows")
    else:
        there, side = (before, "before") if after is None else (after, "after")
        report.add(f"only {side} is there such a table", f"it has {there.n_rows:,} rows")


def _named(sheet: Sheet, key: Key) -> str:
    names = (*sheet.key_names, *[""] * len(key))[: len(key)]
    return ", ".join(f"{name}={_plain(value)}".lstrip("=") for name, value in zip(names, key, strict=True))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else shown(value)
