-- ---
-- materialized: table
-- description: How many people registered in each month.
-- ---
SELECT date_trunc('month', registered_date) AS month, gender, count(*) AS users
FROM silver.users
GROUP BY ALL
ORDER BY month, gender
