"""Whether 1.250 in a text file is 1.25: told by the file's other numbers, and refused where they speak against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invopt.landing.survey import survey
from invopt.tables.dataset import Dialect
from invopt.tables.datasets import BY_NAME

INVENTORY = BY_NAME["inventory"]
HEADER = ("StoreID", "ProductID", "InventoryDateTime", "Units", "ExpiryDateTime")


def looked_at(tmp_path, units, separator=";", decimal=None):
    rows = [HEADER, *(("A1", f"p{number}", "2026-03-02", one, "") for number, one in enumerate(units))]
    path = tmp_path / "inv_1.csv"
    quote = '"' if separator == "," else ""
    path.write_text("".join(separator.join(f"{quote}{field}{quote}" for field in row) + "\n" for row in rows), "utf-8")
    return survey(str(path), replace(INVENTORY, dialect=Dialect(decimal=decimal)))


@pytest.mark.parametrize("other", ["1.250,00", "12,5", "0,125", ",5", "1250,000", "3.000.000", "-7,5"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_decimal_comma_in_the_file_refuses_what_could_be_thousands(tmp_path, other, separator):
    found = looked_at(tmp_path, ["4.125", other, "7"], separator)
    assert found.problem.startswith("its Units may be 4125 or 4.125 where it says '4.125' (row 1), because Units says")
    assert f"{other!r} (row 2): set `mapping: {{inventory: {{decimal: " in found.problem
    assert found.reading is not None and found.n_lines == 3, "the lines name the items that wait"


@pytest.mark.parametrize("other", ["12", "7.5", "0.02", "12 "])
def test_a_column_of_three_decimals_has_three_everywhere(tmp_path, other):
    found = looked_at(tmp_path, [other, "10.500"])
    assert "may be 10500 or 10.5 where it says '10.500' (row 2)" in found.problem and repr(other) in found.problem


@pytest.mark.parametrize(
    "units",
    [
        ["10.500", "0.021", "7.000"],  # a database's numeric(10,3)
        ["10.525", "12", "12.5"],  # kilograms, as a program writes them
        ["10.525", "12", "0.125"],
        ["10.525", "12", "1250.125"],
        ["0.500", "12,5"],  # these have one meaning each
        ["1250", "12,5", ""],
        ["1,234.50", "1.250"],  # the comma parts thousands
        ["NULL", "n/a", "1.250"],
    ],
)
@pytest.mark.parametrize("separator", [";", ","])
def test_what_nothing_speaks_against_is_taken(tmp_path, units, separator):
    assert looked_at(tmp_path, units, separator).problem is None


def test_three_figures_after_the_only_points_of_a_column_may_be_thousands(tmp_path):
    found = looked_at(tmp_path, ["12", "1.255"])
    assert "may be 1255 or 1.255 where it says '1.255' (row 2), because Units says '12' (row 1)" in found.problem


def test_between_commas_a_point_parts_decimals(tmp_path):
    assert looked_at(tmp_path, ["10.500", "12"], ",").problem is None


@pytest.mark.parametrize("decimal", [",", "."])
def test_a_declared_sign_decides(tmp_path, decimal):
    assert looked_at(tmp_path, ["1.250", "12,5", "12"], decimal=decimal).problem is None
