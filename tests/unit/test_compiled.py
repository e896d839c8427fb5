"""Machine code on disk: it is used again, and not when a file has changed whose code it holds."""

from __future__ import annotations

import os
import subprocess
import sys

CALLEE = "from invopt.theory.compiled import compiled\n\n\n@compiled\ndef inner(x):\n    return x + {step}\n"
CALLER = "from callee import inner\nfrom invopt.theory.compiled import compiled\n\n\n@compiled\ndef outer(x):\n    return 10 * inner(x)\n"
CODE = "import caller; print(caller.outer(1), sum(caller.outer.stats.cache_hits.values()))"


def printed(folder) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
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
