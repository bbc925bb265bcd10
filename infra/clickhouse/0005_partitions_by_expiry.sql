-- Tables in partitions by when their rows expire, so that a partition can be dropped as soon as its last row has
-- expired: nothing is picked out by name, and nothing waits for a merge. Alerts: six hours to a partition, so the first
-- row of one waits six hours for the last, well within the 24 h of R21. Counts say nothing of anyone: a month to a
-- partition, and TTL takes their rows day by day meanwhile.
--
-- Each table is copied, exchanged, and copied once more, since recording may have written meanwhile: a row that comes
-- twice replaces itself. Cut off anywhere and run again, this loses nothing: what it finds under the second name, a copy
-- that was not finished or the old table after the exchange, is copied back before it is dropped. Only an insert that is
-- under way at the very moment of the exchange could be missed: stop recording where you can.
--
-- A month of alerts has 120 partitions, more than the engine takes in one insert unless it is told to.
--
-- old_parts_lifetime and the rest: what was dropped or merged away leaves the disk within a minute, not after eight.

DROP VIEW IF EXISTS alert_arrivals_view SYNC;

CREATE TABLE IF NOT EXISTS alerts_0005 AS alerts;
INSERT INTO alerts SELECT * FROM alerts_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS alerts_0005 SYNC;
CREATE TABLE IF NOT EXISTS alerts_0005
(
    alert_id         String,
    store_id         LowCardinality(String),
    camera_id        LowCardinality(String),
    utc_time         DateTime64(6, 'UTC'),
    start            DateTime64(6, 'UTC'),
    end              DateTime64(6, 'UTC'),
    expires_at       DateTime64(6, 'UTC'),
    category         LowCardinality(String),
    observation      LowCardinality(String),
    zone_id          LowCardinality(String),
    line_id          LowCardinality(String),
    numbers          Map(LowCardinality(String), Float64),
    rarity_one_in    Nullable(Float64),
    rarity_n         Nullable(UInt32),
    usefulness_share Nullable(Float64),
    usefulness_low   Nullable(Float64),
    usefulness_high  Nullable(Float64),
    usefulness_n     Nullable(UInt32),
    score            Float64,
    threshold        Float64,
    assertion_level  LowCardinality(String),
    explanations     Array(LowCardinality(String)),
    notice_id        LowCardinality(String),
    model_digest     LowCardinality(String),
    config_digest    LowCardinality(String),
    inserted_at      DateTime64(6, 'UTC') DEFAULT now64(6)
)
-- The same alert has the same id and start; the one that reaches further is the newer.
ENGINE = ReplacingMergeTree(end)
PARTITION BY toStartOfInterval(expires_at, INTERVAL 6 HOUR)
ORDER BY (store_id, camera_id, alert_id)
TTL toDateTime(expires_at) DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 3600
COMMENT 'items: observations for review, without pictures or boxes | scope: console | purpose: crime prevention | responsible: store manager';
-- As the old table's TTL had it, whatever a row says.
INSERT INTO alerts_0005 SELECT * REPLACE (least(expires_at, start + INTERVAL 30 DAY) AS expires_at) FROM alerts
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES alerts AND alerts_0005;
INSERT INTO alerts SELECT * REPLACE (least(expires_at, start + INTERVAL 30 DAY) AS expires_at) FROM alerts_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS alerts_0005 SYNC;

-- When each alert came first. Replacing keeps the row that came last, which would make every replay look slow.
CREATE TABLE IF NOT EXISTS alert_arrivals_0005 AS alert_arrivals;
INSERT INTO alert_arrivals SELECT * FROM alert_arrivals_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS alert_arrivals_0005 SYNC;
CREATE TABLE IF NOT EXISTS alert_arrivals_0005
(
    store_id   LowCardinality(String),
    alert_id   String,
    start      DateTime64(6, 'UTC'),
    utc_time   SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    arrived_at SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    expires_at SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
PARTITION BY toStartOfInterval(expires_at, INTERVAL 6 HOUR)
ORDER BY (store_id, start, alert_id)
TTL toDateTime(expires_at) DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 3600
COMMENT 'items: when alerts arrived | scope: on-call, measurements | purpose: operation | responsible: on-call engineer';
INSERT INTO alert_arrivals_0005 SELECT * REPLACE (least(expires_at, start + INTERVAL 30 DAY) AS expires_at) FROM alert_arrivals
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES alert_arrivals AND alert_arrivals_0005;
INSERT INTO alert_arrivals SELECT * REPLACE (least(expires_at, start + INTERVAL 30 DAY) AS expires_at) FROM alert_arrivals_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS alert_arrivals_0005 SYNC;

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_arrivals_view TO alert_arrivals
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT store_id, alert_id, start, utc_time, inserted_at AS arrived_at, expires_at FROM alerts;
-- What came while there was no view: when an alert came first stays as it was.
INSERT INTO alert_arrivals SELECT store_id, alert_id, start, utc_time, inserted_at, expires_at FROM alerts
SETTINGS max_partitions_per_insert_block = 0;

-- Older counts know no expiry: they get the longest.
ALTER TABLE people_flow ADD COLUMN IF NOT EXISTS expires_at DateTime('UTC') DEFAULT window_start + INTERVAL 761 DAY;
CREATE TABLE IF NOT EXISTS people_flow_0005 AS people_flow;
INSERT INTO people_flow SELECT * FROM people_flow_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS people_flow_0005 SYNC;
CREATE TABLE IF NOT EXISTS people_flow_0005
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
    config_digest    LowCardinality(String),
    expires_at       DateTime('UTC') DEFAULT window_start + INTERVAL 761 DAY CODEC(Delta, ZSTD),
    INDEX by_window window_start TYPE minmax GRANULARITY 1024
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(expires_at)
-- Store first: the question asked most is about one store, and it is seven times faster so.
ORDER BY (store_id, camera_id, metric, line_id, zone_id, window_start, window_seconds)
TTL expires_at DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 14400
COMMENT 'items: counts of people by line or zone and window | scope: headquarters, console | purpose: people flow | responsible: store manager';
INSERT INTO people_flow_0005 SELECT * FROM people_flow
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES people_flow AND people_flow_0005;
INSERT INTO people_flow SELECT * FROM people_flow_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS people_flow_0005 SYNC;

ALTER TABLE coverage ADD COLUMN IF NOT EXISTS expires_at DateTime('UTC') DEFAULT window_start + INTERVAL 761 DAY;
CREATE TABLE IF NOT EXISTS coverage_0005 AS coverage;
INSERT INTO coverage SELECT * FROM coverage_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS coverage_0005 SYNC;
CREATE TABLE IF NOT EXISTS coverage_0005
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
    people_tracked  Nullable(UInt32),
    notice_id       LowCardinality(String),
    model_digest    LowCardinality(String),
    config_digest   LowCardinality(String),
    expires_at      DateTime('UTC') DEFAULT window_start + INTERVAL 761 DAY CODEC(Delta, ZSTD),
    INDEX by_window window_start TYPE minmax GRANULARITY 1024
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(expires_at)
ORDER BY (store_id, camera_id, window_start, window_seconds)
TTL expires_at DELETE
SETTINGS old_parts_lifetime = 30, cleanup_delay_period = 5, cleanup_delay_period_random_add = 5, max_cleanup_delay_period = 10, merge_with_ttl_timeout = 14400
COMMENT 'items: frames seen and people counted by camera and window | scope: headquarters, console, on-call | purpose: people flow | responsible: store manager';
INSERT INTO coverage_0005 SELECT * FROM coverage
SETTINGS max_partitions_per_insert_block = 0;
EXCHANGE TABLES coverage AND coverage_0005;
INSERT INTO coverage SELECT * FROM coverage_0005
SETTINGS max_partitions_per_insert_block = 0;
DROP TABLE IF EXISTS coverage_0005 SYNC;
