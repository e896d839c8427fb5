"""Every notebook: committed clean, without definitions, and run from top to bottom on the demo's tables, each plot
an image.
"""

from __future__ import annotations

import ast
import base64
import io
import os
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.image import imread
from nbclient import NotebookClient

from invopt import policies

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_of(cell: nbformat.NotebookNode) -> str:
    """The cell's Python, without lines such as %matplotlib inline."""
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))


@pytest.fixture(scope="module")
def executed(demo):
    """Notebook -> its cells with their outputs, made when first asked for; a failing cell raises, with its
    traceback.
    """
    made = {}

    def execute(path: Path) -> list[nbformat.NotebookNode]:
        if path not in made:
            notebook = read(path)
            # the kernel is a process of its own: it must find this package, these tables, and the backend that makes
            # images
            environment = {
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep),
                "INVOPT_LAKEHOUSE": str(demo.lakehouse),
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            }
            client = NotebookClient(
                notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
            )
            client.execute(env=os.environ | environment)
            made[path] = [cell for cell in notebook.cells if cell.cell_type == "code"]
        return made[path]

    return execute


def test_there_are_notebooks():
    assert ROOT / "notebooks" / "first_run.ipynb" in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_explains_each_cell(path):
    cells = read(path).cells
    for before, cell in zip([None, *cells], cells, strict=False):
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None, f"clear the outputs: {cell.source[:80]}"
            assert before is not None and before.cell_type == "markdown", (
                f"no line before says what one sees: {cell.source[:80]}"
            )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_invopt_and_defines_nothing(path):
    trees = [ast.parse(code_of(cell)) for cell in read(path).cells if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    assert any(isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "invopt" for node in nodes)
    assert not [ast.unparse(node) for node in nodes if isinstance(node, DEFINITIONS)]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_each_plot_is_a_picture(path, executed):
    cells = executed(path)
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    plots = [cell for cell in cells if re.search(r"^plots\.\w+\(", cell.source, re.M)]
    assert plots
    for cell in plots:
        images = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(images) == 1, cell.source
        # an empty pair of axes has a handful of colours along its lines; a plot has many
        pixels = (255 * imread(io.BytesIO(base64.b64decode(images[0])))).astype(np.uint32)
        colours = np.unique(pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2])
        assert min(pixels.shape[:2]) > 200 and len(colours) > 50, cell.source


@pytest.mark.slow
def test_the_first_run_shows_what_the_demo_printed(demo, executed):
    html_rows = {}
    summary = next(cell for cell in executed(ROOT / "notebooks" / "first_run.ipynb") if "summary.join" in cell.source)
    for row in re.findall(r"<tr>(.*?)</tr>", summary.outputs[0].data["text/html"], re.S):
        cells = re.findall(r"<td>([^<]*)</td>", row)
        if cells:
            html_rows[re.search(r"<th>([^<]*)</th>", row)[1]] = [float(cell) for cell in cells]
    for policy in policies.names():
        printed = next(line for line in demo.printed.splitlines() if line.startswith(f"{policy} "))
        items, _, failed, lines, units, value, cost = (float(figure.replace(",", "")) for figure in printed.split()[1:])
        assert html_rows[policy] == [items, failed, cost, lines, units, value]
