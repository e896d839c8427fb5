-- One row per location that has been counted by :as_of: the day whose count holds, and whether other locations have a newer one.
WITH counted AS (
    SELECT location_id, max(to_date(snapshot_at)) AS counted_on, max(snapshot_at) AS snapshot_at
    FROM stock_lots
    WHERE snapshot_at <= :as_of
    GROUP BY location_id
),
newest AS (
    -- a subquery and no join: who reads the days alone does not pay for it
    SELECT counted.*, (SELECT max(counted_on) FROM counted) AS newest_counted_on FROM counted
),
final AS (
    SELECT location_id, snapshot_at, counted_on, newest_counted_on, counted_on < newest_counted_on AS is_stock_stale
    FROM newest
)
SELECT * FROM final
