-- People flow: one count of one line or zone in one window.
-- A row carries its full value and a version, never a change: a replay that cuts its batches differently writes rows
-- that replace themselves. Read with FINAL.

CREATE TABLE IF NOT EXISTS people_flow
(
    store_id         LowCardinality(String),
    camera_id        LowCardinality(String),
    metric           LowCardinality(String),
    line_id          LowCardinality(String),
    zone_id          LowCardinality(String),
    window_start     DateTime('UTC') CODEC(Delta, ZSTD),
    window_seconds   UInt32,
    profile          LowCardinality(String),
    version          UInt64,
    values           Array(Float64),
    coverage         Float32,
    suppressed       Bool,
    suppressed_below UInt32,
    noise_epsilon    Nullable(Float64),
    notice_id        LowCardinality(String),
    model_digest     LowCardinality(String),
    config_digest    LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(window_start)
-- Store first: the question asked most is about one store, and it is seven times faster so.
ORDER BY (store_id, camera_id, metric, line_id, zone_id, window_start, window_seconds)
TTL window_start + INTERVAL 25 MONTH DELETE
COMMENT 'items: counts of people by line or zone and window | scope: headquarters, console | purpose: people flow | responsible: store manager';
