"""docs/policies: every policy has a page, its tables are those of the record, and its examples print what they say."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from invopt import policies
from invopt.cli import main
from invopt.workbench import policy_page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "policies"
PAGES = sorted(FOLDER.glob("*.md"))


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_every_policy_has_a_page_and_a_question():
    assert {page.stem for page in PAGES} == {*policies.names(), "README"}
    assert set(re.findall(r"\]\((\w+)\.md\) \|", text_of("README"))) == set(policies.names())


@pytest.mark.parametrize("name", policies.names())
def test_what_a_page_takes_from_the_file_is_as_in_the_file(name):
    policy, text = policies.load(name), text_of(name)
    assert text.startswith(f"# {name}: ")
    advice = f"docs/policies/{name}.md: print these parts anew by `invopt policies --markdown {name}`"
    assert policy_page.tables(policy) in text, advice
    assert text.endswith(policy_page.mathematics(policy) + "\n"), advice
    headings = re.findall(r"^## (\w+)", text, re.M)
    assert headings == ["Columns", "Parameters", "Answer", "Example", "Mathematics"]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_its_examples_print_what_it_says(page):
    # a fence ends a block of code, and is no printed line
    text = re.sub(r"^```\w*$", "", page.read_text(encoding="utf-8"), flags=re.M)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert len(test.examples) >= 3
    failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=(printed := []).append)
    assert not failed, "".join(printed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_command_prints_both_parts(capsys):
    assert main(["policies", "--markdown", "s_q", "--config", str(ROOT / "conf")]) == 0
    policy = policies.load("s_q")
    assert capsys.readouterr().out == f"{policy_page.tables(policy)}\n\n{policy_page.mathematics(policy)}\n"


def test_the_tables_tell_what_must_be_given_and_what_stands_for_the_rest():
    lines = policy_page.tables(policies.load("eoq_budget")).splitlines()
    rows = {line.split(" | ")[0].removeprefix("| "): line.split(" | ") for line in lines if line.startswith("| `")}
    assert rows["`holding_cost`"][1:4] == ["money/unit/day", "number", "yes"]
    assert rows["`demand_mean`"][2:4] == ["periods", "yes"]
    assert rows["`storage_id`"][3] == "absent: all together"
    assert rows["`storage_cost_budget`"][3] == "may be absent"
    assert rows["`price_storage_cost_budget`"][2].startswith("what one more unit")
    s_q = policy_page.tables(policies.load("s_q"))
    assert "| `lead_time_confidence` | days | number | default 0 |" in s_q
    assert "| `demand_std` | units/day | periods | may be absent |" in s_q
    assert "| `cost` | `'daily_review'`, `'time_weighted'`, `'guide'` | `'daily_review'` |" in s_q
    assert "a whole number, 1 or more and at most 366 | `28`" in policy_page.tables(policies.load("r_s"))
