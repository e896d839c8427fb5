"""Compiles the algorithms before anything waits for them: `invopt compile`, and the last step of `make`'s set-up.

numba compiles a function at its first call and keeps the machine code on disk. So each policy's examples are solved
once by its algorithm, policies with different algorithms at the same time. Code that the examples do not reach is
compiled when it is first needed.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from invopt import policies
from invopt.errors import InvoptError, PolicyLawError
from invopt.policies.base import Policy
from invopt.solving import SolveRequest, Status, solve_bucket
from invopt.workbench.laws import example_items


def compile_algorithms(names: Sequence[str], folder: str | None, say: Callable[[str], None]) -> None:
    """Compiles the algorithms of these policies, shipped or of the user's folder.

    Algorithms that are compiled already take some seconds.

    Raises
    ------
    PolicyLawError : a policy can't be loaded, or its algorithm fails on its own examples; the others are compiled all
        the same.
    """
    started = time.monotonic()
    problems: list[str] = []
    # policies with one search share its machine code, and two processes at once would both compile it
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        try:
            policy = policies.load(name, folder)
        except InvoptError as error:
            problems.append(str(error))
            continue
        if policy.algorithm is not None:
            alike.setdefault(_searches(policy) or (name,), []).append(name)
    if alike:
        say(f"compiling {len(alike)} algorithms for this machine; the first time it takes up to two minutes")
        workers = min(len(alike), os.cpu_count() or 1)
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            # the allocation engine takes longest; two policies share it, so shared algorithms come first
            waiting = {
                pool.submit(_solve_examples, same, folder): same
                for same in sorted(alike.values(), key=len, reverse=True)
            }
            for n_done, done in enumerate(as_completed(waiting), 1):
                try:
                    problems += done.result()
                except BrokenProcessPool:
                    problems.append(
                        f"policy {' or '.join(waiting[done])}, or another one at the same time, ended its process"
                    )
                say(f"  {n_done} of {len(alike)}: {', '.join(waiting[done])}, {time.monotonic() - started:.0f} s")
    if problems:
        raise PolicyLawError("these algorithms were not compiled", problems)


def _searches(policy: Policy) -> tuple[str, ...]:
    """The modules of `theory` that search for the policy's decisions, itself or through readers of `policies.inputs`.

    Two policies share machine code when they name the same searches.
    """
    searches: set[str] = set()
    seen: set[str] = set()
    waiting = [policy.algorithm.__module__]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        modules = {getattr(value, "__module__", None) or "" for value in vars(sys.modules[name]).values()}
        searches |= {module for module in modules if re.fullmatch(r"invopt\.theory\.\w+\.search\w*", module)}
        waiting += [module for module in modules - seen if module.startswith("invopt.policies.inputs.")]
    return tuple(sorted(searches))


def _solve_examples(names: list[str], folder: str | None) -> list[str]:
    """Solves the examples of these policies; gives a line for each example that can't be solved.

    `invopt policies --check` tells more about such an example.
    """
    problems = []
    for name in names:
        policy = policies.load(name, folder)
        for example in policy.examples:
            try:
                solved = solve_bucket(
                    example_items(policy, example),
                    SolveRequest.of_policy(name, folder, params=example.params, method="algorithm"),
                )
                wrong = solved.loc[solved["status"] == Status.NO_SOLUTION, "message"]
            except (Exception, SystemExit) as error:  # one policy's defect must not keep the others from being compiled
                wrong = [f"{type(error).__name__}: {error}"]
            problems += [f"policy {name}, example {example.name}: {message}" for message in list(wrong)[:1]]
    return problems
