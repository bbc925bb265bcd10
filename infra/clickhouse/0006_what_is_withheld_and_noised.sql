-- Counts say which of their values are withheld and how they were noised, on which day of the store they fall, and when
-- they came; each column is packed as suits it: half the bytes of before.
--
-- Copied as in 0005, with the same care. The day of older rows is that of UTC: the store's was not known. Blocks are
-- small, for this many columns take much memory.

ALTER TABLE people_flow ADD COLUMN IF NOT EXISTS day Date DEFAULT toDate(window_start);
ALTER TABLE people_flow ADD COLUMN IF NOT EXISTS withheld Array(UInt16);
ALTER TABLE people_flow ADD COLUMN IF NOT EXISTS noise_mechanism LowCardinality(String);
ALTER TABLE people_flow ADD COLUMN IF NOT EXISTS noise_day_epsilon Nullable(Float64);
ALTER TABLE people_flow ADD COLUMN IF NOT EXISTS noise_cells Nullable(UInt32);
ALTER TABLE people_flow ADD COLUMN IF NOT EXISTS inserted_at DateTime64(3, 'UTC') DEFAULT now64(3);
CREATE TABLE IF NOT EXISTS people_flow_0006 AS people_flow;
INSERT INTO people_flow SELECT * FROM people_flow_0006
SETTINGS max_partitions_per_insert_block = 0, max_threads = 1, min_insert_block_size_rows = 100000;
DROP TABLE IF EXISTS people_flow_0006 SYNC;
CREATE TABLE IF NOT EXISTS people_flow_0006
(
    store_id          LowCardinality(String),
    camera_id         LowCardinality(String),
    metric            LowCardinality(String),
    line_id           LowCardinality(String),
    zone_id           LowCardinality(String),
    window_start      DateTime('UTC') CODEC(DoubleDelta, ZSTD),
    window_seconds    UInt32 CODEC(ZSTD),
    profile           LowCardinality(String),
    version           UInt64 CODEC(T64, ZSTD),
    values            Array(Float64) CODEC(ZSTD(3)),
    coverage          Float32 CODEC(ZSTD),
    suppressed        Bool CODEC(ZSTD),
    suppressed_below  UInt32 CODEC(ZSTD),
    noise_epsilon     Nullable(Float64) CODEC(ZSTD),
    notice_id         LowCardinality(String),
    model_digest      LowCardinality(String),
    config_digest     LowCardinality(String),
    expires_at        DateTime('UTC') DEFAULT window_start + INTERVAL 761 DAY CODEC(DoubleDelta, ZSTD),
    day               Date DEFAULT toDate(window_start) CODEC(DoubleDelta, ZSTD),
    withheld          Array(UInt16) CODEC(ZSTD),
    noise_mechanism   LowCardinality(String),
    noise_day_epsilon Nullable(Float64) CODEC(ZSTD),
    noise_cells       Nullable(UInt32) CODEC(ZSTD),
    inserted_at       DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD),
    INDEX by_window window_start TYPE minmax GRANULARITY 1024,
    INDEX by_arrival inserted_at TYPE minmax GRANULARITY 1024
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(expires_at)
-- Store first: the question asked most is about one store, and it is seven times faster so.
ORDER BY (store_id, camera_id, metric, line_id, zone_id, window_start, window_seconds)
TTL expires_at DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 14400
COMMENT 'items: counts of people by line, zone or part of the picture and window | scope: headquarters, console | purpose: people flow | responsible: store manager';
INSERT INTO people_flow_0006 SELECT * FROM people_flow
SETTINGS max_partitions_per_insert_block = 0, max_threads = 1, min_insert_block_size_rows = 100000;
EXCHANGE TABLES people_flow AND people_flow_0006;
INSERT INTO people_flow SELECT * FROM people_flow_0006
SETTINGS max_partitions_per_insert_block = 0, max_threads = 1, min_insert_block_size_rows = 100000;
DROP TABLE IF EXISTS people_flow_0006 SYNC;

-- Of coverage only a column is new, with one value for all that is there: no copy.
ALTER TABLE coverage ADD COLUMN IF NOT EXISTS passed UInt32 CODEC(T64, ZSTD);
ALTER TABLE coverage MODIFY COLUMN IF EXISTS version UInt64 CODEC(T64, ZSTD);
ALTER TABLE coverage MODIFY COLUMN IF EXISTS window_start DateTime('UTC') CODEC(DoubleDelta, ZSTD);
ALTER TABLE coverage MODIFY COLUMN IF EXISTS frames_expected UInt32 CODEC(T64, ZSTD);
ALTER TABLE coverage MODIFY COLUMN IF EXISTS frames_analysed UInt32 CODEC(T64, ZSTD);
ALTER TABLE coverage MODIFY COLUMN IF EXISTS stills UInt32 CODEC(T64, ZSTD);
ALTER TABLE coverage MODIFY COLUMN IF EXISTS expires_at DateTime('UTC') DEFAULT window_start + INTERVAL 761 DAY CODEC(DoubleDelta, ZSTD);
