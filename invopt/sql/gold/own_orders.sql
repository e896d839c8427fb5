-- The lines of gold.orders that were not given up: is each of the cycle that the run decides anew, and has somebody acted on it?
-- `decided` has the location x products that the run orders for, with the cycle of each; `landed_versions` what other systems report.
WITH landed AS (
    SELECT DISTINCT location_id, product_id, own_order_id FROM landed_versions WHERE own_order_id IS NOT NULL
),
own AS (
    -- versions up to 0.2 wrote no cycle: such a line is of its day
    SELECT *, coalesce(cycle, date_trunc('DAY', ordered_at)) AS cycle_or_day
    FROM orders
    WHERE status NOT IN ('cancelled', 'shadow')
),
final AS (
    SELECT own.*, decided.cycle IS NOT NULL AS is_of_cycle, landed.own_order_id IS NOT NULL AS is_acted_on
    FROM own
    LEFT JOIN decided
        ON own.location_id = decided.location_id AND own.product_id = decided.product_id AND own.cycle_or_day = decided.cycle
    LEFT JOIN landed
        ON own.location_id = landed.location_id AND own.product_id = landed.product_id AND own.order_id = landed.own_order_id
)
SELECT * FROM final
