"""The (s, Q) policy for what expires: all pairs tried, model against exact algorithm, no expiry = s_q, services,
extremes, bad inputs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from scipy import stats

from invopt.errors import ParameterError
from invopt.policies import load
from invopt.policies.s_q import POLICY as S_Q
from invopt.policies.s_q import SQParams
from invopt.policies.s_q_perishable import POLICY, SQPerishableParams
from invopt.solving import highs, supervised
from invopt.solving.outcome import Status
from tests.items.s_q import FORMS
from tests.items.s_q_perishable import PARAMS, expiring_frame, expiring_item, random_expiring_item, random_items


def exact(items: pd.DataFrame, **params):
    return POLICY.solve_exact(items, np.arange(len(items) + 1), SQPerishableParams(**params))


def solved_model(items: pd.DataFrame, **params) -> pyo.ConcreteModel:
    model = POLICY.build_model(items, SQPerishableParams(**params))
    assert highs.solve(model, 60.0, {}).status is Status.OPTIMAL
    return model


def difference(found: float, expected: float, items: pd.DataFrame) -> float:
    """Relative difference; the cost can be next to nothing, a difference of larger ones, so it is measured against
    them too.
    """
    held = (
        items["holding_cost"].iloc[0] * float(np.mean(items["demand_mean"].iloc[0])) * (1 + items["lead_time"].iloc[0])
    )
    return abs(found - expected) / max(abs(expected), 1e-3 * held, 1e-300)


def probabilities(item: dict, days: float) -> tuple[np.ndarray, np.ndarray]:
    """Values and probabilities of demand over the lead times and `days` more, from scipy and plain sums: nothing of
    invopt.
    """
    lead, spread = item["lead_time"], item["lead_time_confidence"]
    lead_times = (
        [lead] if spread == 0 else [tau for tau in range(60) if max(0, lead - spread) <= tau <= lead + spread] or [lead]
    )
    total = np.zeros(1200)
    for tau in lead_times:
        if item["demand_distribution"] == "pmf":
            longest = max(len(period) for period in item["demand_pmf"])
            day = np.mean([np.pad(period, (0, longest - len(period))) for period in item["demand_pmf"]], axis=0)
            one = np.ones(1)
            for _ in range(int(np.ceil(np.ceil(tau) + days))):  # whole days, as tau alone is
                one = np.convolve(one, day)
            total[: len(one)] += one[:1200] / len(lead_times)
        else:
            total += stats.poisson.pmf(np.arange(1200), np.mean(item["demand_mean"]) * (tau + days)) / len(lead_times)
    return np.arange(1200), total


def cheapest_by_trying_all(item: dict, params: dict) -> tuple[float, int, int]:
    """The least cost and its s and Q over s < 60, Q <= 400, every sum written out."""
    review = 1.0 if params.get("review") == "daily" else 0.0
    x, px = probabilities(item, review)
    a = float(np.mean(item["demand_mean"]))
    if item["demand_distribution"] == "pmf":
        a = float(np.mean([period @ np.arange(len(period)) for period in item["demand_pmf"]]))
    unsold = np.zeros(461)
    if item["shelf_life"] is not None:
        # E(y - Y)^+ of the levels y that s + Q takes
        unsold = (
            np.maximum(np.arange(461)[:, None] - x[None, :], 0) @ probabilities(item, review + item["shelf_life"])[1]
        )
    W = (item["disposal_cost"] or 0.0) + (
        item["unit_cost"] if params.get("expired_unit_costs") == "disposal_and_purchase" else 0.0
    )
    level = item["service_level"]
    Q = np.arange(1, 401)
    best = (np.inf, -1, -1)
    for s in range(60):
        short = np.maximum(x - s, 0) @ px
        expired = unsold[s + Q] - unsold[s]
        sold = Q - expired
        cost = (item["fixed_order_cost"] + item["backorder_cost"] * short + W * expired) * a / np.maximum(sold, 1e-300)
        cost = cost + item["holding_cost"] * (Q / 2 + s - px @ x)
        is_allowed = sold > 1e-9
        if params.get("service") == "cycle" and level is not None:
            is_allowed &= px[: s + 1].sum() >= level
        if params.get("service") == "fill_rate" and level is not None:
            is_allowed &= short <= (1 - level) * sold
        cost = np.where(is_allowed, cost, np.inf)
        k = int(cost.argmin())
        if cost[k] < best[0]:
            best = (float(cost[k]), s, int(Q[k]))
    return best


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_examples_are_reached_by_model_by_algorithm_and_by_trying_all(example):
    items = expiring_frame(*example.items)
    found = exact(items, **example.params)
    model = solved_model(items, **example.params)
    tried = cheapest_by_trying_all(dict(example.items[0]), dict(example.params))
    assert found.cost[0] == pytest.approx(example.cost, rel=1e-9)
    assert pyo.value(model.total_cost) == pytest.approx(example.cost, rel=1e-9)
    assert tried == pytest.approx((example.cost, *(values[0] for values in example.decisions.values())), rel=1e-9)
    for name, values in example.decisions.items():
        assert found.decisions[name].tolist() == list(values)
        assert pyo.value(getattr(model, name)[0]) == pytest.approx(values[0], abs=1e-6)


@pytest.mark.parametrize("params", PARAMS, ids=str)
@pytest.mark.parametrize("form", ["poisson", "pmf"])
def test_no_pair_is_cheaper_when_all_are_tried(params, form):
    rng = np.random.default_rng(len(str(params)))
    n_compared = 0
    for _ in range(12):
        item = random_expiring_item(rng, form, 2.0)
        item["fixed_order_cost"] = min(item["fixed_order_cost"], 60.0)
        tried, s, Q = cheapest_by_trying_all(item, params)
        if s > 50 or Q > 350 or tried > 1e6:
            continue
        found = exact(expiring_frame(item), **params)
        assert found.cost[0] == pytest.approx(tried, rel=1e-8, abs=1e-8), (item, s, Q)
        n_compared += 1
    assert n_compared > 6


def largest_difference(rng: np.random.Generator, n_items: int, largest_mean: float) -> tuple[float, int]:
    """Between model and algorithm, of n_items for each set of parameters, and how many had no policy by both."""
    largest, n_without = 0.0, 0
    for params in PARAMS:
        items = expiring_frame(*(random_expiring_item(rng, FORMS[k % 4], largest_mean) for k in range(n_items)))
        found = exact(items, **params)
        for i in range(n_items):
            one = items.iloc[[i]]
            if np.isnan(found.cost[i]):
                with pytest.raises(ParameterError, match="no batch that gives the service level"):
                    POLICY.build_model(one, SQPerishableParams(**params))
                n_without += 1
                continue
            model = solved_model(one, **params)
            largest = max(largest, difference(pyo.value(model.total_cost), found.cost[i], one))
            for name in POLICY.decisions:
                value = pyo.value(getattr(model, name)[0])
                assert value == pytest.approx(round(value), abs=1e-6)
    return largest, n_without


def test_model_and_algorithm_find_the_same_cost():
    assert largest_difference(np.random.default_rng(1), 24, 20.0)[0] < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest, n_without = largest_difference(np.random.default_rng(2), 200, 50.0)
    print(
        f"largest relative difference of 1,200 items: {largest:.2e}; {n_without} have no policy that gives the service"
    )
    assert largest < 1e-9


def test_without_expiry_it_is_the_guides_cost_of_s_q():
    rng = np.random.default_rng(3)
    items = expiring_frame(
        *(expiring_item(**{**random_expiring_item(rng, form), "shelf_life": None}) for form in FORMS for _ in range(20))
    )
    for params in ({}, {"service": "cycle"}):
        found = exact(items, **params)
        theirs = S_Q.solve_exact(items, np.arange(len(items) + 1), SQParams(cost="guide", **params))
        np.testing.assert_array_equal(found.cost, theirs.cost)
        for name in POLICY.decisions:
            np.testing.assert_array_equal(found.decisions[name], theirs.decisions[name])


@pytest.mark.parametrize("form", FORMS)
def test_a_shelf_life_beyond_all_stock_changes_nothing(form):
    rng = np.random.default_rng(4)
    item = random_expiring_item(rng, form, 5.0)
    item.update(
        demand_mean=np.full(5, 2.0),
        demand_pmf=[np.array([0.0, 0.2, 0.6, 0.2])],
        fixed_order_cost=20.0,
        holding_cost=0.5,
    )
    lasting, long = (exact(expiring_frame({**item, "shelf_life": life})) for life in (None, 300.0))
    assert long.cost[0] == pytest.approx(lasting.cost[0], rel=1e-12)


def test_a_shorter_shelf_life_costs_more():
    costs = [
        exact(expiring_frame(expiring_item(shelf_life=life))).cost[0]
        for life in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, None)
    ]
    assert all(
        first > second for first, second in zip(costs, costs[1:], strict=False) if second < costs[-1] * (1 - 1e-12)
    )
    assert costs[0] > 5 * costs[-1]


def test_the_shares_of_a_partition_add_up_and_an_item_without_demand_costs_nothing():
    items = random_items(np.random.default_rng(5), 20)
    found = exact(items)
    model = solved_model(items)
    np.testing.assert_allclose([pyo.value(model.item_cost[i]) for i in model.ITEMS], found.cost, rtol=1e-9, atol=1e-9)
    assert pyo.value(model.total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)
    for i in (9, 19):
        assert found.cost[i] == 0 and all(
            found.decisions[name][i] == 0 == pyo.value(getattr(model, name)[i]) for name in POLICY.decisions
        )


@pytest.mark.parametrize("params", PARAMS, ids=str)
def test_money_times_ten_gives_ten_times_the_cost(params):
    items = random_items(np.random.default_rng(6), 40)
    money = [column.name for column in POLICY.input_columns if column.unit.startswith("money")]
    assert len(money) == 5
    found, tenfold = exact(items, **params), exact(items.assign(**{name: items[name] * 10 for name in money}), **params)
    np.testing.assert_allclose(tenfold.cost, 10 * found.cost, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("params", PARAMS, ids=str)
@pytest.mark.parametrize(
    "changes",
    [
        {"demand_mean": np.array([0.01])},
        {"demand_mean": np.array([1e-9])},
        {"demand_mean": np.array([300.0])},
        {"demand_distribution": "normal", "demand_variance": np.array([0.0])},
        {"lead_time": 0.0},
        {
            "demand_distribution": "normal",
            "demand_mean": np.array([12_000.0]),
            "demand_variance": np.array([9e6]),
            "lead_time": 7.0,
        },
        {"demand_mean": np.array([12_000.0]), "lead_time": 7.0, "lead_time_confidence": 2.0},
        {"shelf_life": 0.01},
        {"shelf_life": 3000.0},
        {"fixed_order_cost": 0.0, "backorder_cost": 0.0, "disposal_cost": None},
        {"holding_cost": 1e-12},
        {"fixed_order_cost": 1e9},
    ],
    ids=str,
)
def test_extremes_have_whole_decisions_and_no_neighbour_is_cheaper(params, changes):
    item = expiring_item(**{"service_level": 0.9, **changes})
    found = exact(expiring_frame(item), **params)
    if np.isnan(found.cost[0]):
        assert "no batch that gives the service level" in found.message[0] and changes in (
            {"shelf_life": 0.01},
            {"demand_mean": [1e-9]},
        )
        return
    s, Q = (found.decisions[name][0] for name in POLICY.decisions)
    assert (
        s >= 0 and Q >= 1 and s == round(s) and Q == round(Q) and np.isfinite(found.cost[0]) and found.message is None
    )


BAD = {
    "negative cost": ({"fixed_order_cost": -1.0}, "fixed_order_cost is -1.0"),
    "negative disposal": ({"disposal_cost": -1.0}, "disposal_cost is -1.0, must be 0 or more"),
    "free holding": ({"holding_cost": 0.0}, "holding_cost is 0.0, must be above 0"),
    "backorder NaN": ({"backorder_cost": np.nan}, "backorder_cost is nan"),
    "no life": ({"shelf_life": 0.0}, "shelf_life is 0.0 days, must be above 0; NULL"),
    "negative life": ({"shelf_life": -2.0}, "shelf_life is -2.0 days"),
    "a life of centuries": ({"shelf_life": 1e5}, "at most 3650"),
    "percent": ({"service_level": 95.0}, "0.95 for 95 percent"),
    "certainty": ({"service_level": 1.0}, "no finite stock gives"),
    "negative service": ({"service_level": -0.1}, "service_level is -0.1"),
    "no price": ({"unit_cost": None}, "unit_cost is nan, must be 0 or more for expired_unit_costs"),
    "unknown distribution": ({"demand_distribution": "gamma"}, "must be one of poisson"),
    "endless quantity": ({"holding_cost": 1e-30, "shelf_life": None}, "passes 1e+12 units"),
    "too wide a pmf": (
        {"demand_distribution": "pmf", "shelf_life": 300.0, "demand_pmf": [np.full(10_000, 1e-4)]},
        "give such a demand as",
    ),
    "unreachable": (
        {"shelf_life": 0.01, "lead_time": 30.0, "service_level": 1 - 1e-13},
        "no batch that gives the service level",
    ),
}


def test_bad_items_get_a_message_and_leave_the_others_alone():
    params = {"service": "cycle", "expired_unit_costs": "disposal_and_purchase"}
    rng = np.random.default_rng(7)
    good = [
        expiring_item(demand_mean=rng.uniform(0.1, 5, 3), shelf_life=rng.uniform(3, 9)) for _ in range(len(BAD) + 1)
    ]
    mixed = [good[0]]
    for (changes, _), other in zip(BAD.values(), good[1:], strict=True):
        mixed += [expiring_item(**changes), other]
    found, alone = exact(expiring_frame(*mixed), **params), exact(expiring_frame(*good), **params)
    for k, (name, (_, text)) in enumerate(BAD.items()):
        i = 2 * k + 1
        assert text in (found.message[i] or ""), (name, found.message[i])
        assert np.isnan(found.cost[i]) and all(np.isnan(values[i]) for values in found.decisions.values()), name
    np.testing.assert_array_equal(found.cost[::2], alone.cost)
    assert all(said is None for said in found.message[::2])


@pytest.mark.parametrize("bad", [name for name in BAD if name != "endless quantity"])
def test_the_model_of_a_bad_item_says_what_is_wrong(bad):
    changes, text = BAD[bad]
    with pytest.raises(ParameterError) as refused:
        POLICY.build_model(
            expiring_frame(expiring_item(**changes)),
            SQPerishableParams(service="cycle", expired_unit_costs="disposal_and_purchase"),
        )
    assert text in str(refused.value)


def test_a_model_too_large_to_build_points_to_the_algorithm():
    with pytest.raises(ParameterError, match="method: exact"):
        POLICY.build_model(expiring_frame(expiring_item(holding_cost=1e-30, shelf_life=None)), SQPerishableParams())


def test_a_service_level_that_is_null_or_not_asked_for_changes_nothing():
    free = exact(expiring_frame(expiring_item()))
    for item, params in (
        (expiring_item(service_level=None), {"service": "fill_rate"}),
        (expiring_item(service_level=99.0), {}),
        (expiring_item(service_level=0.0), {"service": "cycle"}),
    ):
        assert exact(expiring_frame(item), **params).cost[0] == free.cost[0]


def test_an_empty_bucket_has_an_empty_solution():
    found = exact(expiring_frame())
    assert found.cost.shape == (0,) and found.message is None and set(found.decisions) == set(POLICY.decisions)


def test_the_engine_finds_the_policy():
    assert load("s_q_perishable") is POLICY
    with pytest.raises(ValueError, match="fill_rate"):
        SQPerishableParams(service="always")


def test_a_search_that_begins_far_from_its_end_gets_there():
    """Without a fill rate the best s is 0, with one it is near the 96 million units of the lead time: one by one, a
    search between the two takes minutes. It runs in a child that is killed after one, instead of milliseconds.
    """
    item = expiring_item(
        demand_mean=np.array([3.2e6]),
        lead_time=30.0,
        shelf_life=0.1,
        backorder_cost=0.0,
        fixed_order_cost=0.0,
        disposal_cost=5.0,
        service_level=0.99,
    )
    exact(expiring_frame(expiring_item()))  # compiled here, or read from what was kept
    services = ("none", "fill_rate")
    points = supervised.run(
        lambda k: exact(expiring_frame(item), service=services[k]).decisions["REORDER_POINT"].item(), 2, seconds=60
    )
    without, with_fill_rate = points
    assert without == 0 and with_fill_rate > 96e6
