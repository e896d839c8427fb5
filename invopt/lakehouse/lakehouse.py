"""The tables of a lakehouse, read without Spark."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

import pandas as pd
from pydantic import ValidationError

from invopt import lake
from invopt.config import LakehouseConfig
from invopt.errors import ParameterError, TableError
from invopt.lakehouse.explanation import Explanation
from invopt.lakehouse.unfolded import unfolded
from invopt.run import as_of_of
from invopt.tables import ORDER_REVIEWS, ORDERS, RUNS, SOLUTIONS, STEPS, Table, every_table, silver
from invopt.tables.columns import ITEM
from invopt.tables.datasets import BY_NAME

_ITEM_OF_POLICY = ("policy_id", "location_id", "product_id")
_SHOWN = 10


class Lakehouse:
    """The tables below a folder or URI.

    Parameters
    ----------
    place : the lakehouse's folder, or a URI such as s3://bucket/retail

    Raises
    ------
    TableError : there is no table of invopt below it.
    ParameterError : the URI is not one that can be read.
    """

    def __init__(self, place: str | os.PathLike[str]):
        try:
            self._config = LakehouseConfig(root=os.fspath(place))
        except ValidationError as error:
            reasons = "; ".join(problem["msg"].removeprefix("Value error, ") for problem in error.errors())
            raise ParameterError(f"lakehouse: {reasons}") from None
        if not self._tables():
            raise TableError(_no_lakehouse(str(self._config.root)))

    def __repr__(self) -> str:
        return f"Lakehouse({self._config.root!r})"

    def orders(self) -> pd.DataFrame:
        """All order lines of all runs, the oldest first: `invopt tables gold.orders` lists the columns.

        A line with status `cancelled` is wanted no more.
        """
        by_day = ["ordered_at", *(name for name in ITEM)]
        return self._read(ORDERS).sort_values(by_day, kind="stable", ignore_index=True)

    def sales(self) -> pd.DataFrame:
        """Units sold, one row per location, product, day and price.

        Returns
        -------
        location_id, product_id, date, quantity (units), unit_price (money/unit); returned goods are negative units,
        and units that were spoilt are in silver.spoilage
        """
        columns = ("location_id", "product_id", "sold_at", "units", "unit_price")
        rows = self._read(silver(BY_NAME["sales"]), columns=columns)
        rows["date"] = rows["sold_at"].dt.tz_convert("UTC").dt.tz_localize(None).dt.normalize()
        keys = ["location_id", "product_id", "date", "unit_price"]
        sold = rows.groupby(keys, as_index=False, dropna=False)["units"].sum().rename(columns={"units": "quantity"})
        return sold[["location_id", "product_id", "date", "quantity", "unit_price"]]

    def solutions(self, run: str | None = None) -> pd.DataFrame:
        """The decisions of every item, one row per item and policy: see `unfolded`.

        Without `run`: for each active policy of the newest run, the newest run that has solved all its items. A policy
        with a schedule may have been solved days ago; `run_id` says when.

        Raises
        ------
        TableError : nothing is solved yet.
        ParameterError : there is no such run.
        """
        if run is not None:
            self._check_run(run)
            return unfolded(self._read(SOLUTIONS, {"run_id": run}))
        active, solved_by = self._solved_by()
        if not solved_by:
            raise TableError(
                f"{self._config.root} holds no solutions of its active policies, {', '.join(active)}, yet; "
                "`invopt run` makes them"
            )
        parts = [self._read(SOLUTIONS, {"run_id": run_id}) for run_id in sorted(set(solved_by.values()))]
        rows = pd.concat(parts, ignore_index=True)
        return unfolded(rows[rows["run_id"] == rows["policy_id"].map(solved_by)])

    def explain(
        self, *, policy: str, location: str, product: str, source: str | None = None, run: str | None = None
    ) -> Explanation:
        """Why an item has its quantity, at its newest review or that of a run.

        source : needed only where the policy orders the product from several

        Raises
        ------
        ParameterError : a value is unknown, or the policy has not reviewed the item; names those there are.
        """
        if run is not None:
            self._check_run(run)
        wanted = dict(zip(_ITEM_OF_POLICY, map(str, (policy, location, product)), strict=True))
        if run is not None:
            wanted["run_id"] = run
        reviews = self._read(ORDER_REVIEWS, wanted)
        if reviews.empty:
            raise ParameterError(self._not_reviewed(wanted))
        sources = list(dict.fromkeys(reviews["source_id"]))
        if source is None and len(sources) > 1:
            raise ParameterError(
                f"source: product {product} comes to location {location} from {_listed(sources)}; name one of them"
            )
        if source is not None and str(source) not in sources:
            raise ParameterError(f"source: {source!r} is not reviewed; there are {_listed(sources)}")
        of_source = reviews[reviews["source_id"] == (sources[0] if source is None else str(source))]
        review = of_source.loc[_newest(of_source["run_id"], self._runs())]
        return Explanation(review, self._solution_of(review))

    # ---------------------------------------------------------------------------------------------- what they read

    def _tables(self) -> list[str]:
        return [table.name for table in every_table() if lake.is_there(self._config, table)]

    def _read(
        self, table: Table, where: Mapping[str, str] | None = None, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        if not lake.is_there(self._config, table):
            there = ", ".join(self._tables())
            raise TableError(
                f"{table.name} is not made yet in {self._config.root}; there are {there}; `invopt run` makes all"
            )
        return lake.read(self._config, table, where, columns)

    def _runs(self) -> pd.DataFrame:
        return self._read(RUNS).sort_values(["as_of", "started_at"], ignore_index=True)

    def _check_run(self, run: str) -> None:
        runs = list(self._runs()["run_id"])[::-1]
        if run not in runs:
            raise ParameterError(f"run: there is no {run!r}; there are {_listed(runs)}")

    def _solved_by(self) -> tuple[list[str], dict[str, str]]:
        """The active policies of the newest run, and of each the newest run that has solved all its items."""
        runs = self._runs()
        if runs.empty:
            raise TableError(f"{RUNS.name} in {self._config.root} has no run; `invopt run` makes one")
        steps = self._read(STEPS).sort_values("done_at", kind="stable")
        active = [row["id"] for row in json.loads(runs["config"].iloc[-1])["policies"] if row["active"]]
        steps = steps.drop_duplicates(list(STEPS.keys), keep="last")
        steps = steps[steps["step"].isin(("inputs", "solve")) & steps["policy_id"].isin(active)]
        rows = steps.pivot_table(index=["run_id", "policy_id"], columns="step", values="rows", aggfunc="sum")
        rows = rows.reindex(columns=["inputs", "solve"])
        # a run that was stopped between its waves has solved only a part
        complete = set(rows.index[rows["inputs"] == rows["solve"]])
        return active, {policy: run for run in runs["run_id"] for policy in active if (run, policy) in complete}

    def _solution_of(self, review: pd.Series) -> pd.Series | None:
        """The item's solution of the review's run, else the newest one before it."""
        item = {name: review[name] for name in ("policy_id", *ITEM)}
        solutions = self._read(SOLUTIONS, item)
        moments = solutions["run_id"].map(as_of_of)
        solutions = solutions[(moments < as_of_of(review["run_id"])) | (solutions["run_id"] == review["run_id"])]
        if solutions.empty:
            return None
        newest = _newest(solutions["run_id"], self._runs())
        return unfolded(solutions.loc[[newest]]).iloc[0]

    def _not_reviewed(self, wanted: Mapping[str, str]) -> str:
        """What is wrong with values of which there is no review, in a sentence."""
        reviewed = self._read(ORDER_REVIEWS, columns=[*wanted]).drop_duplicates()
        unknown = [
            f"{name.removesuffix('_id')} {value!r} is in no row of {ORDER_REVIEWS.name}; there are "
            f"{_listed(sorted(set(reviewed[name])))}"
            for name, value in wanted.items()
            if value not in set(reviewed[name])
        ]
        if unknown:
            return "; ".join(unknown)
        place = {name: wanted[name] for name in _ITEM_OF_POLICY[1:]}
        alike = reviewed[(reviewed[list(place)] == pd.Series(place)).all(axis=1)]
        others = _listed(sorted(set(alike["policy_id"]))) if len(alike) else "none"
        of_run = f" in run {wanted['run_id']}" if "run_id" in wanted else ""
        return (
            f"policy {wanted['policy_id']} has not reviewed product {place['product_id']} at location "
            f"{place['location_id']}{of_run}; policies that have at any time: {others}"
        )


def _newest(run_ids: pd.Series, runs: pd.DataFrame) -> object:
    """The label of the row whose run is the last one among the runs."""
    order = {run_id: n for n, run_id in enumerate(runs["run_id"])}
    return run_ids.map(order).fillna(-1).idxmax()


def _listed(values: Sequence[str]) -> str:
    """Names in a sentence, the first ones where they are many.

    >>> _listed(["1", "2"]), _listed([str(n) for n in range(12)])
    ('1, 2', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more')
    """
    more = f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else ""
    return ", ".join(values[:_SHOWN]) + more


def _no_lakehouse(root: str) -> str:
    if "://" not in root and not os.path.isdir(root):
        return f"there is no folder {root}; give the folder that `invopt run --lakehouse` writes"
    inside = os.path.join(root, "lakehouse")
    if "://" not in root and os.path.isdir(inside):
        return f"{root} is no lakehouse, as it holds no table of invopt; did you mean {inside}?"
    return f"{root} is no lakehouse, as it holds no table of invopt; `invopt run` makes them"
