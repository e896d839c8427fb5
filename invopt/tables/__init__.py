"""Every table, declared once: columns with type, unit and meaning; key; clustering. DDL, write and read derive from
this file.

bronze holds what landed, every field as text; silver what it means, typed and deduplicated; gold what invopt computes
from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from invopt.tables.columns import ITEM, ITEM_KEYS, Column
from invopt.tables.datasets import DATASETS, Dataset


@dataclass(frozen=True)
class Table:
    """A Delta table: `layer.name`, what one row is, its columns, its key, and the columns it is clustered by."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    cluster_by: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _column(name: str, type_: str, unit: str, meaning: str) -> Column:
    return Column(name, type_, unit, meaning, is_nullable=False)


def _optional(name: str, type_: str, unit: str, meaning: str) -> Column:
    return Column(name, type_, unit, meaning)


BATCH = _column("batch_id", "bigint", "", "number of the ingest batch that brought the row")
RUN = _column("run_id", "string", "", "the run that wrote the row: its as_of and a hash of its configuration")
POLICY = _column("policy_id", "string", "", "row of conf/policies.yaml")

# ----------------------------------------------------------------------------------------------------------------
# bronze

FILES = Table(
    "bronze.files",
    "every file seen in the landing zone",
    (
        _column("file_number", "bigint", "", "order of arrival: by batch, then time of change, then path"),
        _column("file", "string", "", "path"),
        _optional("dataset", "string", "", "the dataset it belongs to; none when its name fits no dataset"),
        _column("batch_id", "bigint", "", "number of the ingest batch"),
        _column("file_modified_at", "timestamp", "", "time of change when it was read"),
        _column("file_bytes", "bigint", "bytes", "size when it was read"),
        _column("status", "string", "", "ingested, rejected or ignored"),
        _optional("problem", "string", "", "why it was not ingested, or what was odd about it"),
    ),
    ("file_number",),
)


def bronze(dataset: Dataset) -> Table:
    """The table of a dataset's lines as they landed: the guide's headers, every field as text."""
    fields = tuple(_optional(field.header, "string", field.unit, field.meaning) for field in dataset.fields)
    return Table(
        f"bronze.{dataset.name}",
        f"lines of the files of {dataset.name}, every field as text",
        (
            BATCH,
            _column("file_number", "bigint", "", "the file, in bronze.files"),
            *fields,
            _optional(
                "malformed_line", "string", "", "the whole line, where it does not have as many fields as the header"
            ),
        ),
        (),
        ("batch_id",),
    )


# ----------------------------------------------------------------------------------------------------------------
# silver


def silver(dataset: Dataset) -> Table:
    """The typed table of a dataset, one row per key."""
    more = (_column("lot_number", "int", "", "lots of one count are numbered from 1"),) if dataset.how == "lots" else ()
    return Table(
        dataset.table,
        dataset.meaning,
        (
            *(field.silver_column() for field in dataset.fields),
            *more,
            _column("n_lines", "bigint", "lines", "landed lines that this row stands for"),
            _column("file_number", "bigint", "", "the newest file that brought it, in bronze.files"),
            BATCH,
        ),
        dataset.keys,
        dataset.cluster_by,
    )


SPOILAGE = Table(
    "silver.spoilage",
    "units taken out of stock unsold: the sales rows with price 0",
    tuple(
        column
        for column in silver(next(d for d in DATASETS if d.name == "sales")).columns
        if column.name != "unit_price"
    ),
    ("location_id", "product_id", "sold_at"),
    ("sold_at", "location_id"),
)

REJECTED = Table(
    "silver.rejected",
    "landed lines that broke a rule, with the rule and the line",
    (
        _column("dataset", "string", "", "dataset"),
        BATCH,
        _column("file", "string", "", "path of the file"),
        _column("rules", "array<string>", "", "the rules that the line breaks"),
        _column("line", "string", "", "the line's text"),
    ),
    (),
    ("dataset", "batch_id"),
)

BATCHES = Table(
    "silver.batches",
    "one row per dataset and ingest batch: rows in = rows kept + rejected + duplicates",
    (
        _column("dataset", "string", "", "dataset"),
        BATCH,
        _column("rows_in", "bigint", "lines", "lines in bronze"),
        _column("rows_kept", "bigint", "lines", "lines that silver rows stand for"),
        _column("rows_rejected", "bigint", "lines", "lines in silver.rejected"),
        _column(
            "rows_duplicate", "bigint", "lines", "lines that another file brought too, or that a newer file replaced"
        ),
        _column("conformed_at", "timestamp", "", "when"),
    ),
    ("dataset", "batch_id"),
)

# ---------------------------------------------------------------------------------------------------------------- gold

DEMAND_FORECASTS = Table(
    "gold.demand_forecasts",
    "the newest forecast of each location and product at a run's as_of, its days in arrays",
    (
        RUN,
        _column("location_id", "string", "", "location"),
        _column("product_id", "string", "", "product"),
        _column("made_at", "timestamp", "", "when the forecast was made"),
        _column("first_date", "date", "", "day of the arrays' first value"),
        _column("demand_distribution", "string", "", "deterministic, poisson, normal or pmf"),
        _column("demand_mean", "array<double>", "units/day", "mean of each day"),
        _optional(
            "demand_variance", "array<double>", "(units/day)^2", "variance of each day; none when it is not known"
        ),
        _optional("demand_pmf", "array<array<double>>", "probability", "of demand 0, 1, 2, ... on each day; pmf only"),
    ),
    ("run_id", "location_id", "product_id"),
    ("run_id",),
)

ITEM_STATE = Table(
    "gold.item_state",
    "all that a policy may need of an item at a run's as_of: costs, limits, stock position, forecast",
    (
        RUN,
        *ITEM_KEYS,
        _column("as_of", "timestamp", "", "the moment that the row describes"),
        _optional("department_id", "string", "", "department that sells it"),
        _optional("storage_id", "string", "", "storage space that keeps it"),
        _column(
            "source_rank",
            "int",
            "",
            "1 for the source with the lowest unit cost; ordinary policies order from it alone",
        ),
        _column("unit_cost", "double", "money/unit", "purchase price and shipping of one unit"),
        _optional("fixed_order_cost", "double", "money/order", "cost of a single shipping [K]"),
        _optional("holding_cost", "double", "money/unit/day", "cost of keeping a unit for a day [h]"),
        _column("backorder_cost", "double", "money/unit[/day]", "cost of a backorder [p, pi]"),
        _optional("lost_sale_cost", "double", "money/unit", "cost of a demand that finds no stock"),
        _optional("disposal_cost", "double", "money/unit", "cost of disposing of a unit"),
        _optional("list_price", "double", "money/unit", "suggested retail price"),
        _optional("unit_volume", "double", "volume/unit", "volume of a unit"),
        _optional("shelf_life", "int", "days", "from receipt to expiry; none when it does not expire"),
        _column("lead_time", "double", "days", "from order to receipt [L]"),
        _column("lead_time_confidence", "double", "days", "the lead time is this much more or less"),
        _optional("service_level", "double", "fraction", "fraction of demand to be met from stock"),
        _optional("shipping_interval", "int", "days", "least time between two shipments"),
        _optional(
            "price_break_quantity", "array<double>", "units", "quantities from which another unit cost holds, ascending"
        ),
        _optional("price_break_cost", "array<double>", "money/unit", "the unit cost from each of them on"),
        _optional(
            "storage_cost_budget",
            "double",
            "money/day",
            "limit on the storage cost of all in the storage space; none where NULL",
        ),
        _optional(
            "purchase_budget", "double", "money/order", "largest cost of an order at the supplier; none where NULL"
        ),
        _optional(
            "max_shipping_volume",
            "double",
            "volume/order",
            "largest volume of an order at the supplier; none where NULL",
        ),
        _optional("min_order_quantity", "double", "units", "least quantity of a line"),
        _optional("max_order_quantity", "double", "units", "largest quantity of a line"),
        _optional("quantity_multiple", "double", "units", "a line is a multiple of it"),
        _optional("min_inventory", "double", "units", "least stock wanted"),
        _optional("max_inventory", "double", "units", "most that fits"),
        _optional(
            "last_ordered_at",
            "timestamp",
            "",
            "the item's last order before as_of, received or not; NULL when there was none",
        ),
        _optional("snapshot_at", "timestamp", "", "the newest stock count of the location"),
        _column(
            "is_stock_stale",
            "boolean",
            "",
            "the location's newest count is older than the newest of all, or there is none",
        ),
        _column("on_hand", "double", "units", "counted, not yet expired [OH]"),
        _column(
            "expiring",
            "double",
            "units",
            "of on_hand, what will expire before a new order could arrive, demand served first-expired-first",
        ),
        _column("on_order", "double", "units", "ordered and not received, late ones too [OO]"),
        _column("on_order_late", "double", "units", "of on_order, what should have arrived"),
        _column("inventory_position", "double", "units", "on_hand - expiring + on_order [IP]"),
        _optional("forecast_made_at", "timestamp", "", "when the forecast was made"),
        _optional("demand_distribution", "string", "", "deterministic, poisson, normal or pmf"),
        _optional("demand_mean", "array<double>", "units/day", "from the day of as_of on"),
        _optional("demand_variance", "array<double>", "(units/day)^2", "from the day of as_of on"),
        _optional(
            "demand_pmf", "array<array<double>>", "probability", "of demand 0, 1, 2, ... from the day of as_of on"
        ),
        _optional("lead_time_demand_mean", "double", "units", "over the lead time, from the day of as_of on [D_L]"),
        _optional("lead_time_demand_variance", "double", "units^2", "over an uncertain lead time"),
        _optional("problem", "string", "", "what is missing, where a policy may not be able to decide"),
    ),
    ("run_id", *ITEM),
    ("run_id", "location_id"),
)

INPUT_KEYS = (
    RUN,
    POLICY,
    _column("wave", "int", "", "part of the run that is solved and committed together"),
    _column("bucket", "int", "", "partitions that one call of the solver function handles"),
    _column("partition_key", "string", "", "items with the same key are decided together"),
    *ITEM_KEYS,
)


def policy_inputs(policy_name: str, input_columns: Sequence[Column]) -> Table:
    """The inputs of a policy's model, from the policy's own SELECT; a NULL is let in: it becomes a status, not a
    failed write.
    """
    return Table(
        f"gold.inputs_{policy_name}",
        f"inputs of the policy {policy_name}, one row per item",
        (
            *INPUT_KEYS,
            *(_optional(column.name, column.type, column.unit, column.meaning) for column in input_columns),
        ),
        ("run_id", "policy_id", *ITEM),
        ("run_id", "policy_id", "bucket"),
    )


# one row of the engine's answer; the run's keys stand before it in gold.solutions
SOLUTION_COLUMNS = (
    _column("partition_key", "string", "", "items with the same key were decided together"),
    *ITEM_KEYS,
    _optional(
        "decisions", "map<string,array<double>>", "", "decision -> value per period, one value when it has no period"
    ),
    _optional("cost", "double", "money/day", "the item's share of the expected cost"),
    _optional("objective", "double", "money/day", "the partition's expected cost"),
    _column("status", "string", "", "what there is: optimal, feasible or no_solution"),
    _column(
        "termination",
        "string",
        "",
        "why it stopped: converged, time_limit, infeasible, unbounded, invalid_input, crashed, error",
    ),
    _column("method", "string", "", "model or exact"),
    _optional("solver", "string", "", "row of conf/solvers.yaml, for the model"),
    _optional("bound", "double", "money/day", "no solution costs less"),
    _optional("gap", "double", "fraction", "how far the objective may be above the bound"),
    _optional("seconds", "double", "s", "time for the partition"),
    _optional(
        "audit_gap", "double", "fraction", "relative difference of exact algorithm and model, where both were run"
    ),
    _optional("message", "string", "", "what went wrong, or what is worth knowing"),
)

SOLUTIONS = Table(
    "gold.solutions",
    "the decisions of a policy for an item, and how they were obtained",
    (
        RUN,
        POLICY,
        _column("wave", "int", "", "part of the run that was committed together"),
        _column("bucket", "int", "", "bucket of the inputs"),
        *SOLUTION_COLUMNS,
    ),
    ("run_id", "policy_id", *ITEM),
    ("run_id", "policy_id", "bucket"),
)

ORDER_REVIEWS = Table(
    "gold.order_reviews",
    "what was decided for every item at an order cycle, ordered or not, and why",
    (
        RUN,
        POLICY,
        *ITEM_KEYS,
        _column("ordered_at", "timestamp", "", "the order cycle: the run's as_of"),
        _column("inventory_position", "double", "units", "on hand - expiring + on order [IP]"),
        _column("on_hand", "double", "units", "counted, not yet expired"),
        _column("expiring", "double", "units", "will expire before an order could arrive"),
        _column("on_order", "double", "units", "ordered and not received"),
        _column("wanted", "double", "units", "what the policy asks for"),
        _column("quantity", "double", "units", "what is ordered, under the supplier's minimum, maximum and multiple"),
        _column("reason", "string", "", "why this quantity"),
    ),
    ("run_id", "policy_id", *ITEM),
    ("run_id", "policy_id"),
)

ORDERS = Table(
    "gold.orders",
    "order lines: units to move to a location from a source",
    (
        _column("order_id", "string", "", "hash of policy, item and order cycle: the same line is the same order"),
        RUN,
        POLICY,
        *ITEM_KEYS,
        _column("ordered_at", "timestamp", "", "the order cycle"),
        _column("quantity", "double", "units", "units ordered"),
        _column("unit_cost", "double", "money/unit", "purchase price and shipping of a unit"),
        _column("order_value", "double", "money", "quantity x unit cost"),
        _column("eta", "timestamp", "", "expected time of arrival"),
        _column("eta_confidence", "double", "days", "the arrival is this much more or less"),
        _column("status", "string", "", "open, or cancelled: a later run of the same cycle no longer wants it"),
        _column("reason", "string", "", "why this quantity"),
    ),
    ("order_id",),
    ("ordered_at", "policy_id"),
)

RUNS = Table(
    "gold.runs",
    "the manifest of every run: what it read, with which configuration",
    (
        RUN,
        _column("as_of", "timestamp", "", "the moment the run looks at"),
        _column("config_hash", "string", "", "SHA-256 of the configuration"),
        _column("config", "string", "", "the configuration as JSON, without secrets: it has none"),
        _column("invopt_version", "string", "", "version of the program"),
        _column("input_versions", "map<string,bigint>", "", "table -> version that the run read"),
        _column("started_at", "timestamp", "", "when"),
    ),
    ("run_id",),
)

STEPS = Table(
    "gold.steps",
    "what is done of a run: one row per step, policy and wave; a step whose fingerprint is here is not done again",
    (
        RUN,
        _column("step", "string", "", "inputs, solve or order"),
        _column("policy_id", "string", "", "policy, or * for all"),
        _column("wave", "int", "", "wave, 0 where there are none"),
        _column("fingerprint", "string", "", "hash of all that the step's result depends on"),
        _column("rows", "bigint", "rows", "rows written"),
        _column("failed", "bigint", "rows", "rows without a solution, for solve"),
        _optional(
            "audit_gap", "double", "fraction", "largest relative difference of exact algorithm and model, for solve"
        ),
        _column("seconds", "double", "s", "wall time"),
        _column("done_at", "timestamp", "", "when"),
    ),
    ("run_id", "step", "policy_id", "wave"),
)


def every_table() -> tuple[Table, ...]:
    """All tables but those of the policies' inputs, in the order of the flow."""
    return (
        FILES,
        *(bronze(dataset) for dataset in DATASETS),
        *(silver(dataset) for dataset in DATASETS),
        SPOILAGE,
        REJECTED,
        BATCHES,
        DEMAND_FORECASTS,
        ITEM_STATE,
        SOLUTIONS,
        ORDER_REVIEWS,
        ORDERS,
        RUNS,
        STEPS,
    )
