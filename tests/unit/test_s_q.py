"""The (s, Q) policy: what its cost counts, and the solutions of the Azure sample under their own cost.

`test_policy_suite.py` and `test_policy_edges.py` have what holds for every policy, `test_reorder_point.py` the search.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from invopt.policies.s_q import POLICY, SQParams
from tests.items import answer, frame, items_of
from tests.items.s_q import COSTS, poisson_item

DATA = Path(__file__).parents[3] / "shared" / "data"
AZURE = DATA / "azure" / "azure_sample.tar.gz"


def cost_of(cost: str = "daily_review", **changes) -> float:
    """What the best (s, Q) of an item costs, money/day."""
    return answer(POLICY, frame(POLICY, poisson_item(**changes)), cost=cost).cost[0]


def test_the_default_cost_covers_the_review_day():
    assert cost_of() == cost_of("time_weighted", lead_time=3.0) > cost_of("time_weighted")


def test_an_uncertain_lead_time_costs_more():
    assert cost_of(lead_time=4.0, lead_time_confidence=3.0) > 1.1 * cost_of(lead_time=4.0)


def test_a_poisson_given_by_its_probabilities_is_the_poisson():
    pmf = np.exp(-1.5) * np.cumprod(np.concatenate([[1.0], 1.5 / np.arange(1, 40)]))
    given = {"demand_distribution": "pmf", "demand_pmf": [pmf / pmf.sum()]}
    for cost in COSTS:
        assert cost_of(cost, **given) == pytest.approx(cost_of(cost), rel=1e-10)


def azure_items() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Inputs of every item x date of the sample that it has an (s, Q) solution of, and those solutions."""
    files = {}
    with tarfile.open(AZURE) as archive:
        for member in archive:
            path = member.name.removeprefix("./")
            if path.endswith(".csv") and (
                "demand_forecasts/" in path or "output_csv/sQ/" in path or "publicparameters/" in path
            ):
                files[path] = archive.extractfile(member).read().decode()

    def table(name: str) -> pd.DataFrame:
        # their product ids, such as 1_1, would be read as the number 11
        text = next(text for path, text in files.items() if path.endswith(f"publicparameters/{name}.csv"))
        return pd.read_csv(io.StringIO(text), dtype=str)

    supplier = table("store_product_supplier").set_index(["StoreID", "ProductID"])
    storage = table("store_product_storage").set_index(["StoreID", "ProductID"])
    shipping = table("suppliers").set_index("SupplierID")["ShippingCost"].astype(float)
    items, solutions = [], []
    for path, text in files.items():
        if "output_csv/sQ/" not in path:
            continue
        store, product, name = path.split("/")[-3:]
        day = name.removeprefix("s_Q_").removesuffix(".csv")
        forecast_name = f"demand_forecasts/{store}/{product}/{day[:4]}-{day[4:6]}-{day[6:8]}_00_00_00.csv"
        forecast = next((text for other, text in files.items() if other.endswith(forecast_name)), None)
        solution = dict(line.split(",") for line in text.split())
        if forecast is None or set(solution) != {"s", "Q"}:
            continue
        row = supplier.loc[(store, product)]
        items.append(
            poisson_item(
                fixed_order_cost=shipping[row["SupplierID"]],
                holding_cost=float(storage.loc[(store, product), "StorageCost"]),
                backorder_cost=float(row["BackorderCost"]),
                lead_time=float(row["LeadTime"]),
                lead_time_confidence=float(row["LeadTimeConfidenceInterval"]),
                demand_mean=pd.read_csv(io.StringIO(forecast))["Demand"].to_numpy(float),
            )
        )
        s, quantity = round(float(solution["s"])), max(round(float(solution["Q"])), 1)
        solutions.append({"REORDER_POINT": s, "ORDER_QUANTITY": quantity})
    return frame(POLICY, *items), pd.DataFrame(solutions)


@pytest.mark.skipif(not AZURE.is_file(), reason="the Azure sample is not on this machine")
def test_never_dearer_than_the_sample_solutions_under_their_own_cost():
    items, theirs = azure_items()
    assert len(items) > 100
    # their model knew one lead time, so the comparison is made both with and without its confidence interval
    for spread in (0.0, 1.0):
        compared = items.assign(lead_time_confidence=items["lead_time_confidence"] * spread)
        found = answer(POLICY, compared, cost="guide")
        assert found.is_solved.all()
        their_cost = POLICY.cost(items_of(POLICY, compared), theirs, SQParams(cost="guide"))
        assert (found.cost <= their_cost * (1 + 1e-12) + 1e-9).all()
        if spread == 0:
            # the same data and the same cost: half of their solutions are within a fifth, or the inputs were read
            # wrongly
            assert np.median((their_cost - found.cost) / np.abs(found.cost)) < 0.2
