"""One line of each of the fourteen files, for whoever brings own data: copy, replace the line, run."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

from invopt.tables.dataset import Dataset
from invopt.tables.datasets import DATASETS

NOTES = "README.txt"
# dataset -> the values of its line, by standard header; columns that are not here are written empty
_LINES: dict[str, dict[str, str]] = {
    "stores": {"StoreName": "Main street"},
    "store_storage": {"StorageID": "1", "StorageName": "Back room", "StorageVolume": "100", "StorageCostBudget": "-1"},
    "store_departments": {"DepartmentID": "1", "DepartmentName": "Groceries"},
    "brands": {"BrandID": "1", "BrandName": "Brand"},
    "brands_products": {"BrandID": "1", "ProductName": "Coffee", "MSRP": "8.99", "ProductVolume": "0.01"},
    "store_department_brand_products": {"DepartmentID": "1", "BrandID": "1", "MSRP": "8.99", "DisposalCost": "0"},
    "store_product_storage": {
        "StorageID": "1",
        "StorageCost": "0.01",
        "MissedSaleCost": "3",
        "MinInventorySize": "-1",
        "MaxInventorySize": "-1",
    },
    "calendar": {"StoreID": "", "SupplierID": "", "IsClosed": "False", "IsHoliday": "True", "Name": "Holiday"},
    "suppliers": {
        "SupplierName": "Roaster",
        "ShippingCost": "20",
        "MinShippingVolume": "-1",
        "MaxShippingVolume": "-1",
        "FixedOrderSize": "-1",
        "PurchaseCostBudget": "-1",
    },
    "store_product_supplier": {
        "LeadTime": "2",
        "LeadTimeConfidenceInterval": "0",
        "MinOrderQuantity": "-1",
        "MaxOrderQuantity": "-1",
        "QuantityMultiplier": "6",
        "Cost": "5",
        "BackorderCost": "1",
        "ShippingCost": "0",
        "PurchaseCostBudget": "-1",
        "ShipmentFreq": "1 days",
        "ServiceLevel": "0.95",
    },
    "demand_forecasts": {
        "Demand": "4",
        "PredictedDemandDistribution": "Poisson",
        "PredictedDemandVariance": "-1",
        "PredictedDemandProbability": "1",
    },
    "sales": {"Units": "3", "Price": "8.99"},
    "inventory": {"Units": "10"},
    "orders": {"InventoryPolicyName": "erp", "Quantity": "12", "ConfidenceInterval": "0", "Fulfilled": "False"},
}
_IDS = {"StoreID": "S1", "ProductID": "P1", "SupplierID": "V1"}
# a forecast has a line per day; a policy sees this many of them unless the configuration says otherwise
DAYS = 28


def write_template(folder: Path, day: date) -> list[Path]:
    """Writes the fourteen files with one line each, the forecast with one per day, and what each file is for.

    day : the day of the stock count and of the first forecast; the files then give one order of that day

    Raises
    ------
    FileExistsError : one of the files is there already; nothing is written.
    """
    names = {dataset.name: folder / _name(dataset, day) for dataset in DATASETS}
    there = [path for path in (*names.values(), folder / NOTES) if path.exists()]
    if there:
        raise FileExistsError(", ".join(map(str, there)))
    for dataset in DATASETS:
        path = names[dataset.name]
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = [field for field in dataset.fields if field.header != "ForecastDateTime"]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([field.header for field in fields])
            n_lines = DAYS if dataset.name == "demand_forecasts" else 1
            for number in range(n_lines):
                values = _IDS | _LINES[dataset.name] | _dates(dataset, day, number)
                writer.writerow([values.get(field.header, "") for field in fields])
    (folder / NOTES).write_text(_notes(names, folder), encoding="utf-8")
    return [*names.values(), folder / NOTES]


def _name(dataset: Dataset, day: date) -> str:
    stamp = f"{day:%Y_%m_%d}_00_00_00"
    special = {
        "demand_forecasts": f"rawdata/demand_forecasts/S1/P1/{day:%Y-%m-%d}_00_00_00.csv",
        "sales": f"rawdata/sales_storeS1_{stamp}.csv",
        "inventory": f"rawdata/inv_storeS1_{stamp}.csv",
        "orders": "orders/erp/orders_1.csv",
    }
    return special.get(dataset.name, f"publicparameters/{dataset.name}.csv")


def _dates(dataset: Dataset, day: date, number: int) -> dict[str, str]:
    return {
        "demand_forecasts": {"DateTime": str(day + timedelta(days=number))},
        "calendar": {"Date": str(day + timedelta(days=21))},
        "sales": {"TransactionDateTime": str(day - timedelta(days=1))},
        "inventory": {"InventoryDateTime": str(day)},
        "orders": {"OrderTimestamp": str(day - timedelta(days=1)), "ETA": str(day + timedelta(days=1))},
    }.get(dataset.name, {})


def _notes(names: dict[str, Path], folder: Path) -> str:
    """What each file is for, which columns it must have, and which may be left out."""
    lines = [
        "The files that invopt reads, with one line each. Replace the lines by your own; a column that may be left out",
        "may also stay empty. A later file of publicparameters (stores_2026-03-01.csv) holds all rows again: what it",
        "does not name has ended, unless `mapping: {stores: {delivery: delta}}` says that files hold changes.",
        "Which policy decides for which products stands in conf/policies.yaml: the scopes there are those of the demo.",
        "",
    ]
    for is_needed in (True, False):
        lines.append("NEEDED: without a file of each nothing is ordered" if is_needed else "OPTIONAL")
        for dataset in DATASETS:
            if dataset.is_needed == is_needed:
                must = [field.header for field in dataset.fields if field.is_required and not field.may_lack]
                may = [field.header for field in dataset.fields if not field.is_required or field.may_lack]
                lines.append(f"  {names[dataset.name].relative_to(folder)}: {dataset.meaning}")
                lines.append(
                    f"      columns: {', '.join(must)}" + (f"; may be left out: {', '.join(may)}" if may else "")
                )
        lines.append("")
    lines.append("Units and meanings of all columns: invopt tables")
    return "\n".join(lines) + "\n"
