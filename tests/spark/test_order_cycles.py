"""An item has one open line in an order cycle, and the position counts every other one, whatever happens meanwhile.

One chain and few runs tell all stories: each location has one, with the product P of which 2 units are there and 50 are
wanted. The runs look at Monday 06:00 and 14:00 and at Tuesday 06:00; between them policies are renamed, and so on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from invopt.config import Config
from invopt.errors import ConfigError, OrderRuleError
from invopt.pipelines.context import Context
from invopt.pipelines.inputs import make_inputs
from invopt.pipelines.order import order
from invopt.pipelines.order_cycles import cycle_at
from invopt.pipelines.report import report
from invopt.pipelines.solve import solve
from invopt.run import Run
from invopt.spark.store import Store
from invopt.spark.stores import open_store
from invopt.tables import FOREVER, ITEM_STATE, ORDER_REVIEWS, ORDERS, SPOILAGE, Table, silver
from invopt.tables.datasets import BY_NAME, DATASETS

MONDAY = datetime(2026, 6, 1, 6, tzinfo=UTC)
AFTERNOON, TUESDAY, WEDNESDAY = MONDAY.replace(hour=14), MONDAY.replace(day=2), MONDAY.replace(day=3)
CYCLE = MONDAY.replace(hour=0)
LEVEL, ON_HAND, FULL = 50.0, 2.0, 48.0

POLICY = """
import numpy as np
import pyomo.environ as pyo

from invopt.tables.columns import Column
from invopt.policies.base import About, Answer, Decision, Params, Policy
from invopt.theory.order_rules import to_base_stock


class OwnParams(Params):
    level: float = 50.0


def algorithm(items, params):
    return Answer({"LEVEL": np.full(len(items), params.level)}, np.ones(len(items)))


def order(decisions, stock):
    if (decisions["LEVEL"] < 0).any():
        raise ValueError("the level is negative")
    return to_base_stock(decisions["LEVEL"], stock)


POLICY = Policy(
    name="up_to", about=About("orders up to a level", "none", "this test", "reads it off"),
    decides=(Decision("LEVEL", "units", "lifts the position to this"),),
    needs=(Column("unit_cost", "double", "money/unit", "cost", is_nullable=False),), params=OwnParams,
    build_model=lambda items, params: pyo.ConcreteModel(), cost=lambda items, decisions, params: np.ones(len(items)),
    order=order, examples=(), algorithm=algorithm,
)
"""
# midnight of UTC is 20:00 of Sunday in New York
SCHEDULES = [{"id": "mondays", "cron": "0 20 * * 0", "zone": "America/New_York"}]


def row(policy_id: str, *locations: str, **values) -> dict:
    return {
        "id": policy_id,
        "policy": "up_to",
        "method": "algorithm",
        "scope": {"location_id": list(locations)},
        **values,
    }


ALIKE = [
    row("steady", "repeated", "two_sources", "landed", "landed_small", "older", "compared"),
    row("weekly", "weekly", order_schedule="mondays"),
    row("other", "compared", active="shadow", params={"level": 60.0}),
]
AT_SIX = [*ALIKE, row("giver", "renamed", "moved", "left"), row("taker", "taken"), row("failing", "failing")]
SINCE_TWO = [
    *ALIKE,
    row("heir", "renamed"),
    row("taker", "moved", "taken"),
    row("failing", "failing", params={"level": -1.0}),
]
LOCATIONS = sorted({name for one in AT_SIX for name in one["scope"]["location_id"]})


class Chain:
    """A lakehouse with one product at each location, and runs over it."""

    def __init__(self, spark: SparkSession, folder, make_store: Callable[[SparkSession, Config], Store]):
        self.folder, self.spark, self._make_store = folder, spark, make_store
        (folder / "up_to.py").write_text(POLICY, encoding="utf-8")
        self.store = make_store(spark, self.config([]))
        for dataset in DATASETS:
            self.store.create(silver(dataset))
        self.store.create(SPOILAGE)
        self.supply((location, "S1", 2.0) for location in LOCATIONS)
        self.supply([("two_sources", "S2", 3.0)])
        self.count(dict.fromkeys(LOCATIONS, ON_HAND), CYCLE)

    def config(self, policies: list[dict]) -> Config:
        return Config(
            lakehouse={"root": str(self.folder / "lake")},
            landing="-",
            policies_folder=str(self.folder),
            solve={"tasks": 1, "audit_partitions": 0},
            orders={"stale_stock": "order"},
            policies=policies,
            schedules=SCHEDULES,
            solvers=[{"name": "highs"}],
        )

    def add(self, table: Table, rows: Iterable[dict]) -> None:
        """Appends rows; columns that do not matter are 0, or NULL where they may be."""
        nothing = {"string": "", "double": 0.0, "int": 0, "bigint": 0, "date": FOREVER}
        default = {column.name: None if column.is_nullable else nothing.get(column.type) for column in table.columns}
        self.store.append(table, [tuple((default | one).values()) for one in rows])

    def supply(self, terms: Iterable[tuple[str, str, float]]) -> None:
        self.add(
            silver(BY_NAME["store_product_supplier"]),
            (
                {
                    "location_id": location,
                    "product_id": "P",
                    "source_id": source,
                    "purchase_cost": cost,
                    "lead_time": 4.0,
                }
                for location, source, cost in terms
            ),
        )

    def count(self, units: dict[str, float], at: datetime) -> None:
        lots = ({"location_id": name, "product_id": "P", "units": n, "snapshot_at": at} for name, n in units.items())
        self.add(silver(BY_NAME["inventory"]), lots)

    def land(self, location: str, quantity: float, ordered_at: datetime) -> None:
        landed = {"policy_name": "ERP", "location_id": location, "product_id": "P", "source_id": "S1"}
        times = {"ordered_at": ordered_at, "eta": ordered_at + timedelta(days=4), "is_received": False}
        self.add(silver(BY_NAME["orders"]), [{**landed, "quantity": quantity, **times}])

    def run(self, as_of: datetime, policies: list[dict], spark: SparkSession | None = None, **values) -> Context:
        config = self.config(policies)
        session = spark or self.spark
        said: list[str] = []
        store = self.store if spark is None else self._make_store(spark, config)
        return Context(Run(config, as_of), store, session, said.append, **values)

    def decide(self, as_of: datetime, policies: list[dict], **values) -> Context:
        """Makes a whole run; an order rule that fails is no matter."""
        run = self.run(as_of, policies, **values)
        make_inputs(run)
        solve(run)
        try:
            order(run)
        except OrderRuleError as error:
            run.say(str(error))
        return run

    def lines(self, where: str = "status = 'open'") -> dict[str, list[Row]]:
        """Location -> its lines, the oldest cycle first."""
        of: dict[str, list[Row]] = {}
        for line in self.store.read(ORDERS).where(where).orderBy("cycle", "ordered_at").collect():
            of.setdefault(line["location_id"], []).append(line)
        return of

    def on_order(self, run: Context) -> dict[str, float]:
        state = self.store.read(ITEM_STATE).where(F.col("run_id") == run.run_id).where("source_rank = 1")
        return {one["location_id"]: one["on_order"] for one in state.collect()}

    def reviews(self, run: Context) -> dict[tuple[str, str], Row]:
        rows = self.store.read(ORDER_REVIEWS).where(F.col("run_id") == run.run_id).collect()
        return {(one["policy_id"], one["location_id"]): one for one in rows}


def said_by(run: Context) -> list[str]:
    return run.say.__self__


def quantities(lines: dict[str, list[Row]]) -> dict[str, list[float]]:
    return {location: [line["quantity"] for line in found] for location, found in lines.items()}


def twice_ordered(lines: DataFrame) -> list[Row]:
    """The items with more than one open line in a cycle."""
    open_lines = lines.where("status = 'open'").withColumn("of", F.coalesce("cycle", F.date_trunc("DAY", "ordered_at")))
    return open_lines.groupBy("location_id", "product_id", "of").count().where("count > 1").collect()


@pytest.fixture(scope="module")
def chain(spark, tmp_path_factory):
    def make_store(session: SparkSession, config: Config) -> Store:
        return open_store(session, config.lakehouse)

    return Chain(spark, tmp_path_factory.mktemp("cycles"), make_store)


@pytest.fixture(scope="module")
def at_six(chain):
    """Monday 06:00; at `older` another version has ordered on Sunday and early on Monday."""
    older = {"policy_id": "older", "location_id": "older", "product_id": "P", "source_id": "S1", "status": "open"}
    chain.add(
        ORDERS,
        (
            {**older, "order_id": name, "quantity": n, "ordered_at": at, "eta": at}
            for name, n, at in (("old", 5.0, CYCLE - timedelta(days=1)), ("same day", 30.0, CYCLE.replace(hour=3)))
        ),
    )
    run = chain.decide(MONDAY, AT_SIX)
    return run, chain.on_order(run), chain.lines(), chain.lines("status = 'shadow'")


@pytest.fixture(scope="module")
def at_two(chain, at_six):
    """Monday 14:00, after policies, sources and landed orders have changed; `repeated` has sold its stock."""
    chain.supply([("two_sources", "S3", 1.0)])
    chain.land("landed", FULL, MONDAY)
    chain.land("landed_small", 20.0, MONDAY)
    chain.count({"repeated": 0.0}, AFTERNOON)
    run = chain.decide(AFTERNOON, SINCE_TWO)
    return run, chain.on_order(run), chain.lines(), chain.lines("status = 'cancelled'")


@pytest.fixture(scope="module")
def on_tuesday(chain, at_two):
    run = chain.decide(TUESDAY, SINCE_TWO)
    return run, chain.on_order(run), chain.lines()


def test_the_first_run_of_a_cycle_orders_each_item_once(at_six):
    run, on_order, lines, shadows = at_six
    assert on_order == dict.fromkeys(LOCATIONS, 0.0) | {"older": 5.0}
    assert quantities(lines) == {name: [FULL] for name in LOCATIONS} | {"older": [5.0, FULL - 5.0]}
    assert {line["revision"] for found in lines.values() for line in found if line["cycle"]} == {1}
    assert {found[-1]["cycle"].replace(tzinfo=UTC) for found in lines.values()} == {CYCLE}
    assert lines["compared"][0]["policy_id"] == "steady"
    assert quantities(shadows) == {"compared": [58.0]} and shadows["compared"][0]["policy_id"] == "other"


def test_a_shadow_is_told_apart(chain, at_six):
    run = at_six[0]
    assert "order other: 1 items reviewed, 1 lines would be ordered: a shadow, worth 116.00" in said_by(run)
    assert chain.reviews(run)["other", "compared"]["is_shadow"]
    report(run)
    assert any(line.startswith("other (shadow) ") for line in said_by(run))


def test_a_later_run_of_the_cycle_leaves_its_lines_out_and_decides_them_anew(chain, at_two):
    _, on_order, lines, cancelled = at_two
    assert not twice_ordered(chain.store.read(ORDERS))
    # what the run does not decide, another cycle's line and what has landed are on order
    others = {"landed": FULL, "landed_small": 20.0, "older": 5.0, "left": FULL}
    assert on_order == dict.fromkeys(LOCATIONS, 0.0) | others
    assert quantities(lines) == {
        **{name: [FULL] for name in LOCATIONS if name != "left"},
        "repeated": [LEVEL],
        "older": [5.0, FULL - 5.0],
    }
    kept = {"repeated": 2, "renamed": 1, "moved": 1, "two_sources": 1, "landed": 1, "failing": 1}
    assert {name: lines[name][0]["revision"] for name in kept} == kept
    assert {line["ordered_at"].replace(tzinfo=UTC) for line in lines["repeated"]} == {MONDAY}
    assert quantities(cancelled) == {"older": [30.0], "two_sources": [FULL], "left": [FULL]}
    assert {cancelled[name][0]["revision"] for name in ("two_sources", "left")} == {2}


@pytest.mark.parametrize(
    ("location", "policy", "source"),
    [
        ("renamed", "heir", "S1"),
        ("moved", "taker", "S1"),
        ("two_sources", "steady", "S3"),
        ("compared", "steady", "S1"),
    ],
)
def test_the_line_is_now_that_of_who_decides(at_six, at_two, location, policy, source):
    before, line = at_six[2][location][0], at_two[2][location][0]
    assert (line["policy_id"], line["source_id"], line["run_id"]) == (policy, source, at_two[0].run_id)
    assert (line["order_id"] == before["order_id"]) == (location != "two_sources")


def test_a_line_that_came_back_stays_and_the_difference_is_told(chain, at_six, at_two):
    run, _, lines, _ = at_two
    assert lines["landed"] == at_six[2]["landed"] and lines["landed_small"] == at_six[2]["landed_small"]
    reviews = chain.reviews(run)
    assert (reviews["steady", "landed"]["outcome"], reviews["steady", "landed"]["quantity"]) == ("nothing_wanted", 0)
    held = reviews["steady", "landed_small"]
    assert (held["outcome"], held["because"], held["wanted"], held["quantity"]) == ("blocked", "acted_on", 28.0, 0.0)
    assert [tuple(one) for one in held["ledger"]] == [("policy", 28.0, None, None), ("acted_on", -28.0, FULL, None)]
    short = lines["landed_small"][0]["order_id"][:8]
    assert held["detail"] == f"order {short} of 48 units was acted on and stays as it is, 28 more would be ordered"
    assert any("1 items have an order of this cycle that was acted on and stays as it is, 28 units" in line
               for line in said_by(run))  # fmt: skip


def test_nobody_knows_what_a_failed_rule_wants_so_its_line_stays(at_six, at_two):
    run, _, lines, _ = at_two
    assert lines["failing"] == at_six[2]["failing"]
    assert any("policy failing: 1 items are held, because the order rule failed: " in line and ": ValueError" in line
               for line in said_by(run))  # fmt: skip


@pytest.mark.slow
def test_the_next_day_everything_is_on_order_once(chain, on_tuesday):
    _, on_order, lines = on_tuesday
    assert not twice_ordered(chain.store.read(ORDERS))
    once = dict.fromkeys(LOCATIONS, FULL)
    # `older` has Sunday's and Monday's
    assert on_order == once | {"left": 0.0, "repeated": LEVEL, "landed_small": 20.0}
    new = {name: found[-1] for name, found in lines.items() if found[-1]["ordered_at"].replace(tzinfo=UTC) == TUESDAY}
    assert {name: line["quantity"] for name, line in new.items()} == {"landed_small": 28.0}


@pytest.mark.slow
def test_a_closed_cycle_is_changed_only_on_demand(chain, on_tuesday):
    before = chain.lines("TRUE")
    again = chain.decide(MONDAY, AT_SIX)
    closed = [line for line in said_by(again) if "is closed" in line]
    # Monday is the weekly policy's cycle on Tuesday too
    assert {line.split(":")[0] for line in closed} == {f"order {one['id']}" for one in AT_SIX if one["id"] != "weekly"}
    assert all(f"run {on_tuesday[0].run_id} has decided a later one" in line for line in closed)
    assert all(line.endswith("invopt order --as-of 2026-06-01T06:00:00 --rewrite") for line in closed)
    after = chain.lines("TRUE")
    # its cycle is open, and decided anew
    (weekly,), (was,) = after.pop("weekly"), before.pop("weekly")
    assert (weekly["order_id"], weekly["quantity"], weekly["status"]) == (was["order_id"], was["quantity"], "open")
    assert after == before
    rewritten = chain.decide(MONDAY, AT_SIX, rewrites=True)
    lines = chain.lines(f"run_id = '{rewritten.run_id}' AND status = 'open'")
    assert [(line["quantity"], line["revision"]) for line in lines["repeated"]] == [(FULL, 3)]
    assert [(line["policy_id"], line["revision"]) for line in lines["renamed"]] == [("giver", 1)]
    assert [(line["status"], line["revision"]) for line in lines["left"]] == [("open", 3)]
    # Tuesday's lines are not seen
    assert chain.on_order(rewritten)["repeated"] == 0.0
    assert not twice_ordered(chain.store.read(ORDERS))


@pytest.mark.slow
def test_a_late_stock_count_changes_the_orders_of_the_same_moment(chain, on_tuesday):
    policies = [row("taker", "taken")]
    assert chain.on_order(chain.decide(WEDNESDAY, policies))["taken"] == FULL
    of_wednesday = f"cycle = '{cycle_at(None, WEDNESDAY):%Y-%m-%d}'"
    assert not chain.lines(of_wednesday)
    chain.count({"taken": 0.0}, WEDNESDAY - timedelta(hours=1))
    chain.decide(WEDNESDAY, policies)
    assert quantities(chain.lines(of_wednesday)) == {"taken": [ON_HAND]}
    again = chain.decide(WEDNESDAY, policies)
    assert "order taker: unchanged, 1 items are reviewed already" in said_by(again)


@pytest.mark.slow
def test_two_policies_for_one_item_are_refused_by_name(chain):
    policies = [row("one", "renamed", "moved", "left", "taken"), row("two", "moved", "renamed"), row("three", "left")]
    run = chain.run(MONDAY.replace(day=20), policies)
    with pytest.raises(ConfigError) as caught:
        make_inputs(run)
    assert caught.value.problems[0].startswith(
        "one and two decide for the same 2 location x products (moved x P, renamed x"
    )
    assert caught.value.problems[1].startswith(
        "one and three decide for the same 1 location x product (left x P): take"
    )
    assert len(caught.value.problems) == 2 and "`active: shadow`" in str(caught.value)
    # sources of one item count as the item
    by_source = [row("one", "two_sources"), row("two", "two_sources")]
    by_source[1]["scope"] = {"location_id": ["two_sources"], "source_id": ["S2"]}
    with pytest.raises(ConfigError, match=r"one and two decide for the same 1 location x product \(two_sources x P\)"):
        make_inputs(chain.run(MONDAY.replace(day=21), by_source))
    by_source[1]["active"] = "shadow"
    make_inputs(chain.run(MONDAY.replace(day=21), by_source))


@pytest.mark.slow
def test_two_runs_at_once_leave_one_line_per_item(chain, spark):
    """Both see the same cycle; they choose other sources and have other names for their policies."""
    as_of = MONDAY.replace(day=25)
    session = spark.newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    wanted = {"params": {"level": 1000.0}}
    first = [row("one", "two_sources", "taken", **wanted)]
    by_source = {"location_id": ["two_sources"], "source_id": ["S2"]}
    second = [row("two", **wanted) | {"scope": by_source}, row("also", "taken", **wanted)]
    runs = [chain.run(as_of, first), chain.run(as_of, second, session)]
    for run in runs:
        make_inputs(run)
        solve(run)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(order, runs))
    lines = chain.store.read(ORDERS).where(F.col("cycle") == F.lit(cycle_at(None, as_of)))
    assert Counter(line["location_id"] for line in lines.where("status = 'open'").collect()) == {
        "two_sources": 1,
        "taken": 1,
    }
    assert lines.where("status = 'cancelled'").count() == 1
