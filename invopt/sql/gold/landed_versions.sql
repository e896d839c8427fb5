-- The lines of other systems' orders, of every file that was known at :landed_until, each with the order that it is about.
-- An order is known by our id, where a line has it; else, where the line names a policy of ours or has the very moment of our order, by ours of
-- that location, product and calendar day; else by the other system's number; else by who ordered it on which day. :policies are ours.
WITH first_file AS (
    -- one row: the day of the first orders that landed; where an older version took orders, nobody noted their day, and they are the first
    SELECT min(coalesce(known_on, DATE '1900-01-01')) AS day FROM landed_orders
),
own AS (
    -- an order that still holds goes before one that was cancelled
    SELECT location_id, product_id, to_date(ordered_at) AS ordered_on,
        array_sort(collect_list(struct(status <> 'open' AS is_closed, ordered_at, order_id))) AS orders
    FROM orders
    WHERE status <> 'shadow'
    GROUP BY location_id, product_id, to_date(ordered_at)
),
landed AS (
    SELECT location_id, product_id, source_id, policy_name, quantity, received_quantity, received_at, ordered_at, eta, file_number, known_on,
        order_id AS given_order_id, order_number, to_date(ordered_at) AS ordered_on,
        coalesce(order_status, CASE WHEN is_received THEN 'received' WHEN NOT is_received THEN 'open' END) AS state
    FROM landed_orders
    -- an order that is dated by its day alone was placed on that day
    WHERE (ordered_at < :landed_until OR ordered_at = date_trunc('DAY', :landed_until))
        AND NOT array_contains(:baselines, policy_name)
),
beside_own AS (
    SELECT landed.*, by_id.order_id AS order_of_id,
        get(filter(own.orders, one -> one.ordered_at = landed.ordered_at), 0).order_id AS order_of_moment,
        get(own.orders, 0).order_id AS order_of_day,
        array_contains(:policies, policy_name) AS is_of_own_policy
    FROM landed
    LEFT JOIN own ON landed.location_id = own.location_id AND landed.product_id = own.product_id AND landed.ordered_on = own.ordered_on
    LEFT JOIN orders AS by_id
        ON landed.given_order_id = by_id.order_id AND landed.location_id = by_id.location_id AND landed.product_id = by_id.product_id
        AND by_id.status <> 'shadow'
),
identified AS (
    SELECT *,
        CASE WHEN order_of_id IS NOT NULL THEN order_of_id
            WHEN order_of_moment IS NOT NULL THEN order_of_moment
            WHEN is_of_own_policy THEN order_of_day
        END AS own_order_id, first_file.day AS first_day
    FROM beside_own
    CROSS JOIN first_file
),
named AS (
    SELECT *,
        CASE WHEN own_order_id IS NOT NULL THEN concat('id ', own_order_id)
            -- an id of ours, or a policy of ours, whose order is in another lakehouse
            WHEN given_order_id <> '' THEN concat('id ', given_order_id)
            WHEN is_of_own_policy THEN concat('day ', ordered_on)
            WHEN order_number <> '' THEN concat('number ', order_number)
            ELSE concat('day ', ordered_on, ' of ', policy_name)
        END AS identity
    FROM identified
    WHERE known_on IS NULL OR known_on <= to_date(:landed_until) OR (known_on = first_day AND own_order_id IS NULL)
),
ended AS (
    SELECT *, CASE WHEN identity LIKE 'number %' THEN state IN ('received', 'cancelled') OR coalesce(received_quantity >= quantity, false) END AS is_ended
    FROM named
),
before AS (
    -- of an order's number: the newest file before this one that says that it has ended, and the newest that says that it has not
    SELECT *, max(CASE WHEN is_ended THEN struct(file_number, ordered_on) END) OVER earlier_files AS end,
        max(CASE WHEN NOT is_ended AND state = 'open' THEN file_number END) OVER earlier_files AS open_in
    FROM ended
    WINDOW earlier_files AS
        (PARTITION BY location_id, product_id, identity ORDER BY file_number RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
numbered AS (
    -- a number is used again: it ended, and is now said to be open for an order of a later day of which nothing has arrived
    SELECT *, collect_set(CASE WHEN state = 'open' AND coalesce(received_quantity, 0D) = 0 AND ordered_on > end.ordered_on
            AND coalesce(open_in < end.file_number, true) THEN ordered_on END) OVER (PARTITION BY location_id, product_id, identity) AS again_on
    FROM before
),
final AS (
    SELECT location_id, product_id, source_id, policy_name, quantity, received_quantity, received_at, ordered_at, eta, file_number,
        -- what the first file says of others' orders holds for every earlier day; of ours nobody had said anything until that file
        CASE WHEN own_order_id IS NOT NULL OR known_on > first_day THEN known_on END AS known_on,
        order_number, state, own_order_id,
        concat(identity, coalesce(concat(' of ', array_max(filter(again_on, day -> day <= ordered_on))), '')) AS identity
    FROM numbered
)
SELECT * FROM final
