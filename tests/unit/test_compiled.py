"""Machine code on disk: it is used again, and not when a file has changed whose code it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from invopt.theory import compiled as module

CALLEE = "from invopt.theory.compiled import compiled\n\n\n@compiled\ndef inner(x):\n    return x + {step}\n"
CALLER = (
    "from callee import inner\nfrom invopt.theory.compiled import compiled\n\n\n"
    "@compiled\ndef outer(x):\n    return 10 * inner(x)\n"
)
CODE = "from {} import outer; print(outer(1), sum(outer.stats.cache_hits.values()))"


def printed(folder: Path, caller: str = "caller") -> str:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(caller)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"},
    )
    return done.stdout.strip()


def test_machine_code_is_kept_until_a_file_that_it_comes_from_changes(tmp_path):
    (tmp_path / "callee.py").write_text(CALLEE.format(step=1), encoding="utf-8")
    (tmp_path / "caller.py").write_text(CALLER, encoding="utf-8")
    assert [printed(tmp_path) for _ in range(2)] == ["20 0", "20 1"]
    (tmp_path / "callee.py").write_text(CALLEE.format(step=22), encoding="utf-8")
    assert [printed(tmp_path) for _ in range(2)] == ["230 0", "230 1"]


def test_a_change_in_another_topic_of_the_theory_is_seen(tmp_path):
    """A copy of `compiled.py` in a package of two topics, of which one calls the other."""
    theory = tmp_path / "theory"
    (theory / "loss").mkdir(parents=True)
    (theory / "search").mkdir()
    shutil.copy(module.__file__, theory / "compiled.py")
    caller = CALLER.replace("invopt.theory", "theory").replace("from callee", "from theory.loss.callee")
    (theory / "search" / "caller.py").write_text(caller, encoding="utf-8")
    for step, answers in ((1, ["20 0", "20 1"]), (22, ["230 0", "230 1"])):
        callee = CALLEE.format(step=step).replace("invopt.theory", "theory")
        (theory / "loss" / "callee.py").write_text(callee, encoding="utf-8")
        assert [printed(tmp_path, "theory.search.caller") for _ in range(2)] == answers
