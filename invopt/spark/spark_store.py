"""Tables by Spark alone: Delta by SQL and by data frames, below a folder or a URI or in a catalog.

Spark Connect knows Delta by nothing else: its client has no DeltaTable class without a plugin on the server.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F

from invopt.errors import InvoptError, TableError
from invopt.spark import declared, slices, unborn
from invopt.spark.commits import SKIPPED, commit, skipped
from invopt.spark.failures import explained
from invopt.spark.frames import frame
from invopt.spark.places import Places
from invopt.spark.session import folder_of
from invopt.spark.slices import Slice
from invopt.spark.store import Store
from invopt.tables import Table

_NOT_THERE = re.compile(
    r"DELTA_MISSING_DELTA_TABLE|DELTA_TABLE_NOT_FOUND|DELTA_PATH_DOES_NOT_EXIST|PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND"
    r"|SCHEMA_NOT_FOUND|DELTA_TABLE_ONLY_OPERATION|is not a Delta table"
)
# where a catalog keeps the table that it refuses to make
_LOCATION = re.compile(r"associated location \(['`]*(.+?)['`]*\) (is not empty|already exists)")
# the newest commits among which a commit of ours is looked for: others may have committed since, but not as often
RECENT_COMMITS = 50


@dataclass
class SparkStore(Store):
    """The tables at `places`; `log` gets a line for every write, `say` what the user should know at once."""

    spark: SparkSession
    places: Places
    log: Callable[[str], None] = field(default=lambda line: None)
    say: Callable[[str], None] = field(default=lambda line: None)
    # tables that are there: a table does not go away while a program runs
    _there: set[str] = field(default_factory=set)
    # tables that have the declared columns: only these are written
    _checked: set[str] = field(default_factory=set)
    # tables that this process has made and not written yet
    _unwritten: set[str] = field(default_factory=set)
    _making: dict[str, threading.Lock] = field(default_factory=dict)
    _writing: dict[str, threading.RLock] = field(default_factory=dict)

    # ------------------------------------------------------------------ there, and made

    def version(self, table: Table) -> int:
        newest = self._first(table, f"DESCRIBE HISTORY {self.places.sql_name(table)} LIMIT 1")
        return -1 if newest is None else newest["version"]

    def exists(self, table: Table) -> bool:
        if table.name not in self._there and self._is_there(table):
            self._there.add(table.name)
        return table.name in self._there

    def _is_there(self, table: Table) -> bool:
        # for its columns Delta reads the end of the log; to describe the table it runs a query over all of its files
        try:
            return bool(self._columns(table))
        except Exception as error:  # Spark's own class differs between a session here and Spark Connect
            if self._says_missing(table, error):
                return False
            self._explain(table, error)
            raise

    def _explain(self, table: Table, error: Exception) -> None:
        """Raises what a disk or a table that fails means, in plain words; nothing for another error."""
        failure = None if isinstance(error, InvoptError) else explained(error, table.name, self.places.shown(table))
        if failure is not None:
            raise failure from error

    def _says_missing(self, table: Table, error: Exception) -> bool:
        """Whether an error of Spark's means that there is no table: none, or one that was never born."""
        path = self.places.path(table)
        if _NOT_THERE.search(str(error)) or path is None:
            return bool(_NOT_THERE.search(str(error)))
        folder = folder_of(self.spark, path)
        return folder is not None and unborn.state(folder) is unborn.State.UNBORN

    def _first(self, table: Table, statement: str) -> Row | None:
        """The first row of a statement about a table; None where there is no table."""
        try:
            return self.spark.sql(statement).first()
        except Exception as error:  # Spark's own class differs between a session here and Spark Connect
            if self._says_missing(table, error):
                return None
            self._explain(table, error)
            raise

    def create(self, table: Table) -> bool:
        # datasets are conformed by several threads, and two that make one table stumble over each other
        with self._making.setdefault(table.name, threading.Lock()):
            if table.name in self._checked:
                return False
            is_made = not self.exists(table)
            if is_made:
                # another process may make it at the same moment: the next attempt then finds it
                self._attempt(table, lambda: self._make(table))
            else:
                is_made = self._mend(table)
            self._there.add(table.name)
            self._checked.add(table.name)
            if is_made:
                self._unwritten.add(table.name)
            return is_made

    def _make(self, table: Table) -> None:
        schema = self.places.schema(table)
        if schema is not None:
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        path = self.places.path(table)
        # Delta makes no table where a process died while it made one, and says nothing
        if path is not None and self._is_taken(table, path):
            return
        statement = declared.create_statement(table, self.places.sql_name(table))
        try:
            self.spark.sql(statement)
        except Exception as error:  # Spark's own class differs between a session here and Spark Connect
            location = _LOCATION.search(str(error))
            if location is None:
                raise
            # another process has made it since; at a path a table is one without a catalog
            if path is not None and self._is_taken(table, path):
                return
            # the catalog hears of a table after its first commit
            if self._is_taken(table, location[1], is_unknown=True):
                raise self._unheard(table, location[1]) from error
            self.spark.sql(statement)

    def _unheard(self, table: Table, place: str) -> TableError:
        name = self.places.sql_name(table)
        return TableError(
            f"table {table.name} can't be made: {place} has a table with rows that the catalog does not know. Make it "
            f"known by `CREATE TABLE {name} USING delta LOCATION '{place}'`, or move it away"
        )

    def _is_taken(self, table: Table, place: str, *, is_unknown: bool = False) -> bool:
        """Whether there is a table at the place; what a process that died while it made one has left is removed."""
        folder = folder_of(self.spark, place)
        if folder is None:
            return False
        met = unborn.clear(folder, table.name, table.remade_by, self.say, is_unknown=is_unknown)
        return met is unborn.State.BORN

    def _mend(self, table: Table) -> bool:
        """Brings an older table to the declared columns; gives whether it was made anew."""
        name = self.places.sql_name(table)
        there = self._columns(table)
        differences = declared.differences(table, there)
        if differences and not table.remade_by:
            raise TableError(
                f"table {table.name} at {self.places.shown(table)} was made by another version of invopt, and nothing "
                f"leads from it to this one: {'; '.join(differences)}. Its rows can't be made again: keep the "
                "table, and "
                "see CHANGELOG.md for the version that reads it."
            )
        if differences:
            self._refuse_others(table)
            self._attempt(table, lambda: self.spark.sql(declared.create_statement(table, name, is_anew=True)))
            self.say(f"  ! {table.name} is made anew, because {'; '.join(differences)}")
            return True
        for statement in declared.mending_statements(table, there, name):
            self._attempt(table, lambda statement=statement: self.spark.sql(statement))
            self.log(f"{table.name}: {statement}")
        return False

    def _refuse_others(self, table: Table) -> None:
        """Something in a catalog that has the name of a table of ours and is no Delta table is never replaced."""
        detail = self._first(table, f"DESCRIBE DETAIL {self.places.sql_name(table)}")
        if detail is None or detail["format"] != "delta":
            raise TableError(
                f"table {table.name} can't be made: {self.places.shown(table)} is there and is no Delta table. Move it "
                "away, or let `lakehouse` in the configuration name another catalog, schema or folder"
            )

    def _columns(self, table: Table) -> dict[str, tuple[str, bool]]:
        """Column -> its type, and whether it may be NULL."""
        schema = self.spark.table(self.places.sql_name(table)).schema
        return {column.name: (column.dataType.simpleString(), column.nullable) for column in schema}

    # ------------------------------------------------------------------ read

    def read(self, table: Table, version: int | None = None, where: Slice | None = None) -> DataFrame:
        if not self.exists(table):
            raise TableError(
                f"table {table.name} is not there ({self.places.shown(table)}); run the step that makes it first: "
                f"{_MAKERS.get(table.name.split('.')[0], 'invopt run')}"
            )
        name = self.places.sql_name(table)
        rows = (
            self.spark.table(name)
            if version is None
            else self.spark.sql(f"SELECT * FROM {name} VERSION AS OF {version}")
        )
        there = set(rows.columns)
        rows = rows.select(
            *(
                F.col(column.name) if column.name in there else F.lit(None).cast(column.type).alias(column.name)
                for column in table.columns
            )
        )
        return rows.where(slices.equals(where)) if where else rows

    def is_empty(self, table: Table) -> bool:
        # another process that has written it meanwhile is met by the transaction of the write
        return table.name in self._unwritten or super().is_empty(table)

    def rows(self, table: Table, where: Slice | None = None) -> list[Row]:
        try:
            return self.read(table, where=where).collect()
        except Exception as error:  # Spark's own class differs between a session here and Spark Connect
            self._explain(table, error)
            raise

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
        if transaction is None:
            return self._save(table, self._frame(table, rows))
        application, number = transaction
        # the mark, in the commit's metadata, tells a write from one that Delta skipped
        mark = f"{application} {number} {uuid.uuid4().hex}"
        options = {"txnAppId": application, "txnVersion": str(number), "userMetadata": mark}
        written = self._save(table, self._frame(table, rows), transaction=options)
        return self._unless_skipped(table, written, transaction, is_repeat)

    def _unless_skipped(self, table: Table, written: int, transaction: tuple[str, int] | None, is_repeat: bool) -> int:
        """The number of rows of a write; 0 for one that Delta skipped, where the caller knows of it."""
        if written != SKIPPED:
            return written
        if not is_repeat:
            raise skipped(table, self.places.shown(table), transaction)
        return 0

    def replace(self, table: Table, rows: DataFrame | Sequence[tuple], where: Slice, *, check_keys: bool = True) -> int:
        if isinstance(rows, Sequence):
            declared.check_rows(table, rows, where)
            check_keys = False
        self.create(table)
        with self.turn(table) as is_alone:
            written = self._replace(table, self._frame(table, rows), where, is_alone)
            if check_keys and table.keys:
                self._check_keys(table, where)
        return written

    def _replace(self, table: Table, rows: DataFrame, where: Slice, is_alone: bool) -> int:
        return self._save(table, rows, where=where)

    @contextlib.contextmanager
    def turn(self, place: Table | str) -> Iterator[bool]:
        # threads of one program take turns, or Delta would let one commit and have the others start again
        with self._writing.setdefault(place if isinstance(place, str) else place.name, threading.RLock()):
            yield False

    def merge(
        self,
        table: Table,
        rows: DataFrame,
        *,
        update: Sequence[str] | Mapping[str, str] | None = None,
        update_where: str | None = None,
        delete_where: str | None = None,
        insert_where: str | None = None,
    ) -> None:
        self.create(table)
        started, view = time.monotonic(), f"merged_{uuid.uuid4().hex}"
        updated = table.column_names if update is None else update
        clauses = [
            *([] if delete_where is None else [f"WHEN MATCHED AND {delete_where} THEN DELETE"]),
            *([_update_clause(updated, update_where)] if updated else []),
            _insert_clause(table.column_names, insert_where),
        ]
        on = " AND ".join(f"old.{key} <=> new.{key}" for key in table.keys)
        rows.createOrReplaceTempView(view)
        statement = f"MERGE INTO {self.places.sql_name(table)} AS old USING {view} AS new ON {on} {' '.join(clauses)}"
        try:
            self._attempt(table, lambda: self.spark.sql(statement))
        finally:
            self.spark.catalog.dropTempView(view)
        self.log(f"{table.name}: merged in {time.monotonic() - started:.1f} s")

    def _frame(self, table: Table, rows: DataFrame | Sequence[tuple]) -> DataFrame:
        if not isinstance(rows, Sequence):
            return rows
        schema = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        return frame(self.spark, rows, schema).coalesce(1)  # few rows are one file

    def _save(
        self, table: Table, rows: DataFrame, *, where: Slice | None = None, transaction: Mapping[str, str] | None = None
    ) -> int:
        """Appends the rows, or puts them in the place of a slice; gives their number."""
        self.create(table)
        written, seen = declared.cast(table, rows), Observation()
        if transaction is None:
            written = written.observe(seen, F.count(F.lit(1)).alias("n_rows"))
        writer = written.writeTo(self.places.sql_name(table)).options(**(transaction or {}))
        started = time.monotonic()
        if where is None:
            self._attempt(table, writer.append)
        else:
            condition = F.expr(slices.condition(where))
            self._attempt(table, lambda: writer.overwrite(condition))
        # a write that Delta skips runs no query: what it observes would be waited for without end
        n_rows = seen.get["n_rows"] if transaction is None else self._rows_of_commit(table, transaction["userMetadata"])
        self.log(f"{table.name}: {max(n_rows, 0):,} rows written in {time.monotonic() - started:.1f} s")
        return n_rows

    def _rows_of_commit(self, table: Table, mark: str) -> int:
        """Rows written by the commit that has the mark; SKIPPED where there is none."""
        history = self.spark.sql(f"DESCRIBE HISTORY {self.places.sql_name(table)} LIMIT {RECENT_COMMITS}")
        recent = history.select("userMetadata", "operationMetrics").collect()
        rows = [int(each["operationMetrics"]["numOutputRows"]) for each in recent if each["userMetadata"] == mark]
        return sum(rows) if rows else SKIPPED

    def _check_keys(self, table: Table, where: Slice) -> None:
        """Reads back only the key columns of what was written: cheaper than a shuffle of whole rows before the
        write.
        """
        twice = self.read(table, where=where).groupBy(*table.keys).count().where("count > 1").limit(3).collect()
        if twice:
            shown = "; ".join(
                ", ".join(f"{key}={row[key]}" for key in table.keys) + f" ({row['count']} rows)" for row in twice
            )
            raise TableError(
                f"table {table.name}: keys must be unique, but there are: {shown}. The rows were written; mend "
                "the input "
                "and run again."
            )

    def _attempt(self, table: Table, action: Callable[[], None]) -> None:
        with SparkStore.turn(self, table):
            self._unwritten.discard(table.name)
            commit(action, table.name, self.places.shown(table), self.say)


def _update_clause(columns: Sequence[str] | Mapping[str, str], condition: str | None) -> str:
    matched = "WHEN MATCHED" + (f" AND ({condition})" if condition else "")
    values = columns if isinstance(columns, Mapping) else {name: f"new.{name}" for name in columns}
    return f"{matched} THEN UPDATE SET {', '.join(f'{name} = {value}' for name, value in values.items())}"


def _insert_clause(columns: Sequence[str], condition: str | None) -> str:
    missing = "WHEN NOT MATCHED" + (f" AND {condition}" if condition else "")
    return f"{missing} THEN INSERT ({', '.join(columns)}) VALUES ({', '.join(f'new.{name}' for name in columns)})"


_MAKERS = {"bronze": "invopt ingest", "silver": "invopt conform", "gold": "invopt run"}
