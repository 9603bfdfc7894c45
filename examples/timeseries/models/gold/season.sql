/* ---
description: How far each hour of the day is from the trend, on average.
--- */
WITH hours AS (
  SELECT sensor, ts, value, date_diff('second', min(ts) OVER (PARTITION BY sensor), ts) / 3600 AS hour
  FROM silver.readings
)
SELECT sensor, CAST(extract('hour' FROM ts) AS INTEGER) AS hour_of_day, avg(value - intercept - slope * hour) AS season
FROM hours JOIN gold.trend USING (sensor)
GROUP BY ALL
ORDER BY sensor, hour_of_day
