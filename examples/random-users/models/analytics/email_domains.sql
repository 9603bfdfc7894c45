-- ---
-- materialized: table
-- description: Where their mail goes.
-- ---
SELECT split_part(email, '@', 2) AS domain, count(*) AS users
FROM silver.users
GROUP BY domain
ORDER BY users DESC, domain
