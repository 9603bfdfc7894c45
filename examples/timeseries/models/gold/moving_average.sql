/* ---
description: Of each reading the average of the day that ends with it, and how many readings that is.
--- */
SELECT sensor, ts, value, avg(value) OVER day AS average, count(*) OVER day AS readings
FROM silver.readings
WINDOW day AS (PARTITION BY sensor ORDER BY ts RANGE BETWEEN INTERVAL 23 HOUR PRECEDING AND CURRENT ROW)
ORDER BY sensor, ts
