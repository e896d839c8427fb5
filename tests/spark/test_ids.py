"""The setting `ids`: feeds that write an id in several ways join, and a changed setting reads every line again."""

from __future__ import annotations

from datetime import datetime

import pytest
from pydantic import ValidationError
from pyspark.sql import functions as F

from invopt.config import Config
from invopt.pipelines.conform import conform
from invopt.pipelines.ingest import ingest
from invopt.pipelines.readers.ids import in_form
from invopt.tables import BATCHES, silver
from invopt.tables.datasets import BY_NAME
from invopt.tables.id_forms import formed
from tests.contexts import context_at

FILES = {
    "rawdata/inv_1.csv": "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime\nS1,123,2026-03-02,5,\n",
    "rawdata/sales_1.csv": "StoreID,ProductID,TransactionDateTime,Units,Price\ns 1,sku-00123,2026-03-01,2,9\n",
}
IDS = {"product_id": ["no_prefix", "width 5"], "location_id": ["no_blanks", "upper"]}


@pytest.fixture(scope="module")
def read(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ids")
    for name, text in FILES.items():
        path = folder / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(ids):
        settings = {"lakehouse": {"root": str(folder / "lake")}, "landing": str(folder / "landing")}
        lines = []
        context = context_at(spark, Config(**settings, ids=ids), datetime(2026, 3, 2), lines.append)
        ingest(context)
        conform(context)
        tables = [silver(BY_NAME[name]) for name in ("inventory", "sales")]
        keys = {(row["location_id"], row["product_id"]) for table in tables for row in context.store.rows(table)}
        return context, keys, [line for line in lines if "setting `ids` has changed" in line]

    return read


@pytest.mark.slow
def test_a_changed_setting_reads_every_line_again(read):
    _, keys, _ = read({})
    assert keys == {("S1", "123"), ("s 1", "sku-00123")}
    context, keys, told = read(IDS)
    assert keys == {("S1", "00123")} and len(told) == 2
    assert {row["ids"] for row in context.store.rows(BATCHES)} == {
        '{"location_id": ["no_blanks", "upper"], "product_id": ["no_prefix", "width 5"]}'
    }
    _, keys, told = read(IDS)
    assert keys == {("S1", "00123")} and told == []
    _, keys, _ = read({})
    assert keys == {("S1", "123"), ("s 1", "sku-00123")}


def test_ids_that_become_one_are_told(spark, tmp_path):
    path = tmp_path / "landing/publicparameters/brands.csv"
    path.parent.mkdir(parents=True)
    path.write_text("BrandID,BrandName\n007,A\n7,B\n8,C\n", encoding="utf-8")
    lines = []
    settings = {"lakehouse": {"root": str(tmp_path / "lake")}, "landing": str(tmp_path / "landing")}
    context = context_at(
        spark, Config(**settings, ids={"brand_id": "no_leading_zeros"}), datetime(2026, 3, 2), lines.append
    )
    ingest(context)
    conform(context)
    assert "  ! brands: the setting `ids` makes one of several brand_id: 007, 7 are 7" in lines


def test_spark_and_python_form_ids_alike(spark):
    texts = [
        "0",
        "000",
        "00123",
        "A-7",
        "art. 0012",
        "12.0",
        "7.00",
        "x\u00a01",
        " a b ",
        "\u200b5",
        "ab",
        "sku",
        "1E5",
    ]
    for forms in (
        ["no_blanks"],
        ["no_leading_zeros"],
        ["no_decimals"],
        ["no_prefix"],
        ["upper"],
        ["lower"],
        ["width 4"],
    ):
        rows = spark.createDataFrame([(text,) for text in texts], "id string").select("id", in_form(F.col("id"), forms))
        assert {row[0]: row[1] for row in rows.collect()} == {text: formed(text, forms) for text in texts}, forms


def test_the_ids_of_scopes_take_the_same_forms():
    rows = [{"id": "s_q", "policy": "s_q", "scope": {"product_id": ["SKU-123"], "location_id": "s 1"}}]
    configured = Config(lakehouse={"root": "lake"}, landing="landing", ids=IDS, policies=rows)
    assert configured.policies[0].scope.product_id == ("00123",) and configured.policies[0].scope.location_id == ("S1",)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"product": ["upper"]}, "'product' is no column of ids; allowed: brand_id, department_id, location_id"),
        ({"product_id": "no_zeros"}, "'no_zeros' is no form of ids; allowed: no_blanks, no_leading_zeros"),
        ({"product_id": ["width 0"]}, "'width 0' is no form of ids"),
    ],
)
def test_a_wrong_form_is_refused_with_those_there_are(ids, message):
    with pytest.raises(ValidationError, match=message):
        Config(lakehouse={"root": "lake"}, landing="landing", ids=ids)
