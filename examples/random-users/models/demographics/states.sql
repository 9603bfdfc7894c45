-- ---
-- materialized: table
-- description: The same by state.
-- ---
SELECT country, state, count(*) AS users
FROM silver.users
GROUP BY country, state
ORDER BY users DESC, country, state
