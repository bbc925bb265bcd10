-- Alerts: observations for a person to review. No box, no frame, no track: nothing here finds a person.

CREATE TABLE IF NOT EXISTS alerts
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
PARTITION BY toDate(start)
ORDER BY (store_id, camera_id, alert_id)
TTL least(toDateTime(expires_at), toDateTime(start) + INTERVAL 30 DAY) DELETE
COMMENT 'items: observations for review, without pictures or boxes | scope: console | purpose: crime prevention | responsible: store manager';

-- When each alert came first. Replacing keeps the row that came last, which would make every replay look slow.
CREATE TABLE IF NOT EXISTS alert_arrivals
(
    store_id   LowCardinality(String),
    alert_id   String,
    start      DateTime64(6, 'UTC'),
    utc_time   SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    arrived_at SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    expires_at SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(start)
ORDER BY (store_id, start, alert_id)
TTL least(toDateTime(expires_at), toDateTime(start) + INTERVAL 30 DAY) DELETE
COMMENT 'items: when alerts arrived | scope: on-call, measurements | purpose: operation | responsible: on-call engineer';

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_arrivals_view TO alert_arrivals
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT store_id, alert_id, start, utc_time, inserted_at AS arrived_at, expires_at FROM alerts;
