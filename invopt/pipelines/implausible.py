"""Values that can be read and look like a slip: told at every run, and used as they are.

A quantity of a thousand times the item's median is most often one in another unit, or a product's number in the
column of its units. A purchase cost of 0 makes an item free for the policies, and a backorder cost of 0 its absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from invopt.pipelines.context import Context
from invopt.spark import sql

# days before as_of whose values are looked at, and those of the medians
DAYS, DAYS_OF_MEDIAN = 7, 28
TIMES = 1000.0
# units; below it a thousand times a fraction of a unit is nothing to wonder at
LEAST = 100.0
EXAMPLES = 3
# what is told of a kind of rows that are no slip in a quantity
_SENTENCES = {
    "store_product_supplier": "store_product_supplier: {items} with a purchase cost of 0, such as {shown}",
    "backorder cost": "store_product_supplier: {items} with a BackorderCost of 0, such as {shown}: what is short costs "
    "nothing by it, so a policy that weighs costs keeps no stock for it",
    "later orders": "orders: {items} with an order dated after the moment of this run, which does not count yet, such "
    "as {shown}: are its clocks those of `zone` under `mapping: orders`?",
    "moved orders": "orders: {items} with an order that has the OrderID of an order of ours for another location or "
    "product, such as {shown}: it counts where its line says, and ours is still waited for where it was placed; report "
    "that one as cancelled",
    "on order": "{items} with a thousand days of demand on order or more, such as {shown}; it counts as it is: is it "
    "in another unit?",
    "least order": "store_product_supplier: {items} whose least order is a thousand days of demand or more, such as "
    "{shown}: look at MinOrderQuantity and QuantityMultiplier",
}


@dataclass(frozen=True)
class Implausible:
    """Items of a dataset with implausible values: how many, and some of them in words."""

    dataset: str
    n: int
    examples: tuple[str, ...]

    @property
    def sentence(self) -> str:
        shown = ", ".join(self.examples) + (" ..." if self.n > len(self.examples) else "")
        items = f"{self.n:,} item{'' if self.n == 1 else 's'}"
        if self.dataset in _SENTENCES:
            return _SENTENCES[self.dataset].format(items=items, shown=shown)
        return (
            f"{self.dataset}: {items} with a quantity of a thousand times the usual or more, such as {shown}; it "
            "counts as it is: is it in another unit?"
        )


def implausible(context: Context, views: Mapping[str, DataFrame]) -> list[Implausible]:
    """What looks like a slip in a run's inputs, dataset by dataset.

    views : the silver tables sales, stock_lots, landed_orders and product_suppliers, landed_lines, demand_forecasts,
        item_state and our own orders
    """
    values = {
        "as_of": context.as_of,
        "since": context.as_of - timedelta(days=DAYS),
        "median_since": context.as_of - timedelta(days=DAYS_OF_MEDIAN),
        "least": LEAST,
        "times": TIMES,
        "baselines": list(context.config.inputs.baselines),
    }
    found = sql.query(context.spark, sql.text("gold/implausible"), views, values)
    number = F.expr("format_number(quantity, '#,##0.##')")
    usual = F.concat(F.lit(", where "), F.expr("format_number(median, '#,##0.##')"), F.lit(" is usual"))
    told = F.concat_ws("/", "location_id", "product_id", "source_id")
    of_day = F.coalesce(F.concat(F.lit(" of "), F.col("day")), F.lit(""))
    told = F.when(
        F.col("quantity") > 0, F.concat(told, F.lit(": "), number, of_day, F.coalesce(usual, F.lit("")))
    ).otherwise(told)
    # no list holds more than a few of what may be millions
    part = F.pmod(F.xxhash64("location_id", "product_id"), F.lit(EXAMPLES))
    parts = found.groupBy("dataset", part.alias("part")).agg(
        F.count(F.lit(1)).alias("n"), F.max_by(told, "quantity").alias("told")
    )
    counted = parts.groupBy("dataset").agg(F.sum("n").alias("n"), F.array_sort(F.collect_list("told")).alias("told"))
    return [Implausible(row["dataset"], row["n"], tuple(row["told"])) for row in counted.orderBy("dataset").collect()]
