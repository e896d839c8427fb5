-- One row per item at :as_of: costs, limits, lead time, stock position, forecast. What is missing is named in `problem`; nothing is dropped.
WITH storage AS (
    -- a product kept in several spaces of a location: the cheapest counts, and the limits add up, unless a space has none
    SELECT location_id, product_id, min_by(storage_id, struct(holding_cost, storage_id)) AS storage_id, min(holding_cost) AS holding_cost,
        max(lost_sale_cost) AS lost_sale_cost, sum(min_inventory) AS min_inventory,
        CASE WHEN count(max_inventory) = count(*) THEN sum(max_inventory) END AS max_inventory
    FROM product_storage
    GROUP BY location_id, product_id
),
items AS (
    SELECT positions.*,
        assortment.department_id, assortment.disposal_cost, coalesce(assortment.list_price, product.list_price) AS list_price,
        product.unit_volume, product.shelf_life,
        storage.storage_id, storage.holding_cost, storage.lost_sale_cost, storage.min_inventory, storage.max_inventory,
        space.storage_cost_budget,
        stock_counts.snapshot_at, stock_counts.counted_on, stock_counts.newest_counted_on,
        -- a location that was never counted has no row among the counts
        coalesce(stock_counts.is_stock_stale, true) AS is_stock_stale
    FROM positions
    LEFT JOIN assortment ON positions.location_id = assortment.location_id AND positions.product_id = assortment.product_id
    LEFT JOIN products AS product ON positions.product_id = product.product_id
    LEFT JOIN storage ON positions.location_id = storage.location_id AND positions.product_id = storage.product_id
    LEFT JOIN storages AS space ON positions.location_id = space.location_id AND storage.storage_id = space.storage_id
    LEFT JOIN stock_counts ON positions.location_id = stock_counts.location_id
),
final AS (
    SELECT :run_id AS run_id, location_id, product_id, source_id, :as_of AS as_of, department_id, storage_id, source_rank,
        unit_cost, fixed_order_cost, holding_cost, backorder_cost, lost_sale_cost, disposal_cost, list_price, unit_volume, shelf_life,
        transform(price_breaks, step -> step.quantity) AS price_break_quantity, transform(price_breaks, step -> step.unit_cost) AS price_break_cost,
        storage_cost_budget, purchase_budget, max_shipping_volume,
        lead_time, lead_time_confidence, service_level, shipping_interval, min_order_quantity, max_order_quantity, quantity_multiple,
        min_inventory, max_inventory,
        last_ordered_at, snapshot_at, is_stock_stale, on_hand, expiring, on_order, on_order_late, inventory_position,
        forecast_made_at, demand_distribution, demand_mean, demand_variance, demand_pmf, lead_time_demand_mean, lead_time_demand_variance,
        nullif(concat_ws('; ',
            CASE WHEN forecast_made_at IS NULL THEN concat('no forecast made in the ', :forecast_max_age, ' days before ', date_format(:as_of, 'yyyy-MM-dd')) END,
            CASE WHEN holding_cost IS NULL THEN 'no storage cost in store_product_storage' END,
            CASE WHEN fixed_order_cost IS NULL THEN 'its supplier is not in suppliers' END,
            CASE WHEN counted_on IS NULL THEN 'the location has no stock count'
                WHEN is_stock_stale THEN concat('the stock count of ', counted_on, ' is older than the newest, of ', newest_counted_on) END
        ), '') AS problem
    FROM items
)
SELECT * FROM final
