"""Published instances and what invopt finds for them: `make published` writes the table to docs/published_instances.md.

`tests/published/<kind>.py` has `questions(data)`, which is given the folder of the shared instances and gives a
`Question` for each that a policy can be asked, and `rows(data)`, which gives the table's rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

import invopt


class Question(NamedTuple):
    """A published instance as one call of `invopt.solve`.

    columns : its keywords
    published : cost of all items over all periods; None where nothing was published
    n_periods : periods over which that cost adds up
    """

    instance: str
    policy: str
    source: str
    columns: Mapping[str, Any]
    params: Mapping[str, Any]
    published: float | None
    n_periods: int = 1
    note: str = ""

    def solved(self, method: str = "auto", **options: Any) -> pd.DataFrame:
        """The answer; an instance without a solution is an error."""
        answer = invopt.solve(self.policy, params=self.params, method=method, **self.columns, **options)
        if not (answer["status"] != "no_solution").all():
            raise ValueError(f"{self.instance} has no solution by {self.policy}, {method}: {answer['message'][0]}")
        return answer


class Row(NamedTuple):
    """One instance: its name, policy, source, the published optimum, what was found by which method, and the proved
    bound if not optimal.

    published : None where nothing was published; the note then says what ours is compared with
    bound : a lower bound of the optimum that was proved, or None when `ours` is the optimum
    """

    instance: str
    policy: str
    method: str
    source: str
    published: float | None
    ours: float
    bound: float | None = None
    seconds: float | None = None
    note: str = ""


def answered(questions: Iterable[Question], **solver: Any) -> list[Row]:
    """Two rows of each question: by the algorithm and by the model.

    solver : settings of what solves the models
    """
    return [_row(question, method, solver) for question in questions for method in ("algorithm", "model")]


def _row(question: Question, method: str, solver: Mapping[str, Any]) -> Row:
    if method == "algorithm":
        question.solved(method)  # compiled, or read from the disk, outside the time
    start = time.perf_counter()
    answer = question.solved(method, solver=solver)
    seconds = time.perf_counter() - start
    remark = "" if method == "model" else next((text for text in answer["message"] if text), "")
    is_proved = answer["gap"][0] <= 1e-9
    return Row(
        question.instance,
        question.policy,
        method,
        question.source,
        question.published,
        float(answer["cost"].sum()) * question.n_periods,
        # of all items together, the same in each row
        None if is_proved else float(answer["bound"][0]) * question.n_periods,
        seconds,
        "; ".join(filter(None, [question.note, remark])),
    )
