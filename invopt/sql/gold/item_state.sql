-- One row per item at :as_of: costs, limits, lead time, stock position, forecast. What is missing is named in `problem`; nothing is dropped.
WITH counted AS (
    SELECT location_id, max(to_date(snapshot_at)) AS counted_on, max(snapshot_at) AS snapshot_at
    FROM stock_lots
    WHERE snapshot_at <= :as_of
    GROUP BY location_id
),
newest_count AS (
    SELECT max(counted_on) AS counted_on FROM counted
),
counted_products AS (
    -- of several counts on the newest day the product's last one; a product that was not counted on that day has no stock there
    SELECT lot.location_id, lot.product_id, max(lot.snapshot_at) AS snapshot_at
    FROM stock_lots AS lot
    INNER JOIN counted ON lot.location_id = counted.location_id AND to_date(lot.snapshot_at) = counted.counted_on
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
stock AS (
    -- only lots that may expire within a lead time matter one by one
    SELECT location_id, product_id, sum(units) AS on_hand,
        array_sort(collect_list(CASE WHEN expires_at <= :as_of + INTERVAL 400 DAYS THEN struct(datediff(expires_at, :as_of) AS days_left, units) END)) AS expiring_lots
    FROM lots
    GROUP BY location_id, product_id
),
landed AS (
    SELECT policy_name, location_id, product_id, source_id, ordered_at, quantity, eta, coalesce(is_received, false) AS is_received
    FROM landed_orders
    WHERE ordered_at < :as_of AND NOT array_contains(:baselines, policy_name)
),
open_orders AS (
    SELECT location_id, product_id, source_id, quantity, eta FROM landed WHERE NOT is_received
    UNION ALL
    -- our own orders, until they come back as landed ones, received or not, under whichever name; own_orders.py says which count
    SELECT placed.location_id, placed.product_id, placed.source_id, placed.quantity, placed.eta
    FROM placed
    LEFT ANTI JOIN landed
        ON placed.location_id = landed.location_id AND placed.product_id = landed.product_id
        AND placed.source_id = landed.source_id AND placed.ordered_at = landed.ordered_at
),
on_order AS (
    -- whoever supplies it, it adds to the location's stock
    SELECT location_id, product_id, sum(quantity) AS on_order, coalesce(sum(quantity) FILTER (WHERE eta < :as_of), 0) AS on_order_late
    FROM open_orders
    GROUP BY location_id, product_id
),
last_order AS (
    -- received or not: a supplier that ships every R days counts from it
    SELECT location_id, product_id, source_id, max(ordered_at) AS last_ordered_at
    FROM (
        SELECT location_id, product_id, source_id, ordered_at FROM landed
        UNION ALL
        SELECT location_id, product_id, source_id, ordered_at FROM placed
    )
    GROUP BY location_id, product_id, source_id
),
storage AS (
    -- a product kept in several spaces of a location: the cheapest counts, and the limits add up, unless a space has none
    SELECT location_id, product_id, min_by(storage_id, struct(holding_cost, storage_id)) AS storage_id, min(holding_cost) AS holding_cost,
        max(lost_sale_cost) AS lost_sale_cost, sum(min_inventory) AS min_inventory,
        CASE WHEN count(max_inventory) = count(*) THEN sum(max_inventory) END AS max_inventory
    FROM product_storage
    GROUP BY location_id, product_id
),
forecast AS (
    -- from the day of :as_of on; a forecast that starts later starts the horizon
    SELECT location_id, product_id, made_at, demand_distribution,
        slice(demand_mean, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_mean,
        slice(demand_variance, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_variance,
        slice(demand_pmf, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_pmf
    FROM demand_forecasts
    WHERE datediff(:as_of, first_date) < size(demand_mean)
),
terms AS (
    SELECT supply.location_id, supply.product_id, supply.source_id, supply.lead_time,
        coalesce(supply.lead_time_confidence, 0D) AS lead_time_confidence, supply.backorder_cost, supply.service_level, supply.shipping_interval,
        supply.min_order_quantity, supply.max_order_quantity, supply.quantity_multiple,
        supply.purchase_cost + coalesce(supply.unit_shipping_cost, 0D) AS unit_cost,
        array_sort(transform(split(supply.price_breaks, ';'), part -> named_struct('quantity', CAST(split_part(part, ':', 1) AS DOUBLE),
            'unit_cost', CAST(split_part(part, ':', 2) AS DOUBLE) + coalesce(supply.unit_shipping_cost, 0D)))) AS price_breaks,
        supplier.fixed_order_cost, supplier.max_shipping_volume, supplier.purchase_cost_budget AS purchase_budget
    FROM product_suppliers AS supply
    LEFT JOIN suppliers AS supplier ON supply.source_id = supplier.source_id
),
items AS (
    SELECT terms.*,
        row_number() OVER (PARTITION BY terms.location_id, terms.product_id ORDER BY terms.unit_cost, terms.lead_time, terms.source_id) AS source_rank,
        assortment.department_id, assortment.disposal_cost, coalesce(assortment.list_price, product.list_price) AS list_price,
        product.unit_volume, product.shelf_life,
        storage.storage_id, storage.holding_cost, storage.lost_sale_cost, storage.min_inventory, storage.max_inventory,
        space.storage_cost_budget,
        forecast.made_at AS forecast_made_at, forecast.demand_distribution, forecast.demand_mean, forecast.demand_variance, forecast.demand_pmf,
        counted.snapshot_at, counted.counted_on, newest_count.counted_on AS newest_counted_on,
        counted.counted_on IS NULL OR counted.counted_on < newest_count.counted_on AS is_stock_stale,
        coalesce(stock.on_hand, 0D) AS on_hand,
        stock.expiring_lots,
        coalesce(on_order.on_order, 0D) AS on_order,
        coalesce(on_order.on_order_late, 0D) AS on_order_late,
        last_order.last_ordered_at
    FROM terms
    LEFT JOIN assortment ON terms.location_id = assortment.location_id AND terms.product_id = assortment.product_id
    LEFT JOIN products AS product ON terms.product_id = product.product_id
    LEFT JOIN storage ON terms.location_id = storage.location_id AND terms.product_id = storage.product_id
    LEFT JOIN storages AS space ON terms.location_id = space.location_id AND storage.storage_id = space.storage_id
    LEFT JOIN forecast ON terms.location_id = forecast.location_id AND terms.product_id = forecast.product_id
    LEFT JOIN counted ON terms.location_id = counted.location_id
    LEFT JOIN stock ON terms.location_id = stock.location_id AND terms.product_id = stock.product_id
    LEFT JOIN on_order ON terms.location_id = on_order.location_id AND terms.product_id = on_order.product_id
    LEFT JOIN last_order
        ON terms.location_id = last_order.location_id AND terms.product_id = last_order.product_id AND terms.source_id = last_order.source_id
    CROSS JOIN newest_count
),
positioned AS (
    SELECT items.*,
        -- first expired, first sold: what lies there until a lot's expiry less the demand until then is lost; the worst lot tells how much in all
        least(items.on_hand, greatest(0D, ceil(aggregate(coalesce(items.expiring_lots, array()), struct(0D AS units_until, 0D AS lost),
            (sofar, lot) -> struct(
                sofar.units_until + lot.units AS units_until,
                CASE WHEN lot.days_left <= items.lead_time THEN greatest(sofar.lost, sofar.units_until + lot.units
                    - aggregate(slice(coalesce(items.demand_mean, array()), 1, greatest(0, lot.days_left)), 0D, (sum, mean) -> sum + coalesce(mean, 0D)))
                ELSE sofar.lost END AS lost),
            sofar -> sofar.lost) - 1e-9))) AS expiring,
        -- the lead time's last day counts partly; days beyond the forecast are added below, at its mean
        aggregate(zip_with(slice(items.demand_mean, 1, CAST(ceil(items.lead_time) AS INT)), sequence(0, greatest(0, CAST(ceil(items.lead_time) AS INT) - 1)),
                (mean, day) -> mean * least(1D, greatest(0D, items.lead_time - day))), 0D, (sum, mean) -> sum + coalesce(mean, 0D)) AS mean_at_lead_time,
        aggregate(zip_with(slice(items.demand_variance, 1, CAST(ceil(items.lead_time) AS INT)), sequence(0, greatest(0, CAST(ceil(items.lead_time) AS INT) - 1)),
                (variance, day) -> variance * least(1D, greatest(0D, items.lead_time - day))), 0D, (sum, variance) -> sum + coalesce(variance, 0D))
            AS variance_at_lead_time,
        aggregate(items.demand_mean, 0D, (sum, mean) -> sum + mean) / nullif(size(items.demand_mean), 0) AS mean_per_day,
        aggregate(items.demand_variance, 0D, (sum, variance) -> sum + variance) / nullif(size(items.demand_variance), 0) AS variance_per_day,
        greatest(0D, items.lead_time - size(items.demand_mean)) AS days_beyond
    FROM items
),
final AS (
    SELECT :run_id AS run_id, location_id, product_id, source_id, :as_of AS as_of, department_id, storage_id, source_rank,
        unit_cost, fixed_order_cost, holding_cost, backorder_cost, lost_sale_cost, disposal_cost, list_price, unit_volume, shelf_life,
        transform(price_breaks, one -> one.quantity) AS price_break_quantity, transform(price_breaks, one -> one.unit_cost) AS price_break_cost,
        storage_cost_budget, purchase_budget, max_shipping_volume,
        lead_time, lead_time_confidence, service_level, shipping_interval, min_order_quantity, max_order_quantity, quantity_multiple,
        min_inventory, max_inventory,
        last_ordered_at, snapshot_at, is_stock_stale, on_hand, expiring, on_order, on_order_late, on_hand - expiring + on_order AS inventory_position,
        forecast_made_at, demand_distribution, demand_mean, demand_variance, demand_pmf,
        mean_at_lead_time + days_beyond * mean_per_day AS lead_time_demand_mean,
        -- a lead time of L +- c days, each as likely, adds the variance c (c + 1) / 3 of its days
        CASE WHEN demand_variance IS NOT NULL THEN
            variance_at_lead_time + days_beyond * variance_per_day
            + mean_per_day * mean_per_day * floor(lead_time_confidence) * (floor(lead_time_confidence) + 1) / 3
        END AS lead_time_demand_variance,
        nullif(concat_ws('; ',
            CASE WHEN forecast_made_at IS NULL THEN concat('no forecast made in the ', :forecast_max_age, ' days before ', date_format(:as_of, 'yyyy-MM-dd')) END,
            CASE WHEN holding_cost IS NULL THEN 'no storage cost in store_product_storage' END,
            CASE WHEN fixed_order_cost IS NULL THEN 'its supplier is not in suppliers' END,
            CASE WHEN counted_on IS NULL THEN 'the location has no stock count'
                WHEN is_stock_stale THEN concat('the stock count of ', counted_on, ' is older than the newest, of ', newest_counted_on) END
        ), '') AS problem
    FROM positioned
)
SELECT * FROM final
