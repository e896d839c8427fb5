"""Which Java is chosen, with scripts that answer as the real ones do; nothing here touches the network."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from invopt.errors import SetupError
from invopt.spark import java

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for java are shell scripts")

BANNERS = {
    8: 'java version "1.8.0_392"\nJava(TM) SE Runtime Environment (build 1.8.0_392-b08)',
    11: 'openjdk version "11.0.22" 2024-01-16\nOpenJDK Runtime Environment (build 11.0.22+7)',
    17: 'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)',
    21: 'openjdk version "21" 2023-09-19 LTS\nOpenJDK Runtime Environment Temurin-21+35',
    25: 'openjdk version "25-ea" 2025-09-16\nOpenJDK Runtime Environment (build 25-ea+36)',
}


def install(home: Path, version: int, before: str = "") -> Path:
    """A home folder whose bin/java prints what Java of that version prints, after `before`."""
    command = home / "bin" / "java"
    command.parent.mkdir(parents=True)
    text = f"{before}Property settings:\n    java.home = {home}\n\n{BANNERS[version]}\n"
    command.write_text(f"#!/bin/sh\n/bin/cat >&2 <<'END'\n{text}END\n", encoding="utf-8")
    command.chmod(0o755)
    return home


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with no Java and no network; a test installs what it is about."""
    for name in ("bin", "home", "here", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(java, "WELL_KNOWN", (str(tmp_path / "jvm" / "*"),))
    monkeypatch.setitem(sys.modules, "jdk", types.SimpleNamespace(install=no_network))
    return tmp_path


def no_network(version: str, path: str) -> str:
    raise ConnectionError("the network is unreachable")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        *((banner, version) for version, banner in BANNERS.items()),
        ('Picked up JAVA_TOOL_OPTIONS: -Dversion "9"\nopenjdk version "17.0.1"', 17),
        ('WARNING: version of something\nopenjdk version "21.0.3"', 21),
        ("openjdk 17.0.2 2022-01-18", None),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
        ("", None),
    ],
)
def test_parse_version(text, version):
    assert java.parse_version(text) == version


def test_java_home_comes_first(machine, monkeypatch):
    mine = install(machine / "mine", 21)
    install(machine / "jvm" / "java-17", 17)
    monkeypatch.setenv("JAVA_HOME", str(mine))
    assert java.ensure_java() == mine


def test_an_unsuitable_java_home_is_passed_over(machine, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(install(machine / "old", 11)))
    good = install(machine / "jvm" / "java-17", 17, before="Picked up JAVA_TOOL_OPTIONS: -Xmx1g\n")
    assert java.ensure_java() == good


def test_java_on_the_path_tells_its_own_home(machine):
    home = install(machine / "elsewhere", 17)
    (machine / "bin" / "java").symlink_to(home / "bin" / "java")
    assert java.ensure_java() == home


def test_well_known_places_skip_what_does_not_run(machine):
    broken = install(machine / "jvm" / "zulu-21", 21) / "bin" / "java"
    broken.write_text("#!/bin/sh\necho 'Unable to locate a Java Runtime.' >&2\nexit 1\n", encoding="utf-8")
    install(machine / "jvm" / "temurin-25", 25)
    good = install(machine / "jvm" / "java-17", 17)
    assert java.ensure_java() == good


@pytest.mark.parametrize("place", ["here/.jdk", "cache/invopt/jdk"])
def test_own_folders(machine, place):
    home = install(machine / place / "jdk-17.0.15+6", 17)
    assert java.ensure_java() == home


def test_fetched_once_then_found(machine, monkeypatch):
    def fetch(version: str, path: str) -> str:
        return str(install(Path(path) / "jdk-17.0.15+6", int(version)))

    monkeypatch.setattr(sys.modules["jdk"], "install", fetch)
    home = java.ensure_java()
    assert home == machine / "cache/invopt/jdk/jdk-17.0.15+6"
    monkeypatch.setattr(sys.modules["jdk"], "install", no_network)
    assert java.ensure_java() == home


def test_a_fetched_java_that_does_not_run_is_reported(machine, monkeypatch):
    monkeypatch.setattr(sys.modules["jdk"], "install", lambda version, path: str(machine / "home"))
    with pytest.raises(SetupError, match="does not run"):
        java.ensure_java()


def test_the_message_says_what_was_found_and_what_to_do(machine, monkeypatch):
    old = install(machine / "old", 8)
    monkeypatch.setenv("JAVA_HOME", str(old))
    install(machine / "jvm" / "temurin-25", 25)
    with pytest.raises(SetupError) as caught:
        java.ensure_java()
    text = str(caught.value)
    assert f"Java 8 at {old}" in text and f"Java 25 at {machine / 'jvm' / 'temurin-25'}" in text
    assert "network is unreachable" in text
    assert "apt-get install" in text and "brew install" in text and "winget install" in text and "JAVA_HOME" in text
    assert "\n" not in text


def test_the_message_without_any_java(machine):
    with pytest.raises(SetupError, match="found no Java at all"):
        java.ensure_java()
