"""Orders that look like a slip are told with their numbers, or held until somebody confirms them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from invopt.config import Config, OrdersConfig
from invopt.pipelines.report import report
from invopt.spark import sql
from invopt.spark.stores import open_store
from invopt.tables import ORDER_REVIEWS, ORDERS, silver
from invopt.tables.datasets import BY_NAME
from tests.spark.test_order_cycles import AFTERNOON, CYCLE, MONDAY, TUESDAY, Chain, quantities, row, said_by

pytestmark = pytest.mark.slow

# ---------------------------------------------------------------------------------------------- what is found

DAY = timedelta(days=1)
CHECKS = ("days_of_demand", "above_sold", "unit_of_forecast", "unit_of_stock")
STATE = (
    "location_id string, product_id string, source_id string, demand_mean array<double>, min_order_quantity double, "
    "quantity_multiple double"
)
COUNTS = "location_id string, product_id string, snapshot_at timestamp, units double, expires_at timestamp"
SALES = "location_id string, product_id string, sold_at timestamp, units double"
ORDERED = "policy_id string, location_id string, product_id string, source_id string, quantity double"
VALUES = {
    "as_of": MONDAY,
    "since": MONDAY - 91 * DAY,
    "counts_since": MONDAY - 28 * DAY,
    "min_days_of_sales": 28,
    "max_days_of_demand": 60.0,
    "min_units": 10.0,
    "factors": [6.0, 10.0, 12.0, 24.0],
    "unit_tolerance": 0.1,
    "least_compared": 10.0,
    "checks": list(CHECKS),
    "held": ["days_of_demand"],
}
# product: (quantity, forecast per day, units sold per day, days with sales, minimum, multiple) -> its warnings
LINES = {
    # 120 units at 2 a day are 60 days
    "sixty": ((120, [2.0, 2.0], 2, 90, None, None), None),
    "longer": ((121, [1.0, 3.0], 2, 90, None, None), [("days_of_demand", 60.5, 60.0)]),
    "gap_in_forecast": ((121, [1.0, None, 3.0], 2, 90, None, None), [("days_of_demand", 60.5, 60.0)]),
    "few_units": ((9, [0.05], 0, 0, None, None), None),
    "slow": ((12, [0.05], 0, 0, None, None), [("days_of_demand", 240.0, 60.0)]),
    "a_case": ((12, [0.05], 0, 0, None, 12.0), [("days_of_demand", 240.0, 60.0)]),
    "no_demand": ((30, [0.0, 0.0], 0, 0, None, None), [("days_of_demand", None, 60.0)]),
    "no_forecast": ((5000, None, 0, 0, None, None), None),
    # 70 days at 3 are 210 units
    "as_sold": ((210, [4.0], 3, 70, None, None), None),
    "above_sold": ((211, [4.0], 3, 70, None, None), [("above_sold", 211.0, 210.0)]),
    # 28 days at 3 are 84 units, and 60 days 180
    "as_would_be_sold": ((180, [4.0], 3, 28, None, None), None),
    "just_enough_days": ((181, [4.0], 3, 28, None, None), [("above_sold", 181.0, 180.0)]),
    "too_few_days": ((181, [4.0], 3, 27, None, None), None),
    # a case of 12: 36 a day are forecast and 3 are sold; 4 % more is near enough, 15 % is not
    "cases": ((80, [36.0], 3, 60, None, None), [("unit_of_forecast", 12.0, 12.0)]),
    "nearly_cases": ((80, [37.5], 3, 60, None, None), [("unit_of_forecast", 12.5, 12.0)]),
    "growing": ((80, [24.0], 3, 60, None, None), None),
    "pieces": ((10, [1.0], 24, 60, None, None), [("unit_of_forecast", 1 / 24, 24.0)]),
    # one a day for 60 days, and 9.5 a day are forecast
    "all_of_it": (
        (240, [9.5], 1, 60, None, None),
        [("above_sold", 240.0, 60.0), ("unit_of_forecast", 9.5, 10.0)],
    ),
}
# product: (units sold a day, stock counts of the last days, the newest last) -> how many times less it is, or None
COUNTED = {
    # 5 a day are sold: 125 - 5 are 120 pieces, and 10 cases of 12
    "in_cases": ((5, [130, 125, 10]), 12.0),
    "in_cases_since": ((5, [130, 125, 10, 9, 9]), 12.0),
    "back_in_pieces": ((5, [130, 125, 10, 9, 110]), None),
    "sold_out": ((115, [130, 130, 10]), None),
    "delivered": ((5, [130, 10, 130, 125]), None),
    # 120 pieces were to be there; 15 are 8 times less, and 4 are too few to tell
    "other_factor": ((5, [125, 15]), None),
    "small": ((5, [53, 4]), None),
    # three quarters of the 125 were to be sold by Sunday evening, and the rest leaves 26
    "spoilt": ((5, [130, 125, 10]), None),
    "counted_once": ((5, [10]), None),
}


@pytest.fixture(scope="module")
def found(spark):
    """Product -> its row."""
    items = [("L", product, "S", given[1], given[4], given[5]) for product, (given, _) in LINES.items()]
    lines = [("p", "L", product, "S", float(given[0])) for product, (given, _) in LINES.items()]
    sold = [
        ("L", product, MONDAY - (day + 1) * DAY, float(units))
        for product, ((_, _, units, days, _, _), _) in LINES.items()
        for day in range(days)
    ]
    # neither what lies before the days looked at, nor what is not known yet, nor another location's counts
    sold += [("L", "above_sold", MONDAY - 95 * DAY, 500.0), ("L", "above_sold", MONDAY + DAY, 500.0)]
    sold += [("M", "above_sold", MONDAY - DAY, 500.0)]
    items += [("L", product, "S", [float(sold)], None, None) for product, ((sold, _), _) in COUNTED.items()]
    lines += [("p", "L", product, "S", 20.0) for product in COUNTED]
    sold += [
        ("L", product, MONDAY - day * DAY, float(units))
        for product, ((units, _), _) in COUNTED.items()
        for day in range(40)
    ]
    # two lots of a count add up
    counts = [
        (
            "L",
            product,
            at,
            part * units,
            MONDAY - 0.5 * DAY if product == "spoilt" and part == 0.75 and at < MONDAY else None,
        )
        for product, ((_, counted), _) in COUNTED.items()
        for at, units in zip((MONDAY - day * DAY for day in reversed(range(len(counted)))), counted, strict=True)
        for part in (0.25, 0.75)
    ]
    views = {
        "stock_lots": spark.createDataFrame(counts, COUNTS),
        "ordered": spark.createDataFrame(lines, ORDERED),
        "item_state": spark.createDataFrame(items, STATE),
        "sales": spark.createDataFrame(sold, SALES),
        "confirmed": spark.createDataFrame([("L", "slow"), ("M", "longer")], "location_id string, product_id string"),
    }
    rows = sql.query(spark, sql.text("gold/implausible_orders"), views, VALUES).collect()
    return {one["product_id"]: one for one in rows}


@pytest.mark.parametrize("product", LINES)
def test_a_line_is_told_with_its_number_and_the_limit(found, product):
    expected = LINES[product][1]
    if expected is None:
        assert product not in found
        return
    told = [tuple(one) for one in found[product]["warnings"]]
    assert [one[0] for one in told] == [one[0] for one in expected]
    for (_, value, limit), (_, value_expected, limit_expected) in zip(told, expected, strict=True):
        assert limit == limit_expected
        assert value == (None if value_expected is None else pytest.approx(value_expected))


@pytest.mark.parametrize("product", COUNTED)
def test_a_stock_count_in_another_unit_is_told(found, product):
    expected = COUNTED[product][1]
    told = [tuple(one) for one in found[product]["warnings"]] if product in found else None
    assert told == (None if expected is None else [("unit_of_stock", expected, 12.0)])


def test_what_is_held(found):
    held = {product for product, one in found.items() if one["is_held"]}
    # `a_case` is the least that can be ordered, `slow` is confirmed, and the other checks only warn
    assert held == {"longer", "gap_in_forecast", "no_demand"}
    assert {product for product, one in found.items() if one["is_least"]} == {"a_case"}


# ---------------------------------------------------------------------------------------------- what is done

CASE = 12.0
# location -> (units sold a day, days, forecast a day); 48 units are ordered at each
STORIES = {
    "repeated": (0, 0, None),
    "older": (1, 30, None),
    "landed": (0.5, 30, None),
    "left": (0.5, 27, None),
    "moved": (0, 0, 0.5),
    "taken": (1, 60, CASE),
}


class OwnChain(Chain):
    """The chain with settings of its own for orders that look like a slip."""

    plausibility: dict = {}

    def config(self, policies: list[dict]) -> Config:
        orders = OrdersConfig(stale_stock="order", plausibility=self.plausibility)
        return super().config(policies).model_copy(update={"orders": orders})

    def sell(self, location: str, units: float, days: int) -> None:
        sold = {"location_id": location, "product_id": "P", "units": float(units), "unit_price": 3.0}
        self.add(silver(BY_NAME["sales"]), [{**sold, "sold_at": CYCLE - (day + 1) * DAY} for day in range(days)])

    def forecast(self, location: str, mean: float) -> None:
        point = {"location_id": location, "product_id": "P", "made_at": CYCLE, "demand": mean}
        days = [{**point, "period_at": CYCLE + day * DAY} for day in range(28)]
        self.add(silver(BY_NAME["demand_forecasts"]), days)


POLICIES = [row("steady", *STORIES)]


@pytest.fixture(scope="module")
def chain(spark, tmp_path_factory):
    made = OwnChain(
        spark, tmp_path_factory.mktemp("plausible"), lambda session, one: open_store(session, one.lakehouse)
    )
    for location, (units, days, mean) in STORIES.items():
        if days:
            made.sell(location, units, days)
        if mean:
            made.forecast(location, mean)
    return made


@pytest.fixture(scope="module")
def warned(chain):
    """Monday 06:00, with the settings as they are unless set."""
    run = chain.decide(MONDAY, POLICIES)
    return run, {location: review for (_, location), review in chain.reviews(run).items()}, chain.lines()


@pytest.fixture(scope="module")
def held(chain, warned):
    """Monday 14:00, and now they are held, but what is confirmed."""
    actions = {"days_of_demand": "hold", "above_sold": "hold", "unit_of_forecast": "hold"}
    chain.plausibility = {**actions, "confirmed": [{"location_id": "landed", "product_id": "P"}]}
    run = chain.decide(AFTERNOON, POLICIES)
    return run, {location: review for (_, location), review in chain.reviews(run).items()}, chain.lines()


TOLD = {
    "landed": ([("above_sold", 48.0, 30.0)], "48 units are more than the 30 that it sells in 60 days"),
    "moved": (
        [("days_of_demand", 96.0, 60.0)],
        "48 units are 96 days of the demand that is forecast, more than 60",
    ),
    "taken": (
        [("unit_of_forecast", 12.0, 12.0)],
        "its forecast is 12 times its sales: is one of them in a unit of 12?",
    ),
}


def test_what_is_told_is_ordered_all_the_same(warned):
    run, reviews, lines = warned
    assert quantities(lines) == {location: [48.0] for location in STORIES}
    for location, review in reviews.items():
        (line,) = lines[location]
        assert (review["outcome"], review["because"], line["reason"]) == ("ordered", "policy", review["reason"])
        assert line["warnings"] == review["warnings"]
        if location not in TOLD:
            assert review["warnings"] is None and review["detail"] is None
            continue
        warnings, text = TOLD[location]
        assert [tuple(one) for one in review["warnings"]] == warnings
        assert review["detail"] == f"unusual: {text}"
        basis = "position 2 = 2 on hand - 0 expiring + 0 on order; level 50"
        assert review["reason"] == f"{basis}: 48 wanted; unusual: {text}"
        assert [tuple(one) for one in review["ledger"]] == [("policy", 48.0, None, None)]
    told = [one for one in said_by(run) if "unusual" not in one and " order " in one]
    assert [one.split(": ")[0] for one in told] == [
        "  ! 1 order of more than 60 days of the demand that is forecast, such as moved/P/S1",
        "  ! 1 order of more units than were sold of the item in the 91 days before, such as landed/P/S1",
        "  ! 1 order from a forecast in another unit than the sales, as it seems, such as taken/P/S1",
    ]
    assert told[0].endswith(
        "moved/P/S1: 48 units are 96 days of the demand that is forecast, more than 60; ordered all the same: see "
        "`warnings` in gold.order_reviews, and orders.plausibility.days_of_demand: warn"
    )
    # before the policy's own line
    assert said_by(run).index(told[2]) < said_by(run).index(
        "order steady: 6 items reviewed, 6 lines ordered, worth 576.00"
    )


def test_what_is_held_is_not_ordered_and_says_how_to_confirm_it(chain, held):
    run, reviews, lines = held
    # the lines that the morning has ordered are taken back; nobody has acted on them
    assert quantities(lines) == {location: [48.0] for location in STORIES if location not in ("moved", "taken")}
    assert {location for location, one in reviews.items() if one["outcome"] == "blocked"} == {"moved", "taken"}
    review = reviews["moved"]
    assert (review["because"], review["wanted"], review["quantity"]) == ("implausible", 48.0, 0.0)
    assert [tuple(one) for one in review["ledger"]] == [
        ("policy", 48.0, None, None),
        ("implausible", -48.0, None, None),
    ]
    assert [tuple(one) for one in review["warnings"]] == TOLD["moved"][0]
    assert review["reason"] == (
        "held: 48 units are 96 days of the demand that is forecast, more than 60; correct it, or have it ordered by "
        "naming the item in orders.plausibility.confirmed, or once by --set orders.plausibility.days_of_demand=warn; "
        "position 2 = 2 on hand - 0 expiring + 0 on order; level 50: 48 would be wanted"
    )
    # confirmed: told, and ordered
    assert reviews["landed"]["outcome"] == "ordered" and reviews["landed"]["detail"].startswith("unusual: 48 units")
    assert any("such as taken/P/S1" in one and "; 1 held: see `warnings`" in one for one in said_by(run))
    assert "order steady: 6 items reviewed, 4 lines ordered, worth 384.00" in said_by(run)
    report(run)


def test_the_same_run_again_tells_the_same(chain, held):
    again = chain.decide(AFTERNOON, POLICIES)
    assert "order steady: unchanged, 6 items are reviewed already" in said_by(again)
    assert [one for one in said_by(again) if "`warnings`" in one] == [
        one for one in said_by(held[0]) if "`warnings`" in one
    ]


def test_with_all_checks_off_and_with_nothing_to_order_nothing_is_looked_at(chain, held, monkeypatch):
    """The sales are not even opened: a step that did would end here."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("the sales are read")

    monkeypatch.setattr("invopt.pipelines.implausible_orders.pinned", refuse)
    chain.plausibility = dict.fromkeys(CHECKS, "off")
    run = chain.decide(AFTERNOON, POLICIES)
    assert {one["warnings"] for one in chain.reviews(run).values()} == {None}
    assert not any("`warnings`" in one for one in said_by(run))
    chain.plausibility = {}
    # on the next day all is on order
    run = chain.decide(TUESDAY, POLICIES)
    assert {one["outcome"] for one in chain.reviews(run).values()} == {"nothing_wanted"}
    assert chain.store.read(ORDERS).where("cycle > '2026-06-01'").isEmpty()
    assert chain.store.read(ORDER_REVIEWS).where(f"run_id = '{run.run_id}' AND warnings IS NOT NULL").isEmpty()
