"""gold: what invopt computes from silver: the state of the items, solutions, orders, and the record of the runs."""

from __future__ import annotations

from collections.abc import Sequence

from invopt.tables.columns import ITEM, ITEM_KEYS, Column, optional, required
from invopt.tables.table import POLICY, RUN, Table

DEMAND_FORECASTS = Table(
    "gold.demand_forecasts",
    "the newest forecast of each location and product at a run's as_of, its days in arrays",
    (
        RUN,
        required("location_id", "string", "", "location"),
        required("product_id", "string", "", "product"),
        required("made_at", "timestamp", "", "when the forecast was made"),
        required("first_date", "date", "", "day of the arrays' first value"),
        required("demand_distribution", "string", "", "deterministic, poisson, normal or pmf"),
        required("demand_mean", "array<double>", "units/day", "mean of each day"),
        optional(
            "demand_variance", "array<double>", "(units/day)^2", "variance of each day; none when it is not known"
        ),
        optional("demand_pmf", "array<array<double>>", "probability", "of demand 0, 1, 2, ... on each day; pmf only"),
        optional("file_number", "bigint", "", "the newest file that brought it, in bronze.files"),
        optional("is_distribution_assumed", "boolean", "", "it names no distribution and has variances: Normal"),
    ),
    ("run_id", "location_id", "product_id"),
    ("run_id",),
    remade_by="invopt inputs",
)

ITEM_STATE = Table(
    "gold.item_state",
    "all that a policy may need of an item at a run's as_of: costs, limits, stock position, forecast",
    (
        RUN,
        *ITEM_KEYS,
        required("as_of", "timestamp", "", "the moment that the row describes"),
        optional("department_id", "string", "", "department that sells it"),
        optional("storage_id", "string", "", "storage space that keeps it"),
        required(
            "source_rank",
            "int",
            "",
            "1 for the source with the lowest unit cost; ordinary policies order from it alone",
        ),
        optional(
            "cheaper_sources", "array<string>", "", "the place's sources of the product that come before this one"
        ),
        optional("unit_cost", "double", "money/unit", "purchase price and shipping of one unit"),
        optional("fixed_order_cost", "double", "money/order", "cost of a single shipping [K]"),
        optional("holding_cost", "double", "money/unit/day", "cost of keeping a unit for a day [h]"),
        optional("backorder_cost", "double", "money/unit[/day]", "cost of a backorder [p, pi]"),
        optional("lost_sale_cost", "double", "money/unit", "cost of a demand that finds no stock"),
        optional("disposal_cost", "double", "money/unit", "cost of disposing of a unit"),
        optional("list_price", "double", "money/unit", "suggested retail price"),
        optional("unit_volume", "double", "volume/unit", "volume of a unit"),
        optional("shelf_life", "int", "days", "from receipt to expiry; none when it does not expire"),
        optional("lead_time", "double", "days", "from order to receipt [L]"),
        optional("lead_time_confidence", "double", "days", "the lead time is this much more or less"),
        optional("service_level", "double", "fraction", "fraction of demand to be met from stock"),
        optional("shipping_interval", "int", "days", "least time between two shipments"),
        optional(
            "price_break_quantity", "array<double>", "units", "quantities from which another unit cost holds, ascending"
        ),
        optional("price_break_cost", "array<double>", "money/unit", "the unit cost from each of them on"),
        optional(
            "storage_cost_budget",
            "double",
            "money/day",
            "limit on the storage cost of all in the storage space; none where NULL",
        ),
        optional(
            "purchase_budget", "double", "money/order", "largest cost of an order at the supplier; none where NULL"
        ),
        optional(
            "max_shipping_volume",
            "double",
            "volume/order",
            "largest volume of an order at the supplier; none where NULL",
        ),
        optional("min_order_quantity", "double", "units", "least quantity of a line"),
        optional("max_order_quantity", "double", "units", "largest quantity of a line"),
        optional("quantity_multiple", "double", "units", "a line is a multiple of it"),
        optional("min_inventory", "double", "units", "least stock wanted"),
        optional("max_inventory", "double", "units", "most that fits"),
        optional(
            "last_ordered_at",
            "timestamp",
            "",
            "the item's last order before as_of, received or not; NULL when there was none",
        ),
        optional("snapshot_at", "timestamp", "", "the stock count that its stock is from"),
        required("is_stock_stale", "boolean", "", "that count is older than `inputs.stock_max_age`, or there is none"),
        optional(
            "stock_status",
            "string",
            "",
            "counted; absent: a newer count of the location does not name it, and it can be gone; missing: it can't; "
            "never_counted; no_count: nor is the location",
        ),
        optional("stock_expected", "double", "units", "of a blocked stock: what would be there by its last count"),
        optional("on_hand", "double", "units", "counted, moved since, not yet expired [OH]"),
        optional(
            "expiring",
            "double",
            "units",
            "of on_hand, what will expire before a new order could arrive, demand served first-expired-first",
        ),
        optional("on_order", "double", "units", "ordered and not received, late ones too [OO]"),
        optional("on_order_late", "double", "units", "of on_order, what should have arrived"),
        optional(
            "scheduled_receipts",
            "array<double>",
            "units/day",
            "of on_order, what arrives on each day from that of as_of on, late ones on the first; what arrives after "
            "the forecast's last day on the day after it; NULL without a forecast",
        ),
        optional("late_orders", "bigint", "lines", "how many lines on_order_late is of"),
        optional("late_since", "date", "", "the day on which the oldest of them should have arrived"),
        optional("overdue", "double", "units", "ordered, so late that it is not counted on order any more"),
        optional("overdue_since", "date", "", "the day on which the oldest of it should have arrived"),
        optional("inventory_position", "double", "units", "on_hand - expiring + on_order [IP]"),
        optional("forecast_made_at", "timestamp", "", "when the forecast was made"),
        optional("demand_distribution", "string", "", "deterministic, poisson, normal or pmf"),
        optional("demand_mean", "array<double>", "units/day", "from the day of as_of on"),
        optional("demand_variance", "array<double>", "(units/day)^2", "from the day of as_of on"),
        optional(
            "demand_pmf", "array<array<double>>", "probability", "of demand 0, 1, 2, ... from the day of as_of on"
        ),
        optional("lead_time_demand_mean", "double", "units", "over the lead time, from the day of as_of on [D_L]"),
        optional("lead_time_demand_variance", "double", "units^2", "over an uncertain lead time"),
        optional("problem", "string", "", "what is missing, where a policy may not be able to decide"),
        optional(
            "is_blocked",
            "boolean",
            "",
            "a line of the item could not be read, or can't be used: no policy decides for it, and nothing is ordered",
        ),
        optional("remark", "string", "", "what is worth knowing: a newer line was rejected, and older values hold"),
    ),
    ("run_id", *ITEM),
    ("run_id", "location_id"),
    remade_by="invopt inputs",
)

UNREAD = Table(
    "gold.unread",
    "lines of places, products and sources that were rejected, where no newer file has said them",
    (
        RUN,
        required("dataset", "string", "", "dataset"),
        optional("location_id", "string", "", "location; NULL where the dataset has none"),
        optional("product_id", "string", "", "product; NULL where the dataset has none"),
        optional("source_id", "string", "", "source; NULL where it does not matter"),
        required("file_number", "bigint", "", "the newest file with a rejected line of it, in bronze.files"),
        required("file", "string", "", "path of that file"),
        required("n_lines", "bigint", "lines", "its rejected lines in that file"),
        optional("rule", "string", "", "the first rule that they break"),
        optional("good_file_number", "bigint", "", "the newest file with a good line of it; NULL where there is none"),
        required("cause", "string", "", "all of this in words"),
    ),
    (),
    ("run_id",),
    remade_by="invopt inputs",
)

FINDINGS = Table(
    "gold.findings",
    "what a run found in its inputs that somebody should know: files and lines without keys, ids that join nothing",
    (
        RUN,
        required("place", "int", "", "order in which the run tells them"),
        required(
            "finding",
            "string",
            "",
            "unread_file, unread_keys, unseen, no_item, no_product, implausible, scope, several_sources, late, "
            "overdue, limit, old_count, no_count, missing, never_counted, last_good or problem",
        ),
        required("about", "string", "", "dataset, or policy"),
        required("n", "bigint", "", "how many"),
        required("examples", "array<string>", "", "some of them"),
        required("sentence", "string", "", "all of this in words, as the run tells it"),
    ),
    ("run_id", "place"),
    ("run_id",),
    remade_by="invopt inputs",
)

INPUT_KEYS = (
    RUN,
    POLICY,
    required("wave", "int", "", "part of the run that is solved and committed together"),
    required("bucket", "int", "", "partitions that one call of the solver function handles"),
    required("partition_key", "string", "", "items with the same key are decided together"),
    *ITEM_KEYS,
)


def policy_inputs(policy_name: str, needs: Sequence[Column]) -> Table:
    """The inputs of a policy's model, from the policy's own SELECT; a NULL is let in: it becomes a status, not a
    failed write.
    """
    return Table(
        f"gold.inputs_{policy_name}",
        f"inputs of the policy {policy_name}, one row per item",
        (
            *INPUT_KEYS,
            *(optional(column.name, column.type, column.unit, column.meaning) for column in needs),
        ),
        ("run_id", "policy_id", *ITEM),
        ("run_id", "policy_id", "bucket"),
        remade_by="invopt inputs",
    )


# one row of the engine's answer; the run's keys stand before it in gold.solutions
SOLUTION_COLUMNS = (
    required("partition_key", "string", "", "items with the same key were decided together"),
    *ITEM_KEYS,
    optional(
        "decisions", "map<string,array<double>>", "", "decision -> value per period, one value when it has no period"
    ),
    optional("cost", "double", "money/day", "the item's share of the expected cost"),
    optional("objective", "double", "money/day", "the partition's expected cost"),
    required("status", "string", "", "what there is: optimal, feasible or no_solution"),
    required(
        "termination",
        "string",
        "",
        "why it stopped: converged, time_limit, infeasible, unbounded, invalid_input, crashed, error",
    ),
    required("method", "string", "", "what gave the answer: model or algorithm"),
    optional("solver", "string", "", "row of conf/solvers.yaml for the model, else the algorithm"),
    optional("bound", "double", "money/day", "no solution costs less"),
    optional("gap", "double", "fraction", "how far the objective may be above the bound"),
    optional("seconds", "double", "s", "time for the partition"),
    optional(
        "prices",
        "map<string,double>",
        "",
        "limit -> money that one more unit of it is worth a day; only limits that the policy prices",
    ),
    optional("message", "string", "", "what went wrong, or what is worth knowing"),
    optional("audit_gap", "double", "fraction", "relative difference of algorithm and model, where both were run"),
    optional("audit_message", "string", "", "what the audit found, where it has something to tell"),
)

SOLUTIONS = Table(
    "gold.solutions",
    "the decisions of a policy for an item, and how they were obtained",
    (
        RUN,
        POLICY,
        required("wave", "int", "", "part of the run that was committed together"),
        required("bucket", "int", "", "bucket of the inputs"),
        *SOLUTION_COLUMNS,
    ),
    ("run_id", "policy_id", *ITEM),
    ("run_id", "policy_id", "bucket"),
)

# how a quantity came about, as data; rows of versions up to 0.2 have none of it
_OUTCOME = (
    optional("cycle", "timestamp", "", "the order cycle: the newest firing of the policy's order schedule, or the day"),
    optional("outcome", "string", "", "ordered, nothing_wanted, blocked or impossible"),
    optional(
        "because",
        "string",
        "",
        "the rule that decided: policy, minimum, stale_count, no_solution, acted_on, implausible ...",
    ),
    optional("detail", "string", "", "the cause of a blocked line in words, or what is worth knowing"),
    optional(
        "ledger",
        "array<struct<step:string,units:double,limit:double,price:double>>",
        "units",
        "from what the policy wants to the quantity: each rule's change; the units add up to the quantity",
    ),
    optional(
        "warnings",
        "array<struct<warning:string,value:double,limit:double>>",
        "",
        "why the order looks like a slip; NULL where it does not. days_of_demand: its days of the mean forecast (none "
        "where that is 0) and the most; above_sold: units, and those sold; unit_of_forecast, unit_of_stock: forecast "
        "per unit sold, stock expected per unit counted, and the factor",
    ),
)

ORDER_REVIEWS = Table(
    "gold.order_reviews",
    "what was decided for every item at an order cycle, ordered or not, and why",
    (
        RUN,
        POLICY,
        *ITEM_KEYS,
        required("ordered_at", "timestamp", "", "the moment of the review: the run's as_of"),
        optional("inventory_position", "double", "units", "on hand - expiring + on order [IP]"),
        optional("on_hand", "double", "units", "counted, not yet expired"),
        optional("expiring", "double", "units", "will expire before an order could arrive"),
        optional("on_order", "double", "units", "ordered and not received"),
        optional("wanted", "double", "units", "what the policy asks for; none where that is not known"),
        required("quantity", "double", "units", "what is ordered, under the supplier's minimum, maximum and multiple"),
        required("reason", "string", "", "why this quantity"),
        *_OUTCOME,
        optional("decided", "map<string,double>", "", "the decisions that hold at this moment"),
        optional("is_shadow", "boolean", "", "the policy is a shadow: nothing was ordered"),
    ),
    ("run_id", "policy_id", *ITEM),
    ("run_id", "policy_id"),
)

ORDERS = Table(
    "gold.orders",
    "order lines: units to move to a location from a source; an item has one line in an order cycle",
    (
        required("order_id", "string", "", "hash of item and order cycle, and of the policy where that is a shadow"),
        RUN,
        POLICY,
        *ITEM_KEYS,
        required("ordered_at", "timestamp", "", "as_of of the first run that ordered it in the cycle"),
        required("quantity", "double", "units", "units ordered"),
        required("unit_cost", "double", "money/unit", "purchase price and shipping of a unit"),
        required("order_value", "double", "money", "quantity x unit cost"),
        required("eta", "timestamp", "", "expected time of arrival: ordered_at + lead time"),
        required("eta_confidence", "double", "days", "the arrival is this much more or less"),
        required(
            "status",
            "string",
            "",
            "open; cancelled: a later run of the cycle no longer wants it; shadow: of a policy that only compares; "
            "received or declined: as other systems report it; overdue: nobody has reported it for too long",
        ),
        required("reason", "string", "", "why this quantity"),
        *_OUTCOME,
        optional(
            "revision",
            "int",
            "",
            "1, and 1 more for each change of quantity, cost or arrival by a run, which may cancel it too",
        ),
    ),
    ("order_id",),
    ("ordered_at", "policy_id"),
)

RUNS = Table(
    "gold.runs",
    "the manifest of every run: what it read, with which configuration",
    (
        RUN,
        required("as_of", "timestamp", "", "the moment the run looks at"),
        required("config_hash", "string", "", "SHA-256 of the configuration"),
        required("config", "string", "", "the configuration as JSON, without secrets: it has none"),
        required("invopt_version", "string", "", "version of the program"),
        required("input_versions", "map<string,bigint>", "", "table -> version that the run read"),
        required("started_at", "timestamp", "", "when"),
    ),
    ("run_id",),
)

STEPS = Table(
    "gold.steps",
    "what is done of a run: one row per step, policy and wave; a step whose fingerprint is here is not done again",
    (
        RUN,
        required("step", "string", "", "inputs, solve or order"),
        required("policy_id", "string", "", "policy, or * for all"),
        required("wave", "int", "", "wave, 0 where there are none"),
        required("fingerprint", "string", "", "hash of all that the step's result depends on"),
        required("rows", "bigint", "rows", "rows written"),
        required("failed", "bigint", "rows", "rows without a solution, for solve"),
        optional("audit_gap", "double", "fraction", "largest relative difference of algorithm and model, for solve"),
        required("seconds", "double", "s", "wall time"),
        required("done_at", "timestamp", "", "when"),
    ),
    ("run_id", "step", "policy_id", "wave"),
)
