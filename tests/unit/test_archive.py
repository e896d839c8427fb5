"""The package works from a zip, as `spark-submit --py-files dist/invopt.zip` hands it to executors."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

ROOT = Path(__file__).parents[2]

CODE = """
import importlib, pkgutil, sys
from importlib import resources
for name in ("pyspark", "delta", "py4j"): sys.modules[name] = None
sys.path = [path for path in sys.path if path != {root!r}]
sys.path.insert(0, {archive!r})
import invopt
assert {archive!r} in invopt.__file__, invopt.__file__
skipped = ("invopt.spark", "invopt.pipelines", "invopt.cli")
for module in pkgutil.walk_packages(invopt.__path__, "invopt."):
    if not module.name.startswith(skipped): importlib.import_module(module.name)
from invopt import policies
for name in policies.names(): policies.load(name)
def count(folder): return sum(count(entry) if entry.is_dir() else entry.name.endswith(".sql") for entry in folder.iterdir())
print(policies.names(), count(resources.files("invopt")))
"""


def test_the_package_works_from_a_zip(tmp_path):
    archive = tmp_path / "invopt.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((ROOT / "invopt").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(root=str(ROOT), archive=str(archive))],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    from invopt import policies

    n_sql = len(list(Path(str(resources.files("invopt"))).rglob("*.sql")))
    assert (done.returncode, done.stdout) == (0, f"{policies.names()} {n_sql}\n"), done.stderr
