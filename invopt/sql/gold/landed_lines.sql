-- The lines of other systems' orders that hold: of each order those of the newest file that says something of it.
WITH ranked AS (
    -- a file that is silent on what became of an order, or on what has arrived of it, leaves that as it was
    SELECT *, max(file_number) OVER (PARTITION BY location_id, product_id, identity) AS newest_file,
        max_by(state, CASE WHEN state IS NOT NULL THEN file_number END) OVER (PARTITION BY location_id, product_id, identity) AS last_state,
        max_by(received_quantity, CASE WHEN received_quantity IS NOT NULL THEN file_number END)
            OVER (PARTITION BY location_id, product_id, identity) AS last_received_quantity,
        count(*) OVER (PARTITION BY location_id, product_id, identity, file_number) AS n_lines_of_file
    FROM landed_versions
),
said AS (
    SELECT *, coalesce(state, last_state, 'open') AS holding_state,
        coalesce(received_quantity, CASE WHEN n_lines_of_file = 1 THEN last_received_quantity END, 0D) AS arrived
    FROM ranked
    WHERE file_number = newest_file
),
final AS (
    SELECT location_id, product_id, source_id, policy_name, identity, own_order_id, order_number, ordered_at, eta, quantity,
        greatest(0D, quantity - arrived) AS left_to_come,
        holding_state = 'cancelled' AS is_cancelled,
        holding_state = 'open' AND quantity > arrived AS is_open
    FROM said
)
SELECT * FROM final
