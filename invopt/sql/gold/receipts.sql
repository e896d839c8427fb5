-- One row per received line of which the day is known: units that came into a location's stock, at midnight where the hour is not known.
-- No landed line says yet when it was received, so there is no row.
WITH final AS (
    SELECT location_id, product_id, quantity AS units, CAST(NULL AS TIMESTAMP) AS received_at
    FROM landed_orders
    WHERE is_received AND false
)
SELECT * FROM final
