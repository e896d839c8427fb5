-- What a manager asks of a run, one row per policy: items, solved, failed, lines, units, value, expected cost per day.
-- `standing` says which run's solutions hold for each policy, and whether it is a shadow, whose lines nobody orders.
WITH solved AS (
    SELECT policy_id, is_shadow, count(*) AS items, count_if(status <> 'no_solution') AS solved, count_if(status = 'no_solution') AS failed,
        sum(cost) AS expected_cost_per_day
    FROM solutions
    INNER JOIN standing USING (policy_id, run_id)
    GROUP BY policy_id, is_shadow
),
ordered AS (
    SELECT policy_id, count(*) AS lines, sum(quantity) AS units, sum(order_value) AS order_value
    FROM orders
    WHERE run_id = :run_id AND status <> 'cancelled'
    GROUP BY policy_id
),
final AS (
    SELECT solved.policy_id, solved.is_shadow, solved.items, solved.solved, solved.failed, coalesce(ordered.lines, 0) AS lines, coalesce(ordered.units, 0D) AS units,
        coalesce(ordered.order_value, 0D) AS order_value, solved.expected_cost_per_day
    FROM solved
    LEFT JOIN ordered ON solved.policy_id = ordered.policy_id
)
SELECT * FROM final ORDER BY is_shadow, policy_id
