-- One row per location and product: the days of its forecast from :as_of on, :horizon at most; a forecast that has ended is none.
WITH final AS (
    -- a forecast that starts later starts the horizon
    SELECT location_id, product_id, made_at AS forecast_made_at, demand_distribution,
        slice(demand_mean, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_mean,
        slice(demand_variance, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_variance,
        slice(demand_pmf, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_pmf,
        file_number AS forecast_file_number
    FROM demand_forecasts
    WHERE datediff(:as_of, first_date) < size(demand_mean)
)
SELECT * FROM final
