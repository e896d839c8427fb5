"""The eight verbs that steps use on tables, whatever place the tables are in.

`SparkStore` speaks Delta by SQL and works on a folder, a URI and a catalog. `LocalStore` does some of it faster where
this process and Spark see the same folder. The laws in tests/spark/test_store.py hold for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from invopt.errors import TableError, raise_together
from invopt.spark.places import Places
from invopt.spark.slices import Slice
from invopt.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row


class Store(ABC):
    """All declared tables of a lakehouse; `places` says where each of them is."""

    places: Places

    @abstractmethod
    def version(self, table: Table) -> int:
        """Number of the newest commit; -1 where there is no table."""

    @abstractmethod
    def create(self, table: Table) -> bool:
        """Makes the table where it is missing; gives whether it was made now, and so is empty.

        Declared columns that an older table lacks and that may be NULL are added. A table that differs in another way
        is made anew where its rows can be made again.

        Raises
        ------
        TableError : the rows of such a table can't be made again; names the columns and the way out.
        """

    @abstractmethod
    def read(self, table: Table, version: int | None = None, where: Slice | None = None) -> DataFrame:
        """The declared columns of the rows of a slice, or of all, in the newest version or the one given.

        A column that an older table lacks is NULL.

        Raises
        ------
        TableError : the table is not there; names the step that makes it.
        """

    @abstractmethod
    def rows(self, table: Table, where: Slice | None = None) -> list[Row]:
        """The rows of a small table or slice, in the driver."""

    @abstractmethod
    def append(
        self,
        table: Table,
        rows: DataFrame | Sequence[tuple],
        *,
        transaction: tuple[str, int] | None = None,
        is_repeat: bool = False,
    ) -> int:
        """Adds rows, a query's or tuples with the declared columns in their order, and gives their number.

        transaction : (application, number): Delta skips a number that was written before, or a smaller one
        is_repeat : the caller knows that a skipped write is one of the same rows, which are there; it gives 0

        Raises
        ------
        TableError : the write was skipped, and the caller does not know why: its rows would be lost.
        """

    @abstractmethod
    def replace(self, table: Table, rows: DataFrame | Sequence[tuple], where: Slice, *, check_keys: bool = True) -> int:
        """Puts the rows in the place of all rows of the slice, in one commit, and gives their number: twice is once.

        Raises
        ------
        TableError : a key is there twice, a NOT NULL column is NULL, or a row lies outside of the slice.
        ConcurrentRunError : another run kept writing the same table.
        """

    @abstractmethod
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
        """Merges rows by key: `update` names the columns to set on a match (None: all), or has an expression for each;
        expressions and conditions are over `old` and `new`.
        """

    @abstractmethod
    def turn(self, place: Table | str) -> AbstractContextManager[bool]:
        """Holds a table, or a layer such as "bronze", until the block ends; others wait.

        It gives whether other processes are kept out too: only a local folder can do that.
        """

    # ---------------------------------------------------------------------------------------------- made of the verbs

    def exists(self, table: Table) -> bool:
        """Whether there is a table."""
        return self.version(table) >= 0

    def is_empty(self, table: Table) -> bool:
        """Whether a table has no row, or isn't there."""
        return not self.exists(table) or self.read(table).isEmpty()

    def counts(self, table: Table, by: Sequence[str], where: Slice | None = None) -> list[Row]:
        """The values of the columns `by`, and `n`, how many rows of the slice have them."""
        return self.read(table, where=where).groupBy(*by).count().withColumnRenamed("count", "n").collect()

    def create_all(self, tables: Iterable[Table]) -> None:
        """As `create` for those of the tables that are there; what is refused is told together."""
        refused = []
        for table in tables:
            if self.exists(table):
                try:
                    self.create(table)
                except TableError as error:
                    refused.append(error)
        raise_together(refused)
