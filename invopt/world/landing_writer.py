"""The writer of the landing zone's files: whole CSV files, and files that grow store after store.

A file that grows (one per dataset or day) stays open until `close`. A Parquet file that would pass `MAX_ROWS` goes on
in a next one, `..._2.parquet`. The rows of an item are never divided: a newer file replaces an item's whole forecast,
or its whole count.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from invopt.world.headers import HEADERS

MAX_ROWS = 5_000_000
# 'none' leaves text bare as the sample does, and refuses a text that would need quotes
CSV_OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="none")


def text(values: np.ndarray, positions: np.ndarray) -> pa.DictionaryArray:
    """values[positions] as text; each distinct value is stored once."""
    return pa.DictionaryArray.from_arrays(
        pa.array(positions.astype(np.int32)), pa.array([str(value) for value in values], pa.string())
    )


def same(value: str, n: int) -> pa.DictionaryArray:
    """One text in n rows."""
    return text(np.array([value]), np.zeros(n, dtype=np.int32))


class LandingWriter:
    """Writes a landing zone and counts its rows by dataset; its growing files are complete at the end of a `with`."""

    def __init__(self, folder: Path, max_rows: int = MAX_ROWS):
        self.folder = folder
        self.max_rows = max_rows
        self.rows: dict[str, int] = dict.fromkeys(HEADERS, 0)
        self._growing: dict[str, _GrowingCsv | _GrowingParquet] = {}

    def __enter__(self) -> LandingWriter:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for growing in self._growing.values():
            growing.close()
        self._growing.clear()

    def write(self, dataset: str, name: str, columns: list) -> None:
        """One whole CSV file; `columns` in the order of the dataset's header."""
        table = _table(dataset, columns)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        growing = _GrowingCsv(path, dataset)
        growing.append(table)
        growing.close()
        self.rows[dataset] += table.num_rows

    def append(self, dataset: str, name: str, columns: list) -> None:
        """More rows of a growing file, CSV or Parquet by its name."""
        table = _table(dataset, columns)
        if name not in self._growing:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._growing[name] = (
                _GrowingParquet(path, self.max_rows) if path.suffix == ".parquet" else _GrowingCsv(path, dataset)
            )
        self._growing[name].append(table)
        self.rows[dataset] += table.num_rows


def _table(dataset: str, columns: list) -> pa.Table:
    return pa.Table.from_arrays(
        [pa.array(column) if isinstance(column, np.ndarray) else column for column in columns], HEADERS[dataset]
    )


def _whole_items(table: pa.Table, room: int) -> int:
    """The most rows, up to `room`, that end with an item's last row; an item's rows are together.

    The first two columns are an item's keys, the store and the product.
    """
    if table.num_rows <= room:
        return table.num_rows
    first, last = (table.slice(start, room).select([0, 1]) for start in (0, 1))
    differ = [
        pc.not_equal(one.combine_chunks().cast(pa.string()), other.combine_chunks().cast(pa.string())).to_numpy(False)
        for one, other in zip(first.columns, last.columns, strict=True)
    ]
    ends = np.flatnonzero(differ[0] | differ[1])
    return int(ends[-1]) + 1 if len(ends) else 0


class _GrowingCsv:
    def __init__(self, path: Path, dataset: str):
        self._file = path.open("wb")
        self._file.write((",".join(HEADERS[dataset]) + "\n").encode())

    def append(self, table: pa.Table) -> None:
        plain = [
            column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns
        ]
        pa_csv.write_csv(pa.Table.from_arrays(plain, table.column_names), self._file, CSV_OPTIONS)

    def close(self) -> None:
        self._file.close()


class _GrowingParquet:
    def __init__(self, path: Path, max_rows: int):
        self._path = path
        self._max_rows = max_rows
        self._writer: pq.ParquetWriter | None = None
        self._room = 0
        self._n_parts = 0

    def append(self, table: pa.Table) -> None:
        while table.num_rows:
            if not self._room:
                self.close()
                self._n_parts += 1
                part = "" if self._n_parts == 1 else f"_{self._n_parts}"
                # without Arrow's own schema a reader sees plain text, not Arrow dictionaries
                self._writer = pq.ParquetWriter(
                    self._path.with_name(f"{self._path.stem}{part}.parquet"), table.schema, store_schema=False
                )
                self._room = self._max_rows
            n_rows = _whole_items(table, self._room)
            if not n_rows and self._room == self._max_rows:
                raise ValueError(
                    f"{self._path}: an item has more than {self._max_rows:,} rows, and they can't be divided"
                )
            if n_rows:
                self._writer.write_table(table.slice(0, n_rows))
            self._room = self._room - n_rows if n_rows == table.num_rows else 0
            table = table.slice(n_rows)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
