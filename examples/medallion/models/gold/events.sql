/* ---
description: Each event once, however often it was sent.
materialized: incremental
over: silver.events
key: [id]
schedule: "@daily"
partition_by: [type, day(created_at)]
expect:
  - unique: id
    then: fail
--- */
SELECT id, type, actor, repo, created_at FROM silver.events
