-- The newest forecast of each location and product that was made at or before :as_of and not before :oldest, its days in arrays.
-- Three forms: one value per day (deterministic), a named distribution, or all points of an explicit one.
WITH newest AS (
    SELECT location_id, product_id, max(made_at) AS made_at
    FROM forecast_points
    WHERE made_at <= :as_of AND made_at >= :oldest
    GROUP BY location_id, product_id
),
points AS (
    SELECT point.location_id, point.product_id, point.made_at, to_date(point.period_at) AS day,
        point.demand, lower(point.demand_distribution) AS distribution, point.demand_variance, coalesce(point.probability, 1D) AS probability
    FROM forecast_points AS point
    INNER JOIN newest
        ON point.location_id = newest.location_id AND point.product_id = newest.product_id AND point.made_at = newest.made_at
    WHERE point.made_at <= :as_of AND point.made_at >= :oldest
),
days AS (
    SELECT location_id, product_id, made_at, day,
        max(distribution) AS distribution,
        sum(demand * probability) / sum(probability) AS mean,
        sum(demand * demand * probability) / sum(probability) AS second_moment,
        max(demand_variance) AS variance,
        count(*) AS n_points,
        max(demand) AS largest,
        -- only an explicit distribution needs its points
        collect_list(CASE WHEN probability < 1 THEN struct(demand, probability) END) AS pmf_points
    FROM points
    GROUP BY location_id, product_id, made_at, day
),
formed AS (
    SELECT *,
        CASE
            WHEN distribution IS NOT NULL THEN distribution
            WHEN n_points > 1 OR size(pmf_points) > 0 THEN 'pmf'
            ELSE 'deterministic'
        END AS form
    FROM days
),
valued AS (
    SELECT location_id, product_id, made_at, day, form, mean,
        CASE form
            WHEN 'poisson' THEN coalesce(variance, mean)
            WHEN 'pmf' THEN greatest(0D, second_moment - mean * mean)
            ELSE variance
        END AS variance,
        -- dense: the probabilities of 0, 1, 2, ...; a value that is not a whole number leaves it NULL
        CASE WHEN form = 'pmf' AND largest <= 100000 AND forall(pmf_points, point -> point.demand = floor(point.demand)) THEN
            transform(sequence(0, CAST(largest AS INT)),
                x -> coalesce(element_at(map_from_entries(pmf_points), CAST(x AS DOUBLE)), 0D))
        END AS pmf
    FROM formed
),
gathered AS (
    SELECT location_id, product_id, made_at,
        min(day) AS first_date,
        datediff(max(day), min(day)) + 1 AS span,
        max(form) AS form,
        count(DISTINCT form) AS n_forms,
        max(form = 'pmf') AS has_pmf,
        count(variance) = count(*) AS has_variance,
        array_sort(collect_list(struct(day, mean, variance, pmf))) AS periods
    FROM valued
    GROUP BY location_id, product_id, made_at
),
final AS (
    SELECT :run_id AS run_id, location_id, product_id, made_at, first_date,
        -- one model has one form: days of several forms make an unknown one, which the policies refuse by name
        CASE WHEN n_forms = 1 THEN form ELSE 'several forms' END AS demand_distribution,
        -- a day that is missing is NULL in the array, and not the next day's value
        CASE WHEN size(periods) = span THEN transform(periods, period -> period.mean)
            ELSE transform(sequence(0, span - 1), i -> filter(periods, period -> datediff(period.day, first_date) = i)[0].mean)
        END AS demand_mean,
        CASE WHEN has_variance THEN
            CASE WHEN size(periods) = span THEN transform(periods, period -> period.variance)
                ELSE transform(sequence(0, span - 1), i -> filter(periods, period -> datediff(period.day, first_date) = i)[0].variance)
            END
        END AS demand_variance,
        CASE WHEN has_pmf AND size(periods) = span THEN transform(periods, period -> period.pmf) END AS demand_pmf
    FROM gathered
)
SELECT * FROM final
