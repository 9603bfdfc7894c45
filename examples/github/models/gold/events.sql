-- ---
-- materialized: incremental
-- over: silver.events
-- key: [id]
-- partition_by: [event_type, day(created_at)]
-- description: One flat row an event, where reports about one type or one day read only their own files.
-- expect:
--   - event_type IS NOT NULL: drop
-- ---
SELECT
  id,
  type AS event_type,
  created_at,
  actor.login AS actor,
  repo.name AS repository,
  org.login AS organisation
FROM silver.events
