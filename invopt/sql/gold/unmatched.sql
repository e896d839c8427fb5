-- Keys that the inputs have and no item has, and products of items that have no row: distinct keys, one row each with its dataset.
-- A day of the calendar is of a location, or of a supplier whatever the location.
-- Of sales and stock the days from :since on are looked at: a feed that never joins is seen there, and the history is not read again.
WITH items AS (
    SELECT DISTINCT location_id, product_id FROM item_state
),
keys AS (
    SELECT 'inventory' AS dataset, location_id, product_id FROM stock_lots WHERE snapshot_at > :since AND snapshot_at <= :as_of
    UNION
    SELECT 'sales', location_id, product_id FROM sales WHERE sold_at > :since AND sold_at <= :as_of
    UNION
    SELECT 'orders', location_id, product_id FROM landed_lines WHERE is_open
    UNION
    SELECT 'demand_forecasts', location_id, product_id FROM demand_forecasts
),
final AS (
    SELECT dataset, keys.location_id, keys.product_id
    FROM keys
    LEFT ANTI JOIN items ON keys.location_id = items.location_id AND keys.product_id = items.product_id
    UNION ALL
    SELECT DISTINCT 'calendar', calendar.location_id, CAST(NULL AS STRING)
    FROM calendar
    LEFT ANTI JOIN items ON calendar.location_id = items.location_id
    WHERE calendar.location_id <> '' AND calendar.absent_since IS NULL
    UNION ALL
    SELECT DISTINCT 'brands_products', CAST(NULL AS STRING), items.product_id
    FROM items
    LEFT ANTI JOIN products ON items.product_id = products.product_id
)
SELECT * FROM final
