/* ---
description: The same by state.
expect:
  - users > 0: fail
--- */
SELECT country, state, count(*) AS users
FROM silver.users
GROUP BY ALL
ORDER BY users DESC, country, state
