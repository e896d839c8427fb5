-- One row per location and product of an item: the newest count that names it with its lots, the count from which its stock goes on, and what
-- moved since, day by day.
--   counted        no newer count of the location could have named it, or `absent: last`: it goes on from its own count
--   judged         a newer count does not name it: `positions` judges whether it can be gone; if so it goes on from 0 at the newer count
--   absent         the same where `absent: zero`: nobody judges
--   never_counted  no count of the last 400 days names it: 0 at the location's newest count
--   no_count       nor has the location a count
-- When a move is after a count, so that none counts twice:
--   both with an hour           it is later than the count
--   the count without an hour   it is of a later day than the last one that is in the count: its own day, or the day before (count_time)
--   the move without an hour    the same; a count between 0 and 6 o'clock holds the days before its own, a later one its whole day too
-- Sales without an hour are a day's total, which is not known before the day is over; a receipt is, as its order is open no more.
-- Stores count department by department over the day, and some after midnight: the counts of a location from 6 in the morning to 6 in the
-- next one belong together. A count without an hour, of which midnight is the sign, is of the day that it names.
WITH dated AS (
    SELECT location_id, product_id, units, expires_at, snapshot_at, coalesce(is_partial, :is_partial) AS is_partial,
        snapshot_at <> date_trunc('DAY', snapshot_at) AS has_hour,
        -- a day is as written; a moment is read on the stores' clocks
        CASE WHEN snapshot_at = date_trunc('DAY', snapshot_at) THEN snapshot_at ELSE from_utc_timestamp(snapshot_at, :zone) END AS clock
    FROM stock_lots
    WHERE snapshot_at <= :as_of AND snapshot_at > :as_of - INTERVAL 400 DAYS
),
days AS (
    SELECT *, to_date(clock) AS counted_on, CASE WHEN has_hour THEN to_date(clock - INTERVAL 6 HOURS) ELSE to_date(clock) END AS day
    FROM dated
),
held AS (
    -- the last day whose moves without an hour are in the count: those of its own day, or of the evening before where it was counted
    -- before 6. A count in the middle of a day holds a part of them: all are taken to be in it, for none may count twice.
    SELECT *, CASE WHEN has_hour OR :counts_hold_their_day THEN day ELSE date_sub(day, 1) END AS last_day
    FROM days
),
counted_lots AS (
    -- `last_day` and `snapshot_at` come first: of two counts the greater is the newer, and of one day the one with an hour. The count of an
    -- evening that is dated by its day alone is newer than the one of half past midnight of that day, which belongs to the evening before;
    -- the count of a morning (count_time) is older. `until` is a number of days since 1970
    SELECT location_id, product_id, units, coalesce(expires_at, TIMESTAMP '9999-12-31 00:00:00') AS expires_at, is_partial, snapshot_at,
        struct(last_day, snapshot_at, day, counted_on, has_hour,
            CASE WHEN has_hour THEN try_divide(unix_micros(clock), 86400000000D) ELSE unix_date(last_day) + 1D END AS until) AS count
    FROM held
),
stock_counts AS (
    -- of each location the newest count, and the newest that says 0 of what it does not name. A location that was not counted since then
    -- has only counts that are too old, whatever they say
    SELECT location_id, max(count) AS newest, max(count) FILTER (WHERE NOT is_partial) AS whole,
        max(count.day) AS newest_day, max(count.day) FILTER (WHERE NOT is_partial) AS whole_day, bool_or(count.has_hour) AS has_hours
    FROM counted_lots
    WHERE snapshot_at >= :counts_since
    GROUP BY location_id
),
places AS (
    SELECT location_id, product_id
    FROM product_suppliers
    UNION
    SELECT location_id, product_id
    FROM unread
    WHERE dataset = 'store_product_supplier'
),
newest AS (
    -- most products are named on the newest day of their location, and its days before are not read for them
    SELECT lot.location_id, lot.product_id, max(lot.count) AS count,
        collect_list(struct(lot.snapshot_at, lot.expires_at, lot.units)) AS lots
    FROM counted_lots AS lot
    INNER JOIN stock_counts ON lot.location_id = stock_counts.location_id AND lot.count.counted_on >= stock_counts.newest_day
    WHERE lot.snapshot_at >= :counts_since
    GROUP BY lot.location_id, lot.product_id
),
others AS (
    -- asks for all that `joined` asks for, so that Spark makes it once
    SELECT places.location_id, places.product_id
    FROM places
    LEFT JOIN newest ON places.location_id = newest.location_id AND places.product_id = newest.product_id
    WHERE newest.count IS NULL AND newest.lots IS NULL
),
counts_before AS (
    SELECT lot.location_id, lot.product_id, lot.count, collect_list(struct(lot.snapshot_at, lot.expires_at, lot.units)) AS lots
    FROM counted_lots AS lot
    LEFT SEMI JOIN others ON lot.location_id = others.location_id AND lot.product_id = others.product_id
    GROUP BY lot.location_id, lot.product_id, lot.count
),
before AS (
    SELECT location_id, product_id, max(count) AS count, max_by(lots, count) AS lots
    FROM counts_before
    GROUP BY location_id, product_id
),
joined AS (
    SELECT places.location_id, places.product_id, stock_counts.whole_day, coalesce(stock_counts.whole, stock_counts.newest) AS of_location,
        coalesce(newest.count, before.count) AS count, coalesce(newest.lots, before.lots) AS lots
    FROM places
    LEFT JOIN stock_counts ON places.location_id = stock_counts.location_id
    LEFT JOIN newest ON places.location_id = newest.location_id AND places.product_id = newest.product_id
    LEFT JOIN before ON places.location_id = before.location_id AND places.product_id = before.product_id
),
named AS (
    SELECT *, CASE WHEN count IS NULL AND of_location IS NULL THEN 'no_count'
        WHEN count IS NULL THEN 'never_counted'
        WHEN whole_day IS NULL OR count.day >= whole_day OR count >= of_location OR :absent = 'last' THEN 'counted'
        WHEN :absent = 'zero' THEN 'absent'
        ELSE 'judged' END AS status
    FROM joined
),
counts AS (
    SELECT location_id, product_id, status,
        -- from `count` on its lots are rolled, from `base` on what is there
        CASE WHEN status IN ('counted', 'judged') THEN count ELSE of_location END AS count,
        CASE WHEN status = 'counted' THEN count ELSE of_location END AS base,
        -- of several counts on a day the product's last one
        CASE WHEN status IN ('counted', 'judged') THEN array_sort(transform(filter(lots, lot -> lot.snapshot_at = count.snapshot_at),
            lot -> struct(lot.expires_at, lot.units))) END AS lots
    FROM named
),
moves AS (
    SELECT location_id, product_id, sold_at AS at, units AS sold, 0D AS spoiled, 0D AS received, false AS is_receipt
    FROM sales
    WHERE sold_at >= :moves_since AND sold_at <= :as_of
    UNION ALL
    SELECT location_id, product_id, sold_at, 0D, units, 0D, false
    FROM spoilage
    WHERE sold_at >= :moves_since AND sold_at <= :as_of
    UNION ALL
    SELECT location_id, product_id, received_at, 0D, 0D, units, true
    FROM receipts
    WHERE received_at >= :moves_since AND received_at <= :as_of
),
moved AS (
    SELECT *, at = date_trunc('DAY', at) AS is_day,
        CASE WHEN at = date_trunc('DAY', at) THEN to_date(at) ELSE to_date(from_utc_timestamp(at, :zone)) END AS day
    FROM moves
),
sums AS (
    -- the hours matter where counts have some; more returned than sold comes back into the stock. What was received has rows of its own,
    -- because it comes before what is sold on its day, whatever hour it was booked at
    SELECT moved.location_id, moved.product_id, moved.day, CASE WHEN NOT moved.is_day AND stock_counts.has_hours THEN moved.at END AS at,
        sum(moved.received) + greatest(0D, - sum(moved.sold)) AS received, greatest(0D, sum(moved.sold)) AS sold,
        greatest(0D, sum(moved.spoiled)) AS spoiled
    FROM moved
    LEFT JOIN stock_counts ON moved.location_id = stock_counts.location_id
    WHERE moved.is_receipt OR NOT moved.is_day OR moved.day < to_date(:as_of)
    GROUP BY 1, 2, 3, 4, moved.is_receipt
),
of_place AS (
    SELECT location_id, product_id, array_sort(collect_list(struct(day, received = 0 AS is_out, at, received, sold, spoiled))) AS moves
    FROM sums
    GROUP BY location_id, product_id
),
both AS (
    SELECT counts.*,
        -- a count of the day of :as_of that holds its whole day has nothing after it
        CASE WHEN base.has_hour OR base.last_day < to_date(:as_of) OR (status = 'judged' AND exists(lots, lot -> lot.units > 0))
            THEN transform(of_place.moves, move -> struct(move.day, move.at, move.received, move.sold, move.spoiled,
                CASE WHEN move.at IS NULL OR NOT count.has_hour THEN move.day > count.last_day ELSE move.at > count.snapshot_at END
                    AS is_after_count,
                CASE WHEN move.at IS NULL OR NOT base.has_hour THEN move.day > base.last_day ELSE move.at > base.snapshot_at END
                    AS is_after_base))
            END AS moves,
        -- moves of the day of the count that are taken to be in it, for nobody knows the hours
        coalesce(exists(of_place.moves, move -> (move.at IS NULL OR NOT base.has_hour) AND move.day = base.counted_on
            AND move.day <= base.last_day), false) AS is_day_taken
    FROM counts
    LEFT JOIN of_place ON counts.location_id = of_place.location_id AND counts.product_id = of_place.product_id
),
final AS (
    SELECT location_id, product_id, status, count, base, lots,
        transform(filter(moves, move -> move.is_after_count),
            -- a lot can be sold until it expires, by the location's clock, and on a day without hours where it does not expire at its start
            move -> struct(coalesce(from_utc_timestamp(move.at, :zone), TIMESTAMP(move.day)) AS at, move.is_after_base, move.received, move.sold,
                move.spoiled)) AS moves,
        is_day_taken
    FROM both
)
SELECT * FROM final
