-- One row per location and product that was ever ordered before :as_of: units on order, and each source's last order.
-- A line that is late by more than :late_order_max_age days is overdue: it is not waited for, and the item says so.
WITH placed AS (
    -- the rule of what counts as an order: every landed order, on order until it is received or cancelled
    SELECT location_id, product_id, source_id, ordered_at, left_to_come AS quantity, eta, is_open, NOT is_cancelled AS is_placed FROM landed_lines
    UNION ALL
    -- and our own orders that count (own_orders.py), until they come back as landed ones, whatever became of them
    SELECT line.location_id, line.product_id, line.source_id, line.ordered_at, line.quantity, line.eta, true, true
    FROM own_on_order AS line
    LEFT ANTI JOIN landed_lines ON line.order_id = landed_lines.own_order_id
        AND line.location_id = landed_lines.location_id AND line.product_id = landed_lines.product_id
),
expected AS (
    -- without an ETA a line is due after its source's lead time; where nobody knows that, it may come at any time since it was ordered
    SELECT placed.*, coalesce(eta, ordered_at + make_dt_interval(0, 0, 0,
        CASE WHEN supply.lead_time IS NOT NULL THEN least(supply.lead_time, :longest_lead_time) * 86400 END)) AS due_at
    FROM placed
    LEFT JOIN product_suppliers AS supply
        ON placed.location_id = supply.location_id AND placed.product_id = supply.product_id AND placed.source_id = supply.source_id
),
judged AS (
    SELECT *, coalesce(due_at, ordered_at) AS expected_at,
        is_open AND coalesce(due_at, ordered_at) < :as_of - make_dt_interval(:late_order_max_age) AS is_overdue
    FROM expected
),
waited_for AS (
    SELECT *, is_open AND NOT is_overdue AND quantity > 0 AS is_on_order,
        is_open AND NOT is_overdue AND quantity > 0 AND coalesce(due_at < :as_of, false) AS is_late
    FROM judged
),
of_source AS (
    -- received or not: a supplier that ships every R days counts from its last order
    SELECT location_id, product_id, source_id, max(ordered_at) FILTER (WHERE is_placed) AS last_ordered_at,
        sum(quantity) FILTER (WHERE is_on_order) AS on_order,
        sum(quantity) FILTER (WHERE is_late) AS on_order_late, count_if(is_late) AS late_orders,
        min(to_date(due_at)) FILTER (WHERE is_late) AS late_since,
        sum(quantity) FILTER (WHERE is_overdue) AS overdue,
        min(to_date(expected_at)) FILTER (WHERE is_overdue) AS overdue_since,
        -- what is late may come at any time: a plan takes it for today's
        collect_list(struct(greatest(0, datediff(expected_at, :as_of)) AS day, quantity AS units)) FILTER (WHERE is_on_order) AS arrivals
    FROM waited_for
    GROUP BY location_id, product_id, source_id
),
final AS (
    -- whoever supplies it, it adds to the location's stock
    SELECT location_id, product_id, coalesce(sum(on_order), 0D) AS on_order, coalesce(sum(on_order_late), 0D) AS on_order_late,
        sum(late_orders) AS late_orders, min(late_since) AS late_since,
        coalesce(sum(overdue), 0D) AS overdue, min(overdue_since) AS overdue_since,
        array_sort(flatten(collect_list(arrivals))) AS arrivals,
        map_from_entries(collect_list(struct(source_id, last_ordered_at)) FILTER (WHERE last_ordered_at IS NOT NULL)) AS last_ordered_at
    FROM of_source
    GROUP BY location_id, product_id
)
SELECT * FROM final
