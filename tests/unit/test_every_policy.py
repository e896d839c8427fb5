"""Every policy there is obeys the laws; a policy that breaks one is found out; docs/add_a_policy.md works as it is
written.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from invopt import policies
from invopt.cli import main
from invopt.policies.base import Answer, Decision
from invopt.solving import SolveRequest, solve_partition
from invopt.workbench.laws import LAWS, broken_laws, example_items
from tests.items import items_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add_a_policy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", policies.names())
def test_the_laws_hold(name):
    assert broken_laws(policies.load(name)) == []


# ------------------------------------------------------------------------------------- docs/add_a_policy.md, followed
# literally


def block(language: str, n: int = 0) -> str:
    """The page's n-th block of a language, "" for the plain ones."""
    return [text for name, text in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.M | re.S) if name == language][n]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder after steps 1, 2 and 4 of the page."""
    conf = tmp_path / "conf"
    conf.mkdir()
    for file in (ROOT / "conf").glob("*.yaml"):
        if file.name != "local.yaml":
            (conf / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (conf / "local.yaml").write_text(block("yaml", 0), encoding="utf-8")
    (tmp_path / "my_policies").mkdir()
    (tmp_path / "my_policies" / "days_of_supply.py").write_text(block("python"), encoding="utf-8")
    rows = yaml.safe_load((conf / "policies.yaml").read_text(encoding="utf-8")) + yaml.safe_load(block("yaml", 1))
    (conf / "policies.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_adds_a_policy(project, capsys):
    command, printed = block("", 0).strip(), block("", 1)
    assert main(command.split()[1:]) == 0
    assert capsys.readouterr().out == printed
    assert main(["policies"]) == 0
    out = capsys.readouterr().out
    assert "days_of_supply" in out and "params {'days': 10}" in out


def test_the_page_s_columns_are_checked_as_it_says(project):
    """A policy that also needs the page's columns: what is out of range is told in the page's words."""
    file = project / "my_policies" / "days_of_supply.py"
    columns = "needs=(SHELF_SPACE, PACK_SIZE, SETUP_DAYS, "
    file.write_text(block("python", 1) + "\n" + block("python").replace("needs=(", columns), encoding="utf-8")
    policy = policies.load("days_of_supply", "my_policies")
    item = {**policy.examples[0].items[0], "shelf_space": None, "pack_size": 0.0, "setup_days": None}
    items = example_items(policy, replace(policy.examples[0], items=(item, {**item, "pack_size": 6.0})))
    items["partition_key"] = ["1", "2"]
    assert items_of(policy, items).numbers("setup_days").tolist() == [0.0, 0.0]
    assert np.isnan(items_of(policy, items).numbers("shelf_space")).all()
    for method in ("model", "algorithm", "auto"):
        solved = solve_partition(items, SolveRequest.of_policy("days_of_supply", "my_policies", method=method))
        assert solved["status"].tolist() == ["no_solution", "optimal"]
        assert re.search(r"with the message `(.*?)`", PAGE)[1] in solved["message"][0]


# ---------------------------------------------------------------------------------------------- a broken policy is
# found out


@pytest.fixture
def good(project):
    return policies.load("days_of_supply", "my_policies")


def findings(policy, monkeypatch) -> str:
    monkeypatch.setattr(policies, "load", lambda name, folder=None: policy)
    return "\n".join(broken_laws(policy, "my_policies"))


def test_a_policy_without_examples_is_refused(good, monkeypatch):
    assert "it has no examples" in findings(replace(good, examples=()), monkeypatch)


def test_a_wrong_published_cost_is_found(good, monkeypatch):
    example = replace(good.examples[0], cost=11.0)
    found = findings(replace(good, examples=(example,)), monkeypatch)
    assert "the example is reached: model: cost 10 (bound 10), published 11" in found and "algorithm: cost 10" in found


def test_wrong_published_decisions_are_found(good, monkeypatch):
    example = replace(good.examples[0], decisions={"ORDER_UP_TO_LEVEL": (21,)})
    assert "ORDER_UP_TO_LEVEL of item 0 is [20.0], published 21" in findings(
        replace(good, examples=(example,)), monkeypatch
    )


def test_an_algorithm_that_disagrees_is_found(good, monkeypatch):
    def cheaper(items, params):
        found = good.algorithm(items, params)
        return Answer({name: values - 1 for name, values in found.decisions.items()}, found.cost * 0.95)

    assert "both methods agree: model proves 10, algorithm reaches 9.5" in findings(
        replace(good, algorithm=cheaper), monkeypatch
    )


def test_code_that_never_ends_or_crashes_is_found(good, monkeypatch, hang):
    def endless(items, params):
        if len(items) > 1:  # only where a law asks for two items at once
            hang()
        return good.algorithm(items, params)

    def crashing(items, params):
        return good.algorithm(items, params) if len(items) == 1 else os.kill(os.getpid(), signal.SIGKILL)

    found = findings(replace(good, algorithm=endless), monkeypatch)
    assert "the same question gets the same answer: killed after 120 s without an answer: does its code end" in found
    assert len(found.splitlines()) == 1
    assert "the solving process was killed by SIGKILL" in findings(replace(good, algorithm=crashing), monkeypatch)


def test_a_cost_that_is_not_money_is_found(good, monkeypatch):
    def constant(items, params):
        found = good.algorithm(items, params)
        return found._replace(cost=np.full(len(items), 10.0))

    assert "money times ten costs ten times as much: algorithm: 10 became 10" in findings(
        replace(good, algorithm=constant), monkeypatch
    )


def test_orders_without_demand_and_negative_orders_are_found(good, monkeypatch):
    found = findings(
        replace(good, order=lambda decisions, stock: np.full(len(stock.inventory_position), 3.0)), monkeypatch
    )
    assert "without demand nothing is ordered: model: at an inventory position of 0 it orders [3.0]" in found
    refund = replace(good, order=lambda decisions, stock: decisions["ORDER_UP_TO_LEVEL"] - stock.inventory_position)
    found = findings(refund, monkeypatch)
    assert "orders are never negative: model: at an inventory position of 1e+06 it orders" in found


def test_changed_inputs_are_found(good, monkeypatch):
    def greedy(items, params):
        found = good.algorithm(items, params)
        for series in items.objects("demand_mean"):
            series[0] += 1e-12
        return found

    assert "inputs are left as they were: algorithm changed its inputs" in findings(
        replace(good, algorithm=greedy), monkeypatch
    )


def test_decisions_that_are_not_declared_are_found(good, monkeypatch):
    found = findings(replace(good, decides=(*good.decides, Decision("REORDER_POINT", "units", ""))), monkeypatch)
    assert "REORDER_POINT" in found and "model: error" in found


def test_an_exception_is_a_finding_and_no_law_is_left_out(good, monkeypatch):
    def broken(decisions, stock):
        raise ZeroDivisionError("no")

    found = findings(replace(good, order=broken), monkeypatch)
    assert found.count("ZeroDivisionError") == 2 and len(LAWS) == 11


def test_the_readme_has_the_table_that_the_command_prints(capsys):
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- `invopt policies --markdown` -->\n")[2]
    assert main(["policies", "--markdown", "--config", str(ROOT / "conf")]) == 0
    assert table.partition("<!-- end of the table -->")[0] == capsys.readouterr().out


def test_a_broken_file_is_told_and_hides_no_other(project, capsys):
    (project / "my_policies" / "broken.py").write_text("POLICY = nothing_of_this_name\n", encoding="utf-8")
    (project / "my_policies" / "leaving.py").write_text("import sys\nsys.exit(3)\n", encoding="utf-8")
    assert main(["policies"]) == 0
    out = capsys.readouterr().out
    assert (
        "nothing_of_this_name" in out.replace("\n", " ") and "days_of_supply" in out and "capacitated_lot_sizing" in out
    )
    assert main(["policies", "--check", "broken", "leaving", "days_of_supply"]) == 6
    out, err = capsys.readouterr()
    assert "days_of_supply: 1 example, all 11 laws hold" in out
    assert "broken: my_policies/broken.py: NameError" in err and "leaving: my_policies/leaving.py: SystemExit: 3" in err


def test_what_can_be_told_of_the_record_alone_is_told(good, monkeypatch):
    example = replace(good.examples[0], items=({"holding_cost": 0.5, "demand_mean": np.ones(2)},))
    wrong = replace(
        good,
        partition_by=("location_id", "nonsense"),
        select="SELECT location_id, product_id, holding_cost, lead_time FROM x",
        examples=(example,),
        solver_options={"highs": {"threads": 8, "presolv": "off"}},
    )
    found = findings(wrong, monkeypatch)
    assert (
        "solver_options, highs: option 'threads' is set by invopt" in found
        and "did you mean presolve or solver?" in found
    )
    assert "partition_by: nonsense is no column of gold.item_state" in found
    assert (
        "the SELECT does not name the column demand_mean" in found
        and "the SELECT does not name the column source_id" in found
    )
    assert "by hand: an item lacks the input columns lead_time" in found


def test_a_folder_of_policies_that_is_not_there_is_told(project, capsys):
    (project / "conf" / "local.yaml").write_text("policies_folder: not_there\n", encoding="utf-8")
    assert main(["policies"]) == 2 and "policies_folder: not_there is no folder" in capsys.readouterr().err
