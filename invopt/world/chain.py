"""The demo chain: its stores, products and suppliers, before anything happens.

The demand of a product in a typical store is lognormal over the products, from slow movers of 0.05 a day to fast movers
of 60. A store multiplies it by its size. A product is forecast in one form, and its true demand has the matching law:

    poisson        Poisson(mu)                                    forecast: mean, variance = mean
    normal         negative binomial, variance = dispersion x mu  forecast: mean and variance
    pmf            0 with chance `zero_share`, else Poisson       forecast: every point with its probability
    deterministic  Poisson(mu)                                    forecast: the mean alone

The facts of one product in one store (costs, lead time, rules) are in `assortment.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

POISSON, NORMAL, PMF, DETERMINISTIC = range(4)

DEPARTMENTS = ("Fresh and bakery", "Dairy and chilled", "Pantry", "Household")
STORAGES = ("Fresh counter", "Refrigerators", "Pantry shelves", "Back room")
# the shelf lives of each department: (text of the file, days); empty text and 0 days for products that keep
SHELF_LIVES = (
    (("3 days", 3), ("5 days", 5), ("1 week", 7)),
    (("10 days", 10), ("2 weeks", 14), ("2 months", 60)),
    (("", 0),),
    (("", 0),),
)
GOODS = (
    (
        "White Bread",
        "Rye Bread",
        "Bananas",
        "Tomatoes",
        "Lettuce",
        "Strawberries",
        "Bagels",
        "Spinach",
        "Mushrooms",
        "Croissants",
    ),
    (
        "Whole Milk",
        "Plain Yogurt",
        "Butter",
        "Cheddar",
        "Cream",
        "Eggs",
        "Tofu",
        "Hummus",
        "Cottage Cheese",
        "Orange Juice",
    ),
    (
        "Rice",
        "Spaghetti",
        "Flour",
        "Sugar",
        "Black Beans",
        "Olive Oil",
        "Ground Coffee",
        "Oats",
        "Tomato Sauce",
        "Green Tea",
    ),
    (
        "Paper Towels",
        "Dish Soap",
        "Light Bulbs",
        "Sponges",
        "Batteries",
        "Trash Bags",
        "Candles",
        "Laundry Powder",
        "Foil",
        "Napkins",
    ),
)
BRAND_WORDS = (
    "Hill",
    "River",
    "Meadow",
    "Oak",
    "Harbor",
    "Sunny",
    "Stone",
    "Maple",
    "Valley",
    "Lake",
    "Pine",
    "Garden",
)
STORE_WORDS = (
    "Market Square",
    "Station",
    "Riverside",
    "Old Town",
    "North Gate",
    "Parkway",
    "Harbor",
    "Hilltop",
    "Mill Lane",
    "West End",
)
SUPPLIERS = ("Fresh Fields Supply", "Dairy Route", "Central Grocers", "Home Goods Depot", "Long Haul Wholesale")
PRODUCTS_PER_BRAND = 5
# Monday..Sunday, mean 1, one row per department: fresh food is bought for the weekend, household goods on it
WEEKDAY_PATTERN = np.array(
    [
        [0.85, 0.85, 0.90, 0.95, 1.20, 1.30, 0.95],
        [0.95, 0.90, 0.95, 1.00, 1.10, 1.15, 0.95],
        [0.90, 0.90, 0.90, 0.95, 1.10, 1.25, 1.00],
        [0.85, 0.85, 0.90, 0.90, 1.05, 1.30, 1.15],
    ]
)


@dataclass(frozen=True)
class Stores:
    """(n_stores,) arrays: size multiplies a product's demand; income and traffic are in the files, and nobody uses
    them yet.
    """

    location_id: np.ndarray
    name: np.ndarray
    size: np.ndarray
    household_income: np.ndarray
    traffic: np.ndarray


@dataclass(frozen=True)
class Products:
    """(n_products,) arrays, as in a typical store; `shelf_life` in days, 0 for a product that keeps."""

    product_id: np.ndarray
    name: np.ndarray
    brand: np.ndarray
    department: np.ndarray
    demand_mean: np.ndarray
    unit_cost: np.ndarray
    markup: np.ndarray
    holding_rate: np.ndarray
    volume: np.ndarray
    shelf_life: np.ndarray
    shelf_life_text: np.ndarray
    forecast_form: np.ndarray
    dispersion: np.ndarray
    zero_share: np.ndarray
    supplier: np.ndarray


@dataclass(frozen=True)
class Suppliers:
    """(n_suppliers,) arrays; limits are per order, -1 for none; `review_period` is the least time between two orders,
    days.
    """

    source_id: np.ndarray
    name: np.ndarray
    fixed_order_cost: np.ndarray
    lead_time: np.ndarray
    review_period: np.ndarray
    min_volume: np.ndarray
    max_volume: np.ndarray
    purchase_budget: np.ndarray


@dataclass(frozen=True)
class Chain:
    """The chain: its stores, products and suppliers; the last deliveries of `held_up_supplier` are late."""

    stores: Stores
    products: Products
    suppliers: Suppliers
    brands: tuple[str, ...]
    held_up_supplier: int


def make_chain(n_stores: int, n_products: int, rng: np.random.Generator) -> Chain:
    """The chain of this size that this generator draws."""
    products = _products(n_products, rng)
    suppliers = _suppliers(products, rng)
    numbers = np.arange(1, n_stores + 1)
    size = np.clip(rng.lognormal(0.0, 0.3, n_stores), 0.4, 2.5)
    stores = Stores(
        location_id=numbers.astype(str),
        name=np.array([f"{STORE_WORDS[(n - 1) % len(STORE_WORDS)]} {n}" for n in numbers]),
        size=size,
        household_income=rng.uniform(40_000, 90_000, n_stores).round(2),
        traffic=(size * rng.uniform(900, 1_100, n_stores)).round(1),
    )
    n_brands = -(-n_products // PRODUCTS_PER_BRAND)
    brands = tuple(_brand_name(b) for b in range(n_brands))
    # the supplier of the most products, so that even a small chain has orders at it
    held_up = int(np.bincount(products.supplier, minlength=len(SUPPLIERS)).argmax())
    return Chain(stores, products, suppliers, brands, held_up)


def _brand_name(brand: int) -> str:
    """A name such as "Oak Brand", with a number once the words are used up: "Oak 2 Brand"."""
    word, round_of_words = BRAND_WORDS[brand % len(BRAND_WORDS)], brand // len(BRAND_WORDS)
    return f"{word} {round_of_words + 1} Brand" if round_of_words else f"{word} Brand"


def _products(n: int, rng: np.random.Generator) -> Products:
    numbers = np.arange(n)
    brand, index = numbers // PRODUCTS_PER_BRAND, numbers % PRODUCTS_PER_BRAND
    department = numbers % len(DEPARTMENTS)
    nth_of_department = numbers // len(DEPARTMENTS)
    shelf = [SHELF_LIVES[d][k % len(SHELF_LIVES[d])] for d, k in zip(department, nth_of_department, strict=True)]
    shelf_life = np.array([days for _, days in shelf])
    # evenly spread quantiles in a drawn order: a chain of 20 products has slow and fast movers too
    normal = NormalDist()
    quantiles = np.array([normal.inv_cdf((i + 0.5) / n) for i in range(n)])
    demand_mean = np.clip(1.2 * np.exp(1.5 * rng.permutation(quantiles)), 0.05, 60.0)
    # a product that does not sell a handful within its shelf life would not be in the assortment
    demand_mean = np.maximum(demand_mean, np.where(shelf_life > 0, 6.0 / np.maximum(shelf_life, 1), 0.0))
    form = _forecast_forms(demand_mean, rng)
    goods = [GOODS[d][k % len(GOODS[d])] for d, k in zip(department, nth_of_department, strict=True)]
    words = [BRAND_WORDS[b % len(BRAND_WORDS)] for b in brand]
    # fresh goods come from the first two suppliers, the others from the rest
    supplier = np.where(shelf_life > 0, rng.integers(0, 2, n), rng.integers(2, len(SUPPLIERS), n))
    return Products(
        product_id=np.array([f"{b + 1}_{i + 1}" for b, i in zip(brand, index, strict=True)]),
        name=np.array(
            [f"{word} {good} {b + 1}_{i + 1}" for word, good, b, i in zip(words, goods, brand, index, strict=True)]
        ),
        brand=brand,
        department=department,
        demand_mean=demand_mean,
        unit_cost=np.clip(rng.lognormal(np.log(4.0), 0.9, n), 0.5, 40.0),
        markup=rng.uniform(1.1, 1.5, n),
        holding_rate=np.exp(rng.uniform(np.log(0.001), np.log(0.005), n)),
        volume=np.clip(rng.lognormal(np.log(0.8), 0.6, n), 0.05, 8.0).round(3),
        shelf_life=shelf_life,
        shelf_life_text=np.array([text for text, _ in shelf]),
        forecast_form=form,
        dispersion=np.where(form == NORMAL, rng.uniform(1.5, 3.0, n), 1.0).round(2),
        zero_share=np.where(form == PMF, 0.3, 0.0),
        supplier=supplier,
    )


def _forecast_forms(demand_mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A pmf for a tenth of the products, slow and medium movers; Normal for half of the fast movers; deterministic for
    a tenth; Poisson for the others.
    """
    n = len(demand_mean)
    tenth = max(1, round(n / 10))
    form = np.full(n, POISSON)
    form[(demand_mean >= 4.0) & (rng.random(n) < 0.5)] = NORMAL
    slow = rng.permutation(np.flatnonzero(demand_mean <= 2.5))
    form[slow[:tenth]] = PMF
    form[rng.permutation(np.flatnonzero(form == POISSON))[:tenth]] = DETERMINISTIC
    return form


def _suppliers(products: Products, rng: np.random.Generator) -> Suppliers:
    """The suppliers, with limits of a few days of a typical store's demand: some bind on some days.

    The first supplier has no limits.
    """
    n = len(SUPPLIERS)
    review_period = np.array([1, 1, 2, 3, 5])
    per_day = products.demand_mean
    volume = np.bincount(products.supplier, per_day * products.volume, minlength=n)
    money = np.bincount(products.supplier, per_day * products.unit_cost, minlength=n)

    def limit(typical: np.ndarray, low: float, high: float, share_without: float) -> np.ndarray:
        value = (typical * rng.uniform(low, high, n)).round(2)
        return np.where((rng.random(n) < share_without) | (np.arange(n) == 0) | (value <= 0), -1.0, value)

    return Suppliers(
        source_id=np.arange(1, n + 1).astype(str),
        name=np.array(SUPPLIERS),
        fixed_order_cost=np.exp(rng.uniform(np.log(1.5), np.log(12.0), n)).round(2),
        lead_time=np.array([1, 1, 2, 3, 5]),
        review_period=review_period,
        min_volume=limit(volume, 0.02, 0.15, 0.5),
        max_volume=limit(volume, 1.5, 6.0, 0.3),
        purchase_budget=limit(money, 1.5, 6.0, 0.3),
    )
