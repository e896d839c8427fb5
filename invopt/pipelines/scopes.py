"""Which policy decides for which items: the scopes of conf/policies.yaml, and where two of them meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from invopt.config import PolicyRow, Scope
from invopt.errors import ConfigError
from invopt.pipelines.context import Context

EXAMPLES = 3
# what tells of an item which of its place's sources are ordered from before it
SOURCE_ORDER = ("source_rank", "cheaper_sources")

# the ids that a scope may give
SCOPE_IDS = ("location_id", "product_id", "source_id", "department_id")


def in_scope(scope: Scope) -> Column:
    """Whether a policy decides for an item: all that is given must hold, and of its sources in the scope only the
    cheapest is ordered from.
    """
    return ~has_cheaper(scope) & _is_meant(scope)


def passed_over(scope: Scope) -> Column:
    """Whether an item is in the scope but for its source, because another source of the scope comes before it."""
    return has_cheaper(scope) & _is_meant(scope)


def _is_meant(scope: Scope) -> Column:
    holds = F.lit(True)
    for name in SCOPE_IDS:
        ids = getattr(scope, name)
        if ids is not None:
            holds = holds & F.coalesce(F.col(name).isin(*ids), F.lit(False))
    if scope.is_perishable is not None:
        holds = holds & (F.col("shelf_life").isNotNull() if scope.is_perishable else F.col("shelf_life").isNull())
    return holds


def as_first_source(items: DataFrame) -> DataFrame:
    """The items, each taken for the one source of its place that is ordered from."""
    return items.withColumns({"source_rank": F.lit(1), "cheaper_sources": F.array().cast("array<string>")})


def has_cheaper(scope: Scope) -> Column:
    """Whether another source of the item, of those that the scope names where it names some, comes before this one:
    cheaper, or as cheap and faster; versions up to 0.2 did not say which those are.
    """
    if scope.source_id is None:
        return F.col("source_rank") > 1
    named = F.array(*(F.lit(one) for one in scope.source_id or ()))
    return F.coalesce(F.arrays_overlap("cheaper_sources", named), F.lit(False))


def is_blocked() -> Column:
    """Whether an item of gold.item_state is blocked; versions up to 0.2 did not say."""
    return F.coalesce(F.col("is_blocked"), F.lit(False))


def items_in_scopes(
    item_state: DataFrame, rows: Sequence[PolicyRow]
) -> tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]]:
    """(policy ids) -> how many items are in the scopes of just these policies: all of them, and those that are blocked;
    one query for all policies.
    """
    is_first = (F.col("source_rank") == 1).alias("is_first")
    found = item_state.groupBy(policies_of(rows).alias("policies"), is_first, is_blocked().alias("is_blocked")).count()
    counts: dict[tuple[str, ...], int] = {}
    blocked: dict[tuple[str, ...], int] = {}
    for one in found.collect():
        # another source of an item that is ordered from the cheapest one alone is no item without a policy
        if one["policies"] or one["is_first"]:
            ids = tuple(one["policies"])
            counts[ids] = counts.get(ids, 0) + one["count"]
            if one["is_blocked"]:
                blocked[ids] = blocked.get(ids, 0) + one["count"]
    return counts, blocked


def unknown_scope_ids(item_state: DataFrame, rows: Sequence[PolicyRow]) -> dict[str, dict[str, list[str]]]:
    """Policy -> column -> the ids of its scope that no item has; one query for all policies."""
    given = {name: {one for row in rows for one in getattr(row.scope, name) or ()} for name in SCOPE_IDS}
    asked = [name for name in SCOPE_IDS if given[name]]
    if not asked:
        return {}
    there = item_state.agg(
        *(F.collect_set(F.when(F.col(name).isin(*given[name]), F.col(name))).alias(name) for name in asked)
    ).first()
    unknown: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        for name in asked:
            known = set(there[name])
            lacking = [one for one in getattr(row.scope, name) or () if one not in known]
            if lacking:
                unknown.setdefault(row.id, {})[name] = lacking
    return unknown


def check_scopes(
    context: Context, item_state: DataFrame, rows: Sequence[PolicyRow], counts: Mapping[tuple[str, ...], int]
) -> None:
    """Tells of items in no scope, and refuses scopes that meet.

    Raises
    ------
    ConfigError : two policies, no shadows, decide for one product at one location; names them and some of the items.
    """
    if counts.get((), 0):
        context.say(f"  ! {counts[()]:,} items are in the scope of no active policy: nothing is ordered for them")
    deciding = [row for row in rows if not row.is_shadow]
    names = {row.id for row in deciding}
    has_sources = any(row.scope.source_id is not None for row in deciding)
    if not has_sources and not any(len(names.intersection(ids)) > 1 for ids in counts):
        return
    # two policies may share a product at a location without sharing a source of it
    of_place = item_state.groupBy("location_id", "product_id").agg(
        F.array_sort(F.array_distinct(F.flatten(F.collect_list(policies_of(deciding))))).alias("policies")
    )
    meeting = (
        of_place.where(F.size("policies") > 1)
        .groupBy("policies")
        .agg(
            F.count(F.lit(1)).alias("n"),
            F.slice(F.array_sort(F.collect_list(F.concat_ws(" x ", "location_id", "product_id"))), 1, EXAMPLES).alias(
                "examples"
            ),
        )
        .orderBy(F.desc("n"), "policies")
        .collect()
    )
    if meeting:
        raise ConfigError(
            "an item is ordered by one policy only, and in policies.yaml the scopes of some meet; nothing was ordered:",
            [_told(one["policies"], one["n"], one["examples"]) for one in meeting],
        )


def policies_of(rows: Sequence[PolicyRow]) -> Column:
    """The ids of the policies in whose scopes an item is."""
    if not rows:
        return F.array().cast("array<string>")
    return F.array_compact(F.array(*(F.when(in_scope(row.scope), F.lit(row.id)) for row in rows)))


def _told(ids: Sequence[str], n: int, examples: Sequence[str]) -> str:
    shown = ", ".join(examples) + (" ..." if n > len(examples) else "")
    return (
        f"{' and '.join(ids)} decide for the same {n:,} location x product{'' if n == 1 else 's'} ({shown}): take them "
        "out of one `scope`, or set one policy to `active: shadow`, which only compares, or to `active: false`"
    )
