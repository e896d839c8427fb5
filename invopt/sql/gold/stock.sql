-- One row per location and product of an item: what can still be sold at :as_of, and the lots that expire, from its count rolled forward.
WITH said AS (
    -- what the calendar says of past days: a newer one that no longer names a day does not open it afterwards
    SELECT location_id, unix_date(to_date(day)) AS day, coalesce(is_closed, false) AS is_closed
    FROM calendar
    WHERE source_id = '' AND (absent_since IS NULL OR to_date(day) < absent_since) AND day >= :moves_since AND day < :as_of
),
known AS (
    -- the days whose sales are known, as numbers since 1970: those that a location has delivered, and those on which it was closed;
    -- the day of :as_of is not over
    SELECT location_id, collect_set(CASE WHEN NOT is_open THEN day END) AS days, collect_set(CASE WHEN is_open THEN day END) AS open_days
    FROM (
        SELECT location_id, false AS is_open,
            unix_date(CASE WHEN sold_at = date_trunc('DAY', sold_at) THEN to_date(sold_at) ELSE to_date(from_utc_timestamp(sold_at, :zone)) END) AS day
        FROM sales
        WHERE sold_at >= :moves_since AND sold_at <= :as_of
        UNION ALL
        SELECT location_id, NOT is_closed AS is_open, day
        FROM said
        WHERE location_id <> ''
    )
    WHERE day > unix_date(to_date(:moves_since)) AND day < unix_date(to_date(:as_of))
    GROUP BY location_id
),
closed_everywhere AS (
    -- one row, as for `fed`: the days on which every location was closed that is not said to be open
    SELECT collect_set(day) AS closed_days
    FROM said
    WHERE location_id = '' AND is_closed AND day > unix_date(to_date(:moves_since)) AND day < unix_date(to_date(:as_of))
),
fed AS (
    -- one row: whether sales were ever delivered; where none were, counts are all that is known
    SELECT count(*) > 0 AS is_fed
    FROM (SELECT 1 FROM sales WHERE sold_at <= :as_of LIMIT 1)
),
joined AS (
    SELECT counted.*, fed.is_fed,
        array_union(coalesce(known.days, array()), array_except(closed_days, coalesce(known.open_days, array()))) AS days
    FROM counted
    CROSS JOIN fed
    CROSS JOIN closed_everywhere
    LEFT JOIN known ON counted.location_id = known.location_id
),
rolled AS (
    -- of each day first what came, which does not expire; then what was sold, of lots that expire later, the first expired first;
    -- then what was spoiled, of expired lots too; no lot has less than 0
    SELECT *, CASE WHEN lots IS NULL OR moves IS NULL THEN lots ELSE aggregate(
        filter(moves, move -> status = 'counted' OR NOT move.is_after_base),
        lots,
        (sofar, move) -> aggregate(
            aggregate(
                CASE WHEN move.received > 0 THEN concat(sofar, array(struct(TIMESTAMP '9999-12-31 00:00:00' AS expires_at, move.received AS units)))
                    ELSE sofar END,
                struct(move.sold AS open, slice(lots, 1, 0) AS lots),
                (after, lot) -> struct(
                    after.open - CASE WHEN lot.expires_at > move.at THEN least(after.open, lot.units) ELSE 0D END AS open,
                    concat(after.lots, array(struct(lot.expires_at AS expires_at,
                        lot.units - CASE WHEN lot.expires_at > move.at THEN least(after.open, lot.units) ELSE 0D END AS units))) AS lots),
                after -> after.lots),
            struct(move.spoiled AS open, slice(lots, 1, 0) AS lots),
            (after, lot) -> struct(after.open - least(after.open, lot.units) AS open,
                concat(after.lots, array(struct(lot.expires_at AS expires_at, lot.units - least(after.open, lot.units) AS units))) AS lots),
            after -> after.lots)) END AS left_lots
    FROM joined
),
live AS (
    SELECT *, CASE WHEN status = 'counted' THEN filter(left_lots, lot -> lot.expires_at > :as_of AND lot.units > 0) END AS live_lots
    FROM rolled
),
final AS (
    SELECT location_id, product_id, status AS stock_status, base.snapshot_at, base.counted_on,
        coalesce(datediff(:as_of, base.counted_on) > :stock_max_age, true) AS is_stock_stale,
        CASE WHEN status = 'counted' THEN aggregate(live_lots, 0D, (sum, lot) -> sum + lot.units)
            -- nothing was there at the base: what is there came since
            ELSE aggregate(coalesce(filter(moves, move -> move.is_after_base), array()), 0D,
                (sum, move) -> greatest(0D, sum + move.received - move.sold - move.spoiled))
        END AS on_hand,
        -- only lots that may expire within a lead time matter one by one
        array_sort(transform(filter(coalesce(live_lots, array()), lot -> lot.expires_at <= :as_of + INTERVAL 400 DAYS),
            lot -> struct(datediff(lot.expires_at, :as_of) AS days_left, lot.units))) AS expiring_lots,
        is_day_taken,
        -- the whole days since the count whose sales its location has not delivered, in a chain that delivers sales
        CASE WHEN status = 'counted' AND is_fed THEN array_except(CASE WHEN datediff(:as_of, base.last_day) > 1
            THEN sequence(unix_date(base.last_day) + 1, unix_date(to_date(:as_of)) - 1) ELSE slice(days, 1, 0) END, days) END AS unsold_days,
        -- what would be there at the count that does not name it, and the days until then whose sales are not known
        CASE WHEN status = 'judged' THEN aggregate(left_lots, 0D, (sum, lot) ->
            sum + CASE WHEN try_divide(unix_micros(lot.expires_at), 86400000000D) > base.until THEN lot.units ELSE 0D END) END AS units_expected,
        CASE WHEN status = 'judged' THEN greatest(0D, base.until - count.until - aggregate(days, 0D, (sum, day) ->
            sum + greatest(0D, least(base.until, day + 1D) - greatest(count.until, DOUBLE(day))))) END AS days_unknown
    FROM live
)
SELECT * FROM final
