"""The files that arrive day by day: demand forecasts, sales, stock counts and orders of other systems."""

from __future__ import annotations

from invopt.tables.dataset import LOCATION, PRODUCT, SUPPLIER, Dataset, Field, cost

EVENTS: tuple[Dataset, ...] = (
    Dataset(
        "demand_forecasts",
        "silver.forecast_points",
        "forecasts as delivered: one row per item, day it was made, day it is for and, for an explicit "
        "distribution, value",
        r"rawdata/demand_forecasts/.+",
        (
            LOCATION,
            PRODUCT,
            Field(
                "ForecastDateTime",
                "made_at",
                "timestamp",
                "",
                "when the forecast was made; from the file's name where the rows don't say",
                may_lack=True,
            ),
            Field("DateTime", "period_at", "day", "", "the day that it is for"),
            Field(
                "Demand",
                "demand",
                "number",
                "units/day",
                "mean demand, or one value of an explicit distribution",
                minimum=0.0,
            ),
            Field(
                "PredictedDemandDistribution",
                "demand_distribution",
                "text",
                "",
                "Poisson, Normal or none",
                is_required=False,
            ),
            Field(
                "PredictedDemandVariance",
                "demand_variance",
                "limit",
                "(units/day)^2",
                "variance, where it is known",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "PredictedDemandProbability",
                "probability",
                "number",
                "fraction",
                "probability of this value; 1 when there is one value only",
                is_required=False,
                minimum=0.0,
                maximum=1.0 + 1e-9,
            ),
        ),
        ("location_id", "product_id", "made_at", "period_at", "demand"),
        ("made_at", "location_id"),
        # the days of a forecast may come in several files: a newer file replaces the days that it has
        replaced_together=("location_id", "product_id", "made_at", "period_at"),
        how="distinct",
        is_needed=True,
    ),
    Dataset(
        "sales",
        "silver.sales",
        "sales, one row per location, product, moment and price; negative units are returns",
        r"rawdata/sales_.+",
        (
            LOCATION,
            PRODUCT,
            Field(
                "TransactionDateTime", "sold_at", "day_or_moment", "", "moment of the sale, or its day in daily files"
            ),
            Field("Units", "units", "number", "units", "units sold", is_whole_of_piece=True),
            cost(
                "Price",
                "unit_price",
                "money/unit",
                "price of one unit; rows with price 0 are spoilage and go to silver.spoilage",
            ),
        ),
        ("location_id", "product_id", "sold_at", "unit_price"),
        ("sold_at", "location_id"),
        how="summed",
    ),
    Dataset(
        "inventory",
        "silver.stock_lots",
        "stock counts, one row per lot: units with the same expiry counted at the same moment",
        r"rawdata/inv_.+",
        (
            LOCATION,
            PRODUCT,
            Field("InventoryDateTime", "snapshot_at", "day_or_moment", "", "when the stock was counted"),
            Field("Units", "units", "number", "units", "units in the lot", minimum=0.0, is_whole_of_piece=True),
            Field(
                "ExpiryDateTime",
                "expires_at",
                "day",
                "",
                "when the lot expires; none when it does not",
                is_required=False,
            ),
        ),
        ("location_id", "product_id", "snapshot_at", "lot_number"),
        ("snapshot_at", "location_id"),
        replaced_together=("location_id", "product_id", "snapshot_at"),
        how="lots",
        is_needed=True,
    ),
    Dataset(
        "orders",
        "silver.landed_orders",
        "orders known to other systems, and whether they were received",
        r"orders/[^/]+/orders_[^/]+",
        (
            Field("InventoryPolicyName", "policy_name", "text", "", "who ordered", also=("PolicyName",)),
            LOCATION,
            PRODUCT,
            SUPPLIER,
            Field("Quantity", "quantity", "number", "units", "units ordered", minimum=0.0, is_whole_of_piece=True),
            Field("OrderTimestamp", "ordered_at", "timestamp", "", "when it was ordered"),
            Field("ETA", "eta", "day", "", "expected time of arrival", is_required=False),
            Field(
                "ConfidenceInterval",
                "eta_confidence",
                "number",
                "days",
                "the arrival is this much more or less",
                is_required=False,
                minimum=0.0,
            ),
            Field("Fulfilled", "is_received", "flag", "", "whether it was delivered", is_required=False),
        ),
        ("policy_name", "location_id", "product_id", "source_id", "ordered_at", "quantity"),
        sticky=("is_received",),
    ),
)
