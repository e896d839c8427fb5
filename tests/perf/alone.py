"""A measurement in an interpreter of its own: no Java Virtual Machine warmed by the measurement before it."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

# (function, arguments) -> what the function returns
RunIn = Callable[..., Any]


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of the function, called in a new interpreter that ends with it and takes its JVM along."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def here(function: Callable[..., Any], *arguments: Any) -> Any:
    """The same in this process and its session; what can't be sent to another process fails here too."""
    return pickle.loads(pickle.dumps(function(*arguments)))
