/* ---
description: The straight line through the readings of each sensor, by hours since its first one.
--- */
WITH hours AS (
  SELECT sensor, value, date_diff('second', min(ts) OVER (PARTITION BY sensor), ts) / 3600 AS hour FROM silver.readings
)
SELECT sensor, regr_slope(value, hour) AS slope, regr_intercept(value, hour) AS intercept, regr_r2(value, hour) AS r2,
       count(*) AS readings
FROM hours
GROUP BY sensor
ORDER BY sensor
