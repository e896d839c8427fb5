"""A retail chain from a seed, written as a landing zone: what the demo, the tests and the benchmarks ingest.

`chain.py` and `assortment.py` draw the chain, `history.py` its past, `forecasts.py` the forecasts made in that past.
`static_files.py` and `history_files.py` write them by `landing_writer.py`, with the columns of `headers.py`. `dirt.py`
plants the faults of real feeds.

Stores are drawn in chunks, each from its own stream of the seed, so that memory does not grow with the chain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np

from invopt.errors import ParameterError
from invopt.world import history_files, static_files
from invopt.world.assortment import make_assortment
from invopt.world.chain import Chain, make_chain
from invopt.world.dirt import add_dirt
from invopt.world.forecasts import draw_bias, forecast_rows
from invopt.world.history import simulate
from invopt.world.landing_writer import LandingWriter

Form = Literal["auto", "guide", "daily"]
END = date(2026, 5, 31)
# above this many store x product pairs, a file per store x product is too many files
GUIDE_MAX_PAIRS = 2_000
PAIRS_PER_CHUNK = 100_000
# guide form: forecasts made on the last day and every week before it
FORECAST_EVERY_DAYS = 7
# daily form: inventory of the last days only
INVENTORY_DAYS = 3


@dataclass(frozen=True)
class WorldSummary:
    """The size of a written world, and how to run on it.

    as_of : the `as_of` of a run: midnight after the last day of history
    rows : lines or rows per dataset, as they lie in the files
    planted : with dirt, the number of faults of each kind (see `dirt.py`); a pipeline must reject exactly
        `rejected_rows` rows
    """

    folder: Path
    as_of: datetime
    form: str
    n_files: int
    rows: Mapping[str, int]
    n_bytes: int
    seconds: float
    planted: Mapping[str, int] = field(default_factory=dict)


def write_world(
    folder: Path,
    *,
    n_stores: int,
    n_products: int,
    n_days: int,
    seed: int,
    end: date = END,
    form: Form = "auto",
    dirt: bool = False,
    progress: Callable[[str], None] | None = None,
) -> WorldSummary:
    """Write a chain's landing zone: `publicparameters/`, `rawdata/`, `orders/`. Same arguments, same bytes.

    Parameters
    ----------
    folder : a new or an empty folder
    n_stores, n_products, n_days : >= 1; every store sells every product; the last day of history is `end`
    seed : >= 0
    form : `guide` (a file per store and day, a row per transaction), `daily` (a Parquet file per day), or `auto` by
        size
    dirt : plant the faults of real feeds; guide form with at least 2 stores and 2 days
    progress : is called with a line for each chunk of stores

    Raises
    ------
    ParameterError : an argument is out of its domain, or the folder already holds something.
    """
    started = time.perf_counter()
    folder = Path(folder)
    form = _checked_form(folder, n_stores, n_products, n_days, seed, form, dirt)
    chain = make_chain(n_stores, n_products, np.random.default_rng([seed, 0]))
    first_day = end - timedelta(days=n_days - 1)
    chunk = max(1, PAIRS_PER_CHUNK // n_products)
    with LandingWriter(folder) as landing:
        static_files.write_chain(landing, chain)
        for start in range(0, n_stores, chunk):
            stores = np.arange(start, min(start + chunk, n_stores))
            _write_stores(landing, chain, stores, form, first_day, n_days, np.random.default_rng([seed, 1, start]))
            if progress is not None:
                seconds = time.perf_counter() - started
                progress(
                    f"{stores[-1] + 1:,} of {n_stores:,} stores, {sum(landing.rows.values()):,} rows, {seconds:.1f} s"
                )
    planted = add_dirt(folder, chain, end) if dirt else None
    files = [path for path in folder.rglob("*") if path.is_file()]
    rows = dict(landing.rows)
    for dataset, n_rows in planted.more_rows.items() if planted else ():
        rows[dataset] += n_rows
    return WorldSummary(
        folder=folder,
        as_of=datetime.combine(end + timedelta(days=1), datetime.min.time()),
        form=form,
        n_files=len(files),
        rows=rows,
        n_bytes=sum(path.stat().st_size for path in files),
        seconds=time.perf_counter() - started,
        planted=planted.counts if planted else {},
    )


def _write_stores(
    landing: LandingWriter,
    chain: Chain,
    stores: np.ndarray,
    form: str,
    first_day: date,
    n_days: int,
    rng: np.random.Generator,
) -> None:
    """Draw these stores' items, history and forecasts, and write them."""
    items = make_assortment(chain, stores, rng)
    static_files.append_assortment(landing, chain, items)
    lot_days = range(n_days) if form == "guide" else range(max(0, n_days - INVENTORY_DAYS), n_days)
    history = simulate(chain, items, n_days=n_days, first_weekday=first_day.weekday(), rng=rng, lot_days=lot_days)
    history_files.write_orders_of_stores(landing, chain, items, history.orders, first_day, n_days)
    if form == "guide":
        history_files.write_sales_of_stores(landing, chain, items, history, first_day, rng)
        history_files.write_inventory_of_stores(landing, chain, items, history, first_day)
    else:
        history_files.append_sales(landing, chain, items, history, first_day)
        history_files.append_inventory(landing, chain, items, history, first_day)
    del history
    bias = draw_bias(items, rng)
    earlier = range(n_days % FORECAST_EVERY_DAYS, n_days, FORECAST_EVERY_DAYS) if form == "guide" else ()
    for day in (*earlier, n_days):
        made = first_day + timedelta(days=day)
        rows = forecast_rows(chain, items, bias, first_weekday=made.weekday(), rng=rng)
        write = history_files.write_forecasts_of_items if form == "guide" else history_files.append_forecasts
        write(landing, chain, items, rows, made)


def _checked_form(folder: Path, n_stores: int, n_products: int, n_days: int, seed: int, form: str, dirt: bool) -> str:
    for name, value, least in (
        ("n_stores", n_stores, 1),
        ("n_products", n_products, 1),
        ("n_days", n_days, 1),
        ("seed", seed, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ParameterError(f"{name} is {value!r}: give a whole number of at least {least}")
    if form not in ("auto", "guide", "daily"):
        raise ParameterError(f"form is {form!r}: give 'auto', 'guide' or 'daily'")
    if form == "auto":
        form = "guide" if n_stores * n_products <= GUIDE_MAX_PAIRS else "daily"
    if dirt and (form != "guide" or n_stores < 2 or n_days < 2):
        raise ParameterError(
            f"dirt needs the guide form with at least 2 stores and 2 days, got form {form!r}, n_stores {n_stores}, "
            f"n_days {n_days}: change the size or leave dirt out"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ParameterError(
            f"folder {folder} is not empty: two worlds in one folder would mix; give a new folder or empty it first"
        )
    return form
