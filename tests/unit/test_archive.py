"""The package works from an archive, as `spark-submit --py-files dist/invopt.zip` hands it to executors, whose home may
not be writable.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from invopt import policies

ROOT = Path(__file__).parents[2]

IMPORTED = """
import importlib, pkgutil, sys
from importlib import resources
for name in ("pyspark", "delta", "py4j"): sys.modules[name] = None
import invopt
skipped = ("invopt.spark", "invopt.pipelines", "invopt.cli")
for module in pkgutil.walk_packages(invopt.__path__, "invopt."):
    if not module.name.startswith(skipped): importlib.import_module(module.name)
from invopt import policies
for name in policies.names(): policies.load(name)
def count(folder):
    return sum(count(entry) if entry.is_dir() else entry.name.endswith(".sql") for entry in folder.iterdir())
print(policies.names(), count(resources.files("invopt")))
"""
COMPILED = """
import numpy as np
from invopt.theory.demand import loss
print(loss.__file__)
print(loss.losses_of(np.array([0.5, 0.5])).tolist())
"""


def printed_from(archive: Path, program: str) -> list[str]:
    """The lines that a program prints, in a process of its own that finds the package in the archive alone."""
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((ROOT / "invopt").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(ROOT))
    caches = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in caches}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=archive.parent,
        env={**environment, "PYTHONPATH": str(archive), "HOME": os.devnull},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["invopt.zip", "invopt.egg"])
def test_compiled_code_works_from_an_archive_and_from_a_zip_all_the_rest(tmp_path, name):
    is_zip = name == "invopt.zip"
    *others, file, losses = printed_from(tmp_path / name, (IMPORTED if is_zip else "") + COMPILED)
    n_sql = len(list(Path(str(resources.files("invopt"))).rglob("*.sql")))
    assert others == ([f"{policies.names()} {n_sql}"] if is_zip else [])
    assert file.startswith(str(tmp_path / name)) and losses == "[0.5, 0.0, 0.0]"
