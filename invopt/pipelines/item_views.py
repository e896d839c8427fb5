"""The views between the silver tables and gold.item_state: each is `invopt/sql/gold/<name>.sql`, over those before it.

The order step joins `terms` by itself: a line's lead time and costs are those of its source, whatever a policy saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from invopt.config import Config, InputsConfig, MappingConfig
from invopt.errors import TableError
from invopt.pipelines.context import Context
from invopt.pipelines.history import in_force
from invopt.policies.inputs.columns import LONGEST_LEAD_TIME
from invopt.spark import sql
from invopt.tables import RUNS, SPOILAGE, silver
from invopt.tables.datasets import DATASETS

# in the order in which they are made
VIEWS = (
    "landed_versions",
    "landed_lines",
    "receipts",
    "terms",
    "item_terms",
    "counted",
    "stock",
    "open_orders",
    "forecast",
    "positions",
    "item_state",
)
# silver tables by the names that the views call them
_DATASETS = {silver(dataset).name.split(".")[1]: dataset for dataset in DATASETS}
SILVER = {name: silver(dataset) for name, dataset in _DATASETS.items()} | {"spoilage": SPOILAGE}
# the silver tables that the views read; they read the own lines that are on order (own_orders.py) and the run's rows of
# gold.demand_forecasts and gold.unread too
TABLES = (
    "stock_lots",
    "sales",
    "spoilage",
    "landed_orders",
    "product_suppliers",
    "suppliers",
    "assortment",
    "products",
    "product_storage",
    "storages",
    "calendar",
)
_TABLES_OF_TERMS = ("product_suppliers", "suppliers")
# days that the views of stock look back where a count of any age is ordered from
LONGEST_AGE = 400


def values_of(run_id: str, as_of: datetime, inputs: InputsConfig, policies: Sequence[str]) -> dict[str, Any]:
    """The :named parameters of the views; policies : ids of ours, by which orders of ours are known."""
    return {
        "run_id": run_id,
        "as_of": as_of,
        "horizon": inputs.horizon,
        "forecast_max_age": inputs.forecast_max_age,
        "baselines": list(inputs.baselines),
        "late_order_max_age": inputs.late_order_max_age,
        "landed_until": as_of,
        "policies": list(policies),
        "longest_lead_time": LONGEST_LEAD_TIME,
    }


def values_of_stock(config: Config, as_of: datetime) -> dict[str, Any]:
    """The :named parameters of the views of stock.

    Constants from which on counts and moves are read let Delta leave out the files before. Between two counts of which
    both are believed lie at most twice as many days as a count is; a week, because a product may be absent for some.
    """
    mapping = config.mapping.get("inventory", MappingConfig())
    sales = config.mapping.get("sales", MappingConfig())
    holds, max_age = config.orders.stale_stock == "hold", config.inputs.stock_max_age
    today = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "stock_max_age": max_age,
        "holds_stale_stock": holds,
        "counts_hold_their_day": config.inputs.count_time == "end_of_day",
        "absent": mapping.absent,
        "is_partial": mapping.partial,
        "zone": sales.zone or mapping.zone or "UTC",
        "counts_since": today - timedelta(days=max_age + 2 if holds else LONGEST_AGE),
        "moves_since": today - timedelta(days=max(7, 2 * max_age + 2) if holds else LONGEST_AGE),
    }


def make_views(
    spark: SparkSession, tables: Mapping[str, DataFrame], values: Mapping[str, Any], names: Sequence[str] = VIEWS
) -> dict[str, DataFrame]:
    """Makes temporary views over the tables, in the given order, and gives the rows of each by its name.

    A view may read the tables and the views before it.
    """
    made: dict[str, DataFrame] = {}
    not_yet_named = dict(tables)
    for name in names:
        made[name] = sql.query(spark, sql.text(f"gold/{name}"), not_yet_named, values)
        not_yet_named = {name: made[name]}
    return made


def terms_of_run(context: Context) -> DataFrame:
    """The view `terms`, one row per item, from the versions of the silver tables that the run's manifest pins.

    Raises
    ------
    TableError : the run has no manifest, or it does not pin one of the tables.
    """
    return make_views(context.spark, pinned(context, _TABLES_OF_TERMS), {}, ("terms",))["terms"]


def pinned(context: Context, names: Sequence[str]) -> dict[str, DataFrame]:
    """The silver tables of these names, each in the version that the run's manifest pins, as of the run's day.

    Raises
    ------
    TableError : the run has no manifest, or it does not pin one of the tables.
    """
    runs = context.store.rows(RUNS, {"run_id": context.run_id}) if context.store.exists(RUNS) else []
    versions = dict(runs[0]["input_versions"]) if runs else {}  # a local store gives a map as pairs
    unpinned = [SILVER[name].name for name in names if SILVER[name].name not in versions]
    if unpinned:
        raise TableError(
            f"{RUNS.name} does not say which version of {' and '.join(unpinned)} run {context.run_id} reads: run "
            "`invopt inputs` with the same --as-of and configuration first"
        )
    return {name: as_known(context, name, versions[SILVER[name].name]) for name in names}


def as_known(context: Context, name: str, version: int) -> DataFrame:
    """A version of a silver table; where it keeps its history, the rows that hold on the day of the run's `as_of`."""
    rows = context.store.read(SILVER[name], version)
    return in_force(rows, context.as_of.date()) if name in _DATASETS and _DATASETS[name].keeps_history else rows
