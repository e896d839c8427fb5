-- The lines of gold.orders whose status is not what other systems say of them at :as_of, with the status that they have.
-- A line is overdue when nobody has reported it as received :late_order_max_age days after it should have arrived.
WITH landed AS (
    SELECT own_order_id, location_id, product_id, bool_or(is_open) AS is_open, bool_and(is_cancelled) AS is_cancelled, max(eta) AS eta
    FROM landed_lines
    WHERE own_order_id IS NOT NULL
    GROUP BY own_order_id, location_id, product_id
),
own AS (
    SELECT orders.*, landed.is_open AS is_landed_open, landed.is_cancelled, coalesce(landed.eta, orders.eta) AS expected_at
    FROM orders
    LEFT JOIN landed
        ON orders.order_id = landed.own_order_id AND orders.location_id = landed.location_id AND orders.product_id = landed.product_id
    WHERE orders.status IN ('open', 'received', 'overdue', 'declined') AND orders.ordered_at < :as_of
),
judged AS (
    SELECT *,
        CASE WHEN is_cancelled THEN 'declined'
            WHEN NOT is_landed_open THEN 'received'
            WHEN expected_at < :as_of - make_dt_interval(:late_order_max_age) THEN 'overdue'
            ELSE 'open'
        END AS new_status
    FROM own
),
final AS (
    SELECT * EXCEPT (is_landed_open, is_cancelled, expected_at, status, new_status), new_status AS status
    FROM judged
    WHERE new_status <> status
)
SELECT * FROM final
