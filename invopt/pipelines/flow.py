"""The steps from landed files to orders, as a list.

The commands derive from it; a test compares the files in jobs/ and the flow line of the documents with it.

This file imports no step before it is needed, so that `invopt --help` works where there is no Spark.
"""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from invopt.errors import (
    AuditError,
    FeedError,
    InvoptError,
    NothingDecidedError,
    OrderRuleError,
    TableError,
    raise_together,
)

if TYPE_CHECKING:
    from invopt.pipelines.context import Context


@dataclass(frozen=True)
class Step:
    """A step of the flow.

    name : the command `invopt <name>`, the file jobs/<name>.py, and the module of `pipelines` with its function
    function : the function's name in that module
    about : what it does, in one line
    makes : the layer or table that it fills; empty where it only shows
    is_of_run : it looks at one moment, `--as-of`
    goes_on : without --as-of it looks at the newest run's moment, because it needs what that run has made
    is_of_policies : where it fails for one policy, the others and the later steps go on; errors are told at the end
    """

    name: str
    function: str
    about: str
    makes: str = ""
    is_of_run: bool = True
    goes_on: bool = False
    is_of_policies: bool = False

    def do(self, context: Context) -> None:
        """Does the step for a run."""
        module = importlib.import_module(f"invopt.pipelines.{self.name}")
        context.ledger.refresh()
        getattr(module, self.function)(context)


STEPS = (
    Step("ingest", "ingest", "new files of the landing zone -> bronze", "bronze"),
    Step(
        "conform",
        "conform",
        "bronze -> silver: typed, deduplicated, with rejected lines kept",
        "silver",
        is_of_run=False,
    ),
    Step("inputs", "make_inputs", "silver -> state of every item -> inputs of every policy", "gold.item_state"),
    Step(
        "solve", "solve", "inputs -> solutions, on the executors", "gold.solutions", goes_on=True, is_of_policies=True
    ),
    Step("order", "order", "solutions + stock -> orders", "gold.orders", goes_on=True, is_of_policies=True),
    Step("report", "report", "what the run did, in a table", goes_on=True, is_of_policies=True),
)
BY_NAME = {step.name: step for step in STEPS}
# commands that do more than the step of their name
ALL = {"run": STEPS, "order": (BY_NAME["order"], BY_NAME["report"])}


def flow_line() -> str:
    """The flow as one line.

    >>> flow_line()[:48]
    'landed files -> ingest -> bronze -> conform -> s'
    """
    return " -> ".join(["landed files", *(part for step in STEPS if step.makes for part in (step.name, step.makes))])


def do(context: Context, command: str) -> None:
    """Does a command's steps one after the other.

    Raises
    ------
    InvoptError : as the steps raise it; what several policies met is told together, after the last step.
    """
    from invopt.pipelines.migrations import bring_forward

    bring_forward(context)
    refused: list[InvoptError] = []
    with contextlib.ExitStack() as held:
        for step in ALL.get(command) or (BY_NAME[command],):
            if command == "run" and step.name == "inputs":
                # a run whose orders another one has not seen in its positions would order twice
                held.enter_context(context.store.turn("gold"))
            try:
                step.do(context)
            except (TableError, AuditError, OrderRuleError, NothingDecidedError) as error:
                if not step.is_of_policies:
                    raise
                refused.append(error)
            except FeedError as error:
                refused.append(error)
    raise_together(refused)
