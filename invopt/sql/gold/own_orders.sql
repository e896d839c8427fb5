-- The open lines of gold.orders: is each of the cycle that the run decides anew, and has somebody acted on it?
-- `decided` has the location x products that the run orders for, with the cycle of each.
WITH landed AS (
    SELECT DISTINCT location_id, product_id, source_id, ordered_at
    FROM landed_orders
    WHERE NOT array_contains(:baselines, policy_name)
),
own AS (
    -- versions up to 0.2 wrote no cycle: such a line is of its day
    SELECT *, coalesce(cycle, date_trunc('DAY', ordered_at)) AS cycle_or_day
    FROM orders
    WHERE status = 'open'
),
final AS (
    SELECT own.*, decided.cycle IS NOT NULL AS is_of_cycle, landed.ordered_at IS NOT NULL AS is_acted_on
    FROM own
    LEFT JOIN decided
        ON own.location_id = decided.location_id AND own.product_id = decided.product_id AND own.cycle_or_day = decided.cycle
    LEFT JOIN landed
        ON own.location_id = landed.location_id AND own.product_id = landed.product_id AND own.source_id = landed.source_id
        AND own.ordered_at = landed.ordered_at
)
SELECT * FROM final
