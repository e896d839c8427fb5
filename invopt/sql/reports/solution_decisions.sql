-- gold.solutions unfolded: one row per item, decision and period.
WITH decided AS (
    SELECT run_id, policy_id, location_id, product_id, source_id, status, method, explode(decisions) AS (decision, period_values)
    FROM solutions
    WHERE decisions IS NOT NULL
),
final AS (
    SELECT run_id, policy_id, location_id, product_id, source_id, status, method, decision, position AS period, value
    FROM decided
    LATERAL VIEW posexplode(period_values) AS position, value
)
SELECT * FROM final
