/* ---
description: How many events of each type each day had, by how many people, in how many repositories.
schedule: "@daily"
partition_by: [type, day]
--- */
SELECT type, CAST(created_at AS DATE) AS day, count(*) AS events, count(DISTINCT actor) AS actors,
       count(DISTINCT repo) AS repos, min(created_at) AS first_at, max(created_at) AS last_at
FROM gold.events
GROUP BY ALL
ORDER BY day, type
