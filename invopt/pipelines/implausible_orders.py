"""Order lines that look like a slip, found in the reviews before they become orders: told, or held, and kept as data.

Sales and stock counts are read for the items that are ordered alone, and not at all where nothing is ordered or no
check needs them. A run in which nothing looks like a slip writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pandas as pd
from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F

from invopt.ordering import IMPLAUSIBLE, REVIEW_TYPES, STOCK_COLUMNS, WARNINGS_TYPE, warning_text, with_warnings
from invopt.pipelines.context import Context
from invopt.pipelines.item_views import pinned
from invopt.pipelines.order_reviews import Waiting, ids_of, read_reviews
from invopt.spark import sql
from invopt.spark.frames import frame
from invopt.tables import ITEM_STATE, ORDER_REVIEWS
from invopt.tables.columns import ITEM

KEYS = ("policy_id", *ITEM)
FOUND = (
    f"{', '.join(f'{name} string' for name in KEYS)}, days_of_sales double, is_least boolean, "
    f"warnings {WARNINGS_TYPE}, is_held boolean"
)
# what a line that looks like a slip has anew
CHANGED = ("quantity", "outcome", "because", "detail", "ledger", "reason")
# as many rows go through the driver, so that sales are not read again
FEW = 1_000
# units: with fewer sold, or fewer expected, forecast and sales are not compared
LEAST_COMPARED = 10.0
EXAMPLES = 3
_SENTENCES = {
    "days_of_demand": "{orders} of more than {max_days_of_demand:g} days of the demand that is forecast",
    "above_sold": "{orders} of more units than were sold of the item in the {days_of_sales} days before",
    "unit_of_forecast": "{orders} from a forecast in another unit than the sales, as it seems",
    "unit_of_stock": "{orders} from a stock count in another unit than the one before it, as it seems",
}


def check_orders(context: Context, waiting: Sequence[Waiting]) -> bool:
    """Puts warnings into the reviews of these policies that order what looks like a slip, and takes back what is held.

    Gives whether there are any.
    """
    reviews = read_reviews(context, waiting).where("quantity > 0")
    if not context.config.orders.plausibility.actions() or reviews.isEmpty():
        return False
    found = _found(context, reviews)
    few = found.limit(FEW + 1).collect()
    if not few:
        return False
    if len(few) <= FEW:
        found = frame(context.spark, [tuple(row) for row in few], FOUND)
    of_run = {"run_id": context.run_id, "policy_id": ids_of(waiting)}
    changed = _changed(context, reviews, found)
    rows = (
        read_reviews(context, waiting)
        .drop("warnings")
        .join(changed, on=list(KEYS), how="left")
        .withColumns({name: F.coalesce(f"new_{name}", name) for name in CHANGED})
    )
    context.store.replace(ORDER_REVIEWS, rows, of_run, check_keys=False)
    return True


def say_warnings(context: Context, policy_ids: Sequence[str]) -> None:
    """Tells what the run's reviews of these policies warn of: how many orders by check, and the worst of them."""
    reviews = context.store.read(ORDER_REVIEWS, where={"run_id": context.run_id, "policy_id": list(policy_ids)})
    accepted = F.aggregate(
        F.filter("ledger", lambda row: row["step"] != IMPLAUSIBLE), F.lit(0.0), lambda total, row: total + row["units"]
    )
    warned = reviews.where(F.col("warnings").isNotNull()).select(
        F.concat_ws("/", *ITEM).alias("item"),
        (F.col("because") == IMPLAUSIBLE).alias("is_held"),
        accepted.alias("units"),
        F.explode("warnings").alias("of"),
    )
    warned = warned.select("item", "is_held", "units", "of.*")
    counted = warned.groupBy("warning").agg(F.count(F.lit(1)).alias("n"), F.count_if(F.col("is_held")).alias("held"))
    counts = {row["warning"]: row for row in counted.collect()}
    if not counts:
        return
    # an order without any demand is the worst
    worst = F.coalesce(F.try_divide("value", "limit"), F.lit(float("inf")))
    place = F.row_number().over(Window.partitionBy("warning").orderBy(worst.desc(), F.desc("units"), "item"))
    examples: dict[str, list[Row]] = {name: [] for name in counts}
    for row in warned.withColumn("place", place).where(F.col("place") <= EXAMPLES).orderBy("place").collect():
        examples[row["warning"]].append(row)
    for warning in _SENTENCES:
        if warning in counts:
            context.say(f"  ! {_sentence(context, counts[warning], examples[warning])}")


def _sentence(context: Context, counted: Row, examples: Sequence[Row]) -> str:
    n, n_held, warning = counted["n"], counted["held"], counted["warning"]
    checks = context.config.orders.plausibility
    orders = f"{n:,} order{'' if n == 1 else 's'}"
    head = _SENTENCES[warning].format(
        orders=orders, **checks.model_dump(include={"max_days_of_demand", "days_of_sales"})
    )
    shown = "; ".join(
        f"{row['item']}: {warning_text(warning, row['value'], row['limit'], row['units'])}" for row in examples
    )
    more = " ..." if n > len(examples) else ""
    done = f"{n_held:,} held" if n_held else "ordered all the same"
    if 0 < n_held < n:
        done += f", {n - n_held:,} ordered all the same"
    return (
        f"{head}, such as {shown}{more}; {done}: see `warnings` in gold.order_reviews, and "
        f"orders.plausibility.{warning}: {getattr(checks, warning)}"
    )


def _found(context: Context, reviews: DataFrame) -> DataFrame:
    """The lines with warnings: KEYS and the other columns of FOUND."""
    checks = context.config.orders.plausibility
    actions = checks.actions()
    tables = pinned(context, ("sales", "stock_lots"))
    needs_counts = "unit_of_stock" in actions
    needs_sales = needs_counts or not actions.keys().isdisjoint(("above_sold", "unit_of_forecast"))
    views = {
        "ordered": reviews.select(*KEYS, "quantity"),
        "item_state": context.store.read(ITEM_STATE, where={"run_id": context.run_id}),
        "sales": tables["sales"].where(F.lit(needs_sales)),
        "stock_lots": tables["stock_lots"].where(F.lit(needs_counts)),
        "confirmed": frame(
            context.spark,
            [(place.location_id, place.product_id) for place in dict.fromkeys(checks.confirmed)],
            "location_id string, product_id string",
        ),
    }
    values = {
        "as_of": context.as_of,
        "since": context.as_of - timedelta(days=checks.days_of_sales),
        "counts_since": context.as_of - timedelta(days=checks.days_of_counts),
        "min_days_of_sales": checks.min_days_of_sales,
        "max_days_of_demand": checks.max_days_of_demand,
        "min_units": checks.min_units,
        "factors": list(checks.unit_factors),
        "unit_tolerance": checks.unit_tolerance,
        "least_compared": LEAST_COMPARED,
        "checks": list(actions),
        # no check has the name ""
        "held": ["", *(name for name, action in actions.items() if action == "hold")],
    }
    return sql.query(context.spark, sql.text("gold/implausible_orders"), views, values)


def _changed(context: Context, reviews: DataFrame, found: DataFrame) -> DataFrame:
    """KEYS, warnings, and `new_` columns of what the reviews of these lines say now."""
    # the table of reviews has not all columns that the reason tells
    more = [name for name in STOCK_COLUMNS if name not in ORDER_REVIEWS.column_names]
    state = context.store.read(ITEM_STATE, where={"run_id": context.run_id}).select(*ITEM, *more)
    names = [name for name in REVIEW_TYPES if name in ORDER_REVIEWS.column_names]
    lines = (
        reviews.select(*names)
        .join(found, on=list(KEYS), how="inner")
        .join(state, on=list(ITEM), how="inner")
        .select(*names, *more, "days_of_sales", "is_least", "is_held", "warnings")
    )
    types = {**REVIEW_TYPES, "warnings": WARNINGS_TYPE}
    schema = ", ".join(f"{name} {types[name]}" for name in (*KEYS, *CHANGED, "warnings"))
    changed = lines.mapInPandas(_with_warnings(context.config.orders.plausibility.actions()), schema)
    return changed.withColumnsRenamed({name: f"new_{name}" for name in CHANGED})


def _with_warnings(actions: dict[str, str]) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def judge(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                lines = batch.assign(
                    ledger=_tuples(batch["ledger"]),
                    warnings=_tuples(batch["warnings"]),
                    decided=pd.Series(
                        [None if pairs is None else dict(pairs) for pairs in batch["decided"]],
                        batch.index,
                        dtype=object,
                    ),
                )
                yield with_warnings(lines, actions)[[*KEYS, *CHANGED, "warnings"]]

    return judge


def _tuples(lists: pd.Series) -> pd.Series:
    """Arrow gives a struct as a dict, or as a row."""
    rows = [[tuple(one.values()) if isinstance(one, dict) else tuple(one) for one in each] for each in lists]
    return pd.Series(rows, lists.index, dtype=object)
