/* ---
description: Users by gender, and how old they were when they came.
expect:
  - users > 0: fail
--- */
SELECT gender, count(*) AS users, round(avg(age_at_registration), 2) AS age_avg
FROM silver.users
GROUP BY ALL
ORDER BY users DESC, gender
