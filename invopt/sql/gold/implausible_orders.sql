-- One row per order line that looks like a slip: its warnings with their numbers, and whether it is held. A line without any has no row.
-- Sales are those after :since and up to :as_of, of the items that are ordered. An item's days of sales are those from its first to its last:
-- so a product that is new, was taken out or has run out is compared with the days on which it was there.
WITH lines AS (
    SELECT ordered.*, limits.mean_demand, limits.least_order
    FROM ordered
    INNER JOIN (
        SELECT location_id, product_id, source_id,
            try_divide(aggregate(filter(demand_mean, mean -> mean IS NOT NULL), 0D, (sum, mean) -> sum + mean),
                size(filter(demand_mean, mean -> mean IS NOT NULL))) AS mean_demand,
            greatest(1D, quantity_multiple) * greatest(1D, ceil(try_divide(coalesce(min_order_quantity, 0D), greatest(1D, quantity_multiple)) - 1e-9D))
                AS least_order
        FROM item_state
    ) AS limits
        ON ordered.location_id = limits.location_id AND ordered.product_id = limits.product_id AND ordered.source_id = limits.source_id
),
sold AS (
    SELECT location_id, product_id, greatest(0D, sum(units)) AS units_sold, datediff(max(sold_at), min(sold_at)) + 1 AS days_sold
    FROM sales
    LEFT SEMI JOIN lines USING (location_id, product_id)
    WHERE sold_at > :since AND sold_at <= :as_of
    GROUP BY location_id, product_id
    HAVING datediff(max(sold_at), min(sold_at)) + 1 >= :min_days_of_sales
),
counts AS (
    -- what has expired since may have been thrown away
    SELECT location_id, product_id, snapshot_at AS at, sum(units) AS counted
    FROM stock_lots
    LEFT SEMI JOIN lines USING (location_id, product_id)
    WHERE snapshot_at > :counts_since AND snapshot_at <= :as_of AND (expires_at IS NULL OR expires_at > :as_of)
    GROUP BY location_id, product_id, snapshot_at
),
counts_and_sales AS (
    SELECT location_id, product_id, at, counted, 0D AS sold
    FROM counts
    UNION ALL
    SELECT location_id, product_id, sold_at, NULL, units
    FROM sales
    LEFT SEMI JOIN counts USING (location_id, product_id)
    WHERE sold_at > :counts_since AND sold_at <= :as_of
),
running AS (
    -- a count contains the sales of its own moment: both may have the day alone
    SELECT location_id, product_id, at, counted,
        sum(sold) OVER (PARTITION BY location_id, product_id ORDER BY at, counted NULLS FIRST ROWS UNBOUNDED PRECEDING) AS sold_by
    FROM counts_and_sales
),
steps AS (
    SELECT location_id, product_id, at, counted, lag(counted) OVER (by_time) AS before,
        try_divide(lag(counted) OVER (by_time) - sold_by + lag(sold_by) OVER (by_time), counted) AS times_less,
        max(counted) OVER (PARTITION BY location_id, product_id ORDER BY at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS most_since
    FROM running
    WHERE counted IS NOT NULL
    WINDOW by_time AS (PARTITION BY location_id, product_id ORDER BY at)
),
fallen AS (
    -- of 5 units or more half a unit is within the tolerance
    SELECT location_id, product_id, max_by(times_less, at) AS times_less
    FROM steps
    WHERE counted >= 5D AND most_since < 0.5D * before
        AND exists(:factors, factor -> abs(times_less - factor) <= :unit_tolerance * factor)
    GROUP BY location_id, product_id
),
compared AS (
    SELECT lines.policy_id, lines.location_id, lines.product_id, lines.source_id, quantity, mean_demand, units_sold, days_sold,
        quantity < least_order + 1e-6D AS is_least, confirmed.location_id IS NOT NULL AS is_confirmed,
        CASE WHEN units_sold > 0D AND mean_demand > 0D THEN try_divide(mean_demand * days_sold, units_sold) END AS times,
        times_less,
        -- of fewer days than max_days_of_demand the pace is taken: an order of 50 days is not odd because 28 days are known
        units_sold * greatest(1D, try_divide(:max_days_of_demand, days_sold)) AS most_sold,
        -- with few units on either side the ratio is chance
        least(units_sold, mean_demand * days_sold) >= :least_compared AS is_enough
    FROM lines
    LEFT JOIN sold ON lines.location_id = sold.location_id AND lines.product_id = sold.product_id
    LEFT JOIN fallen ON lines.location_id = fallen.location_id AND lines.product_id = fallen.product_id
    LEFT JOIN confirmed ON lines.location_id = confirmed.location_id AND lines.product_id = confirmed.product_id
),
with_factor AS (
    SELECT *,
        array_min(transform(filter(:factors, factor -> abs(greatest(times, try_divide(1D, times)) - factor) <= :unit_tolerance * factor),
            factor -> named_struct('off', abs(try_divide(greatest(times, try_divide(1D, times)), factor) - 1D), 'factor', factor))).factor AS factor,
        array_min(transform(filter(:factors, factor -> abs(times_less - factor) <= :unit_tolerance * factor),
            factor -> named_struct('off', abs(try_divide(times_less, factor) - 1D), 'factor', factor))).factor AS stock_factor
    FROM compared
),
warned AS (
    SELECT policy_id, location_id, product_id, source_id, days_sold, is_least, is_confirmed, filter(array(
        CASE WHEN array_contains(:checks, 'days_of_demand') AND quantity >= :min_units AND quantity > :max_days_of_demand * mean_demand + 1e-6D THEN
            named_struct('warning', 'days_of_demand', 'value', try_divide(quantity, mean_demand), 'limit', DOUBLE(:max_days_of_demand)) END,
        CASE WHEN array_contains(:checks, 'above_sold') AND quantity >= :min_units AND quantity > most_sold + 1e-6D THEN
            named_struct('warning', 'above_sold', 'value', quantity, 'limit', most_sold) END,
        CASE WHEN array_contains(:checks, 'unit_of_forecast') AND is_enough AND factor IS NOT NULL THEN
            named_struct('warning', 'unit_of_forecast', 'value', times, 'limit', DOUBLE(factor)) END,
        CASE WHEN array_contains(:checks, 'unit_of_stock') AND stock_factor IS NOT NULL THEN
            named_struct('warning', 'unit_of_stock', 'value', times_less, 'limit', DOUBLE(stock_factor)) END
        ), warning -> warning IS NOT NULL) AS warnings
    FROM with_factor
),
final AS (
    SELECT policy_id, location_id, product_id, source_id, greatest(DOUBLE(days_sold), DOUBLE(:max_days_of_demand)) AS days_of_sales, is_least, warnings,
        NOT is_confirmed AND exists(warnings, one -> array_contains(:held, one.warning) AND (one.warning IN ('unit_of_forecast', 'unit_of_stock') OR NOT is_least)) AS is_held
    FROM warned
    WHERE size(warnings) > 0
)
SELECT * FROM final
