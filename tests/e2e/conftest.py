"""Projects as a user has them, the commands in this process with what they print, and one small demo chain for all
tests to look at.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

from invopt.cli import main
from invopt.tables import Table

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A folder with conf/, landing/ and lakehouse/."""

    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def lakehouse(self) -> Path:
        return self.folder / "lakehouse"

    def invopt(self, *arguments: str) -> tuple[int, str]:
        """Runs a command; gives its exit code and what it printed."""
        out = io.StringIO()
        places = (
            "--config",
            str(self.folder / "conf"),
            "--lakehouse",
            str(self.lakehouse),
            "--landing",
            str(self.landing),
        )
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main([arguments[0], *places, *arguments[1:]])
        return code, out.getvalue()

    def demo(self, *arguments: str) -> tuple[int, str]:
        """Runs `invopt demo` in this folder, with its configuration; gives its exit code and what it printed."""
        out = io.StringIO()
        (self.folder / ".invopt-demo").touch()
        places = ("--config", str(self.folder / "conf"), "--folder", str(self.folder))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(["demo", *places, *arguments])
        return code, out.getvalue()

    def rows(self, table: Table | str, lakehouse: str = "lakehouse") -> pd.DataFrame:
        name = table if isinstance(table, str) else table.name
        return DeltaTable(str(self.folder / lakehouse / name.replace(".", "/"))).to_pandas()

    def versions(self) -> dict[str, int]:
        """Every Delta table there is, and its newest commit."""
        return {
            f"{log.parent.parent.name}.{log.parent.name}": DeltaTable(str(log.parent)).version()
            for log in sorted(self.lakehouse.glob("*/*/_delta_log"))
        }

    def content(self) -> dict[str, list[str]]:
        """All rows of all tables, as texts in a fixed order."""
        return {name: sorted(map(str, self.rows(name).to_dict("records"))) for name in self.versions()}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Makes projects with the shipped configuration, but one policy: s_q for all that keeps; `s_q` changes its row."""

    def make(s_q: dict | None = None) -> Project:
        folder = tmp_path_factory.mktemp("project")
        shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local.yaml"))
        row = {"id": "s_q", "policy": "s_q", "scope": {"is_perishable": False}, "method": "algorithm", **(s_q or {})}
        (folder / "conf" / "policies.yaml").write_text(yaml.safe_dump([row]), encoding="utf-8")
        return Project(folder)

    return make


@dataclass(frozen=True)
class Demo:
    """The demo's folder, and what it printed."""

    folder: Path
    printed: str

    @property
    def project(self) -> Project:
        return Project(self.folder)

    @property
    def lakehouse(self) -> Path:
        return self.folder / "lakehouse"


@pytest.fixture(scope="session")
def demo(spark, tmp_path_factory) -> Demo:
    """`invopt demo` with all policies in this process, so that it shares the tests' Spark session; no test writes
    into its tables.
    """
    folder = tmp_path_factory.mktemp("demo")
    printed = io.StringIO()
    size = ["--stores", "5", "--products", "12", "--days", "8"]
    with contextlib.redirect_stdout(printed):
        code = main(["demo", *size, "--folder", str(folder), "--config", str(ROOT / "conf")])
    assert code == 0, printed.getvalue()
    return Demo(folder, printed.getvalue())
