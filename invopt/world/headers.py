"""The headers of the landing zone's files: the column names of the technical guide's own sample data.

The guide's text and its sample disagree in places. The sample is followed there, because a feed looks like it:
`ExpiryDateTime`, `AvgHouseholdIncome`, `ShipmentFreq`, `PolicyName`, and a purchase budget beside each item.
`PriceBreaks` is invopt's own.
"""

HEADERS = {
    "stores": ("StoreID", "StoreName", "AvgHouseholdIncome", "AvgTraffic"),
    "store_storage": ("StoreID", "StorageID", "StorageName", "StorageVolume", "StorageCostBudget"),
    "store_departments": ("StoreID", "DepartmentID", "DepartmentName"),
    "brands": ("BrandID", "BrandName"),
    "brands_products": ("BrandID", "ProductID", "ProductName", "MSRP", "ProductVolume", "ShelfLife"),
    "store_department_brand_products": ("StoreID", "DepartmentID", "BrandID", "ProductID", "MSRP", "DisposalCost"),
    "store_product_storage": (
        "StoreID",
        "StorageID",
        "ProductID",
        "StorageCost",
        "MissedSaleCost",
        "MinInventorySize",
        "MaxInventorySize",
    ),
    "suppliers": (
        "SupplierID",
        "SupplierName",
        "ShippingCost",
        "MinShippingVolume",
        "MaxShippingVolume",
        "FixedOrderSize",
        "PurchaseCostBudget",
    ),
    "store_product_supplier": (
        "StoreID",
        "SupplierID",
        "ProductID",
        "LeadTime",
        "LeadTimeConfidenceInterval",
        "MinOrderQuantity",
        "MaxOrderQuantity",
        "QuantityMultiplier",
        "Cost",
        "BackorderCost",
        "ShippingCost",
        "PurchaseCostBudget",
        "ShipmentFreq",
        "ServiceLevel",
        "PriceBreaks",
    ),
    "demand_forecasts": (
        "StoreID",
        "ProductID",
        "DateTime",
        "Demand",
        "PredictedDemandDistribution",
        "PredictedDemandVariance",
        "PredictedDemandProbability",
    ),
    "sales": ("StoreID", "ProductID", "TransactionDateTime", "Units", "Price"),
    "inventory": ("StoreID", "ProductID", "InventoryDateTime", "Units", "ExpiryDateTime"),
    "orders": (
        "PolicyName",
        "StoreID",
        "ProductID",
        "SupplierID",
        "Quantity",
        "OrderTimestamp",
        "ETA",
        "ConfidenceInterval",
        "Fulfilled",
    ),
}
STATIC = tuple(HEADERS)[:9]
