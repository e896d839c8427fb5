"""The lines that `invopt demo` prints are true: the command that they propose runs, and finds the run's decisions."""

from __future__ import annotations

import shlex
from pathlib import Path

from invopt import cli

CONF = Path(__file__).parents[2] / "conf"


def test_the_proposed_command_solves_the_item_again(demo, capsys):
    proposed = next(line for line in demo.printed.splitlines() if line.startswith("Try: invopt "))
    assert cli.main([*shlex.split(proposed.removeprefix("Try: invopt ")), "--config", str(CONF)]) == 0
    said = capsys.readouterr().out
    answers = {
        line.split()[0]: line for line in said.splitlines() if line.startswith(("algorithm ", "model ", "saved "))
    }
    assert set(answers) == {"algorithm", "model", "saved"}, said
    # the saved decisions are those that the algorithm makes again
    assert answers["saved"].partition(": ")[2].split(" money/day")[0] in answers["algorithm"], said
    assert (
        f"run {next(line for line in demo.printed.splitlines() if line.startswith('Run ')).split()[1].rstrip(',')},"
        in said
    )
    assert sum(line.startswith("ordered ") for line in said.splitlines()) == 1, said


def test_it_says_where_the_plots_are(demo):
    assert f"Plots: notebooks/first_run.ipynb with INVOPT_LAKEHOUSE={demo.lakehouse}" in demo.printed.splitlines()
