-- Rollups: by hour and by day of the store, of each place and of each store. Every minute the spans in which a count came
-- since the last time are worked out anew, whole, from counts that replace themselves: a rollup is what its rows are now,
-- whatever came twice, late or out of order. (A sum that is kept as rows come in counts twice what a replay cuts anew.)
--
-- How it finds them: `computed_at` of the newest rollup, less two minutes, for what was being written at that moment.
-- Spans are taken of all stores together: few are open at a time, and a replay of old ones is seldom.
--
-- A rollup expires with the first row that is in it, and is dropped by partition as they are.
--
-- `values` are sums over the windows that were told, bin by bin or cell by cell: of occupancy and dwell_median divide by
-- `windows`. `last` is that of the last window told. Of coverage: `seen_seconds` of `seconds`.
--
-- `shown` is what a dashboard may see: how many people were counted at one place in one hour, where they were at least
-- ten, and no fewer than are told of anyway. Every larger number for dashboards is a sum of such cells and of nothing
-- else: what is left when one is taken from another is such cells again (R52).

CREATE TABLE IF NOT EXISTS people_flow_hourly
(
    store_id          LowCardinality(String),
    hour              DateTime('UTC') CODEC(DoubleDelta, ZSTD),
    camera_id         LowCardinality(String),
    metric            LowCardinality(String),
    line_id           LowCardinality(String),
    zone_id           LowCardinality(String),
    day               Date CODEC(DoubleDelta, ZSTD),
    profile           LowCardinality(String),
    windows           UInt32 CODEC(T64, ZSTD),
    suppressed        UInt32 CODEC(T64, ZSTD),
    withheld          UInt32 CODEC(T64, ZSTD),
    seconds           UInt32 CODEC(T64, ZSTD),
    seen_seconds      Float64 CODEC(ZSTD),
    values            Array(Float64) CODEC(ZSTD(3)),
    last              Nullable(Float64) CODEC(ZSTD),
    shown             Nullable(Float64) CODEC(ZSTD),
    suppressed_below  UInt32 CODEC(ZSTD),
    noise_mechanism   LowCardinality(String),
    noise_epsilon     Nullable(Float64) CODEC(ZSTD),
    noise_day_epsilon Nullable(Float64) CODEC(ZSTD),
    computed_at       DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    expires_at        DateTime('UTC') CODEC(DoubleDelta, ZSTD),
    INDEX by_computing computed_at TYPE minmax GRANULARITY 1024
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(expires_at)
ORDER BY (store_id, hour, camera_id, metric, line_id, zone_id, day)
TTL expires_at DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 14400
COMMENT 'items: counts of people by line, zone or part of the picture and hour | scope: headquarters, console | purpose: people flow | responsible: store manager';

CREATE MATERIALIZED VIEW IF NOT EXISTS people_flow_hourly_refresh
REFRESH EVERY 1 MINUTE APPEND TO people_flow_hourly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(computed_at) FROM people_flow_hourly) AS newest,
    least(newest, now64(3)) - INTERVAL 2 MINUTE AS since
SELECT
    store_id, toStartOfHour(window_start) AS hour, camera_id, metric, line_id, zone_id, day,
    if(uniqExact(source.profile) = 1, any(source.profile), 'mixed') AS profile,
    countIf(NOT source.suppressed) AS windows,
    countIf(source.suppressed) AS suppressed,
    sum(length(source.withheld)) AS withheld,
    sum(window_seconds) AS seconds,
    sum(source.coverage * window_seconds) AS seen_seconds,
    sumForEach(source.values) AS values,
    argMaxIf(source.values[1], window_start, notEmpty(source.values)) AS last,
    if(metric IN ('line_in', 'line_out', 'visitors') AND values[1] >= greatest(10, max(source.suppressed_below)), values[1], NULL) AS shown,
    max(source.suppressed_below) AS suppressed_below,
    any(source.noise_mechanism) AS noise_mechanism,
    sum(source.noise_epsilon) AS noise_epsilon,
    max(source.noise_day_epsilon) AS noise_day_epsilon,
    greatest(now64(3), newest + INTERVAL 1 MILLISECOND) AS computed_at,
    min(expires_at) AS expires_at
FROM people_flow AS source FINAL
WHERE toStartOfHour(window_start) IN (SELECT toStartOfHour(window_start) FROM people_flow WHERE inserted_at > since)
GROUP BY store_id, camera_id, metric, line_id, zone_id, hour, day
SETTINGS optimize_aggregation_in_order = 1, max_threads = 1, min_insert_block_size_rows = 100000, max_partitions_per_insert_block = 0;

CREATE TABLE IF NOT EXISTS people_flow_daily
(
    store_id          LowCardinality(String),
    day               Date CODEC(DoubleDelta, ZSTD),
    camera_id         LowCardinality(String),
    metric            LowCardinality(String),
    line_id           LowCardinality(String),
    zone_id           LowCardinality(String),
    profile           LowCardinality(String),
    windows           UInt32 CODEC(T64, ZSTD),
    suppressed        UInt32 CODEC(T64, ZSTD),
    withheld          UInt32 CODEC(T64, ZSTD),
    seconds           UInt32 CODEC(T64, ZSTD),
    seen_seconds      Float64 CODEC(ZSTD),
    values            Array(Float64) CODEC(ZSTD(3)),
    last              Nullable(Float64) CODEC(ZSTD),
    suppressed_below  UInt32 CODEC(ZSTD),
    noise_mechanism   LowCardinality(String),
    noise_epsilon     Nullable(Float64) CODEC(ZSTD),
    noise_day_epsilon Nullable(Float64) CODEC(ZSTD),
    computed_at       DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    expires_at        DateTime('UTC') CODEC(DoubleDelta, ZSTD),
    INDEX by_computing computed_at TYPE minmax GRANULARITY 1024
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(expires_at)
ORDER BY (store_id, day, camera_id, metric, line_id, zone_id)
TTL expires_at DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 14400
COMMENT 'items: counts of people by line, zone or part of the picture and day | scope: headquarters, console | purpose: people flow | responsible: store manager';

CREATE MATERIALIZED VIEW IF NOT EXISTS people_flow_daily_refresh
REFRESH EVERY 1 MINUTE DEPENDS ON people_flow_hourly_refresh APPEND TO people_flow_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(computed_at) FROM people_flow_daily) AS newest,
    least(newest, now64(3)) - INTERVAL 2 MINUTE AS since
SELECT
    store_id, day, camera_id, metric, line_id, zone_id,
    if(uniqExact(source.profile) = 1, any(source.profile), 'mixed') AS profile,
    sum(source.windows) AS windows,
    sum(source.suppressed) AS suppressed,
    sum(source.withheld) AS withheld,
    sum(source.seconds) AS seconds,
    sum(source.seen_seconds) AS seen_seconds,
    sumForEach(source.values) AS values,
    argMaxIf(source.last, hour, source.last IS NOT NULL) AS last,
    max(source.suppressed_below) AS suppressed_below,
    any(source.noise_mechanism) AS noise_mechanism,
    sum(source.noise_epsilon) AS noise_epsilon,
    max(source.noise_day_epsilon) AS noise_day_epsilon,
    greatest(now64(3), newest + INTERVAL 1 MILLISECOND) AS computed_at,
    min(expires_at) AS expires_at
FROM people_flow_hourly AS source FINAL
WHERE day IN (SELECT day FROM people_flow_hourly WHERE computed_at > since)
GROUP BY store_id, day, camera_id, metric, line_id, zone_id
SETTINGS optimize_aggregation_in_order = 1, max_threads = 1, min_insert_block_size_rows = 100000, max_partitions_per_insert_block = 0;

CREATE TABLE IF NOT EXISTS store_hourly
(
    store_id     LowCardinality(String),
    hour         DateTime('UTC') CODEC(DoubleDelta, ZSTD),
    day          Date CODEC(DoubleDelta, ZSTD),
    come         Float64 CODEC(ZSTD),
    go           Float64 CODEC(ZSTD),
    come_shown   Nullable(Float64) CODEC(ZSTD),
    go_shown     Nullable(Float64) CODEC(ZSTD),
    windows      UInt32 CODEC(T64, ZSTD),
    suppressed   UInt32 CODEC(T64, ZSTD),
    seconds      UInt32 CODEC(T64, ZSTD),
    seen_seconds Float64 CODEC(ZSTD),
    computed_at  DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    expires_at   DateTime('UTC') CODEC(DoubleDelta, ZSTD)
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(expires_at)
ORDER BY (store_id, hour, day)
TTL expires_at DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 14400
COMMENT 'items: how many people came and went by store and hour | scope: headquarters, console | purpose: people flow | responsible: store manager';

CREATE MATERIALIZED VIEW IF NOT EXISTS store_hourly_refresh
REFRESH EVERY 1 MINUTE DEPENDS ON people_flow_hourly_refresh APPEND TO store_hourly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(computed_at) FROM store_hourly) AS newest,
    least(newest, now64(3)) - INTERVAL 2 MINUTE AS since
SELECT
    store_id, hour, day,
    sumIf(source.values[1], metric = 'line_in') AS come,
    sumIf(source.values[1], metric = 'line_out') AS go,
    sumIf(source.shown, metric = 'line_in') AS come_shown,
    sumIf(source.shown, metric = 'line_out') AS go_shown,
    sum(source.windows) AS windows,
    sum(source.suppressed) AS suppressed,
    sum(source.seconds) AS seconds,
    sum(source.seen_seconds) AS seen_seconds,
    greatest(now64(3), newest + INTERVAL 1 MILLISECOND) AS computed_at,
    min(expires_at) AS expires_at
FROM people_flow_hourly AS source FINAL
WHERE hour IN (SELECT hour FROM people_flow_hourly WHERE computed_at > since) AND metric IN ('line_in', 'line_out')
GROUP BY store_id, hour, day
SETTINGS optimize_aggregation_in_order = 1, max_threads = 1, min_insert_block_size_rows = 100000, max_partitions_per_insert_block = 0;

CREATE TABLE IF NOT EXISTS store_daily
(
    store_id     LowCardinality(String),
    day          Date CODEC(DoubleDelta, ZSTD),
    come         Float64 CODEC(ZSTD),
    go           Float64 CODEC(ZSTD),
    windows      UInt32 CODEC(T64, ZSTD),
    suppressed   UInt32 CODEC(T64, ZSTD),
    seconds      UInt32 CODEC(T64, ZSTD),
    seen_seconds Float64 CODEC(ZSTD),
    computed_at  DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    expires_at   DateTime('UTC') CODEC(DoubleDelta, ZSTD)
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(expires_at)
ORDER BY (store_id, day)
TTL expires_at DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 14400
COMMENT 'items: how many people came and went by store and day | scope: headquarters, console | purpose: people flow | responsible: store manager';

CREATE MATERIALIZED VIEW IF NOT EXISTS store_daily_refresh
REFRESH EVERY 1 MINUTE DEPENDS ON store_hourly_refresh APPEND TO store_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS WITH
    (SELECT max(computed_at) FROM store_daily) AS newest,
    least(newest, now64(3)) - INTERVAL 2 MINUTE AS since
SELECT
    store_id, day,
    sum(source.come) AS come,
    sum(source.go) AS go,
    sum(source.windows) AS windows,
    sum(source.suppressed) AS suppressed,
    sum(source.seconds) AS seconds,
    sum(source.seen_seconds) AS seen_seconds,
    greatest(now64(3), newest + INTERVAL 1 MILLISECOND) AS computed_at,
    min(expires_at) AS expires_at
FROM store_hourly AS source FINAL
WHERE day IN (SELECT day FROM store_hourly WHERE computed_at > since)
GROUP BY store_id, day
SETTINGS optimize_aggregation_in_order = 1, max_threads = 1, min_insert_block_size_rows = 100000, max_partitions_per_insert_block = 0;
