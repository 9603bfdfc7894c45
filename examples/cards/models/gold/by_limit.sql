/* ---
description: Cards by what they may be charged, in bands.
--- */
SELECT
  CASE WHEN credit_limit = 0 THEN '0' WHEN credit_limit < 5000 THEN '1 to 4,999' WHEN credit_limit < 10000 THEN '5,000 to 9,999'
       WHEN credit_limit < 25000 THEN '10,000 to 24,999' ELSE '25,000 and more' END AS band,
  min(credit_limit) AS limit_min, count(*) AS cards, count(DISTINCT client_id) AS clients, sum(credit_limit) AS credit
FROM silver.cards
GROUP BY band
ORDER BY limit_min
