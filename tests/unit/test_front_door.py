"""invopt.solve as a scientist uses it: one line, a frame of one's own, and the answers to what is wrong."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import invopt
from invopt import policies
from invopt.errors import InputError, UnknownPolicyError
from tests.items import answer, frame

ROOT = Path(__file__).parents[2]
COSTS = {"fixed_order_cost": 100, "holding_cost": 20, "backorder_cost": 150, "lead_time": 2}
ITEM = {**COSTS, "demand_mean": 1.5}
RECEIPT = ["cost", "status", "method", "bound", "gap", "message"]


def items(**columns) -> pd.DataFrame:
    """Two items with keys of their own and a named index."""
    given = {"product_id": ["a", "b"], "fixed_order_cost": [100, 90.0], "holding_cost": 20, "backorder_cost": [150, 99]}
    return pd.DataFrame({**given, "lead_time": [2, 1], "demand_mean": [1.5, 2.0], **columns}, index=["first", "second"])


def forecast(**columns) -> pd.DataFrame:
    """Three periods of the two items."""
    means = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    return pd.DataFrame({"product_id": list("aaabbb"), "period": [0, 1, 2] * 2, "mean": means, **columns})


def without_demand() -> pd.DataFrame:
    return items().drop(columns="demand_mean")


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ------------------------------------------------------------------------------------------------------- the package


def test_the_import_brings_nothing_and_so_is_quick():
    """No package but invopt's own first file: beside Python's start that is a millisecond."""
    modules = "sorted(name for name in sys.modules if name.partition('.')[0] not in sys.stdlib_module_names)"
    before = in_a_new_process(f"import sys; print({modules})")
    after = in_a_new_process(f"import sys, invopt; print({modules})")
    assert set(ast.literal_eval(after)) - set(ast.literal_eval(before)) == {"invopt"}
    assert in_a_new_process("import invopt; print({'solve', 'open', 'policies'} <= set(dir(invopt)))") == "True"


@pytest.mark.parametrize(
    "imports", ["import invopt", "import invopt.policies", "from invopt import policies; import invopt"]
)
def test_policies_is_the_package_and_can_be_called(imports):
    code = f"{imports}; print(len(invopt.policies()), invopt.policies.load('s_q').name)"
    assert in_a_new_process(code) == f"{len(policies.names())} s_q"


def test_the_table_of_policies(monkeypatch):
    table = invopt.policies().set_index("name")
    assert list(table.columns) == ["decides", "partition", "model", "algorithm", "source", "needs"]
    assert table.loc["s_q", "partition"] == "location x product x source"
    assert table.loc["s_q", "needs"].startswith(
        "fixed_order_cost, holding_cost, backorder_cost, lead_time, demand_mean ["
    )
    # what only parts the items need not be given
    assert "storage_id" in table.loc["eoq_budget", "needs"].partition("[")[2]
    monkeypatch.setattr("invopt.policies.names", lambda folder=None: ["s_s"])
    assert list(invopt.policies()["name"]) == ["s_s"]


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="has no attribute 'sovle'; it has solve, open, policies"):
        invopt.sovle  # noqa: B018


# -------------------------------------------------------------------------------------------------- what is solved


def test_one_line():
    solved = invopt.solve(
        "s_q", fixed_order_cost=100, holding_cost=20, backorder_cost=150, lead_time=2, demand_mean=1.5
    )
    assert list(solved.columns) == ["reorder_point", "order_quantity", *RECEIPT]
    assert solved.loc[0, ["reorder_point", "order_quantity", "status"]].tolist() == [4, 6, "optimal"]
    assert solved.loc[0, "message"] is None


def test_a_frame_comes_back_in_its_order_with_its_index_and_keys():
    rng = np.random.default_rng(1)
    n = 40
    given = pd.DataFrame(
        {
            "product_id": rng.permutation(n),
            "name": "not read",
            **COSTS,
            "demand_mean": [rng.uniform(1, 5, size) for size in rng.integers(1, 9, n)],
        },
        index=rng.permutation(n) + 100,
    )
    solved = invopt.solve("s_q", given)
    assert solved.index.equals(given.index) and solved["product_id"].tolist() == given["product_id"].tolist()
    for label in given.index[:5]:
        alone = invopt.solve("s_q", **given.loc[label].drop(["name", "product_id"]).to_dict())
        assert alone["cost"].item() == solved.loc[label, "cost"]


def test_the_engine_that_serves_production_gives_the_same():
    policy = policies.load("s_q")
    examples = [item for example in policy.examples for item in example.items]
    theirs = answer(policy, frame(policy, *examples))
    ours = invopt.solve("s_q", pd.DataFrame(examples))
    assert ours["cost"].tolist() == theirs.cost.tolist()
    assert ours["reorder_point"].tolist() == theirs.decisions["REORDER_POINT"].tolist()


def test_lists_are_items_and_lists_of_lists_their_periods():
    two = invopt.solve("s_q", **{**COSTS, "lead_time": [2, 1]}, demand_mean=[[1, 2], [3, 4, 5]])
    by_mean = invopt.solve("s_q", **{**COSTS, "lead_time": [2, 1]}, demand_mean=[1.5, 4])
    assert two.equals(by_mean)
    one = invopt.solve("s_q", **COSTS, demand_mean=[1, 2])
    assert len(one) == 1 and one["cost"].item() == two["cost"][0]


def test_decisions_over_periods_are_lists_as_long_as_the_plan():
    costs = {"fixed_order_cost": 500, "holding_cost": 2, "lead_time": 0, "inventory_position": 0}
    solved = invopt.solve("dynamic_lot_sizing", **costs, demand_mean=[[90, 120, 80, 70], [10, 20], [5]])
    assert solved["order_quantity"].tolist() == [[210, 0, 150, 0], [30, 0], [5]]


def test_std_stands_for_variance_and_makes_demand_normal():
    by_std = invopt.solve("s_q", **ITEM, demand_std=[[1, 2]])
    by_variance = invopt.solve("s_q", **ITEM, demand_variance=[[1, 4]], demand_distribution="normal")
    assert by_std.equals(by_variance)
    assert by_std["cost"].item() != invopt.solve("s_q", **ITEM)["cost"].item()
    two = {**COSTS, "demand_mean": [1.5, 1.5], "demand_std": [[1, 2], None]}
    mixed = invopt.solve("s_q", **two, demand_distribution=["normal", "poisson"])
    assert mixed["cost"].tolist() == [by_std["cost"].item(), invopt.solve("s_q", **ITEM)["cost"].item()]
    lacking = invopt.solve("s_q", **two)
    assert lacking["status"].tolist() == ["optimal", "no_solution"]
    assert "column demand_std is missing" in lacking["message"][1]


def test_probabilities_alone_are_a_demand():
    by_pmf = invopt.solve("s_q", **COSTS, demand_pmf=[0.5, 0.3, 0.2])
    said = {"demand_pmf": [[[0.5, 0.3, 0.2]]], "demand_mean": 0.7, "demand_distribution": "pmf"}
    assert by_pmf.equals(invopt.solve("s_q", **COSTS, **said))


def test_items_without_a_storage_space_share_one():
    given = {
        "fixed_order_cost": [10, 20],
        "holding_cost": [1, 2],
        "unit_cost": 3,
        "lead_time": 1,
        "demand_mean": [5, 6],
    }
    together = invopt.solve("eoq_budget", **given, storage_cost_budget=6)
    assert (together["bound"] == together["cost"].sum()).all() and (together["price_storage_cost_budget"] > 0).all()
    apart = invopt.solve("eoq_budget", **given, storage_cost_budget=6, storage_id=[1, 2])
    assert apart["cost"].sum() < together["cost"].sum()


@pytest.mark.parametrize("method", ["model", "algorithm", "auto"])
def test_each_method_gives_the_same_optimum(method):
    solved = invopt.solve("s_q", **ITEM, method=method)
    assert solved["cost"].item() == pytest.approx(119.0737860, rel=1e-7)
    assert solved["method"].item() == ("model" if method == "model" else "algorithm")


def test_params_and_a_solvers_settings_are_used():
    assert invopt.solve("s_q", **ITEM, params={"cost": "time_weighted"})["cost"].item() == pytest.approx(107.923580)
    slow = {"time_limit": 1e-9, "options": {"presolve": "off"}}
    assert invopt.solve("s_q", **ITEM, method="model", solver=slow)["status"].item() == "no_solution"


# ----------------------------------------------------------------------------------------------------- a forecast


@pytest.mark.parametrize(
    "table",
    [
        forecast(),
        forecast().sample(frac=1, random_state=1),
        forecast(date=[*pd.date_range("2026-01-30", periods=3)] * 2).drop(columns="period"),
        forecast(date=["2026-01-30", "2026-01-31", "2026-02-01"] * 2).drop(columns="period"),
    ],
)
def test_a_long_forecast_is_the_series_of_each_item(table):
    solved = invopt.solve("s_q", without_demand(), forecast=table)
    assert solved.equals(invopt.solve("s_q", without_demand(), demand_mean=[[1, 2, 3], [4, 5, 6]]))


@pytest.mark.parametrize("spread", ["std", "variance"])
def test_a_forecast_may_know_its_error(spread):
    solved = invopt.solve("s_q", without_demand(), forecast=forecast(**{spread: 2.0}))
    same = invopt.solve("s_q", without_demand(), demand_mean=[[1, 2, 3], [4, 5, 6]], **{f"demand_{spread}": 2.0})
    assert solved.equals(same)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (forecast().iloc[:3], "item 1/b/1: the forecast has no row for product_id b"),
        (forecast().drop(index=4), "item 1/b/1: its forecast has no period 1, but later ones"),
        (forecast().drop(index=3), "item 1/b/1: its forecast begins 1 periods after the others'"),
        (forecast().drop(index=5), "item 1/b/1: its forecast ends 1 periods before the others'"),
        (forecast(mean=[1, 2, 3, 4, np.nan, 6]), "item 1/b/1: column demand_mean at [1] is nan"),
        (forecast(mean=[1, 2, 3, 4, 5, -6]), "item 1/b/1: column demand_mean at [2] is -6.0, must be 0 or more"),
        (forecast(std=[1, 1, 1, 1, 1, -1]), "item 1/b/1: column demand_std at [2] is -1, must be 0 or more"),
    ],
)
def test_an_item_whose_forecast_is_no_series_is_not_solved(table, says):
    solved = invopt.solve("s_q", without_demand(), forecast=table)
    assert solved["status"].tolist() == ["optimal", "no_solution"]
    assert solved.loc["second", "message"].startswith(says) and np.isnan(solved.loc["second", "reorder_point"])


def test_forecasts_of_items_that_nobody_asks_for_are_not_read():
    table = forecast()
    other = table.iloc[:3].assign(product_id="other", period=[-31, -31, 0])
    solved = invopt.solve("s_q", without_demand(), forecast=pd.concat([table, other]))
    assert solved.equals(invopt.solve("s_q", without_demand(), forecast=table))


def test_items_decided_together_wait_for_each_other():
    given = {
        "unit_cost": [1, 2, 3],
        "lost_sale_cost": 9,
        "lead_time": 0,
        "product_id": list("abc"),
        "source_id": [1, 1, 2],
    }
    solved = invopt.solve("newsvendor_budget", **given, forecast=forecast().iloc[:3])
    assert solved["status"].tolist() == ["no_solution"] * 3
    assert solved["message"][0] == solved["message"][1] == "item 1/b/1: the forecast has no row for product_id b"
    assert solved["message"][2] == "item 1/c/2: the forecast has no row for product_id c"


# ------------------------------------------------------------------------------------ what is wrong with single rows


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"holding_cost": [20, -1]}, "column holding_cost is -1.0, must be above 0 money/unit/day"),
        ({"holding_cost": [20, None]}, "column holding_cost is nan, but a finite value is needed"),
        ({"demand_mean": [[1.5], []]}, "column demand_mean is empty"),
        ({"demand_distribution": ["poisson", "Poisson"]}, "demand_distribution is 'Poisson', must be one of poisson"),
        ({"service_level": [0.9, 95]}, "service_level is 95.0, must be a fraction: 0.95 for 95 percent"),
        ({"demand_std": [1, -1], "demand_mean": [[1.5], [1]]}, "column demand_std is -1, must be 0 or more units/day"),
    ],
)
def test_a_wrong_value_is_its_rows_alone(changes, says):
    solved = invopt.solve("s_q", **{**ITEM, **changes}, params={"service": "cycle"})
    assert solved["status"].tolist() == ["optimal", "no_solution"]
    assert says in solved["message"][1] and solved["message"][0] is None


# --------------------------------------------------------------------------------------- what is wrong with the call

WRONG = {
    "nothing given": ({}, "holding_cost: is missing (money/unit/day; cost of a unit in stock for a day"),
    "a letter missing": ({**COSTS, "demand_men": 1}, "demand_men: is not a column of s_q; did you mean demand_mean?"),
    "a parameter": ({**ITEM, "service": "cycle"}, "service: is a parameter of s_q, no column; give it by params={"),
    "another word": ({**ITEM, "colour": 1}, "colour: is not a column of s_q; it reads location_id, product_id"),
    "text": ({**ITEM, "holding_cost": "x"}, "holding_cost: is the text 'x', must be a number in money/unit/day"),
    "text in a list": ({**ITEM, "lead_time": [2, "3"]}, "lead_time: is the text '3', must be a number in days (row 1)"),
    "truth value": ({**ITEM, "holding_cost": True}, "holding_cost: is the truth value True, must be a number"),
    "number for a word": ({**ITEM, "demand_distribution": 3}, "demand_distribution: is the number 3, must be a text"),
    "dict": ({**ITEM, "demand_mean": {"a": 1}}, "demand_mean: is a dict, must be a value or a list"),
    "lengths": ({**ITEM, "holding_cost": [1, 2], "lead_time": [1, 2, 3]}, "items: holding_cost 2, lead_time 3"),
    "empty": ({**ITEM, "holding_cost": []}, "holding_cost: is an empty list"),
    "periods or items": (
        {**ITEM, "holding_cost": [1, 2], "demand_mean": [1, 2, 3]},
        "demand_mean: is a list with 3 values, beside 2 items; give a list of lists: 2 of them",
    ),
    "too deep": ({**ITEM, "holding_cost": [[1], [2]]}, "holding_cost: is a list of lists, must be a single value"),
    "far too deep": ({**ITEM, "demand_mean": [[[1]]]}, "demand_mean: is a list of lists of lists, must be a number"),
    "mixed": ({**ITEM, "demand_mean": [1, [2, 3]]}, "demand_mean: holds numbers and lists side by side"),
    "no probabilities": (
        {**COSTS, "demand_pmf": 0.5},
        "demand_pmf: is a single value, must be a list of probabilities",
    ),
    "two spreads": ({**ITEM, "demand_std": 1, "demand_variance": 1}, "demand_std: is given beside demand_variance"),
    "params' name": ({**ITEM, "params": {"servise": 1}}, "params.servise: is not a parameter; allowed: cost, service"),
    "params' value": ({**ITEM, "params": {"service": "x"}}, "params.service: Input should be 'none', 'cycle'"),
    "params' form": ({**ITEM, "params": "cycle"}, "params: must be a dict, such as {'cost': 'guide'}; found a str"),
    "method": ({**ITEM, "method": "best"}, "method: must be auto, model or algorithm; found 'best'"),
    "solver's name": ({**ITEM, "solver": "CBC"}, "solver: name is 'CBC', must be in lower case"),
    "solver's setting": ({**ITEM, "solver": {"mip_rel_gap": 1}}, "mip_rel_gap is not a setting; allowed: name, kind"),
    "solver's option": ({**ITEM, "solver": {"options": {"mip_gap": 1}}}, "option 'mip_gap' is unknown to HiGHS"),
    "solver's time": ({**ITEM, "solver": {"time_limit": 0}}, "solver: time_limit is 0: Input should be greater than 0"),
    "solver's form": ({**ITEM, "solver": 3}, "solver: must be a name or a dict of settings; found a int"),
    "items' form": ({"items": [ITEM]}, "items: must be a pandas DataFrame, a row per item; found a list"),
    "twice": ({"items": items(), "holding_cost": 3}, "holding_cost: is given twice, in items and as a keyword"),
    "column twice": ({"items": pd.concat([items(), items()], axis=1)}, "lead_time: is in items twice"),
    "item twice": ({"items": items(product_id="a")}, "product_id: rows 0 and 1 have the same; give location_id or"),
    "item without a name": ({"items": items(product_id=["a", None])}, "product_id: is empty in row 1"),
    "cell's form": ({"items": items(lead_time=[1, [2]])}, "lead_time: is a list in row 1, must be a single value"),
    "header": ({"items": items().rename(columns={"lead_time": "Lead_Time"})}, "is it the column 'Lead_Time'?"),
    "header in capitals": (
        {"items": items().rename(columns={"lead_time": "LEAD_TIME"})},
        "is it the column 'LEAD_TIME'?",
    ),
    "two indices": (
        {**COSTS, "demand_mean": pd.Series([1, 2], ["a", "b"]), "lead_time": pd.Series([3, 4], ["b", "a"])},
        "demand_mean: has another index than lead_time; give their .to_numpy() where the order is the same",
    ),
    "index": ({"items": items(), "lead_time_confidence": pd.Series([1, 2])}, "has another index than items"),
    "forecast's form": ({"items": without_demand(), "forecast": [1]}, "forecast: must be a DataFrame with location_id"),
    "forecast's names": (
        {"items": without_demand(), "forecast": forecast().rename(columns={"mean": "mu"})},
        "forecast: column mean is missing; it needs location_id, product_id, date or period, mean",
    ),
    "forecast's keys": (
        {"items": without_demand(), "forecast": forecast(location_id=1)},
        "forecast: has location_id, but the items have none",
    ),
    "forecast's zones": (
        {
            "items": without_demand(),
            "forecast": forecast(
                date=["2026-03-28T00:00+01:00", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"] * 2
            ).drop(columns="period"),
        },
        "forecast: date has times of several time zones or offsets",
    ),
    "forecast's row twice": (
        {"items": without_demand(), "forecast": forecast(period=[0, 1, 1] * 2)},
        "forecast: row 2 is a second one of product_id a for the same period",
    ),
    "forecast's text": ({"items": without_demand(), "forecast": forecast(mean="x")}, "forecast: mean is the text 'x'"),
    "forecast's date": (
        {"items": without_demand(), "forecast": forecast(date="01/02/2026").drop(columns="period")},
        "forecast: date must be days such as 2026-01-31",
    ),
    "forecast's numbers": (
        {"items": without_demand(), "forecast": forecast().rename(columns={"period": "date"})},
        "forecast: date holds numbers; name the column period",
    ),
    "forecast's half": (
        {"items": without_demand(), "forecast": forecast(period=0.5)},
        "period is 0.5 in row 0, must be",
    ),
    "two forecasts": ({"items": items(), "forecast": forecast()}, "demand_mean: is given beside forecast"),
    "forecast of whom": (
        {"items": without_demand(), "forecast": forecast().drop(columns="product_id")},
        "forecast: has no location_id and no product_id, but there are 2 items",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_told_in_a_sentence_that_names_the_column(name):
    given, says = WRONG[name]
    with pytest.raises(InputError) as raised:
        invopt.solve("s_q", **given)
    text = next((text for text in raised.value.problems if says in text), None)
    assert text is not None, str(raised.value)
    assert "Traceback" not in text and "\n" not in text


@pytest.mark.parametrize(
    ("policy", "given", "name"),
    [
        ("dynamic_lot_sizing", {"inventory_position": [0, 0], "demand_mean": [10, 20]}, "demand_mean"),
        (
            "eoq_budget",
            {"unit_cost": [1, 2], "demand_mean": 9, "price_break_quantity": [10, 20]},
            "price_break_quantity",
        ),
    ],
)
def test_a_list_that_may_be_of_items_or_of_periods_is_refused_where_both_make_sense(policy, given, name):
    with pytest.raises(InputError, match=f"{name}: is a list with 2 values, beside 2 items; give a list of lists"):
        invopt.solve(policy, fixed_order_cost=1, holding_cost=1, lead_time=0, **given)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(InputError) as raised:
        invopt.solve("s_q", method="b", params={"a": 1}, holding_cost="x", lead_tim=3, fixed_order_cost=1)
    names = [problem.partition(":")[0] for problem in raised.value.problems]
    assert names == ["method", "lead_tim", "holding_cost", "backorder_cost", "lead_time", "demand_mean"]


@pytest.mark.parametrize("name", ["s_qq", "S_Q", "", "base"])
def test_an_unknown_policy_is_told_with_those_there_are(name):
    with pytest.raises(UnknownPolicyError, match="there are: capacitated_lot_sizing, .*s_q, "):
        invopt.solve(name, **ITEM)


def test_a_policy_that_is_no_name_is_told():
    with pytest.raises(InputError, match="policy: must be a name, such as 's_q'; found None"):
        invopt.solve(None, **ITEM)


def test_a_column_near_an_absent_one_is_a_warning_and_any_other_is_not():
    with pytest.warns(
        UserWarning, match="'lead_time_confidance' of items is not read; did you mean lead_time_conf"
    ) as met:
        invopt.solve("s_q", items(lead_time_confidance=1, colour="red"))
    assert [warning.filename for warning in met] == [__file__]


def test_a_column_in_capitals_that_need_not_be_there_is_a_warning():
    with pytest.warns(UserWarning, match="'DEMAND_STD' of items is not read; did you mean demand_std"):
        invopt.solve("s_q", items(DEMAND_STD=1))


def test_series_of_one_index_are_side_by_side():
    index = ["b", "a"]
    solved = invopt.solve("s_q", **COSTS | {"lead_time": pd.Series([3, 4], index)}, demand_mean=[[1], [2]])
    assert len(solved) == 2


def test_price_breaks_that_nothing_asks_for_are_a_warning():
    item = {"fixed_order_cost": 10, "holding_cost": 0.2, "unit_cost": 5, "lead_time": 2, "demand_mean": 3}
    with pytest.warns(UserWarning, match="price_break_quantity is not read; ask by params={'discount': 'all_units'}"):
        invopt.solve("eoq_budget", **item, price_break_quantity=[[10]], price_break_cost=[[4]])


def test_a_service_level_that_nothing_asks_for_is_a_warning():
    with pytest.warns(UserWarning, match="ask by params={'service': 'cycle'}"):
        invopt.solve("s_q", **ITEM, service_level=0.95)


# ------------------------------------------------------------------------------------------------ a user's own policy

OWN = """
from dataclasses import replace
import numpy as np
import pyomo.environ as pyo
from invopt.policies.base import Answer, Decision
from invopt.policies.s_q import POLICY as SQ

def lane_cost(items):
    return items.frame["source_id"].map(items.views["lanes"].set_index("source_id")["cost"]).to_numpy(float)

def algorithm(items, params):
    cost = lane_cost(items)
    items.refuse(np.isnan(cost), "lanes has no row for source_id {value}", items.objects("source_id"))
    return Answer({"TRIPS": np.ones(len(items))}, cost)

def build_model(items, params):
    cost = lane_cost(items)
    model = pyo.ConcreteModel()
    model.ITEMS = pyo.RangeSet(0, len(items) - 1)
    model.TRIPS = pyo.Var(model.ITEMS, bounds=(1, None))
    model.item_cost = pyo.Expression(model.ITEMS, rule=lambda model, i: cost[i] * model.TRIPS[i])
    model.total_cost = pyo.Objective(expr=sum(model.item_cost[i] for i in model.ITEMS))
    return model

POLICY = replace(SQ, name="hauls", decides=(Decision("TRIPS", "trips", "a day"),), views=("item_state", "lanes"),
                 algorithm=algorithm, build_model=build_model, examples=())
"""


@pytest.fixture
def hauls(tmp_path) -> str:
    (tmp_path / "hauls.py").write_text(OWN, encoding="utf-8")
    return str(tmp_path)


@pytest.mark.parametrize("method", ["algorithm", "model", "auto"])
def test_a_policy_with_more_views_takes_a_frame_for_each(hauls, method):
    lanes = pd.DataFrame({"source_id": ["x", "y"], "cost": [3.0, 5.0]})
    given = {"policies_folder": hauls, "method": method, **{**ITEM, "source_id": ["y", "x"]}}
    assert invopt.solve("hauls", **given, lanes=lanes)["cost"].tolist() == [5.0, 3.0]
    if method != "model":
        solved = invopt.solve("hauls", **{**given, "method": "algorithm"}, lanes=lanes.iloc[:1])
        assert solved["status"].tolist() == ["no_solution", "optimal"]
        assert "lanes has no row for source_id y" in solved["message"][0]


def test_a_view_that_is_absent_or_no_frame_is_told(hauls):
    with pytest.raises(InputError, match="lanes: is missing; hauls reads the view lanes beside its items: a DataFrame"):
        invopt.solve("hauls", **ITEM, policies_folder=hauls)
    with pytest.raises(InputError, match="lanes: is a view and must be a DataFrame; found a list"):
        invopt.solve("hauls", **ITEM, policies_folder=hauls, lanes=[1])
