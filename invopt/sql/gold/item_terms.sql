-- One row per item with its terms, and one without terms for each item whose terms were never read: it is blocked, not forgotten.
WITH n_sources AS (
    SELECT location_id, product_id, count(*) AS n, collect_list(source_id) AS sources
    FROM terms
    GROUP BY location_id, product_id
),
without_terms AS (
    SELECT unread.location_id, unread.product_id, unread.source_id,
        -- the sources with terms come first: one of them goes on
        CAST(coalesce(n_sources.n, 0) + row_number() OVER (
            PARTITION BY unread.location_id, unread.product_id ORDER BY unread.source_id) AS INT) AS source_rank,
        concat(coalesce(n_sources.sources, array()), collect_list(unread.source_id) OVER (
            PARTITION BY unread.location_id, unread.product_id ORDER BY unread.source_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS cheaper_sources
    FROM unread
    LEFT JOIN n_sources ON unread.location_id = n_sources.location_id AND unread.product_id = n_sources.product_id
    WHERE unread.dataset = 'store_product_supplier' AND unread.good_file_number IS NULL
),
final AS (
    SELECT location_id, product_id, source_id, unit_cost, price_breaks, fixed_order_cost, backorder_cost, lead_time, lead_time_confidence,
        service_level, shipping_interval, min_order_quantity, max_order_quantity, quantity_multiple, max_shipping_volume, purchase_budget,
        delisted, source_rank, cheaper_sources
    FROM terms
    UNION ALL
    SELECT location_id, product_id, source_id, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, source_rank, cheaper_sources
    FROM without_terms
)
SELECT * FROM final
