-- What has arrived of other systems' orders, and when: the units that a file says more than the files before it.
-- It arrived at the moment that its line names, else on the day from which its file is known; what was known for ever arrived before every count.
-- Of an order of others that is first heard of as received, and that was due more than :late_order_max_age days before its file, nobody knows
-- when it arrived: it is history that lands late, and its units are in the counts since.
WITH of_file AS (
    SELECT location_id, product_id, identity, file_number, max(known_on) AS known_on, max(received_at) AS received_at,
        max(coalesce(eta, ordered_at)) AS due_at, bool_or(own_order_id IS NOT NULL) AS is_own,
        sum(CASE WHEN state = 'received' THEN coalesce(received_quantity, quantity) ELSE received_quantity END) AS arrived
    FROM landed_versions
    GROUP BY location_id, product_id, identity, file_number
),
heard AS (
    SELECT *, min(file_number) OVER (PARTITION BY location_id, product_id, identity) AS first_file FROM of_file
),
more AS (
    SELECT *,
        arrived - coalesce(max(arrived) OVER (PARTITION BY location_id, product_id, identity ORDER BY file_number
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0D) AS units,
        coalesce(received_at, date_trunc('DAY', known_on)) AS arrived_at,
        received_at IS NULL AND NOT is_own AND due_at < known_on - make_dt_interval(:late_order_max_age)
            AND file_number = first_file AS is_history
    FROM heard
    -- a file that is silent on what has arrived changes nothing
    WHERE arrived IS NOT NULL
),
final AS (
    SELECT location_id, product_id, units, arrived_at AS received_at
    FROM more
    WHERE units > 0 AND arrived_at IS NOT NULL AND NOT coalesce(is_history, false)
)
SELECT * FROM final
