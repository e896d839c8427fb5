"""The example of docs/landing.md is read as the page says, and the template's files are all readable."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from invopt.cli import main
from invopt.config import MappingConfig
from invopt.landing.listing import listing
from invopt.landing.reading import lines
from invopt.landing.survey import survey
from invopt.tables.datasets import DATASETS, dataset_of, with_mapping
from invopt.world.template import NOTES, write_template

PAGE = Path(__file__).parents[2] / "docs" / "landing.md"


def block(kind: str) -> str:
    return re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]


def test_the_german_export_of_the_page(tmp_path):
    file = tmp_path / "exporte" / "umsatz_2025-12.csv"
    file.parent.mkdir()
    file.write_text(block("csv"), encoding="utf-8")
    mapping = {name: MappingConfig(**row) for name, row in yaml.safe_load(block("yaml"))["mapping"].items()}
    dataset = dataset_of(str(file), with_mapping(mapping))
    told = survey(str(file), dataset)
    assert (dataset.name, told.problem, told.n_lines) == ("sales", None, 2)
    (table,) = lines(str(file), told.reading)
    assert table.to_pylist()[1] == {
        "ProductID": "4006381333948",
        "TransactionDateTime": "31.12.2025",
        "Units": "1.200,5",
        "Price": "12,99",
        "StoreID": "berlin",
        "malformed_line": None,
    }


def test_every_setting_is_on_the_page():
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.M))
    assert told == set(MappingConfig.model_fields)


def test_the_template_has_a_readable_file_of_each_dataset(tmp_path):
    write_template(tmp_path, date(2026, 3, 1))
    read = {}
    for landed in listing(str(tmp_path)):
        dataset = dataset_of(landed.path, DATASETS)
        if dataset is None:
            assert landed.path.endswith(NOTES)
            continue
        told = survey(landed.path, dataset)
        assert told.problem is None, told
        read[dataset.name] = told.n_lines
    assert read == {dataset.name: 28 if dataset.name == "demand_forecasts" else 1 for dataset in DATASETS}
    notes = (tmp_path / NOTES).read_text(encoding="utf-8")
    assert notes.index("NEEDED") < notes.index("rawdata/inv_") < notes.index("OPTIONAL") < notes.index("orders/erp")
    assert "may be left out: ExpiryDateTime" in notes


def test_the_template_never_overwrites(tmp_path, capsys):
    assert main(["template", str(tmp_path / "new"), "--day", "2026-03-01"]) == 0
    assert "invopt run --landing" in capsys.readouterr().out
    stores = tmp_path / "new" / "publicparameters" / "stores.csv"
    stores.write_text("mine")
    assert main(["template", str(tmp_path / "new")]) == 3
    assert "stores.csv" in capsys.readouterr().err and stores.read_text() == "mine"


def test_a_day_that_is_none(capsys):
    with pytest.raises(SystemExit):
        main(["template", "x", "--day", "yesterday"])
    assert "'yesterday' is no day such as 2026-03-01" in capsys.readouterr().err
