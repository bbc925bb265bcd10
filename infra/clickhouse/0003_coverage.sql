-- Coverage: how much of each window was seen, so that no number pretends.

CREATE TABLE IF NOT EXISTS coverage
(
    store_id        LowCardinality(String),
    camera_id       LowCardinality(String),
    window_start    DateTime('UTC') CODEC(Delta, ZSTD),
    window_seconds  UInt32,
    profile         LowCardinality(String),
    version         UInt64,
    frames_expected UInt32,
    frames_analysed UInt32,
    stills          UInt32,
    skipped         UInt32,
    erased          UInt32,
    late            UInt32,
    people_tracked  UInt32,
    notice_id       LowCardinality(String),
    model_digest    LowCardinality(String),
    config_digest   LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(window_start)
ORDER BY (store_id, camera_id, window_start, window_seconds)
TTL window_start + INTERVAL 25 MONTH DELETE
COMMENT 'items: frames seen and people counted by camera and window | scope: headquarters, console, on-call | purpose: people flow | responsible: store manager';
