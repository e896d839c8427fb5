"""Each measurement runs on a few rows and gives figures that can be printed; no figure is compared with its aim
here.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace

import pytest

from invopt.solving import SolveRequest, solve_bucket
from tests.perf.__main__ import MEASURES
from tests.perf.alone import here
from tests.perf.arrow_items import arrow_items, item_policies
from tests.perf.figure import lines
from tests.perf.meter import Meter
from tests.perf.sizes import Sizes

TINY = Sizes(
    items=(40, 400),
    models=10,
    groups=20,
    sales=400,
    waves=2,
    batch=40,
    random=8,
    each_by_model=2,
    budget_items=50,
    peers=2,
    fixed=1,
)
WITHOUT_SPARK = ("engine", "policies")
# one policy with plans and one with levels: a lakehouse for each of two sizes takes seconds
SOME = {"item_policies": ("dynamic_lot_sizing", "s_q_perishable")}

# those that need Spark take a quarter of a minute or more each
QUICK = WITHOUT_SPARK


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MEASURES]
)
def test_a_measurement_gives_figures(name, tmp_path, request):
    if name not in WITHOUT_SPARK:
        request.getfixturevalue("spark")
    figures = MEASURES[name](tmp_path, replace(TINY, policies=SOME.get(name, ())), here)
    assert all(math.isfinite(figure.value) for figure in figures)
    text = "\n".join(lines(figures))
    assert all(figure.what in text for figure in figures)
    # a figure that is no matter of speed has to be right at any size
    exact = [figure for figure in figures if "difference" in figure.what or "without a solution" in figure.what]
    assert all(figure.is_met for figure in exact)


def test_the_meter_counts_a_child_that_has_ended():
    import subprocess
    import sys

    with Meter() as meter:
        subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert meter.cpu >= 0.5
    assert meter.wall > 0


def test_the_meter_counts_a_process_whose_parent_has_ended():
    """As a JVM outlives the worker that started it."""
    import subprocess
    import sys

    burn = "import time\nwhile time.process_time() < 0.5: pass\ntime.sleep({})"
    outlives = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {burn.format(1)!r}]); time.sleep(1)"
    )
    with Meter(period=0.05) as meter:
        subprocess.run([sys.executable, "-c", outlives], check=True)
        # until it has ended, and was seen no more
        time.sleep(1.5)
    assert meter.cpu >= 0.5


def test_the_meter_sees_only_what_happens_inside():
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    with Meter() as meter:
        pass
    assert meter.cpu < 0.3


def test_without_the_other_package_the_table_says_so(monkeypatch):
    from invopt.policies import load
    from tests.perf.peers import beside_stockpyl

    monkeypatch.setitem(sys.modules, "stockpyl", None)
    assert "not installed" in "".join(lines(beside_stockpyl(load("s_q"), 2, 10)))


@pytest.mark.parametrize("policy", item_policies())
def test_items_made_by_columns_are_solved(policy):
    """By algorithm and model, with the same cost: what the measurements on Spark take for granted."""
    rows = arrow_items(40, 5, policy).to_pandas()
    keys = rows["location_id"] + "|" + rows["product_id"]
    solved = solve_bucket(
        rows.assign(partition_key=keys, is_audited=True), SolveRequest.of_policy(policy, method="algorithm")
    )
    assert (solved["status"] == "optimal").all()
    assert solved["audit_gap"].max() < 1e-8
