-- What a dashboard may ask: these views, and no table. Each number in them is a sum of cells of ten people at least (see
-- 0007), so that however somebody groups, filters or subtracts, nothing about fewer comes out. An hour shows when it has
-- been over for an hour: while it grows, each look would tell how many came since the last.
--
-- The user of a dashboard changes no settings (readonly = 1): one of them would put a filter on the tables below a view.

CREATE VIEW IF NOT EXISTS dashboard_flow_hourly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT store_id, hour, day, camera_id, metric, line_id, zone_id, shown AS people, seen_seconds / seconds AS coverage
FROM people_flow_hourly FINAL
WHERE metric IN ('line_in', 'line_out', 'visitors') AND hour <= now() - INTERVAL 2 HOUR
COMMENT 'items: counts of at least ten people by place and hour | scope: dashboards | purpose: people flow | responsible: store manager';

CREATE VIEW IF NOT EXISTS dashboard_flow_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT store_id, day, camera_id, metric, line_id, zone_id, sum(people) AS people, avg(coverage) AS coverage
FROM dashboard_flow_hourly
GROUP BY store_id, day, camera_id, metric, line_id, zone_id
COMMENT 'items: sums of counts of at least ten people by place and day | scope: dashboards | purpose: people flow | responsible: store manager';

CREATE VIEW IF NOT EXISTS dashboard_store_hourly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT store_id, hour, day, come_shown AS come, go_shown AS go, seen_seconds / seconds AS coverage
FROM store_hourly FINAL
WHERE hour <= now() - INTERVAL 2 HOUR
COMMENT 'items: sums of counts of at least ten people by store and hour | scope: dashboards | purpose: people flow | responsible: store manager';

CREATE VIEW IF NOT EXISTS dashboard_store_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT store_id, day, sum(come) AS come, sum(go) AS go, avg(coverage) AS coverage
FROM dashboard_store_hourly
GROUP BY store_id, day
COMMENT 'items: sums of counts of at least ten people by store and day | scope: dashboards | purpose: people flow | responsible: store manager';
