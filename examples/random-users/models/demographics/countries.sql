-- ---
-- materialized: table
-- description: Where they live.
-- ---
SELECT country, count(*) AS users, count(DISTINCT state) AS states
FROM silver.users
GROUP BY country
ORDER BY users DESC, country
