"""Reads the Delta tables of a lakehouse folder without Spark: `layer.name` lies in `layer/name` below the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder


class Lakehouse:
    """The tables below a folder; `alike` says which texts are written for the same thing on the other side."""

    def __init__(self, folder: Path, alike: Mapping[str, str] | None = None):
        self._folder = folder
        self._alike = dict(alike or {})

    def names(self, layer: str) -> list[str]:
        """The tables of a layer, such as silver."""
        return sorted(f"{layer}.{log.parent.name}" for log in (self._folder / layer).glob("*/_delta_log"))

    def table(self, name: str) -> pa.Table | None:
        """All rows of a table, or None where there is no such table.

        A query reads them: `to_pyarrow_table` gives NULLs where a table maps its columns to other names in its files.
        """
        path = self._folder / name.replace(".", "/")
        if not (path / "_delta_log").is_dir():
            return None
        found = QueryBuilder().register("wanted", DeltaTable(str(path))).execute("SELECT * FROM wanted")
        return pa.table(found.read_all())

    def records(self, name: str) -> tuple[Sequence[str], list[dict[str, Any]]] | None:
        """Columns and rows of a table; arrays as lists, maps as dicts."""
        table = self.table(name)
        if table is None:
            return None
        values = {column.name: self._values(table[column.name]) for column in table.schema}
        return table.column_names, [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]

    def _values(self, column: pa.ChunkedArray) -> list[Any]:
        values = column.to_pylist()
        if pa.types.is_map(column.type):
            return [None if value is None else dict(value) for value in values]
        if self._alike:
            return [self._alike.get(value, value) if isinstance(value, str) else value for value in values]
        return values


def is_lakehouse(folder: Path) -> bool:
    return any(folder.glob("*/*/_delta_log"))
