-- What could not be read, where no newer file has said it: one row per dataset and key, with the newest file that has a rejected line of it.
-- A key has the columns that the dataset is about; the others are NULL. `good_file_number` is NULL where nothing good was ever read.
WITH named AS (
    SELECT dataset, file_number, file, get(rules, 0) AS rule,
        -- a count of the future is a slip, and would block its items until then
        CASE WHEN counted_at <= :as_of + INTERVAL 1 DAYS THEN counted_at END AS counted_at,
        CASE WHEN dataset NOT IN ('brands_products', 'suppliers') THEN location_id END AS location_id,
        CASE WHEN dataset NOT IN ('store_storage', 'suppliers') THEN product_id END AS product_id,
        -- whoever supplies an open order, it adds to the location's stock
        CASE WHEN dataset IN ('store_product_supplier', 'suppliers') THEN source_id END AS source_id
    FROM rejected
    -- versions up to 0.2 kept neither keys nor the file's number
    WHERE file_number IS NOT NULL
),
keyed AS (
    SELECT * FROM named
    WHERE CASE
        WHEN dataset IN ('inventory', 'orders', 'demand_forecasts', 'store_department_brand_products', 'store_product_storage')
            THEN location_id IS NOT NULL AND product_id IS NOT NULL
        WHEN dataset = 'store_product_supplier' THEN location_id IS NOT NULL AND product_id IS NOT NULL AND source_id IS NOT NULL
        WHEN dataset = 'brands_products' THEN product_id IS NOT NULL
        WHEN dataset = 'suppliers' THEN source_id IS NOT NULL
        WHEN dataset = 'store_storage' THEN location_id IS NOT NULL
        ELSE false
    END
),
of_file AS (
    SELECT dataset, location_id, product_id, source_id, file_number, max(file) AS file, count(*) AS n_lines, min(rule) AS rule,
        max(counted_at) AS counted_at
    FROM keyed
    GROUP BY dataset, location_id, product_id, source_id, file_number
),
newest AS (
    SELECT dataset, location_id, product_id, source_id, max(struct(file_number, file, n_lines, rule)) AS last, max(counted_at) AS counted_at
    FROM of_file
    GROUP BY dataset, location_id, product_id, source_id
),
good AS (
    -- an older count that lands later does not say what could not be read of a newer one
    SELECT 'inventory' AS dataset, row.location_id, row.product_id, CAST(NULL AS STRING) AS source_id, max(row.file_number) AS file_number
    FROM stock_lots AS row
    INNER JOIN newest ON newest.dataset = 'inventory' AND newest.location_id = row.location_id AND newest.product_id = row.product_id
    WHERE row.snapshot_at >= coalesce(newest.counted_at, row.snapshot_at)
    GROUP BY row.location_id, row.product_id
    UNION ALL
    SELECT 'orders', location_id, product_id, NULL, max(file_number)
    FROM landed_orders AS row
    LEFT SEMI JOIN newest ON newest.dataset = 'orders' AND newest.location_id = row.location_id AND newest.product_id = row.product_id
    GROUP BY location_id, product_id
    UNION ALL
    SELECT 'store_department_brand_products', location_id, product_id, NULL, max(file_number)
    FROM assortment AS row
    LEFT SEMI JOIN newest
        ON newest.dataset = 'store_department_brand_products'
        AND newest.location_id = row.location_id AND newest.product_id = row.product_id
    GROUP BY location_id, product_id
    UNION ALL
    SELECT 'store_product_storage', location_id, product_id, NULL, max(file_number)
    FROM product_storage AS row
    LEFT SEMI JOIN newest
        ON newest.dataset = 'store_product_storage' AND newest.location_id = row.location_id AND newest.product_id = row.product_id
    GROUP BY location_id, product_id
    UNION ALL
    SELECT 'store_product_supplier', location_id, product_id, source_id, max(file_number)
    FROM product_suppliers AS row
    LEFT SEMI JOIN newest
        ON newest.dataset = 'store_product_supplier' AND newest.location_id = row.location_id
        AND newest.product_id = row.product_id AND newest.source_id = row.source_id
    GROUP BY location_id, product_id, source_id
    UNION ALL
    SELECT 'brands_products', NULL, product_id, NULL, max(file_number)
    FROM products AS row
    LEFT SEMI JOIN newest ON newest.dataset = 'brands_products' AND newest.product_id = row.product_id
    GROUP BY product_id
    UNION ALL
    SELECT 'suppliers', NULL, NULL, source_id, max(file_number)
    FROM suppliers AS row
    LEFT SEMI JOIN newest ON newest.dataset = 'suppliers' AND newest.source_id = row.source_id
    GROUP BY source_id
    UNION ALL
    SELECT 'store_storage', location_id, NULL, NULL, max(file_number)
    FROM storages AS row
    LEFT SEMI JOIN newest ON newest.dataset = 'store_storage' AND newest.location_id = row.location_id
    GROUP BY location_id
),
final AS (
    SELECT :run_id AS run_id, newest.dataset, newest.location_id, newest.product_id, newest.source_id,
        last.file_number, last.file, last.n_lines, last.rule, good.file_number AS good_file_number,
        concat(last.n_lines, CASE WHEN last.n_lines = 1 THEN ' line of ' ELSE ' lines of ' END,
            element_at(split(last.file, '/'), -1), CASE WHEN last.n_lines = 1 THEN ' was rejected: ' ELSE ' were rejected, such as: ' END,
            last.rule) AS cause
    FROM newest
    LEFT JOIN good
        ON newest.dataset = good.dataset AND newest.location_id <=> good.location_id
        AND newest.product_id <=> good.product_id AND newest.source_id <=> good.source_id
    -- the forecast that holds is another one at each moment: item_state compares its file
    WHERE newest.dataset = 'demand_forecasts' OR last.file_number >= coalesce(good.file_number, last.file_number)
)
SELECT * FROM final
