"""Algorithms are compiled before a run waits for them, a user's own too, and one that can't be does not keep the
others from it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from invopt.errors import PolicyLawError
from invopt.workbench.precompile import compile_algorithms

OWN = """
from dataclasses import replace

from invopt.policies.dynamic_lot_sizing import POLICY as known


def fail(items, params):
    raise ZeroDivisionError("nothing to divide by")


POLICY = replace(known, name="{name}", about=known.about._replace(algorithm="{name}"), {change})
"""


def test_machine_code_is_kept_and_found_again(tmp_path):
    """By the command, in a process of its own: numba reads where it keeps things when it is imported."""
    kept = tmp_path / "kept"

    def compiled() -> dict[Path, int]:
        done = subprocess.run(
            [sys.executable, "-m", "invopt.cli", "compile", "dynamic_lot_sizing"],
            env={**os.environ, "NUMBA_CACHE_DIR": str(kept)},
            capture_output=True,
            text=True,
            check=True,
        )
        said = done.stdout.splitlines()
        assert said[0].startswith("compiling 1 algorithms") and said[1].startswith("  1 of 1: dynamic_lot_sizing, ")
        assert len(said) == 2
        return {path: path.stat().st_mtime_ns for path in kept.rglob("*.nbc")}

    first = compiled()
    assert any("search._plan_bucket" in path.name for path in first)
    assert compiled() == first


def test_a_policy_that_cannot_be_loaded_or_solved_is_named_and_the_others_are_compiled(tmp_path):
    for name, text in {
        "broken": "1 / 0",
        "failing": OWN.format(name="failing", change="algorithm=fail"),
        "mine": OWN.format(name="mine", change=""),
    }.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    said = []
    with pytest.raises(PolicyLawError) as caught:
        compile_algorithms(["broken", "failing", "mine", "nosuch"], str(tmp_path), said.append)
    broken, unknown, *failed = caught.value.problems
    assert "broken.py: ZeroDivisionError: division by zero" in broken and "policy 'nosuch' is unknown" in unknown
    assert failed and all(
        "policy failing, example " in one and "ZeroDivisionError: nothing to divide by" in one for one in failed
    )
    assert said[0].startswith("compiling 2 algorithms")
    assert {line.split(",")[0].split(": ")[1] for line in said[1:]} == {"failing", "mine"}
