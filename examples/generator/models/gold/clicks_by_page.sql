-- ---
-- materialized: table
-- description: What pages people click on, and how long they stay.
-- ---
SELECT page, count(*) AS clicks, count(DISTINCT user_id) AS visitors, round(avg(dwell_ms)) AS dwell_ms_avg
FROM silver.clicks
GROUP BY ALL
ORDER BY clicks DESC
