"""Tables in a folder that this process and Spark both see: what a local folder does faster than `SparkStore`.

Every override gives the same rows as the general way, and can be deleted without changing a result.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, Row
from pyspark.sql.types import StructType

from invopt.errors import TableError
from invopt.spark import declared, direct, slices, unborn
from invopt.spark.failures import explained
from invopt.spark.folders import LocalFolder
from invopt.spark.slices import Slice
from invopt.spark.spark_store import SparkStore
from invopt.spark.store import Store
from invopt.spark.turns import PATIENCE_WITH_A_RUN, turn
from invopt.tables import Table

# Spark lists each of the files that it is given, and of much data Delta leaves out what a query does not need
FEW_FILES = 32
LITTLE_DATA = 64 * 2**20


@dataclass
class LocalStore(SparkStore):
    """As `SparkStore`; the log of a local table is read in milliseconds, where Spark runs a job."""

    def version(self, table: Table) -> int:
        path = self.places.path(table)
        try:
            return direct.version(path)
        except (DeltaError, OSError) as error:
            # a first commit that is empty or cut short makes no table
            if isinstance(error, DeltaError) and unborn.state(LocalFolder(path)) is unborn.State.UNBORN:
                return -1
            self._explain(table, error)
            raise

    @contextlib.contextmanager
    def _reading(self, table: Table) -> Iterator[None]:
        """What the log or the files of a table say when they are damaged, in plain words; a table that only Spark
        reads is left to it.
        """
        try:
            yield
        except direct.NotForUs:
            return
        except Exception as error:  # deltalake's and pyarrow's classes have nothing in common
            self._explain(table, error)
            raise

    def _is_there(self, table: Table) -> bool:
        return self.version(table) >= 0

    def _make(self, table: Table) -> None:
        path = self.places.path(table)
        if table.cluster_by:  # deltalake knows no clustering
            super()._make(table)
            return
        if self._is_taken(table, path):
            return
        names = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        fields = [
            {**field, "nullable": column.is_nullable, "metadata": {"comment": declared.comment(column)}}
            for field, column in zip(StructType.fromDDL(names).jsonValue()["fields"], table.columns, strict=True)
        ]
        direct.create(path, fields, table.meaning, declared.properties(table))

    def _columns(self, table: Table) -> dict[str, tuple[str, bool]]:
        with self._reading(table):
            return direct.columns(self.places.path(table))
        return super()._columns(table)

    # ------------------------------------------------------------------ read

    def read(self, table: Table, version: int | None = None, where: Slice | None = None) -> DataFrame:
        """The log names the files of a slice, and of a small table; Spark runs queries to find them.

        What is read is of this moment, also where it is computed later.
        """
        if self.exists(table):
            with self._reading(table):
                files = direct.files(self.places.path(table), slices.values(where or {}), version)
                if (where or _is_small(files)) and _has_types(files, table):
                    schema = ", ".join(f"{column.name} {column.type}" for column in table.columns)
                    if not files.paths:
                        return self.spark.createDataFrame([], schema)
                    rows = self.spark.read.schema(schema).parquet(*files.paths)
                    return rows.where(slices.is_inside(where)) if where else rows
        return super().read(table, version, where)

    def rows(self, table: Table, where: Slice | None = None) -> list[Row]:
        if self.exists(table):
            with self._reading(table):
                found = direct.read(self.places.path(table), table.column_names, slices.values(where or {}))
                return [Row(*table.column_names)(*values) for values in found]
        return super().rows(table, where)

    def counts(self, table: Table, by: Sequence[str], where: Slice | None = None) -> list[Row]:
        if self.exists(table):
            with self._reading(table):
                found = direct.counts(self.places.path(table), by, slices.values(where or {}))
                return [Row(*by, "n")(*values) for values in found]
        return super().counts(table, by, where)

    def is_empty(self, table: Table) -> bool:
        # the log says so at once, and knows of the writes of other processes
        return not self.exists(table) or not direct.has_files(self.places.path(table)) or Store.is_empty(self, table)

    # ------------------------------------------------------------------ write

    def append(
        self,
        table: Table,
        rows: DataFrame | Sequence[tuple],
        *,
        transaction: tuple[str, int] | None = None,
        is_repeat: bool = False,
    ) -> int:
        if isinstance(rows, Sequence):
            declared.check_rows(table, rows)
            with contextlib.suppress(direct.NotForUs):
                path = self.places.path(table)
                written = self._write_here(table, lambda: direct.append(path, table.column_names, rows, transaction))
                return self._unless_skipped(table, written, transaction, is_repeat)
        return super().append(table, rows, transaction=transaction, is_repeat=is_repeat)

    def replace(self, table: Table, rows: DataFrame | Sequence[tuple], where: Slice, *, check_keys: bool = True) -> int:
        if isinstance(rows, Sequence):
            declared.check_rows(table, rows, where)
            condition, path = slices.condition(where), self.places.path(table)
            with contextlib.suppress(direct.NotForUs):
                return self._write_here(table, lambda: direct.replace(path, table.column_names, rows, condition))
        return super().replace(table, rows, where, check_keys=check_keys)

    def _write_here(self, table: Table, write: Callable[[], int]) -> int:
        self.create(table)
        started, written = time.monotonic(), 0

        def save() -> None:
            nonlocal written
            written = write()

        self._attempt(table, save)
        self.log(f"{table.name}: {max(written, 0):,} rows written in {time.monotonic() - started:.1f} s")
        return written

    def _replace(self, table: Table, rows: DataFrame, where: Slice, is_alone: bool) -> int:
        """Looking for rows to replace costs Spark more than writing some thousands; the log may say that there are
        none.

        The turn keeps two writers from both finding that a slice has no rows.
        """
        if is_alone and self._has_no_rows(table, where):
            return self._save(table, declared.cast(table, rows).where(slices.inside(where)))
        return super()._replace(table, rows, where, is_alone)

    def _has_no_rows(self, table: Table, where: Slice) -> bool:
        try:
            return not direct.files(self.places.path(table), slices.values(where)).paths
        except direct.NotForUs:
            return False

    def _rows_of_commit(self, table: Table, mark: str) -> int:
        return direct.rows_of_commit(self.places.path(table), mark)

    @contextlib.contextmanager
    def turn(self, place: Table | str) -> Iterator[bool]:
        path = f"{self.places.root}/{place}" if isinstance(place, str) else self.places.path(place)
        name = f"the {place} layer" if isinstance(place, str) else place.name
        patience = PATIENCE_WITH_A_RUN if isinstance(place, str) else None
        with super().turn(place):
            if isinstance(place, str):
                _make_folder(path, name)
            with turn(path, name, self.say, patience) as is_alone:
                yield is_alone


def _make_folder(path: str, name: str) -> None:
    """The folder of a layer.

    Raises
    ------
    TableError : it can't be made; says why.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise explained(error, name, path) or TableError(f"{name}: {path} can't be made ({error})") from error


def _is_small(files: direct.Files) -> bool:
    return len(files.paths) <= FEW_FILES and files.size <= LITTLE_DATA


def _has_types(files: direct.Files, table: Table) -> bool:
    """Whether the files hold the declared types; a column that an older table lacks is NULL, but no type is another."""
    return all(files.types.get(column.name, column.type) == column.type for column in table.columns)
