"""The thirteen datasets that land as files: their names, headers, and the typed silver table that each becomes.

The formats are those of the technical guide's "Data Schema". One declaration serves everything: which files belong to a
dataset, which headers are accepted, how a text becomes a value, which values are refused, and the silver table's
columns with unit and meaning. A user's own headers and file names come in through `mapping` in the configuration, not
through code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from invopt.tables.columns import Column

# how the text of a field becomes a value, and the SQL type of that value
KINDS = {
    "id": "string",  # "5.0" is "5"
    "text": "string",
    "number": "double",
    "price": "double",  # 0 means that it is not known
    "limit": "double",  # -1 means no limit
    "duration": "int",  # "3 days", "1 week", "2 months", in days; empty means that there is none
    "timestamp": "timestamp",
    "flag": "boolean",
    "price_breaks": "string",  # "50: 9.5; 100: 9": from 50 units on a unit costs 9.5, from 100 on 9
}


@dataclass(frozen=True)
class Field:
    """One column of a landed file and the silver column it becomes."""

    header: str
    column: str
    kind: str
    unit: str
    meaning: str
    is_required: bool = True  # a row without it is rejected, and so is a file whose header lacks it
    also: tuple[str, ...] = ()  # other spellings of the header, compared without case, blanks and underscores
    minimum: float | None = None
    maximum: float | None = None
    is_whole: bool = False
    may_lack: bool = False  # a file may come without this column

    def silver_column(self) -> Column:
        return Column(self.column, KINDS[self.kind], self.unit, self.meaning, is_nullable=not self.is_required)


@dataclass(frozen=True)
class Dataset:
    """A kind of file: which files it is made of, their fields, and the key under which a later file replaces an
    earlier one.
    """

    name: str
    table: str
    meaning: str
    files: str  # regular expression on the path below the landing zone, without its ending
    fields: tuple[Field, ...]
    keys: tuple[str, ...]
    cluster_by: tuple[str, ...] = ()
    replaced_together: tuple[
        str, ...
    ] = ()  # a newer file replaces all rows that share these; the key itself where empty
    how: str = (
        "one_line"  # how lines of one key become one row: one_line, summed, lots or distinct; see pipelines/newest.py
    )
    sticky: tuple[str, ...] = ()  # flags that stay true once they were

    def path_pattern(self) -> re.Pattern[str]:
        return re.compile(rf"(?:^|/)(?:{self.files})\.(csv|csv\.gz|parquet)$", re.IGNORECASE)


def normal_header(header: str) -> str:
    """The form in which headers are compared: no byte-order mark, quotes, blanks, underscores or case."""
    return re.sub(r"[\s_\"'\ufeff]", "", header).lower()


def _id(header: str, column: str, meaning: str, *, also: tuple[str, ...] = ()) -> Field:
    return Field(header, column, "id", "", meaning, also=also)


def _cost(header: str, column: str, unit: str, meaning: str, **more) -> Field:
    return Field(header, column, "number", unit, meaning, minimum=0.0, **more)


def _static(name: str) -> str:
    """`stores.csv`, `stores_2017-02-01.csv` (a later delivery) or a folder `stores/part-0.csv`, never
    `store_storage.csv`.
    """
    return rf"publicparameters/{name}(?:[_-]\d[^/]*|/[^/]+)?"


LOCATION = _id("StoreID", "location_id", "store")
PRODUCT = _id("ProductID", "product_id", "product")
SUPPLIER = _id("SupplierID", "source_id", "supplier")

DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "stores",
        "silver.locations",
        "stores, one row each",
        _static("stores"),
        (
            LOCATION,
            Field("StoreName", "location_name", "text", "", "name", is_required=False),
            _cost(
                "AvgHouseHoldIncome",
                "average_household_income",
                "money/year",
                "of the customers; not used by any policy",
                is_required=False,
            ),
            _cost("AvgTraffic", "average_traffic", "visitors/day", "not used by any policy", is_required=False),
        ),
        ("location_id",),
    ),
    Dataset(
        "store_storage",
        "silver.storages",
        "storage spaces of a location",
        _static("store_storage"),
        (
            LOCATION,
            _id("StorageID", "storage_id", "storage space"),
            Field("StorageName", "storage_name", "text", "", "name", is_required=False),
            _cost("StorageVolume", "storage_volume", "volume", "volume of the space", is_required=False),
            Field(
                "StorageCostBudget",
                "storage_cost_budget",
                "limit",
                "money/day",
                "limit on the storage cost of all that lies there",
                is_required=False,
                minimum=0.0,
            ),
        ),
        ("location_id", "storage_id"),
    ),
    Dataset(
        "store_departments",
        "silver.departments",
        "departments of a location",
        _static("store_departments"),
        (
            LOCATION,
            _id("DepartmentID", "department_id", "department"),
            Field("DepartmentName", "department_name", "text", "", "name", is_required=False),
        ),
        ("location_id", "department_id"),
    ),
    Dataset(
        "brands",
        "silver.brands",
        "brands",
        _static("brands"),
        (
            _id("BrandID", "brand_id", "brand"),
            Field("BrandName", "brand_name", "text", "", "name", is_required=False),
        ),
        ("brand_id",),
    ),
    Dataset(
        "brands_products",
        "silver.products",
        "products",
        _static("brands_products"),
        (
            _id("BrandID", "brand_id", "brand"),
            PRODUCT,
            Field("ProductName", "product_name", "text", "", "name", is_required=False),
            Field(
                "MSRP",
                "list_price",
                "price",
                "money/unit",
                "suggested retail price; unknown when the file says 0",
                is_required=False,
                minimum=0.0,
            ),
            _cost("ProductVolume", "unit_volume", "volume/unit", "volume of one unit", is_required=False),
            Field(
                "ShelfLife",
                "shelf_life",
                "duration",
                "days",
                "from receipt to expiry; none when the product does not expire",
                is_required=False,
                minimum=0.0,
            ),
        ),
        ("product_id",),
    ),
    Dataset(
        "store_department_brand_products",
        "silver.assortment",
        "what each location sells, and in which department",
        _static("store_department_brand_products"),
        (
            LOCATION,
            _id("DepartmentID", "department_id", "department"),
            _id("BrandID", "brand_id", "brand"),
            PRODUCT,
            Field(
                "MSRP",
                "list_price",
                "price",
                "money/unit",
                "suggested retail price there",
                is_required=False,
                minimum=0.0,
            ),
            _cost("DisposalCost", "disposal_cost", "money/unit", "cost of disposing of one unit", is_required=False),
        ),
        ("location_id", "product_id"),
    ),
    Dataset(
        "store_product_storage",
        "silver.product_storage",
        "where and at what cost a location keeps a product",
        _static("store_product_storage"),
        (
            LOCATION,
            _id("StorageID", "storage_id", "storage space"),
            PRODUCT,
            _cost("StorageCost", "holding_cost", "money/unit/day", "cost of keeping one unit for a day"),
            _cost(
                "MissedSaleCost",
                "lost_sale_cost",
                "money/unit",
                "cost of a demand that finds no stock",
                is_required=False,
            ),
            Field(
                "MinInventorySize",
                "min_inventory",
                "limit",
                "units",
                "least stock wanted on the shelf",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "MaxInventorySize", "max_inventory", "limit", "units", "most that fits", is_required=False, minimum=0.0
            ),
        ),
        ("location_id", "storage_id", "product_id"),
    ),
    Dataset(
        "suppliers",
        "silver.suppliers",
        "suppliers and the limits of one of their orders",
        _static("suppliers"),
        (
            SUPPLIER,
            Field("SupplierName", "source_name", "text", "", "name", is_required=False),
            _cost(
                "ShippingCost", "fixed_order_cost", "money/order", "cost of a single shipping, whatever it holds [K]"
            ),
            Field(
                "MinShippingVolume",
                "min_shipping_volume",
                "limit",
                "volume",
                "least volume of an order",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "MaxShippingVolume",
                "max_shipping_volume",
                "limit",
                "volume",
                "largest volume of an order",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "FixedOrderSize",
                "fixed_order_size",
                "limit",
                "units",
                "exact number of units of an order",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "PurchaseCostBudget",
                "purchase_cost_budget",
                "limit",
                "money",
                "largest cost of an order",
                is_required=False,
                minimum=0.0,
            ),
        ),
        ("source_id",),
    ),
    Dataset(
        "store_product_supplier",
        "silver.product_suppliers",
        "who supplies a product to a location, and on what terms",
        _static("store_product_supplier"),
        (
            LOCATION,
            SUPPLIER,
            PRODUCT,
            Field("LeadTime", "lead_time", "number", "days", "from order to receipt [L]", minimum=0.0),
            Field(
                "LeadTimeConfidenceInterval",
                "lead_time_confidence",
                "number",
                "days",
                "the lead time is this much more or less",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "MinOrderQuantity",
                "min_order_quantity",
                "limit",
                "units",
                "least quantity of an order line",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "MaxOrderQuantity",
                "max_order_quantity",
                "limit",
                "units",
                "largest quantity of an order line",
                is_required=False,
                minimum=0.0,
            ),
            Field(
                "QuantityMultiplier",
                "quantity_multiple",
                "limit",
                "units",
                "a line is a multiple of it",
                is_required=False,
                minimum=0.0,
            ),
            _cost("Cost", "purchase_cost", "money/unit", "purchase price of one unit"),
            Field(
                "PriceBreaks",
                "price_breaks",
                "price_breaks",
                "units:money/unit",
                'purchase price from larger quantities on, such as "50: 9.5; 100: 9"; not in the guide',
                is_required=False,
                may_lack=True,
            ),
            _cost("BackorderCost", "backorder_cost", "money/unit[/day]", "cost of one unit of backorder [p, pi]"),
            _cost("ShippingCost", "unit_shipping_cost", "money/unit", "cost of shipping one unit", is_required=False),
            Field(
                "PurchaseCostBudget",
                "purchase_cost_budget",
                "limit",
                "money",
                "largest cost of an order line",
                is_required=False,
                minimum=0.0,
                may_lack=True,
            ),
            Field(
                "ShipmentFreq",
                "shipping_interval",
                "duration",
                "days",
                "least time between two shipments",
                is_required=False,
                minimum=0.0,
                also=("ShiupmentFreq", "ShippingFreq"),
            ),
            Field(
                "ServiceLevel",
                "service_level",
                "number",
                "fraction",
                "fraction of demand that should be met from stock",
                is_required=False,
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        ("location_id", "product_id", "source_id"),
    ),
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
            Field("DateTime", "period_at", "timestamp", "", "the day that it is for"),
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
        replaced_together=("location_id", "product_id", "made_at"),
        how="distinct",
    ),
    Dataset(
        "sales",
        "silver.sales",
        "sales, one row per location, product, moment and price; negative units are returns",
        r"rawdata/sales_.+",
        (
            LOCATION,
            PRODUCT,
            Field("TransactionDateTime", "sold_at", "timestamp", "", "moment of the sale, or its day in daily files"),
            Field("Units", "units", "number", "units", "units sold", is_whole=True),
            _cost(
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
            Field("InventoryDateTime", "snapshot_at", "timestamp", "", "when the stock was counted"),
            Field("Units", "units", "number", "units", "units in the lot", minimum=0.0, is_whole=True),
            Field(
                "ExpiryDateTime",
                "expires_at",
                "timestamp",
                "",
                "when the lot expires; none when it does not",
                is_required=False,
            ),
        ),
        ("location_id", "product_id", "snapshot_at", "lot_number"),
        ("snapshot_at", "location_id"),
        replaced_together=("location_id", "product_id", "snapshot_at"),
        how="lots",
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
            Field("Quantity", "quantity", "number", "units", "units ordered", minimum=0.0, is_whole=True),
            Field("OrderTimestamp", "ordered_at", "timestamp", "", "when it was ordered"),
            Field("ETA", "eta", "timestamp", "", "expected time of arrival", is_required=False),
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

BY_NAME = {dataset.name: dataset for dataset in DATASETS}


def with_mapping(mapping: dict) -> tuple[Dataset, ...]:
    """The datasets with a user's own file patterns and headers added to the standard ones.

    mapping : dataset name -> {"files": regular expression or None, "headers": {standard header: own header}}
    """
    mapped = []
    for dataset in DATASETS:
        own = mapping.get(dataset.name)
        if own is not None:
            fields = tuple(
                replace(field, also=(*field.also, *own.headers_of(field.header))) for field in dataset.fields
            )
            files = f"{dataset.files}|{own.files}" if own.files else dataset.files
            dataset = replace(dataset, fields=fields, files=files)
        mapped.append(dataset)
    return tuple(mapped)
