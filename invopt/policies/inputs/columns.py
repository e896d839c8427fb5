"""Input columns that several policies need.

A column means the same and has the same unit and range in every policy, so it is declared here once. A column that only
one policy needs stands in that policy's file.
"""

from __future__ import annotations

from invopt.tables.columns import Column, required

LONGEST_LEAD_TIME = 3650.0

FIXED_ORDER_COST = Column(
    "fixed_order_cost", "double", "money/order", "cost of an order, whatever its size", is_nullable=False, minimum=0
)
UNIT_COST = Column(
    "unit_cost", "double", "money/unit", "what a unit costs to buy and ship", is_nullable=False, minimum=0
)
HOLDING_COST = Column(
    "holding_cost",
    "double",
    "money/unit/day",
    "cost of a unit in stock for a day; at 0 the largest order would be best",
    is_nullable=False,
    minimum=0,
    is_above_minimum=True,
)
BACKORDER_COST = Column(
    "backorder_cost",
    "double",
    "money/unit/day",
    "cost of a unit late for a day; for the guide's cost, of a unit late",
    is_nullable=False,
    minimum=0,
)
LEAD_TIME = Column(
    "lead_time", "double", "days", "from order to arrival", is_nullable=False, minimum=0, maximum=LONGEST_LEAD_TIME
)
LEAD_TIME_CONFIDENCE = Column(
    "lead_time_confidence",
    "double",
    "days",
    "the lead time is within this of lead_time; 0 when it is certain",
    is_nullable=False,
    minimum=0,
    maximum=LONGEST_LEAD_TIME,
    default=0.0,
)
# what a policy of a reorder point or a review period costs
STOCK_COSTS = (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST)
SERVICE_LEVEL = Column(
    "service_level", "double", "fraction", "what is asked for when params.service is not none; NULL asks for nothing"
)
STORAGE = required("storage_id", "string", "", "the storage space in which the product is kept")
STORAGE_COST_BUDGET = Column(
    "storage_cost_budget",
    "double",
    "money/day",
    "limit on the average storage cost of all that lies in the storage space, the same in each of its rows; NULL "
    "for none",
    minimum=0,
)
PRICE_BREAK_QUANTITY = Column(
    "price_break_quantity",
    "array<double>",
    "units",
    "order quantities, rising, from which the price_break_cost of the same place holds; NULL for none",
)
PRICE_BREAK_COST = Column(
    "price_break_cost",
    "array<double>",
    "money/unit",
    "unit costs from the price_break_quantity of the same place on, none above the one before; NULL for none",
)
LOST_SALE_COST = Column(
    "lost_sale_cost",
    "double",
    "money/unit",
    "cost of a unit that is asked for and not there; NULL for list_price - unit_cost",
    minimum=0,
)
DISPOSAL_COST = Column(
    "disposal_cost",
    "double",
    "money/unit",
    "cost of getting rid of a unit that was not sold; NULL for 0",
    minimum=0,
    default=0.0,
)
LIST_PRICE = Column("list_price", "double", "money/unit", "what a customer pays for a unit")
PURCHASE_BUDGET = Column(
    "purchase_budget",
    "double",
    "money/order",
    "limit on what all items bought from the source cost together, the same in each of their rows; NULL for none",
    minimum=0,
)
DEMAND_MEAN = Column(
    "demand_mean", "array<double>", "units/day", "mean demand of each period", is_nullable=False, minimum=0
)
DEMAND = (
    Column(
        "demand_distribution",
        "string",
        "",
        "poisson, normal, pmf or deterministic",
        is_nullable=False,
        default="poisson",
    ),
    DEMAND_MEAN,
    Column("demand_variance", "array<double>", "units^2/day", "variance of each period's demand; needed by normal"),
    Column("demand_pmf", "array<array<double>>", "", "[period][x]: probability that demand is x; needed by pmf"),
)
LEAD_TIME_DEMAND = (LEAD_TIME, LEAD_TIME_CONFIDENCE, *DEMAND)
