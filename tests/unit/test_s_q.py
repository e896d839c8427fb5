"""The (s, Q) policy: published optima, model against exact algorithm, the sample's own solutions, bad inputs, order
rule.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import highspy
import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from invopt.errors import ParameterError
from invopt.policies import load
from invopt.policies.s_q import POLICY, SQParams
from invopt.theory.demand.lead_time_demand import poisson_lead_time_demand
from invopt.theory.s_q.cost import COSTS, reorder_point_cost
from tests.items.s_q import FORMS, frame, poisson_item, random_item

DATA = Path(__file__).parents[3] / "shared" / "data"
AZURE = DATA / "azure" / "azure_sample.tar.gz"


def exact(items: pd.DataFrame, **params):
    return POLICY.solve_exact(items, np.arange(len(items) + 1), SQParams(**params))


def solved_model(items: pd.DataFrame, **params) -> pyo.ConcreteModel:
    return solve(POLICY.build_model(items, SQParams(**params)))


def solve(model: pyo.ConcreteModel) -> pyo.ConcreteModel:
    """The model after HiGHS has solved it; fails unless it says optimal."""
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    matrix = form.A.tocsc()
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = form.c.toarray().ravel()
    lp.col_lower_ = np.zeros(lp.num_col_)
    lp.col_upper_ = np.full(lp.num_col_, np.inf)
    bound = np.array([row.bound_type for row in form.rows])
    lp.row_lower_ = np.where(bound <= 0, form.rhs, -np.inf)
    lp.row_upper_ = np.where(bound >= 0, form.rhs, np.inf)
    lp.offset_ = float(form.c_offset[0])
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(lp)
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    for variable, value in zip(form.x, solver.getSolution().col_value, strict=True):
        variable.set_value(max(value, 0.0))
    for variable in model.component_data_objects(pyo.Var):
        if variable.value is None:
            variable.set_value(0.0)
    return model


def difference(found: float, expected: float, items: pd.DataFrame) -> float:
    """Relative difference; the guide's cost can be next to nothing, a difference of larger ones, so it is measured
    against them too.
    """
    held = (
        items["holding_cost"].iloc[0] * float(np.mean(items["demand_mean"].iloc[0])) * (1 + items["lead_time"].iloc[0])
    )
    return abs(found - expected) / max(abs(expected), 1e-3 * held)


@pytest.mark.parametrize("example", POLICY.examples, ids=lambda example: example.name)
def test_published_optima_are_reached_by_model_and_by_algorithm(example):
    items = frame(*example.items)
    found = exact(items, **example.params)
    assert found.cost[0] == pytest.approx(example.cost, rel=1e-6)
    model = solved_model(items, **example.params)
    assert pyo.value(model.total_cost) == pytest.approx(example.cost, rel=1e-6)
    for name, values in example.decisions.items():
        assert found.decisions[name].tolist() == list(values)
        assert pyo.value(getattr(model, name)[0]) == pytest.approx(values[0], abs=1e-6)


def largest_difference(rng: np.random.Generator, n_of_each: int, largest_mean: float) -> float:
    """Of n_of_each random items of every cost and form; the largest windows are left out, as a model of 100,000
    levels takes minutes.
    """
    largest = 0.0
    for cost in COSTS:
        for form in FORMS:
            items = frame(*(random_item(rng, form, largest_mean) for _ in range(3 * n_of_each)))
            found = exact(items, cost=cost)
            assert found.message is None
            is_small = np.flatnonzero(found.decisions["ORDER_QUANTITY"] <= 1500)
            n_compared = 0
            for i in is_small:
                one = items.iloc[[i]]
                model = POLICY.build_model(one, SQParams(cost=cost))
                if len(model.LEVELS) > 3000 or n_compared == n_of_each:
                    continue
                solve(model)
                n_compared += 1
                largest = max(largest, difference(pyo.value(model.total_cost), found.cost[i], one))
                s, quantity = pyo.value(model.REORDER_POINT[0]), pyo.value(model.ORDER_QUANTITY[0])
                # a vertex is one window: whole numbers, though perhaps another window of the same cost
                assert s == pytest.approx(round(s), rel=1e-6, abs=1e-5) and s > -1e-5
                assert quantity == pytest.approx(round(quantity), rel=1e-6)
            assert n_compared == n_of_each
    return largest


def test_model_and_algorithm_find_the_same_cost():
    assert largest_difference(np.random.default_rng(1), 9, 20.0) < 1e-9


@pytest.mark.slow
def test_model_and_algorithm_find_the_same_cost_of_a_thousand_items():
    largest = largest_difference(np.random.default_rng(2), 84, 12_000.0)
    print(f"largest relative difference of 1,008 items: {largest:.2e}")
    assert largest < 1e-9


@pytest.mark.parametrize("cost", COSTS)
def test_a_model_of_several_items_holds_the_share_of_each(cost):
    rng = np.random.default_rng(3)
    items = frame(*(random_item(rng, form, 5.0) for form in FORMS), poisson_item(demand_mean=np.zeros(3)))
    found = exact(items, cost=cost)
    model = solved_model(items, cost=cost)
    shares = [pyo.value(model.item_cost[i]) for i in model.ITEMS]
    np.testing.assert_allclose(shares, found.cost, rtol=1e-9, atol=1e-9)
    assert pyo.value(model.total_cost) == pytest.approx(found.cost.sum(), rel=1e-9)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("form", FORMS)
def test_no_demand_orders_nothing(cost, form):
    items = frame(
        poisson_item(
            demand_distribution=form,
            demand_mean=np.zeros(28),
            demand_variance=np.zeros(28),
            demand_pmf=[np.ones(1)] * 28,
            lead_time_confidence=1.0,
        )
    )
    found = exact(items, cost=cost)
    model = solved_model(items, cost=cost)
    assert found.cost.tolist() == [0] and pyo.value(model.total_cost) == 0
    for name in POLICY.decisions:
        assert found.decisions[name].tolist() == [0] and pyo.value(getattr(model, name)[0]) == 0
    assert POLICY.order(found.decisions, pd.DataFrame({"inventory_position": [-5.0]})).tolist() == [0]


@pytest.mark.parametrize("cost", COSTS)
def test_money_in_cents_gives_the_same_decisions_at_a_hundred_times_the_cost(cost):
    rng = np.random.default_rng(4)
    items = frame(*(random_item(rng, form) for form in FORMS for _ in range(10)))
    cents = items.assign(**{name: items[name] * 100 for name in ("fixed_order_cost", "holding_cost", "backorder_cost")})
    euros_found, cents_found = exact(items, cost=cost), exact(cents, cost=cost)
    np.testing.assert_allclose(cents_found.cost, 100 * euros_found.cost, rtol=1e-9, atol=1e-9)
    in_euros, in_cents = (pyo.value(solved_model(table.iloc[[0]], cost=cost).total_cost) for table in (items, cents))
    assert in_cents == pytest.approx(100 * in_euros)


def test_the_default_cost_covers_the_review_day():
    items = frame(poisson_item())
    a_day_more = frame(poisson_item(lead_time=3.0))
    assert (
        exact(items).cost[0]
        == exact(a_day_more, cost="time_weighted").cost[0]
        > exact(items, cost="time_weighted").cost[0]
    )


def test_an_uncertain_lead_time_costs_more():
    certain, uncertain = (
        exact(frame(poisson_item(lead_time=4.0))),
        exact(frame(poisson_item(lead_time=4.0, lead_time_confidence=3.0))),
    )
    assert uncertain.cost[0] > 1.1 * certain.cost[0]


def test_a_poisson_given_by_its_probabilities_is_the_poisson():
    pmf = np.exp(-1.5) * np.cumprod(np.concatenate([[1.0], 1.5 / np.arange(1, 40)]))
    given = frame(poisson_item(demand_distribution="pmf", demand_pmf=[pmf / pmf.sum()]))
    for cost in COSTS:
        assert exact(given, cost=cost).cost[0] == pytest.approx(
            exact(frame(poisson_item()), cost=cost).cost[0], rel=1e-10
        )


BAD = {
    "negative cost": ({"fixed_order_cost": -1.0}, "fixed_order_cost is -1.0"),
    "cost NaN": ({"backorder_cost": np.nan}, "backorder_cost is nan"),
    "infinite cost": ({"holding_cost": np.inf}, "holding_cost is inf"),
    "free holding": ({"holding_cost": 0.0}, "none is best"),
    "unknown distribution": (
        {"demand_distribution": "gamma"},
        "'gamma', must be one of poisson, deterministic, normal, pmf",
    ),
    "no distribution": ({"demand_distribution": None}, "None, must be one of"),
    "pmf of 0.9": ({"demand_distribution": "pmf", "demand_pmf": [np.array([0.5, 0.4])]}, "add up to 1"),
    "no pmf": ({"demand_distribution": "pmf"}, "demand_pmf must hold"),
    "no variance": ({"demand_distribution": "normal"}, "demand_variance of a normal demand"),
    "negative variance": (
        {"demand_distribution": "normal", "demand_variance": np.array([1.0, -1.0])},
        "demand_variance of a normal",
    ),
    "no mean": ({"demand_mean": None}, "demand_mean must be a series"),
    "empty mean": ({"demand_mean": np.array([])}, "demand_mean must be a series"),
    "a period NaN": ({"demand_mean": np.array([1.0, np.nan])}, "demand_mean must be a series"),
    "negative lead time": ({"lead_time": -1.0}, "lead_time and lead_time_confidence must be"),
    "lead time NaN": ({"lead_time": np.nan}, "lead_time and lead_time_confidence must be"),
    "lead time of centuries": ({"lead_time": 1e5}, "at most 3650 days"),
    "too much": ({"demand_mean": np.array([1e9])}, "count in larger units"),
    "two things": ({"fixed_order_cost": -1.0, "lead_time": -1.0}, "days; fixed_order_cost is -1.0"),
    "endless quantity": ({"holding_cost": 1e-30}, "passes 1e+12 units"),
    "too wide a pmf": (
        {"demand_distribution": "pmf", "lead_time": 300.0, "demand_pmf": [np.full(10_000, 1e-4)]},
        "give such a demand as normal",
    ),
    "too wide a mixture": (
        {"lead_time": 300.0, "lead_time_confidence": 200.0, "demand_mean": np.array([9999.0])},
        "give such a demand as normal",
    ),
}


@pytest.mark.parametrize("cost", COSTS)
def test_bad_items_get_a_message_and_leave_the_others_alone(cost):
    rng = np.random.default_rng(5)
    good = [random_item(rng, form) for form in FORMS for _ in range(len(BAD))][: len(BAD) + 1]
    mixed = [good[0]]
    for (changes, _), other in zip(BAD.values(), good[1:], strict=True):
        mixed += [poisson_item(**changes), other]
    found, alone = exact(frame(*mixed), cost=cost), exact(frame(*good), cost=cost)
    for k, (name, (_, text)) in enumerate(BAD.items()):
        i = 2 * k + 1
        assert text in (found.message[i] or ""), (name, found.message[i])
        assert np.isnan(found.cost[i]) and all(np.isnan(values[i]) for values in found.decisions.values()), name
    np.testing.assert_array_equal(found.cost[::2], alone.cost)
    assert all(said is None for said in found.message[::2])
    for name in POLICY.decisions:
        np.testing.assert_array_equal(found.decisions[name][::2], alone.decisions[name])


@pytest.mark.parametrize("bad", [name for name in BAD if name != "endless quantity"])
def test_the_model_of_a_bad_item_says_what_is_wrong(bad):
    changes, text = BAD[bad]
    with pytest.raises(ParameterError) as refused:
        POLICY.build_model(frame(poisson_item(**changes)), SQParams())
    assert text in str(refused.value)


def test_a_model_too_large_to_build_points_to_the_algorithm():
    with pytest.raises(ParameterError, match="method: exact"):
        POLICY.build_model(frame(poisson_item(holding_cost=1e-30)), SQParams())


def test_an_empty_bucket_has_an_empty_solution():
    found = exact(frame())
    assert found.cost.shape == (0,) and found.message is None and set(found.decisions) == set(POLICY.decisions)


def test_order_is_the_fewest_batches_that_lift_the_position_above_the_reorder_point():
    rng = np.random.default_rng(6)
    n = 500
    s, quantity, position = rng.integers(0, 30, n), rng.integers(0, 9, n), rng.integers(-60, 60, n)
    wanted = POLICY.order(
        {"REORDER_POINT": s.astype(float), "ORDER_QUANTITY": quantity.astype(float)},
        pd.DataFrame({"inventory_position": position}),
    )
    for k in range(n):
        batches = 0
        while quantity[k] > 0 and position[k] + batches * quantity[k] <= s[k]:
            batches += 1
        assert wanted[k] == batches * quantity[k] >= 0


def test_order_without_decision_or_position_is_unknown():
    wanted = POLICY.order(
        {"REORDER_POINT": np.array([np.nan, 1.0]), "ORDER_QUANTITY": np.array([np.nan, 1.0])},
        pd.DataFrame({"inventory_position": [0.0, np.nan]}),
    )
    assert np.isnan(wanted).all()


def test_the_engine_finds_the_policy():
    assert load("s_q") is POLICY
    with pytest.raises(ValueError, match="daily_review"):
        SQParams(cost="sigmoid")


def azure_items() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Inputs of every item x date of the sample that it has an (s, Q) solution of, and those solutions."""
    files = {}
    with tarfile.open(AZURE) as archive:
        for member in archive:
            path = member.name.removeprefix("./")
            if path.endswith(".csv") and (
                "demand_forecasts/" in path or "output_csv/sQ/" in path or "publicparameters/" in path
            ):
                files[path] = archive.extractfile(member).read().decode()

    def table(name: str) -> pd.DataFrame:
        # their product ids, such as 1_1, would be read as the number 11
        text = next(text for path, text in files.items() if path.endswith(f"publicparameters/{name}.csv"))
        return pd.read_csv(io.StringIO(text), dtype=str)

    supplier = table("store_product_supplier").set_index(["StoreID", "ProductID"])
    storage = table("store_product_storage").set_index(["StoreID", "ProductID"])
    shipping = table("suppliers").set_index("SupplierID")["ShippingCost"].astype(float)
    items, solutions = [], []
    for path, text in files.items():
        if "output_csv/sQ/" not in path:
            continue
        store, product, name = path.split("/")[-3:]
        day = name.removeprefix("s_Q_").removesuffix(".csv")
        forecast_name = f"demand_forecasts/{store}/{product}/{day[:4]}-{day[4:6]}-{day[6:8]}_00_00_00.csv"
        forecast = next((text for other, text in files.items() if other.endswith(forecast_name)), None)
        solution = dict(line.split(",") for line in text.split())
        if forecast is None or set(solution) != {"s", "Q"}:
            continue
        row = supplier.loc[(store, product)]
        items.append(
            poisson_item(
                fixed_order_cost=shipping[row["SupplierID"]],
                holding_cost=float(storage.loc[(store, product), "StorageCost"]),
                backorder_cost=float(row["BackorderCost"]),
                lead_time=float(row["LeadTime"]),
                lead_time_confidence=float(row["LeadTimeConfidenceInterval"]),
                demand_mean=pd.read_csv(io.StringIO(forecast))["Demand"].to_numpy(float),
            )
        )
        solutions.append({"s": float(solution["s"]), "Q": float(solution["Q"])})
    return frame(*items), pd.DataFrame(solutions)


@pytest.mark.skipif(not AZURE.is_file(), reason="the Azure sample is not on this machine")
def test_never_dearer_than_the_sample_solutions_under_their_own_cost():
    items, theirs = azure_items()
    assert len(items) > 100
    # their model knew one lead time, so the comparison is made both with and without its confidence interval
    for spread in (0.0, 1.0):
        compared = items.assign(lead_time_confidence=items["lead_time_confidence"] * spread)
        found = exact(compared, cost="guide")
        assert found.message is None
        saved = []
        for i, item in compared.iterrows():
            a = float(item["demand_mean"].mean())
            lead, c = item["lead_time"], item["lead_time_confidence"]
            demand = poisson_lead_time_demand(a, np.arange(max(0, lead - c), lead + c + 1))
            their_cost = reorder_point_cost(
                "guide",
                round(theirs["s"][i]),
                max(round(theirs["Q"][i]), 1),
                demand,
                a,
                item["holding_cost"],
                item["fixed_order_cost"],
                item["backorder_cost"],
            )
            assert found.cost[i] <= their_cost * (1 + 1e-12) + 1e-9
            saved.append((their_cost - found.cost[i]) / abs(found.cost[i]))
        if spread == 0:
            # the same data and the same cost: half of their solutions are within a fifth, or the inputs were read
            # wrongly
            assert np.median(saved) < 0.2
