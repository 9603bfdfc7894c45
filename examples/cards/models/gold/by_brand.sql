/* ---
description: Cards of each brand and type, and what they may be charged.
expect:
  - unique: [brand, type]
    then: fail
--- */
SELECT brand, type, count(*) AS cards, count(DISTINCT client_id) AS clients, sum(credit_limit) AS credit,
       round(avg(credit_limit), 2) AS limit_avg, median(credit_limit) AS limit_median, max(credit_limit) AS limit_max,
       count(*) FILTER (WHERE has_chip) AS with_chip
FROM silver.cards
GROUP BY ALL
ORDER BY brand, type
