-- One row per location and product that was ever ordered before :as_of: units on order, and each source's last order.
WITH landed AS (
    SELECT location_id, product_id, source_id, ordered_at, quantity, eta, coalesce(is_received, false) AS is_received
    FROM landed_orders
    WHERE ordered_at < :as_of AND NOT array_contains(:baselines, policy_name)
),
placed AS (
    -- the rule of what counts as an order: every landed order, on order until it is received
    SELECT location_id, product_id, source_id, ordered_at, quantity, eta, NOT is_received AS is_open FROM landed
    UNION ALL
    -- and our own orders that count (own_orders.py), until they come back as landed ones, received or not, under whichever name
    SELECT line.location_id, line.product_id, line.source_id, line.ordered_at, line.quantity, line.eta, true AS is_open
    FROM own_on_order AS line
    LEFT ANTI JOIN landed
        ON line.location_id = landed.location_id AND line.product_id = landed.product_id
        AND line.source_id = landed.source_id AND line.ordered_at = landed.ordered_at
),
of_source AS (
    -- received or not: a supplier that ships every R days counts from its last order
    SELECT location_id, product_id, source_id, max(ordered_at) AS last_ordered_at,
        sum(quantity) FILTER (WHERE is_open) AS on_order, sum(quantity) FILTER (WHERE is_open AND eta < :as_of) AS on_order_late
    FROM placed
    GROUP BY location_id, product_id, source_id
),
final AS (
    -- whoever supplies it, it adds to the location's stock
    SELECT location_id, product_id, coalesce(sum(on_order), 0D) AS on_order, coalesce(sum(on_order_late), 0D) AS on_order_late,
        map_from_entries(collect_list(struct(source_id, last_ordered_at))) AS last_ordered_at
    FROM of_source
    GROUP BY location_id, product_id
)
SELECT * FROM final
