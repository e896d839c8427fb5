-- The newest forecast of each location and product that was made at or before :as_of and not before :oldest, its days in arrays.
-- Three forms: one value per day (deterministic), a named distribution, or all points of an explicit one.
WITH newest AS (
    SELECT location_id, product_id, max(made_at) AS made_at
    FROM forecast_points
    WHERE made_at <= :as_of AND made_at >= :oldest
    GROUP BY location_id, product_id
),
points AS (
    SELECT point.location_id, point.product_id, point.made_at, point.period_at,
        point.demand, lower(point.demand_distribution) AS distribution, point.demand_variance, coalesce(point.probability, 1D) AS probability,
        point.file_number
    FROM forecast_points AS point
    INNER JOIN newest
        ON point.location_id = newest.location_id AND point.product_id = newest.product_id AND point.made_at = newest.made_at
    WHERE point.made_at <= :as_of AND point.made_at >= :oldest
        -- a day in the year 9999 would make arrays of millions of days
        AND point.period_at < :as_of + INTERVAL 3660 DAYS
),
periods AS (
    SELECT location_id, product_id, made_at, period_at,
        max(distribution) AS distribution,
        -- NULL where all probabilities are 0: such a day has no mean
        try_divide(sum(demand * probability), sum(probability)) AS mean,
        try_divide(sum(demand * demand * probability), sum(probability)) AS second_moment,
        sum(probability) AS total_probability, max(file_number) AS file_number,
        max(demand_variance) AS variance,
        max(demand) AS largest,
        -- only an explicit distribution needs its points
        collect_list(CASE WHEN probability < 1 THEN struct(demand, probability) END) AS pmf_points
    FROM points
    GROUP BY location_id, product_id, made_at, period_at
),
formed AS (
    SELECT *,
        -- a point that is missing, or a day without any chance, is no distribution: the policies refuse the form by name
        CASE WHEN total_probability = 0 THEN 'probabilities that add up to 0'
            ELSE coalesce(distribution, CASE WHEN size(pmf_points) = 0 AND variance > 0 THEN 'normal' WHEN size(pmf_points) = 0 THEN 'deterministic'
                WHEN abs(total_probability - 1) > 0.01 THEN 'pmf whose probabilities do not add up to 1'
                ELSE 'pmf' END)
        END AS form,
        -- uncertain demand is not taken for certain because nobody named its distribution
        distribution IS NULL AND size(pmf_points) = 0 AND coalesce(variance > 0, false) AS is_assumed
    FROM periods
),
valued AS (
    SELECT location_id, product_id, made_at, to_date(period_at) AS day, form, is_assumed, mean, file_number,
        CASE form
            WHEN 'poisson' THEN coalesce(variance, mean)
            WHEN 'pmf' THEN greatest(0D, second_moment - mean * mean)
            ELSE variance
        END AS variance,
        -- dense: the probabilities of 0, 1, 2, ...; a value that is not a whole number leaves it NULL
        CASE WHEN form = 'pmf' AND largest <= 100000 AND forall(pmf_points, point -> point.demand = floor(point.demand)) THEN
            transform(sequence(0, TRY_CAST(least(largest, 100000D) AS INT)),
                x -> coalesce(element_at(map_from_entries(pmf_points), DOUBLE(x)), 0D))
        END AS pmf
    FROM formed
),
days AS (
    -- periods of one day add up, but for explicit distributions: theirs would have to be convolved
    SELECT location_id, product_id, made_at, day,
        CASE WHEN bool_or(form = 'probabilities that add up to 0') THEN 'probabilities that add up to 0'
            WHEN count(DISTINCT form) > 1 AND NOT (bool_or(is_assumed) AND bool_and(form IN ('normal', 'deterministic'))) THEN 'several forms'
            WHEN count(*) > 1 AND max(form) = 'pmf' THEN 'several distributions a day'
            ELSE max(form)
        END AS form,
        sum(mean) AS mean,
        CASE WHEN count(variance) = count(*) OR bool_or(is_assumed) THEN sum(variance) END AS variance,
        bool_or(is_assumed) AS is_assumed,
        CASE WHEN count(*) = 1 THEN max(pmf) END AS pmf,
        max(file_number) AS file_number
    FROM valued
    GROUP BY location_id, product_id, made_at, day
),
gathered AS (
    SELECT location_id, product_id, made_at,
        min(day) AS first_date,
        -- no longer than from 1990 to 2100, whatever an older version took for a date
        least(datediff(max(day), min(day)) + 1, 40542) AS span,
        -- one model has one form: days of several make an unknown one, which the policies refuse by name; a day whose demand is
        -- certain is a distribution of one value
        CASE WHEN bool_or(form = 'probabilities that add up to 0') THEN 'probabilities that add up to 0'
            WHEN count(DISTINCT form) = 1 THEN max(form)
            -- a day without a variance is one of certain demand
            WHEN bool_or(is_assumed) AND bool_and(form IN ('normal', 'deterministic')) THEN 'normal'
            WHEN bool_and(form IN ('pmf', 'deterministic')) THEN 'pmf'
            WHEN bool_or(form LIKE 'pmf whose%') THEN max(form) FILTER (WHERE form LIKE 'pmf whose%')
            ELSE 'several forms'
        END AS form,
        count(variance) = count(*) AS has_variance, bool_or(is_assumed) AS is_assumed, max(file_number) AS file_number,
        array_sort(collect_list(struct(day, mean, variance, pmf))) AS days
    FROM days
    GROUP BY location_id, product_id, made_at
),
complete AS (
    SELECT *,
        CASE WHEN form = 'pmf' THEN transform(days, one -> named_struct('day', one.day, 'mean', one.mean, 'variance', coalesce(one.variance, 0D),
                'pmf', CASE WHEN one.pmf IS NOT NULL OR one.variance IS NOT NULL OR one.mean <> floor(one.mean) OR one.mean > 100000 THEN one.pmf
                    ELSE concat(array_repeat(0D, TRY_CAST(one.mean AS INT)), array(1D)) END))
            WHEN is_assumed AND form = 'normal' THEN transform(days, one -> named_struct('day', one.day, 'mean', one.mean,
                'variance', coalesce(one.variance, 0D), 'pmf', one.pmf))
            ELSE days
        END AS each_day
    FROM gathered
),
final AS (
    SELECT :run_id AS run_id, location_id, product_id, made_at, first_date, form AS demand_distribution,
        -- a day that is missing is NULL in the array, and not the next day's value
        CASE WHEN size(days) = span THEN transform(each_day, one -> one.mean)
            ELSE transform(sequence(0, span - 1), i -> get(filter(each_day, one -> datediff(one.day, first_date) = i), 0).mean)
        END AS demand_mean,
        CASE WHEN has_variance OR form = 'pmf' OR (is_assumed AND form = 'normal') THEN
            CASE WHEN size(days) = span THEN transform(each_day, one -> one.variance)
                ELSE transform(sequence(0, span - 1), i -> get(filter(each_day, one -> datediff(one.day, first_date) = i), 0).variance)
            END
        END AS demand_variance,
        CASE WHEN form = 'pmf' AND size(days) = span THEN transform(each_day, one -> one.pmf)
            WHEN form = 'pmf' THEN transform(sequence(0, span - 1), i -> get(filter(each_day, one -> datediff(one.day, first_date) = i), 0).pmf)
        END AS demand_pmf,
        file_number, is_assumed AND form = 'normal' AS is_distribution_assumed
    FROM complete
)
SELECT * FROM final
