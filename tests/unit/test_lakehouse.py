"""A lakehouse as frames, on tiny tables: what an analyst gets, and the sentence where there is nothing to get."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from invopt.errors import ParameterError, TableError
from invopt.lakehouse import Lakehouse, unfolded

MOMENT = pa.timestamp("us", "UTC")
TYPES = {"decisions": pa.map_(pa.string(), pa.list_(pa.float64())), "rows": pa.int64(), "wave": pa.int32()}
TYPES |= dict.fromkeys(("as_of", "started_at", "done_at", "ordered_at", "sold_at"), MOMENT)
TYPES |= dict.fromkeys(("quantity", "units", "unit_price", "cost", "bound", "gap", "inventory_position"), pa.float64())
MONDAY = datetime(2026, 6, 1, 6, tzinfo=UTC)
RUNS = {"monday": "20260601T060000-aaaaaaaaaa", "tuesday": "20260602T060000-aaaaaaaaaa"}
RUNS |= {"wednesday": "20260603T060000-bbbbbbbbbb"}


def write(folder: Path, table: str, rows: list[dict]) -> None:
    schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in rows[0]])
    write_deltalake(str(folder / table.replace(".", "/")), pa.Table.from_pylist(rows, schema), mode="overwrite")


def item(run: str, policy: str, product: str = "a", source: str = "9", location: str = "1") -> dict:
    keys = {"run_id": RUNS[run], "policy_id": policy, "location_id": location}
    return keys | {"product_id": product, "source_id": source}


def solution(run: str, policy: str, decisions: dict | None, product: str = "a", source: str = "9") -> dict:
    receipt = {"cost": 1.5, "status": "optimal", "method": "exact", "bound": 1.5, "gap": 0.0, "message": None}
    return item(run, policy, product, source) | {"decisions": decisions and list(decisions.items())} | receipt


def review(run: str, policy: str, quantity: float, product: str = "a", source: str = "9", location: str = "1") -> dict:
    ordered_at = MONDAY + timedelta(days=list(RUNS).index(run))
    reason = f"{quantity:g} wanted"
    keys = item(run, policy, product, source, location)
    return keys | {"ordered_at": ordered_at, "inventory_position": 4.0, "quantity": quantity, "reason": reason}


def steps(run: str, policy: str, inputs: int, *waves: int) -> list[dict]:
    step = {"run_id": RUNS[run], "policy_id": policy, "done_at": MONDAY}
    made = {"step": "inputs", "wave": 0, "rows": inputs}
    return [step | row for row in (made, *({"step": "solve", "wave": n, "rows": rows} for n, rows in enumerate(waves)))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three runs: daily is solved in each, weekly on Monday, big partly on Tuesday; retired is configured no more."""
    folder = tmp_path_factory.mktemp("lakehouse")
    policies = [{"id": name, "active": name != "off"} for name in ("daily", "weekly", "big", "off")]
    moments = {name: MONDAY + timedelta(days=n) for n, name in enumerate(RUNS)}
    runs = [
        {"run_id": RUNS[name], "as_of": moment, "started_at": moment, "config": json.dumps({"policies": policies})}
        for name, moment in moments.items()
    ]
    write(folder, "gold.runs", runs)
    done = [steps(name, "daily", 2, 2) for name in RUNS]
    done += [steps("monday", "weekly", 1, 1), steps("monday", "retired", 1, 1), steps("monday", "off", 1, 1)]
    done += [steps("monday", "big", 2, 1, 1), steps("tuesday", "big", 2, 1)]
    write(folder, "gold.steps", [row for rows in done for row in rows])
    solutions = [
        solution(name, "daily", decisions, product)
        for n, name in enumerate(RUNS)
        for product, decisions in (("a", {"REORDER_POINT": [n + 7.0]}), ("b", None))
    ]
    solutions += [solution("monday", name, {"LEVEL": [3.0, 4.0]}, "c") for name in ("weekly", "retired", "off")]
    solutions += [solution("monday", "big", {"LEVEL": [5.0]}, name) for name in ("d", "e")]
    solutions += [solution("tuesday", "big", {"LEVEL": [6.0]}, "d")]
    write(folder, "gold.solutions", solutions)
    reviews = [review(name, "daily", n + 1.0) for n, name in enumerate(RUNS)]
    reviews += [review("tuesday", "weekly", 5.0, "c"), review("monday", "daily", 0.0, "b", location="2")]
    reviews += [review("monday", "big", 1.0, "d", "8"), review("monday", "big", 2.0, "d", "9")]
    write(folder, "gold.order_reviews", reviews)
    orders = [{"order_id": f"{10 - n}", "status": "open"} | row for n, row in enumerate(reviews[2::-1])]
    write(folder, "gold.orders", [{name: row[name] for name in row if name != "inventory_position"} for row in orders])
    sold = [("1", "a", 0, 2.0, 5.0), ("1", "a", 6, 3.0, 5.0), ("1", "a", 6, 1.0, 4.0), ("1", "a", 30, -1.0, 5.0)]
    names = ("location_id", "product_id", "sold_at", "units", "unit_price")
    sales = [dict(zip(names, (*keys, MONDAY + timedelta(hours=h), *n), strict=True)) for *keys, h, n in split(sold)]
    write(folder, "silver.sales", sales)
    return folder


def split(rows):
    """Keys, hour, and the two numbers of each row."""
    return [(location, product, hours, (units, price)) for location, product, hours, units, price in rows]


@pytest.fixture
def lakehouse(folder) -> Lakehouse:
    return Lakehouse(folder)


def test_sales_are_units_of_a_day_and_price(lakehouse):
    sales = lakehouse.sales()
    assert list(sales.columns) == ["location_id", "product_id", "date", "quantity", "unit_price"]
    assert sales.values.tolist() == [
        ["1", "a", pd.Timestamp("2026-06-01"), 1.0, 4.0],
        ["1", "a", pd.Timestamp("2026-06-01"), 5.0, 5.0],
        ["1", "a", pd.Timestamp("2026-06-02"), -1.0, 5.0],
    ]


def test_orders_are_the_lines_of_all_runs_the_oldest_first(lakehouse):
    orders = lakehouse.orders()
    assert orders[["run_id", "quantity", "status"]].values.tolist() == [
        [RUNS["monday"], 1.0, "open"],
        [RUNS["tuesday"], 2.0, "open"],
        [RUNS["wednesday"], 3.0, "open"],
    ]


def test_solutions_are_those_that_hold_of_each_active_policy(lakehouse):
    rows = lakehouse.solutions().sort_values(["policy_id", "product_id"])
    assert rows[["run_id", "policy_id", "product_id"]].values.tolist() == [
        [RUNS["monday"], "big", "d"],  # on Tuesday the run was stopped between its waves
        [RUNS["monday"], "big", "e"],
        [RUNS["wednesday"], "daily", "a"],
        [RUNS["wednesday"], "daily", "b"],
        [RUNS["monday"], "weekly", "c"],
    ]
    assert rows["reorder_point"].fillna(-1).tolist() == [-1, -1, 9.0, -1, -1]
    levels = rows["level"].tolist()
    assert levels[:4] == [5.0, 5.0, None, None] and levels[4].tolist() == [3.0, 4.0]


def test_solutions_of_a_run(lakehouse):
    rows = lakehouse.solutions(RUNS["tuesday"])
    assert list(rows.columns) == [
        *("run_id", "policy_id", "location_id", "product_id", "source_id"),
        *("level", "reorder_point"),
        *("cost", "status", "method", "bound", "gap", "message"),
    ]
    assert set(rows["run_id"]) == {RUNS["tuesday"]} and len(rows) == 3
    with pytest.raises(ParameterError, match="run: there is no 'x'; there are 20260603T060000-bbbbbbbbbb, 20260602T"):
        lakehouse.solutions("x")


def test_a_decision_named_like_another_column_is_refused():
    row = {name: ["x"] for name in ("run_id", "policy_id", "location_id", "product_id", "source_id")}
    with pytest.raises(ValueError, match="cost"):
        unfolded(pd.DataFrame(row | {"decisions": [[("COST", np.array([1.0]))]], "cost": [1.0]}))


def test_explain_gives_the_newest_review_and_the_solution_that_it_went_by(lakehouse):
    newest = lakehouse.explain(policy="daily", location="1", product="a")
    assert (newest.review["quantity"], newest.sentence, newest.solution["reorder_point"]) == (3.0, "3 wanted", 9.0)
    assert str(newest).splitlines() == [
        "3 ordered of product a for location 1 from source 9 on 2026-06-03: 3 wanted",
        f"policy daily: run_id {RUNS['wednesday']}, reorder_point 9, cost 1.5, status optimal, method exact, "
        "bound 1.5, gap 0",
    ]
    # of a run; and a number is taken for the text that it is in the tables
    first = lakehouse.explain(policy="daily", location=1, product="a", run=RUNS["monday"])
    assert (first.review["quantity"], first.solution["reorder_point"]) == (1.0, 7.0)
    # ordered on Tuesday by what Monday's run decided
    weekly = lakehouse.explain(policy="weekly", location="1", product="c")
    assert (weekly.review["run_id"], weekly.solution["run_id"]) == (RUNS["tuesday"], RUNS["monday"])
    assert "level [3 4]" in str(weekly)
    unsolved = lakehouse.explain(policy="daily", location="2", product="b")
    assert unsolved.solution is None and str(unsolved).endswith("policy daily: no solution")
    assert lakehouse.explain(policy="big", location="1", product="d", source="8").review["quantity"] == 1.0


def test_a_source_of_number_0_is_a_source(tmp_path):
    write(tmp_path, "gold.runs", [{"run_id": RUNS["monday"], "as_of": MONDAY, "started_at": MONDAY, "config": "{}"}])
    write(tmp_path, "gold.solutions", [solution("monday", "daily", {"LEVEL": [5.0]})])
    write(tmp_path, "gold.steps", steps("monday", "daily", 1, 1))
    write(
        tmp_path,
        "gold.order_reviews",
        [review("monday", "daily", n, source=name) for n, name in ((8.0, "9"), (7.0, "0"))],
    )
    found = Lakehouse(tmp_path).explain(policy="daily", location=1, product="a", source=0)
    assert (found.review["source_id"], found.review["quantity"]) == ("0", 7.0)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"policy": "x"}, "policy 'x' is in no row of gold.order_reviews; there are big, daily, weekly"),
        ({"location": "7"}, "location '7' is in no row of gold.order_reviews; there are 1, 2"),
        ({"product": "zz"}, "product 'zz' is in no row of gold.order_reviews; there are a, b, c, d"),
        (
            {"policy": "x", "location": "7"},
            "policy 'x' is in no row of gold.order_reviews; there are big, daily, weekly; location '7' is in no row of "
            "gold.order_reviews; there are 1, 2",
        ),
        (
            {"policy": "weekly"},
            "policy weekly has not reviewed product a at location 1; policies that have at any time: daily",
        ),
        (
            {"product": "b"},
            "policy daily has not reviewed product b at location 1; policies that have at any time: none",
        ),
        (
            {"policy": "weekly", "product": "c", "run": RUNS["wednesday"]},
            f"policy weekly has not reviewed product c at location 1 in run {RUNS['wednesday']}; policies that have at "
            "any time: weekly",
        ),
        ({"policy": "big", "product": "d"}, "source: product d comes to location 1 from 8, 9; name one of them"),
        ({"source": "5"}, "source: '5' is not reviewed; there are 9"),
        ({"run": "x"}, f"run: there is no 'x'; there are {', '.join(reversed(RUNS.values()))}"),
    ],
)
def test_what_is_unknown_is_answered_in_a_sentence(lakehouse, wanted, says):
    with pytest.raises(ParameterError) as error:
        lakehouse.explain(**{"policy": "daily", "location": "1", "product": "a"} | wanted)
    assert str(error.value) == says


def test_a_place_that_is_no_lakehouse(folder, tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(TableError, match=f"there is no folder {missing}; give the folder that"):
        Lakehouse(missing)
    assert not missing.exists()
    with pytest.raises(TableError, match=r"is no lakehouse, as it holds no table of invopt; `invopt run` makes them"):
        Lakehouse(tmp_path)
    (tmp_path / "lakehouse").mkdir()
    with pytest.raises(TableError, match=f"did you mean {tmp_path / 'lakehouse'}"):
        Lakehouse(str(tmp_path))
    with pytest.raises(ParameterError, match="lakehouse: a URI must not hold a key") as error:
        Lakehouse("s3://name:secret@bucket/retail")
    assert "secret" not in str(error.value)


def test_a_table_that_is_not_made_yet(tmp_path):
    write(tmp_path, "gold.runs", [{"run_id": "r", "as_of": MONDAY, "started_at": MONDAY, "config": '{"policies": []}'}])
    lakehouse = Lakehouse(tmp_path)
    for ask, table in ((lakehouse.orders, "orders"), (lakehouse.solutions, "steps")):
        with pytest.raises(TableError) as error:
            ask()
        expected = f"gold.{table} is not made yet in {tmp_path}; there are gold.runs; `invopt run` makes all"
        assert str(error.value) == expected


def test_no_run_has_solved_all_items_of_a_policy(folder, tmp_path):
    config = json.dumps({"policies": [{"id": "big", "active": True}, {"id": "new", "active": "shadow"}]})
    write(tmp_path, "gold.runs", [{"run_id": RUNS["monday"], "as_of": MONDAY, "started_at": MONDAY, "config": config}])
    write(tmp_path, "gold.steps", [*steps("monday", "big", 2, 1), *steps("monday", "new", 2)])
    with pytest.raises(TableError, match="holds no solutions of its active policies, big, new, yet"):
        Lakehouse(tmp_path).solutions()


def test_spark_is_not_imported(folder):
    code = (
        "import sys\nfrom invopt.lakehouse import Lakehouse\n"
        f"lakehouse = Lakehouse({str(folder)!r})\n"
        "rows = [len(frame) for frame in (lakehouse.orders(), lakehouse.solutions(), lakehouse.sales())]\n"
        "print(lakehouse.explain(policy='daily', location='1', product='a').sentence, rows)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'pyspark', 'py4j', 'delta'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "3 wanted [3, 5, 3]\n[]\n"), done.stderr
