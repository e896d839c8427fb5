"""The one way to read and write a declared table.

Reading gives the declared columns, at a version where one is asked for. Writing selects the declared columns, casts
them, replaces exactly the slice that it is told to, and logs table, rows and seconds. NOT NULL columns are constraints
of the Delta table itself; keys are checked here.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import deltalake
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F

from invopt.config import LakehouseConfig
from invopt.errors import TableError, raise_together
from invopt.spark import direct, slices
from invopt.spark.commits import commit
from invopt.spark.making import make_folder, make_in_catalog
from invopt.spark.session import sees_local_files
from invopt.spark.slices import Slice
from invopt.spark.turns import turn
from invopt.tables import Table

# characters of a path that deltalake refuses, or takes for another one
_UNUSABLE = re.compile(r"[\[\]^|]|%[0-9A-Fa-f]{2}")


@dataclass
class Lakehouse:
    """All tables, below a folder or in a catalog."""

    spark: SparkSession
    config: LakehouseConfig
    log: Callable[[str], None] = field(default=lambda line: None)
    # what the user should know at once, such as that another run holds this one up
    say: Callable[[str], None] = field(default=lambda line: None)
    _known: set[str] = field(default_factory=set)
    # of those that are there, the tables whose columns were found as declared: only these are written
    _checked: set[str] = field(default_factory=set)
    _making: dict[str, threading.Lock] = field(default_factory=dict)
    _writing: dict[str, threading.RLock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Spark takes a relative path for a name; a URI such as s3://... or dbfs:/... is left as it is
        root = self.config.root or ""
        self._root = root.rstrip("/") if ":" in root else os.path.abspath(root)
        self._sees_same_files = sees_local_files(self.spark)
        if ":" not in self._root and (_UNUSABLE.search(self._root) or os.path.isfile(self._root)):
            raise TableError(
                f"the lakehouse can't be at {self._root}: it must be a folder, without [ ] ^ | or % and two "
                "digits in its path; "
                f"choose another one by --lakehouse or in conf/base.yaml"
            )

    # ------------------------------------------------------------------ where a table is

    def path(self, table: Table) -> str:
        return f"{self._root}/{table.name.replace('.', '/')}"

    def catalog_name(self, table: Table) -> str:
        layer, name = table.name.split(".")
        return f"{self.config.catalog}.{self.config.schema_prefix}{layer}.{name}"

    def place(self, table: Table) -> str:
        """What a user would look for: the folder or the name in the catalog."""
        return self.path(table) if self.config.root is not None else self.catalog_name(table)

    def _is_local(self, table: Table) -> bool:
        """Whether the table is a folder that this process and Spark both see: its log is read in milliseconds, where
        Spark runs a job.
        """
        return self.config.root is not None and self._sees_same_files and os.path.isdir(self.path(table))

    def delta_table(self, table: Table) -> DeltaTable:
        if self.config.root is not None:
            return DeltaTable.forPath(self.spark, self.path(table))
        return DeltaTable.forName(self.spark, self.catalog_name(table))

    def exists(self, table: Table) -> bool:
        if table.name in self._known:
            return True
        if self._is_local(table):
            there = direct.exists(self.path(table))
        elif self.config.root is not None:
            there = DeltaTable.isDeltaTable(self.spark, self.path(table))
        else:
            there = self.spark.catalog.tableExists(self.catalog_name(table))
        if there:
            self._known.add(table.name)
        return there

    # ------------------------------------------------------------------ make

    def create(self, table: Table) -> None:
        """Makes the table where it is missing; one that is there must have the declared columns."""
        # datasets are conformed by several threads, and two that make one table stumble over each other
        with self._making.setdefault(table.name, threading.Lock()):
            if table.name in self._checked:
                return
            if self.exists(table):
                self._check_columns(table)
                self._checked.add(table.name)
                return
            # another process may make it at the same moment: the next attempt then finds it
            self._attempt(table, lambda: self._make(table))
            self._known.add(table.name)
            self._checked.add(table.name)

    def _make(self, table: Table) -> None:
        if self.config.root is not None:
            make_folder(self.spark, table, self.path(table), is_local=self._sees_same_files and ":" not in self._root)
        else:
            schema = f"{self.config.catalog}.{self.config.schema_prefix}{table.name.split('.')[0]}"
            make_in_catalog(self.spark, table, schema, self.catalog_name(table))

    def _check_columns(self, table: Table) -> None:
        if self._is_local(table):
            there, required = direct.types(self.path(table)), direct.required(self.path(table))
        else:
            rows = self.delta_table(table).toDF()
            there, required = dict(rows.dtypes), {column.name for column in rows.schema if not column.nullable}
        problems = [f"{column.name} {column.type}" for column in table.columns if there.get(column.name) != column.type]
        if problems:
            raise TableError(
                f"table {table.name} at {self.place(table)} lacks the declared columns: "
                f"{', '.join(problems)}. It was made by another version of "
                f"invopt; move it away (its rows can be made again from bronze), or alter it to have these columns."
            )
        not_filled = sorted(required - set(table.column_names))
        if not_filled:
            name = f"delta.`{self.path(table)}`" if self.config.root is not None else self.catalog_name(table)
            raise TableError(
                f"table {table.name} at {self.place(table)} was made by another version of invopt: it has columns "
                "that must not be NULL "
                f"and that this version does not fill: {', '.join(not_filled)}. Let them be NULL, in any Spark "
                "session with Delta: "
                + "; ".join(f"ALTER TABLE {name} ALTER COLUMN {column} DROP NOT NULL" for column in not_filled)
            )

    def check(self, tables: Iterable[Table]) -> None:
        """Refuses, all together, those of the tables that are there and were made by another version."""
        refused = []
        for table in tables:
            if self.exists(table):
                try:
                    self.create(table)
                except TableError as error:
                    refused.append(error)
        raise_together(refused)

    # ------------------------------------------------------------------ read

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The declared columns of a table, at a version where one is given."""
        if not self.exists(table):
            raise TableError(
                f"table {table.name} is not there ({self.place(table)}); run the step that makes it first: "
                f"{_MAKERS.get(table.name.split('.')[0], 'invopt run')}"
            )
        if version is None:
            rows = self.delta_table(table).toDF()
        else:
            reader = self.spark.read.format("delta").option("versionAsOf", version)
            rows = (
                reader.load(self.path(table))
                if self.config.root is not None
                else reader.table(self.catalog_name(table))
            )
        return rows.select(*table.column_names)

    def slice(self, table: Table, slice_: Slice) -> DataFrame:
        """The declared columns of a slice's rows in the newest version.

        Of a local table the log tells the files at once, where Spark runs a query of its own to find them, and compiles
        it anew for each slice that a number tells.
        """
        files = self._files(table, slice_)
        if not files:
            return self.read(table).where(slices.condition(slice_))
        schema = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        return self.spark.read.schema(schema).parquet(*files).where(slices.is_inside(slice_))

    def _files(self, table: Table, slice_: Slice) -> list[str] | None:
        """The files of a local table that may have the slice's rows; None where only Spark can tell."""
        if self.exists(table) and self._is_local(table):
            with contextlib.suppress(direct.NotForUs):
                return direct.files(self.path(table), slices.values(slice_))
        return None

    def few(self, table: Table, equal: Mapping[str, str | int]) -> list[Row]:
        """The rows of a small table whose columns have these values, in the driver."""
        if self.exists(table) and self._is_local(table):
            with contextlib.suppress(direct.NotForUs):
                return [
                    Row(*table.column_names)(*row) for row in direct.read(self.path(table), table.column_names, equal)
                ]
        return self._equal(table, equal).collect()

    def counts(self, table: Table, by: Sequence[str], equal: Mapping[str, str | int]) -> list[Row]:
        """The values of the columns `by` and `n`, how many rows have them, of the rows whose columns have the values
        `equal`.
        """
        if self.exists(table) and self._is_local(table):
            with contextlib.suppress(direct.NotForUs):
                return [Row(*by, "n")(*row) for row in direct.counts(self.path(table), by, equal)]
        return self._equal(table, equal).groupBy(*by).agg(F.count(F.lit(1)).alias("n")).collect()

    def is_empty(self, table: Table) -> bool:
        """Whether a table has no row, or isn't there."""
        if not self.exists(table):
            return True
        if self._is_local(table) and not direct.has_files(self.path(table)):
            return True
        return self.read(table).isEmpty()

    def _equal(self, table: Table, equal: Mapping[str, str | int]) -> DataFrame:
        rows = self.read(table)
        for name, value in equal.items():
            rows = rows.where(F.col(name) == value)
        return rows

    def version(self, table: Table) -> int:
        """Number of the newest commit, -1 where there is no table."""
        if not self.exists(table):
            return -1
        if self._is_local(table):
            return deltalake.DeltaTable(self.path(table)).version()
        return self.delta_table(table).history(1).select("version").first()[0]

    # ------------------------------------------------------------------ write

    def append(self, table: Table, rows: DataFrame, *, transaction: tuple[str, int] | None = None) -> int:
        """Adds rows and gives their number.

        With a transaction (application, number), a number that was already written is skipped by Delta, which gives 0.
        """
        if transaction is None:
            return self._save(table, rows, {}, "added")
        # the mark, in the commit's metadata, tells a write from one that Delta skipped
        mark = f"{transaction[0]} {transaction[1]} {uuid.uuid4().hex}"
        options = {"txnAppId": transaction[0], "txnVersion": str(transaction[1]), "userMetadata": mark}
        return self._save(table, rows, options, "added")

    def replace(self, table: Table, rows: DataFrame, slice_: Slice, *, check_keys: bool = True) -> int:
        """Puts the rows in the place of all that have the slice's values (one, or any of a list), in one commit: twice
        is once.

        Raises
        ------
        TableError : a key is there twice, a NOT NULL column is NULL, or a row lies outside the slice.
        ConcurrentRunError : another run kept writing the same table.
        """
        self.create(table)
        condition = slices.condition(slice_)
        with self._turn(table) as is_alone:
            if is_alone and self._files(table, slice_) == []:
                # looking for rows to replace, where the log tells that there are none, costs Spark more than to write
                # some thousands
                written = self._save(table, self._declared(table, rows).where(slices.inside(slice_)), {}, "written")
            else:
                written = self._save(table, rows, {"replaceWhere": condition}, "written")
            if check_keys and table.keys:
                self._check_keys(table, condition)
        return written

    @contextlib.contextmanager
    def _turn(self, table: Table) -> Iterator[bool]:
        """Keeps two writers from both finding that a slice has no rows; gives whether no other can be at it.

        One turn for the whole table: slices of several policies overlap.
        """
        with self._writing.setdefault(
            table.name, threading.RLock()
        ):  # threads of one program are not told to wait for another run
            if self._is_local(table):
                with turn(self.path(table), table.name, self.say) as is_alone:
                    yield is_alone
            else:
                yield False

    @contextlib.contextmanager
    def layer_turn(self, layer: str) -> Iterator[None]:
        """One process at a time fills a layer of a lakehouse below a local folder: two would do the same work, and
        one of them in vain.
        """
        if self.config.root is None or not self._sees_same_files or ":" in self._root:
            yield
            return
        os.makedirs(f"{self._root}/{layer}", exist_ok=True)
        with turn(f"{self._root}/{layer}", f"the {layer} layer", self.say):
            yield

    def append_few(self, table: Table, rows: Sequence[tuple], transaction: tuple[str, int] | None = None) -> int:
        """As `append`, for rows that the driver has, each with the declared columns in their order."""
        return self._write_few(
            table,
            lambda path: direct.append(path, table.column_names, rows, transaction),
            lambda: self.append(table, self._frame(table, rows), transaction=transaction),
        )

    def replace_few(self, table: Table, rows: Sequence[tuple], slice_: Slice) -> int:
        """As `replace`, for rows that the driver has, each with the declared columns in their order, and with keys
        that differ.
        """
        condition = slices.condition(slice_)
        return self._write_few(
            table,
            lambda path: direct.replace(path, table.column_names, rows, condition),
            lambda: self.replace(table, self._frame(table, rows), slice_, check_keys=False),
        )

    def _write_few(self, table: Table, write: Callable[[str], int], write_by_spark: Callable[[], int]) -> int:
        self.create(table)
        if not self._is_local(table):
            return write_by_spark()
        started, written = time.monotonic(), 0

        def save() -> None:
            nonlocal written
            written = write(self.path(table))

        try:
            self._attempt(table, save)
        except direct.NotForUs:
            return write_by_spark()
        self.log(f"{table.name}: {written:,} rows written in {time.monotonic() - started:.1f} s")
        return written

    def _frame(self, table: Table, rows: Sequence[tuple]) -> DataFrame:
        schema = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        return self.spark.createDataFrame(list(rows), schema).coalesce(1)  # few rows are one file

    def _save(self, table: Table, rows: DataFrame, options: Mapping[str, str], verb: str) -> int:
        self.create(table)
        declared = self._declared(table, rows)
        mark = options.get("userMetadata")
        seen = Observation()
        if mark is None:
            declared = declared.observe(seen, F.count(F.lit(1)).alias("n_rows"))
        started = time.monotonic()

        def save() -> None:
            writer = (
                declared.write.format("delta")
                .mode("overwrite" if "replaceWhere" in options else "append")
                .options(**options)
            )
            if self.config.root is not None:
                writer.save(self.path(table))
            else:
                writer.saveAsTable(self.catalog_name(table))

        self._attempt(table, save)
        # Delta counts what it writes anyhow: millions of rows needn't be counted twice
        written = int(seen.get["n_rows"]) if mark is None else self._rows_of_commit(table, mark)
        self.log(f"{table.name}: {written:,} rows {verb} in {time.monotonic() - started:.1f} s")
        return written

    def _rows_of_commit(self, table: Table, mark: str) -> int:
        """Rows written by the commit that has the mark, 0 where Delta skipped it; others may have committed since,
        but not 50 times.
        """
        if self._is_local(table):
            commits = deltalake.DeltaTable(self.path(table)).history(50)
        else:
            commits = self.delta_table(table).history(50).select("userMetadata", "operationMetrics").collect()
            commits = [commit.asDict() for commit in commits]
        return sum(
            int(commit["operationMetrics"]["numOutputRows"]) for commit in commits if commit.get("userMetadata") == mark
        )

    def merge(
        self,
        table: Table,
        rows: DataFrame,
        *,
        update: Sequence[str] | None = None,
        update_where: str | None = None,
        delete_where: str | None = None,
        insert_where: str | None = None,
    ) -> None:
        """Merges rows by key: `update` names the columns to set on a match (none: all), the conditions are over
        `old` and `new`.
        """
        self.create(table)
        on = " AND ".join(f"old.{key} <=> new.{key}" for key in table.keys)
        values = {name: f"new.{name}" for name in table.column_names}
        started = time.monotonic()

        def run() -> None:
            merge = self.delta_table(table).alias("old").merge(rows.alias("new"), on)
            if delete_where is not None:
                merge = merge.whenMatchedDelete(delete_where)
            set_ = values if update is None else {name: values[name] for name in update}
            if set_:
                merge = merge.whenMatchedUpdate(update_where, set_)
            merge.whenNotMatchedInsert(insert_where, values).execute()

        self._attempt(table, run)
        self.log(f"{table.name}: merged in {time.monotonic() - started:.1f} s")

    def _declared(self, table: Table, rows: DataFrame) -> DataFrame:
        missing = [name for name in table.column_names if name not in rows.columns]
        if missing:
            raise TableError(f"table {table.name}: the rows to write lack the columns {', '.join(missing)}")
        types = dict(rows.dtypes)
        return rows.select(
            *(
                F.col(column.name)
                if types[column.name] == column.type
                else F.col(column.name).cast(column.type).alias(column.name)
                for column in table.columns
            )
        )

    def _check_keys(self, table: Table, condition: str) -> None:
        """Reads back only the key columns of what was written: cheaper than a shuffle of whole rows before the
        write.
        """
        twice = (
            self.delta_table(table)
            .toDF()
            .where(condition)
            .groupBy(*table.keys)
            .count()
            .where("count > 1")
            .limit(3)
            .collect()
        )
        if twice:
            shown = "; ".join(
                ", ".join(f"{key}={row[key]}" for key in table.keys) + f" ({row['count']} rows)" for row in twice
            )
            raise TableError(
                f"table {table.name}: keys must be unique, but there are: {shown}. The rows were written; mend "
                "the input and run again."
            )

    def _attempt(self, table: Table, action: Callable[[], None]) -> None:
        """Threads of one program that write one table take turns: Delta would let one commit and have the others
        start again.
        """
        with self._writing.setdefault(table.name, threading.RLock()):
            commit(action, table.name, self.place(table), self.say)


_MAKERS = {"bronze": "invopt ingest", "silver": "invopt conform", "gold": "invopt run"}
