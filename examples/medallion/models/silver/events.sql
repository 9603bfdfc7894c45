/* ---
description: One flat row an event, as often as it was sent.
materialized: incremental
over: bronze.raw_events
schedule: "@hourly"
partition_by: [hour(created_at)]
expect:
  - id IS NOT NULL: quarantine
  - type IS NOT NULL: quarantine
--- */
SELECT id, type, actor.id AS actor_id, actor.login AS actor, repo.id AS repo_id, repo.name AS repo, public, created_at
FROM bronze.raw_events
