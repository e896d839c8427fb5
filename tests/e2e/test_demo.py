"""The demo chain from its files to the printed result; the same with the faults of real feeds; and in the form of large chains."""

from __future__ import annotations

import contextlib
import io
import re

import pytest

from invopt.cli import main
from invopt.simulation.world import write_world
from invopt.tables import BATCHES, ITEM_STATE, ORDER_REVIEWS, ORDERS, REJECTED, SOLUTIONS

pytestmark = pytest.mark.usefixtures("spark")


def test_the_demo_prints_what_it_did(project, monkeypatch):
    made = project()
    monkeypatch.chdir(made.folder)
    out = io.StringIO()
    size = ("--stores", "3", "--products", "12", "--days", "14")
    with contextlib.redirect_stdout(out):
        code = main(["demo", *size, "--folder", "."]) if False else main(["demo", *size])
    printed = out.getvalue()
    assert code == 0, printed
    demo = type(made)(made.folder / "demo")
    headings, rule, row = next(
        lines for lines in zip(*(printed.splitlines()[n:] for n in range(3)), strict=False) if lines[0].startswith("policy "))
    assert re.split(r"\s{2,}", headings) == [
        "policy", "items", "solved", "failed", "lines ordered", "units", "order value", "expected cost/day"]
    assert set(rule) == {"-", " "}
    solutions = DemoTables(demo).rows(SOLUTIONS)
    orders = DemoTables(demo).rows(ORDERS)
    assert 0 < len(solutions) <= 36 and set(solutions["status"]) == {"optimal"} and len(orders) > 0
    assert row.split() == [
        "s_q", f"{len(solutions)}", f"{len(solutions)}", "0", f"{len(orders)}", f"{orders['quantity'].sum():,.0f}",
        f"{orders['order_value'].sum():,.2f}", f"{solutions['cost'].sum():,.2f}"]
    assert f"Orders: {demo.lakehouse.resolve()}" in printed
    # the line that it proposes works as it stands
    (proposed,) = [line for line in printed.splitlines() if line.startswith("Try: invopt solve-one ")]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(proposed.split()[2:]) == 0
    assert "optimal" in out.getvalue()
