"""What a policy's page in docs/policies/ takes from its file: columns, parameters and mathematics, as Markdown."""

from __future__ import annotations

import inspect
import re
from typing import Any, Literal, get_args, get_origin

from invopt import policies
from invopt.front_door.demand import DEMAND_STD
from invopt.policies.base import Policy
from invopt.tables.columns import Column

_FORMS = {"double": "number", "string": "text", "array<double>": "periods", "array<array<double>>": "probabilities"}


def markdown(name: str, folder: str | None = None) -> str:
    """Both parts that a page takes from the policy's file."""
    policy = policies.load(name, folder)
    return f"{tables(policy)}\n\n{mathematics(policy)}"


def tables(policy: Policy) -> str:
    """What the page says of the policy's columns, parameters and answer."""
    parts = ["## Columns", _columns(policy), "## Parameters", _params(policy), "## Answer", _decisions(policy)]
    return "\n\n".join(parts)


def mathematics(policy: Policy) -> str:
    """The page's last part: the text at the top of the policy's file."""
    module = inspect.getmodule(policy.build_model)
    return f"## Mathematics\n\n{inspect.getdoc(module)}"


def _columns(policy: Policy) -> str:
    """Those that must be given first."""
    must = policy.must_be_given
    columns = [*must, *(column for column in policy.needs if column not in must)]
    rows = []
    for column in columns:
        meaning = column.meaning + (f"; {column.range}" if column.range else "")
        form = "list" if column.name.startswith("price_break") else _FORMS.get(column.type, column.type)
        rows.append((f"`{column.name}`", column.unit, form, _need(policy, column), meaning))
        if column.name == "demand_variance":
            std = DEMAND_STD
            rows.append((f"`{std.name}`", std.unit, "periods", "may be absent", f"{std.meaning}; 0 or more"))
    return _markdown(("column", "unit", "form", "needed", "meaning"), rows)


def _need(policy: Policy, column: Column) -> str:
    if column in policy.must_be_given:
        return "yes"
    if column.default is not None:
        return f"default {column.default:g}" if isinstance(column.default, float) else f"default {column.default}"
    return "may be absent" if column.is_nullable else "absent: all together"


def _params(policy: Policy) -> str:
    """Allowed values and defaults from the record, the meaning from its docstring."""
    fields, said = policy.params.model_fields, _said(inspect.getdoc(policy.params) or "")
    if not fields:
        return "The policy has no parameters."
    rows = [
        (f"`{name}`", _allowed(field.annotation, field.metadata), f"`{field.default!r}`", said.get(name, ""))
        for name, field in fields.items()
    ]
    return _markdown(("parameter", "allowed", "default", "meaning"), rows)


def _said(text: str) -> dict[str, str]:
    """The lines `name : meaning` of a docstring, each with what is indented below it.

    >>> _said("Parameters.\\n\\ncost : how a day\\n    is counted\\nseed : of chance")
    {'cost': 'how a day is counted', 'seed': 'of chance'}
    """
    found = re.findall(r"^(\w+) : (.*(?:\n[ ]+.*)*)", text, re.M)
    return {name: " ".join(meaning.split()).replace("the module's docstring", "below") for name, meaning in found}


def _allowed(kind: Any, limits: list[Any]) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value!r}`" for value in get_args(kind))
    kinds = get_args(kind) or (kind,)
    text = "a whole number" if int in kinds else "a number"
    ranges = [f"{limit.ge:g} or more" for limit in limits if getattr(limit, "ge", None) is not None]
    ranges += [f"at most {limit.le:g}" for limit in limits if getattr(limit, "le", None) is not None]
    text += f", {' and '.join(ranges)}" if ranges else ""
    return text + (", or `None`" if type(None) in kinds else "")


def _decisions(policy: Policy) -> str:
    rows = [
        (f"`{decision.name.lower()}`", decision.unit, decision.meaning + (" (a list)" if decision.has_periods else ""))
        for decision in policy.decides
    ]
    rows += [(f"`price_{name}`", "", f"what one more unit of {name} is worth") for name in policy.prices]
    return _markdown(("answer", "unit", "meaning"), rows)


def _markdown(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
