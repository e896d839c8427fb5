-- One row per location and product with stock on the day whose count holds: what can still be sold, and the lots that expire.
WITH counted_products AS (
    -- of several counts on the newest day the product's last one; a product that was not counted on that day has no stock there
    SELECT lot.location_id, lot.product_id, max(lot.snapshot_at) AS snapshot_at
    FROM stock_lots AS lot
    INNER JOIN stock_counts ON lot.location_id = stock_counts.location_id AND to_date(lot.snapshot_at) = stock_counts.counted_on
    WHERE lot.snapshot_at <= :as_of
    GROUP BY lot.location_id, lot.product_id
),
lots AS (
    -- what can still be sold
    SELECT lot.location_id, lot.product_id, lot.units, lot.expires_at
    FROM stock_lots AS lot
    INNER JOIN counted_products AS last
        ON lot.location_id = last.location_id AND lot.product_id = last.product_id AND lot.snapshot_at = last.snapshot_at
    WHERE lot.expires_at IS NULL OR lot.expires_at > :as_of
),
final AS (
    -- only lots that may expire within a lead time matter one by one
    SELECT location_id, product_id, sum(units) AS on_hand,
        array_sort(collect_list(CASE WHEN expires_at <= :as_of + INTERVAL 400 DAYS
            THEN struct(datediff(expires_at, :as_of) AS days_left, units) END)) AS expiring_lots
    FROM lots
    GROUP BY location_id, product_id
)
SELECT * FROM final
