"""What should have arrived: an order that nobody reports as received is waited for until it is overdue."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


class LateOrders(NamedTuple):
    """Orders of one kind, `late` or `overdue`: of how many location x products, the first of them, all in words."""

    kind: str
    n: int
    first: str
    sentence: str


def late_orders(item_state: DataFrame, late_order_max_age: int) -> list[LateOrders]:
    """The late orders of a run, and those so late that they are not counted on order any more."""
    # what is on order is the location's, whichever source an item has
    places = (
        item_state.where("on_order_late > 0 OR overdue > 0")
        .dropDuplicates(["location_id", "product_id"])
        .withColumn("item", F.concat_ws("/", "location_id", "product_id"))
    )
    found = places.agg(
        F.count_if(F.col("on_order_late") > 0).alias("n_late"),
        F.sum("late_orders").alias("lines_late"),
        F.sum("on_order_late").alias("late"),
        F.min("late_since").alias("late_since"),
        F.min(F.when(F.col("on_order_late") > 0, F.col("item"))).alias("first_late"),
        F.count_if(F.col("overdue") > 0).alias("n_overdue"),
        F.sum("overdue").alias("overdue"),
        F.min("overdue_since").alias("overdue_since"),
        F.min(F.when(F.col("overdue") > 0, F.col("item"))).alias("first_overdue"),
    ).first()
    told = []
    if n := found["n_late"]:
        is_one = found["lines_late"] == 1
        sentence = (
            f"orders: {found['lines_late']:,} line{'' if is_one else 's'} of {found['late']:,.10g} units for "
            f"{_places(n)} should have arrived, the oldest on {found['late_since']}, and "
            f"{'is' if is_one else 'are'} still counted on order ({_such_as(n, found['first_late'])})"
        )
        told.append(LateOrders("late", n, found["first_late"], sentence))
    if n := found["n_overdue"]:
        sentence = (
            f"orders: {found['overdue']:,.10g} units for {_places(n)} are overdue by more than {late_order_max_age} "
            f"days, the oldest since {found['overdue_since']}, and no longer counted on order "
            f"({_such_as(n, found['first_overdue'])}): report them as received or cancelled"
        )
        told.append(LateOrders("overdue", n, found["first_overdue"], sentence))
    return told


def _places(n: int) -> str:
    return f"{n:,} location x product{'' if n == 1 else 's'}"


def _such_as(n: int, first: str) -> str:
    return first + (" ..." if n > 1 else "")
