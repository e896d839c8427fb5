"""Rows by their key: the form into which everything that is compared is brought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Sheet:
    """Rows by their key.

    columns : the columns that the rows have; one that the other side lacks is told and not compared
    n_rows : the rows of the table, where a row here stands for many of them
    notes : sentences about the rows, for whoever reads the report
    """

    name: str
    key_names: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Mapping[Key, Mapping[str, Any]]
    n_rows: int
    notes: tuple[str, ...] = ()


def keyed(name: str, key_names: Sequence[str], columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> Sheet:
    """The sheet of these records; a key that comes again gets a number, so that no row hides another one."""
    by_key: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        by_key[tuple(record[name] for name in key_names)].append(record)
    rows: dict[Key, Mapping[str, Any]] = {}
    for key, alike in by_key.items():
        if len(alike) > 1:  # these have no order, and the two sides may hold them in different ones
            alike.sort(key=lambda record: str([record.get(column) for column in columns]))
        for number, record in enumerate(alike, start=1):
            rows[key if number == 1 else (*key, f"again {number}")] = record
    n_again = len(rows) - len(by_key)
    notes = (f"{n_again} rows have the key of another row",) if n_again else ()
    return Sheet(name, tuple(key_names), tuple(columns), rows, len(rows), notes)
