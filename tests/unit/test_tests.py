"""Tests ask only for what anybody may use, and no answer of theirs depends on how fast the machine is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# public, although their names begin with "_": the standard library documents them
DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}
# what takes a name as text: monkeypatch.setattr, getattr and their like
BY_TEXT = {"setattr", "delattr", "getattr", "hasattr", "patch"}
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "times"}
CLOCKS |= {"time.time", "time.time_ns", "thread_time", "getrusage"}
# statements of SQL whose text a test could compare; a query that a test runs is none of its assertions
SQL = ("ALTER TABLE ", "CREATE TABLE ", "INSERT INTO ", "MERGE INTO ", "SELECT ", "DELETE FROM ", "UPDATE ")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED


def private_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of every private name of others: imported, read or written as an attribute, or given as text."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Attribute):
            # a class may have private names of its own
            is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            names = [] if is_own else [node.attr]
        elif isinstance(node, ast.Call) and name_of(node.func) in BY_TEXT:
            texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            names = [text.rpartition(".")[2] for text in texts if isinstance(text, str) and text.isprintable()]
        yield from ((node.lineno, name) for name in names if is_private(name))


def name_of(node: ast.AST) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def measured(tree: ast.AST) -> set[str]:
    """Names that hold what a clock gave, or what was computed from it."""
    clocks: set[str] = set()
    while True:
        before = len(clocks)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if reads_a_clock(node.value, clocks):
                    clocks |= {name for target in targets for name in written(target)}
            elif isinstance(node, ast.Call) and name_of(node.func) in ("append", "add", "extend"):
                if isinstance(node.func, ast.Attribute) and any(reads_a_clock(part, clocks) for part in node.args):
                    clocks.add(name_of(node.func.value))
        if len(clocks) == before:
            return clocks


def written(target: ast.AST) -> Iterator[str]:
    """The names that an assignment changes: of `took[name]` it is `took`."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from written(part)
    elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
        yield from written(target.value)


def reads_a_clock(node: ast.AST, clocks: set[str]) -> bool:
    return any(
        isinstance(part, ast.Name)
        and part.id in clocks
        or isinstance(part, ast.Call)
        and (name_of(part.func) in CLOCKS or ast.unparse(part.func) in CLOCKS)
        for part in ast.walk(node)
    )


def assertions_of_time(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of every assertion that compares what a clock gave."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            clocks = measured(function)
            for node in ast.walk(function):
                if isinstance(node, ast.Assert) and reads_a_clock(node.test, clocks):
                    yield node.lineno, ast.unparse(node.test)


def assertions_of_sql(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of every assertion that compares something with a statement of SQL."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            for compared in (part for part in ast.walk(node.test) if isinstance(part, ast.Compare)):
                for side in (compared.left, *compared.comparators):
                    if isinstance(side, ast.Constant) and isinstance(side.value, str) and side.value.startswith(SQL):
                        yield node.lineno, side.value


RULES = (
    (private_names, "a private name"),
    (assertions_of_time, "an assertion of how long something took"),
    (assertions_of_sql, "an assertion of the text of SQL"),
)


def faults(text: str) -> list[str]:
    tree = ast.parse(text)
    return [f"{line}: {what}: {found}" for rule, what in RULES for line, found in rule(tree)]


def test_no_test_reaches_for_a_private_name_asserts_a_time_or_the_text_of_sql():
    paths = sorted(TESTS.rglob("*.py"))
    assert Path(__file__) in paths
    found = [
        f"{path.relative_to(TESTS)}:{fault}" for path in paths for fault in faults(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "n_faults"),
    [
        ("from invopt.cli import _parser", 1),
        ("import invopt._hidden", 1),
        ("from __future__ import annotations\nimport invopt.cli", 0),
        ("found._replace(cost=1)\nos._exit(1)\ntype(found).__name__", 0),
        ("highs._kept.clear()", 1),
        ("monkeypatch.setattr(store, '_is_local', False)", 1),
        ("monkeypatch.setattr('invopt.solving.bucket._difference', print)", 1),
        ("monkeypatch.setattr('invopt.solving.bucket.load', print)", 0),
        ("class Fake:\n    def __init__(self): self._n = 0", 0),
        ("def test():\n    start = time.perf_counter()\n    assert time.perf_counter() - start < 1", 1),
        ("def test():\n    a = monotonic()\n    took = monotonic() - a\n    assert 2 * took < 1", 1),
        ("def test():\n    took = []\n    took.append(time.process_time())\n    assert min(took) < 1", 1),
        ("def test():\n    end = time.monotonic() + 60\n    while time.monotonic() < end:\n        pass", 0),
        ("def test():\n    start = time.perf_counter()\n    assert solved(items) == 3", 0),
        ("def test():\n    assert time(6, 30) < moment.time()", 0),
        ("def test():\n    assert time.time() < start + 9", 1),
        ("def test():\n    assert calls == ['ALTER TABLE t ADD COLUMN x']", 0),
        ("def test():\n    assert calls[0] == 'ALTER TABLE t ADD COLUMN x'", 1),
        ("def test():\n    assert spark.sql('SELECT 1').first() == (1,)", 0),
    ],
)
def test_a_fault_is_seen_and_what_is_right_is_not(text, n_faults):
    assert len(faults(text)) == n_faults
