"""gold.demand_forecasts and gold.item_state: given silver rows, expected rows. One query answers all cases; each
case is a product.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pyspark.sql import functions as F

from invopt.config import Config
from invopt.pipelines import item_views
from invopt.spark import sql
from invopt.tables import DEMAND_FORECASTS, ITEM_STATE, ORDERS, SPOILAGE, UNREAD, silver
from invopt.tables.datasets import DATASETS

AS_OF = datetime(2017, 1, 10, tzinfo=UTC)
MAX_AGE = 14
TABLES = {silver(dataset).name.split(".")[1]: silver(dataset) for dataset in DATASETS}
TABLES |= {"orders": ORDERS, "spoilage": SPOILAGE}


def day(n: int, hour: int = 0) -> datetime:
    """n days after AS_OF."""
    return AS_OF + timedelta(days=n, hours=hour)


class Given:
    """Silver rows, with what does not matter filled in; a product that is given a supply is an item."""

    def __init__(self):
        self.rows = {name: [] for name in TABLES}

    def add(self, table: str, **values):
        unknown = set(values) - set(TABLES[table].column_names)
        assert not unknown, unknown
        self.rows[table].append(values)

    def supply(self, product, location="L1", source="S1", **values):
        terms = {"lead_time": 2.0, "purchase_cost": 10.0, "backorder_cost": 3.0, "unit_shipping_cost": 1.5}
        self.add("product_suppliers", location_id=location, product_id=product, source_id=source, **terms | values)

    def stored(self, product, location="L1", storage="A", **values):
        self.add(
            "product_storage",
            location_id=location,
            product_id=product,
            storage_id=storage,
            **{"holding_cost": 0.2} | values,
        )

    def lot(self, product, units, expires=None, counted=AS_OF, location="L1"):
        self.add(
            "stock_lots",
            location_id=location,
            product_id=product,
            units=float(units),
            expires_at=expires,
            snapshot_at=counted,
        )

    def landed(self, product, quantity, eta, policy="s_Q", ordered=None, received=False, source="S1"):
        self.add(
            "landed_orders",
            policy_name=policy,
            location_id="L1",
            product_id=product,
            source_id=source,
            quantity=float(quantity),
            ordered_at=ordered or day(-5),
            eta=eta,
            is_received=received,
            order_id="",
            order_number="",
            file_number=1,
        )

    def own(self, product, quantity, eta, ordered=None, status="open"):
        self.add(
            "orders",
            order_id=f"{product} {quantity}",
            policy_id="mine",
            location_id="L1",
            product_id=product,
            source_id="S1",
            quantity=float(quantity),
            ordered_at=ordered or day(-5),
            eta=eta,
            status=status,
        )

    def forecast(self, product, values, made=AS_OF, first=0, location="L1", **common):
        """values : per day a mean, or {value: probability} of an explicit distribution; None leaves the day out."""
        for n, value in enumerate(values):
            points = value if isinstance(value, dict) else {} if value is None else {value: 1.0}
            for demand, probability in points.items():
                self.add(
                    "forecast_points",
                    location_id=location,
                    product_id=product,
                    made_at=made,
                    period_at=day(first + n),
                    demand=float(demand),
                    probability=probability,
                    **common,
                )

    def item(self, product, means=(2,) * 30, **terms):
        """A product with all that a policy needs."""
        self.supply(product, **terms)
        self.stored(product)
        self.forecast(product, means, demand_distribution="Poisson")

    def views(self, spark):
        frames = {}
        for name, rows in self.rows.items():
            columns = TABLES[name].columns
            schema = ", ".join(f"{column.name} {column.type}" for column in columns)
            frames[name] = spark.createDataFrame(
                [tuple(row.get(column.name) for column in columns) for row in rows], schema
            )
        return frames


def state_of(spark, given: Given, as_of: datetime) -> dict:
    views = given.views(spark)
    values = {"run_id": "r", "as_of": as_of}
    forecasts = sql.query(
        spark,
        sql.text("gold/demand_forecasts"),
        {"forecast_points": views["forecast_points"]},
        values | {"oldest": as_of - timedelta(days=MAX_AGE)},
    )
    assert forecasts.columns == list(DEMAND_FORECASTS.column_names)
    # lines of earlier cycles; test_order_cycles.py has those of a run's own cycle
    on_order = views["orders"].where((F.col("status") == "open") & (F.col("ordered_at") < F.lit(as_of)))
    tables = {name: views[name] for name in item_views.TABLES}
    tables |= {"own_on_order": on_order, "orders": views["orders"], "demand_forecasts": forecasts}
    of_views = values | {"horizon": 28, "forecast_max_age": MAX_AGE, "baselines": ["Sim"]}
    of_views |= {"longest_lead_time": 3650.0, "landed_until": as_of, "late_order_max_age": 30, "policies": ["mine"]}
    of_views |= item_views.values_of_stock(Config.model_validate({"lakehouse": {"root": "-"}, "landing": "-"}), as_of)
    schema = ", ".join(f"{column.name} {column.type}" for column in UNREAD.columns)
    tables["unread"] = spark.createDataFrame([], schema)
    state = item_views.make_views(spark, tables, of_views)["item_state"]
    assert set(state.columns) == set(ITEM_STATE.column_names)
    rows = state.collect()
    keyed = {(row["location_id"], row["product_id"], row["source_id"]): row for row in rows}
    assert len(keyed) == len(rows)
    return keyed


LEAD_TIME_OF_RANDOM = 4


def random_lots(rng):
    """Lots of a product, as (units, days left), and its demand per day."""
    lots = [(int(rng.integers(0, 12)), int(rng.integers(1, 9))) for _ in range(rng.integers(1, 6))]
    return lots, rng.integers(0, 5, 30).tolist()


RANDOM = [random_lots(np.random.default_rng(seed)) for seed in range(40)]


def fill(given: Given) -> None:
    given.add("suppliers", source_id="S1", fixed_order_cost=50.0)
    given.add("suppliers", source_id="S2", fixed_order_cost=70.0)
    # costs and limits
    given.item(
        "plain",
        lead_time_confidence=1.0,
        min_order_quantity=2.0,
        quantity_multiple=6.0,
        service_level=0.9,
        shipping_interval=7,
    )
    given.add("products", product_id="plain", brand_id="B", list_price=9.0, unit_volume=0.5, shelf_life=21)
    given.add(
        "assortment",
        location_id="L1",
        product_id="plain",
        department_id="D3",
        brand_id="B",
        list_price=None,
        disposal_cost=0.25,
    )
    given.item("no_shipping", unit_shipping_cost=None)
    given.item("with_limits", source="S3", price_breaks="100:8.5;50:9")
    given.add("suppliers", source_id="S3", fixed_order_cost=5.0, max_shipping_volume=40.0, purchase_cost_budget=900.0)
    given.add("storages", location_id="L1", storage_id="A", storage_cost_budget=12.5)
    given.item("ordered_before")
    given.landed("ordered_before", 3, day(-7), ordered=day(-9), received=True)
    given.own("ordered_before", 3, day(-2), ordered=day(-4, 5))
    given.own("ordered_before", 3, day(2), ordered=day(-1), status="cancelled")
    given.own("ordered_before", 3, day(2), ordered=AS_OF)
    given.item("two_sources")
    given.supply("two_sources", source="S2", purchase_cost=11.0, unit_shipping_cost=0.0)
    given.item("equal_sources", lead_time=3.0)
    given.supply("equal_sources", source="S2", lead_time=1.0)
    given.supply("two_spaces")
    given.forecast("two_spaces", [2] * 30)
    given.stored("two_spaces", storage="A", holding_cost=0.3, max_inventory=10.0, min_inventory=1.0, lost_sale_cost=4.0)
    given.stored("two_spaces", storage="B", holding_cost=0.1, max_inventory=5.0, min_inventory=2.0, lost_sale_cost=5.0)
    given.supply("one_space_without_limit")
    given.stored("one_space_without_limit", storage="A", max_inventory=10.0)
    given.stored("one_space_without_limit", storage="B", max_inventory=None)
    # stock: 5 units expire in 2 days (4 sold until then), 10 in 3 days (6 sold of 15): 9 are lost
    given.item("expiring", lead_time=3.0)
    for units, expires in ((5, day(2, 7)), (10, day(3)), (4, None), (7, day(10)), (90, day(-1)), (80, AS_OF)):
        given.lot("expiring", units, expires)
    given.item("all_expires", means=(0,) * 30, lead_time=3.0)
    given.lot("all_expires", 6, day(1))
    given.item("expires_without_forecast")
    given.rows["forecast_points"] = [
        row for row in given.rows["forecast_points"] if row["product_id"] != "expires_without_forecast"
    ]
    given.lot("expires_without_forecast", 6, day(1))
    given.item("not_counted")
    given.item("counted_twice_a_day")
    given.lot("counted_twice_a_day", 10, counted=day(-1, 6))
    given.lot("counted_twice_a_day", 8, counted=AS_OF)
    given.item("counted_twice_a_day", location="L4")
    given.lot("counted_twice_a_day", 10, counted=day(-1, 6), location="L4")
    given.lot("counted_twice_a_day", 3, counted=day(-1, 18), location="L4")
    given.lot("counted_twice_a_day", 4, expires=day(9), counted=day(-1, 18), location="L4")
    given.lot("counted_once_a_day", 1, counted=day(-1, 6), location="L4")
    given.item("counted_once_a_day", location="L4")
    given.item("stale", location="L2")
    given.lot("stale", 5, counted=day(-4), location="L2")
    given.lot("stale", 50, counted=day(-5), location="L2")
    given.item("never_counted", location="L3")
    # open orders
    given.item("on_order")
    given.landed("on_order", 4, day(2))
    given.landed("on_order", 3, day(-2))
    given.landed("on_order", 20, None, ordered=day(-4))
    given.landed("on_order", 900, day(2), received=True)
    given.landed("on_order", 800, day(2), policy="Sim")
    given.landed("on_order", 700, day(2), ordered=day(0, 1))
    given.landed("on_order", 5, day(1), source="S2")
    given.item("ordered_lately")
    given.landed("ordered_lately", 9, day(3), ordered=day(-1, 18))
    # came back under another policy's name, and with another quantity
    given.own("ordered_lately", 2, day(3), ordered=day(-1, 18))
    given.own("on_order", 6, day(1), ordered=day(-5, 3))
    given.own("on_order", 600, day(1), status="cancelled", ordered=day(-6))
    given.own("on_order", 500, day(1), ordered=AS_OF)
    given.own("on_order", 400, day(1), ordered=day(-7))  # came back as received
    given.landed("on_order", 400, day(1), policy="mine", ordered=day(-7), received=True)
    given.own("on_order", 7, day(1), ordered=day(-8))  # came back, still open: once
    given.landed("on_order", 7, day(1), policy="mine", ordered=day(-8))
    # forecasts
    for name in (
        "deterministic",
        "poisson",
        "normal",
        "normal_without_variance",
        "pmf",
        "pmf_with_certain_days",
        "pmf_of_fractions",
        "gap",
        "pmf_gap",
        "mixed",
        "made_twice",
        "made_later",
        "made_long_ago",
        "ended",
        "starts_later",
        "none",
        "half_days",
        "half_days_of_pmf",
    ):
        given.supply(name)
        given.stored(name)
    given.forecast("deterministic", [1, 2, 3.5])
    given.forecast("poisson", [0.5, 2], demand_distribution="Poisson")
    given.forecast("normal", [10, 12], demand_distribution="normal", demand_variance=4.0)
    given.forecast("normal_without_variance", [10, 12], demand_distribution="Normal")
    given.forecast("pmf", [{0: 0.5, 2: 0.25, 4: 0.25}, {1: 0.5, 3: 0.5}])
    given.forecast("pmf_with_certain_days", [{0: 0.5, 2: 0.5}, {3: 1.0}, {0: 1.0}])
    given.forecast("pmf_of_fractions", [{0: 0.5, 2.5: 0.5}])
    given.forecast("gap", [1, None, 3], demand_distribution="Poisson")
    given.forecast("pmf_gap", [{0: 0.5, 2: 0.5}, None, {0: 0.5, 2: 0.5}])
    given.forecast("mixed", [1], demand_distribution="Poisson")
    given.forecast("mixed", [1], first=1, demand_distribution="Normal", demand_variance=1.0)
    given.forecast("made_twice", [1] * 9, made=day(-2), first=-2)
    given.forecast("made_twice", [5, 6, 7, 8], made=day(-1), first=-1)
    given.forecast("made_later", [1, 1], made=day(-3), first=-3)
    given.forecast("made_later", [3] * 9, made=day(-1), first=-1)
    given.forecast("made_later", [9] * 9, made=day(1, 0), first=0)
    given.forecast("made_long_ago", [1] * 60, made=day(-MAX_AGE - 1), first=-MAX_AGE - 1)
    given.forecast("ended", [1] * 3, made=day(-3), first=-3)
    given.forecast("starts_later", [4, 5], first=2)
    for hour, value in ((0, 1.0), (12, 3.0)):
        of_half_day = {"location_id": "L1", "made_at": AS_OF, "period_at": day(0, hour)}
        given.add("forecast_points", product_id="half_days", demand=value, demand_distribution="Poisson", **of_half_day)
        for demand in (value, 2.0):
            given.add("forecast_points", product_id="half_days_of_pmf", demand=demand, probability=0.5, **of_half_day)
    # lead-time demand
    given.item("fraction_of_a_day", means=(1, 2, 3, 4), lead_time=2.5)
    given.item("beyond_the_forecast", means=(2, 2, 5), lead_time=5.0)
    given.item("uncertain", means=(3,) * 20, lead_time=4.0, lead_time_confidence=2.5)
    given.item("at_once", lead_time=0.0)
    # items that lack something
    given.supply("no_storage_cost")
    given.forecast("no_storage_cost", [1] * 9)
    given.item("unknown_supplier", source="S9")
    for number, (lots, demand) in enumerate(RANDOM):
        given.item(f"random{number}", means=demand, lead_time=float(LEAD_TIME_OF_RANDOM))
        for units, days_left in lots:
            given.lot(f"random{number}", units, day(days_left))


@pytest.fixture(scope="module")
def given():
    given = Given()
    fill(given)
    return given


@pytest.fixture(scope="module")
def state(spark, given):
    return state_of(spark, given, AS_OF)


def test_every_supply_is_an_item_once(given, state):
    expected = {(row["location_id"], row["product_id"], row["source_id"]) for row in given.rows["product_suppliers"]}
    assert set(state) == expected
    assert {row["as_of"].astimezone(UTC) for row in state.values()} == {AS_OF}


def test_price_breaks_and_budgets(state):
    row = state["L1", "with_limits", "S3"]
    # ascending, and shipping a unit costs the same at every price
    assert (row["price_break_quantity"], row["price_break_cost"]) == ([50.0, 100.0], [10.5, 10.0])
    assert (row["storage_cost_budget"], row["purchase_budget"], row["max_shipping_volume"]) == (12.5, 900.0, 40.0)
    plain = state["L1", "plain", "S1"]
    assert (
        plain["price_break_quantity"] is None and plain["price_break_cost"] is None and plain["purchase_budget"] is None
    )


def test_the_last_order_is_the_newest_before_as_of_received_or_not(state):
    assert state["L1", "ordered_before", "S1"]["last_ordered_at"] == day(-4, 5).replace(tzinfo=None)
    assert state["L1", "plain", "S1"]["last_ordered_at"] is None


def test_costs_and_limits(state):
    row = state["L1", "plain", "S1"]
    expected = {
        "unit_cost": 11.5,
        "fixed_order_cost": 50.0,
        "holding_cost": 0.2,
        "backorder_cost": 3.0,
        "disposal_cost": 0.25,
        "list_price": 9.0,
        "unit_volume": 0.5,
        "shelf_life": 21,
        "department_id": "D3",
        "storage_id": "A",
        "lead_time": 2.0,
        "lead_time_confidence": 1.0,
        "min_order_quantity": 2.0,
        "max_order_quantity": None,
        "quantity_multiple": 6.0,
        "service_level": 0.9,
        "shipping_interval": 7,
        "source_rank": 1,
        "problem": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert state["L1", "no_shipping", "S1"]["unit_cost"] == 10.0
    spaces = state["L1", "two_spaces", "S1"]
    assert (spaces["storage_id"], spaces["holding_cost"], spaces["lost_sale_cost"]) == ("B", 0.1, 5.0)
    assert (spaces["min_inventory"], spaces["max_inventory"]) == (3.0, 15.0)
    # one space without a limit takes all
    assert state["L1", "one_space_without_limit", "S1"]["max_inventory"] is None


def test_the_cheapest_source_comes_first_and_each_has_its_supplier_s_order_cost(state):
    ranked = {source: state["L1", "two_sources", source] for source in ("S1", "S2")}
    assert {
        source: (row["source_rank"], row["unit_cost"], row["fixed_order_cost"]) for source, row in ranked.items()
    } == {"S1": (2, 11.5, 50.0), "S2": (1, 11.0, 70.0)}
    # at equal cost the faster one
    assert (
        state["L1", "equal_sources", "S2"]["source_rank"] == 1
        and state["L1", "equal_sources", "S1"]["source_rank"] == 2
    )


def stock(row):
    return row["on_hand"], row["expiring"], row["is_stock_stale"]


def test_stock_net_of_what_expires_before_an_order_could_arrive(state):
    row = state["L1", "expiring", "S1"]
    assert stock(row) == (26.0, 9.0, False)
    assert row["inventory_position"] == 17.0
    assert stock(state["L1", "all_expires", "S1"]) == (6.0, 6.0, False)
    assert stock(state["L1", "expires_without_forecast", "S1"]) == (6.0, 6.0, False)


@pytest.mark.parametrize("number", range(len(RANDOM)))
def test_expiry_is_what_a_day_by_day_simulation_loses(state, number):
    lots, demand = RANDOM[number]
    left = sorted([days_left, units] for units, days_left in lots)
    lost = 0
    for today in range(LEAD_TIME_OF_RANDOM + 1):
        lost += sum(units for days_left, units in left if days_left == today)
        left = [lot for lot in left if lot[0] > today]
        wanted = demand[today]
        for lot in left:  # the oldest first
            sold = min(wanted, lot[1])
            lot[1], wanted = lot[1] - sold, wanted - sold
    row = state["L1", f"random{number}", "S1"]
    assert (row["on_hand"], row["expiring"]) == (sum(units for units, _ in lots), lost)


def test_a_count_that_is_late_is_stale_and_not_empty(state):
    assert stock(state["L1", "not_counted", "S1"]) == (0.0, 0.0, False)
    stale, never = state["L2", "stale", "S1"], state["L3", "never_counted", "S1"]
    assert stock(stale) == (None, None, True) and stale["snapshot_at"].astimezone(UTC) == day(-4)
    assert stale["problem"].startswith("the stock count of 2017-01-06 is older than 3 days") and stale["is_blocked"]
    assert stock(never) == (None, None, True) and never["problem"].startswith("the location has no stock count")


def test_of_two_counts_the_newer_counts(state):
    assert stock(state["L1", "counted_twice_a_day", "S1"]) == (8.0, 0.0, False)
    # on one day, product by product: 3 + 4 of the evening replace the 10 of the morning
    assert state["L4", "counted_twice_a_day", "S1"]["on_hand"] == 7.0
    assert state["L4", "counted_once_a_day", "S1"]["on_hand"] == 1.0


def test_what_is_on_order_is_netted_until_it_is_received_late_ones_too(state):
    row = state["L1", "on_order", "S1"]
    # the 20 have no ETA: they were due after a lead time of 2 days, and were ordered 4 days ago
    assert (row["on_order"], row["on_order_late"]) == (4 + 3 + 20 + 5 + 6 + 7, 3 + 20)
    assert row["inventory_position"] == row["on_order"]
    assert state["L1", "ordered_lately", "S1"]["on_order"] == 9.0


def forecast(state, product):
    row = state["L1", product, "S1"]
    pmf = row["demand_pmf"]
    return row["demand_distribution"], row["demand_mean"], row["demand_variance"], pmf


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        ("deterministic", ("deterministic", [1.0, 2.0, 3.5], None, None)),
        ("poisson", ("poisson", [0.5, 2.0], [0.5, 2.0], None)),
        ("normal", ("normal", [10.0, 12.0], [4.0, 4.0], None)),
        ("normal_without_variance", ("normal", [10.0, 12.0], None, None)),
        ("pmf", ("pmf", [1.5, 2.0], [2.75, 1.0], [[0.5, 0.0, 0.25, 0.0, 0.25], [0.0, 0.5, 0.0, 0.5]])),
        (
            "pmf_with_certain_days",
            ("pmf", [1.0, 3.0, 0.0], [1.0, 0.0, 0.0], [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0, 1.0], [1.0]]),
        ),
        ("pmf_of_fractions", ("pmf", [1.25], [1.5625], [None])),
        ("gap", ("poisson", [1.0, None, 3.0], [1.0, None, 3.0], None)),
        ("pmf_gap", ("pmf", [1.0, None, 1.0], [1.0, None, 1.0], None)),
        ("mixed", ("several forms", [1.0, 1.0], [1.0, 1.0], None)),
        ("made_twice", ("deterministic", [6.0, 7.0, 8.0], None, None)),
        ("made_later", ("deterministic", [3.0] * 8, None, None)),
        ("starts_later", ("deterministic", [4.0, 5.0], None, None)),
        ("made_long_ago", (None, None, None, None)),
        ("ended", (None, None, None, None)),
        ("none", (None, None, None, None)),
        # periods of one day add up, except distributions, which a policy then refuses by this name
        ("half_days", ("poisson", [4.0], [4.0], None)),
        ("half_days_of_pmf", ("several distributions a day", [4.0], [0.5], None)),
    ],
)
def test_forms_of_a_forecast(state, product, expected):
    assert forecast(state, product) == expected


def test_the_horizon_is_as_long_as_asked_for(state):
    assert len(state["L1", "plain", "S1"]["demand_mean"]) == 28


@pytest.mark.parametrize(
    ("product", "mean", "variance"),
    [
        ("fraction_of_a_day", 1 + 2 + 0.5 * 3, 1 + 2 + 0.5 * 3),
        ("beyond_the_forecast", 9 + 2 * 3, 9 + 2 * 3),
        # whole days of confidence: 2, each of -2..2 as likely
        ("uncertain", 12, 12 + 9 * np.var([-2, -1, 0, 1, 2])),
        ("at_once", 0, 0),
        ("deterministic", 3, None),
        ("normal", 22, 8),
        ("pmf", 3.5, 3.75),
        ("none", None, None),
    ],
)
def test_demand_over_the_lead_time(state, product, mean, variance):
    row = state["L1", product, "S1"]
    found = row["lead_time_demand_mean"], row["lead_time_demand_variance"]
    assert found == (
        None if mean is None else pytest.approx(mean),
        None if variance is None else pytest.approx(variance),
    )


def test_what_is_missing_is_said(state):
    late = "no forecast made in the 14 days before 2017-01-10"
    assert state["L1", "none", "S1"]["problem"] == late == state["L1", "made_long_ago", "S1"]["problem"]
    assert state["L1", "no_storage_cost", "S1"]["problem"] == "no storage cost in store_product_storage"
    unknown = state["L1", "unknown_supplier", "S9"]
    assert unknown["problem"] == "its supplier is not in suppliers" and unknown["fixed_order_cost"] is None


def test_a_day_in_the_past_knows_nothing_of_what_came_later(spark, given):
    past = day(-1, 12)
    before = state_of(spark, given, past)
    assert stock(before["L1", "counted_twice_a_day", "S1"]) == (10.0, 0.0, False)
    assert stock(before["L1", "expiring", "S1"]) == (0.0, 0.0, False)
    assert before["L1", "made_twice", "S1"]["demand_mean"] == [5.0, 6.0, 7.0, 8.0]
    assert before["L1", "poisson", "S1"]["problem"] == "no forecast made in the 14 days before 2017-01-09"
    assert before["L1", "poisson", "S1"]["demand_mean"] is None
    assert before["L1", "ordered_lately", "S1"]["on_order"] == 0.0
    assert (before["L1", "on_order", "S1"]["on_order"], before["L1", "on_order", "S1"]["on_order_late"]) == (45.0, 23.0)
