"""The comparison of two states of the program finds what it should, on tiny tables, and nothing else."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from tests.comparison.__main__ import main
from tests.comparison.lakehouse import Lakehouse

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
MOMENT, DECISIONS = pa.timestamp("us", "UTC"), pa.map_(pa.string(), pa.list_(pa.float64()))
RUNS = pa.schema({"run_id": pa.string(), "as_of": MOMENT, "started_at": MOMENT})
KEYS = {name: pa.string() for name in ("run_id", "policy_id", "location_id", "product_id", "source_id")}
SOLUTIONS = pa.schema({**KEYS, "decisions": DECISIONS, "cost": pa.float64(), "status": pa.string()})
COUNTS = ("rows_in", "rows_kept", "rows_rejected", "rows_duplicate")


def solution(product: str, run: str, **values: object) -> dict:
    keys = {"run_id": run, "policy_id": "p", "location_id": "1", "product_id": product, "source_id": "9"}
    return keys | {"decisions": {"Q": [3.0, 4.0], "S": [7.0]}, "cost": 0.1, "status": "optimal"} | values


def write(folder: Path, table: str, rows: list[dict], schema: pa.Schema | None = None) -> None:
    rows = [{name: list(v.items()) if isinstance(v, dict) else v for name, v in row.items()} for row in rows]
    write_deltalake(
        str(folder / table.replace(".", "/")),
        pa.Table.from_pylist(rows, schema),
        mode="overwrite",
        schema_mode="overwrite",
    )


def lakehouse(folder: Path, run: str = "r1", *more: dict, without: str = "", **changed: object) -> Path:
    """Two solutions of one run; `changed` holds other values of the second one, `without` drops a product."""
    rows = [solution("a", run), solution("b", run, **changed), *more]
    write(folder, "gold.runs", [{"run_id": run, "as_of": AS_OF, "started_at": AS_OF}], RUNS)
    write(folder, "gold.solutions", [row for row in rows if row["product_id"] != without], SOLUTIONS)
    return folder


@pytest.fixture
def before(tmp_path) -> Path:
    return lakehouse(tmp_path / "before")


@pytest.fixture
def compared(before, tmp_path, capsys):
    """Compares with the tables of another folder: exit code and printed lines."""

    def run(*options: str) -> tuple[int, str]:
        code = main([str(before), str(tmp_path / "after"), *options])
        return code, capsys.readouterr().out

    return run


def test_the_same_tables_are_the_same_though_the_run_has_another_id(compared, tmp_path):
    lakehouse(tmp_path / "after", "r2")
    code, printed = compared()
    assert code == 0 and printed.splitlines()[-1].startswith("same")
    assert "gold.solutions: 2 rows compared, 0 differences" in printed


def test_a_changed_decision_is_shown_with_its_key_and_both_values(compared, tmp_path):
    lakehouse(tmp_path / "after", decisions={"Q": [3.0, 5.0], "S": [7.0]})
    code, printed = compared()
    assert code == 1 and "gold.solutions: 2 rows compared, 1 differences" in printed
    key = "as_of=2026-06-01T00:00:00, policy_id=p, location_id=1, product_id=b, source_id=9"
    assert f"  decisions Q: 1\n    {key}: [1] 4 before, 5 after" in printed


@pytest.mark.parametrize(
    ("decisions", "told"),
    [
        ({"Q": [3.0, 4.0]}, "decisions S: 1\n"),
        ({"Q": [3.0], "S": [7.0]}, "(the lengths differ) [3.0, 4.0] before, [3.0] after"),
        (None, "decisions: 1\n"),
    ],
)
def test_a_decision_that_is_missing_is_found(compared, tmp_path, decisions, told):
    lakehouse(tmp_path / "after", decisions=decisions)
    code, printed = compared()
    assert code == 1 and told in printed


def test_the_order_of_a_map_is_no_difference(compared, tmp_path):
    lakehouse(tmp_path / "after", decisions={"S": [7.0], "Q": [3.0, 4.0]})
    assert compared()[0] == 0


def test_a_missing_row_is_found(compared, tmp_path):
    lakehouse(tmp_path / "after", without="b")
    code, printed = compared()
    assert code == 1 and "rows only before: 1" in printed and "product_id=b" in printed


def test_an_extra_row_is_found(compared, tmp_path):
    lakehouse(tmp_path / "after", "r1", solution("c", "r1"))
    code, printed = compared()
    assert code == 1 and "rows only after: 1" in printed and "product_id=c" in printed


def test_a_row_that_is_there_twice_is_found(compared, tmp_path):
    lakehouse(tmp_path / "after", "r1", solution("b", "r1"))
    code, printed = compared()
    assert code == 1 and "1 rows have the key of another row" in printed and "rows only after: 1" in printed


def test_null_is_not_zero(before, tmp_path, compared):
    lakehouse(before, cost=None)
    lakehouse(tmp_path / "after", cost=0.0)
    code, printed = compared()
    assert code == 1 and "cost: 1" in printed and "NULL before, 0 after" in printed


def test_numbers_may_differ_by_the_tolerance(compared, tmp_path):
    lakehouse(tmp_path / "after", cost=0.1 * (1 + 1e-6))
    assert compared()[0] == 1
    assert compared("--tolerance", "1e-5")[0] == 0


def test_a_run_of_another_moment_is_found_and_its_rows_are_not_matched(compared, tmp_path):
    write(lakehouse(tmp_path / "after"), "gold.runs", [{"run_id": "r1", "as_of": AS_OF.replace(day=2)}], RUNS)
    code, printed = compared()
    assert code == 1 and "gold.runs: 0 rows compared, 2 differences" in printed
    assert "gold.solutions: 0 rows compared, 0 differences" in printed


def test_of_two_runs_of_one_moment_the_newest_counts(compared, tmp_path):
    after = lakehouse(tmp_path / "after", "r2", solution("a", "r1", cost=5.0))
    runs = [
        {"run_id": run, "as_of": AS_OF, "started_at": AS_OF.replace(hour=hour)} for run, hour in (("r1", 1), ("r2", 2))
    ]
    write(after, "gold.runs", runs, RUNS)
    code, printed = compared()
    assert code == 0 and "of several runs of one moment the newest is compared" in printed


def test_a_column_of_one_side_is_told_and_is_no_difference(compared, tmp_path):
    after = lakehouse(tmp_path / "after")
    write_deltalake(
        str(after / "gold/solutions"),
        pa.Table.from_pylist([solution("a", "r1"), solution("b", "r1")], SOLUTIONS).drop_columns(["cost"]),
        mode="overwrite",
        schema_mode="overwrite",
    )
    code, printed = compared()
    assert code == 0 and "note: only before are the columns cost" in printed
    assert printed.splitlines()[-1].startswith("same; read the")


def test_a_table_without_a_column_of_its_key_ends_with_2(compared, tmp_path, capsys):
    after = lakehouse(tmp_path / "after")
    write(after, "gold.orders", [{"run_id": "r1", "location_id": "1"}])
    with pytest.raises(SystemExit) as ended:
        compared()
    assert ended.value.code == 2 and "lacks the column 'policy_id'" in capsys.readouterr().err


def test_a_missing_table_is_found(compared, before, tmp_path):
    lakehouse(tmp_path / "after")
    write(before, "gold.orders", [solution("a", "r1")], SOLUTIONS)
    code, printed = compared()
    assert (
        code == 1 and "gold.orders: 0 rows compared, 1 differences\n  only before is there such a table: 1" in printed
    )


def test_cycles_and_ids_may_change_and_quantities_may_not(compared, before, tmp_path):
    after = lakehouse(tmp_path / "after")
    key = {"run_id": "r1", "policy_id": "p", "location_id": "1", "product_id": "a", "source_id": "9"}
    review, order = {**key, "wanted": 0.0, "quantity": 5.0, "reason": "old"}, {**key, "quantity": 5.0, "order_id": "x"}
    write(before, "gold.order_reviews", [review])
    write(before, "gold.orders", [order])
    ledger = [{"step": "policy", "units": 5.0, "limit": None, "price": None}]
    new = {"cycle": AS_OF, "ledger": ledger}
    types = {**KEYS, "wanted": pa.float64(), "quantity": pa.float64(), "reason": pa.string(), "cycle": MOMENT}
    amounts = {name: pa.float64() for name in ("units", "limit", "price")}
    types |= {"ledger": pa.list_(pa.struct({"step": pa.string(), **amounts})), "decided": pa.map_("string", "double")}
    reviews = pa.schema(types)
    write(after, "gold.order_reviews", [review | new | {"wanted": None, "decided": {"S": 5.0}}], reviews)
    write(after, "gold.orders", [order | new | {"order_id": "y"}])
    code, printed = compared()
    assert code == 0 and "1 of 1 order ids are other ones" in printed and "was 0: 1 rows" in printed
    write(after, "gold.orders", [order | new | {"order_id": "y", "quantity": 6.0}])
    code, printed = compared()
    assert code == 1 and "quantity: 1\n" in printed
    # of two states that have cycles all is compared
    write(before, "gold.order_reviews", [review | new | {"decided": {"S": 4.0}}], reviews)
    write(before, "gold.orders", [order | new])
    code, printed = compared()
    assert {"wanted: 1", "decided S: 1", "order_id: 1"} <= {line.strip() for line in printed.splitlines()}


def test_a_renamed_text_may_be_told_to_be_alike(compared, tmp_path):
    lakehouse(tmp_path / "after", status="best")
    assert compared()[0] == 1
    write(tmp_path / "after", "gold.solutions", [solution(name, "r1", status="best") for name in "ab"], SOLUTIONS)
    assert compared("--alike", "optimal=best")[0] == 0


def test_only_what_is_asked_for_is_compared(compared, tmp_path):
    write(lakehouse(tmp_path / "after", cost=5.0), "silver.sales", [{"units": 1}])
    code, printed = compared("--what", "orders", "silver")
    assert code == 0 and "gold.solutions" not in printed and "silver.sales" in printed


def test_silver_tables_differ_by_rows_nulls_and_sums(compared, before, tmp_path):
    after = lakehouse(tmp_path / "after")
    schema = pa.schema({"units": pa.float64(), "day": pa.date32(), "shop": pa.string(), "batch_id": pa.int64()})
    row = {"units": 1.0, "day": AS_OF.date(), "shop": "a", "batch_id": 0}
    write(before, "silver.sales", [row, row | {"units": None}], schema)
    write(after, "silver.sales", [row | {"batch_id": 7}, row | {"units": None}], schema)
    assert compared()[0] == 0
    write(after, "silver.sales", [row, row | {"units": 0.0}], schema)
    code, printed = compared()
    assert code == 1 and "silver.sales: 2 rows compared, 1 differences\n  NULLs of units: 1" in printed
    write(after, "silver.sales", [row, row | {"units": 2.0, "shop": "b "}, row], schema)
    code, printed = compared()
    found = {line.strip().split(":")[0] for line in printed.splitlines() if line.startswith("  ") and line[2] != " "}
    found.discard("note")  # gold tables that neither side has are told
    assert found == {"rows", "NULLs of units", "sum of units", "distinct values of shop", "characters of shop"}


def test_a_new_silver_table_is_told_and_is_no_difference(compared, tmp_path):
    write(lakehouse(tmp_path / "after"), "silver.calendar", [{"day": 1}])
    code, printed = compared()
    assert code == 0 and "only after is there such a table, of 1 rows" in printed


def test_broken_rules_and_the_balance_of_lines_are_compared(compared, before, tmp_path):
    after = lakehouse(tmp_path / "after")
    for folder, rules, rows_in in ((before, ["x", "y"], 3), (after, ["x", "z"], 4)):
        write(folder, "silver.rejected", [{"dataset": "sales", "rules": rules, "file": str(folder)}])
        counts = dict(zip(COUNTS, (rows_in, 2, 1, 0), strict=True))
        write(folder, "silver.batches", [{"dataset": "sales", "batch_id": 0, **counts}])
    code, printed = compared()
    assert code == 1 and "dataset=sales, rule=y" in printed and "dataset=sales, rule=z" in printed
    assert "rows_in: 1\n    dataset=sales: 3 before, 4 after" in printed
    assert "unbalanced: 1\n    dataset=sales: 0 before, 1 after" in printed


def test_a_table_whose_columns_are_mapped_to_other_names_is_read(tmp_path):
    folder = tmp_path / "gold" / "mapped"
    (folder / "_delta_log").mkdir(parents=True)
    pq.write_table(pa.table({"col-1": ["a", "b"]}), folder / "part.parquet")
    metadata = {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1"}
    field = {"name": "product_id", "type": "string", "nullable": True, "metadata": metadata}
    about = {"id": "x", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "createdTime": 0}
    about["schemaString"] = json.dumps({"type": "struct", "fields": [field]})
    about["configuration"] = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "1"}
    add = {"path": "part.parquet", "partitionValues": {}, "modificationTime": 0, "dataChange": True}
    add["size"] = os.path.getsize(folder / "part.parquet")
    actions = [{"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}}, {"metaData": about}, {"add": add}]
    (folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)), encoding="utf-8")
    assert Lakehouse(tmp_path).records("gold.mapped") == (["product_id"], [{"product_id": "a"}, {"product_id": "b"}])


def test_a_lakehouse_that_invopt_made_is_read(tmp_path, capsys):
    with zipfile.ZipFile(Path(__file__).parents[1] / "fixtures" / "lakehouse_0_1.zip") as archive:
        archive.extractall(tmp_path)
    assert main([str(tmp_path / "lakehouse"), str(tmp_path / "lakehouse")]) == 0
    lines = capsys.readouterr().out.splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith("gold.")}
    assert sizes == {
        "gold.runs:": 2,
        "gold.item_state:": 16,
        "gold.solutions:": 12,
        "gold.order_reviews:": 16,
        "gold.orders:": 4,
    }
    assert lines[-1] == "same" and "silver.rejected: 3 rows compared, 0 differences" in lines


@pytest.mark.parametrize("arguments", [["nowhere", "nowhere"], [".", "."], ["--published", "no.md", "no.md"], ["one"]])
def test_wrong_use_ends_with_2(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and "usage: python -m tests.comparison" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--tolerance", "-1"], ["--tolerance", "x"], ["--alike", "a"], ["--what", "x"]])
def test_a_wrong_option_ends_with_2(option, before):
    with pytest.raises(SystemExit) as ended:
        main([str(before), str(before), *option])
    assert ended.value.code == 2


def test_the_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0 and "\n  python -m tests.comparison before/" in capsys.readouterr().out


PAGE = """# Published instances

Written on 2026-11-26.

## eoq

| instance | policy | method | published | ours | gap | s | note |
|---|---|---|---:|---:|---:|---:|---|
| a | eoq_budget | exact | 1,999.15 | 1,999.15 | 0 | 0.1 | bound 3 |
| b | eoq_budget | model |  | 4.5 | 1.2e-06 % | 0.2 | |
"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("2026-11-26", "2026-12-01", 0),
        ("| 0.1 | bound 3", "| 7.5 | the bound is 3", 0),
        ("1,999.15 | 0 |", "1,999.16 | 0 |", 1),
        ("1.2e-06 %", "1.3e-06 %", 1),
        ("|  | 4.5", "| 0 | 4.5", 1),
        ("bound 3", "bound 4", 1),
        ("| b |", "| c |", 1),
        ("## eoq", "## lot sizing", 1),
        ("exact", "algorithm", 1),
    ],
)
def test_published_numbers_are_compared_and_dates_seconds_and_words_are_not(tmp_path, old, new, code):
    pages = tmp_path / "before.md", tmp_path / "after.md"
    pages[0].write_text(PAGE, encoding="utf-8")
    pages[1].write_text(PAGE.replace(old, new), encoding="utf-8")
    assert PAGE != PAGE.replace(old, new)
    assert main(["--published", *map(str, pages)]) == code
    assert main(["--published", *map(str, pages), "--alike", "exact=algorithm"]) == (
        0 if old == "exact" else max(code, 1)
    )
