"""A lakehouse as it stood at a moment, with a place of its own for what is written; the lakehouse stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from invopt.spark.slices import Slice
from invopt.spark.store import Store
from invopt.tables import ORDERS, RUNS, STEPS, Table, silver
from invopt.tables.datasets import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

LANDED_ORDERS = silver(BY_NAME["orders"])


class Overlay(Store):
    """Reads bronze and silver from the lakehouse. A table of gold has what runs of earlier moments have left there, and
    what is written here.

    Parameters
    ----------
    under : the lakehouse, which is never written
    over : an empty place for the tables that are written
    moment : rows of gold of this moment and later ones are not seen; an order is of the moment that ordered it first

    Attributes
    ----------
    runs : the earlier runs whose inputs and solutions are seen; all of them would be a copy of the lakehouse
    """

    def __init__(self, under: Store, over: Store, moment: datetime) -> None:
        self.under, self.over, self.moment = under, over, moment
        self.places = over.places
        self.runs: frozenset[str] = frozenset()

    def is_below(self, table: Table) -> bool:
        """Whether the table is read from the lakehouse alone."""
        return not table.name.startswith("gold.")

    def _seeded(self, table: Table) -> Store:
        """The place of a table of gold, with the rows of earlier moments; a table that is merged must hold them."""
        if not self.over.exists(table):
            self.over.create(table)
            if self.under.exists(table) and (earlier := self._earlier(table)) is not None:
                self.over.append(table, earlier)
        return self.over

    def _earlier(self, table: Table) -> DataFrame | None:
        if table is ORDERS:
            return self.under.read(table).where(F.col("ordered_at") < F.lit(self.moment))
        if "run_id" not in table.column_names:
            return None
        if table in (RUNS, STEPS):
            # a run's id begins with its moment
            return self.under.read(table).where(F.col("run_id") < f"{self.moment:%Y%m%dT%H%M%S}")
        return self.under.read(table).where(F.col("run_id").isin(*self.runs)) if self.runs else None

    def _landed_orders(self, table: Table, version: int | None, where: Slice | None) -> DataFrame:
        """Without what other systems say of orders of ours that are not seen: they would be orders of somebody else."""
        landed = self.under.read(table, version, where)
        if not self.under.exists(ORDERS):
            return landed
        own = self.under.read(ORDERS).where((F.col("ordered_at") >= F.lit(self.moment)) & (F.col("status") != "shadow"))
        own = own.select(
            "location_id",
            "product_id",
            F.col("order_id").alias("own_id"),
            F.col("policy_id").alias("own_policy"),
            F.col("ordered_at").alias("own_moment"),
        )
        is_of_own = F.col("order_id") == F.col("own_id")
        is_of_day = F.to_date("ordered_at") == F.to_date("own_moment")
        is_named = (F.col("policy_name") == F.col("own_policy")) | (F.col("ordered_at") == F.col("own_moment"))
        names = ("location_id", "product_id")
        lines, others = landed.alias("line"), own.alias("own")
        is_at_place = reduce(and_, (F.col(f"line.{name}") == F.col(f"own.{name}") for name in names))
        return lines.join(others, on=is_at_place & (is_of_own | (is_of_day & is_named)), how="left_anti")

    def version(self, table: Table) -> int:
        if self.is_below(table):
            return self.under.version(table)
        return self._seeded(table).version(table) if self.under.exists(table) else self.over.version(table)

    def create(self, table: Table) -> bool:
        return False if self.is_below(table) else self._seeded(table).create(table)

    def read(self, table: Table, version: int | None = None, where: Slice | None = None) -> DataFrame:
        if table.name == LANDED_ORDERS.name:
            return self._landed_orders(table, version, where)
        if self.is_below(table):
            return self.under.read(table, version, where)
        return self._seeded(table).read(table, version, where)

    def rows(self, table: Table, where: Slice | None = None) -> list[Row]:
        return self.under.rows(table, where) if self.is_below(table) else self._seeded(table).rows(table, where)

    def append(self, table: Table, rows: DataFrame | Sequence[tuple], **how: Any) -> int:
        return self._seeded(table).append(table, rows, **how)

    def replace(self, table: Table, rows: DataFrame | Sequence[tuple], where: Slice, **how: Any) -> int:
        return self._seeded(table).replace(table, rows, where, **how)

    def merge(self, table: Table, rows: DataFrame, **how: Any) -> None:
        self._seeded(table).merge(table, rows, **how)

    def turn(self, place: Table | str) -> AbstractContextManager[bool]:
        return nullcontext(True)
