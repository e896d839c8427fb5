-- One row per item at :as_of: costs, limits, lead time, stock position, forecast. What is missing is named in `problem`; nothing is dropped.
-- An item is blocked where a line of it was rejected and nothing good holds: what is not known is NULL, and never 0. It is blocked too
-- where a row that it needs has ended: a newer full delivery does not hold it.
WITH spaces AS (
    -- a product kept in several spaces of a location: the cheapest counts, and the limits add up, unless a space has none; a space
    -- whose row has ended counts where there is no other
    SELECT location_id, product_id,
        min_by(struct(storage_id, holding_cost, absent_since), struct(absent_since IS NOT NULL, holding_cost, storage_id)) AS chosen,
        max(lost_sale_cost) FILTER (WHERE absent_since IS NULL) AS lost_sale_cost,
        sum(min_inventory) FILTER (WHERE absent_since IS NULL) AS min_inventory,
        sum(max_inventory) FILTER (WHERE absent_since IS NULL) AS max_inventory,
        count_if(absent_since IS NULL AND max_inventory IS NULL) AS n_unlimited
    FROM product_storage
    GROUP BY location_id, product_id
),
storage AS (
    SELECT location_id, product_id, chosen.storage_id, chosen.holding_cost, chosen.absent_since, lost_sale_cost, min_inventory,
        CASE WHEN n_unlimited = 0 THEN max_inventory END AS max_inventory
    FROM spaces
),
unread_values AS (
    -- rejected lines of what changes seldom: the last good values hold; where there are none, the item is blocked
    SELECT dataset, location_id, product_id, source_id,
        CASE WHEN good_file_number IS NULL THEN concat(dataset, ' could not be read: ', cause) END AS block,
        CASE WHEN good_file_number IS NOT NULL THEN concat('the last good values of ', dataset, ' hold: ', cause) END AS remark
    FROM unread
    WHERE dataset NOT IN ('inventory', 'orders', 'demand_forecasts')
),
unread_of_place AS (
    SELECT location_id, product_id, concat_ws('; ', array_sort(collect_list(block))) AS block, concat_ws('; ', array_sort(collect_list(remark))) AS remark,
        bool_or(dataset = 'store_product_storage') AS is_storage
    FROM unread_values
    WHERE dataset IN ('store_department_brand_products', 'store_product_storage')
    GROUP BY location_id, product_id
),
unread_of_day AS (
    SELECT location_id, product_id,
        max(CASE WHEN dataset = 'inventory' THEN concat('its stock could not be read: ', cause) END) AS stock,
        max(CASE WHEN dataset = 'orders' THEN concat('an open order of it could not be read: ', cause) END) AS orders,
        max(CASE WHEN dataset = 'demand_forecasts' THEN cause END) AS forecast,
        max(CASE WHEN dataset = 'demand_forecasts' THEN file_number END) AS forecast_file_number
    FROM unread
    WHERE dataset IN ('inventory', 'orders', 'demand_forecasts')
    GROUP BY location_id, product_id
),
items AS (
    SELECT positions.*,
        assortment.department_id, assortment.disposal_cost, coalesce(assortment.list_price, product.list_price) AS list_price,
        product.unit_volume, product.shelf_life,
        storage.storage_id, storage.holding_cost, storage.lost_sale_cost, storage.min_inventory, storage.max_inventory,
        space.storage_cost_budget,
        assortment.absent_since AS assortment_absent_since, product.absent_since AS product_absent_since,
        storage.absent_since AS storage_absent_since, space.absent_since AS space_absent_since,
        of_day.stock AS stock_unread, of_day.orders AS orders_block,
        CASE WHEN stock_status = 'no_count' THEN 'the location has no stock count'
            WHEN is_stock_stale THEN concat('the stock count of ', coalesce(counted_on, '?'), ' is older than ', :stock_max_age,
                CASE WHEN :stock_max_age = 1 THEN ' day' ELSE ' days' END, ' (inputs.stock_max_age)') END AS stale,
        CASE WHEN stock_status = 'missing' THEN concat('not in the count of ', counted_on, ', ', format_number(units_expected, '#,##0.##'),
            ' expected') END AS missing,
        CASE WHEN stock_status = 'never_counted' AND of_day.stock IS NULL THEN 'no stock count names it: 0 on hand' END AS never_counted,
        CASE WHEN is_day_taken THEN concat('what moved on ', counted_on, ' without an hour to tell is taken to be in the stock count of that day',
            ' (inputs.count_time)') END AS day_taken,
        CASE WHEN size(unsold_days) > 0 AND on_hand > 0 THEN concat('the sales of ',
            CASE WHEN size(unsold_days) <= 3 THEN array_join(transform(unsold_days, day -> STRING(date_from_unix_date(day))), ', ')
                ELSE concat(size(unsold_days), ' days from ', date_from_unix_date(unsold_days[0]), ' to ', date_from_unix_date(array_max(unsold_days))) END,
            ', since its stock count of ', counted_on, ', are not known: what was sold then still counts as on hand') END AS unsold,
        CASE WHEN forecast_made_at IS NULL THEN concat('no forecast: ', of_day.forecast)
            WHEN of_day.forecast_file_number = positions.forecast_file_number THEN concat('its forecast could not be read whole: ', of_day.forecast)
        END AS forecast_block,
        CASE WHEN of_day.forecast_file_number > positions.forecast_file_number THEN
            concat('the forecast of ', date_format(forecast_made_at, 'yyyy-MM-dd'), ' holds: ', of_day.forecast) END AS forecast_remark,
        CASE WHEN lead_time > :longest_lead_time OR lead_time_confidence > :longest_lead_time OR lead_time + lead_time_confidence > :longest_lead_time THEN
            concat('a lead time of ', lead_time, ' +- ', lead_time_confidence, ' days in store_product_supplier: it must be at most ',
                CAST(:longest_lead_time AS BIGINT)) END AS lead_time_block,
        nullif(concat_ws('; ', of_item.block, nullif(of_place.block, ''), of_product.block, of_source.block, of_location.block), '') AS values_block,
        concat_ws('; ', of_item.remark, nullif(of_place.remark, ''), of_product.remark, of_source.remark, of_location.remark) AS values_remark,
        of_item.block IS NOT NULL AS has_no_terms, of_source.block IS NOT NULL AS has_no_supplier,
        coalesce(of_place.is_storage, false) AS is_storage_unread
    FROM positions
    LEFT JOIN assortment ON positions.location_id = assortment.location_id AND positions.product_id = assortment.product_id
    LEFT JOIN products AS product ON positions.product_id = product.product_id
    LEFT JOIN storage ON positions.location_id = storage.location_id AND positions.product_id = storage.product_id
    LEFT JOIN storages AS space ON positions.location_id = space.location_id AND storage.storage_id = space.storage_id
    LEFT JOIN unread_of_day AS of_day ON positions.location_id = of_day.location_id AND positions.product_id = of_day.product_id
    LEFT JOIN unread_of_place AS of_place ON positions.location_id = of_place.location_id AND positions.product_id = of_place.product_id
    LEFT JOIN unread_values AS of_item
        ON of_item.dataset = 'store_product_supplier' AND positions.location_id = of_item.location_id
        AND positions.product_id = of_item.product_id AND positions.source_id = of_item.source_id
    LEFT JOIN unread_values AS of_product ON of_product.dataset = 'brands_products' AND positions.product_id = of_product.product_id
    LEFT JOIN unread_values AS of_source ON of_source.dataset = 'suppliers' AND positions.source_id = of_source.source_id
    LEFT JOIN unread_values AS of_location ON of_location.dataset = 'store_storage' AND positions.location_id = of_location.location_id
),
blocked AS (
    SELECT *, nullif(concat_ws('; ', delisted,
            CASE WHEN assortment_absent_since IS NOT NULL THEN concat('not in store_department_brand_products of ', assortment_absent_since) END,
            CASE WHEN product_absent_since IS NOT NULL THEN concat('not in brands_products of ', product_absent_since) END,
            CASE WHEN storage_absent_since IS NOT NULL THEN concat('not in store_product_storage of ', storage_absent_since) END,
            CASE WHEN space_absent_since IS NOT NULL THEN concat('not in store_storage of ', space_absent_since) END,
            values_block, stock_block, orders_block, forecast_block, lead_time_block), '') AS block
    FROM (
        -- with `stale_stock: order` what is left of an old count is ordered from
        SELECT *, nullif(concat_ws('; ', coalesce(stock_unread, missing), CASE WHEN :holds_stale_stock THEN stale END), '') AS stock_block
        FROM items
    )
),
final AS (
    SELECT :run_id AS run_id, location_id, product_id, source_id, :as_of AS as_of, department_id, storage_id, source_rank, cheaper_sources,
        unit_cost, fixed_order_cost, holding_cost, backorder_cost, lost_sale_cost, disposal_cost, list_price, unit_volume, shelf_life,
        transform(price_breaks, step -> step.quantity) AS price_break_quantity, transform(price_breaks, step -> step.unit_cost) AS price_break_cost,
        storage_cost_budget, purchase_budget, max_shipping_volume,
        lead_time, lead_time_confidence, service_level, shipping_interval, min_order_quantity, max_order_quantity, quantity_multiple,
        min_inventory, max_inventory,
        last_ordered_at, snapshot_at, is_stock_stale, stock_status,
        CASE WHEN missing IS NOT NULL THEN units_expected WHEN stock_block IS NOT NULL THEN on_hand END AS stock_expected,
        CASE WHEN stock_block IS NULL THEN on_hand END AS on_hand,
        CASE WHEN stock_block IS NULL THEN expiring END AS expiring,
        CASE WHEN orders_block IS NULL THEN on_order END AS on_order,
        CASE WHEN orders_block IS NULL THEN on_order_late END AS on_order_late,
        CASE WHEN orders_block IS NULL THEN scheduled_receipts END AS scheduled_receipts,
        CASE WHEN orders_block IS NULL THEN late_orders END AS late_orders,
        CASE WHEN orders_block IS NULL THEN late_since END AS late_since,
        overdue, overdue_since,
        CASE WHEN stock_block IS NULL AND orders_block IS NULL THEN inventory_position END AS inventory_position,
        forecast_made_at, demand_distribution, demand_mean, demand_variance, demand_pmf, lead_time_demand_mean, lead_time_demand_variance,
        nullif(concat_ws('; ', block,
            CASE WHEN forecast_made_at IS NULL AND forecast_block IS NULL THEN
                concat('no forecast made in the ', :forecast_max_age, ' days before ', date_format(:as_of, 'yyyy-MM-dd')) END,
            CASE WHEN demand_distribution IN ('several forms', 'several distributions a day', 'probabilities that add up to 0') THEN
                concat('the forecast has ', demand_distribution)
                WHEN size(missing_days) > 0 THEN concat('the forecast has no day ', array_join(slice(missing_days, 1, 3), ', '),
                    CASE WHEN size(missing_days) > 3 THEN concat(' and ', size(missing_days) - 3, ' more') ELSE '' END,
                    ' (a day in calendar.csv with IsClosed has a demand of 0)')
                WHEN demand_distribution LIKE 'pmf whose%' THEN concat('the forecast has a ', demand_distribution) END,
            CASE WHEN holding_cost IS NULL AND NOT is_storage_unread THEN 'no storage cost in store_product_storage' END,
            CASE WHEN fixed_order_cost IS NULL AND NOT has_no_terms AND NOT has_no_supplier THEN 'its supplier is not in suppliers' END,
            CASE WHEN NOT :holds_stale_stock THEN stale END
        ), '') AS problem,
        block IS NOT NULL AS is_blocked,
        nullif(concat_ws('; ', nullif(values_remark, ''), forecast_remark, never_counted, day_taken, unsold,
            CASE WHEN overdue > 0 THEN concat(format_number(overdue, '#,##0.##'), ' units on order are overdue since ', overdue_since,
                ' and no longer counted: report them as received or cancelled, or set inputs.late_order_max_age') END,
            CASE WHEN is_distribution_assumed THEN 'its forecast has a variance and names no distribution: Normal is used' END), '') AS remark
    FROM blocked
)
SELECT * FROM final
