"""One small demo chain, run from its raw files to its orders, for all tests that look at what a run leaves behind."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from invopt import cli

CONF = Path(__file__).parents[2] / "conf"


@dataclass(frozen=True)
class Demo:
    """The demo's folder, and what it printed."""

    folder: Path
    printed: str

    @property
    def lakehouse(self) -> Path:
        return self.folder / "lakehouse"


@pytest.fixture(scope="session")
def demo(spark, tmp_path_factory) -> Demo:
    """`invopt demo` in this process, so that it shares the tests' Spark session; tests must not write into its tables."""
    folder = tmp_path_factory.mktemp("demo")
    printed = io.StringIO()
    size = ["--stores", "3", "--products", "12", "--days", "14"]
    with contextlib.redirect_stdout(printed):
        code = cli.main(["demo", *size, "--folder", str(folder), "--config", str(CONF)])
    assert code == 0, printed.getvalue()
    return Demo(folder, printed.getvalue())
