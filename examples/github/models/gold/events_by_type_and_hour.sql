-- ---
-- materialized: table
-- description: How much happened of each type in each hour, by how many people, in how many repositories.
-- expect:
--   - events > 0: fail
-- ---
SELECT
  type AS event_type,
  date_trunc('hour', created_at) AS hour,
  count(*) AS events,
  count(DISTINCT actor.login) AS people,
  count(DISTINCT repo.name) AS repositories
FROM silver.events
GROUP BY ALL
ORDER BY hour, events DESC, event_type
