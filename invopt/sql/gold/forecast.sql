-- One row per location and product: the days of its forecast from :as_of on, :horizon at most; a forecast that has ended is none.
-- Nothing is sold on a day on which its location is closed, whatever the forecast says, and also where it says nothing.
WITH closed_everywhere AS (
    SELECT collect_set(to_date(day)) AS days
    FROM calendar
    WHERE absent_since IS NULL AND location_id = '' AND source_id = '' AND is_closed AND day >= :as_of - INTERVAL 1 DAYS AND day < :as_of + INTERVAL 800 DAYS
),
of_location AS (
    -- what is said of a location goes before what is said of all
    SELECT location_id, collect_set(CASE WHEN is_closed THEN to_date(day) END) AS closed_days,
        collect_set(CASE WHEN NOT coalesce(is_closed, false) THEN to_date(day) END) AS open_days
    FROM calendar
    WHERE absent_since IS NULL AND location_id <> '' AND source_id = '' AND day >= :as_of - INTERVAL 1 DAYS AND day < :as_of + INTERVAL 800 DAYS
    GROUP BY location_id
),
current AS (
    -- a forecast that starts later starts the horizon
    SELECT location_id, product_id, made_at, demand_distribution, is_distribution_assumed, file_number,
        greatest(first_date, to_date(:as_of)) AS start,
        slice(demand_mean, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_mean,
        slice(demand_variance, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_variance,
        slice(demand_pmf, greatest(0, datediff(:as_of, first_date)) + 1, :horizon) AS demand_pmf
    FROM demand_forecasts
    WHERE datediff(:as_of, first_date) < size(demand_mean)
),
with_closed AS (
    SELECT current.*,
        array_except(array_union(coalesce(of_location.closed_days, array()), closed_everywhere.days),
            coalesce(of_location.open_days, array())) AS closed_days
    FROM current
    CROSS JOIN closed_everywhere
    LEFT JOIN of_location ON current.location_id = of_location.location_id
),
closed AS (
    SELECT * EXCEPT (closed_days),
        CASE WHEN size(closed_days) > 0 THEN transform(demand_mean, (mean, i) -> array_contains(closed_days, date_add(start, i))) END AS is_closed
    FROM with_closed
),
sold AS (
    SELECT * EXCEPT (demand_mean, demand_variance, demand_pmf),
        CASE WHEN is_closed IS NULL THEN demand_mean ELSE transform(demand_mean, (mean, i) -> CASE WHEN is_closed[i] THEN 0D ELSE mean END)
        END AS demand_mean,
        CASE WHEN is_closed IS NULL THEN demand_variance
            ELSE transform(demand_variance, (variance, i) -> CASE WHEN is_closed[i] THEN 0D ELSE variance END)
        END AS demand_variance,
        CASE WHEN is_closed IS NULL THEN demand_pmf ELSE transform(demand_pmf, (pmf, i) -> CASE WHEN is_closed[i] THEN array(1D) ELSE pmf END)
        END AS demand_pmf
    FROM closed
),
final AS (
    SELECT location_id, product_id, made_at AS forecast_made_at, demand_distribution, demand_mean, demand_variance,
        CASE WHEN NOT exists(demand_mean, mean -> mean IS NULL) THEN demand_pmf END AS demand_pmf,
        file_number AS forecast_file_number, is_distribution_assumed,
        CASE WHEN exists(demand_mean, mean -> mean IS NULL) THEN
            transform(filter(transform(demand_mean, (mean, i) -> CASE WHEN mean IS NULL THEN date_add(start, i) END), day -> day IS NOT NULL),
                day -> date_format(day, 'yyyy-MM-dd'))
        END AS missing_days
    FROM sold
)
SELECT * FROM final
