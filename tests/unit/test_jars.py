"""Delta's jars come from Ivy's folder, from the user's or from the network."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from invopt.errors import SetupError
from invopt.spark.jars import DELTA, EXCLUDED, JARS, jar_settings, not_resolved


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.delenv("INVOPT_JARS", raising=False)
    monkeypatch.delenv("INVOPT_IVY_SETTINGS", raising=False)


def fill(folder: Path, with_group: bool) -> list[Path]:
    folder.mkdir(parents=True)
    jars = [folder / (f"{group}_{file}" if with_group else file) for group, file in JARS]
    for jar in jars:
        with zipfile.ZipFile(jar, "w") as archive:
            archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    return jars


def test_ivy_when_nothing_is_kept(tmp_path):
    chosen = jar_settings({"spark.jars.ivy": str(tmp_path)})
    assert chosen["spark.jars.packages"] == DELTA
    assert chosen["spark.jars.excludes"].split(",") == [f"{group}:*" for group in EXCLUDED]
    # named, because Java's home folder need not be Python's, and the next start looks there
    assert chosen["spark.jars.ivy"] == str(tmp_path)
    assert set(chosen) == {"spark.jars.packages", "spark.jars.excludes", "spark.jars.ivy"}


def test_kept_jars_are_used_without_ivy(tmp_path):
    jars = fill(tmp_path / "jars", with_group=True)
    assert jar_settings({"spark.jars.ivy": str(tmp_path)}) == {"spark.jars": ",".join(map(str, jars))}


@pytest.mark.parametrize("damage", [Path.unlink, lambda jar: jar.write_bytes(jar.read_bytes()[:20])])
def test_a_jar_lost_or_cut_short_brings_ivy_back(tmp_path, damage):
    damage(fill(tmp_path / "jars", with_group=True)[3])
    assert "spark.jars.packages" in jar_settings({"spark.jars.ivy": str(tmp_path)})


@pytest.mark.parametrize("with_group", [True, False])
def test_a_folder_of_jars(tmp_path, monkeypatch, with_group):
    jars = fill(tmp_path / "own", with_group)
    monkeypatch.setenv("INVOPT_JARS", str(tmp_path / "own"))
    assert set(jar_settings({})["spark.jars"].split(",")) == set(map(str, jars))


def test_jar_files_one_by_one(tmp_path, monkeypatch):
    jars = fill(tmp_path / "own", with_group=False)
    monkeypatch.setenv("INVOPT_JARS", ", ".join(map(str, jars)))
    assert jar_settings({"spark.jars": "/mine.jar"})["spark.jars"].split(",") == ["/mine.jar", *map(str, jars)]


def test_a_missing_jar_is_named(tmp_path, monkeypatch):
    fill(tmp_path / "own", with_group=False)[1].unlink()
    monkeypatch.setenv("INVOPT_JARS", str(tmp_path / "own"))
    with pytest.raises(SetupError, match=r"lacks delta-storage-4\.4\.0\.jar"):
        jar_settings({})


def test_what_is_no_jar_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("INVOPT_JARS", str(tmp_path / "nowhere.jar"))
    with pytest.raises(SetupError, match="nowhere.jar"):
        jar_settings({})


def test_the_users_packages_stay(tmp_path):
    kafka = "org.apache.spark:spark-sql-kafka-0-10_2.13:4.1.4"
    chosen = jar_settings({"spark.jars.ivy": str(tmp_path), "spark.jars.packages": kafka, "spark.jars.excludes": "a:b"})
    assert chosen["spark.jars.packages"] == f"{kafka},{DELTA}"
    assert chosen["spark.jars.excludes"].startswith("a:b,")
    assert jar_settings({"spark.jars.packages": "io.delta:delta-spark_4.1_2.13:4.5.0"}) == {}


def test_ivy_settings(tmp_path, monkeypatch):
    file = tmp_path / "ivysettings.xml"
    monkeypatch.setenv("INVOPT_IVY_SETTINGS", str(file))
    with pytest.raises(SetupError, match="INVOPT_IVY_SETTINGS names"):
        jar_settings({"spark.jars.ivy": str(tmp_path)})
    file.write_text("<ivysettings/>", encoding="utf-8")
    assert jar_settings({"spark.jars.ivy": str(tmp_path)})["spark.jars.ivySettings"] == str(file)


def test_the_message_names_the_coordinate_the_log_and_three_ways_out(tmp_path):
    text = str(not_resolved({"spark.jars.ivySettings": "mirror.xml"}, tmp_path / "spark.log"))
    assert DELTA in text and "mirror.xml" in text and "spark.log" in text
    assert all(way in text for way in ("INVOPT_JARS", "INVOPT_IVY_SETTINGS", "with a network"))
    assert all(file in text for _, file in JARS)
