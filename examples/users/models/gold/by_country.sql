/* ---
description: Where they live.
expect:
  - users > 0: fail
--- */
SELECT country, country_code, region, count(*) AS users, count(DISTINCT state) AS states
FROM silver.users
GROUP BY ALL
ORDER BY users DESC, country
