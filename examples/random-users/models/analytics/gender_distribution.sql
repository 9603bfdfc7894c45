-- ---
-- materialized: table
-- description: How many there are of each gender, and how old they are.
-- ---
SELECT gender, count(*) AS users, round(avg(age), 1) AS age_avg
FROM silver.users
GROUP BY gender
ORDER BY gender
