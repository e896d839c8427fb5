"""A lakehouse of invopt 0.1 opens in this version, with its data; tests/fixtures/README.md says what it holds."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from invopt import config
from invopt.pipelines import flow
from invopt.pipelines.context import Context
from invopt.pipelines.migrations import MIGRATIONS
from invopt.tables import BATCHES, ORDER_REVIEWS, ORDERS, REJECTED, RUNS, SOLUTIONS, STEPS, Table, silver
from invopt.tables.datasets import BY_NAME
from tests.contexts import context_at

FIXTURE = Path(__file__).parents[1] / "fixtures" / "lakehouse_0_1.zip"
KEPT = (ORDERS, ORDER_REVIEWS, SOLUTIONS)
DAY = datetime(2026, 6, 3, tzinfo=UTC)


@pytest.fixture
def older(tmp_path) -> Path:
    """A folder with the older version's conf/ and lakehouse/, and a landing zone in which one new file has arrived."""
    with zipfile.ZipFile(FIXTURE) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "landing" / "publicparameters"
    folder.mkdir(parents=True)
    (folder / "brands_2026-06-03.csv").write_text("BrandID,BrandName\n1,New name\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def open_older(spark, older):
    """Opens it as a new command does; gives the context and what it says."""

    def make() -> tuple[Context, list[str]]:
        overrides = {"lakehouse": {"root": str(older / "lakehouse")}, "landing": str(older / "landing")}
        said: list[str] = []
        return context_at(spark, config.load(older / "conf", overrides=overrides), DAY, said.append), said

    return make


def rows(context: Context, table: Table) -> list[str]:
    return sorted(str(row) for row in context.store.read(table).collect())


def rejected_lines(context: Context) -> list[tuple]:
    """What an older version has of them too: not the words of the rules, and no keys."""
    return sorted((row["dataset"], row["batch_id"], row["file"], row["line"]) for row in context.store.rows(REJECTED))


@pytest.mark.slow
def test_a_run_goes_on_and_orders_solutions_and_steps_keep_their_rows(open_older):
    context, _ = open_older()
    before = {table.name: rows(context, table) for table in (*KEPT, STEPS, REJECTED)}
    assert all(before.values())
    context, said = open_older()
    flow.do(context, "run")
    for name, earlier in before.items():
        table = next(table for table in (*KEPT, STEPS, REJECTED) if table.name == name)
        assert set(earlier) <= set(rows(context, table)), name
    assert any(line.startswith("ingest: 1 new files, 1 lines") for line in said)
    # the weekly policies keep the decisions that the older version made
    assert any(line.startswith("solve s_q: the solutions of run 20260601T") for line in said)
    assert {row["policy_id"] for row in context.store.rows(SOLUTIONS, {"run_id": context.run_id})} == {
        "newsvendor_budget",
        "dynamic_lot_sizing",
    }
    brands = {row["brand_id"]: row["brand_name"] for row in context.store.rows(silver(BY_NAME["brands"]))}
    assert brands["1"] == "New name"


def test_every_migration_is_done_once_and_noted(open_older):
    context, said = open_older()
    configs = [json.loads(row["config"]) for row in context.store.rows(RUNS)]
    assert len(configs) == 2 and all("spark" in one for one in configs)
    flow.do(context, "conform")
    told = [line for line in said if "rows of gold.runs changed" in line]
    assert len(told) == 1 and told[0].startswith("  ! 2 rows of gold.runs changed: the manifests lose")
    kept = [json.loads(row["config"]) for row in context.store.rows(RUNS)]
    assert sorted(map(str, kept)) == sorted(str({k: v for k, v in one.items() if k != "spark"}) for one in configs)
    versions = {table.name: context.store.version(table) for table in (RUNS, STEPS)}
    context, said = open_older()
    flow.do(context, "conform")
    assert not [line for line in said if "changed" in line]
    assert {table.name: context.store.version(table) for table in (RUNS, STEPS)} == versions
    assert context.ledger.migrations() == {migration.name for migration in MIGRATIONS}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["other columns", "gone", "emptied", "replaced by a run that died then"])
def test_a_silver_table_that_can_not_be_used_is_made_anew_from_bronze(open_older, spark, how):
    """A table with other columns is replaced; one that somebody moved away or emptied must not stay empty.

    Delta keeps the transactions of a table that is emptied or replaced, and skips what they have written.
    """
    table = silver(BY_NAME["sales"])
    context, _ = open_older()
    before = {table: rows(context, table), REJECTED: rejected_lines(context)}
    lines = sum(row["n_lines"] for row in context.store.read(table).collect())
    if how == "gone":
        shutil.rmtree(context.store.places.path(table))
    elif how == "emptied":
        spark.sql(f"DELETE FROM {context.store.places.sql_name(table)}")
    else:
        name = context.store.places.sql_name(table)
        spark.sql(f"REPLACE TABLE {name} (location_id STRING NOT NULL, units INT NOT NULL) USING delta")
    if how.startswith("replaced"):
        open_older()[0].store.create(table)
    context, said = open_older()
    flow.do(context, "conform")
    assert any(line.startswith("  ! sales: its table has lost its rows, so all of its lines are") for line in said)
    after = context.store.read(table)
    assert sum(row["n_lines"] for row in after.collect()) == lines and len(before[table]) == after.count()
    assert rejected_lines(context) == before[REJECTED]
    noted = context.store.rows(BATCHES, {"dataset": "sales"})
    assert all(row["rows_in"] == row["rows_kept"] + row["rows_rejected"] + row["rows_duplicate"] for row in noted)
