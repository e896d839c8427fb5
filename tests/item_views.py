"""A view of `invopt.pipelines.item_views` in a test: given rows of what it reads, the rows that it makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from invopt.config import Config
from invopt.pipelines import item_views
from invopt.tables import DEMAND_FORECASTS, ITEM_STATE, ORDERS, REJECTED, UNREAD

AS_OF = datetime(2017, 1, 10, 6, tzinfo=UTC)
VALUES = {"run_id": "r", "as_of": AS_OF, "horizon": 4, "forecast_max_age": 14, "baselines": ["Sim"]}
VALUES |= {"longest_lead_time": 3650.0, "late_order_max_age": 30, "landed_until": AS_OF, "policies": ["mine", "other"]}
CONFIG = {"lakehouse": {"root": "-"}, "landing": "-"}
VALUES |= item_views.values_of_stock(Config.model_validate(CONFIG), AS_OF)
TABLES = {name: item_views.SILVER[name] for name in item_views.TABLES} | {
    "own_on_order": ORDERS,
    "orders": ORDERS,
    "demand_forecasts": DEMAND_FORECASTS,
    "unread": UNREAD,
    "rejected": REJECTED,
}
KEYS = ("location_id", "product_id", "source_id")


def of_item(names: str) -> dict[str, str]:
    """Columns of gold.item_state, with their types."""
    types = {column.name: column.type for column in ITEM_STATE.columns}
    return {name: types[name] for name in names.split()}


LOTS = "array<struct<days_left: int, units: double>>"
PRICES = "array<struct<quantity: double, unit_cost: double>>"
TERMS = of_item(
    "location_id product_id source_id unit_cost fixed_order_cost backorder_cost lead_time lead_time_confidence "
    "service_level shipping_interval min_order_quantity max_order_quantity quantity_multiple max_shipping_volume "
    "purchase_budget source_rank cheaper_sources"
) | {"price_breaks": PRICES, "delisted": "string"}
PLACE = of_item("location_id product_id")
FORECAST = of_item("forecast_made_at demand_distribution demand_mean demand_variance demand_pmf")
FORECAST |= {"forecast_file_number": "bigint", "is_distribution_assumed": "boolean", "missing_days": "array<string>"}
LANDED = (
    PLACE
    | dict.fromkeys(("source_id", "policy_name", "identity", "own_order_id", "order_number"), "string")
    | dict.fromkeys(("ordered_at", "eta"), "timestamp")
)
COUNT = "struct<last_day: date, snapshot_at: timestamp, day: date, counted_on: date, has_hour: boolean, until: double>"
MOVES = "array<struct<at: timestamp, is_after_base: boolean, received: double, sold: double, spoiled: double>>"
COUNTED = of_item("stock_status snapshot_at is_stock_stale")
COUNTED |= {"counted_on": "date", "is_day_taken": "boolean", "unsold_days": "array<int>", "units_expected": "double"}
# the columns of each view, with their types: what one test expects of a view, another gives to the next view
VIEWS = {
    "landed_versions": LANDED
    | {"quantity": "double", "received_quantity": "double", "received_at": "timestamp", "state": "string"}
    | {"file_number": "bigint", "known_on": "date"},
    "landed_lines": LANDED
    | {"quantity": "double", "left_to_come": "double", "is_cancelled": "boolean", "is_open": "boolean"},
    "receipts": PLACE | {"units": "double", "received_at": "timestamp"},
    "counted": PLACE
    | {"status": "string", "count": COUNT, "base": COUNT, "lots": "array<struct<expires_at: timestamp, units: double>>"}
    | {"moves": MOVES, "is_day_taken": "boolean"},
    "stock": PLACE | COUNTED | {"on_hand": "double", "expiring_lots": LOTS, "days_unknown": "double"},
    "open_orders": PLACE
    | {"on_order": "double", "on_order_late": "double", "last_ordered_at": "map<string,timestamp>"}
    | {"late_orders": "bigint", "late_since": "date"}
    | {"overdue": "double", "overdue_since": "date", "arrivals": "array<struct<day: int, units: double>>"},
    "terms": TERMS,
    "item_terms": TERMS,
    "forecast": PLACE | FORECAST,
    "positions": TERMS
    | FORECAST
    | COUNTED
    | of_item(
        "on_hand on_order on_order_late late_orders late_since scheduled_receipts overdue overdue_since "
        "last_ordered_at expiring inventory_position lead_time_demand_mean lead_time_demand_variance"
    ),
    "item_state": of_item(" ".join(ITEM_STATE.column_names)),
}


def day(n: int, hour: int = 6) -> datetime:
    """n days after AS_OF, at an hour of that day."""
    return datetime(2017, 1, 10, hour, tzinfo=UTC) + timedelta(days=n)


def plain(value):
    """A collected value to compare: moments in UTC, rows as tuples."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, list):
        return list(map(plain, value))
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def rows_of(
    spark,
    name: str,
    columns: str,
    *,
    over: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    **given: list[dict],
) -> list[tuple]:
    """These columns of the rows that a view makes of given rows, sorted; a column that is not given is NULL.

    over : the views that are made before it, of the given rows too
    values : parameters that are not those of VALUES
    """
    frames = {}
    for table, rows in given.items():
        declared = TABLES.get(table)
        types = {column.name: column.type for column in declared.columns} if declared else VIEWS[table]
        unknown = {column for row in rows for column in row} - set(types)
        assert not unknown, f"{table} has no {unknown}"
        schema = ", ".join(f"{column} {type_}" for column, type_ in types.items())
        frames[table] = spark.createDataFrame([tuple(map(row.get, types)) for row in rows], schema)
    made = item_views.make_views(spark, frames, VALUES | dict(values or {}), (*over, name))[name]
    assert set(made.columns) == set(VIEWS[name])
    return sorted((tuple(map(plain, row)) for row in made.select(*columns.split()).collect()), key=str)
