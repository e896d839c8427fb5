"""From a forecast in long form, a row per item and period, to the series of demand of each item."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd

from invopt.front_door.cells import CellError, of_frame
from invopt.front_door.values import of_objects, typed
from invopt.tables.columns import ITEM, Column

_MEAN = Column("mean", "double", "units/day", "mean demand of the period")
_STD = Column("std", "double", "units/day", "its standard deviation")
_VARIANCE = Column("variance", "double", "units^2/day", "its variance")
_KEYS = {name: Column(name, "string", "", "") for name in ITEM}
_WANTED = "location_id, product_id, date or period, mean and, where it is known, std or variance"


class Series(NamedTuple):
    """The demand of n items.

    columns : demand_mean and, where the forecast has it, demand_std or demand_variance
    blocked : row of an item -> why its forecast can't be used
    """

    columns: dict[str, pd.Series]
    blocked: dict[int, str]


def series_of(forecast: pd.DataFrame, keys: pd.DataFrame, given: list[str]) -> tuple[Series | None, list[str]]:
    """The series of every item, and what is wrong with the frame as a whole.

    Items are matched by the keys that the forecast has; rows of other items are not read. An item without rows, with
    a gap between its periods, or whose periods begin later or end earlier than the others', is blocked.

    keys : the three keys of each item, as texts
    given : the keys that are the user's own, not made up
    """
    texts, by = _wrong_names(forecast, len(keys), given)
    if texts:
        return None, texts
    table = {}
    for column in (_MEAN, _STD, _VARIANCE, *(_KEYS[name] for name in by)):
        if column.name in forecast:
            try:
                table[column.name] = typed(of_frame(forecast[column.name], column), column)
            except CellError as error:
                texts.append(f"forecast: {column.name} {error}")
    try:
        table["at"] = _places(forecast)
    except (ValueError, TypeError) as error:
        texts.append(f"forecast: {error}")
    if texts:
        return None, texts
    rows = pd.DataFrame(table).sort_values("at", kind="stable")
    if by:
        asked = pd.MultiIndex.from_frame(keys[by])
        rows = rows[pd.MultiIndex.from_frame(rows[by]).isin(asked)]
    is_twice = rows.duplicated([*by, "at"])
    if is_twice.any():
        row = int(is_twice.idxmax())
        item = ", ".join(f"{name} {rows.at[row, name]}" for name in by)
        return None, [f"forecast: row {row} is a second one of {item or 'the item'} for the same period"]
    return _by_item(rows, by, keys, "days" if "date" in forecast else "periods"), []


def _wrong_names(forecast: pd.DataFrame, n_items: int, given: list[str]) -> tuple[list[str], list[str]]:
    """What is wrong with the names of the columns; and the keys to match by."""
    if not isinstance(forecast, pd.DataFrame):
        return [f"forecast: must be a DataFrame with {_WANTED}; found {type(forecast).__name__}"], []
    texts = []
    if twice := [str(name) for name in forecast.columns[forecast.columns.duplicated()]]:
        texts.append(f"forecast: column {twice[0]} is there twice")
    if "mean" not in forecast:
        texts.append(f"forecast: column mean is missing; it needs {_WANTED}, and has {_names(forecast)}")
    if ("date" in forecast) == ("period" in forecast):
        texts.append(f"forecast: give date or period, one of them; it has {_names(forecast)}")
    if "std" in forecast and "variance" in forecast:
        texts.append("forecast: std and variance are both given; leave one of them out")
    by = [name for name in ITEM if name in forecast]
    texts += [f"forecast: has {name}, but the items have none; give theirs too" for name in by if name not in given]
    if not by and n_items > 1:
        texts.append(f"forecast: has no location_id and no product_id, but there are {n_items} items")
    return texts, by


def _names(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns)) or "no column"


def _places(forecast: pd.DataFrame) -> np.ndarray:
    """The place of each row in time as a whole number: of its day, or its period."""
    if "date" in forecast:
        if pd.api.types.is_numeric_dtype(forecast["date"]):
            raise ValueError("date holds numbers; name the column period")
        try:
            with warnings.catch_warnings(action="ignore", category=FutureWarning):
                days = pd.to_datetime(forecast["date"], format="ISO8601")
        except (ValueError, TypeError) as error:
            raise ValueError(f"date must be days such as 2026-01-31: {str(error).partition(', at')[0]:.120}") from None
        if not pd.api.types.is_datetime64_any_dtype(days):
            raise ValueError("date has times of several time zones or offsets; give days such as 2026-01-31")
        if days.isna().any():
            raise ValueError(f"date is empty in row {int(days.isna().to_numpy().argmax())}")
        return days.dt.tz_localize(None).dt.normalize().to_numpy().astype("datetime64[D]").astype(np.int64)
    periods = pd.to_numeric(forecast["period"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    is_wrong = ~(np.isfinite(periods) & (periods == np.round(periods)))
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise ValueError(f"period is {forecast['period'].iloc[row]} in row {row}, must be a whole number")
    return periods.astype(np.int64)


def _by_item(rows: pd.DataFrame, by: list[str], keys: pd.DataFrame, unit: str) -> Series:
    groups = {(): rows} if not by else {key: group for key, group in rows.groupby(by, sort=False)}
    first, last = (rows["at"].min(), rows["at"].max()) if len(rows) else (0, 0)
    spread = next((name for name in ("std", "variance") if name in rows), None)
    blocked: dict[int, str] = {}
    means, spreads = ([None] * len(keys) for _ in range(2))
    item_keys = list(zip(*(keys[name] for name in by), strict=True)) if by else [()] * len(keys)
    for row, key in enumerate(item_keys):
        group = groups.get(key)
        if group is None or group.empty:
            named = ", ".join(f"{name} {value}" for name, value in zip(by, key, strict=True))
            blocked[row] = f"the forecast has no row for {named or 'it'}"
            continue
        at = group["at"].to_numpy()
        steps = np.diff(at)
        if at[0] != first:
            blocked[row] = f"its forecast begins {at[0] - first} {unit} after the others'"
        elif at[-1] != last:
            blocked[row] = f"its forecast ends {last - at[-1]} {unit} before the others'"
        elif (steps != 1).any():
            gap = int((steps != 1).argmax())
            blocked[row] = f"its forecast has no {unit[:-1]} {_place(at[gap] + 1, unit)}, but later ones" + (
                "; number the rows in a column period where a period is not a day" if unit == "days" else ""
            )
        means[row] = group["mean"].to_numpy()
        spreads[row] = group[spread].to_numpy() if spread else None
    columns = {"demand_mean": of_objects(means)}
    if spread:
        columns[f"demand_{spread}"] = of_objects(spreads)
    return Series(columns, blocked)


def _place(at: int, unit: str) -> str:
    return str(np.datetime64(int(at), "D")) if unit == "days" else str(at)
