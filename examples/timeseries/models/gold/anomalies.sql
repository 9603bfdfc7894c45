/* ---
description: Each reading as trend + season + rest; odd is a rest of more than four standard deviations.
expect:
  - NOT is_anomaly: warn
--- */
WITH hours AS (
  SELECT sensor, ts, value, date_diff('second', min(ts) OVER (PARTITION BY sensor), ts) / 3600 AS hour
  FROM silver.readings
), parts AS (
  SELECT sensor, ts, value, intercept + slope * hour AS trend, season, value - (intercept + slope * hour) - season AS rest
  FROM hours
  JOIN gold.trend USING (sensor)
  JOIN gold.season USING (sensor)
  WHERE hour_of_day = extract('hour' FROM ts)
)
SELECT *, rest / stddev_samp(rest) OVER (PARTITION BY sensor) AS score,
       abs(rest) > 4 * stddev_samp(rest) OVER (PARTITION BY sensor) AS is_anomaly
FROM parts
ORDER BY sensor, ts
