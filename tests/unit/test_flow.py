"""The commands, the jobs and the README's flow line are those of the list of steps."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from invopt.pipelines import flow

ROOT = Path(__file__).parents[2]


def test_every_step_has_its_job_and_nothing_else_has():
    jobs = {path.stem for path in (ROOT / "jobs").glob("*.py")}
    assert jobs == {step.name for step in flow.STEPS} | {"run"}


@pytest.mark.parametrize("name", [*flow.BY_NAME, "run"])
def test_a_job_runs_the_command_of_its_name(name, monkeypatch):
    ran = []
    monkeypatch.setattr("invopt.cli.job", ran.append)
    spec = importlib.util.spec_from_file_location("__main__", ROOT / "jobs" / f"{name}.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert ran == [name]


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_the_flow_line_of_the_documents_is_the_list(page):
    has_it = flow.flow_line() in (ROOT / page).read_text(encoding="utf-8")
    assert has_it, f"put this line into {page}:\n{flow.flow_line()}"


@pytest.mark.parametrize("step", flow.STEPS, ids=lambda step: step.name)
def test_a_step_names_a_function_of_its_module(step):
    """Read, not imported: the module needs pyspark."""
    module = ROOT / "invopt" / "pipelines" / f"{step.name}.py"
    functions = {
        node.name for node in ast.parse(module.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    }
    assert step.function in functions
