-- What has arrived of other systems' orders, and when: the units that a file says more than the files before it.
-- It arrived at the moment that its line names, else on the day from which its file is known; what was known for ever arrived before every count.
WITH of_file AS (
    SELECT location_id, product_id, identity, file_number, max(known_on) AS known_on, max(received_at) AS received_at,
        sum(CASE WHEN state = 'received' THEN coalesce(received_quantity, quantity) ELSE received_quantity END) AS arrived
    FROM landed_versions
    GROUP BY location_id, product_id, identity, file_number
),
more AS (
    SELECT *,
        arrived - coalesce(max(arrived) OVER (PARTITION BY location_id, product_id, identity ORDER BY file_number
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0D) AS units,
        coalesce(received_at, date_trunc('DAY', known_on)) AS arrived_at
    FROM of_file
    -- a file that is silent on what has arrived changes nothing
    WHERE arrived IS NOT NULL
),
final AS (
    SELECT location_id, product_id, units, arrived_at AS received_at
    FROM more
    WHERE units > 0 AND arrived_at IS NOT NULL
)
SELECT * FROM final
