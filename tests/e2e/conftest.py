"""A project folder as a user has it, the commands in this process with what they print, and the tables without a JVM."""

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
        places = ("--config", str(self.folder / "conf"), "--lakehouse", str(self.lakehouse), "--landing", str(self.landing))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main([arguments[0], *places, *arguments[1:]])
        return code, out.getvalue()

    def rows(self, table: Table | str) -> pd.DataFrame:
        name = table if isinstance(table, str) else table.name
        return DeltaTable(str(self.lakehouse / name.replace(".", "/"))).to_pandas()

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
    """Makes projects; `policies` changes rows of the shipped policies.yaml by id."""

    def make(**policies: dict) -> Project:
        folder = tmp_path_factory.mktemp("project")
        shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local.yaml"))
        file = folder / "conf" / "policies.yaml"
        rows = yaml.safe_load(file.read_text(encoding="utf-8"))
        file.write_text(yaml.safe_dump([row | policies.get(row["id"], {}) for row in rows]), encoding="utf-8")
        return Project(folder)

    return make
