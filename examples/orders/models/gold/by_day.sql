/* ---
description: What came in each day, and how many days ago that was.
expect:
  - orders > 0: fail
  - rows: {min: 1, change: 50%}
  - drift: {column: amount, mean: 50%}
--- */
SELECT CAST(ts AS DATE) AS day, count(*) AS orders, sum(amount) AS amount,
       date_diff('day', CAST(ts AS DATE), current_date) AS days_ago
FROM silver.orders
GROUP BY ALL
ORDER BY day
