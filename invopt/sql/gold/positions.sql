-- One row per item, with its terms and forecast: on hand, expiring, on order, the demand of its lead time, the position.
-- A product that a newer count does not name is gone where what was there, rolled forward to that count, can be sold on the days whose sales
-- are not known: within the forecast's mean and 3 standard deviations, those of Poisson where it has no variance. Otherwise it is missing.
WITH items AS (
    SELECT terms.*, forecast.forecast_made_at, forecast.forecast_file_number, forecast.demand_distribution,
        forecast.demand_mean, forecast.demand_variance, forecast.demand_pmf, forecast.is_distribution_assumed, forecast.missing_days,
        coalesce(stock.on_hand, 0D) AS on_hand, stock.expiring_lots, stock.snapshot_at, stock.counted_on,
        coalesce(stock.stock_status, 'no_count') AS counted_status, coalesce(stock.is_stock_stale, true) AS is_stock_stale, stock.is_day_taken, stock.unsold_days, stock.units_expected, stock.days_unknown,
        coalesce(open_orders.on_order, 0D) AS on_order, coalesce(open_orders.on_order_late, 0D) AS on_order_late,
        coalesce(open_orders.overdue, 0D) AS overdue, open_orders.overdue_since, open_orders.arrivals,
        coalesce(open_orders.late_orders, 0) AS late_orders, open_orders.late_since,
        open_orders.last_ordered_at[terms.source_id] AS last_ordered_at
    FROM item_terms AS terms
    LEFT JOIN forecast ON terms.location_id = forecast.location_id AND terms.product_id = forecast.product_id
    LEFT JOIN stock ON terms.location_id = stock.location_id AND terms.product_id = stock.product_id
    LEFT JOIN open_orders ON terms.location_id = open_orders.location_id AND terms.product_id = open_orders.product_id
),
sums AS (
    SELECT items.*,
        -- first expired, first sold: what lies there until a lot's expiry less the demand until then is lost; the worst lot tells how much in all
        least(on_hand, greatest(0D, ceil(aggregate(coalesce(expiring_lots, array()), struct(0D AS units_until, 0D AS lost),
            (sofar, lot) -> struct(
                sofar.units_until + lot.units AS units_until,
                CASE WHEN lot.days_left <= lead_time THEN greatest(sofar.lost, sofar.units_until + lot.units
                    - aggregate(slice(coalesce(demand_mean, array()), 1, greatest(0, lot.days_left)), 0D, (sum, mean) -> sum + coalesce(mean, 0D)))
                ELSE sofar.lost END AS lost),
            sofar -> sofar.lost) - 1e-9))) AS expiring,
        -- the lead time's last day counts partly; days beyond the forecast are added below, at its mean
        -- no array is longer than the forecast, however long the lead time
        aggregate(transform(demand_mean, (mean, day) -> mean * least(1D, greatest(0D, lead_time - day))),
            0D, (sum, mean) -> sum + coalesce(mean, 0D)) AS mean_at_lead_time,
        aggregate(transform(demand_variance, (variance, day) -> variance * least(1D, greatest(0D, lead_time - day))),
            0D, (sum, variance) -> sum + coalesce(variance, 0D)) AS variance_at_lead_time,
        try_divide(aggregate(demand_mean, 0D, (sum, mean) -> sum + mean), size(demand_mean)) AS mean_per_day,
        try_divide(aggregate(demand_variance, 0D, (sum, variance) -> sum + variance), size(demand_variance)) AS variance_per_day,
        greatest(0D, lead_time - size(demand_mean)) AS days_beyond,
        -- by the day of the forecast; what arrives after its last day stands on the one after it
        CASE WHEN size(arrivals) > 0 AND demand_mean IS NOT NULL THEN
            transform(sequence(0, least(array_max(arrivals).day, size(demand_mean))), day -> aggregate(
                filter(arrivals, arrival -> least(arrival.day, size(demand_mean)) = day), 0D, (sum, arrival) -> sum + arrival.units))
        END AS scheduled_receipts
    FROM items
),
final AS (
    SELECT * EXCEPT (expiring_lots, arrivals, mean_at_lead_time, variance_at_lead_time, mean_per_day, variance_per_day, days_beyond,
            counted_status, days_unknown),
        CASE WHEN counted_status <> 'judged' THEN counted_status
            WHEN units_expected <= 1e-9 + coalesce(mean_per_day * days_unknown
                + 3D * sqrt(coalesce(variance_per_day, mean_per_day) * days_unknown), 0D) THEN 'absent'
            ELSE 'missing' END AS stock_status,
        on_hand - expiring + on_order AS inventory_position,
        CASE WHEN lead_time IS NOT NULL THEN mean_at_lead_time + days_beyond * mean_per_day END AS lead_time_demand_mean,
        -- a lead time of L +- c days, each as likely, adds the variance c (c + 1) / 3 of its days
        CASE WHEN lead_time IS NOT NULL AND demand_variance IS NOT NULL THEN
            variance_at_lead_time + days_beyond * variance_per_day
            + mean_per_day * mean_per_day * try_divide(DOUBLE(floor(lead_time_confidence)) * (DOUBLE(floor(lead_time_confidence)) + 1D), 3D)
        END AS lead_time_demand_variance
    FROM sums
)
SELECT * FROM final
