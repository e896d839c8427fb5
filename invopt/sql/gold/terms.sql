-- One row per item, a location and product with one of its sources: lead time, costs and limits of an order line.
WITH lines AS (
    SELECT supply.location_id, supply.product_id, supply.source_id,
        supply.purchase_cost + coalesce(supply.unit_shipping_cost, 0D) AS unit_cost,
        -- "quantity:price;quantity:price", ascending by quantity; shipping a unit costs the same at every price
        array_sort(transform(split(supply.price_breaks, ';'), part -> named_struct(
            'quantity', try_cast(split_part(part, ':', 1) AS DOUBLE),
            'unit_cost', try_cast(split_part(part, ':', 2) AS DOUBLE) + coalesce(supply.unit_shipping_cost, 0D)))) AS price_breaks,
        supplier.fixed_order_cost, supply.backorder_cost, supply.lead_time,
        coalesce(supply.lead_time_confidence, 0D) AS lead_time_confidence, supply.service_level, supply.shipping_interval,
        supply.min_order_quantity, supply.max_order_quantity, supply.quantity_multiple,
        supplier.max_shipping_volume, supplier.purchase_cost_budget AS purchase_budget,
        nullif(concat_ws('; ', CASE WHEN supply.absent_since IS NOT NULL THEN concat('not in store_product_supplier of ', supply.absent_since) END,
            CASE WHEN supplier.absent_since IS NOT NULL THEN concat('not in suppliers of ', supplier.absent_since) END), '') AS delisted
    FROM product_suppliers AS supply
    LEFT JOIN suppliers AS supplier ON supply.source_id = supplier.source_id
),
final AS (
    -- the cheapest source comes first, at equal cost the faster one; one that has ended comes after those that have not
    SELECT lines.*,
        row_number() OVER (PARTITION BY location_id, product_id ORDER BY delisted IS NOT NULL, unit_cost, lead_time, source_id) AS source_rank,
        collect_list(source_id) OVER (PARTITION BY location_id, product_id ORDER BY delisted IS NOT NULL, unit_cost, lead_time, source_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS cheaper_sources
    FROM lines
)
SELECT * FROM final
