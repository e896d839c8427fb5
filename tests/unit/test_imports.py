"""Imports go one way, and everything below `spark` works on a machine without pyspark."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "invopt"

# a part of the package -> the parts it may import; every part may import itself
BASE = {"errors", "tables", "config", "run"}
THEORY = BASE | {"theory"}
MODELS = THEORY | {"models", "simulation", "network"}
POLICIES = MODELS | {"policies", "forecasting"}
ENGINES = POLICIES | {"solving", "ordering", "evaluation"}
PIPELINES = ENGINES | {"sql", "spark", "pipelines"}
ALLOWED = {
    "errors": set(),
    "tables": {"errors"},
    "config": {"errors", "tables"},
    "landing": BASE,
    "run": {"errors", "tables", "config"},
    "theory": {"errors"},
    "models": {"errors", "theory"},
    "simulation": THEORY,
    "network": THEORY,
    "policies": MODELS,
    "forecasting": MODELS,
    "solving": POLICIES,
    "ordering": POLICIES,
    "evaluation": POLICIES,
    "sql": set(),
    "spark": ENGINES | {"sql"},
    "pipelines": ENGINES | {"sql", "spark", "landing"},
    "workbench": PIPELINES | {"lake", "front_door"},
    "cli": PIPELINES | {"lake", "world", "workbench", "web"},
    "lake": BASE,
    "lakehouse": BASE | {"lake"},
    "front_door": ENGINES,
    "world": THEORY | {"lake"},
    "plots": {"errors"},
    "web": BASE | {"lake"},
}
# the front door, the package's own __init__.py, may import these
FRONT_DOOR = ENGINES | {"lake", "lakehouse", "front_door"}
SPARK_PARTS = {"spark", "pipelines"}
SPARK_PACKAGES = {"pyspark", "delta", "py4j"}
THEORY_PACKAGES = {"numpy", "scipy", "numba"}
WITHOUT_PYSPARK = sorted(set(ALLOWED) - SPARK_PARTS - {"sql"})


def part_of(file: Path, package: Path = PACKAGE) -> str:
    """The top-level part a file belongs to; "" for the package's own __init__.py."""
    first = file.relative_to(package).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imported(tree: ast.AST, file: Path, package: Path = PACKAGE) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of a file, inside functions too; those for type checkers only don't run
    and don't count.
    """
    here = (package.name, *file.relative_to(package).parent.parts)
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            # `from invopt import spark` imports invopt.spark
            yield from (
                (node.lineno, f"{module}.{name.name}" if module == package.name else module) for name in node.names
            )
        waiting.extend(ast.iter_child_nodes(node))


def faults(file: Path, package: Path = PACKAGE) -> list[str]:
    """The imports of a file that the lines above do not allow."""
    part = part_of(file, package)
    if part and part not in ALLOWED:
        return [
            f"{file.relative_to(package.parent)}: {part!r} is no known part of invopt; say in "
            f"{Path(__file__).name} what it may import"
        ]
    found = []
    for line, name in imported(ast.parse(file.read_text(encoding="utf-8")), file, package):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top == package.name:
            allowed = ALLOWED[part] if part else FRONT_DOOR
            wrong = bool(other) and not other.startswith("__") and other != part and other not in allowed
        elif part == "theory":
            wrong = top not in THEORY_PACKAGES and top not in sys.stdlib_module_names
        else:
            wrong = top in SPARK_PACKAGES and part not in SPARK_PARTS
        if wrong:
            found.append(f"{file.relative_to(package.parent)}:{line}: {part or 'the package'} may not import {name}")
    return found


def test_imports_go_one_way():
    files = sorted(PACKAGE.rglob("*.py"))
    assert PACKAGE / "errors.py" in files
    found = [fault for file in files for fault in faults(file)]
    assert not found, "\n".join(found)


def test_jobs_and_notebooks_stand_on_top():
    """Nothing of the package may know the programs that call it."""
    programs = {"jobs", "notebooks", "tests"}
    found = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for line, name in imported(ast.parse(file.read_text(encoding="utf-8")), file)
        if name.partition(".")[0] in programs
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("file", "code", "says"),
    [
        ("theory/eoq/textbook.py", "import pandas", "theory may not import pandas"),
        ("theory/eoq/textbook.py", "from invopt.policies import base", "theory may not import invopt.policies"),
        (
            "policies/s_q.py",
            "def f():\n    from pyspark.sql import functions",
            "s_q.py:2: policies may not import pyspark.sql",
        ),
        ("policies/s_q.py", "from invopt import solving", "policies may not import invopt.solving"),
        ("policies/s_q.py", "from ..solving import solve", "policies may not import invopt.solving"),
        ("lake.py", "from invopt.spark.store import Store", "lake may not import invopt.spark.store"),
        ("web/app.py", "import invopt.pipelines.report", "web may not import invopt.pipelines.report"),
        ("cli.py", "import pyspark", "cli may not import pyspark"),
        ("utils.py", "", "'utils' is no known part"),
        ("__init__.py", "from invopt.spark import session", "the package may not import invopt.spark"),
        (
            "theory/eoq/textbook.py",
            "import math\nimport numpy as np\nfrom invopt.errors import ParameterError\nfrom .demand import Poisson",
            None,
        ),
        (
            "policies/s_q.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pyspark.sql import DataFrame",
            None,
        ),
        (
            "pipelines/solve.py",
            "from invopt import solving\nfrom pyspark.sql import functions as F\nfrom . import run",
            None,
        ),
        ("cli.py", "def f():\n    from invopt.pipelines import solve", None),
    ],
)
def test_a_fault_is_seen_and_what_is_right_is_not(tmp_path, file, code, says):
    package = tmp_path / "invopt"
    path = package / file
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    found = faults(path, package)
    assert len(found) == (says is not None) and (says is None or says in found[0])


def test_everything_below_spark_is_imported_without_pyspark():
    """In a process where pyspark can't be imported: every module of the parts below Spark that there are."""
    places = (
        place for part in WITHOUT_PYSPARK for place in (PACKAGE / f"{part}.py", *sorted((PACKAGE / part).rglob("*.py")))
    )
    # a __main__.py is a program, which would run
    files = [place for place in places if place.exists() and place.stem != "__main__"]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    assert importlib.util.find_spec("invopt.policies.base") and "invopt.policies.base" in names
    code = (
        "import importlib, sys\n"
        f"for name in {sorted(SPARK_PACKAGES)!r}: sys.modules[name] = None\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print('imported', len([name for name in sys.modules if name.startswith('invopt.')]) > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "imported True\n"), done.stderr
