-- Values that look like a slip: a quantity of a thousand times the item's median or more, and a purchase or backorder cost of 0.
-- Of sales, stock counts and orders those since :since are looked at, and the medians are of those since :median_since.
WITH quantities AS (
    SELECT 'sales' AS dataset, location_id, product_id, sold_at AS at, units AS quantity
    FROM sales
    WHERE sold_at > :median_since AND sold_at <= :as_of
    UNION ALL
    SELECT 'inventory', location_id, product_id, snapshot_at, sum(units)
    FROM stock_lots
    WHERE snapshot_at > :median_since AND snapshot_at <= :as_of
    GROUP BY location_id, product_id, snapshot_at
    UNION ALL
    SELECT 'orders', location_id, product_id, ordered_at, quantity
    FROM landed_lines
    WHERE ordered_at > :median_since
),
large AS (
    SELECT dataset, location_id, product_id, max(struct(quantity, at)) AS largest
    FROM quantities
    WHERE at > :since AND quantity >= :least
    GROUP BY dataset, location_id, product_id
),
medians AS (
    -- of two values the lesser is the median: with one alone there is nothing to compare
    SELECT dataset, location_id, product_id, percentile_approx(quantity, 0.5) AS median
    FROM quantities
    LEFT SEMI JOIN large USING (dataset, location_id, product_id)
    WHERE quantity > 0
    GROUP BY dataset, location_id, product_id
),
forecasts AS (
    SELECT location_id, product_id, made_at, array_max(demand_mean) AS quantity,
        array_sort(filter(demand_mean, mean -> mean > 0)) AS means
    FROM demand_forecasts
    WHERE array_max(demand_mean) >= :least
),
days AS (
    -- a thousand days of demand on order, or in the least that can be ordered
    SELECT DISTINCT location_id, product_id, on_order, coalesce(greatest(quantity_multiple, min_order_quantity), 0D) AS least_order,
        try_divide(aggregate(demand_mean, 0D, (sum, mean) -> sum + coalesce(mean, 0D)), size(demand_mean)) AS mean
    FROM item_state
    WHERE on_order >= :least OR quantity_multiple >= :least OR min_order_quantity >= :least
),
final AS (
    SELECT 'on order' AS dataset, location_id, product_id, CAST(NULL AS STRING) AS source_id, CAST(NULL AS DATE) AS day,
        on_order AS quantity, mean AS median
    FROM days
    WHERE on_order >= :least AND on_order >= :times * mean
    UNION ALL
    SELECT 'least order', location_id, product_id, NULL, NULL, least_order, mean
    FROM days
    WHERE least_order >= :least AND least_order >= :times * mean
    UNION ALL
    SELECT 'later orders', location_id, product_id, NULL, to_date(ordered_at), quantity, NULL
    FROM landed_orders
    WHERE ordered_at > :as_of AND ordered_at < :as_of + INTERVAL 2 DAYS AND NOT coalesce(is_received, false)
        AND NOT array_contains(:baselines, policy_name)
    UNION ALL
    SELECT 'moved orders', theirs.location_id, theirs.product_id, NULL, to_date(theirs.ordered_at), theirs.quantity, NULL
    FROM landed_orders AS theirs
    INNER JOIN orders AS ours ON theirs.order_id = ours.order_id
    WHERE theirs.ordered_at > :median_since AND theirs.ordered_at <= :as_of AND theirs.order_id <> '' AND ours.ordered_at > :median_since
        AND (theirs.location_id <> ours.location_id OR theirs.product_id <> ours.product_id)
    UNION ALL
    SELECT dataset, location_id, product_id, CAST(NULL AS STRING) AS source_id, to_date(largest.at) AS day, largest.quantity AS quantity, median
    FROM large
    INNER JOIN medians USING (dataset, location_id, product_id)
    WHERE largest.quantity >= :times * median
    UNION ALL
    SELECT 'demand_forecasts', location_id, product_id, NULL, to_date(made_at), quantity, get(means, shiftright(size(means) - 1, 1))
    FROM forecasts
    WHERE quantity >= :times * get(means, shiftright(size(means) - 1, 1))
    UNION ALL
    SELECT 'store_product_supplier', location_id, product_id, source_id, NULL, purchase_cost, NULL
    FROM product_suppliers
    WHERE purchase_cost = 0
    UNION ALL
    SELECT 'backorder cost', location_id, product_id, source_id, NULL, backorder_cost, NULL
    FROM product_suppliers
    WHERE backorder_cost = 0
)
SELECT * FROM final
