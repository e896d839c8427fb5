"""Inventory optimization for retail: raw sales and stock files in, explained orders out, on a laptop or a Spark
cluster.

`invopt.solve` decides for numbers or a DataFrame, `invopt.open` reads a lakehouse, and `invopt.policies()` lists what
can be decided. None of them needs Spark, and each is imported when it is first used.
"""

from __future__ import annotations

import importlib

__version__ = "0.2.0"

# name -> the module that has it, and its name there; None is the module itself
_DOORS = {
    "solve": ("invopt.front_door.call", "solve"),
    "open": ("invopt.lakehouse", "Lakehouse"),
    "policies": ("invopt.policies", None),
}


def __getattr__(name: str) -> object:
    if name not in _DOORS:
        raise AttributeError(f"module 'invopt' has no attribute {name!r}; it has {', '.join(_DOORS)}")
    module, attribute = _DOORS[name]
    found = importlib.import_module(module)
    return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_DOORS])
